"""Pull subscriptions: what an event tells, watermarks, and what ends a subscription."""

import base64

import pytest
from exchangelib.properties import CreatedEvent, FreeBusyChangedEvent, MovedEvent, StatusEvent

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    AT,
    UNTIL,
    delete,
    get,
    get_events,
    item_id,
    meeting,
    of_mailbox,
    set_field,
    subscribe,
    unsubscribe,
    update,
)


def subscribed(exchange, *kinds, **more):
    """A new subscription: its id and its first watermark."""
    answer = exchange.soap(subscribe(*kinds, **more))
    assert answer.codes() == ["NoError"]
    return answer.text("//m:SubscriptionId"), answer.text("//m:Watermark")


def events(answer):
    """The events of a notification: kind, and whether of an item or a folder."""
    assert answer.codes() == ["NoError"]
    nodes = answer.all("//m:Notification/*[contains(local-name(), 'Event') and local-name() != 'MoreEvents']")
    return [(local(node), next((local(c) for c in node if local(c) in {"ItemId", "FolderId"}), "")) for node in nodes]


def local(node):
    return node.tag.rpartition("}")[2]


def ids(exchange):
    folders = '<t:DistinguishedFolderId Id="calendar"/><t:DistinguishedFolderId Id="deleteditems"/>'
    shape = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    answer = exchange.soap(f"<m:GetFolder>{shape}<m:FolderIds>{folders}</m:FolderIds></m:GetFolder>")
    return [node.get("Id") for node in answer.all("//t:FolderId")]


def test_a_new_item_is_told_with_the_folder_it_came_to(exchange):
    subscription, watermark = subscribed(exchange)
    item = made(exchange)
    answer = exchange.soap(get_events(subscription, watermark))
    assert events(answer) == [("CreatedEvent", "ItemId"), ("ModifiedEvent", "FolderId")]
    assert answer.text("//t:SubscriptionId") == subscription
    assert answer.text("//t:PreviousWatermark") == watermark
    assert answer.text("//t:MoreEvents") == "false"
    calendar, _ = ids(exchange)
    assert answer.one("//t:CreatedEvent/t:ItemId").get("Id") == item.get("Id")
    assert answer.one("//t:CreatedEvent/t:ParentFolderId").get("Id") == calendar
    assert answer.one("//t:ModifiedEvent/t:FolderId").get("Id") == calendar
    assert answer.text("//t:ModifiedEvent/t:UnreadCount") == "0"


def test_the_id_of_an_event_leads_to_the_item_with_its_bare_change_key(exchange):
    subscription, watermark = subscribed(exchange)
    made(exchange, meeting(subject="told"))
    named = exchange.soap(get_events(subscription, watermark)).one("//t:ItemId")
    assert base64.b64decode(named.get("ChangeKey")) == b"\x0f\x00\x00\x00"
    assert exchange.soap(get(item_id(named))).text("//t:Subject") == "told"


def test_a_watermark_goes_on_from_what_was_told_last(exchange):
    subscription, first = subscribed(exchange, "CreatedEvent")
    made(exchange)
    made(exchange)
    told = exchange.soap(get_events(subscription, first))
    assert [kind for kind, _ in events(told)] == ["CreatedEvent"] * 2
    last = told.all("//t:CreatedEvent/t:Watermark")[-1].text
    nothing = exchange.soap(get_events(subscription, last))
    assert events(nothing) == [("StatusEvent", "")]
    assert nothing.text("//t:PreviousWatermark") == nothing.text("//t:StatusEvent/t:Watermark") == last
    made(exchange)
    assert events(exchange.soap(get_events(subscription, last))) == [("CreatedEvent", "ItemId")]


