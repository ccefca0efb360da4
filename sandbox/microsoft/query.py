"""OData query options. The one rule: an option this resource does not take is an error, never ignored.

Graph itself passes over names without a dollar sign that it does not know; the simulator refuses them while the knob
`strict` is on, since a client that sends one has made a mistake.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.microsoft import errors
from sandbox.microsoft.times import Window, parse_bound

# The dollar sign is optional in v1.0.
_SYSTEM = frozenset(
    {"select", "expand", "filter", "orderby", "top", "skip", "count", "search", "skiptoken", "deltatoken"}
)
_WINDOW = frozenset({"startdatetime", "enddatetime"})
WINDOW_DAYS_MAX = 1825
PAGE_MAX = 1000
_EXTENDED = re.compile(
    r"(String|Integer|Short|Long|Double|Float|Boolean|SystemTime|Binary|CLSID|Guid|Currency|ApplicationTime)(Array)?\s+"
    r"(?:\{([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}\s+(?:Name\s+(.+)|Id\s+(0x[0-9a-fA-F]+))"
    r"|(0x[0-9a-fA-F]{1,4}))"
)
_EXPANDED = re.compile(r"([A-Za-z]+)(?:\((.*)\))?", re.DOTALL)
_PROPERTY_ID = re.compile(r"\$?filter=\s*(.+)", re.IGNORECASE | re.DOTALL)
_ID_EQUALS = re.compile(r"id\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


@dataclass(frozen=True)
class Options:
    """The options of one request, parsed. `properties` are the ids of the extended properties to be expanded.

    `lists` are those with many values.

    `extensions` are the open extensions to be expanded; none named: all.
    """

    select: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    filter: str | None = None
    order: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: tuple[str, str] | None = None
    window: Mapping[str, str] = field(default_factory=dict)

    def required_window(self, *, days_max: int = WINDOW_DAYS_MAX) -> Window:
        """`startDateTime` and `endDateTime`, or Graph's refusal."""
        if not self.window.get("startdatetime") or not self.window.get("enddatetime"):
            raise errors.no_window()
        start = parse_bound(self.window["startdatetime"], "StartDateTime")
        end = parse_bound(self.window["enddatetime"], "EndDateTime")
        if end < start:
            raise errors.invalid_parameter("The value of parameter 'EndDateTime' must not be before 'StartDateTime'.")
        if (end - start).days > days_max:
            raise errors.window_too_big(days_max)
        return Window(start, end)


@dataclass(frozen=True)
class Allowed:
    """What a resource takes."""

    options: frozenset[str] = frozenset()
    selectable: Collection[str] = ()
    expandable: Collection[str] = ()
    sortable: Collection[str] = ()
    type_name: str = "event"
    window: bool = False
    delta: bool = False


def read_options(pairs: Iterable[tuple[str, str]], allowed: Allowed, *, strict: bool) -> Options:
    """Raises GraphError for what the resource does not take or cannot parse."""
    given: dict[str, str] = {}
    for name, value in pairs:
        plain = name.lower().removeprefix("$")
        if plain in _SYSTEM:
            if plain not in allowed.options:
                raise errors.unsupported_in_delta(f"${plain}") if allowed.delta else errors.unknown_option(name)
        elif plain not in _WINDOW or not allowed.window or name.startswith("$"):
            if strict or name.startswith("$"):
                raise errors.unknown_option(name)
            continue
        if plain in given:
            raise errors.parse_uri(
                f"Query option '{name}' was specified more than once, but it must be specified once."
            )
        given[plain] = value
    expand, properties, lists, extensions = _read_expand(given.get("expand"), allowed)
    return Options(
        select=_read_select(given.get("select"), allowed),
        expand=expand,
        properties=properties,
        lists=lists,
        extensions=extensions,
        filter=given.get("filter"),
        order=_read_order(given.get("orderby"), allowed),
        top=_read_number("$top", given.get("top"), 1),
        skip=_read_number("$skip", given.get("skip"), 0) or 0,
        count=given.get("count", "false").lower() == "true",
        token=next(((name, given[name]) for name in ("skiptoken", "deltatoken") if given.get(name)), None),
        window={name: given[name] for name in _WINDOW & given.keys()},
    )


