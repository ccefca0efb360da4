"""Google's published discovery document as a judge of requests and answers.

The one rule: a field or parameter that Google does not publish is a failure, whoever sent it.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
from jsonschema import Draft202012Validator, ValidationError

Json = dict[str, Any]
_DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "calendar.v3.json"
_RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
# "A time zone offset is required unless a time zone is explicitly specified in timeZone."
_WALL_OR_RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$"
_DATE = r"^\d{4}-\d\d-\d\d$"


@cache
def _document() -> Json:
    loaded: Json = json.loads(_DOCUMENT.read_text())
    return loaded


def document(root_url: str) -> Json:
    """A copy of the document that sends a client to `root_url`, a slash at its end."""
    copy = deepcopy(_document())
    copy |= {"rootUrl": root_url, "baseUrl": root_url + copy["servicePath"]}
    return copy


def method(method_id: str) -> Json:
    """The description of e.g. `events.list`."""
    resource, _, name = method_id.partition(".")
    described: Json = _document()["resources"][resource]["methods"][name]
    return described


def _translate(schema: Json, *, sent: bool) -> Json:
    """A discovery schema as JSON Schema; objects are closed. What a client sent may hold nulls, which erase."""
    if "$ref" in schema:
        translated: Json = {"$ref": f"#/$defs/{schema['$ref']}"}
    elif schema["type"] == "any":
        return {}
    elif schema["type"] == "array":
        translated = {"type": "array", "items": _translate(schema["items"], sent=sent)}
    elif schema["type"] == "object":
        extra = schema.get("additionalProperties")
        properties = {name: _translate(inner, sent=sent) for name, inner in schema.get("properties", {}).items()}
        closed = _translate(extra, sent=sent) if extra else False
        translated = {"type": "object", "properties": properties, "additionalProperties": closed}
    else:
        translated = _scalar(schema, sent=sent)
    return {"anyOf": [translated, {"type": "null"}]} if sent else translated


def _scalar(schema: Json, *, sent: bool) -> Json:
    translated: Json = {"type": schema["type"]}
    if "enum" in schema:
        translated["enum"] = schema["enum"]
    patterns = {"date-time": _WALL_OR_RFC3339 if sent else _RFC3339, "date": _DATE}
    pattern = patterns.get(schema.get("format", ""))
    if pattern and schema["type"] == "string":
        translated["pattern"] = pattern
    return translated


@cache
def _validator(schema_name: str, *, sent: bool = False) -> Draft202012Validator:
    definitions = {name: _translate(schema, sent=sent) for name, schema in _document()["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{schema_name}", "$defs": definitions})


def validate(schema_name: str, payload: Any) -> None:
    """Raises `jsonschema.ValidationError` unless `payload` is an answer Google could give."""
    _validator(schema_name).validate(payload)


def validate_request(method_id: str, query: Mapping[str, Any], body: Any = None) -> None:
    """Raises unless a client could send this: known parameters of the right type, required ones there, a known body."""
    described = method(method_id)
    known = {**_document()["parameters"], **described.get("parameters", {})}
    query_names = {name for name, parameter in known.items() if parameter["location"] == "query"}
    unknown = query.keys() - query_names
    assert not unknown, f"{method_id} has no parameters {sorted(unknown)}"
    missing = {name for name in query_names if known[name].get("required")} - query.keys()
    assert not missing, f"{method_id} needs {sorted(missing)}"
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        assert len(values) == 1 or known[name].get("repeated"), f"{name} may not be repeated"
        for item in values:
            _validate_parameter(name, known[name], item)
    if "request" in described:
        assert body is not None, f"{method_id} needs a body"
        _validator(described["request"]["$ref"], sent=True).validate(body)
    else:
        assert body is None, f"{method_id} takes no body"


def _validate_parameter(name: str, parameter: Json, value: Any) -> None:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    schema: Json = {"type": "string"}
    if parameter["type"] == "boolean":
        schema["enum"] = ["true", "false"]
    elif parameter["type"] == "integer":
        schema["pattern"] = r"^\d+$"
        assert int(parameter.get("minimum", 0)) <= int(text) <= int(parameter.get("maximum", 2**31 - 1)), name
    elif parameter.get("format") == "date-time":
        schema["pattern"] = _RFC3339
    if "enum" in parameter and name != "alt":
        schema["enum"] = parameter["enum"]
    Draft202012Validator(schema).validate(text)


__all__ = ["ValidationError", "document", "method", "validate", "validate_request"]
