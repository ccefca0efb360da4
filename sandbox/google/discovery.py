"""The discovery document of the simulated Calendar API, which some clients build themselves from.

The one rule: nothing stands here that the tables of routes, methods and shapes do not say; a test compares what comes
of it with Google's. https://developers.google.com/discovery/v1/reference/apis
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.google.shapes import ANSWERS, SHAPES, answer_of
from sandbox.google.surface import CALENDAR_SCOPES, METHODS, STANDARD, Parameter
from sandbox.google.times import Json

_PREFIX = "/calendar/v3/"


def directory(root_url: str, name: str | None) -> Json:
    """The APIs there are: this one, if it is asked for by `name` or by none."""
    entry = {
        "kind": "discovery#directoryItem",
        "id": "calendar:v3",
        "name": "calendar",
        "version": "v3",
        "title": "Calendar API",
        "description": "Manipulates events and other calendar data.",
        "discoveryRestUrl": f"{root_url}discovery/v1/apis/calendar/v3/rest",
        "preferred": True,
    }
    items = [entry] if name in {None, "calendar"} else []
    return {"kind": "discovery#directoryList", "discoveryVersion": "v1", "items": items}


def describe(routes: Iterable[tuple[str, str, str]], root_url: str) -> Json:
    """The document for a server at `root_url` (a slash at its end); a route is a verb, a path and a method's id."""
    resources: Json = {}
    for verb, path, method_id in routes:
        resource, _, name = method_id.partition(".")
        resources.setdefault(resource, {"methods": {}})["methods"][name] = _method(verb, path, method_id)
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "calendar:v3",
        "name": "calendar",
        "version": "v3",
        "title": "Calendar API",
        "description": "Manipulates events and other calendar data.",
        "protocol": "rest",
        "rootUrl": root_url,
        "servicePath": _PREFIX.lstrip("/"),
        "basePath": _PREFIX,
        "baseUrl": f"{root_url}{_PREFIX.lstrip('/')}",
        "batchPath": "batch/calendar/v3",
        "parameters": {name: _parameter(parameter) for name, parameter in STANDARD.items()},
        "auth": {"oauth2": {"scopes": {name: {"description": text} for name, text in CALENDAR_SCOPES.items()}}},
        "schemas": {name: {"id": name, **_schema(shape)} for name, shape in {**SHAPES, **ANSWERS}.items()},
        "resources": resources,
    }


def _method(verb: str, path: str, method_id: str) -> Json:
    method, places = METHODS[method_id], re.findall(r"{(\w+)}", path)
    in_path = {name: {"type": "string", "location": "path", "required": True} for name in places}
    in_query = {name: _parameter(parameter) for name, parameter in method.parameters.items()}
    described: Json = {
        "id": f"calendar.{method_id}",
        "path": path.removeprefix(_PREFIX),
        "httpMethod": verb,
        "parameters": {**in_path, **in_query},
        "parameterOrder": [*places, *(name for name, told in in_query.items() if told.get("required"))],
        "scopes": sorted(method.scopes),
    }
    if method.body is not None:
        described["request"] = {"$ref": method.body}
    answer = answer_of(method_id)
    if answer is not None:
        described["response"] = {"$ref": answer}
    return described


def _parameter(parameter: Parameter) -> Json:
    dated = parameter.kind == "date-time"
    described: Json = {"type": "string" if dated else parameter.kind, "location": "query"}
    if dated:
        described["format"] = "date-time"
    if parameter.kind == "integer":
        described["format"] = "int32"
    if parameter.values:
        described["enum"] = sorted(parameter.values)
    for name, bound in (("minimum", parameter.minimum), ("maximum", parameter.maximum)):
        if bound is not None:
            described[name] = str(bound)
    for name in ("repeated", "required"):
        if getattr(parameter, name):
            described[name] = True
    return described


def _schema(shape: Any) -> Json:
    """A shape in the document's notation."""
    if isinstance(shape, list):
        return {"type": "array", "items": _schema(shape[0])}
    if isinstance(shape, Mapping):
        described: Json = {"type": "object"}
        if "*" in shape:
            described["additionalProperties"] = _schema(shape["*"])
        else:
            described["properties"] = {name: _schema(inner) for name, inner in shape.items()}
        return described
    return {"type": "any" if shape == "any" else str(shape)}
