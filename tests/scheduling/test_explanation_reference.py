"""R30, R31, R32: why a time is closed and what would open it, on random pages around the days clocks change.

The one rule: an explanation is believed only when it can be acted on. What it calls open is what the page offers; each
rule it names closes the time by the reference, and no other does; and when all it wants changed is changed, and no bit
more, the page offers the time.
"""

from dataclasses import replace
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.report.explanation import Verdict, explain
from app.scheduling.report.obstacles import Obstacle, Rule, Seating, Taken, Whose
from app.scheduling.report.openings import Change, FreeHost, Hours, Setting, Window
from app.scheduling.slots import offering as slots
from app.scheduling.slots.grid import WHOLE_DAY, working_day
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.window import RollingDays, RollingWeeks
from app.timespan import Span, merge, subtract
from tests.scheduling import reference
from tests.scheduling.test_slots_reference import HOUR, MINUTE, questions, tried

FIELDS = {"daily_limit": "daily_cap", "weekly_limit": "weekly_cap"}
KINDS = [Rule.BUSY, Rule.TENTATIVE, Rule.BOOKED, Rule.HELD]
ONLY_TIME_TELLS = {Rule.PAST, Rule.HELD, Rule.NOT_KNOWN_YET}
some = st.lists(st.tuples(st.integers(-2 * HOUR, 30 * HOUR), st.integers(1, 9 * HOUR)), max_size=3)


@st.composite
def hosts_with(draw, spans: list[Span], first: int):
    """Somebody with this taken, of one kind or another; sometimes without a calendar, or not known so far ahead."""
    host = uuid4()
    taken = [Taken(draw(st.sampled_from(KINDS)), host, merge([span])) for span in merge(spans)]
    if draw(st.booleans()):  # all of it in one calendar
        taken = [Taken(Rule.BUSY, host, merge(spans), uuid4())]
    known_until = draw(st.one_of(st.none(), st.none(), st.integers(first, first + 40 * HOUR)))
    return host, taken, known_until, draw(st.integers(0, 9)) > 0


@st.composite
def pages(draw):
    """Rules, the hosts, whether all must be free or one is enough, and the rest of the question."""
    rules, told = draw(questions(most_busy=3).filter(lambda question: question[0].duration_minutes <= 1440))
    first = told["between"][0]
    taken = [[*told.pop("busy"), *told.pop("reserved")]]
    taken += [[(first + at, first + at + length) for at, length in more] for more in draw(st.lists(some, max_size=2))]
    return rules, [draw(hosts_with(spans, first)) for spans in taken], draw(st.booleans()), told


def seating(hosts) -> Seating:
    return Seating(
        always=[Obstacle(Rule.CALENDAR_NOT_CONNECTED, Whose(host)) for host, _, _, connected in hosts if not connected],
        taken=[item for _, taken, _, _ in hosts for item in taken],
        known_until=[(host, until) for host, _, until, _ in hosts if until is not None],
    )


def offered(rules: SlotRules, seatings: list[Seating], told) -> set[int]:
    """What the page offers, by the engine of the slots."""
    found: set[int] = set()
    for one in seatings:
        if one.always:
            continue
        last = min((until for _, until in one.known_until), default=told["between"][1] + 2 * 1440 * 60)
        last -= rules.duration_minutes * 60
        busy = merge(*(item.spans for item in one.taken))
        starts = slots.offered(rules, busy=busy, **told)
        found |= {start for start in starts if start <= last}
    return found


def closing_rules(rules: SlotRules, start: int, of_hosts: list[Seating], told) -> set[tuple[Rule, UUID | None]]:
    """Every rule that closes a time, each asked for by itself, with the reference's plain arithmetic."""
    now, end = told["now"], start + rules.duration_minutes * MINUTE
    if start < now:
        return {(Rule.PAST, None)}
    found: set[tuple[Rule, UUID | None]] = set()
    inside = (reference.interval_at(rules.hours, minute) is not None for minute in reference.minutes((start, end)))
    alone = {"booked_starts": told["booked_starts"]}
    found |= {(Rule.OUTSIDE_WORKING_HOURS, None)} if not all(inside) else set()
    found |= {(Rule.MINIMUM_NOTICE, None)} if start < now + rules.minimum_notice_minutes * MINUTE else set()
    found |= {(Rule.OUTSIDE_BOOKING_WINDOW, None)} if not reference.in_window(rules, start, now) else set()
    for rule, other in ((Rule.DAILY_LIMIT, {"weekly_cap": None}), (Rule.WEEKLY_LIMIT, {"daily_cap": None})):
        found |= {(rule, None)} if not reference.has_room(replace(rules, **other), start, **alone) else set()
    by_hosts = [set(closing_hosts(rules, start, one)) for one in of_hosts]
    return found | set().union(*by_hosts) if all(by_hosts) else found


def whose_time(obstacle: Obstacle) -> UUID | None:
    return None if obstacle.whose is None else obstacle.whose.host_id


