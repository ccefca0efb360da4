"""The `fields=` parameter: partial answers. The one rule: a selector may name only what the answer can have.

https://developers.google.com/workspace/calendar/api/guides/performance#partial
"""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.google import errors
from sandbox.google.times import Json

# A parsed selector: the names wanted, each with what is wanted inside it (None: all of it).
Selection = dict[str, "Selection | None"]
_TOKEN = re.compile(r"[A-Za-z0-9_*\-.]+|[(),/]")


def read_fields(selector: str, shape: Mapping[str, Any]) -> Selection:
    """What e.g. `items(id,start/dateTime),nextPageToken` selects of an answer of that shape, or Google's 400."""
    tokens = _TOKEN.findall(selector)
    if "".join(tokens) != selector.replace(" ", ""):
        raise _refused(selector)
    selection, rest = _parse(tokens, selector)
    if rest:
        raise _refused(selector)
    _check(selection, shape)
    return selection


def pick_fields(body: Json, selection: Selection | None) -> Json:
    """The parts of `body` that are selected; without a selection all of it."""
    picked = _pick(body, selection)
    assert isinstance(picked, dict)
    return picked


def _check(selection: Selection, shape: Any) -> None:
    while isinstance(shape, list):
        shape = shape[0]
    if shape == "any":
        return
    known = shape if isinstance(shape, Mapping) else {}
    for name, inner in selection.items():
        if name == "*":
            continue
        held = known.get(name, known.get("*"))
        if held is None:
            raise _refused(name)
        if inner is not None:
            _check(inner, held)


def _refused(selector: str) -> errors.GoogleError:
    return errors.invalid_parameter("fields", f"Invalid field selection {selector}")


def _parse(tokens: list[str], selector: str) -> tuple[Selection, list[str]]:
    selection: Selection = {}
    while True:
        inner, tokens = _parse_path(tokens, selector)
        _merge(selection, inner)
        if not tokens or tokens[0] != ",":
            return selection, tokens
        tokens = tokens[1:]


def _parse_path(tokens: list[str], selector: str) -> tuple[Selection, list[str]]:
    if not tokens or tokens[0] in "(),/":
        raise _refused(selector)
    name, rest = tokens[0], tokens[1:]
    if rest[:1] == ["/"]:
        inner, rest = _parse_path(rest[1:], selector)
        return {name: inner}, rest
    if rest[:1] == ["("]:
        inner, rest = _parse(rest[1:], selector)
        if rest[:1] != [")"]:
            raise _refused(selector)
        return {name: inner}, rest[1:]
    return {name: None}, rest


def _merge(into: Selection, other: Selection) -> None:
    for name, inner in other.items():
        known = into.get(name)
        if name in into and known is not None and inner is not None:
            _merge(known, inner)
        elif name not in into:
            into[name] = inner
        else:
            into[name] = None


def _pick(value: Any, selection: Selection | None) -> Any:
    if selection is None:
        return value
    if isinstance(value, list):
        return [_pick(item, selection) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in selection:
        return {name: _pick(item, selection["*"]) for name, item in value.items()}
    return {name: _pick(item, selection[name]) for name, item in value.items() if name in selection}
