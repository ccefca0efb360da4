"""What a filter asks of an extended property's value. The one rule: its type decides what can be asked, and how.

Text is compared without case and can be searched; numbers and times are compared as such, whatever quotes they stand
in. https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-get
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.microsoft import errors

ValueTest = Callable[[str | None], bool]
Comparison = Callable[[Any, Any], bool]

EQUALITY: Mapping[str, Comparison] = {"eq": operator.eq, "ne": operator.ne}
ORDER: Mapping[str, Comparison] = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
SEARCH: Mapping[str, Comparison] = {"contains": operator.contains, "startswith": str.startswith}


def instant(raw: str) -> datetime:
    """An aware instant; without an offset it is UTC, which is what events are rendered in for a filter."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", raw).replace("Z", "+00:00")
    return datetime.fromisoformat(text if re.search(r"[+-]\d\d:\d\d$", text) else f"{text}+00:00")


def _number(raw: str) -> Decimal:
    try:
        number = Decimal(raw)
    except InvalidOperation as error:
        raise ValueError(raw) from error
    if not number.is_finite():
        raise ValueError(raw)
    return number


_NUMBER = (_number, {**EQUALITY, **ORDER})
_TYPES: Mapping[str, tuple[Callable[[str], Any], Mapping[str, Comparison]]] = {
    "String": (str.lower, {**EQUALITY, **SEARCH}),
    "SystemTime": (instant, {**EQUALITY, **ORDER}),
    **dict.fromkeys(("Integer", "Short", "Long", "Double", "Float", "Currency", "ApplicationTime"), _NUMBER),
}


def value_test(identifier: str, asked: str, literal: str | None) -> ValueTest:
    """A test of what an item holds of a property, None for an item that lacks it. Raises GraphError.

    `literal` None is null: it asks whether there is a value at all.
    """
    if literal is None and asked in EQUALITY:
        return lambda held: EQUALITY[asked](held, None)
    read, comparisons = _TYPES.get(identifier.partition(" ")[0], (str.lower, EQUALITY))
    if literal is None or asked not in comparisons:
        raise errors.bad_filter()
    try:
        wanted = read(literal)
    except ValueError:
        raise errors.bad_filter() from None

    def test(held: str | None) -> bool:
        try:
            return held is not None and comparisons[asked](read(held), wanted)
        except ValueError:  # not what its type says
            return False

    return test
