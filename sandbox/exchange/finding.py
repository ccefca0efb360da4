"""FindItem. The one rule: a calendar view shows what takes place, any other view what is stored."""

from datetime import datetime, timedelta

from sandbox.exchange.call import Call, Located, Task, answer
from sandbox.exchange.errors import Refusal
from sandbox.exchange.getting import show
from sandbox.exchange.grouping import read_grouping, render_groups, rows_of
from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.paging import Page, check_count, page_of
from sandbox.exchange.reading import Node
from sandbox.exchange.restrictions import Condition, item_value, read_key, read_restriction, sortable
from sandbox.exchange.times import TimeOutOfRange, parse_date_time
from sandbox.exchange.world import Folder

_NOT_IN_A_CALENDAR_VIEW = ("m:Restriction", "m:SortOrder", "m:GroupBy", "m:DistinguishedGroupBy")


def find(call: Call) -> Markup:
    parents = call.body.find("m:ParentFolderIds")
    assert parents is not None

    def task(node: Node) -> Task:
        def run() -> list[Markup]:
            return [_found(call, call.folder(node), len(parents.children))]

        return run

    return answer(call, "FindItem", [task(node) for node in parents])


def _found(call: Call, folder: Folder, parents: int) -> Markup:
    if call.body.find("m:QueryString") is not None:
        raise Refusal("ErrorContentIndexingNotEnabled")
    grouping = call.body.find("m:GroupBy") or call.body.find("m:DistinguishedGroupBy")
    if call.body.attributes["Traversal"] != "Shallow" or call.body.find("m:ContactsView") is not None:
        page: Page[View] = Page((), 0, complete=True)  # no contacts, nothing associated, nothing soft-deleted is kept
    elif (window := call.body.find("m:CalendarView")) is not None:
        if not folder.is_calendar or parents != 1:
            raise Refusal("ErrorCalendarFolderIsInvalidForCalendarView")
        page = _calendar_view(call, folder, window)
    elif grouping is not None:
        return _groups(call, folder, grouping)
    else:
        page = page_of(_table(call, folder), _page_view(call), call)
    shape = call.shape("m:ItemShape", "find")
    rows = (show(call, Located(folder, view, None), shape) for view in page.rows)
    return element("m:RootFolder", element("t:Items", *rows), **page.attributes())


def _groups(call: Call, folder: Folder, grouping: Node) -> Markup:
    rows = rows_of(_table(call, folder), read_grouping(grouping), lambda view: call.hides(folder, view))
    page = page_of(rows, _page_view(call), call)
    shape = call.shape("m:ItemShape", "find")
    groups = render_groups(page.rows, lambda view: show(call, Located(folder, view, None), shape))
    return element("m:RootFolder", groups, **page.attributes())


def _page_view(call: Call) -> Node | None:
    return call.body.find("m:IndexedPageItemView") or call.body.find("m:FractionalPageItemView")


def _calendar_view(call: Call, folder: Folder, window: Node) -> Page[View]:
    if any(call.body.find(name) is not None for name in _NOT_IN_A_CALENDAR_VIEW):
        raise Refusal("ErrorInvalidRestriction", "Restrictions and sort order may not be specified for a CalendarView.")
    try:
        begin, end = (
            parse_date_time(window.attributes[name], call.wall_zone.rules) for name in ("StartDate", "EndDate")
        )
    except TimeOutOfRange as error:
        raise Refusal("ErrorValueOutOfRange") from error
    if end < begin:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate")
    if end - begin > timedelta(days=call.world.knobs.calendar_view_max_days):
        raise Refusal("ErrorCalendarViewRangeTooBig")
    views = sorted(views_in(folder, begin, end), key=lambda view: (view.start, view.item.number))
    most = int(window.attributes.get("MaxEntriesReturned", len(views) or 1))
    if most <= 0:
        raise Refusal("ErrorInvalidPagingMaxRows")
    check_count(min(most, len(views)), call.world.knobs.find_count_limit)
    return Page(views[:most], len(views), complete=len(views) <= most)


def views_in(folder: Folder, begin: datetime, end: datetime) -> list[View]:
    """Everything on a calendar that overlaps a span, occurrences spelt out."""
    return [view for item in folder.items.values() for view in item.views_between(begin, end)]


def _table(call: Call, folder: Folder) -> list[View]:
    views = [View(item) for item in folder.items.values()]
    restriction = call.body.find("m:Restriction")
    if restriction is not None:
        condition: Condition[View] = read_restriction(restriction, item_value, call.wall_zone)
        views = [view for view in views if condition(view)]
    order = call.body.find("m:SortOrder")
    if order is None:
        # As the store hands out its table: what came last stands first.
        views.sort(key=lambda view: (view.item.created, view.item.number), reverse=True)
    else:
        for field in reversed(order.children):
            value = item_value(read_key(field.children[0], code="ErrorUnsupportedPathForSortGroup"))
            views.sort(key=sortable(value), reverse=field.attributes["Order"] == "Descending")
    return views
