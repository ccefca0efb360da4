"""R27, R30: what a page offers while calendars cannot be read, against the minute-by-minute reference.

Here everything comes from the tables, as it does for a visitor: groups and turns, what each policy makes of a calendar
that cannot be read, how far ahead it is known, tentative events, holds that last and holds that have lapsed.

The one rule: the reference is told what R30 says of each calendar, in so many words, and not how it is asked for.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from app.scheduling.slots.window import RollingDays
from app.timespan import Span
from tests.scheduling import reference
from tests.scheduling.team_stage import CALENDARS, HOSTS, KINDS, CalendarCase, Case, HoldCase, HostCase, Stage
from tests.scheduling.test_slots_reference import DAYS, all_rules, rarely, tried
from tests.support.world import World

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST = 1440


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a host whom one can ask for a time."""

    taken: Sequence[Span]
    until: int | None
    firm: bool
    """A time is theirs to give; else it is asked for."""


def known_of(host: HostCase) -> Known | None:
    """R30, calendar by calendar; None: nobody knows when they are free."""
    if host.link == "none":
        return None
    taken: list[Span] = []
    untils: list[int] = []
    firm = True
    for calendar in host.calendars:
        readable = calendar.accessible and calendar.ever_read and host.link == "active"
        if not calendar.checked or (not readable and calendar.policy == "ignore"):
            continue
        if not readable and calendar.policy == "block":
            return None
        if not readable and calendar.policy == "last_known" and not calendar.ever_read:
            return None
        firm = firm and (readable or calendar.policy != "request_only")
        taken += [*calendar.busy, *(calendar.tentative if host.tentative_blocks else [])]
        untils += [] if calendar.expanded_until is None else [calendar.expanded_until]
    return Known(taken, min(untils, default=None), firm)


def expected(case: Case) -> tuple[list[int], set[int]]:
    """The starts that are offered, and those of them that can be booked at once."""
    if all(host.link == "none" for host in case.hosts):  # offline: what nobody is booked for can be asked for (R26)
        return starts_for(case, {number: Known([], None, firm=False) for number in range(len(case.hosts))}), set()
    known = {number: found for number, host in enumerate(case.hosts) if (found := known_of(host)) is not None}
    if case.kind == "round_robin":
        together = [{number: found} for number, found in known.items()]
    else:
        together = [known] if len(known) == len(case.hosts) else []
    open_to = [(starts_for(case, some), all(one.firm for one in some.values())) for some in together]
    return sorted({start for starts, _ in open_to for start in starts}), {
        start for starts, firm in open_to if firm for start in starts
    }


def starts_for(case: Case, hosts: dict[int, Known]) -> list[int]:
    """When all of these are free."""
    lasting = [hold for hold in case.holds if not hold.lapsed]
    starts = reference.offered(
        case.rules,
        busy=[span for host in hosts.values() for span in host.taken],
        reserved=[hold.reserved for hold in lasting if hold.hosts & hosts.keys()],
        booked_starts=[hold.starts for hold in lasting if hold.this_page],
        now=case.now,
        between=case.between,
    )
    end = case.rules.duration_minutes * MINUTE
    return [
        start for start in starts if all(host.until is None or start + end <= host.until for host in hosts.values())
    ]


def spans(noon: int, most: int) -> st.SearchStrategy[list[Span]]:
    five = st.integers(-40 * 12, 40 * 12).map(lambda step: noon + step * 5 * MINUTE)
    length = rarely(st.integers(0, 9 * HOUR), otherwise=st.sampled_from([15 * MINUTE, HOUR, 2 * HOUR + 1]))
    return st.lists(st.tuples(five, length).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=most)


@st.composite
def calendars(draw: st.DrawFn, noon: int, *, primary: bool) -> CalendarCase:
    """Mostly one that can be read: one that cannot often closes its page."""
    trouble = draw(rarely(st.sampled_from(["lost", "never read", "both"]), otherwise=st.none()))
    near = st.none() | st.integers(noon - 20 * HOUR, noon + 20 * HOUR)
    return CalendarCase(
        checked=primary or draw(st.booleans()),
        accessible=trouble not in {"lost", "both"},
        ever_read=trouble not in {"never read", "both"},
        policy=draw(st.sampled_from(["request_only", "last_known", "ignore", "block"])),
        expanded_until=draw(rarely(near, otherwise=st.just(noon + 300 * DAY))),
        busy=draw(spans(noon, 3)),
        tentative=draw(spans(noon, 2)),
    )


@st.composite
def people(draw: st.DrawFn, noon: int) -> HostCase:
    return HostCase(
        link=draw(st.sampled_from(["active"] * 8 + ["broken", "none"])),
        tentative_blocks=draw(st.booleans()),
        calendars=[draw(calendars(noon, primary=number == 0)) for number in range(CALENDARS)],
    )


@st.composite
def holds(draw: st.DrawFn, noon: int) -> list[HoldCase]:
    """No two at one time: the tables would refuse them."""
    made = []
    for place in draw(st.lists(st.integers(-10, 10), max_size=5, unique=True)):
        begins = noon + place * 3 * HOUR + draw(st.integers(0, 12)) * 5 * MINUTE
        before = draw(st.sampled_from([0, 10 * MINUTE]))
        reserved = begins, begins + before + draw(st.integers(1, 20)) * 5 * MINUTE
        hosts = frozenset(draw(st.sets(st.integers(0, HOSTS - 1), min_size=1)))
        made.append(HoldCase(reserved, begins + before, hosts, draw(st.booleans()), draw(st.booleans())))
    return made


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, day = draw(st.sampled_from(DAYS))
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    rules = draw(all_rules(zone, day))
    assume(5 <= rules.duration_minutes <= LONGEST and rules.window != RollingDays(0))  # what a page can be given
    start = draw(st.integers(noon - 32 * HOUR, noon + 20 * HOUR))
    kind = draw(st.sampled_from(KINDS))
    return Case(
        kind=kind,
        rules=rules,
        hosts=[draw(people(noon)) for _ in range(1 if kind == "personal" else HOSTS)],
        holds=draw(holds(noon)),
        now=noon + draw(rarely(st.integers(-2 * DAY, 6 * HOUR), otherwise=st.integers(-5 * DAY, -2 * DAY))),
        between=(start, start + draw(st.integers(6 * HOUR, 12 * HOUR))),
    )


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    connection = await asyncpg.connect(world.database_url)
    try:
        yield await Stage.built(world, connection)
    finally:
        await connection.close()


@settings(tried(500), suppress_health_check=list(HealthCheck))
@given(case=cases())
async def test_r27_r30_a_page_offers_what_the_reference_says_whichever_calendars_cannot_be_read(
    stage: Stage, case: Case
) -> None:
    page = await stage.page_time(case)
    minutes, asked = case.rules.duration_minutes, {"now": case.now, "between": case.between}
    starts = list(page.offered(minutes, **asked))
    firm = page.confirmable(minutes, starts, **asked)
    event(f"{case.kind}: {_described(starts, firm)}")
    assert (starts, set(firm)) == expected(case)


def _described(starts: list[int], firm: Collection[int]) -> str:
    if not starts:
        return "nothing is offered"
    return {0: "all is asked for", len(starts): "all can be booked"}.get(len(firm), "some is asked for")
