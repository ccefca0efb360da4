"""What to do when a booked event is not as it was booked: the planner (R23). Pure.

Three states meet: what is *booked*, what was last *written* or taken over, and what is *observed*. What is observed
and differs from both others is a person's doing.

The one rule: the plan is the smallest one, and carrying it out leaves nothing to plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.calendar import Response
from app.scheduling.configuration import DEFAULT_DRIFT_POLICIES

TimeSpan = tuple[datetime, datetime]

RESTORES_A_DAY: Final = 3
"""Somebody, or something, that undoes us as often as this is not written against any more."""


class Kind(StrEnum):
    """How a booked event can differ."""

    MOVED = "moved"
    RESIZED = "resized"
    DELETED = "deleted"
    DECLINED = "declined"
    """By the visitor."""
    DUPLICATED = "duplicated"
    """One too many stands: a copy, or any event of a booking that was cancelled."""


class Policy(StrEnum):
    """Whose word counts: the calendar's, the booking's, or the host is asked."""

    ADOPT = "adopt"
    RESTORE = "restore"
    ASK = "ask"


DEFAULT_POLICIES: Final[Mapping[Kind, Policy]] = {
    Kind(kind): Policy(policy) for kind, policy in DEFAULT_DRIFT_POLICIES.items()
}


class Doubt(StrEnum):
    """Why the host is asked."""

    POLICY = "policy"
    SLOT_TAKEN = "slot_taken"
    IN_THE_PAST = "in_the_past"
    OTHER_CALENDAR = "other_calendar"
    """It was dragged to another calendar of its host: it is gone, and it is not."""
    ALL_DAY = "all_day"
    NO_LENGTH = "no_length"
    WRITE_BUDGET = "write_budget"


@dataclass(frozen=True, slots=True)
class Standing:
    """A live event that carries the booking's key."""

    event_id: str
    span: TimeSpan | None
    """None: it is all-day now."""
    etag: str | None = None
    response: Response | None = None
    """The visitor's; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, and what is done about it."""

    kind: Kind
    decision: Policy
    doubt: Doubt | None = None
    observed: TimeSpan | None = None
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a plan depends on."""

    now: datetime
    booked: TimeSpan | None
    """None: cancelled."""
    written: TimeSpan | None
    """What stood there by our hand, or was taken over; None: nothing."""
    event_id: str | None
    response: Response | None
    """The visitor's, as last noted."""
    observed: frozenset[Standing]
    pending: bool = False
    """A write of ours is on its way: what is there will not be there for long."""
    waiting: frozenset[Finding] = frozenset()
    """What the host was asked and has not answered."""
    kept: frozenset[str] = frozenset()
    """Copies that were said to be all right."""
    restores: int = 0
    """Of the last day."""
    elsewhere: bool = False
    """What is observed nowhere here stands in another calendar of its host."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. Everything is about one booking, so the order does not matter."""

    findings: tuple[Finding, ...] = ()
    """For the ledger."""
    move_to: TimeSpan | None = None
    """The booking takes over this time."""
    end_by: str | None = None
    """The booking is cancelled: `host` or `visitor`."""
    put_back: bool = False
    """The event is written again, as booked."""
    remove: tuple[str, ...] = ()
    """Copies to be taken away."""
    note: Standing | None = None
    """What stands there is as it should be: remember it."""
    lapsed: tuple[Kind, ...] = ()
    """Kinds of questions to the host that need no answer any more: it is as booked again."""

    @property
    def empty(self) -> bool:
        """There is nothing to do."""
        return self == _NOTHING


_NOTHING: Final = Plan()


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    findings: list[Finding] = field(default_factory=list)
    move_to: TimeSpan | None = None
    end_by: str | None = None
    put_back: bool = False
    remove: tuple[str, ...] = ()
    note: Standing | None = None


def plan(facts: Facts, policies: Mapping[Kind, Policy] = DEFAULT_POLICIES) -> Plan:
    """The plan for one booking; `policies` lacks nothing that `DEFAULT_POLICIES` has."""
    if facts.pending or _over(facts):
        return _NOTHING
    if facts.booked is None:
        return _unwanted(facts)
    standing, copies = _sorted_out(facts)
    found = [*_time(facts, standing), *_answer(facts, standing), *_copies(copies)]
    draft = _Draft()
    for finding in (_decided(facts, policies[finding.kind], finding) for finding in found):
        _act(draft, facts, finding)
    if standing is not None and not found and _is_news(facts, standing):
        draft.note = standing
    return _finished(draft, facts, {finding.kind for finding in found})


def _unwanted(facts: Facts) -> Plan:
    """Of a booking that was cancelled nothing shall stand, under whatever id somebody brought it back."""
    left = tuple(sorted({item.event_id for item in facts.observed} - facts.kept))
    if not left or facts.restores >= RESTORES_A_DAY:
        return _NOTHING
    return Plan(findings=(Finding(Kind.DUPLICATED, Policy.RESTORE, event_ids=left),), remove=left)


