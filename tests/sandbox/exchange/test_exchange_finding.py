"""FindItem: calendar views, listings, pages and restrictions."""

from collections.abc import Iterator

import pytest

from tests.sandbox.exchange.live import Sandbox, running_sandbox
from tests.sandbox.exchange.soap_bodies import create, equals, find, get, item_id, meeting, view

DAY = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def exchange(server):
    server.control("POST", "/reset")
    server.account("ada@example.com")
    return server


def made(exchange, *items):
    """The id of the only item made."""
    answer = exchange.soap(create(*(items or (meeting(),))))
    assert answer.codes() == ["NoError"]
    return answer.one("//t:ItemId")


def test_a_calendar_view_shows_what_overlaps_it_in_order(exchange):
    made(exchange, meeting("2026-12-01T12:00:00Z", "2026-12-01T13:00:00Z", subject="second"))
    made(exchange, meeting(subject="first"))
    made(exchange, meeting("2026-12-02T00:00:00Z", "2026-12-02T01:00:00Z", subject="after"))
    made(exchange, meeting("2026-11-30T23:00:00Z", "2026-12-01T00:30:00Z", subject="into"))
    answer = exchange.soap(view(*DAY))
    assert [node.text for node in answer.all("//t:Subject")] == ["into", "first", "second"]
    root = answer.one("//m:RootFolder")
    assert (root.get("TotalItemsInView"), root.get("IncludesLastItemInRange")) == ("3", "true")
    cut = exchange.soap(view(*DAY, most="2"))
    assert len(cut.all("//t:CalendarItem")) == 2
    assert cut.one("//m:RootFolder").get("IncludesLastItemInRange") == "false"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (view("2026-01-01T00:00:00Z", "2028-01-03T00:00:00Z"), "ErrorCalendarViewRangeTooBig"),
        (view("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (view(*DAY, folder='<t:DistinguishedFolderId Id="inbox"/>'), "ErrorCalendarFolderIsInvalidForCalendarView"),
        (view(*DAY, "item:Body"), "ErrorInvalidPropertyForOperation"),
        (view(*DAY, "calendar:RequiredAttendees"), "ErrorInvalidPropertyForOperation"),
        (find(equals("item:Body", "x")), "ErrorUnsupportedPathForQuery"),
        (
            find(page='<m:IndexedPageItemView MaxEntriesReturned="0" Offset="0" BasePoint="Beginning"/>'),
            "ErrorInvalidPagingMaxRows",
        ),
        (
            find(page='<m:IndexedPageItemView MaxEntriesReturned="1" Offset="-1" BasePoint="Beginning"/>'),
            "ErrorInvalidIndexedPagingParameters",
        ),
    ],
)
def test_what_cannot_be_found_that_way_is_refused(exchange, body, code):
    assert exchange.soap(body).codes() == [code]


def test_two_years_are_not_too_much(exchange):
    assert exchange.soap(view("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z")).codes() == ["NoError"]


def test_a_calendar_view_takes_no_restriction(exchange):
    body = view(*DAY).replace(
        "<m:ParentFolderIds>", f"<m:Restriction>{equals('item:Subject', 'x')}</m:Restriction><m:ParentFolderIds>"
    )
    assert exchange.soap(body).codes() == ["ErrorInvalidRestriction"]


def test_more_than_the_server_hands_out_at_once_is_refused_unless_paged(exchange):
    exchange.control("PATCH", "/knobs", {"find_count_limit": 2})
    for hour in (8, 9, 10):
        made(exchange, meeting(f"2026-12-01T{hour:02}:00:00Z", f"2026-12-01T{hour:02}:30:00Z"))
    assert exchange.soap(view(*DAY)).codes() == ["ErrorExceededFindCountLimit"]
    assert exchange.soap(find()).codes() == ["ErrorExceededFindCountLimit"]
    page = '<m:IndexedPageItemView MaxEntriesReturned="100" Offset="0" BasePoint="Beginning"/>'
    answer = exchange.soap(find(page=page))
    assert len(answer.all("//t:CalendarItem")) == 2
    assert answer.one("//m:RootFolder").get("IncludesLastItemInRange") == "false"


def test_pages_follow_one_another(exchange):
    for number in range(5):
        made(exchange, meeting(subject=f"s{number}"))
    order = '<t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder>'
    seen, offset, complete = [], "0", "false"
    while complete == "false":
        page = f'<m:IndexedPageItemView MaxEntriesReturned="2" Offset="{offset}" BasePoint="Beginning"/>'
        answer = exchange.soap(find(page=page, order=order))
        root = answer.one("//m:RootFolder")
        seen += [node.text for node in answer.all("//t:Subject")]
        offset, complete = root.get("IndexedPagingOffset"), root.get("IncludesLastItemInRange")
    assert (seen, root.get("TotalItemsInView")) == ([f"s{number}" for number in range(5)], "5")


def test_texts_are_cut_in_a_listing_and_whole_in_an_item(exchange):
    item = made(exchange, meeting(subject="x" * 300))
    assert len(exchange.soap(find()).text("//t:Subject")) == 255
    assert len(exchange.soap(get(item_id(item))).text("//t:Subject")) == 300


@pytest.mark.parametrize(
    ("restriction", "found"),
    [
        (equals("item:Subject", "ALPHA"), ["alpha"]),
        (equals("item:Subject", "alpha", operator="IsNotEqualTo"), ["beta"]),
        (equals("calendar:Start", "2026-12-01T12:00:00Z", operator="IsGreaterThan"), ["beta"]),
        (equals("calendar:Start", "2026-12-01T10:00:00Z", operator="IsLessThanOrEqualTo"), ["alpha"]),
        (equals("calendar:IsAllDayEvent", "false"), ["alpha", "beta"]),
        (f"<t:And>{equals('item:Subject', 'alpha')}{equals('item:Subject', 'beta')}</t:And>", []),
        (f"<t:Or>{equals('item:Subject', 'alpha')}{equals('item:Subject', 'beta')}</t:Or>", ["alpha", "beta"]),
        (f"<t:Not>{equals('item:Subject', 'alpha')}</t:Not>", ["beta"]),
        (
            (
                '<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">'
                '<t:FieldURI FieldURI="item:Subject"/><t:Constant Value="ET"/></t:Contains>'
            ),
            ["beta"],
        ),
        ('<t:Exists><t:FieldURI FieldURI="calendar:Location"/></t:Exists>', []),
    ],
)
def test_restrictions(exchange, restriction, found):
    made(exchange, meeting(subject="alpha"))
    made(exchange, meeting("2026-12-01T15:00:00Z", "2026-12-01T16:00:00Z", subject="beta"))
    answer = exchange.soap(find(restriction))
    assert sorted(node.text for node in answer.all("//t:Subject")) == found
