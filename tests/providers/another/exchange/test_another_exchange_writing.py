"""The adapter meets an Exchange that was written from the documentation alone: what it writes, and what it is refused.

The one rule: who is mailed, and what was made, is read off that Exchange.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Attendee, Busy, EventDraft, Notify, Response, Timed, utc_now
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    CursorExpired,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from tests.providers.another.exchange.server import Interruption
from tests.providers.another.exchange.stage import ADA, WINDOW, at, events, every_edition, people
from tests.providers.another.exchange.store import element

SLOT = Timed(datetime(2027, 3, 3, 9, tzinfo=UTC), datetime(2027, 3, 3, 10, tzinfo=UTC), "Europe/Berlin")
GUEST = Attendee("grace@elsewhere.example")


@every_edition
async def test_an_event_is_made_once_invited_changed_and_called_off(session, ada, provider):
    draft = EventDraft("Intro \x07 <&>", SLOT, description="x" * 70_000, location="Room 7", attendees=(GUEST,))
    made = await session.create_event(ada.calendar, draft, key="k/+= é", notify=Notify.EVERYBODY)
    again = await session.create_event(ada.calendar, draft, key="k/+= é", notify=Notify.EVERYBODY)
    assert (made.id, made.ical_uid, made.key) == (again.id, provider.ical_uid("k/+= é"), "k/+= é")
    assert (made.when, made.busy) == (SLOT, Busy.BUSY)
    assert ada.mails == [("request", made.id, (GUEST.email,))]

    row = ada.item(made.id)
    row.start, row.end = at(25), at(25, 10)
    ada.change(row)
    found = await session.find_by_key(ada.calendar, "k/+= é", around=SLOT)
    assert found.when.start == at(25)

    moved = replace(
        draft, when=replace(SLOT, zone="Asia/Kolkata"), location=None, attendees=(Attendee("b@c.example", "B"),)
    )
    with pytest.raises(EditConflict):
        await session.update_event(ada.calendar, made.id, moved, key="k/+= é", if_match=made.etag, notify=Notify.NOBODY)
    changed = await session.update_event(
        ada.calendar, made.id, moved, key="k/+= é", if_match=found.etag, notify=Notify.EVERYBODY
    )
    assert [guest.email for guest in changed.attendees] == ["b@c.example"]
    assert (changed.when, changed.location) == (moved.when, None)

    await session.cancel_event(ada.calendar, made.id, notify=Notify.EVERYBODY)
    await session.cancel_event(ada.calendar, made.id, notify=Notify.EVERYBODY)
    assert ada.mails[-1] == ("cancellation", made.id, ("b@c.example",))
    assert await session.get_event(ada.calendar, made.id) is None
    assert await session.find_by_key(ada.calendar, "k/+= é", around=SLOT) is None


async def test_the_original_is_found_behind_pages_of_copies(session, ada):
    made = await session.create_event(ada.calendar, EventDraft("Intro", SLOT), key="key", notify=Notify.NOBODY)
    original = ada.items.pop(made.id)
    for number in range(12):
        ada.put(at(10 + number)).named.update(original.named)
    original.start, original.end = at(28), at(28, 10)
    ada.items[made.id] = original
    assert (await session.find_by_key(ada.calendar, "key", around=SLOT)).id == made.id


async def test_a_zone_that_the_servers_windows_does_not_know_becomes_utc(session, ada, exchange):
    exchange.limits.unknown_zones = frozenset({"W. Europe Standard Time"})
    made = await session.create_event(ada.calendar, EventDraft("Intro", SLOT), key="key", notify=Notify.NOBODY)
    assert (made.when.start, made.when.zone) == (SLOT.start, "UTC")


async def test_an_invitation_is_answered(session, ada):
    boss = element("Organizer", "<t:Mailbox><t:EmailAddress>boss@x.example</t:EmailAddress></t:Mailbox>")
    invited = {"Organizer": boss, "RequiredAttendees": element("RequiredAttendees", people(ADA))}
    meeting = ada.put(at(3), MyResponseType="NoResponseReceived", **invited)
    await session.respond(ada.calendar, meeting.id, Response.DECLINED)
    assert meeting.text("MyResponseType") == "Decline"
    with pytest.raises(InvalidRequest):
        await session.respond(ada.calendar, ada.put(at(4)).id, Response.ACCEPTED)


async def test_a_calendar_is_made_once_under_a_name_that_is_free(session, ada):
    ada.folder("Tasks", ada.calendar)
    made = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="key")
    again = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="key")
    assert (made.id, made.name) == (again.id, "Tasks (2)")
    event = await session.create_event(made.id, EventDraft("x", SLOT), key="e", notify=Notify.NOBODY)
    assert ada.items[event.id].folder == made.id


READS = {
    "ErrorServerBusy": RateLimited,
    "ErrorExceededConnectionCount": RateLimited,
    "ErrorMailboxStoreUnavailable": Transient,
    "ErrorInternalServerTransientError": Transient,
    "ErrorAccessDenied": PermissionDenied,
    "ErrorPasswordExpired": ReauthRequired,
    "ErrorInvalidSyncStateData": CursorExpired,
    "ErrorSyncFolderNotFound": CalendarGone,
    "ErrorSomethingOfALaterEdition": InvalidRequest,
}


@pytest.mark.parametrize("part", [None, 0], ids=["a fault", "a message"])
async def test_what_a_refusal_means(session, ada, exchange, part):
    for code, kind in READS.items():
        exchange.interruptions.append(Interruption("SyncFolderItems", code=code, part=part, headers={"wait": "90000"}))
        with pytest.raises(kind) as raised:
            await session.sync_page(ada.calendar, cursor=None, page=None, since=WINDOW.start)
        assert "quote" not in str(raised.value)
        assert raised.value.retry_after == (90 if code == "ErrorServerBusy" and part is None else None)
    for code, kind in (("ErrorQuotaExceeded", QuotaExceeded), ("ErrorTimeoutExpired", AmbiguousOutcome)):
        exchange.interruptions.append(Interruption("CreateItem", code=code, part=part))
        with pytest.raises(kind):
            await session.create_event(ada.calendar, EventDraft("x", SLOT), key=code, notify=Notify.NOBODY)


@pytest.mark.parametrize("code", ["Server", "Server.Busy", "InternalServiceFault"])
async def test_a_fault_of_the_framework_below_tells_nothing_of_the_request(session, ada, exchange, code):
    """A fault of the class `Server` may pass, and what was asked may have happened (SOAP 1.1, 4.4.1)."""
    exchange.interruptions += [Interruption("SyncFolderItems", code=code), Interruption("CreateItem", code=code)]
    with pytest.raises(Transient):
        await session.sync_page(ada.calendar, cursor=None, page=None, since=WINDOW.start)
    with pytest.raises(AmbiguousOutcome):
        await session.create_event(ada.calendar, EventDraft("x", SLOT), key="x", notify=Notify.NOBODY)
    exchange.interruptions.append(Interruption("SyncFolderItems", code="Client"))
    with pytest.raises(InvalidRequest):
        await session.sync_page(ada.calendar, cursor=None, page=None, since=WINDOW.start)


async def test_what_stands_before_the_server_may_answer_instead(session, ada, exchange):
    later = (utc_now() + timedelta(seconds=120)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    for status, kind in ((503, Transient), (429, RateLimited), (502, Transient), (403, PermissionDenied)):
        busy = Interruption("SyncFolderItems", status, b"<html>Service Unavailable", {"Retry-After": later})
        exchange.interruptions.append(busy)
        with pytest.raises(kind) as raised:
            await session.sync_page(ada.calendar, cursor=None, page=None, since=WINDOW.start)
        assert 100 < raised.value.retry_after < 130
    exchange.interruptions.append(Interruption("CreateItem", 503))
    with pytest.raises(AmbiguousOutcome):
        await session.create_event(ada.calendar, EventDraft("x", SLOT), key="x", notify=Notify.NOBODY)


async def test_what_is_gone_is_gone(session, ada):
    with pytest.raises(CalendarGone):
        await session.sync_page("AAMk+/=", cursor=None, page=None, since=WINDOW.start)
    with pytest.raises(EventNotFound):
        await session.update_event(
            ada.calendar, "AAMk+/=", EventDraft("x", SLOT), key="x", if_match=None, notify=Notify.NOBODY
        )
    assert await session.get_event(ada.calendar, "AAMk+/=") is None
    ada.folders[ada.calendar].rights = ()
    with pytest.raises(PermissionDenied):
        await events(session, ada)