def test_fifty_events_come_at_once_and_then_there_are_more(exchange):
    subscription, watermark = subscribed(exchange, "CreatedEvent")
    for _ in range(51):
        made(exchange)
    page = exchange.soap(get_events(subscription, watermark))
    assert (len(events(page)), page.text("//t:MoreEvents")) == (50, "true")
    page = exchange.soap(get_events(subscription, page.all("//t:CreatedEvent/t:Watermark")[-1].text))
    assert (len(events(page)), page.text("//t:MoreEvents")) == (1, "false")


def test_a_change_a_move_and_a_deletion_are_told_as_exchange_2010_tells_them(exchange):
    item = made(exchange)
    subscription, watermark = subscribed(exchange)
    change = set_field("item:Subject", "<t:Subject>Renamed</t:Subject>")
    exchange.soap(update(item_id(item, key=False), change, resolution="AlwaysOverwrite"))
    exchange.soap(delete(item_id(item, key=False)))
    gone = made(exchange)
    exchange.soap(delete(item_id(gone), disposal="HardDelete"))
    answer = exchange.soap(get_events(subscription, watermark))
    assert events(answer) == [
        *[("ModifiedEvent", "ItemId"), ("ModifiedEvent", "FolderId")],
        *[("MovedEvent", "ItemId"), ("ModifiedEvent", "FolderId")],
        *[("CreatedEvent", "ItemId"), ("ModifiedEvent", "FolderId")],
        *[("DeletedEvent", "ItemId"), ("ModifiedEvent", "FolderId")],
    ]
    calendar, bin_ = ids(exchange)
    assert answer.one("//t:MovedEvent/t:ParentFolderId").get("Id") == bin_
    assert answer.one("//t:MovedEvent/t:OldParentFolderId").get("Id") == calendar
    assert answer.one("//t:MovedEvent/t:OldItemId").get("Id") == item.get("Id")
    assert answer.one("//t:MovedEvent/t:ItemId").get("Id") != item.get("Id")
    assert answer.one("//t:DeletedEvent/t:ItemId").get("Id") == gone.get("Id")


def test_all_folders_show_both_sides_of_a_move(exchange):
    item = made(exchange)
    subscription, watermark = subscribed(exchange, folders=None, attributes=' SubscribeToAllFolders="true"')
    exchange.soap(delete(item_id(item)))
    answer = exchange.soap(get_events(subscription, watermark))
    assert events(answer) == [("MovedEvent", "ItemId"), ("ModifiedEvent", "FolderId"), ("ModifiedEvent", "FolderId")]
    assert [node.get("Id") for node in answer.all("//t:ModifiedEvent/t:FolderId")] == ids(exchange)


def test_folders_have_events_too(exchange):
    subscription, watermark = subscribed(exchange, folders='<t:DistinguishedFolderId Id="calendar"/>')
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    exchange.control("PATCH", "/accounts/ada@example.com/calendars", calendar="Other", name="Renamed")
    exchange.control("DELETE", "/accounts/ada@example.com/calendars", calendar="Renamed", to_bin="true")
    answer = exchange.soap(get_events(subscription, watermark))
    assert events(answer) == [
        *[("CreatedEvent", "FolderId"), ("ModifiedEvent", "FolderId")],
        ("ModifiedEvent", "FolderId"),
        *[("MovedEvent", "FolderId"), ("ModifiedEvent", "FolderId")],
    ]
    assert answer.one("//t:MovedEvent/t:OldFolderId").get("Id") == answer.one("//t:MovedEvent/t:FolderId").get("Id")


def test_only_what_changes_when_somebody_is_busy_is_told_as_such(exchange):
    item = made(exchange)
    subscription, watermark = subscribed(exchange, "FreeBusyChangedEvent")
    change = set_field("item:Subject", "<t:Subject>Renamed</t:Subject>")
    exchange.soap(update(item_id(item, key=False), change, resolution="AlwaysOverwrite"))
    assert events(exchange.soap(get_events(subscription, watermark))) == [("StatusEvent", "")]
    later = set_field("calendar:End", "<t:End>2026-12-01T12:00:00Z</t:End>")
    exchange.soap(update(item_id(item, key=False), later, resolution="AlwaysOverwrite"))
    assert events(exchange.soap(get_events(subscription, watermark))) == [("FreeBusyChangedEvent", "ItemId")]


