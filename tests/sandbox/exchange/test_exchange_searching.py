"""Search filters of FindItem by each property a calendar client searches."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import create, equals, find, meeting

LISTED = "<t:Categories><t:String>Red</t:String><t:String>Blue</t:String></t:Categories>"
TAGS = '<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="tags" PropertyType="StringArray"/>'
TAGGED = (
    f"<t:ExtendedProperty>{TAGS}<t:Values><t:Value>one</t:Value><t:Value>two</t:Value></t:Values></t:ExtendedProperty>"
)


def contains(path, value, *, mode="Substring", comparison="IgnoreCase"):
    where = path if path.startswith("<") else f'<t:FieldURI FieldURI="{path}"/>'
    return (
        f'<t:Contains ContainmentMode="{mode}" ContainmentComparison="{comparison}">{where}'
        f'<t:Constant Value="{value}"/></t:Contains>'
    )


def subjects(exchange, restriction):
    answer = exchange.soap(find(restriction))
    assert answer.codes() == ["NoError"]
    return [node.text for node in answer.all("//t:Subject")]


@pytest.fixture
def two(exchange):
    """A plain item, and one that has everything."""
    made(exchange, meeting(subject="plain"))
    full = f"<t:Body BodyType='Text'>About the budget</t:Body>{LISTED}"
    rest = "<t:ReminderIsSet>1</t:ReminderIsSet><t:ReminderMinutesBeforeStart>45</t:ReminderMinutesBeforeStart>"
    tail = "<t:IsOnlineMeeting>1</t:IsOnlineMeeting>"
    item = meeting(subject="full", before_start=full + rest + TAGGED, guests=("x@client.example",), tail=tail)
    exchange.soap(create(item, send="SendToAllAndSaveCopy"))


@pytest.mark.parametrize(
    "restriction",
    [
        equals("item:Categories", "blue"),
        contains("item:Categories", "Red", mode="FullString"),
        contains("item:Body", "BUDGET"),
        equals(TAGS, "two"),
        contains(TAGS, "on", mode="Prefixed"),
        equals("item:ReminderMinutesBeforeStart", "15", operator="IsGreaterThan"),
        contains("item:DisplayTo", "x@client"),
        equals("calendar:MeetingRequestWasSent", "true"),
        equals("calendar:IsOnlineMeeting", "true"),
    ],
)
def test_an_item_is_found_by_what_it_has(exchange, two, restriction):
    assert subjects(exchange, restriction) == ["full"]


@pytest.mark.parametrize(
    "restriction",
    [
        equals("item:Size", "1", operator="IsGreaterThan"),
        equals("item:HasAttachments", "false"),
        equals("item:IsDraft", "false"),
        equals("calendar:Organizer", "Ada"),
        equals("calendar:MyResponseType", "Organizer"),
        equals("item:DateTimeSent", "2020-01-01T00:00:00Z", operator="IsGreaterThan"),
        "<t:Not>" + equals("item:Categories", "Green") + "</t:Not>",
    ],
)
def test_what_every_item_has_finds_them_all(exchange, two, restriction):
    assert sorted(subjects(exchange, restriction)) == ["full", "plain"]


@pytest.mark.parametrize("path", ["item:Categories", "item:Body"])
def test_lists_and_streams_are_no_column_to_sort_by(exchange, path):
    order = f'<t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="{path}"/></t:FieldOrder>'
    assert exchange.soap(find(order=order)).codes() == ["ErrorUnsupportedPathForSortGroup"]
