"""Names for what differs from run to run: ids, times, addresses, seconds. Pure.

The one rule: the same thing has the same name all through a journey, and different things have different names.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import ascii_uppercase
from typing import Any, Final

_TYPE_ID: Final = re.compile(r"\b([a-z]+)_01[0-9a-hjkmnp-tv-z]{24}\b")
_INSTANT: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")
_SLUG: Final = re.compile(r"(/meetings/[a-z]+)-[0-9a-f]{4}\b")  # the account's own was taken
_MAILS: Final = frozenset({"mail", "mails", "subjects", "to_visitor", "to_host"})
_UNDER: Final = "under 20"


@dataclass(slots=True)
class Names:
    """Those of one journey."""

    _given: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def of(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with names in place of what differs; what nobody can name is left out."""
        return {key: self._value(key, value) for key, value in facts.items() if key not in {"seconds", "lag_seconds"}}

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._text(name): self._value(key, part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._value(key, part) for part in value]
        if "seconds" in key:
            return _UNDER
        if not isinstance(value, str):
            return value
        if key == "event_id":
            return self._name("event", value, " ")
        if key in _MAILS or value.startswith("- "):
            value = _without_time(value)
        return self._text(value)

    def _text(self, text: str) -> str:
        text = _TYPE_ID.sub(lambda found: self._name(found[1], found[0], "_"), text)
        text = _INSTANT.sub(lambda found: self._time(found[0]), text)
        return _SLUG.sub(r"\1-…", _ADDRESS.sub("http://…", text))

    def _time(self, text: str) -> str:
        """In whatever zone it is told."""
        instant = datetime.fromisoformat(text).astimezone(UTC).isoformat()
        if instant not in self._given:
            self._given[instant] = f"time {_letters(self._counts['time'])}"
            self._counts["time"] += 1
        return self._given[instant]

    def _name(self, kind: str, text: str, between: str) -> str:
        if text not in self._given:
            self._counts[kind] += 1
            self._given[text] = f"{kind}{between}{self._counts[kind]}"
        return self._given[text]


def _letters(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    more, letter = divmod(number, len(ascii_uppercase))
    return (_letters(more - 1) if more else "") + ascii_uppercase[letter]


def _without_time(text: str) -> str:
    """Mails and proposals tell the time last, in their reader's language."""
    told, comma, _ = text.partition(", ")
    return f"{told}, …" if comma else text
