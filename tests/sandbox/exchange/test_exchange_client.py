"""exchangelib, unchanged but for the authority it trusts, against the simulator."""

import pytest
from exchangelib import NTLM, CalendarItem, EWSDate, EWSDateTime, EWSTimeZone, ExtendedProperty, Mailbox
from exchangelib.errors import (
    ErrorCalendarViewRangeTooBig,
    ErrorImpersonateUserDenied,
    ErrorInvalidSyncStateData,
    ErrorItemNotFound,
    ErrorMailRecipientNotFound,
    ErrorServerBusy,
    ErrorTimeIntervalTooBig,
    UnauthorizedError,
)
from exchangelib.folders import Calendar, SingleFolderQuerySet
from exchangelib.properties import DistinguishedFolderId
from exchangelib.recurrence import Recurrence, WeeklyPattern

pytestmark = pytest.mark.usefixtures("bo")
ZONE = EWSTimeZone("Europe/Stockholm")
ALL = "SendToAllAndSaveCopy"


class Key(ExtendedProperty):
    property_set_id = "9b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
    property_name = "key"
    property_type = "String"


class GlobalId(ExtendedProperty):
    distinguished_property_set_id = "Meeting"
    property_id = 35
    property_type = "Binary"


@pytest.fixture(scope="module", autouse=True)
def _registered():
    CalendarItem.register("our_key", Key)
    CalendarItem.register("global_id", GlobalId)
    yield
    CalendarItem.deregister("our_key")
    CalendarItem.deregister("global_id")


@pytest.fixture
def ada(exchange):
    with exchange.client() as account:
        yield account


def at(day, hour=0, month=12):
    return EWSDateTime(2026, month, day, hour, tzinfo=ZONE)


def meeting(account, **more):
    fields = {"subject": "Meeting", "start": at(1, 10), "end": at(1, 11), **more}
    return CalendarItem(folder=account.calendar, **fields)


def operations(exchange):
    return [entry["query"].removeprefix("op=") for entry in exchange.control("GET", "/requests")]


def test_a_pinned_version_needs_two_calls_to_connect(exchange, ada):
    assert ada.calendar.name == "Calendar"
    assert operations(exchange) == ["GetFolder", "GetFolder"]


def test_an_unknown_version_is_guessed_from_the_newest_down(exchange):
    with exchange.client(version=None) as account:
        assert account.version.api_version == "Exchange2010_SP2"
    statuses = [entry["status"] for entry in exchange.control("GET", "/requests")]
    assert statuses == [500] * 5 + [200]


def test_a_newer_server_is_found_at_once(exchange):
    exchange.control("PUT", "/version", {"version": "Exchange2016"})
    with exchange.client(version=None) as account:
        assert account.version.api_version == "Exchange2016"


def test_the_main_verbs(exchange, ada):
    item = meeting(ada, our_key="k1", required_attendees=["bo@example.com", "x@client.example"], location="Here")
    item.save(send_meeting_invitations=ALL)
    (seen,) = ada.calendar.view(start=at(1), end=at(2))
    assert (seen.id, seen.our_key, seen.location, seen.is_all_day) == (item.id, "k1", "Here", False)
    assert seen.global_id.hex().upper() == seen.uid
    assert ada.calendar.get(our_key="k1").id == item.id
    seen.subject = "Renamed"
    seen.save(update_fields=["subject"], send_meeting_invitations=ALL)
    item.refresh()
    assert (item.subject, item.my_response_type) == ("Renamed", "Organizer")
    item.delete(send_meeting_cancellations=ALL)  # takes the id off the object
    with pytest.raises(ErrorItemNotFound):
        seen.refresh()
    kinds = [mail["kind"] for mail in exchange.control("GET", "/outbox", to="bo@example.com")]
    assert kinds == ["invitation", "update", "cancellation"]


def test_a_whole_day_is_a_date(ada):
    meeting(ada, start=EWSDate(2026, 12, 1), end=EWSDate(2026, 12, 2), is_all_day=True).save()
    (seen,) = ada.calendar.view(start=at(1), end=at(4))
    assert (seen.start, seen.end, seen.is_all_day) == (EWSDate(2026, 12, 1), EWSDate(2026, 12, 2), True)


def test_series(exchange, ada):
    pattern = WeeklyPattern(interval=1, weekdays=["Monday", "Thursday"])
    rule = Recurrence(pattern=pattern, start=EWSDate(2026, 3, 1), number=6)
    item = meeting(ada, start=at(2, 10, 3), end=at(2, 11, 3), recurrence=rule)
    item.save()
    second = item.occurrence(2)
    second.refresh()
    assert (second.type, second.start) == ("Occurrence", at(5, 10, 3))
    second.subject = "Changed"
    second.save(update_fields=["subject"])
    third = item.occurrence(3)
    third.refresh()
    third.delete()
    item.refresh()
    assert [one.original_start for one in item.modified_occurrences] == [at(5, 10, 3)]
    assert [one.start for one in item.deleted_occurrences] == [at(9, 10, 3)]
    assert (item.recurrence.pattern.weekdays, item.recurrence.boundary.number) == ([1, 4], 6)
    views = list(ada.calendar.view(start=at(1, month=3), end=at(1, month=4)).only("subject", "type", "start"))
    assert [view.type for view in views] == ["Occurrence", "Exception", *["Occurrence"] * 3]