def _read_number(name: str, raw: str | None, least: int) -> int | None:
    if raw is None:
        return None
    if not raw.isdecimal() or not least <= int(raw):
        raise errors.GraphError(400, "BadRequest", f"Invalid value '{raw}' for {name} query option found.")
    if name == "$top" and int(raw) > PAGE_MAX:
        raise errors.GraphError(400, "ErrorInvalidUrlQuery", f"The value of '$top' is limited to {PAGE_MAX}.")
    return int(raw)


def _read_select(raw: str | None, allowed: Allowed) -> tuple[str, ...] | None:
    if raw is None:
        return None
    found = []
    for name in filter(None, (part.strip() for part in raw.split(","))):
        known = next((each for each in allowed.selectable if each.lower() == name.lower()), None)
        if known is None:
            raise errors.no_property(name, allowed.type_name)
        found.append(known)
    return tuple(found)


def _read_order(raw: str | None, allowed: Allowed) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in (raw or "").split(","):
        words = part.split()
        if not words:
            continue
        known = next((each for each in allowed.sortable if each.lower() == words[0].lower()), None)
        if known is None or len(words) > 2 or [word.lower() for word in words[1:]] not in ([], ["asc"], ["desc"]):
            raise errors.GraphError(400, "ErrorInvalidProperty", f"The property '{words[0]}' does not support sorting.")
        order.append((known, words[-1].lower() == "desc"))
    return tuple(order)


def _read_expand(raw: str | None, allowed: Allowed) -> tuple[tuple[str, ...], ...]:
    """What is expanded, and the ids of the properties, of those with many values, and of the extensions."""
    names: list[str] = []
    properties: list[str] = []
    lists: list[str] = []
    extensions: list[str] = []
    for part in _top_level(raw or ""):
        match = _EXPANDED.fullmatch(part.strip())
        known = match and next((each for each in allowed.expandable if each.lower() == match[1].lower()), None)
        if match is None or not known:
            raise errors.bad_expand()
        names.append(known)
        if known == "singleValueExtendedProperties":
            properties += map(property_id, _read_id_filter(match[2]))
        elif known == "multiValueExtendedProperties":
            lists += (property_id(each, many=True) for each in _read_id_filter(match[2]))
        elif match[2] and known == "extensions":
            extensions += _read_id_filter(match[2])
        elif match[2]:
            raise errors.bad_expand()
    return tuple(names), tuple(properties), tuple(lists), tuple(extensions)


def _top_level(raw: str) -> list[str]:
    """The parts between commas that stand in no parentheses and no quotes."""
    parts, depth, quoted, begin = [], 0, False, 0
    for position, letter in enumerate(raw):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and not quoted and depth == 0:
            parts.append(raw[begin:position])
            begin = position + 1
    return [part for part in (*parts, raw[begin:]) if part.strip()]


def _read_id_filter(raw: str | None) -> list[str]:
    """The ids of what is to be expanded. Extended properties have to be named: all would be the whole item."""
    match = _PROPERTY_ID.fullmatch((raw or "").strip())
    if match is None:
        raise errors.bad_expand()
    wanted = re.split(r"\s+or\s+", match[1].strip(), flags=re.IGNORECASE)
    found = [_ID_EQUALS.fullmatch(each.strip()) for each in wanted]
    if not all(found):
        raise errors.bad_expand()
    return [each[1].replace("''", "'") for each in found if each]


def property_id(raw: object, *, many: bool = False) -> str:
    """The id of an extended property as Exchange spells it, or its refusal. With `many` values its type is an array."""
    match = _EXTENDED.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None or (match[2] is not None) != many:
        raise errors.bad_extended_property()
    kind, array, guid, name, number, tag = match.groups()
    kind += array or ""
    if tag:
        return f"{kind} {tag.lower()}"
    return f"{kind} {{{guid.lower()}}} " + (f"Name {name}" if name else f"Id {number.lower()}")
