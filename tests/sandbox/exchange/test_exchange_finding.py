"""FindItem: calendar views, listings, pages and restrictions."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import equals, find, get, item_id, meeting, of_mailbox, view

BY_SUBJECT = '<t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder>'
DAY = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")


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
        (find(equals("calendar:UID", "x")), "ErrorUnsupportedPathForQuery"),
        (find(equals("calendar:Recurrence", "x")), "ErrorUnsupportedPathForQuery"),
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


def listed(exchange, page="", **more):
    """What a listing has, by subject, and what it says of itself."""
    answer = exchange.soap(find(page=page, order=BY_SUBJECT, **more))
    assert answer.codes() == ["NoError"]
    return [node.text for node in answer.all("//t:Subject")], dict(answer.one("//m:RootFolder").attrib)


def part(numerator, denominator, most=12, name="Item"):
    limit = f'MaxEntriesReturned="{most}" ' if most else ""
    return f'<m:FractionalPage{name}View {limit}Numerator="{numerator}" Denominator="{denominator}"/>'


def test_a_page_may_begin_a_part_of_the_way_in(exchange):
    for number in range(9):
        made(exchange, meeting(subject=f"s{number}"))
    rows, said = listed(exchange, part(2, 3))
    assert rows == ["s6", "s7", "s8"]
    assert said == {
        "NumeratorOffset": "9",
        "AbsoluteDenominator": "9",
        "TotalItemsInView": "9",
        "IncludesLastItemInRange": "true",
    }
    rows, said = listed(exchange, part(0, 2, most=2))
    assert (rows, said["NumeratorOffset"], said["IncludesLastItemInRange"]) == (["s0", "s1"], "2", "false")
    rows, _ = listed(exchange, part(int(said["NumeratorOffset"]), int(said["AbsoluteDenominator"]), most=1))
    assert rows == ["s2"]
    assert listed(exchange, part(1, 1))[0] == []


@pytest.mark.parametrize("fraction", [(2, 1), (-1, 2), (0, 0), (1, -1)])
def test_a_part_is_none_or_all_or_between(exchange, fraction):
    assert exchange.soap(find(page=part(*fraction))).codes() == ["ErrorInvalidFractionalPagingParameters"]


def test_folders_are_paged_by_parts_too(exchange):
    body = (
        '<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
        f"{part(1, 2, most=2, name='Folder')}<m:ParentFolderIds>"
        '<t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>'
    )
    answer = exchange.soap(body)
    total = int(answer.one("//m:RootFolder").get("TotalItemsInView"))
    assert len(answer.all("//t:DisplayName")) == 2
    assert answer.one("//m:RootFolder").get("NumeratorOffset") == str(total // 2 + 2)


def by_place(order="Ascending", aggregate="Maximum", over="calendar:Start"):
    return (
        f'<m:GroupBy Order="{order}"><t:FieldURI FieldURI="calendar:Location"/><t:AggregateOn Aggregate="{aggregate}">'
        f'<t:FieldURI FieldURI="{over}"/></t:AggregateOn></m:GroupBy>'
    )


def at(hour, place):
    where = f"<t:Location>{place}</t:Location>"
    return meeting(f"2026-12-01T{hour}:00:00Z", f"2026-12-01T{hour}:30:00Z", subject=f"{place}{hour}", extra=where)


def groups(answer):
    assert answer.codes() == ["NoError"]
    return {
        group.findtext("{*}GroupIndex"): [node.text for node in group.iterfind(".//{*}Subject")]
        for group in answer.all("//m:RootFolder/t:Groups/t:GroupedItems")
    }


def test_items_are_grouped_and_the_groups_ordered_by_what_is_in_them(exchange):
    for item in (at("09", "A"), at("15", "A"), at("10", "B"), at("11", "B")):
        made(exchange, item)
    answer = exchange.soap(find(page=by_place(), order=BY_SUBJECT))
    assert list(groups(answer).items()) == [("B", ["B10", "B11"]), ("A", ["A09", "A15"])]
    assert answer.one("//m:RootFolder").get("TotalItemsInView") == "6"
    least = exchange.soap(find(page=by_place(aggregate="Minimum"), order=BY_SUBJECT))
    assert list(groups(least)) == ["A", "B"]
    last = exchange.soap(find(page=by_place(order="Descending"), order=BY_SUBJECT))
    assert list(groups(last)) == ["A", "B"]


def test_a_page_of_groups_counts_their_heads(exchange):
    for item in (at("09", "A"), at("10", "A"), at("11", "B")):
        made(exchange, item)
    page = '<m:IndexedPageItemView MaxEntriesReturned="2" Offset="{}" BasePoint="Beginning"/>'
    first = exchange.soap(find(page=page.format(0) + by_place(), order=BY_SUBJECT))
    assert (groups(first), first.one("//m:RootFolder").get("IndexedPagingOffset")) == ({"A": ["A09"]}, "2")
    rest = exchange.soap(find(page=page.format(2) + by_place(), order=BY_SUBJECT))
    assert groups(rest) == {"A": ["A10"], "B": []}


def test_the_standard_grouping_is_by_topic(exchange):
    for subject in ("Plan", "Review", "Plan"):
        made(exchange, meeting(subject=subject))
    standard = (
        '<m:DistinguishedGroupBy Order="Descending"><t:StandardGroupBy>ConversationTopic</t:StandardGroupBy>'
        "</m:DistinguishedGroupBy>"
    )
    assert groups(exchange.soap(find(page=standard))) == {"Plan": ["Plan", "Plan"], "Review": ["Review"]}


def test_what_is_private_is_not_told_by_its_group(exchange):
    exchange.account("bo@example.com")
    share = {"account": "bo@example.com", "level": "Reviewer"}
    exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", share)
    made(exchange, at("09", "A").replace("<t:Start>", "<t:Sensitivity>Private</t:Sensitivity><t:Start>"))
    body = find(page=by_place(), folder=of_mailbox("ada@example.com"))
    assert list(groups(exchange.soap(body, email="bo@example.com"))) == [""]
    assert list(groups(exchange.soap(body))) == ["A"]


def test_groups_have_their_limits(exchange):
    refused = exchange.soap(find(page=by_place(over="item:Body")))
    assert refused.codes() == ["ErrorUnsupportedPathForSortGroup"]
    mixed = view(*DAY).replace("<m:ParentFolderIds>", f"{by_place()}<m:ParentFolderIds>")
    assert exchange.soap(mixed).codes() == ["ErrorInvalidRestriction"]
    odd = by_place().replace("Maximum", "Average")
    assert exchange.soap(find(page=odd)).codes() == ["ErrorSchemaValidation"]


def test_there_is_no_index_of_words_to_search(exchange):
    made(exchange)
    body = find().replace("</m:FindItem>", "<m:QueryString>subject:Meeting</m:QueryString></m:FindItem>")
    assert exchange.soap(body).codes() == ["ErrorContentIndexingNotEnabled"]


def test_a_view_of_contacts_has_none(exchange):
    made(exchange)
    answer = exchange.soap(find(page='<m:ContactsView MaxEntriesReturned="5" InitialName="A"/>'))
    assert (answer.codes(), answer.one("//m:RootFolder").get("TotalItemsInView")) == (["NoError"], "0")
    assert exchange.soap(find(page='<m:ContactsView Name="A"/>')).codes() == ["ErrorSchemaValidation"]
