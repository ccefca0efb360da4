"""Holds a request against the grammar, and tells a violation in the words of .NET's validator.

The one rule: the first violation in the order of the document is the one told, with its line and position.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sandbox.exchange.events import EVENT_KINDS
from sandbox.exchange.fields import CALENDAR_ITEM, distinguished_folders, knows_uri
from sandbox.exchange.grammar import ENUMERATIONS, HEADERS, INTRODUCED, LISTS, OPERATIONS, TYPES
from sandbox.exchange.markup import TYPES as TYPES_NAMESPACE
from sandbox.exchange.markup import XSD
from sandbox.exchange.reading import Node, split
from sandbox.exchange.times import InvalidTime, TimeOutOfRange, parse_date_time
from sandbox.exchange.versions import EXCHANGE_2007_SP1, EXCHANGE_2010, EXCHANGE_2010_SP1, EXCHANGE_2013

_MANY = 1 << 30
_COUNTS = {"": (1, 1), "?": (0, 1), "*": (0, _MANY), "+": (1, _MANY)}
_SINCE = {
    "": 0,
    "@2007SP1": EXCHANGE_2007_SP1,
    "@2010": EXCHANGE_2010,
    "@2010SP1": EXCHANGE_2010_SP1,
    "@2013": EXCHANGE_2013,
}
_PART = re.compile(r"\((?P<choice>[^()]*)\)(?P<times>[?*+]?)|(?P<plain>\S+)")
_NAMED = re.compile(r"(?P<name>[\w:]+)(?P<times>[?*+]?)(?P<since>@\w+)?=(?P<type>\w+)")
_ATTRIBUTE = re.compile(r"@(?P<name>\w+)=(?P<type>\w+)(?P<required>!?)")
_IGNORED_ATTRIBUTES = ("s:", "xsi:", "{")


class SchemaViolation(ValueError):
    """The request is not what the schema says."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.line, self.column = node.line, node.column


@dataclass(frozen=True)
class Particle:
    """One place in the order of children: what may stand there, and how often."""

    names: dict[str, str]
    least: int
    most: int


@dataclass(frozen=True)
class Shape:
    """A type of the schema as it was at one version."""

    attributes: dict[str, tuple[str, bool]]
    particles: tuple[Particle, ...]
    text: str | None


def validate_operation(body: Node, rank: int) -> None:
    """Raises SchemaViolation. An operation the grammar does not have is not declared."""
    if body.name not in OPERATIONS or rank < _SINCE[INTRODUCED.get(body.name, "")]:
        raise SchemaViolation(f"The '{_qualified(body)}' element is not declared.", body)
    _check(body, _shape(OPERATIONS[body.name], rank), rank)


def validate_header(header: Node, rank: int) -> None:
    """Raises SchemaViolation for a header that changes what is done and is malformed."""
    if header.name in HEADERS:
        _check(header, _shape(HEADERS[header.name], rank), rank)


def _check(node: Node, shape: Shape, rank: int) -> None:
    _check_attributes(node, shape, rank)
    if shape.text is not None:
        _check_text(node, shape.text, rank)
        return
    index = taken = 0
    for child in node.children:
        index, taken = _place(node, child, shape, index, taken)
        taken += 1
        _check_type(child, shape.particles[index].names[child.name], rank)
    missing = next(
        (p for p in shape.particles[index:] if p.least > (taken if p is shape.particles[index] else 0)), None
    )
    if missing is not None:
        expected = _expected(shape, shape.particles.index(missing), 0)
        raise SchemaViolation(f"The element {_told(node)} has incomplete content.{expected}", node)
    if node.text:
        expected = _expected(shape, index, taken)
        raise SchemaViolation(f"The element {_told(node)} cannot contain text.{expected}", node)


def _place(node: Node, child: Node, shape: Shape, index: int, taken: int) -> tuple[int, int]:
    """Where a child stands in the order: the particle and how many are there already."""
    first, already = index, taken
    while index < len(shape.particles):
        particle = shape.particles[index]
        if child.name in particle.names and taken < particle.most:
            return index, taken
        if taken < particle.least:
            break
        index, taken = index + 1, 0
    expected = _expected(shape, first, already)
    raise SchemaViolation(f"The element {_told(node)} has invalid child element {_told(child)}.{expected}", child)


