"""Items: create, read, change, delete, move; keys, properties and conflicts."""

import base64

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    KEY_SET,
    KEY_URI,
    PRIMARY,
    create,
    delete,
    equals,
    find,
    get,
    get_folder,
    in_zone,
    item_id,
    meeting,
    set_field,
    update,
    zone_of,
)

DAY = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
KEY = f"<t:ExtendedProperty>{KEY_URI}<t:Value>booking-1</t:Value></t:ExtendedProperty>"
GOID = '<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="{}" PropertyType="Binary"/>'


def shown(exchange, node, *paths, **more):
    return exchange.soap(get(item_id(node), paths=paths), **more)


def test_an_item_comes_back_as_it_was_made(exchange):
    item = made(
        exchange,
        meeting(
            subject="A &amp; B &lt;c&gt;",
            before_start=(
                '<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">line\none</t:Body>'
                "<t:Categories><t:String>Red</t:String><t:String>Blue</t:String></t:Categories>"
                "<t:Importance>High</t:Importance><t:ReminderIsSet>0</t:ReminderIsSet>"
            ),
            extra="<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Room 1</t:Location>",
            tail=zone_of("W. Europe Standard Time"),
        ),
    )
    answer = shown(exchange, item)
    texts = {
        "Subject": "A & B <c>",
        "Sensitivity": "Private",
        "Body": "line\none",
        "Importance": "High",
        "ReminderIsSet": "false",
        "Start": "2026-12-01T10:00:00Z",
        "End": "2026-12-01T11:00:00Z",
        "LegacyFreeBusyStatus": "OOF",
        "Location": "Room 1",
        "CalendarItemType": "Single",
        "IsMeeting": "false",
        "IsCancelled": "false",
        "IsRecurring": "false",
        "MyResponseType": "Organizer",
        "ItemClass": "IPM.Appointment",
        "Duration": "PT1H",
        "AppointmentSequenceNumber": "0",
        "AppointmentState": "0",
    }
    assert {name: answer.text(f"//t:CalendarItem/t:{name}") for name in texts} == texts
    assert [node.text for node in answer.all("//t:Categories/t:String")] == ["Red", "Blue"]
    assert answer.one("//t:StartTimeZone").get("Id") == "W. Europe Standard Time"
    assert answer.text("//t:Organizer//t:EmailAddress") == "ada@example.com"


def test_everything_a_client_may_say_is_kept_and_told_in_order(exchange):
    said = {
        "InReplyTo": "before",
        "ReminderDueBy": "2026-12-01T09:00:00Z",
        "ReminderIsSet": "true",
        "ReminderMinutesBeforeStart": "30",
        "Culture": "sv-SE",
    }
    told = {
        "Location": "Here",
        "When": "On Tuesday",
        "IsResponseRequested": "false",
        "ConferenceType": "1",
        "AllowNewTimeProposal": "false",
        "IsOnlineMeeting": "true",
        "MeetingWorkspaceUrl": "https://work.example",
        "NetShowUrl": "https://show.example",
    }
    first, last = ("".join(f"<t:{name}>{value}</t:{name}>" for name, value in part.items()) for part in (said, told))
    answer = shown(exchange, made(exchange, meeting(before_start=first, extra=last)))
    texts = {**said, **told}
    assert {name: answer.text(f"//t:CalendarItem/t:{name}") for name in texts} == texts


def test_a_body_is_told_in_the_form_asked_for(exchange):
    item = made(exchange, meeting(before_start='<t:Body BodyType="HTML">&lt;p&gt;Hi &amp;amp; bye&lt;/p&gt;</t:Body>'))
    kinds = {"Best": ("HTML", "<p>Hi &amp; bye</p>"), "Text": ("Text", "Hi & bye")}
    for wanted, expected in kinds.items():
        shape = f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:BodyType>{wanted}</t:BodyType>"
        paths = '<t:AdditionalProperties><t:FieldURI FieldURI="item:Body"/></t:AdditionalProperties></m:ItemShape>'
        answer = exchange.soap(f"<m:GetItem>{shape}{paths}<m:ItemIds>{item_id(item)}</m:ItemIds></m:GetItem>")
        assert (answer.one("//t:Body").get("BodyType"), answer.text("//t:Body")) == expected


