"""Groups of a listing. The one rule: a group's head is a row like any other; it counts, and a page may begin behind it.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/aggregateon
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.restrictions import item_value, read_key, sortable
from sandbox.exchange.times import utc

Reading = Callable[[View], Any]


@dataclass(frozen=True)
class Row:
    """A head (`view` None) or an item, with the value its group is of."""

    group: str
    view: View | None = None


@dataclass(frozen=True)
class Grouping:
    """By which value, and by which value's `aggregate` (max or min) the groups are ordered."""

    by: Reading
    over: Reading
    aggregate: Callable[[Iterable[Any]], Any]
    descending: bool


def read_grouping(node: Node) -> Grouping:
    """A `GroupBy` or `DistinguishedGroupBy`. Raises Refusal."""
    descending = node.attributes["Order"] == "Descending"
    if node.name == "m:DistinguishedGroupBy":  # by topic of conversation, the latest one counts
        return Grouping(item_value("Subject"), item_value("DateTimeReceived"), max, descending)
    path, aggregate = node.children
    chosen = max if aggregate.attributes["Aggregate"] == "Maximum" else min
    code = "ErrorUnsupportedPathForSortGroup"
    by, over = (item_value(read_key(one, code=code)) for one in (path, aggregate.children[0]))
    return Grouping(by, over, chosen, descending)


def rows_of(views: Sequence[View], grouping: Grouping, hides: Callable[[View], bool]) -> list[Row]:
    """The groups with what is in them, in the order it came. What is hidden has no value to be grouped by."""
    groups: dict[str, list[View]] = {}
    for view in views:
        groups.setdefault("" if hides(view) else _text(grouping.by(view)), []).append(view)
    rank = sortable(grouping.over)
    ordered = sorted(groups.items(), key=lambda one: grouping.aggregate(map(rank, one[1])), reverse=grouping.descending)
    return [row for group, members in ordered for row in (Row(group), *(Row(group, view) for view in members))]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, bool):
        return boolean(value)
    return "" if value is None else str(value)


def render_groups(rows: Sequence[Row], show: Callable[[View], Markup]) -> Markup:
    groups = []
    for group, members in groupby(rows, key=lambda row: row.group):
        items = (show(row.view) for row in members if row.view is not None)
        groups.append(element("t:GroupedItems", element("t:GroupIndex", group), element("t:Items", *items)))
    return element("t:Groups", *groups)
