"""Names in the environment and in `.env` that look like settings and are none: nobody reads them, and nobody says so.

The one rule: it is told by name; a value is never looked at.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from app.doctor.findings import Code, Finding
from app.settings import PREFIX, Settings, variable

_FILE: Final = Path(".env")
_OF_OTHERS: Final = frozenset({"LOG_LEVEL", "LOG_FORMAT"})
"""Too usual a name to be ours."""
_OF_KUBERNETES: Final = re.compile(r"_SERVICE_(HOST|PORT\w*)$|_PORT$|_PORT_\d+_\w+$")
"""What it tells every pod of a service that is called as we are."""


def stray_settings() -> tuple[Finding, ...]:
    """What this process could have meant by its environment and the file beside it."""
    given = {**dotenv_values(_FILE, interpolate=False), **os.environ}
    return found_among({name.upper() for name, value in given.items() if value})


def found_among(given: Collection[str]) -> tuple[Finding, ...]:
    """Names with our prefix that no setting has, and those of settings without it that are not set as well. Pure."""
    known = {variable(field) for field in Settings.model_fields}
    bare = {name.removeprefix(PREFIX) for name in known - set(given)} - known - _OF_OTHERS
    unknown = {name for name in given if name.startswith(PREFIX) and not _OF_KUBERNETES.search(name)} - known
    return tuple(
        Finding(Code.SETTING_NOT_READ, f"{name}: {why}")
        for names, why in ((unknown, "there is no such setting"), (bare & set(given), f"it begins with {PREFIX}"))
        for name in sorted(names)
    )