def _check_type(node: Node, type_name: str, rank: int) -> None:
    if type_name == "anyType":
        return
    composed = _composed(type_name)
    if composed is not None:
        _check(node, _shape(composed, rank), rank)
        return
    if node.children:
        child = node.children[0]
        raise SchemaViolation(f"The element {_told(node)} cannot contain child element {_told(child)}.", child)
    _check_attributes(node, Shape({}, (), None), rank)
    _check_text(node, type_name, rank)


def _check_text(node: Node, type_name: str, rank: int) -> None:
    problem = value_problem(node.text, type_name, rank)
    if problem is not None:
        raise SchemaViolation(f"The '{_qualified(node)}' element is invalid - {problem}", node)


def _check_attributes(node: Node, shape: Shape, rank: int) -> None:
    for name, value in node.attributes.items():
        if name.startswith(_IGNORED_ATTRIBUTES):
            continue
        if name not in shape.attributes:
            raise SchemaViolation(f"The '{name}' attribute is not declared.", node)
        problem = value_problem(value, shape.attributes[name][0], rank)
        if problem is not None:
            raise SchemaViolation(f"The '{name}' attribute is invalid - {problem}", node)
    for name, (_, required) in shape.attributes.items():
        if required and name not in node.attributes:
            raise SchemaViolation(f"The required attribute '{name}' is missing.", node)


def _qualified(node: Node) -> str:
    namespace, local = split(node.name)
    return f"{namespace}:{local}" if namespace else local


def _told(node: Node) -> str:
    namespace, local = split(node.name)
    return f"'{local}' in namespace '{namespace}'" if namespace else f"'{local}'"


def _expected(shape: Shape, index: int, taken: int) -> str:
    """What could have stood here, as .NET lists it: by namespace, in the order of the schema."""
    spaces: dict[str, list[str]] = {}
    for particle in shape.particles[index:]:
        if taken < particle.most:
            for name in particle.names:
                namespace, local = split(name)
                spaces.setdefault(namespace, []).append(local)
        if taken < particle.least:
            break
        taken = 0
    if not spaces:
        return ""
    told = " as well as ".join(f"'{', '.join(names)}' in namespace '{space}'" for space, names in spaces.items())
    return f" List of possible elements expected: {told}."


# reading the grammar ------------------------------------------------------------------------


def _composed(type_name: str) -> str | None:
    if type_name == "CalendarItemType":
        return _CALENDAR_ITEM
    return TYPES.get(type_name)


_YEARS = {EXCHANGE_2010: "@2010", EXCHANGE_2013: "@2013"}
_CALENDAR_ITEM = " ".join(
    f"t:{field.name}{'*' if field.name == 'ExtendedProperty' else '?'}"
    f"{_YEARS.get(min(field.since, EXCHANGE_2013), '')}={field.type}"
    for field in CALENDAR_ITEM
)


@lru_cache(maxsize=1024)
def _shape(line: str, rank: int) -> Shape:
    attributes: dict[str, tuple[str, bool]] = {}
    particles: list[Particle] = []
    text: str | None = None
    for part in _parts(line):
        attribute = _ATTRIBUTE.fullmatch(part["plain"] or "")
        if attribute is not None:
            attributes[attribute["name"]] = (attribute["type"], bool(attribute["required"]))
        elif (part["plain"] or "").startswith("#"):
            text = part["plain"][1:]
        else:
            particle = _particle(part, rank)
            if particle.names:
                particles.append(particle)
    return Shape(attributes, tuple(particles), text)


def _parts(line: str) -> Iterator[re.Match[str]]:
    for part in _PART.finditer(line):
        if (part["plain"] or "").startswith("^"):
            yield from _parts(TYPES[part["plain"][1:]])
        else:
            yield part


def _particle(part: re.Match[str], rank: int) -> Particle:
    options = (part["choice"] or part["plain"]).split("|")
    named = [_NAMED.fullmatch(option) for option in options]
    names = {one["name"]: one["type"] for one in named if one is not None and _SINCE[one["since"] or ""] <= rank}
    assert None not in named, f"the grammar is wrong: {part[0]}"
    assert named[0] is not None
    least, most = _COUNTS[part["times"] if part["choice"] else named[0]["times"]]
    return Particle(names, least, most)


# values ---------------------------------------------------------------------------------------


