"""The long mode: what a normal run tells a sample of, told whole.

    CALENDAR_CONNECT_LONG=1 pytest tests/scheduling tests/bookings tests/crash tests/sync/machine

The one rule: it is more of the same. No test is run in one of the modes alone, and none is weaker in the long one.
"""

import os
from typing import Final, TypeVar

LONG: Final = os.environ.get("CALENDAR_CONNECT_LONG") == "1"

_Chosen = TypeVar("_Chosen")


def normally(usual: _Chosen, *, when_long: _Chosen) -> _Chosen:
    """How much of something: as usual, or as much as there is time for."""
    return when_long if LONG else usual
