"""Partial answers: the `fields` parameter, read as Google's performance guide describes it.

The one rule: a selection of what a resource does not have is refused; what was not selected is not sent.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.providers.another.google.refusals import Refused
from tests.sandbox.google.discovery import _document as published

Selection = dict[str, "Selection"]
_TOKENS = re.compile(r"[\w*]+|[(),/]")


def selected(fields: str, schema: str, body: Any) -> Any:
    """The part of an answer that was asked for. Raises: Refused."""
    try:
        wanted = _parsed(fields)
        _check(wanted, {"$ref": schema})
    except (ValueError, StopIteration, KeyError) as error:
        message = f"Invalid field selection {error}"
        raise Refused(400, "invalidParameter", message, at=("parameter", "fields")) from error
    return _picked(wanted, body)


def _parsed(fields: str) -> Selection:
    """Raises: ValueError, StopIteration."""
    found = _TOKENS.findall(fields)
    tokens = iter([*found, ")"])
    wanted = _read(tokens)
    if "".join(found) != fields or next(tokens, None) is not None:
        raise ValueError(fields)
    return wanted


def _read(tokens: Iterator[str]) -> Selection:
    """Up to the closing bracket."""
    found: Selection = {}
    while True:
        name = next(tokens)
        inner = found.setdefault(name, {})
        following = next(tokens)
        while following == "/":
            inner = inner.setdefault(next(tokens), {})
            following = next(tokens)
        if following == "(":
            inner |= _read(tokens)
            following = next(tokens)
        if following == ")":
            return found
        if following != ",":
            raise ValueError(following)


def _check(wanted: Selection, schema: dict[str, Any]) -> None:
    while "$ref" in schema or schema.get("type") == "array":
        schema = published()["schemas"][schema["$ref"]] if "$ref" in schema else schema["items"]
    for name, inner in wanted.items():
        if name != "*" and "additionalProperties" not in schema:
            _check(inner, schema["properties"][name])


def _picked(wanted: Selection, value: Any) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_picked(wanted, item) for item in value]
    if not isinstance(value, dict):
        return value
    picked = {}
    for name, inner in value.items():
        if name in wanted or "*" in wanted:
            part = _picked(wanted.get(name, wanted.get("*", {})), inner)
            if part != {} or inner == {}:
                picked[name] = part
    return picked
