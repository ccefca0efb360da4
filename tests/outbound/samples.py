"""Meetings and letters for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.i18n import Language
from app.outbound.ics import Invite, Method, Person
from app.outbound.letters import AppointmentLetter, Occasion, Reader

START = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)


def a_meeting(**changes: Any) -> Invite:
    meeting = Invite(
        method=Method.REQUEST,
        uid="abc123@google.com",
        sequence=2,
        stamp=datetime(2026, 6, 1, 12, 0, 0, 5, tzinfo=UTC),
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        time_zone="Europe/Stockholm",
        summary="Intro call: Vera Visitor",
        description="We talk.",
        location="Room 5; north, upstairs",
        organizer=Person("calendar@crm.example", "Håkan Host"),
        visitor=Person("vera@example.com", "Vera Visitor"),
        guests=(Person("guest@example.com"),),
    )
    return replace(meeting, **changes)


def a_letter(**changes: Any) -> AppointmentLetter:
    letter = AppointmentLetter(
        occasion=Occasion.CONFIRMED,
        reader=Reader.VISITOR,
        language=Language.EN,
        time_zone="America/New_York",
        page_name="Intro call",
        host_name="Håkan Host",
        visitor_name="Vera Visitor",
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        reschedule_url="https://book.example/bookings/bkg_1/reschedule#token=t",
        cancel_url="https://book.example/bookings/bkg_1/cancel#token=t",
        invite=a_meeting(),
    )
    return replace(letter, **changes)
