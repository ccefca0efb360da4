"""The names of time zones that the service accepts.

The one rule: a name that tzdata does not know is refused where it comes in, so that nothing behind has to ask. It is
the tzdata that was installed with the service: a machine's own may be years behind, and then hours are wrong.
"""

from typing import Annotated
from zoneinfo import available_timezones, reset_tzpath

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

reset_tzpath(to=())

_NAMES = frozenset(available_timezones() - {"Factory", "localtime"})  # in the directory of zones, but no zones


def is_known_zone(name: str) -> bool:
    """Whether tzdata has the zone."""
    return name in _NAMES


def _known(name: str) -> str:
    if name not in _NAMES:
        raise PydanticCustomError("time_zone_unknown", "unknown time zone")
    return name


TimeZone = Annotated[str, AfterValidator(_known), Field(min_length=1, max_length=64, examples=["Europe/Stockholm"])]
"""An IANA name. A `time_zone_unknown` field error otherwise."""
