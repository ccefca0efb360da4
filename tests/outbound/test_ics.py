"""Invitations, read by another hand: unfolded and taken apart here, zones checked against the IANA data."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from app.outbound.ics import Method, Person, invite
from tests.outbound.samples import START, a_meeting


def properties(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_an_invitation_says_what_itip_wants():
    lines = properties(invite(a_meeting()))
    for line in (
        "METHOD:REQUEST",
        "UID:abc123@google.com",
        "SEQUENCE:2",
        "DTSTAMP:20260601T120000Z",
        "DTSTART;TZID=Europe/Stockholm:20260701T090000",
        "DTEND;TZID=Europe/Stockholm:20260701T093000",
        "STATUS:CONFIRMED",
        r"LOCATION:Room 5\; north\, upstairs",
    ):
        assert lines.count(line) == 1, line
    organizer = next(line for line in lines if line.startswith("ORGANIZER"))
    assert "Håkan Host" in organizer
    assert organizer.endswith("mailto:calendar@crm.example")
    attendees = [line for line in lines if line.startswith("ATTENDEE")]
    assert [line.rpartition(":mailto:")[2] if ":mailto:" in line else line for line in attendees] == [
        "vera@example.com",
        "guest@example.com",
    ]
    assert all("ROLE=REQ-PARTICIPANT" in line and "RSVP=" in line for line in attendees)
    assert "PARTSTAT=ACCEPTED" in attendees[0]
    assert "PARTSTAT=NEEDS-ACTION" in attendees[1]


def test_a_withdrawal_cancels_the_same_event():
    lines = properties(invite(a_meeting(method=Method.CANCEL, sequence=3)))
    assert {"METHOD:CANCEL", "STATUS:CANCELLED", "UID:abc123@google.com", "SEQUENCE:3"} <= set(lines)


def test_lines_end_in_crlf_and_are_folded_by_octets():
    content = invite(a_meeting(summary="Möte " * 60, description="Zażółć gęślą jaźń\n" * 40))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert Calendar.from_ical(content).walk("VEVENT")[0]["SUMMARY"].strip() == ("Möte " * 60).strip()


@pytest.mark.parametrize(
    "breaker", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1b", "\x85", "\u2028", "\u2029", "\ud800"]
)
def test_nothing_typed_becomes_a_property(breaker):
    evil = f"x{breaker}ATTENDEE:mailto:evil@example.com"
    content = invite(a_meeting(summary=evil, location=evil, description=evil, visitor=Person("vera@example.com", evil)))
    attendees = [line for line in content.decode().replace("\r\n ", "").splitlines() if line.startswith("ATTENDEE")]
    assert len(attendees) == 2


def test_a_quote_in_a_name_does_not_end_the_parameter():
    content = invite(a_meeting(visitor=Person("vera@example.com", 'V";ROLE=CHAIR:x')))
    attendee = Calendar.from_ical(content).walk("VEVENT")[0]["ATTENDEE"][0]
    assert attendee == "mailto:vera@example.com"
    assert attendee.params["ROLE"] == "REQ-PARTICIPANT"


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("vera+crm@bücher.example", "mailto:vera+crm@xn--bcher-kva.example"),
        ("åsa@example.com", "mailto:%C3%A5sa@example.com"),
        ("o'brien&co=5@example.com", "mailto:o'brien&co=5@example.com"),
        ("50%?#^{|}`@example.com", "mailto:50%25%3F%23%5E%7B%7C%7D%60@example.com"),
    ],
)
def test_an_address_is_written_as_the_uri_it_has_to_be(address, uri):
    """RFC 5545, 3.3.3; RFC 6068, 2."""
    content = invite(a_meeting(visitor=Person(address), organizer=Person(address)))
    event = Calendar.from_ical(content).walk("VEVENT")[0]
    assert [event["ATTENDEE"][0], event["ORGANIZER"]] == [uri, uri]


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Stockholm",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Santiago",
        "Africa/Casablanca",
        "Europe/Dublin",
        "Pacific/Apia",
    ],
)
def test_the_zone_tells_every_offset_around_the_meeting(zone):
    content = invite(a_meeting(time_zone=zone))
    rules = []
    for part in Calendar.from_ical(content).walk("VTIMEZONE")[0].subcomponents:
        wall, former = part["DTSTART"].dt, part["TZOFFSETFROM"].td
        rules.append(((wall - former).replace(tzinfo=UTC), part["TZOFFSETTO"].td))
    moment = START - timedelta(days=90)
    while moment < START + timedelta(days=90):
        told = max(rule for rule in rules if rule[0] <= moment)[1]
        assert told == moment.astimezone(ZoneInfo(zone)).utcoffset(), moment
        moment += timedelta(minutes=30)


def test_utc_needs_no_zone():
    content = invite(a_meeting(time_zone="UTC"))
    assert b"VTIMEZONE" not in content
    assert b"DTSTART:20260701T070000Z" in content
    assert Calendar.from_ical(content).walk("VEVENT")[0]["DTSTART"].dt == datetime(2026, 7, 1, 7, tzinfo=UTC)