def _over(facts: Facts) -> bool:
    """Tidying up after a meeting changes nothing about it."""
    return facts.booked is not None and facts.booked[1] <= facts.now


def _sorted_out(facts: Facts) -> tuple[Standing | None, tuple[Standing, ...]]:
    """The event itself, and those that are too many. Should ours be gone, the first of the others is it."""
    live = sorted(facts.observed, key=lambda item: (item.event_id != facts.event_id, item.event_id))
    live = [item for item in live if item.event_id == facts.event_id or item.event_id not in facts.kept]
    return (live[0], tuple(live[1:])) if live else (None, ())


def _time(facts: Facts, standing: Standing | None) -> list[Finding]:
    if standing is None:
        return [Finding(Kind.DELETED, Policy.ASK)] if facts.written is not None else []
    if standing.span == facts.booked:
        return []
    assert facts.booked is not None
    resized = standing.span is not None and standing.span[0] == facts.booked[0]
    kind = Kind.RESIZED if resized else Kind.MOVED
    return [Finding(kind, Policy.ASK, observed=standing.span, event_ids=(standing.event_id,))]


def _answer(facts: Facts, standing: Standing | None) -> list[Finding]:
    if standing is None or standing.response is not Response.DECLINED or facts.response is Response.DECLINED:
        return []
    return [Finding(Kind.DECLINED, Policy.ASK, observed=standing.span, event_ids=(standing.event_id,))]


def _copies(copies: tuple[Standing, ...]) -> list[Finding]:
    ids = tuple(copy.event_id for copy in copies)
    return [Finding(Kind.DUPLICATED, Policy.ASK, event_ids=ids)] if ids else []


def _decided(facts: Facts, policy: Policy, finding: Finding) -> Finding:
    """The policy, as far as it can be carried out. What the host was asked is not asked, or tried, again."""
    asked = (finding.kind, finding.observed, finding.event_ids)
    if (same := [item for item in facts.waiting if (item.kind, item.observed, item.event_ids) == asked]) != []:
        return same[0]
    doubt = None
    if finding.kind is Kind.DELETED and facts.elsewhere:
        doubt = Doubt.OTHER_CALENDAR
    elif policy is Policy.ASK:
        doubt = Doubt.POLICY
    elif policy is Policy.RESTORE and facts.restores >= RESTORES_A_DAY and finding.kind is not Kind.DECLINED:
        doubt = Doubt.WRITE_BUDGET
    elif policy is Policy.ADOPT and finding.kind in {Kind.MOVED, Kind.RESIZED}:
        if finding.observed is None:
            doubt = Doubt.ALL_DAY
        elif finding.observed[1] <= finding.observed[0]:
            doubt = Doubt.NO_LENGTH
        elif finding.observed[1] <= facts.now:
            doubt = Doubt.IN_THE_PAST
    return Finding(
        finding.kind, Policy.ASK if doubt else policy, doubt, observed=finding.observed, event_ids=finding.event_ids
    )


def _act(draft: _Draft, facts: Facts, finding: Finding) -> None:
    if finding.decision is Policy.ASK:
        if finding not in facts.waiting:
            draft.findings.append(finding)
        return
    draft.findings.append(finding)
    match finding.kind, finding.decision:
        case ((Kind.MOVED | Kind.RESIZED), Policy.ADOPT):
            draft.move_to = finding.observed
        case ((Kind.MOVED | Kind.RESIZED | Kind.DELETED), Policy.RESTORE):
            draft.put_back = True
        case Kind.DELETED, Policy.ADOPT:
            draft.end_by = "host"
        case Kind.DECLINED, Policy.ADOPT:
            draft.end_by = draft.end_by or "visitor"
        case Kind.DECLINED, _:
            draft.note = next(item for item in facts.observed if item.event_id == finding.event_ids[0])
        case Kind.DUPLICATED, Policy.RESTORE:
            draft.remove = finding.event_ids


def _is_news(facts: Facts, standing: Standing) -> bool:
    """It stands as it should; whether something about it is not written down yet."""
    known = (facts.event_id, facts.written, facts.response)
    return (standing.event_id, standing.span, standing.response or facts.response) != known


def _finished(draft: _Draft, facts: Facts, found: set[Kind]) -> Plan:
    """Of a booking that ends nothing is moved, put back or asked; what the host was asked and is no more lapses."""
    ending = draft.end_by is not None
    return Plan(
        findings=tuple(item for item in draft.findings if not (ending and item.decision is Policy.ASK)),
        move_to=None if ending else draft.move_to,
        end_by=draft.end_by,
        put_back=draft.put_back and not ending,
        remove=draft.remove,
        note=None if ending else draft.note,
        lapsed=tuple(sorted({item.kind for item in facts.waiting} - found)),
    )