def closing_hosts(rules: SlotRules, start: int, one: Seating):
    end = start + rules.duration_minutes * MINUTE
    for obstacle in one.always:
        yield obstacle.rule, whose_time(obstacle)
    for host, until in one.known_until:
        if end > until:
            yield Rule.NOT_KNOWN_YET, host
    for taken in one.taken:
        for span in taken.spans:
            if reference.meets((start, end), span):
                yield taken.rule, taken.host_id
            elif reference.meets((start - rules.buffer_before_minutes * MINUTE, start), span):
                yield Rule.BUFFER_BEFORE, taken.host_id
            elif reference.meets((end, end + rules.buffer_after_minutes * MINUTE), span):
                yield Rule.BUFFER_AFTER, taken.host_id


def applied(rules: SlotRules, hosts, changes: list[Change]):
    """The page when all that was wanted is changed."""
    freed: list[FreeHost] = []
    for change in changes:
        match change:
            case Setting(name=name, value=value):
                rules = replace(rules, **{FIELDS.get(name, name): value})
            case Window(window=window):
                rules = replace(rules, window=window)
            case Hours(day=day, intervals=intervals):
                hours = replace(rules.hours, overrides={**rules.hours.overrides, day: intervals})
                rules = replace(rules, hours=hours)
            case FreeHost():
                freed.append(change)
    return rules, [_freed(host, [change for change in freed if change.whose.host_id == host[0]]) for host in hosts]


def _freed(host, changes: list[FreeHost]):
    who, taken, until, connected = host
    spans = [change.during for change in changes if change.rule is not Rule.CALENDAR_NOT_CONNECTED]
    left = [replace(item, spans=subtract(item.spans, merge(spans))) for item in taken]
    return who, left, until, connected or any(change.rule is Rule.CALENDAR_NOT_CONNECTED for change in changes)


def less(change: Change) -> Change | None:
    """The same change, but a little less of it; None: there is no less, or it is no number."""
    match change:
        case Setting(name="daily_limit" | "weekly_limit" as name, value=value):
            return Setting(name, value - 1)
        case Setting(name=name, value=value):
            return Setting(name, value + 1)
        case Window(window=RollingDays(count)):
            return Window(RollingDays(count - 1))
        case Window(window=RollingWeeks(count)) if count > 1:
            return Window(RollingWeeks(count - 1))
    return None


def explained(page, *, whole_days: bool = True) -> tuple[list[Verdict], list[Seating]]:
    rules, hosts, together, told = page
    seatings = [seating(hosts)] if together else [seating([host]) for host in hosts]
    daily = WHOLE_DAY if whole_days else working_day(rules.hours)
    return list(explain(rules, seatings, daily=daily, **told)), seatings


@tried(100)
@given(pages(), st.booleans())
def test_r32_what_no_rule_closes_is_what_is_offered(page, whole_days):
    rules, _, _, told = page
    verdicts, seatings = explained(page, whole_days=whole_days)
    starts = [verdict.start for verdict in verdicts]
    assert starts == sorted(set(starts))
    assert {verdict.start for verdict in verdicts if not verdict.closed_by} == offered(rules, seatings, told)
    assert not any(
        verdict.opened_by is not None and len(verdict.opened_by) == 0 for verdict in verdicts if verdict.closed_by
    )


@tried(100)
@given(pages(), st.data())
def test_r32_every_rule_that_closes_a_time_is_named_and_no_other(page, data):
    rules, _, _, told = page
    verdicts, seatings = explained(page)
    for verdict in data.draw(st.lists(st.sampled_from(verdicts), max_size=12)) if verdicts else []:
        named = {(obstacle.rule, whose_time(obstacle)) for obstacle in verdict.closed_by}
        assert named == closing_rules(rules, verdict.start, seatings, told)


@tried(100)
@given(pages(), st.data())
def test_r32_what_is_to_be_changed_opens_the_time_and_nothing_less_does(page, data):
    verdicts, _ = explained(page)
    closed = [verdict for verdict in verdicts if verdict.closed_by]
    for verdict in data.draw(st.lists(st.sampled_from(closed), max_size=8)) if closed else []:
        if verdict.opened_by is None:
            assert ONLY_TIME_TELLS & {obstacle.rule for obstacle in verdict.closed_by}
            continue
        assert opens(page, verdict.start, verdict.opened_by)
        for change in verdict.opened_by:
            others = [other for other in verdict.opened_by if other is not change]
            assert not opens(page, verdict.start, others), change
            if (smaller := less(change)) is not None and getattr(smaller, "value", 1) > 0:
                assert not opens(page, verdict.start, [*others, smaller]), change


def opens(page, start: int, changes: list[Change]) -> bool:
    rules, hosts, together, told = page
    changed, free = applied(rules, hosts, changes)
    seatings = [seating(free)] if together else [seating([host]) for host in free]
    instant: Span = (start, start + 1)
    return start in offered(changed, seatings, {**told, "between": instant})
