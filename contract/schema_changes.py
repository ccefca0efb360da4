"""What changed between two JSON Schemas of an OpenAPI 3.1 document, and whom it breaks. Pure.

The one rule: what a caller may send can only grow, what a caller must understand can only shrink.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

_UPPER_LIMITS = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_LOWER_LIMITS = {"minLength": 0, "minItems": 0, "minProperties": 0, "minimum": -inf, "exclusiveMinimum": -inf}
"""With what holds where they are absent."""
_EXACT_LIMITS = ("pattern", "multipleOf", "uniqueItems")
_UNIONS = ("anyOf", "oneOf")
_ANYTHING: Schema = {}


class Direction(Enum):
    """Who writes the value."""

    REQUEST = "request"
    RESPONSE = "response"


def resolve(document: Document, node: Any) -> Any:
    """The node itself, or what its `$ref` points at."""
    while isinstance(node, Mapping) and "$ref" in node:
        target: Any = document
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


@dataclass
class SchemaComparison:
    """Compares schemas of two documents, each pair once: schemas may refer to themselves.

    Both documents must outlive it: pairs are known by identity.
    """

    old_document: Document
    new_document: Document
    _seen: set[tuple[int, int, Direction]] = field(default_factory=set)

    def changes(self, old: Any, new: Any, direction: Direction, where: str) -> Iterator[str]:
        """Every breaking change from the old schema to the new one, told with its place."""
        old, new = resolve(self.old_document, old), resolve(self.new_document, new)
        before, after = self._variants(old, self.old_document), self._variants(new, self.new_document)
        yield from _variant_changes(before, after, direction, where)
        yield from _discriminator_changes(old, new, where)
        for kind in sorted(before.keys() & after.keys()):
            yield from self._one(before[kind], after[kind], direction, where)

    def _variants(self, schema: Any, document: Document) -> dict[str, Schema]:
        """The alternatives of a schema by a name that stays when the schema is edited; one, if it is no union."""
        found: dict[str, Schema] = {}
        options = list(_flat(schema, document))
        for variant in options:
            for name, single in _by_type(variant, document, told_apart=len(options) > 1):
                key = name
                while key in found:
                    key += "'"
                found[key] = single
        return found

    def _one(self, old: Schema, new: Schema, direction: Direction, where: str) -> Iterator[str]:
        pair = (id(old), id(new), direction)
        if pair in self._seen:
            return
        self._seen.add(pair)
        yield from _value_changes(old, new, direction, where)
        if direction is Direction.REQUEST:
            yield from _limit_changes(old, new, where)
        yield from self._property_changes(old, new, direction, where)
        if "items" in old:
            yield from self.changes(old["items"], new.get("items", _ANYTHING), direction, f"{where}[]")
        if isinstance(old.get("additionalProperties"), Mapping):
            yield from self.changes(
                old["additionalProperties"], new.get("additionalProperties") or _ANYTHING, direction, f"{where}{{}}"
            )

    def _property_changes(self, old: Schema, new: Schema, direction: Direction, where: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before.keys() - after.keys():
            yield f"{where}.{name}: the property is gone"
        for name in sorted(before.keys() & after.keys()):
            yield from self.changes(before[name], after[name], direction, f"{where}.{name}")
        if direction is Direction.REQUEST:
            for name in needed_after - needed_before:
                yield f"{where}.{name}: the property is now required"
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                yield f"{where}: unknown properties are now refused"
        else:
            for name in (needed_before - needed_after) & after.keys():
                yield f"{where}.{name}: the property may now be absent"


def _flat(schema: Any, document: Document) -> Iterator[Schema]:
    schema = resolve(document, schema)
    unions = [key for key in _UNIONS if key in schema]
    if not unions:
        yield schema
    for key in unions:
        for option in schema[key]:
            yield from _flat(option, document)


def _by_type(schema: Schema, document: Document, *, told_apart: bool) -> Iterator[tuple[str, Schema]]:
    """The schema under each type it allows; objects of a tagged union under their tag."""
    types = schema.get("type", "anything")
    properties = schema.get("properties", {}).values() if told_apart else ()
    for name in [types] if isinstance(types, str) else types:
        tags = [tag for tag in (_tag(value, document) for value in properties) if tag]
        yield (f"{name} {tags[0]}" if tags else str(name)), schema


def _tag(schema: Any, document: Document) -> str | None:
    constant = resolve(document, schema).get("const")
    return None if constant is None else f"`{constant}`"


def _variant_changes(
    before: Mapping[str, Schema], after: Mapping[str, Schema], direction: Direction, where: str
) -> Iterator[str]:
    if direction is Direction.REQUEST:
        for name in before.keys() - after.keys():
            if not _covered(name, after):
                yield f"{where}: no longer accepts {name}"
    else:
        for name in after.keys() - before.keys():
            if not _covered(name, before):
                yield f"{where}: may now be {name}"


def _covered(name: str, others: Mapping[str, Schema]) -> bool:
    return "anything" in others or (name == "integer" and "number" in others)


def _discriminator_changes(old: Schema, new: Schema, where: str) -> Iterator[str]:
    before = old.get("discriminator", {}).get("propertyName")
    after = new.get("discriminator", {}).get("propertyName")
    if before is not None and before != after:
        yield f"{where}: is no longer told apart by `{before}`"


def _value_changes(old: Schema, new: Schema, direction: Direction, where: str) -> Iterator[str]:
    before, after = _values(old), _values(new)
    if direction is Direction.REQUEST and after is not None:
        if before is None:
            yield f"{where}: now accepts only {_listed(after)}"
        elif before - after:
            yield f"{where}: no longer accepts {_listed(before - after)}"
    if direction is Direction.RESPONSE and before is not None:
        if after is None:
            yield f"{where}: may now be anything, not only {_listed(before)}"
        elif after - before:
            yield f"{where}: may now be {_listed(after - before)}"
    if old.get("format") != new.get("format"):
        yield f"{where}: the format was {old.get('format')}, now it is {new.get('format')}"


def _values(schema: Schema) -> frozenset[Any] | None:
    if "const" in schema:
        return frozenset({schema["const"]})
    return frozenset(schema["enum"]) if "enum" in schema else None


def _listed(values: frozenset[Any]) -> str:
    return ", ".join(sorted(f"`{value}`" for value in values))


def _limit_changes(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for name in _UPPER_LIMITS:
        if name in new and (name not in old or new[name] < old[name]):
            yield f"{where}: {name} is tighter: {old.get(name)} to {new[name]}"
    for name, none in _LOWER_LIMITS.items():
        if new.get(name, none) > old.get(name, none):
            yield f"{where}: {name} is tighter: {old.get(name)} to {new[name]}"
    for name in _EXACT_LIMITS:
        if name in new and new[name] != old.get(name):
            yield f"{where}: {name} is new or another"
