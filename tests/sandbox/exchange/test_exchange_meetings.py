"""Meetings: mails, guests' copies, answers and cancellations."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    create,
    delete,
    get,
    get_folder,
    item_id,
    meeting,
    set_field,
    update,
    weekly,
    zone_of,
)

pytestmark = pytest.mark.usefixtures("bo")
GUESTS = ("bo@example.com", "anna@client.example")
LATER = (
    set_field("calendar:Start", "<t:Start>2026-12-01T14:00:00Z</t:Start>"),
    set_field("calendar:End", "<t:End>2026-12-01T15:00:00Z</t:End>"),
)
PLACE = set_field("calendar:Location", "<t:Location>Room</t:Location>")
SUBJECT = set_field("item:Subject", "<t:Subject>Renamed</t:Subject>")


def attendees(*emails):
    told = (f"<t:Mailbox><t:EmailAddress>{email}</t:EmailAddress></t:Mailbox>" for email in emails)
    return "".join(f"<t:Attendee>{mailbox}</t:Attendee>" for mailbox in told)


def invite(exchange, send="SendToAllAndSaveCopy", item=None):
    return made(exchange, item or meeting(guests=GUESTS), send=send)


def change(exchange, node, *changes, send="SendToAllAndSaveCopy"):
    answer = exchange.soap(update(item_id(node, key=False), *changes, send=send, resolution="AlwaysOverwrite"))
    assert answer.codes() == ["NoError"]


def shown(exchange, node, email="ada@example.com"):
    return exchange.soap(get(item_id(node, key=False)), email=email)


def mails(exchange, **equal):
    return [(mail["kind"], mail["to"]) for mail in exchange.control("GET", "/outbox", **equal)]


def copy(exchange, uid, email="bo@example.com"):
    return exchange.control("GET", f"/accounts/{email}/copy", uid=uid)


def copies(exchange, email="bo@example.com"):
    return exchange.control("GET", f"/accounts/{email}/items")


def reply(kind, item, disposition="SendAndSaveCopy"):
    reference = item_id(item, "ReferenceItemId")
    return create(f"<t:{kind}>{reference}</t:{kind}>", send=None, disposition=disposition)


def own(exchange, email="bo@example.com"):
    """The only item of a guest's, with its change key."""
    (found,) = copies(exchange, email)
    return exchange.soap(get(f'<t:ItemId Id="{found["id"]}"/>'), email=email).one("//t:CalendarItem/t:ItemId")


def test_an_invitation_goes_to_everybody_and_stands_on_the_guests_calendar(exchange):
    item = invite(exchange)
    assert sorted(mails(exchange)) == [("invitation", "anna@client.example"), ("invitation", "bo@example.com")]
    organizer = shown(exchange, item)
    assert organizer.text("//t:MeetingRequestWasSent") == "true"
    assert organizer.text("//t:AppointmentState") == "1"
    guest = exchange.soap(get(item_id(own(exchange))), email="bo@example.com")
    assert guest.text("//t:UID") == organizer.text("//t:UID")
    assert guest.text("//t:MyResponseType") == "NoResponseReceived"
    assert guest.text("//t:LegacyFreeBusyStatus") == "Tentative"
    assert guest.text("//t:Organizer//t:EmailAddress") == "ada@example.com"
    assert guest.text("//t:AppointmentState") == "3"
    assert [node.tag.rpartition("}")[2] for node in guest.one("//t:ResponseObjects")][:3] == [
        "AcceptItem",
        "TentativelyAcceptItem",
        "DeclineItem",
    ]


def test_a_meeting_nobody_was_told_about_is_on_nobodys_calendar(exchange):
    item = invite(exchange, send="SendToNone")
    assert mails(exchange) == []
    assert copies(exchange) == []
    assert shown(exchange, item).text("//t:MeetingRequestWasSent") == "false"


