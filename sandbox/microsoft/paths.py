"""A path as Graph reads it. The one rule: it is taken apart before it is decoded, so a key may hold anything.

A key stands between slashes or, as in the addresses Graph itself gives, in parentheses: `events/id` is `events('id')`.
Two quotes inside a key mean one. A function may have one parameter: `name(parameter='value')`. https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.types import Scope

_CALLED = re.compile(r"([A-Za-z.]+\([A-Za-z]+)=(?:[A-Za-z.]+)?'((?:[^']|'')*)'\)")
_KEYED = re.compile(r"([A-Za-z.]+)\((?:id=)?'((?:[^']|'')*)'\)", re.IGNORECASE)


@dataclass(frozen=True)
class Segment:
    """One part of a path, decoded. `is_key`: it can be nothing else, whatever it reads like.

    A function with a parameter is `name(parameter)`; what is given for it is the `argument`.
    """

    text: str
    is_key: bool = False
    argument: str | None = None

    @property
    def parameter(self) -> str:
        return self.text.partition("(")[2].rstrip(")").lower()


def path_below(scope: Scope, root: str) -> str:
    """What of a request's path comes after `root`, still encoded."""
    raw: bytes = scope["raw_path"]
    return raw.decode("utf-8", "replace").partition(root)[2]


def read_path(encoded: str) -> Iterator[Segment]:
    """The segments of an encoded path."""
    for part in encoded.strip("/").split("/"):
        text = unquote(part)
        keyed, called = _KEYED.fullmatch(text), _CALLED.fullmatch(text)
        if keyed is not None:
            yield Segment(keyed[1])
            yield Segment(_unquoted(keyed[2]), is_key=True)
        elif called is not None:
            yield Segment(f"{called[1]})", argument=_unquoted(called[2]))
        else:
            yield Segment(text)


def _unquoted(value: str) -> str:
    return value.replace("''", "'")