def test_a_whole_day_is_whole_in_its_own_zone(exchange):
    tail = zone_of("W. Europe Standard Time")
    day = meeting("2026-07-01T09:00:00", "2026-07-01T09:30:00", extra="<t:IsAllDayEvent>1</t:IsAllDayEvent>", tail=tail)
    answer = shown(exchange, made(exchange, day))
    assert (answer.text("//t:Start"), answer.text("//t:End")) == ("2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z")
    assert answer.text("//t:IsAllDayEvent") == "true"


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (meeting(end="2026-12-01T09:00:00Z"), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (meeting(end="2036-12-01T09:00:00Z"), "ErrorCalendarDurationIsTooLong"),
        (meeting(tail=zone_of("Nowhere Standard Time")), "ErrorTimeZone"),
        (meeting(guests=("no address",)), "ErrorInvalidRecipients"),
        (meeting(extra="<t:IsCancelled>1</t:IsCancelled>"), "ErrorInvalidPropertySet"),
        (
            meeting(before_start=KEY.replace('PropertyName="key"', 'PropertyName="key" PropertyId="1"')),
            "ErrorInvalidExtendedProperty",
        ),
        (
            meeting(before_start=KEY.replace("String", "Integer")),
            "ErrorInvalidExtendedPropertyValue",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_by_itself(exchange, item, code):
    answer = exchange.soap(create(item, meeting()))
    assert answer.codes() == [code, "NoError"]
    refused = answer.all("//m:CreateItemResponseMessage")[0]
    assert refused.get("ResponseClass") == "Error"
    assert refused.find("{*}MessageText").text
    assert refused.find("{*}DescriptiveLinkKey").text == "0"


def test_who_is_told_must_be_said(exchange):
    assert exchange.soap(create(meeting(), send=None)).codes() == ["ErrorSendMeetingInvitationsRequired"]
    item = made(exchange)
    changed = update(item_id(item), set_field("item:Subject", "<t:Subject>x</t:Subject>"), send=None)
    assert exchange.soap(changed).codes() == ["ErrorSendMeetingInvitationsOrCancellationsRequired"]
    assert exchange.soap(delete(item_id(item), send=None)).codes() == ["ErrorSendMeetingCancellationsRequired"]


def test_only_calendars_hold_calendar_items(exchange):
    inbox = '<t:DistinguishedFolderId Id="inbox"/>'
    answer = exchange.soap(create(meeting(), folder=inbox))
    assert answer.codes() == ["ErrorCannotCreateCalendarItemInNonCalendarFolder"]
    assert exchange.soap(create("<t:Message><t:Subject>x</t:Subject></t:Message>")).codes() == ["ErrorInvalidRequest"]


# extended properties ----------------------------------------------------------------------------


def test_a_mark_is_returned_where_it_is_asked_for(exchange):
    item = made(exchange, meeting(before_start=KEY))
    assert shown(exchange, item).all("//t:ExtendedProperty") == []
    answer = shown(exchange, item, KEY_URI)
    assert answer.text("//t:ExtendedProperty/t:Value") == "booking-1"
    assert dict(answer.one("//t:ExtendedFieldURI").attrib) == {
        "PropertySetId": KEY_SET,
        "PropertyName": "key",
        "PropertyType": "String",
    }
    assert shown(exchange, item, KEY_URI.replace('"String"', '"Integer"')).all("//t:ExtendedProperty") == []
    (entry,) = exchange.control("GET", "/ledger")
    assert entry["key"] == {"key": "booking-1"}


def test_a_mark_finds_its_item(exchange):
    item = made(exchange, meeting(before_start=KEY))
    made(exchange, meeting())
    answer = exchange.soap(find(equals(KEY_URI, "booking-1"), KEY_URI))
    assert answer.one("//t:ItemId").get("Id") == item.get("Id")
    assert answer.text("//t:ExtendedProperty/t:Value") == "booking-1"
    assert exchange.soap(find(equals(KEY_URI, "booking-2"))).all("//t:ItemId") == []
    assert len(exchange.soap(find(f"<t:Exists>{KEY_URI}</t:Exists>")).all("//t:ItemId")) == 1


def test_a_list_of_values_is_kept_as_one(exchange):
    uri = KEY_URI.replace('"String"', '"StringArray"')
    values = "<t:Values><t:Value>a</t:Value><t:Value>b</t:Value></t:Values>"
    item = made(exchange, meeting(before_start=f"<t:ExtendedProperty>{uri}{values}</t:ExtendedProperty>"))
    assert [node.text for node in shown(exchange, item, uri).all("//t:Values/t:Value")] == ["a", "b"]


def test_the_global_object_id_follows_from_the_uid(exchange):
    plain = shown(exchange, made(exchange), GOID.format(35))
    goid = base64.b64decode(plain.text("//t:ExtendedProperty/t:Value"))
    assert goid.hex().upper() == plain.text("//t:UID")
    assert goid.startswith(bytes.fromhex("040000008200E00074C5B7101A82E008"))
    own = shown(exchange, made(exchange, meeting(before_start="<t:UID>mine@example.com</t:UID>")), GOID.format(3))
    assert own.text("//t:UID") == "mine@example.com"
    assert b"vCal-Uid\x01\x00\x00\x00mine@example.com\x00" in base64.b64decode(own.text("//t:ExtendedProperty/t:Value"))


def test_a_uid_need_not_be_unique(exchange):
    twice = meeting(before_start="<t:UID>twice</t:UID>")
    assert made(exchange, twice).get("Id") != made(exchange, twice).get("Id")
    ids = [shown(exchange, node).text("//t:UID") for node in exchange.soap(find()).all("//t:ItemId")]
    assert ids == ["twice", "twice"]


def test_a_uid_can_be_changed_and_not_be_taken_away(exchange):
    item = made(exchange)
    assert exchange.soap(update(item_id(item), set_field("calendar:UID", "<t:UID>other</t:UID>"))).codes() == [
        "NoError"
    ]
    now = shown(exchange, item, GOID.format(3))
    assert now.text("//t:UID") == "other"
    assert b"vCal-Uid\x01\x00\x00\x00other\x00" in base64.b64decode(now.text("//t:ExtendedProperty/t:Value"))
    gone = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:UID"/></t:DeleteItemField>'
    assert exchange.soap(update(item_id(now.one("//t:ItemId")), gone)).codes() == ["ErrorInvalidPropertyDelete"]


# changing ---------------------------------------------------------------------------------------

SUBJECT = set_field("item:Subject", "<t:Subject>New</t:Subject>")
PLACE = set_field("calendar:Location", "<t:Location>There</t:Location>")


def test_a_change_gives_another_change_key(exchange):
    item = made(exchange)
    answer = exchange.soap(
        update(item_id(item), SUBJECT, set_field("calendar:End", "<t:End>2026-12-01T12:00:00Z</t:End>"))
    )
    changed = answer.one("//t:ItemId")
    assert changed.get("Id") == item.get("Id")
    assert changed.get("ChangeKey") != item.get("ChangeKey")
    assert answer.text("//m:ConflictResults/t:Count") == "0"
    now = shown(exchange, changed)
    assert (now.text("//t:Subject"), now.text("//t:End")) == ("New", "2026-12-01T12:00:00Z")


@pytest.mark.parametrize(
    ("resolution", "second", "code"),
    [
        ("NeverOverwrite", PLACE, "ErrorIrresolvableConflict"),
        ("AutoResolve", PLACE, "NoError"),
        ("AutoResolve", SUBJECT, "ErrorIrresolvableConflict"),
        ("AlwaysOverwrite", SUBJECT, "NoError"),
    ],
)
def test_conflicts_are_resolved_as_asked(exchange, resolution, second, code):
    item = made(exchange)
    assert exchange.soap(update(item_id(item), SUBJECT)).codes() == ["NoError"]
    assert exchange.soap(update(item_id(item), second, resolution=resolution)).codes() == [code]


HOURS = (
    set_field("calendar:Start", "<t:Start>2026-12-01T18:00:00Z</t:Start>"),
    set_field("calendar:End", "<t:End>2026-12-01T19:00:00Z</t:End>"),
)
TIMED = set_field("calendar:IsAllDayEvent", "<t:IsAllDayEvent>false</t:IsAllDayEvent>")


@pytest.mark.parametrize(
    ("changes", "start", "end", "whole"),
    [
        ((TIMED, *HOURS), "2026-12-01T18:00:00Z", "2026-12-01T19:00:00Z", "false"),
        ((*HOURS, TIMED), *DAY, "false"),
        (HOURS, *DAY, "true"),
    ],
)
def test_hours_count_only_once_the_whole_day_is_taken_back(exchange, changes, start, end, whole):
    item = made(exchange, meeting(*DAY, extra="<t:IsAllDayEvent>true</t:IsAllDayEvent>"))
    now = shown(exchange, exchange.soap(update(item_id(item), *changes)).one("//t:ItemId"))
    assert (now.text("//t:Start"), now.text("//t:End"), now.text("//t:IsAllDayEvent")) == (start, end, whole)


def test_a_change_needs_a_key_unless_it_overwrites(exchange):
    item = made(exchange)
    bare = item_id(item, key=False)
    assert exchange.soap(update(bare, SUBJECT)).codes() == ["ErrorChangeKeyRequired"]
    assert exchange.soap(update(bare, SUBJECT, resolution="AlwaysOverwrite")).codes() == ["NoError"]
    broken = f'<t:ItemId Id="{item.get("Id")}" ChangeKey="broken"/>'
    assert exchange.soap(update(broken, SUBJECT)).codes() == ["ErrorInvalidChangeKey"]


def test_properties_are_deleted_and_appended_to(exchange):
    item = made(
        exchange, meeting(before_start='<t:Body BodyType="Text">one</t:Body>' + KEY, extra="<t:Location>x</t:Location>")
    )
    append = (
        '<t:AppendToItemField><t:FieldURI FieldURI="item:Body"/><t:CalendarItem><t:Body BodyType="Text"> two</t:Body>'
        "</t:CalendarItem></t:AppendToItemField>"
    )
    removed = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>'
    unmarked = f"<t:DeleteItemField>{KEY_URI}</t:DeleteItemField>"
    answer = exchange.soap(update(item_id(item), append, removed, unmarked))
    now = shown(exchange, answer.one("//t:ItemId"), KEY_URI)
    assert now.text("//t:Body") == "one two"
    assert now.all("//t:Location") == []
    assert now.all("//t:ExtendedProperty") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (set_field("item:Subject", "<t:Location>x</t:Location>"), "ErrorUpdatePropertyMismatch"),
        (
            set_field("item:Subject", "<t:Subject>x</t:Subject><t:Location>x</t:Location>"),
            "ErrorIncorrectUpdatePropertyCount",
        ),
        (set_field("item:ItemClass", "<t:ItemClass>x</t:ItemClass>"), "ErrorInvalidPropertySet"),
        (set_field("calendar:IsMeeting", "<t:IsMeeting>1</t:IsMeeting>"), "ErrorInvalidPropertySet"),
        (
            '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Start"/></t:DeleteItemField>',
            "ErrorInvalidPropertyDelete",
        ),
        (
            (
                '<t:AppendToItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>x</t:Subject>'
                "</t:CalendarItem></t:AppendToItemField>"
            ),
            "ErrorInvalidPropertyAppend",
        ),
        (
            set_field("calendar:Start", "<t:Start>2026-12-01T23:00:00Z</t:Start>"),
            "ErrorCalendarEndDateIsEarlierThanStartDate",
        ),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(exchange, change, code):
    item = made(exchange)
    before = shown(exchange, item).one("//t:ItemId").get("ChangeKey")
    assert exchange.soap(update(item_id(item), change)).codes() == [code]
    assert shown(exchange, item).one("//t:ItemId").get("ChangeKey") == before


def test_a_deleted_item_goes_to_the_bin_under_another_id(exchange):
    item = made(exchange)
    assert exchange.soap(delete(item_id(item))).codes() == ["NoError"]
    assert shown(exchange, item).codes() == ["ErrorItemNotFound"]
    bin_ = exchange.soap(find(folder='<t:DistinguishedFolderId Id="deleteditems"/>'))
    assert bin_.one("//t:ItemId").get("Id") != item.get("Id")
    other = made(exchange)
    assert exchange.soap(delete(item_id(other), disposal="HardDelete")).codes() == ["NoError"]
    assert exchange.soap(delete(item_id(other))).codes() == ["ErrorItemNotFound"]


def test_a_moved_item_has_another_id(exchange):
    exchange.control("POST", "/accounts/ada@example.com/calendars", {"name": "Other"})
    target = exchange.control("GET", "/accounts/ada@example.com")["calendars"][1]["id"]
    item = made(exchange)
    to = f'<m:ToFolderId><t:FolderId Id="{target}"/></m:ToFolderId>'
    answer = exchange.soap(f"<m:MoveItem>{to}<m:ItemIds>{item_id(item)}</m:ItemIds></m:MoveItem>")
    moved = answer.one("//t:ItemId")
    assert moved.get("Id") != item.get("Id")
    assert shown(exchange, item).codes() == ["ErrorItemNotFound"]
    assert shown(exchange, moved).one("//t:ParentFolderId").get("Id") == target
    back = "<m:ToFolderId>" + PRIMARY + "</m:ToFolderId><m:ItemIds>" + item_id(moved) + "</m:ItemIds>"
    silent = exchange.soap(f"<m:MoveItem>{back}<m:ReturnNewItemIds>false</m:ReturnNewItemIds></m:MoveItem>")
    assert (silent.codes(), silent.all("//t:ItemId")) == (["NoError"], [])


def test_each_id_of_a_batch_is_answered_by_itself(exchange):
    item = made(exchange)
    folder = exchange.soap(get_folder()).one("//t:FolderId")
    ids = (
        item_id(item),
        '<t:ItemId Id="rubbish"/>',
        '<t:ItemId Id=""/>',
        f'<t:ItemId Id="{folder.get("Id")}"/>',
        f'<t:ItemId Id="{item.get("Id").swapcase()}"/>',
        item_id(item, key=False),
    )
    answer = exchange.soap(get(*ids))
    codes = answer.codes()
    assert codes[:4] == ["NoError", "ErrorInvalidIdMalformed", "ErrorInvalidIdEmpty", "ErrorCannotUseFolderIdForItemId"]
    assert codes[4] in {"ErrorInvalidIdMalformed", "ErrorItemNotFound"}, "ids keep their case"
    assert codes[5] == "NoError"
    assert len(answer.all("//m:Items")) == 6


def test_conflicting_and_adjacent_meetings_are_counted(exchange):
    item = made(exchange)
    made(exchange, meeting("2026-12-01T10:30:00Z", "2026-12-01T11:30:00Z"))
    made(exchange, meeting("2026-12-01T11:00:00Z", "2026-12-01T12:00:00Z"))
    free = "<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>"
    made(exchange, meeting(extra=free))
    answer = shown(exchange, item)
    assert answer.text("//t:ConflictingMeetingCount") == "1"
    assert answer.text("//t:AdjacentMeetingCount") == "1"


def test_newer_properties_are_for_newer_versions(exchange):
    exchange.control("PUT", "/version", {"version": "Exchange2013_SP1"})
    item = made(exchange, meeting(tail=zone_of("W. Europe Standard Time")))
    exchange.change("ada@example.com", item.get("Id"), busy="WorkingElsewhere")
    paths = ("calendar:StartWallClock", "calendar:StartTimeZoneId")
    new = shown(exchange, item, *paths, version="Exchange2013_SP1")
    assert new.text("//t:StartWallClock") == "2026-12-01T11:00:00"
    assert new.text("//t:StartTimeZoneId") == "W. Europe Standard Time"
    assert new.text("//t:LegacyFreeBusyStatus") == "WorkingElsewhere"
    old = shown(exchange, item, version="Exchange2010_SP2")
    assert old.text("//t:LegacyFreeBusyStatus") == "NoData"
    assert old.all("//t:StartTimeZone/t:Periods"), "before 2013 the zone is spelt out"
    assert new.all("//t:StartTimeZone/t:Periods") == []


def test_an_update_reads_wall_times_in_the_zone_it_sets(exchange):
    item = made(exchange)
    changes = (
        set_field("calendar:Start", "<t:Start>2026-12-01T09:00:00</t:Start>"),
        set_field("calendar:End", "<t:End>2026-12-01T10:00:00</t:End>"),
        set_field("calendar:StartTimeZone", zone_of("India Standard Time")),
    )
    answer = exchange.soap(update(item_id(item), *changes), headers=in_zone("W. Europe Standard Time"))
    now = shown(exchange, answer.one("//t:ItemId"))
    assert now.text("//t:Start") == "2026-12-01T03:30:00Z"