def test_guests_added_later_are_invited_with_the_second_step(exchange):
    item = invite(exchange, send="SendToNone", item=meeting())
    people = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{g}</t:EmailAddress></t:Mailbox></t:Attendee>" for g in GUESTS
    )
    added = set_field("calendar:RequiredAttendees", f"<t:RequiredAttendees>{people}</t:RequiredAttendees>")
    change(exchange, item, added)
    assert sorted(mails(exchange)) == [("invitation", "anna@client.example"), ("invitation", "bo@example.com")]
    assert len(copies(exchange)) == 1


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("SendToNone", []),
        ("SendOnlyToAll", [("update", "anna@client.example"), ("update", "bo@example.com")]),
        ("SendToAllAndSaveCopy", [("update", "anna@client.example"), ("update", "bo@example.com")]),
        ("SendOnlyToChanged", []),
        ("SendToChangedAndSaveCopy", []),
    ],
)
def test_an_update_is_sent_as_asked(exchange, mode, told):
    item = invite(exchange)
    change(exchange, item, *LATER, send=mode)
    assert sorted(mails(exchange, since=2)) == told
    assert (copies(exchange)[0]["start"] == "2026-12-01T14:00:00+00:00") == bool(told)


@pytest.mark.parametrize(
    ("uri", "element"),
    [
        ("calendar:AllowNewTimeProposal", "<t:AllowNewTimeProposal>false</t:AllowNewTimeProposal>"),
        ("calendar:IsOnlineMeeting", "<t:IsOnlineMeeting>true</t:IsOnlineMeeting>"),
        ("calendar:IsResponseRequested", "<t:IsResponseRequested>false</t:IsResponseRequested>"),
        ("calendar:RequiredAttendees", f"<t:RequiredAttendees>{attendees('new@client.example')}</t:RequiredAttendees>"),
        ("calendar:StartTimeZone", zone_of("UTC")),
    ],
)
def test_what_is_the_organizers_no_guest_can_set(exchange, uri, element):
    """Of proposals and online meetings Microsoft says so: "read-only [...] for attendees' calendar items".

    https://learn.microsoft.com/exchange/client-developer/web-service-reference/allownewtimeproposal; of the others
    who met it: https://github.com/ecederstrand/exchangelib/issues/464.
    """
    item, change_of = invite(exchange), set_field(uri, element)
    refused = exchange.soap(update(item_id(own(exchange)), change_of, send="SendToNone"), email="bo@example.com")
    assert refused.codes() == ["ErrorInvalidPropertySet"]
    assert refused.one("//m:MessageXml/t:FieldURI").get("FieldURI") == uri
    change(exchange, item, change_of)


def test_what_is_the_organizers_no_guest_can_take_away(exchange):
    invite(exchange)
    gone = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:RequiredAttendees"/></t:DeleteItemField>'
    refused = exchange.soap(update(item_id(own(exchange)), gone, send="SendToNone"), email="bo@example.com")
    assert refused.codes() == ["ErrorInvalidPropertyDelete"]
    changed = exchange.soap(update(item_id(own(exchange)), SUBJECT, send="SendToNone"), email="bo@example.com")
    assert changed.codes() == ["NoError"], "their own copy is theirs to rename"


def test_only_the_changed_guests_can_be_told(exchange):
    item = invite(exchange)
    people = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{guest}</t:EmailAddress></t:Mailbox></t:Attendee>"
        for guest in ("bo@example.com", "new@client.example")
    )
    guests = set_field("calendar:RequiredAttendees", f"<t:RequiredAttendees>{people}</t:RequiredAttendees>")
    change(exchange, item, guests, send="SendToChangedAndSaveCopy")
    assert sorted(mails(exchange, since=2)) == [
        ("cancellation", "anna@client.example"),
        ("invitation", "new@client.example"),
    ]


def test_the_sequence_counts_what_guests_must_notice(exchange):
    item = invite(exchange)
    for changes, sequence in (((SUBJECT,), "0"), (LATER, "1"), ((PLACE,), "2")):
        change(exchange, item, *changes)
        assert shown(exchange, item).text("//t:AppointmentSequenceNumber") == sequence
    change(exchange, item, set_field("calendar:Location", "<t:Location>x</t:Location>"), send="SendToNone")
    assert shown(exchange, item).text("//t:AppointmentSequenceNumber") == "2"


