"""`$filter` on events. The one rule: what Exchange cannot filter by is refused, so a client learns it here.

The language: `and`, `or`, `not`, parentheses, comparisons, `contains` and `startswith`, and `any` over categories and
single-value extended properties.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.query import property_id
from sandbox.microsoft.times import Json

Test = Callable[[Json, dict[str, str]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)|(?P<number>-?\d+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*)|(?P<mark>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
_TEXTS = {"subject", "iCalUId", "showAs", "sensitivity", "importance", "type", "seriesMasterId"}
_FLAGS = {"isAllDay", "isCancelled", "isOrganizer", "hasAttachments", "isReminderOn", "isOnlineMeeting"}
_MOMENTS = {"createdDateTime", "lastModifiedDateTime", "start/dateTime", "end/dateTime"}
_SUPPORTED = {name.lower(): name for name in _TEXTS | _FLAGS | _MOMENTS | {"organizer/emailAddress/address"}}


def compile_filter(text: str, *, named: bool = True) -> Test:
    """A test of a rendered event and its extended properties. Times are compared in UTC.

    `named` false: a resource that is filtered by extended properties only, as a calendar is.
    """
    reader = _Reader(text, _SUPPORTED if named else {})
    test = reader.either()
    reader.finish()
    return test


class _Reader:
    """Recursive descent over the tokens of an expression."""

    def __init__(self, text: str, supported: Mapping[str, str]) -> None:
        self._supported = supported
        self._tokens: list[tuple[str, str]] = []
        position = 0
        text = text.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise errors.bad_filter()
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            position = match.end()
        self._at = 0

    def either(self) -> Test:
        test = self._both()
        while self._word("or"):
            test = _join(any, test, self._both())
        return test

    def _both(self) -> Test:
        test = self._one()
        while self._word("and"):
            test = _join(all, test, self._one())
        return test

    def _one(self) -> Test:
        if self._word("not"):
            inner = self._one()
            return lambda event, properties: not inner(event, properties)
        if self._mark("("):
            test = self.either()
            self._expect(")")
            return test
        name = self._take("name")
        if name.lower() in {"contains", "startswith"} and self._mark("("):
            return self._function(name.lower())
        if name.lower().endswith("/any") and self._mark("("):
            return self._any(name.lower())
        return self._comparison(name)

    def _function(self, function: str) -> Test:
        name = self._property(self._take("name"))
        if name not in _TEXTS:
            raise errors.bad_filter()
        self._expect(",")
        wanted = self._text().lower()
        self._expect(")")
        if function == "contains":
            return lambda event, _: wanted in str(event.get(name) or "").lower()
        return lambda event, _: str(event.get(name) or "").lower().startswith(wanted)

    def _comparison(self, raw: str) -> Test:
        name, compare = self._property(raw), self._operator()
        value = self._value(name)

        def test(event: Json, properties: dict[str, str]) -> bool:
            del properties
            held = _held(event, name)
            return held is not None and compare(held, value)

        return test

    def _value(self, name: str) -> Any:
        if name in _MOMENTS:
            return self._moment()
        if name in _FLAGS:
            word = self._take("name").lower()
            if word not in {"true", "false"}:
                raise errors.bad_filter()
            return word == "true"
        return self._text().lower()

    def _moment(self) -> datetime:
        raw = self._text() if self._kind() == "text" else self._take("moment")
        try:
            return _instant(raw)
        except ValueError:
            raise errors.bad_filter() from None

    def _any(self, name: str) -> Test:
        variable = self._take("name").lower()
        self._expect(":")
        if name == "categories/any" and self._supported:
            if self._take("name").lower() != variable or self._operator() is not operator.eq:
                raise errors.bad_filter()
            wanted = self._text()
            self._expect(")")
            return lambda event, _: wanted in event.get("categories", ())
        if name != "singlevalueextendedproperties/any":
            raise errors.bad_filter()
        return self._extended(variable)

    def _extended(self, variable: str) -> Test:
        parts: dict[str, tuple[Callable[[Any, Any], bool], str]] = {}
        while True:
            field = self._take("name").lower()
            parts[field] = (self._operator(), self._text())
            if not self._word("and"):
                break
        self._expect(")")
        # An id alone would be a search of the whole mailbox: Exchange wants the value beside it.
        if parts.keys() != {f"{variable}/id", f"{variable}/value"} or parts[f"{variable}/id"][0] is not operator.eq:
            raise errors.bad_filter()
        wanted, (compare, value) = property_id(parts[f"{variable}/id"][1]), parts[f"{variable}/value"]

        def test(event: Json, properties: dict[str, str]) -> bool:
            del event
            return wanted in properties and compare(properties[wanted], value)

        return test

    # tokens -------------------------------------------------------------------------------

    def finish(self) -> None:
        if self._at != len(self._tokens):
            raise errors.bad_filter()

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self, kind: str) -> str:
        if self._kind() != kind:
            raise errors.bad_filter()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _text(self) -> str:
        return self._take("text")[1:-1].replace("''", "'")

    def _mark(self, mark: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise errors.bad_filter()

    def _word(self, word: str) -> bool:
        if self._kind() == "name" and self._tokens[self._at][1].lower() == word:
            self._at += 1
            return True
        return False

    def _operator(self) -> Callable[[Any, Any], bool]:
        name = self._take("name").lower()
        if name not in _COMPARE:
            raise errors.bad_filter()
        return _COMPARE[name]

    def _property(self, raw: str) -> str:
        name = self._supported.get(raw.lower())
        if name is None:
            message = f"The property '{raw}' does not support filtering."
            raise errors.GraphError(400, "ErrorInvalidProperty", message)
        return name


def _join(how: Callable[[list[bool]], bool], *tests: Test) -> Test:
    return lambda event, properties: how([test(event, properties) for test in tests])


def _held(event: Json, name: str) -> Any:
    value: Any = event
    for part in name.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return None
    if name in _MOMENTS:
        return _instant(value)
    return value.lower() if isinstance(value, str) else value


def _instant(raw: str) -> datetime:
    """An aware instant; without an offset it is UTC, which is what events are rendered in for a filter."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", raw).replace("Z", "+00:00")
    return datetime.fromisoformat(text if re.search(r"[+-]\d\d:\d\d$", text) else f"{text}+00:00")