def test_a_subscription_can_begin_where_another_one_was(exchange):
    subscription, watermark = subscribed(exchange, "CreatedEvent")
    made(exchange)
    exchange.soap(unsubscribe(subscription))
    tail = f"<t:Watermark>{watermark}</t:Watermark><t:Timeout>1</t:Timeout>"
    again, first = subscribed(exchange, "CreatedEvent", tail=tail)
    assert (again != subscription, first) == (True, watermark)
    assert events(exchange.soap(get_events(again, first))) == [("CreatedEvent", "ItemId")]


def test_a_watermark_that_is_none_is_refused(exchange):
    exchange.account("bo@example.com")
    subscription, watermark = subscribed(exchange, "CreatedEvent")
    made(exchange)
    of_bo = exchange.soap(subscribe(), email="bo@example.com").text("//m:Watermark")
    raw = bytearray(base64.b64decode(watermark))
    raw[24] ^= 1  # the place before or behind, with the signature of another
    for bad in ("rubbish", base64.b64encode(raw).decode(), of_bo):
        assert exchange.soap(get_events(subscription, bad)).codes() == ["ErrorInvalidWatermark"]
        tail = f"<t:Watermark>{bad}</t:Watermark><t:Timeout>1</t:Timeout>"
        assert exchange.soap(subscribe(tail=tail)).codes() == ["ErrorInvalidWatermark"]
    exchange.soap(get_events(subscription, watermark))
    assert exchange.soap(get_events(subscription, watermark)).codes() == ["ErrorInvalidWatermark"]


def test_events_are_kept_for_thirty_days(exchange):
    _, watermark = subscribed(exchange, "CreatedEvent")
    made(exchange)
    tail = f"<t:Watermark>{watermark}</t:Watermark><t:Timeout>1</t:Timeout>"
    exchange.control("POST", "/clock", {"advance": 30 * 86400 - 60})
    assert exchange.soap(subscribe(tail=tail)).codes() == ["NoError"]
    exchange.control("POST", "/clock", {"advance": 120})
    assert exchange.soap(subscribe(tail=tail)).codes() == ["ErrorInvalidWatermark"]


def test_who_does_not_ask_in_time_loses_the_subscription(exchange):
    subscription, watermark = subscribed(exchange)
    for _ in range(3):  # asking sets the timer back
        exchange.control("POST", "/clock", {"advance": 9 * 60})
        assert events(exchange.soap(get_events(subscription, watermark))) == [("StatusEvent", "")]
    exchange.control("POST", "/clock", {"advance": 11 * 60})
    assert exchange.soap(get_events(subscription, watermark)).codes() == ["ErrorSubscriptionNotFound"]


def test_a_restarted_service_knows_no_subscription(exchange):
    subscription, watermark = subscribed(exchange)
    exchange.control("POST", "/forget-subscriptions", account="ada@example.com")
    assert exchange.soap(get_events(subscription, watermark)).codes() == ["ErrorSubscriptionNotFound"]


def test_only_the_creator_reads_and_ends_a_subscription(exchange):
    exchange.account("bo@example.com")
    subscription, watermark = subscribed(exchange)
    for body in (get_events(subscription, watermark), unsubscribe(subscription)):
        answer = exchange.soap(body, email="bo@example.com")
        assert answer.codes() == ["ErrorSubscriptionAccessDenied"]
        assert answer.text("//m:MessageText") == (
            "Access is denied. Only the subscription owner may access the subscription."
        )
    assert exchange.soap(unsubscribe(subscription)).codes() == ["NoError"]
    again = exchange.soap(unsubscribe(subscription))
    assert again.codes() == ["ErrorSubscriptionNotFound"]
    assert again.text("//m:MessageText") == "The specified subscription was not found."


