"""What a JSON schema says, in words and tables. Pure.

The one rule: a reference becomes a link, never a copy.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from documentation.markdown import anchor

Schema = Mapping[str, Any]

_BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("maxProperties", "at most {} entries"),
    ("default", "default {}"),
)


def name_of(reference: str) -> str:
    """The last part of a reference."""
    return reference.rpartition("/")[2]


def type_text(schema: Schema, schemas_page: str) -> str:
    """The type in a few words; `schemas_page` is where references lead, from the page this stands on."""
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        return f"[{name}]({schemas_page}#{anchor(name)})"
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(type_text(item, schemas_page) for item in schema[word]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in schema["enum"])
    return _plain(schema, schemas_page)


def _plain(schema: Schema, schemas_page: str) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_text(schema.get('items', {}), schemas_page)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"{type_text(schema['additionalProperties'], schemas_page)} by name"
    if isinstance(kind, list):
        return " or ".join(kind)
    return str(schema.get("format", kind))


def bounds(schema: Schema) -> str:
    """The limits of a value, of the type that is not null."""
    parts = [schema, *(item for item in schema.get("anyOf", ()) if item.get("type") != "null")]
    return ", ".join(text.format(part[key]) for part in parts for key, text in _BOUNDS if part.get(key) is not None)


def fields(schema: Schema, schemas_page: str) -> Iterator[tuple[str, str, str]]:
    """Each property: its name, its type, what is said of it."""
    required = set(schema.get("required", ()))
    for name, value in schema.get("properties", {}).items():
        limits = bounds(value)
        said = value.get("description", "")
        mark = "" if name in required else " (optional)"
        yield f"`{name}`{mark}", type_text(value, schemas_page), f"{said} ({limits})" if limits else said
