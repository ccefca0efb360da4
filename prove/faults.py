"""The fault battery: what goes wrong on the wire heals by itself, and stays with whom it happens to.

The one rule: everything is tried on the running service, through a proxy; afterwards the same checker judges that
judges crashes.
"""

from collections.abc import AsyncIterator

from prove.faults_grid import grid
from prove.faults_hour import hour
from prove.faults_outage import outage
from prove.faults_sick import sick
from prove.faults_street import open_street
from prove.lines import Line, say
from prove.plan import Plan


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Each kind at each call once; many for a while; all of them for one account beside others."""
    for line in hour(plan):
        yield line
    async with open_street(plan) as street:
        say("faults: each kind at each call")
        async for line in grid(street, long=plan.long):
            yield line
    async with open_street(plan) as street:
        async for line in sick(street, long=plan.long):
            yield line
        async for line in outage(street, long=plan.long):
            yield line