@pytest.mark.parametrize(
    ("kind", "response", "busy"),
    [("AcceptItem", "Accept", "Busy"), ("TentativelyAcceptItem", "Tentative", "Tentative")],
)
def test_an_answer_reaches_the_organizer(exchange, kind, response, busy):
    item = invite(exchange)
    answered = exchange.soap(reply(kind, own(exchange)), email="bo@example.com")
    assert answered.codes() == ["NoError"]
    assert mails(exchange, since=2) == [("reply", "ada@example.com")]
    guest = exchange.soap(get(item_id(answered.one("//t:ItemId"))), email="bo@example.com")
    assert guest.text("//t:CalendarItem/t:MyResponseType") == response
    assert guest.text("//t:LegacyFreeBusyStatus") == busy
    assert guest.text("//t:AppointmentReplyTime")
    responses = shown(exchange, item).all("//t:Attendee[t:Mailbox/t:EmailAddress='bo@example.com']/t:ResponseType")
    assert [node.text for node in responses] == [response]


def test_a_declined_meeting_leaves_the_calendar(exchange):
    item = invite(exchange)
    before = own(exchange)
    answered = exchange.soap(reply("DeclineItem", before), email="bo@example.com")
    assert copies(exchange) == []
    assert answered.one("//t:ItemId").get("Id") != before.get("Id")
    assert "Decline" in [node.text for node in shown(exchange, item).all("//t:ResponseType")]


def test_an_answer_may_be_kept_to_oneself(exchange):
    item = invite(exchange)
    exchange.soap(reply("AcceptItem", own(exchange), "SaveOnly"), email="bo@example.com")
    assert copies(exchange)[0]["my_response"] == "Accept"
    assert mails(exchange, since=2) == []
    assert {node.text for node in shown(exchange, item).all("//t:ResponseType")} == {"Unknown"}


def test_a_moved_meeting_is_asked_again_and_a_renamed_one_is_not(exchange):
    item = invite(exchange)
    exchange.soap(reply("AcceptItem", own(exchange)), email="bo@example.com")
    change(exchange, item, SUBJECT)
    assert (copies(exchange)[0]["subject"], copies(exchange)[0]["my_response"]) == ("Renamed", "Accept")
    change(exchange, item, *LATER)
    assert (copies(exchange)[0]["my_response"], copies(exchange)[0]["busy"]) == ("NoResponseReceived", "Tentative")
    assert {node.text for node in shown(exchange, item).all("//t:ResponseType")} == {"Unknown"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("AcceptItem", "ErrorCalendarIsOrganizerForAccept"),
        ("DeclineItem", "ErrorCalendarIsOrganizerForDecline"),
        ("TentativelyAcceptItem", "ErrorCalendarIsOrganizerForTentative"),
        ("RemoveItem", "ErrorCalendarIsOrganizerForRemove"),
    ],
)
def test_an_organizer_cannot_answer(exchange, kind, code):
    item = shown(exchange, invite(exchange)).one("//t:CalendarItem/t:ItemId")
    assert exchange.soap(reply(kind, item)).codes() == [code]


def test_an_appointment_takes_no_answer(exchange):
    item = invite(exchange, item=meeting())
    codes = {
        "AcceptItem": "ErrorInvalidItemForOperationAcceptItem",
        "CancelCalendarItem": "ErrorInvalidItemForOperationCancelItem",
    }
    for kind, code in codes.items():
        assert exchange.soap(reply(kind, item)).codes() == [code]


def test_an_answer_names_what_it_is_about_as_it_is_now(exchange):
    item = invite(exchange)
    change(exchange, item, SUBJECT)
    stale = item
    assert exchange.soap(reply("CancelCalendarItem", stale)).codes() == ["ErrorIrresolvableConflict"]
    bare = f'<t:CancelCalendarItem><t:ReferenceItemId Id="{item.get("Id")}"/></t:CancelCalendarItem>'
    assert exchange.soap(create(bare, send=None, disposition="SendAndSaveCopy")).codes() == [
        "ErrorChangeKeyRequiredForWriteOperations"
    ]
    nothing = create("<t:CancelCalendarItem/>", send=None, disposition="SendAndSaveCopy")
    assert exchange.soap(nothing).codes() == ["ErrorMissingInformationReferenceItemId"]
    current = shown(exchange, item).one("//t:CalendarItem/t:ItemId")
    undisposed = create(f"<t:AcceptItem>{item_id(current, 'ReferenceItemId')}</t:AcceptItem>", send=None)
    assert exchange.soap(undisposed).codes() == ["ErrorMessageDispositionRequired"]


