"""The parameters that ask for slots, as types.

The one rule: visitors and the page's owner ask alike.
"""

from typing import Annotated

from fastapi import Query

from app.time_zones import TimeZone
from app.written_times import Day

SlotZone = Annotated[TimeZone, Query(description="The zone (IANA) that the slots are told in: the reader's.")]
FirstDay = Annotated[Day, Query(description="The first civil day of that zone.")]
LastDay = Annotated[Day, Query(description="The last civil day of that zone: at most 61 days later.")]
SlotMinutes = Annotated[int, Query(ge=5, le=1440, description="One of the page's durations, in minutes.")]
