"""Pages of a listing. The one rule: `IncludesLastItemInRange` is true on the page behind which there is nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sandbox.exchange.errors import Refusal
from sandbox.exchange.markup import boolean
from sandbox.exchange.reading import Node

if TYPE_CHECKING:
    from sandbox.exchange.call import Call

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """`next_offset` None: the listing was not asked for page by page; `fractional`: by parts of the whole."""

    rows: Sequence[RowT]
    total: int
    complete: bool
    next_offset: int | None = None
    fractional: bool = False

    def attributes(self) -> Mapping[str, str]:
        """The attributes of `RootFolder`."""
        values = {"TotalItemsInView": str(self.total), "IncludesLastItemInRange": boolean(self.complete)}
        if self.fractional:
            values = {"NumeratorOffset": str(self.next_offset), "AbsoluteDenominator": str(self.total), **values}
        elif self.next_offset is not None:
            values = {"IndexedPagingOffset": str(self.next_offset), **values}
        return values


def check_count(count: int, limit: int) -> None:
    """EWSFindCountLimit: a listing of more objects is refused, not cut. Raises Refusal."""
    if count > limit:
        raise Refusal("ErrorExceededFindCountLimit")


def page_of(rows: Sequence[RowT], view: Node | None, call: "Call") -> Page[RowT]:
    """The rows an indexed or a fractional view asks for.

    Who does not page is refused where the server's limit would cut.
    """
    limit = call.world.knobs.find_count_limit
    total = len(rows)
    if view is None:
        check_count(total, limit)
        return Page(rows, total, complete=True)
    fractional = "Numerator" in view.attributes
    offset = _fraction(view, total) if fractional else int(view.attributes["Offset"])
    most = int(view.attributes.get("MaxEntriesReturned", limit))
    if offset < 0:
        raise Refusal("ErrorInvalidIndexedPagingParameters")
    if most <= 0:
        raise Refusal("ErrorInvalidPagingMaxRows")
    most = min(most, limit)
    if view.attributes.get("BasePoint") == "End":
        last = max(total - offset, 0)
        first = max(last - most, 0)
        return Page(rows[first:last], total, complete=first == 0, next_offset=first)
    end = min(offset + most, total)
    return Page(rows[offset:end], total, complete=end >= total, next_offset=end, fractional=fractional)


def _fraction(view: Node, total: int) -> int:
    """How many rows stand before the page: a part of them all. Raises Refusal."""
    numerator, denominator = int(view.attributes["Numerator"]), int(view.attributes["Denominator"])
    if numerator < 0 or denominator <= 0 or numerator > denominator:
        raise Refusal("ErrorInvalidFractionalPagingParameters")
    return total * numerator // denominator