def test_sync(ada):
    for number in range(5):
        meeting(ada, subject=f"s{number}").save()
    folder = ada.calendar
    changes = list(folder.sync_items(max_changes_returned=2))
    assert [(kind, item.subject) for kind, item in changes] == [("create", f"s{number}") for number in (4, 3, 2, 1, 0)]
    latest = changes[0][1]
    before = latest.id
    latest.delete()
    ((kind, gone),) = folder.sync_items()
    assert (kind, gone.id) == ("delete", before)


def test_a_state_that_expired_raises(exchange, ada):
    folder = ada.calendar
    list(folder.sync_items())
    exchange.control("POST", "/expire-sync-states")
    with pytest.raises(ErrorInvalidSyncStateData):
        list(folder.sync_items())


def test_calendars_are_listed_made_and_deleted(ada):
    other = Calendar(parent=ada.calendar, name="Other")
    other.save()
    item = meeting(ada)
    item.save()
    before = item.id
    item.move(other)
    assert item.id != before
    query = SingleFolderQuerySet(account=ada, folder=ada.msg_folder_root).depth("Deep")
    found = query.filter(folder_class="IPF.Appointment").only("name", "folder_class")
    assert [folder.name for folder in found] == ["Calendar", "Other"]
    other.delete()
    assert {folder.name for folder in ada.root.walk()} >= {"Calendar", "Inbox", "Deleted Items"}


def test_free_busy(exchange, ada):
    meeting(ada).save()
    accounts = [(email, "Required", False) for email in ("ada@example.com", "bo@example.com", "no@example.com")]
    mine, other, nobody = ada.protocol.get_free_busy_info(accounts=accounts, start=at(1), end=at(2))
    assert [(event.start, event.end, event.busy_type) for event in mine.calendar_events] == [
        (at(1, 10), at(1, 11), "Busy")
    ]
    assert not other.calendar_events
    assert isinstance(nobody, ErrorMailRecipientNotFound)
    with pytest.raises(ErrorTimeIntervalTooBig):
        list(ada.protocol.get_free_busy_info(accounts=accounts, start=at(1, month=1), end=at(1, month=3)))


def test_too_long_a_view_raises(ada):
    with pytest.raises(ErrorCalendarViewRangeTooBig):
        list(ada.calendar.view(start=at(1), end=EWSDateTime(2029, 1, 1, tzinfo=ZONE)))


def test_an_invitation_is_answered_and_a_meeting_cancelled(exchange, ada):
    item = meeting(ada, required_attendees=["bo@example.com"])
    item.save(send_meeting_invitations=ALL)
    with exchange.client("bo@example.com") as bo:
        (invited,) = bo.calendar.view(start=at(1), end=at(2))
        invited.accept()
        item.refresh()
        assert [guest.response_type for guest in item.required_attendees] == ["Accept"]
        item.cancel()
        (left,) = bo.calendar.view(start=at(1), end=at(2))
        assert (left.is_cancelled, left.subject) == (True, "Canceled: Meeting")


def test_impersonation(exchange):
    exchange.account("service@example.com", mailbox=False, may_impersonate=True)
    with exchange.client(username="service@example.com", impersonate=True) as account:
        meeting(account).save()
    assert len(exchange.control("GET", "/accounts/ada@example.com/items")) == 1
    exchange.control("PATCH", "/knobs", {"impersonation": False})
    with (
        exchange.client(username="service@example.com", impersonate=True) as account,
        pytest.raises(ErrorImpersonateUserDenied),
    ):
        account.calendar.refresh()


def test_a_shared_calendar(exchange, ada):
    exchange.human("bo@example.com", {"subject": "Hers", "start": "2026-12-01T10:00:00", "end": "2026-12-01T11:00:00"})
    share = {"account": "ada@example.com", "level": "Reviewer"}
    exchange.control("PUT", "/accounts/bo@example.com/calendars/permissions", share)
    shared = Calendar(
        root=ada.root,
        name="Calendar",
        _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address="bo@example.com")),
    )
    assert [item.subject for item in shared.view(start=at(1), end=at(2)).only("subject")] == ["Hers"]


def test_ntlm(exchange):
    with exchange.client(username="SANDBOX\\ada", auth_type=NTLM) as account:
        assert account.calendar.total_count == 0
        meeting(account).save()
    account = exchange.control("GET", "/accounts/ada@example.com")
    assert (account["logons"], account["failed_logons"]) == (1, 0)


@pytest.mark.parametrize("auth_type", ["basic", NTLM])
def test_a_wrong_password_is_tried_once(exchange, auth_type):
    with pytest.raises(UnauthorizedError), exchange.client(password="wrong", auth_type=auth_type) as account:
        account.root.refresh()
    assert exchange.control("GET", "/accounts/ada@example.com")["failed_logons"] == 1


def test_throttling_carries_its_time(exchange, ada):
    exchange.fault("server_busy", back_off_ms=297749)
    with pytest.raises(ErrorServerBusy) as busy:
        ada.calendar.refresh()
    assert busy.value.back_off == 297.749


def test_zones_without_a_known_name_are_served_as_they_are(exchange, ada):
    exchange.human(
        "ada@example.com",
        {
            "subject": "Odd",
            "start": "2026-12-01T10:00:00",
            "end": "2026-12-01T11:00:00",
            "zone": "Europe/Stockholm",
            "zone_name": "tzone://Microsoft/Custom",
        },
    )
    (seen,) = ada.calendar.view(start=at(1), end=at(2)).only("subject")
    assert seen.subject == "Odd"
    # With a time exchangelib asks for its zone, and fails on what Exchange answers.
    with pytest.raises(ValueError, match="tzone"):
        list(ada.calendar.view(start=at(1), end=at(2)).only("subject", "start"))
