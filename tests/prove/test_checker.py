"""The checker of the batteries: it is content with a small true world, and finds each lie that is planted in it.

The one rule: one lie at a time, and it is found by the check that is meant for it, and by no other.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.ids import encode_id, new_id
from prove.checker import CHECKS, judge
from prove.evidence import TABLES, Delivered, Disturbance, Evidence
from prove.journal import Attempt
from prove.truth import Calendar, Deed, Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)
ACCOUNT, HOST = new_id(), new_id()
KEPT, MOVED, GONE = (new_id() for _ in range(3))
STARTS = {KEPT: NOW, MOVED: NOW + 2 * HALF, GONE: NOW + 4 * HALF}
EMAIL = "host@google.example"

Lie = Callable[[Evidence], Evidence]


def _name(booking: UUID) -> str:
    return encode_id("book", booking)


def _visitor(booking: UUID) -> str:
    return f"{list(STARTS).index(booking)}@visitors.example"


def _attempt(act: str, of: UUID, status: int | None, **sent: object) -> Attempt:
    start = STARTS[of] - (HALF * 6 if of == MOVED else timedelta())
    answer = {"id": _name(of), "start_at": start.isoformat()}
    return Attempt(1, NOW, "visitor", act, dict(sent), status, answer)


def _tables() -> dict[str, list[dict[str, object]]]:
    span = {booking: {"starts_at": start, "ends_at": start + HALF} for booking, start in STARTS.items()}
    mine = {"account_id": ACCOUNT, "host_id": HOST}
    bookings = [
        {"id": each, "status": "cancelled" if each == GONE else "confirmed", "visitor_email": _visitor(each)}
        | span[each]
        | mine
        for each in STARTS
    ]
    told = [("booking.created", each) for each in STARTS] + [
        ("booking.rescheduled", MOVED),
        ("booking.cancelled", GONE),
    ]
    mails = [("confirmed_visitor", each) for each in STARTS] + [("cancelled_visitor", GONE)]
    return {
        **{name: [] for name in TABLES},
        "bookings": bookings,
        "reservations": [
            {"booking_id": each, "hold_id": None, "starts": STARTS[each], "ends": STARTS[each] + HALF} | mine
            for each in (KEPT, MOVED)
        ],
        "writes": [
            {"booking_id": each, "engagement_id": None, "key": str(each), "removed": each == GONE, "email": EMAIL}
            for each in STARTS
        ],
        "mails": [
            {"id": UUID(int=n), "subject_id": each, "kind": kind, "to_email": _visitor(each), "status": "sent"}
            for n, (kind, each) in enumerate(mails)
        ],
        "feed": [
            {"account_id": ACCOUNT, "sequence": n, "type": kind, "subject_id": each}
            for n, (kind, each) in enumerate(told, start=1)
        ],
        "feeds": [{"account_id": ACCOUNT, "last_sequence": len(told), "pruned_through": 0}],
        "audit": [{"account_id": ACCOUNT, "action": kind, "subject_id": each} for kind, each in told],
        "mirror": [
            {"email": EMAIL, "event_id": f"event {each}", "etag": "1", "key": str(each)} | span[each]
            for each in (KEPT, MOVED)
        ],
    }


def _truth() -> Evidence:
    standing = tuple(
        Standing(f"event {each}", "1", str(each), STARTS[each], STARTS[each] + HALF) for each in (KEPT, MOVED)
    )
    deeds = [("insert", each) for each in STARTS] + [("update", MOVED), ("delete", GONE)]
    ledger = tuple(Deed(n, NOW, "api", what, f"event {each}", str(each)) for n, (what, each) in enumerate(deeds))
    tables = _tables()
    return Evidence(
        tables=tables,
        waiting={},
        calendars=[Calendar(EMAIL, "google", standing, ledger)],
        mails=[Delivered(f"<{row['id']}@calendar-connect>", str(row["to_email"]), NOW) for row in tables["mails"]],
        attempts=[
            *(_attempt("book", each, 201, email=_visitor(each)) for each in STARTS),
            _attempt("reschedule", MOVED, 200, booking=_name(MOVED), to=STARTS[MOVED].isoformat()),
            _attempt("cancel", GONE, None, booking=_name(GONE), ends=True),
        ],
    )


def _in(table: str, change: Callable[[list[dict]], list[dict]]) -> Lie:
    return lambda truth: replace(truth, tables={**truth.tables, table: change([dict(r) for r in truth.tables[table]])})


def _changed(table: str, at: int, **values: object) -> Lie:
    return _in(table, lambda rows: [*rows[:at], rows[at] | values, *rows[at + 1 :]])


def _without(table: str, at: int) -> Lie:
    return _in(table, lambda rows: rows[:at] + rows[at + 1 :])


def _calendar(**values: Callable[[tuple], tuple]) -> Lie:
    def lie(truth: Evidence) -> Evidence:
        [calendar] = truth.calendars
        changed = {name: change(getattr(calendar, name)) for name, change in values.items()}
        return replace(truth, calendars=[replace(calendar, **changed)])

    return lie


def _journal(*attempts: Attempt) -> Lie:
    return lambda truth: replace(truth, attempts=[*truth.attempts, *attempts])


def _mails(change: Callable[[list[Delivered]], list[Delivered]]) -> Lie:
    return lambda truth: replace(truth, mails=change(list(truth.mails)))


def _both(*lies: Lie) -> Lie:
    def lie(truth: Evidence) -> Evidence:
        for each in lies:
            truth = each(truth)
        return truth

    return lie


TWICE = Deed(1, NOW, "api", "insert", "another event", str(KEPT))
LATE = Delivered(f"<{UUID(int=0)}@calendar-connect>", "0@visitors.example", NOW + HALF)
LIES: dict[str, tuple[str, Lie]] = {
    "a reservation over another": ("no overlap", _changed("reservations", 0, ends=STARTS[MOVED] + HALF)),
    "an acknowledged booking that is not there": (
        "what was acknowledged is so",
        _journal(
            replace(
                _attempt("book", KEPT, 201, email=_visitor(KEPT)),
                answer={
                    "id": encode_id("book", new_id()),
                    "start_at": NOW.isoformat(),
                },
            )
        ),
    ),
    "an acknowledged cancellation that did not stay": (
        "what was acknowledged is so",
        _journal(_attempt("cancel", KEPT, 200, booking=_name(KEPT), ends=True)),
    ),
    "a move that was refused, and happened": (
        "what was acknowledged is so",
        lambda truth: replace(
            truth, attempts=[replace(a, status=409) if a.act == "reschedule" else a for a in truth.attempts]
        ),
    ),
    "a booking nobody asked for": (
        "nothing that nobody asked for",
        _changed("bookings", 0, visitor_email="who@x.example"),
    ),
    "one wish that came true twice": (
        "nothing that nobody asked for",
        _changed("bookings", 0, visitor_email=_visitor(MOVED)),
    ),
    "an event that was lost": (
        "one event for each active booking, none for a cancelled one",
        _both(_calendar(standing=lambda events: events[1:]), _without("mirror", 0)),
    ),
    "an event at another time than the booking's": (
        "one event for each active booking, none for a cancelled one",
        _both(
            _calendar(standing=lambda events: (replace(events[0], start=NOW - HALF), *events[1:])),
            _changed("mirror", 0, starts_at=NOW - HALF),
        ),
    ),
    "two events for a moment": (
        "at no point two",
        _calendar(ledger=lambda deeds: (*deeds, replace(TWICE, seq=50), replace(TWICE, seq=51, operation="delete"))),
    ),
    "a mirror that knows an older version": ("the mirror is the calendar", _changed("mirror", 0, etag="0")),
    "a mirror without an event": ("the mirror is the calendar", _without("mirror", 1)),
    "a mail that never came": (
        "mails at least once, twice only in the window of SMTP",
        _mails(lambda mails: mails[1:]),
    ),
    "a mail that came twice for nothing": (
        "mails at least once, twice only in the window of SMTP",
        _mails(lambda mails: [*mails, LATE]),
    ),
    "a visitor who was not written to": (
        "mails at least once, twice only in the window of SMTP",
        _both(_without("mails", 0), _mails(lambda mails: mails[1:])),
    ),
    "a gap in the feed": ("the feed has no gap", _both(_changed("feed", 3, sequence=40))),
    "a deed that is not in the audit log": ("the audit log is complete", _without("audit", 3)),
    "a job that waits for ever": (
        "nothing is left waiting",
        lambda truth: replace(truth, waiting={"jobs": [{"entrypoint": "write_event"}]}),
    ),
}


def test_a_true_world_is_as_promised() -> None:
    verdicts = judge(_truth())

    assert [(verdict.check, verdict.broken) for verdict in verdicts if not verdict.ok] == []
    assert all(verdict.seen for verdict in verdicts)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found_by_the_check_that_is_meant_for_it(name: str) -> None:
    check, lie = LIES[name]

    assert [verdict.check for verdict in judge(lie(_truth())) if not verdict.ok] == [check]


def test_every_check_has_a_lie() -> None:
    assert {check for check, _ in LIES.values()} == set(CHECKS)


def test_a_copy_is_excused_by_a_disturbance_behind_the_first() -> None:
    soon = replace(_mails(lambda mails: [*mails, LATE])(_truth()), disturbances=[Disturbance("kill", NOW, NOW + HALF)])
    before = replace(soon, disturbances=[Disturbance("kill", NOW - HALF, NOW - HALF / 2)])

    assert all(verdict.ok for verdict in judge(soon))
    assert not all(verdict.ok for verdict in judge(before))


def test_what_nobody_answered_may_have_happened_or_not() -> None:
    lost = _attempt("cancel", KEPT, None, booking=_name(KEPT), ends=True)

    assert all(verdict.ok for verdict in judge(_journal(lost)(_truth())))
