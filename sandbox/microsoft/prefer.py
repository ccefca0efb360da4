"""The `Prefer` header. The one rule: a preference that is obeyed is named in `Preference-Applied`, others are not."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.microsoft import errors
from sandbox.microsoft.zones import find_zone

_ITEM = re.compile(r'\s*([^=\s,;"]+)\s*(?:=\s*(?:"([^"]*)"|([^,;"]*)))?\s*')


@dataclass(frozen=True)
class Preferences:
    zone: str = "UTC"
    immutable_ids: bool = False
    max_page_size: int | None = None
    text_bodies: bool = False
    applied: tuple[str, ...] = ()


def read_preferences(lines: Iterable[str]) -> Preferences:
    """All `Prefer` lines of a request together; names are compared without case, unknown ones are passed over."""
    zone, immutable, size, text = "UTC", False, None, False
    applied: list[str] = []
    for name, value in _items(",".join(lines)):
        match name.lower():
            case "outlook.timezone":
                if find_zone(value) is None:
                    raise errors.time_zone(value)
                zone = value
                applied.append(f'outlook.timezone="{value}"')
            case "idtype" if value.lower() == "immutableid":
                immutable = True
                applied.append('IdType="ImmutableId"')
            case "odata.maxpagesize" if value.isdecimal() and int(value) > 0:
                size = int(value)
                applied.append(f"odata.maxpagesize={size}")
            case "outlook.body-content-type" if value.lower() in {"text", "html"}:
                text = value.lower() == "text"
                applied.append(f'outlook.body-content-type="{value.lower()}"')
    return Preferences(zone, immutable, size, text, tuple(applied))


def _items(line: str) -> Iterable[tuple[str, str]]:
    for part in re.findall(r'(?:[^,;"]|"[^"]*")+', line):
        match = _ITEM.fullmatch(part)
        if match is not None:
            yield match[1], (match[2] if match[2] is not None else match[3] or "").strip()
