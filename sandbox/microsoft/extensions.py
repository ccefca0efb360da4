"""Open extensions: named bags of a client's own data on an event. No HTTP.

The one rule: names are compared without case, and an extension is replaced whole: what an update leaves out is gone.
https://learn.microsoft.com/graph/api/resources/opentypeextension
"""

from collections.abc import Mapping
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.times import Json

_QUALIFIED = "Microsoft.OutlookServices.OpenTypeExtension"
_TYPES = (_QUALIFIED.lower(), "microsoft.graph.opentypeextension")

# By their names in lower case.
Extensions = Mapping[str, Json]


def key_of(name: str) -> str:
    """What a name or a fully qualified name stands for."""
    lower = name.lower()
    for prefix in _TYPES:
        lower = lower.removeprefix(f"{prefix}.")
    return lower


def read_extensions(given: list[Json] | None) -> dict[str, Json]:
    """Those that come with a new event. Raises GraphError."""
    found = [read_extension(each) for each in given or ()]
    return {key_of(each["extensionName"]): each for each in found}


def read_extension(given: Json, held: Json | None = None) -> Json:
    """A new extension, or what becomes of the one that is `held`. Raises GraphError."""
    type_name = given.get("@odata.type")
    if (type_name is None and held is None) or (type_name is not None and not _is_extension(type_name)):
        raise errors.no_extension_type(type_name)
    name = given.get("extensionName") or (held or {}).get("extensionName")
    if not isinstance(name, str):
        raise errors.validation("The ExtensionName property is required.")
    if held is not None and key_of(name) != key_of(held["extensionName"]):
        raise errors.immutable("ExtensionName")
    data = {key: value for key, value in given.items() if "@odata." not in key and key not in {"id", "extensionName"}}
    return {"extensionName": name, **data}


def _is_extension(type_name: Any) -> bool:
    return isinstance(type_name, str) and type_name.lower().removeprefix("#") in _TYPES


def render_extension(extension: Json) -> Json:
    identifier = f"{_QUALIFIED}.{extension['extensionName']}"
    return {"@odata.type": "#microsoft.graph.openTypeExtension", "id": identifier, **extension}


def render_extensions(held: Extensions, wanted: tuple[str, ...] = ()) -> list[Json]:
    """All of them, or those that are named."""
    keys = {key_of(name) for name in wanted} or held.keys()
    return [render_extension(extension) for key, extension in held.items() if key in keys]