def test_a_cancelled_meeting_is_marked_at_the_guests_until_they_remove_it(exchange):
    item = shown(exchange, invite(exchange)).one("//t:CalendarItem/t:ItemId")
    assert exchange.soap(reply("CancelCalendarItem", item)).codes() == ["NoError"]
    assert sorted(mails(exchange, since=2)) == [
        ("cancellation", "anna@client.example"),
        ("cancellation", "bo@example.com"),
    ]
    assert shown(exchange, item).codes() == ["ErrorItemNotFound"]
    guest = exchange.soap(get(item_id(own(exchange))), email="bo@example.com")
    assert guest.text("//t:IsCancelled") == "true"
    assert guest.text("//t:Subject") == "Canceled: Meeting"
    assert guest.text("//t:LegacyFreeBusyStatus") == "Free"
    assert guest.text("//t:AppointmentState") == "7"
    accepted = exchange.soap(reply("AcceptItem", own(exchange)), email="bo@example.com")
    assert accepted.codes() == ["ErrorCalendarIsCancelledForAccept"]
    assert exchange.soap(reply("RemoveItem", own(exchange)), email="bo@example.com").codes() == ["NoError"]
    assert copies(exchange) == []


def test_only_the_organizer_cancels(exchange):
    invite(exchange)
    refused = exchange.soap(reply("CancelCalendarItem", own(exchange)), email="bo@example.com")
    assert refused.codes() == ["ErrorCalendarIsNotOrganizer"]


@pytest.mark.parametrize(("send", "cancelled"), [("SendToNone", False), ("SendToAllAndSaveCopy", True)])
def test_deleting_tells_the_guests_only_if_asked(exchange, send, cancelled):
    item = invite(exchange)
    assert exchange.soap(delete(item_id(item), send=send)).codes() == ["NoError"]
    assert copies(exchange)[0]["is_cancelled"] is cancelled


def test_a_guest_who_deletes_tells_nobody(exchange):
    invite(exchange)
    exchange.soap(delete(item_id(own(exchange)), send="SendToAllAndSaveCopy"), email="bo@example.com")
    assert mails(exchange, since=2) == []
    assert copies(exchange) == []


def test_series_and_their_exceptions_reach_the_guests(exchange):
    tail = weekly() + zone_of("W. Europe Standard Time")
    item = invite(exchange, item=meeting("2026-03-02T10:00:00", "2026-03-02T11:00:00", guests=GUESTS, tail=tail))
    second = f'<t:OccurrenceItemId RecurringMasterId="{item.get("Id")}" InstanceIndex="2"/>'
    moved = update(second, PLACE, send="SendToAllAndSaveCopy", resolution="AlwaysOverwrite")
    assert exchange.soap(moved).codes() == ["NoError"]
    third = f'<t:OccurrenceItemId RecurringMasterId="{item.get("Id")}" InstanceIndex="3"/>'
    assert exchange.soap(delete(third, send="SendToAllAndSaveCopy")).codes() == ["NoError"]
    (guest,) = copies(exchange)
    assert guest["kind"] == "RecurringMaster"
    assert guest["modified"] == ["2026-03-09T09:00:00+00:00", "2026-03-16T09:00:00+00:00"]
    span = {"begin": "2026-03-16T00:00:00Z", "end": "2026-03-17T00:00:00Z"}
    (cancelled,) = exchange.control("GET", "/accounts/bo@example.com/view", **span)
    assert cancelled["is_cancelled"]


