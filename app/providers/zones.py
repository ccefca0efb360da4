"""Time zones under Windows' names and IANA's. Pure.

The one rule: nothing here raises. A name that nobody else could look up (`tzone://Microsoft/Custom`) is no zone, and
whoever asked goes on with the instants, which are told in UTC.
"""

from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from app.providers.windows_zones import IANA_NAMES

_UTC_NAMES: Final = frozenset({"utc", "etc/utc", "tzone://microsoft/utc", "coordinated universal time"})
_FROM_WINDOWS: Final = {windows.lower(): names.split()[0] for windows, names in IANA_NAMES.items()}
_TO_WINDOWS: Final = {name: windows for windows, names in IANA_NAMES.items() for name in names.split()}


@lru_cache(maxsize=2048)
def iana_name(name: str | None) -> str | None:
    """The IANA zone behind a name Microsoft gave, in either naming; None for one nobody has."""
    if not name:
        return None
    if name.lower() in _UTC_NAMES:
        return "UTC"
    known = _FROM_WINDOWS.get(name.lower(), name)
    return known if _loads(known) else None


@lru_cache(maxsize=2048)
def windows_name(zone: str | None) -> str:
    """What Outlook calls an IANA zone; `UTC` for none, and for the few that Windows does not have."""
    return _TO_WINDOWS.get(zone or "UTC", "UTC")


def _loads(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, the name of a directory ("America")
        return False
    return True
