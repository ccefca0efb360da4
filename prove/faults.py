"""The fault battery: what goes wrong on the wire heals by itself, and stays with whom it happens to.

The one rule: everything is tried on the running service, through a proxy; afterwards the same checker judges that
judges crashes.
"""

from collections.abc import AsyncIterator
from typing import Final

from prove.faults_grid import grid
from prove.faults_hour import hour
from prove.faults_outage import HOUR, SHORT, outage
from prove.faults_sick import sick
from prove.faults_street import open_street
from prove.lines import Line, say
from prove.plan import Plan

_WAITS, _GRID, _SICK, _OUTAGE = "waits", "grid", "sick", "outage"
PARTS: Final = (_WAITS, _GRID, _SICK, _OUTAGE)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Each kind at each call once; all of them for one account beside others; three calls in ten for a while."""
    if plan.takes(_WAITS):
        for line in hour(plan):
            yield line
    if plan.takes(_GRID):
        async with open_street(plan) as street:
            say("faults: each kind at each call")
            async for line in grid(street, long=plan.long):
                yield line
    if plan.takes(_SICK) or plan.takes(_OUTAGE):
        async with open_street(plan) as street:
            if plan.takes(_SICK):
                async for line in sick(street, long=plan.long):
                    yield line
            if plan.takes(_OUTAGE):
                async for line in outage(street, seconds=plan.seconds(HOUR if plan.long else SHORT)):
                    yield line
