"""The planner of drift, held against every story a generator can think of (R23).

The one rule: its plans are carried out by a model of the service, ten lines long, and then there is nothing to plan.
`DRIFT_EXAMPLES` says how many stories: 5,000 unless told otherwise, 200,000 before a release.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bookings.drift.planner import (
    DEFAULT_POLICIES,
    RESTORES_A_DAY,
    Doubt,
    Facts,
    Finding,
    Kind,
    Plan,
    Policy,
    Standing,
    plan,
)
from app.calendar import Response

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
EXAMPLES = int(os.environ.get("DRIFT_EXAMPLES", "5000"))
SPANS = [(NOW + timedelta(hours=h), NOW + timedelta(hours=h, minutes=m)) for h in (-3, -1, 1, 2, 5) for m in (30, 90)]
TAKEN = SPANS[6]
"""Another booking has it."""
IDS = ["a", "b", "c", "d"]

spans = st.sampled_from(SPANS)
policies = st.fixed_dictionaries({kind: st.sampled_from(Policy) for kind in Kind})
standings = st.builds(
    Standing,
    event_id=st.sampled_from(IDS),
    span=st.none() | spans,
    etag=st.sampled_from(["1", "2"]),
    response=st.none() | st.sampled_from(Response),
)
findings = st.builds(
    Finding,
    kind=st.sampled_from(Kind),
    decision=st.just(Policy.ASK),
    doubt=st.sampled_from(Doubt),
    observed=st.none() | spans,
    event_ids=st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple),
)
facts = st.builds(
    Facts,
    now=st.just(NOW),
    booked=st.none() | spans,
    written=st.none() | spans,
    event_id=st.none() | st.sampled_from(IDS),
    response=st.none() | st.sampled_from(Response),
    observed=st.lists(standings, max_size=4, unique_by=lambda item: item.event_id).map(frozenset),
    pending=st.booleans(),
    elsewhere=st.booleans(),
    waiting=st.lists(findings, max_size=2, unique_by=lambda item: item.kind).map(frozenset),
    kept=st.sets(st.sampled_from(IDS), max_size=2).map(frozenset),
    restores=st.integers(0, RESTORES_A_DAY + 1),
)


def carried_out(before: Facts, todo: Plan) -> Facts:
    """What the service makes of a plan, in the order in which it stands there or in any other."""
    if todo.move_to == TAKEN:
        todo = replace(todo, move_to=None, findings=tuple(_refused(finding) for finding in todo.findings))
    after = before
    asked = {finding for finding in todo.findings if finding.decision is Policy.ASK}
    replaced = {finding.kind for finding in todo.findings} | set(todo.lapsed)
    after = replace(after, waiting=frozenset({f for f in before.waiting if f.kind not in replaced} | asked))
    for finding in todo.findings:
        if finding.decision is Policy.RESTORE:
            after = replace(after, restores=after.restores + 1)
        if (finding.kind, finding.decision) == (Kind.DUPLICATED, Policy.ADOPT):
            after = replace(after, kept=after.kept | set(finding.event_ids))
    if todo.move_to is not None:
        moved = next(item for item in before.observed if item.span == todo.move_to)
        after = replace(after, booked=todo.move_to, written=todo.move_to, event_id=_subject(todo, moved))
    if todo.end_by is not None:
        after = replace(after, booked=None)
    if todo.note is not None:
        written = todo.note.span if todo.note.span == before.booked else before.written
        known = todo.note.response or after.response
        after = replace(after, event_id=todo.note.event_id, written=written, response=known)
    gone = set(todo.remove)
    return replace(after, pending=before.pending or todo.put_back or bool(gone) or todo.end_by is not None)


def _refused(finding: Finding) -> Finding:
    moving = finding.kind in {Kind.MOVED, Kind.RESIZED}
    return replace(finding, decision=Policy.ASK, doubt=Doubt.SLOT_TAKEN) if moving else finding


def _subject(todo: Plan, moved: Standing) -> str:
    ids = [f.event_ids[0] for f in todo.findings if f.kind in {Kind.MOVED, Kind.RESIZED}]
    return ids[0] if ids else moved.event_id


def written(before: Facts, todo: Plan) -> Facts:
    """The writer has come by: one event as booked, or none; the copies it was told of are gone."""
    if not before.pending:
        return before
    left = frozenset(item for item in before.observed if item.event_id not in todo.remove)
    if before.booked is None:
        others = frozenset(item for item in left if item.event_id != before.event_id)
        return replace(before, pending=False, observed=others, written=None)
    ours = next((item for item in left if item.event_id == before.event_id), None)
    made = Standing(before.event_id or "new", before.booked, "9", ours.response if ours else None)
    others = frozenset(item for item in left if item.event_id != made.event_id)
    return replace(before, pending=False, observed=others | {made}, written=before.booked, event_id=made.event_id)


@settings(max_examples=EXAMPLES, deadline=None)
@given(facts, policies)
def test_r23_a_plan_that_was_carried_out_leaves_nothing_to_plan(start: Facts, chosen: Mapping[Kind, Policy]) -> None:
    now = start
    for _ in range(6):
        todo = plan(now, chosen)
        after = carried_out(now, todo)
        again = plan(after, chosen)
        assert replace(again, note=None).empty, (todo, again)
        settled = written(after, todo)
        if todo.empty and settled == now:
            return
        now = settled
    raise AssertionError(f"it never ends: {now}")


@settings(max_examples=EXAMPLES // 5, deadline=None)
@given(facts, policies, st.randoms(use_true_random=False))
def test_r23_no_order_matters(start: Facts, chosen: Mapping[Kind, Policy], random: object) -> None:
    shuffled = list(start.observed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    asked = list(start.waiting)
    random.shuffle(asked)  # type: ignore[attr-defined]
    other = replace(start, observed=frozenset(shuffled), waiting=frozenset(asked))
    kinds = list(chosen.items())
    random.shuffle(kinds)  # type: ignore[attr-defined]
    assert plan(start, chosen) == plan(other, dict(kinds))


@settings(max_examples=EXAMPLES // 5, deadline=None)
@given(facts, policies)
def test_r23_a_plan_contradicts_itself_never(start: Facts, chosen: Mapping[Kind, Policy]) -> None:
    todo = plan(start, chosen)
    if todo.end_by is not None:
        assert (todo.move_to, todo.put_back, todo.note) == (None, False, None)
    if todo.move_to is not None:
        assert not todo.put_back
        assert todo.move_to[1] > start.now
    if start.booked is not None and start.booked[1] <= start.now:
        assert todo.empty, "what is over is over"
    if start.pending:
        assert todo.empty, "what we are about to write over is not followed"


def test_r23_what_stands_as_it_was_written_is_no_drift() -> None:
    span = SPANS[4]
    standing = Standing("a", span, "1", Response.NEEDS_ACTION)
    assert plan(
        Facts(NOW, span, span, "a", Response.NEEDS_ACTION, frozenset({standing})), DEFAULT_POLICIES
    ).empty  # fmt: skip


def test_r23_what_somebody_brings_back_of_a_cancelled_booking_is_taken_away_thrice_a_day() -> None:
    standing = frozenset({Standing("a", SPANS[4]), Standing("b", SPANS[5])})
    cancelled = Facts(NOW, None, None, "a", None, standing)
    assert plan(cancelled).remove == ("a", "b")
    assert plan(replace(cancelled, kept=frozenset({"b"}))).remove == ("a",)
    assert plan(replace(cancelled, restores=RESTORES_A_DAY)).empty