def test_a_guest_can_answer_one_occurrence(exchange):
    tail = weekly() + zone_of("W. Europe Standard Time")
    item = invite(exchange, item=meeting("2026-03-02T10:00:00", "2026-03-02T11:00:00", guests=GUESTS, tail=tail))
    span = {"begin": "2026-03-09T00:00:00Z", "end": "2026-03-10T00:00:00Z"}
    (occurrence,) = exchange.control("GET", "/accounts/bo@example.com/view", **span)
    exchange.control("POST", "/accounts/bo@example.com/rsvp", {"id": occurrence["id"], "response": "Decline"})
    assert exchange.control("GET", "/accounts/bo@example.com/view", **span) == []
    (there,) = exchange.control("GET", "/accounts/ada@example.com/view", **span)
    answers = {guest["email"]: guest["response"] for guest in there["attendees"]}
    assert answers == {"bo@example.com": "Decline", "anna@client.example": "Unknown"}
    assert {node.text for node in shown(exchange, item).all("//t:ResponseType")} == {"Unknown"}


# people in Outlook ------------------------------------------------------------------------------


def test_people_work_by_the_same_rules(exchange):
    made = exchange.human(
        "ada@example.com",
        {"subject": "Lunch", "start": "2026-12-01T12:00:00", "end": "2026-12-01T13:00:00", "required": list(GUESTS)},
        send=True,
    )
    assert made["start"] == "2026-12-01T11:00:00+00:00"
    guest = copy(exchange, made["uid"])
    exchange.control("POST", "/accounts/bo@example.com/rsvp", {"id": guest["id"], "response": "Accept"})
    outside = {"id": made["id"], "response": "Tentative", "attendee": "anna@client.example"}
    told = exchange.control("POST", "/accounts/ada@example.com/rsvp", outside)
    assert {one["email"]: one["response"] for one in told["attendees"]} == {
        "bo@example.com": "Accept",
        "anna@client.example": "Tentative",
    }
    exchange.change("ada@example.com", made["id"], send=True, location="Café")
    assert copy(exchange, made["uid"])["location"] == "Café"
    actors = {entry["actor"] for entry in exchange.control("GET", "/ledger")}
    assert actors == {"human", "propagation"}
    refused = exchange.http.post(
        "/control/exchange/accounts/ada@example.com/rsvp", json={"id": made["id"], "response": "Accept"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "ErrorCalendarIsOrganizerForAccept")


def test_an_invitation_from_outside_waits_for_an_answer(exchange):
    body = {
        "subject": "Pitch",
        "start": "2026-12-01T12:00:00Z",
        "end": "2026-12-01T13:00:00Z",
        "organizer": "anna@client.example",
    }
    made = exchange.human("ada@example.com", body)
    assert (made["my_response"], made["busy"], made["is_organizer"]) == ("NoResponseReceived", "Tentative", False)
    key = exchange.soap(get(f'<t:ItemId Id="{made["id"]}"/>')).one("//t:CalendarItem/t:ItemId")
    assert exchange.soap(reply("AcceptItem", key)).codes() == ["NoError"]
    assert mails(exchange) == [("reply", "anna@client.example")]


def test_a_person_deletes_one_occurrence_and_moves_a_series(exchange):
    recurrence = {"pattern": "WeeklyRecurrence", "days": ["Monday"], "count": 4}
    made = exchange.human(
        "ada@example.com",
        {"subject": "Weekly", "start": "2026-03-02T10:00:00", "end": "2026-03-02T11:00:00", "recurrence": recurrence},
    )
    span = {"begin": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}
    views = exchange.control("GET", "/accounts/ada@example.com/view", **span)
    exchange.control("POST", "/accounts/ada@example.com/items/delete", {"id": views[1]["id"]})
    assert len(exchange.control("GET", "/accounts/ada@example.com/view", **span)) == 3
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    moved = exchange.control("POST", "/accounts/ada@example.com/items/move", {"id": made["id"], "calendar": "Other"})
    assert moved["id"] != made["id"]
    assert len(exchange.control("GET", "/accounts/ada@example.com/view", calendar="Other", **span)) == 3
    assert exchange.soap(get_folder()).text("//t:TotalCount") == "0"
