"""From Exchange's XML to events: times, busyness, and what is damaged."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from app.calendar import (
    AllDay,
    Attendee,
    Busy,
    EventDraft,
    Notify,
    Removed,
    Response,
    SeriesTouched,
    Timed,
    Unreadable,
    Upsert,
)
from app.providers.ews import drafts, marks, soap, wire
from app.providers.ews.busy_times import busy_times
from app.providers.ews.mapping import changes_of, event_of, series_is_over
from tests.providers.ews.scripted_tls import calendar_item, response

ADA = "ada@example.com"
SINCE = datetime(2027, 2, 1, tzinfo=UTC)


def at(day, hour, minute=0, month=3):
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


def zone(name):
    return f'<t:StartTimeZone Id="{name}" Name="x"/>'


def message(operation, inner):
    answer = soap.parse_xml(response(operation, inner).encode())
    return answer.find(f".//{soap.message_tag(f'{operation}ResponseMessage')}")


def item(*more, item_id="item", **fields):
    element = calendar_item(item_id, **fields).replace("</t:CalendarItem>", "".join((*more, "</t:CalendarItem>")))
    (found,) = wire.items_of(message("GetItem", f"<m:Items>{element}</m:Items>"))
    return found


def event(*more, **fields):
    return event_of(item(*more, **fields), email=ADA)


def attendee(address, answer, name="X"):
    return (
        f"<t:Attendee><t:Mailbox><t:Name>{name}</t:Name><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"
        f"<t:ResponseType>{answer}</t:ResponseType></t:Attendee>"
    )


def test_a_whole_event():
    found = event(
        zone("W. Europe Standard Time"),
        Sensitivity="Private",
        Body="See you\r\n",
        ExtendedProperty=(
            '<t:ExtendedFieldURI PropertySetId="x" PropertyName="calendar_connect_key" PropertyType="String"/>'
            "<t:Value>booking</t:Value>"
        ),
        UID="uid",
        LegacyFreeBusyStatus="Busy",
        Location="Room 5",
        Organizer="<t:Mailbox><t:Name>B</t:Name><t:EmailAddress>boss@example.com</t:EmailAddress></t:Mailbox>",
        RequiredAttendees=attendee("Ada@example.com", "Accept") + attendee("grace@x.example", "Unknown", "Grace"),
        OptionalAttendees=attendee("alan@x.example", "Decline", "alan@x.example"),
        LastModifiedTime="2027-02-01T08:00:00Z",
    )
    assert found.when == Timed(at(1, 11), at(1, 12), "Europe/Berlin")
    assert (found.id, found.etag, found.ical_uid, found.key) == ("item", "key", "uid", "booking")
    assert (found.title, found.description, found.location, found.private) == ("Lunch", "See you", "Room 5", True)
    assert (found.organizer, found.updated_at) == ("boss@example.com", datetime(2027, 2, 1, 8, tzinfo=UTC))
    assert found.attendees == (
        Attendee("Ada@example.com", "X", Response.ACCEPTED, is_self=True),
        Attendee("grace@x.example", "Grace", Response.NEEDS_ACTION),
        Attendee("alan@x.example", None, Response.DECLINED),
    )
    assert not found.quarantined


@pytest.mark.parametrize(
    ("fields", "busy"),
    [
        ({"LegacyFreeBusyStatus": "Busy"}, Busy.BUSY),
        ({"LegacyFreeBusyStatus": "Free"}, Busy.FREE),
        ({"LegacyFreeBusyStatus": "Tentative"}, Busy.TENTATIVE),
        ({"LegacyFreeBusyStatus": "OOF"}, Busy.OUT_OF_OFFICE),
        ({"LegacyFreeBusyStatus": "WorkingElsewhere"}, Busy.FREE),
        ({"LegacyFreeBusyStatus": "NoData"}, Busy.FREE),
        ({"LegacyFreeBusyStatus": "Whatever"}, Busy.BUSY),
        ({}, Busy.BUSY),
        ({"LegacyFreeBusyStatus": "Busy", "MyResponseType": "Decline"}, Busy.FREE),
        ({"LegacyFreeBusyStatus": "OOF", "IsCancelled": "true"}, Busy.FREE),
        ({"LegacyFreeBusyStatus": "Tentative", "MyResponseType": "NoResponseReceived"}, Busy.TENTATIVE),
    ],
)
def test_r31_what_blocks(fields, busy):
    assert event(**fields).busy is busy


@pytest.mark.parametrize(
    ("start", "end", "zone_name", "days"),
    [
        ("2027-03-26T23:00:00Z", "2027-03-28T22:00:00Z", "W. Europe Standard Time", (27, 29)),
        ("2027-03-27T00:00:00Z", "2027-03-28T00:00:00Z", "UTC", (27, 28)),
        ("2027-03-27T07:00:00Z", "2027-03-28T07:00:00Z", "Pacific Standard Time", (27, 28)),
        ("2027-03-26T11:00:00Z", "2027-03-27T11:00:00Z", "New Zealand Standard Time", (27, 28)),
    ],
)
def test_whole_days_are_those_of_the_zone_they_were_made_in(start, end, zone_name, days):
    found = event(zone(zone_name), Start=start, End=end, IsAllDayEvent="true")
    assert found.when == AllDay(date(2027, 3, days[0]), date(2027, 3, days[1]))


@pytest.mark.parametrize("name", ["Customized Time Zone", "tzone://Microsoft/Custom", "", "America"])
def test_a_zone_nobody_knows_leaves_the_instants_and_the_nearest_day(name):
    assert event(zone(name)).when == Timed(at(1, 11), at(1, 12), None)
    days = event(zone(name), Start="2027-03-09T22:00:00Z", End="2027-03-10T22:00:00Z", IsAllDayEvent="1")
    assert days.when == AllDay(date(2027, 3, 10), date(2027, 3, 11))
    assert days.quarantined


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ({"End": "soon"}, Timed(at(1, 11), at(1, 12))),
        ({"End": "2027-03-01T10:00:00Z"}, Timed(at(1, 10), at(1, 11))),
        ({"Start": "2027-03-01T12:00:00+01:00"}, Timed(at(1, 11), at(1, 12))),
        ({"Start": "2027-03-01T11:00:00"}, Timed(at(1, 11), at(1, 12))),
        ({"IsAllDayEvent": "perhaps"}, Timed(at(1, 11), at(1, 12))),
    ],
)
def test_time_that_can_be_read_at_all_stays_busy(fields, when):
    found = event(**fields)
    assert (found.when, found.busy) == (when, Busy.BUSY)


def test_what_was_mended_is_quarantined_and_what_has_no_time_is_no_event():
    assert event(End="soon").quarantined
    assert event(IsAllDayEvent="perhaps").quarantined
    assert not event().quarantined
    assert event(Start="soon") is None
    assert busy_times([item(Start="soon")], Timed(at(1, 0), at(2, 0))).unknown == "unreadable"
    assert busy_times([item(Start="soon", LegacyFreeBusyStatus="Free")], Timed(at(1, 0), at(2, 0))).known


def changes(*rows, since=None, over=()):
    listed = "".join(rows)
    page = (
        f"<m:SyncState>s1</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
        f"<m:Changes>{listed}</m:Changes>"
    )
    read = wire.read_changes(message("SyncFolderItems", page))
    assert (read.state, read.last) == ("s1", True)
    return changes_of(read.changes, email=ADA, since=since, over=over)


def created(item_id, *more, verb="Create", **fields):
    inner = calendar_item(item_id, **fields).replace("</t:CalendarItem>", "".join((*more, "</t:CalendarItem>")))
    return f"<t:{verb}>{inner}</t:{verb}>"


def removed(item_id):
    return f'<t:Delete><t:ItemId Id="{item_id}" ChangeKey="k"/></t:Delete>'


def test_the_last_word_about_an_id_wins():
    found = changes(
        created("a"),
        created("b", CalendarItemType="RecurringMaster"),
        removed("a"),
        removed("c"),
        created("c", verb="Update"),
        '<t:ReadFlagChange><t:ItemId Id="d"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>',
        created("e", IsCancelled="true", verb="Update"),
        '<t:Create><t:Message><t:ItemId Id="f"/></t:Message></t:Create>',
        created("g", Start="soon"),
        "<t:Create><t:CalendarItem><t:Subject>no id</t:Subject></t:CalendarItem></t:Create>",
    )
    assert [type(change) for change in found] == [Removed, SeriesTouched, Upsert, Removed, Unreadable]
    assert [getattr(change, "id", None) or getattr(change, "series_id", None) for change in found] == [
        "a",
        "b",
        None,
        "e",
        "g",
    ]
    assert found[2].event.id == "c"


def series(last_end, moved_end=None):
    """A series whose last date ends then."""
    last = f"<t:LastOccurrence><t:End>{last_end}</t:End></t:LastOccurrence>" if last_end else ""
    moved = f"<t:ModifiedOccurrences><t:Occurrence><t:End>{moved_end}</t:End></t:Occurrence></t:ModifiedOccurrences>"
    return item(last, moved if moved_end else "", CalendarItemType="RecurringMaster")


def test_a_full_listing_leaves_out_what_was_over():
    over, running = "2027-01-20T12:00:00Z", "2027-03-20T12:00:00Z"
    assert changes(created("x", Start="2027-01-01T10:00:00Z", End=over), since=SINCE) == ()
    assert len(changes(created("x", Start="2027-01-01T10:00:00Z", End=running), since=SINCE)) == 1
    assert changes(created("x", Start="2027-01-01T10:00:00Z", End=over)), "a change is told, however old"
    master = created("s", CalendarItemType="RecurringMaster", Start="2027-01-01T10:00:00Z", End=over)
    assert changes(master, since=SINCE) == changes(master) == (SeriesTouched("s"),), "its own end is its first date's"
    assert changes(master, since=SINCE, over={"s"}) == ()


@pytest.mark.parametrize(
    ("last", "moved", "is_over"),
    [
        ("2027-01-20T12:00:00Z", None, True),
        ("2027-01-20T12:00:00Z", "2027-01-21T12:00:00Z", True),
        ("2027-01-20T12:00:00Z", "2027-03-20T12:00:00Z", False),
        ("2027-03-20T12:00:00Z", None, False),
        (None, None, False),
        ("soon", None, False),
    ],
)
def test_a_series_is_over_when_its_last_date_is_and_those_that_were_moved(last, moved, is_over):
    assert series_is_over(series(last, moved), SINCE) is is_over


PRIVATE_LIST = (
    "<t:Attendee><t:Mailbox><t:Name>my list</t:Name><t:MailboxType>PrivateDL</t:MailboxType>"
    '<t:ItemId Id="list" ChangeKey="k"/></t:Mailbox><t:ResponseType>Unknown</t:ResponseType></t:Attendee>'
)
COLLEAGUE = (
    "<t:Attendee><t:Mailbox><t:Name>Carl</t:Name><t:EmailAddress>/O=EXAMPLE/CN=CARL</t:EmailAddress>"
    "<t:RoutingType>EX</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox></t:Attendee>"
)


def test_a_guest_without_an_address_of_mail_stays_when_one_of_ours_leaves():
    """To write the list without them would mail them that the meeting is off."""
    ours, boss = attendee("visitor@x.example", "Unknown"), attendee("boss@example.com", "Accept", "B")
    standing = item(RequiredAttendees=boss + PRIVATE_LIST + COLLEAGUE + ours)
    assert [person.email for person in standing.required] == ["boss@example.com", "visitor@x.example"]
    invited = msgspec.structs.replace(standing, guests=marks.fingerprints(["visitor@x.example"]))
    draft = EventDraft("Intro", Timed(at(3, 9), at(3, 10), "Europe/Berlin"))
    update = drafts.changed_event(invited, draft, "key", Notify.EVERYBODY)
    (people,) = update.iter(soap.tag("RequiredAttendees"))
    mailboxes = [[(part.tag.partition("}")[2], part.text or part.get("Id")) for part in entry[0]] for entry in people]
    assert mailboxes == [
        [("Name", "B"), ("EmailAddress", "boss@example.com"), ("RoutingType", "SMTP")],
        [("Name", "my list"), ("MailboxType", "PrivateDL"), ("ItemId", "list")],
        [("Name", "Carl"), ("EmailAddress", "/O=EXAMPLE/CN=CARL"), ("RoutingType", "EX"), ("MailboxType", "Mailbox")],
    ]
