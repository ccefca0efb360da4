"""Times and civil days as a caller writes them.

The one rule: a time is what RFC 3339 writes, with its offset. A number is no time, whatever it might count.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:.+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _written_time(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value)):
        return value
    raise PydanticCustomError("not_a_time", "not written as RFC 3339 has it")


def _written_day(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("not_a_day", "not written as YYYY-MM-DD")


def _bounded(at: datetime) -> datetime:
    if not _EARLIEST <= at < _LATEST:
        raise PydanticCustomError("out_of_range", "too far from today")
    return at


WrittenTime = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_time)]
"""Any time with an offset."""
Instant = Annotated[WrittenTime, AfterValidator(_bounded)]
"""A time that is far from where the arithmetic of calendars ends: any other zone can tell it too."""
Day = Annotated[date, Field(strict=False), BeforeValidator(_written_day)]
"""A civil day, `2026-12-01`."""