def value_problem(value: str, type_name: str, rank: int) -> str | None:
    """What .NET says of a value that is not of its type, or None."""
    reason = _reason(value, type_name, rank)
    if reason is None:
        return None
    space = XSD if type_name in _PLAIN else TYPES_NAMESPACE
    return f"The value '{value}' is invalid according to its datatype '{space}:{type_name}' - {reason}"


def _reason(value: str, type_name: str, rank: int) -> str | None:
    allowed = _allowed(type_name, rank)
    if allowed is not None:
        return None if value in allowed else "The Enumeration constraint failed."
    if type_name in LISTS:
        listed = frozenset(LISTS[type_name].split())
        return None if value.split() and listed.issuperset(value.split()) else "The Enumeration constraint failed."
    if type_name == "UnindexedFieldURIType":
        return None if knows_uri(value, rank) else "The Enumeration constraint failed."
    return (_PLAIN.get(type_name) or _RESTRICTED[type_name])(value)


@lru_cache(maxsize=512)
def _allowed(type_name: str, rank: int) -> frozenset[str] | None:
    if type_name in ENUMERATIONS:
        return frozenset(ENUMERATIONS[type_name].split())
    if type_name == "DistinguishedFolderIdNameType":
        return distinguished_folders(rank)
    if type_name == "NotificationEventTypeType":
        return frozenset(EVENT_KINDS if rank >= EXCHANGE_2010 else set(EVENT_KINDS) - {"FreeBusyChangedEvent"})
    if type_name == "LegacyFreeBusyType":
        older = {"Free", "Tentative", "Busy", "OOF", "NoData"}
        return frozenset(older | {"WorkingElsewhere"} if rank >= EXCHANGE_2013 else older)
    return None


def _matches(pattern: str, complaint: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)

    def check(value: str) -> str | None:
        return None if compiled.fullmatch(value.strip()) else complaint.format(value)

    return check


def _within(least: int, most: int, kind: str) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        try:
            number = int(value)
        except ValueError:
            return f"The string '{value}' is not a valid {kind} value."
        if number < least:
            return "The MinInclusive constraint failed."
        return "The MaxInclusive constraint failed." if number > most else None

    return check


def _date_time(value: str) -> str | None:
    try:
        parse_date_time(value, None)
    except TimeOutOfRange:
        return None
    except InvalidTime:
        return f"The string '{value}' is not a valid AllXsd value."
    return None


def _property_tag(value: str) -> str | None:
    if re.fullmatch(r"(0x|0X)[0-9A-Fa-f]{1,4}", value):
        return None
    return _within(0, 65535, "UInt16")(value)


_PLAIN: dict[str, Callable[[str], str | None]] = {
    "string": lambda _: None,
    "int": _within(-(1 << 31), (1 << 31) - 1, "Int32"),
    "short": _within(-(1 << 15), (1 << 15) - 1, "Int16"),
    "boolean": _matches("true|false|1|0", "The string '{}' is not a valid Boolean value."),
    "dateTime": _date_time,
    "date": _matches(r"\d{4}-\d{2}-\d{2}(Z|[+-]\d{2}:\d{2})?", "The string '{}' is not a valid XsdDateTime value."),
    "time": _matches(r"\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", "The string '{}' is not a valid Time value."),
    "duration": _matches(
        r"-?P(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", "The string '{}' is not a valid TimeSpan value."
    ),
    "base64Binary": _matches(r"[A-Za-z0-9+/\s]*={0,2}", "The string '{}' is not a valid Base64 value."),
    "language": _matches(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", "The Pattern constraint failed."),
}
_RESTRICTED: dict[str, Callable[[str], str | None]] = {
    "NonEmptyStringType": lambda value: None if value else "The actual length is less than the MinLength value.",
    "SubscriptionIdType": lambda value: None if value else "The actual length is less than the MinLength value.",
    "WatermarkType": lambda value: None if value else "The actual length is less than the MinLength value.",
    "SubscriptionTimeoutType": _within(1, 1440, "Int32"),
    "SubscriptionStatusFrequencyType": _within(1, 1440, "Int32"),
    "StreamingSubscriptionConnectionTimeoutType": _within(1, 30, "Int32"),
    "GuidType": _matches(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "The Pattern constraint failed."),
    "PropertyTagType": _property_tag,
    "MaxSyncChangesReturnedType": _within(1, 512, "Int32"),
    "ReminderMinutesBeforeStartType": _within(0, 2629800, "Int32"),
}