def test_what_is_no_subscription_id_is_not_valid(exchange):
    _, watermark = subscribed(exchange)
    assert exchange.soap(get_events("f6bc657d", watermark)).codes() == ["ErrorInvalidSubscription"]
    assert exchange.soap(unsubscribe("f6bc657d")).codes() == ["ErrorInvalidSubscription"]


def test_nobody_subscribes_to_another_mailbox(exchange):
    exchange.account("bo@example.com")
    share = {"account": "ada@example.com", "level": "Editor"}
    exchange.control("PUT", "/accounts/bo@example.com/calendars/permissions", share)
    refused = exchange.soap(subscribe(folders=of_mailbox("bo@example.com")))
    assert refused.codes() == ["ErrorSubscriptionDelegateAccessNotSupported"]
    assert refused.text("//m:MessageText") == "Subscriptions are not supported for delegate user access."


def test_folders_are_named_or_all_are_meant(exchange):
    all_ = ' SubscribeToAllFolders="1"'
    assert exchange.soap(subscribe(attributes=all_)).codes() == ["ErrorInvalidSubscriptionRequest"]
    assert exchange.soap(subscribe(folders=None)).codes() == ["ErrorInvalidSubscriptionRequest"]
    assert exchange.soap(subscribe(folders='<t:FolderId Id="x"/>')).codes() == ["ErrorInvalidIdMalformed"]


def test_an_account_has_so_many_subscriptions(exchange):
    exchange.control("PATCH", "/knobs", {"max_subscriptions": 2})
    subscription, _ = subscribed(exchange)
    subscribed(exchange)
    assert exchange.soap(subscribe()).codes() == ["ErrorExceededSubscriptionCount"]
    exchange.soap(unsubscribe(subscription))
    assert exchange.soap(subscribe()).codes() == ["NoError"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (subscribe("StatusEvent"), "The Enumeration constraint failed."),
        (subscribe(tail="<t:Timeout>0</t:Timeout>"), "The MinInclusive constraint failed."),
        (subscribe(tail="<t:Timeout>1441</t:Timeout>"), "The MaxInclusive constraint failed."),
        (subscribe(tail=""), "has incomplete content"),
        (subscribe(tail="<t:Watermark/><t:Timeout>1</t:Timeout>"), "MinLength"),
        (get_events("x", ""), "MinLength"),
    ],
)
def test_what_the_schema_does_not_have_is_refused(exchange, body, words):
    answer = exchange.soap(body)
    assert answer.codes() == ["ErrorSchemaValidation"]
    assert words in answer.text("//t:Violation")


def test_older_schemas_know_less(exchange):
    exchange.soap(subscribe("FreeBusyChangedEvent"), version="Exchange2010")
    older = exchange.soap(subscribe("FreeBusyChangedEvent"), version="Exchange2007_SP1")
    assert older.codes() == ["ErrorSchemaValidation"]
    assert exchange.soap(subscribe(), version="Exchange2007_SP1").codes() == ["NoError"]


def test_exchangelib_pulls(exchange):
    with exchange.client() as account:
        folder = account.calendar
        subscription, watermark = folder.subscribe_to_pull(timeout=5)
        (status,) = next(folder.get_events(subscription, watermark)).events
        assert isinstance(status, StatusEvent)
        item = exchange.human("ada@example.com", {"subject": "x", "start": AT, "end": UNTIL})
        exchange.control("POST", "/accounts/ada@example.com/items/delete", {"id": item["id"]})
        (told,) = folder.get_events(subscription, status.watermark)
        kinds = [type(event) for event in told.events if event.event_type == "item"]
        assert kinds == [CreatedEvent, FreeBusyChangedEvent, MovedEvent, FreeBusyChangedEvent]
        assert told.events[0].item_id.id == item["id"]
        assert folder.unsubscribe(subscription)
