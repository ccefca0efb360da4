"""`$filter` on events. The one rule: what Exchange cannot filter by is refused, so a client learns it here.

The language: `and`, `or`, `not`, parentheses, comparisons, `contains` and `startswith`, and `any` over categories,
single-value extended properties and open extensions.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.extensions import key_of
from sandbox.microsoft.property_values import EQUALITY, ORDER, SEARCH, instant, value_test
from sandbox.microsoft.query import property_id
from sandbox.microsoft.times import Json

Test = Callable[[Json, dict[str, str]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:[/.][A-Za-z_][A-Za-z0-9_]*)*)|(?P<mark>[(),:]))"
)
_COMPARE = {**EQUALITY, **ORDER}
_LITERALS = {"moment", "guid", "number"}
_DEEPEST = 100
_TEXTS = {"subject", "iCalUId", "showAs", "sensitivity", "importance", "type", "seriesMasterId"}
_FLAGS = {"isAllDay", "isCancelled", "isOrganizer", "hasAttachments", "isReminderOn", "isOnlineMeeting"}
_MOMENTS = {"createdDateTime", "lastModifiedDateTime", "start/dateTime", "end/dateTime"}
EVENT_NAMES = {name.lower(): name for name in _TEXTS | _FLAGS | _MOMENTS | {"organizer/emailAddress/address"}}
CALENDAR_NAMES = {"name": "name"}


def compile_filter(text: str, names: Mapping[str, str] = EVENT_NAMES) -> Test:
    """A test of a rendered event or calendar and its extended properties. Times are compared in UTC.

    `names` are the properties it can be filtered by, by their names in lower case.
    """
    reader = _Reader(text, names)
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
        self._depth = 0

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
            inner = self._inside(self._one)
            return lambda event, properties: not inner(event, properties)
        if self._mark("("):
            test = self._inside(self.either)
            self._expect(")")
            return test
        name = self._take("name")
        if name.lower() in SEARCH and self._mark("("):
            return self._function(name.lower())
        if name.lower().endswith("/any") and self._mark("("):
            return self._any(name.lower())
        return self._comparison(name)

    def _inside(self, read: Callable[[], Test]) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise errors.bad_filter()
        test = read()
        self._depth -= 1
        return test

    def _function(self, function: str) -> Test:
        name = self._property(self._take("name"))
        if name not in _TEXTS | {"name"}:
            raise errors.bad_filter()
        self._expect(",")
        wanted = self._text().lower()
        self._expect(")")
        search = SEARCH[function]
        return lambda event, _: search(str(event.get(name) or "").lower(), wanted)

    def _comparison(self, raw: str) -> Test:
        name, compare = self._property(raw), _COMPARE[self._operator()]
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
            return instant(raw)
        except ValueError:
            raise errors.bad_filter() from None

    def _any(self, name: str) -> Test:
        variable = self._take("name").lower()
        self._expect(":")
        if name == "categories/any" and self._supported is EVENT_NAMES:
            if self._take("name").lower() != variable or self._operator() != "eq":
                raise errors.bad_filter()
            wanted = self._text()
            self._expect(")")
            return lambda event, _: wanted in event.get("categories", ())
        if name == "extensions/any" and self._supported is EVENT_NAMES:
            if self._take("name").lower() != f"{variable}/id" or self._operator() != "eq":
                raise errors.bad_filter()
            extension = key_of(self._text())
            self._expect(")")
            return lambda event, _: extension in event.get("extensions", ())
        if name != "singlevalueextendedproperties/any":
            raise errors.bad_filter()
        return self._extended(variable)

    def _extended(self, variable: str) -> Test:
        """An id and one condition on the value; an id alone would be a search of the whole mailbox."""
        identifier: str | None = None
        condition: tuple[str, str | None] | None = None
        while True:
            field, asked, literal = self._condition()
            if field == f"{variable}/id" and asked == "eq" and identifier is None and literal is not None:
                identifier = property_id(literal)
            elif field == f"{variable}/value" and condition is None:
                condition = (asked, literal)
            else:
                raise errors.bad_filter()
            if not self._word("and"):
                break
        self._expect(")")
        if identifier is None or condition is None:
            raise errors.bad_filter()
        wanted, test = identifier, value_test(identifier, *condition)
        return lambda _, properties: test(properties.get(wanted))

    def _condition(self) -> tuple[str, str, str | None]:
        """`field op literal`, `cast(field, type) op literal` or `contains(field, literal)`; None is null."""
        name = self._take("name").lower()
        if name in SEARCH and self._mark("("):
            field = self._take("name").lower()
            self._expect(",")
            literal = self._text()
            self._expect(")")
            return field, name, literal
        if name == "cast" and self._mark("("):
            name = self._take("name").lower()
            self._expect(",")
            if not self._take("name").lower().startswith("edm."):
                raise errors.bad_filter()
            self._expect(")")
        return name, self._operator(), self._literal()

    def _literal(self) -> str | None:
        """With or without parentheses, as the documentation writes GUIDs."""
        within = self._mark("(")
        literal = None if self._word("null") else self._value_text()
        if within:
            self._expect(")")
        return literal

    def _value_text(self) -> str:
        for word in ("true", "false"):
            if self._word(word):
                return word
        return self._take(self._kind()) if self._kind() in _LITERALS else self._text()

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

    def _operator(self) -> str:
        name = self._take("name").lower()
        if name not in _COMPARE:
            raise errors.bad_filter()
        return name

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
        return instant(value)
    return value.lower() if isinstance(value, str) else value
