"""What must hold afterwards, whatever happened: over the journal, the database, the providers' ledgers and the mails.

    evidence.gather   what stands written everywhere, once everything has had its time
    judge             pure: what of it is not as promised

The one rule: what is judged was gathered before, so that a lie can be planted in it, and must be found.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from app.ids import decode_id
from prove.checker_calendars import events_are_there_once, mirrors_are_true, never_two
from prove.checker_mails import mails_went_out
from prove.evidence import Evidence, Row
from prove.expectation import expected

_MOST_TOLD: Final = 5
_TOLD_TWICE: Final = {"booking.created", "booking.rescheduled", "booking.cancelled", "meeting_request.created"}
"""What stands in the feed and in the audit log, by one name."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise, held against the evidence."""

    check: str
    seen: int
    """How many things it was held against: a check that saw nothing has shown nothing."""
    broken: tuple[str, ...] = ()
    """What is not as promised, in words."""

    @property
    def ok(self) -> bool:
        """Nothing speaks against it."""
        return not self.broken

    @property
    def figures(self) -> dict[str, Any]:
        """For its line."""
        told = {"broken": len(self.broken), "such_as": list(self.broken[:_MOST_TOLD])} if self.broken else {}
        return {"seen": self.seen, **told}


Check = Callable[[Evidence], tuple[int, Iterator[str]]]
"""How many things are looked at, and what of them is broken."""


def judge(evidence: Evidence, checks: dict[str, Check] | None = None) -> list[Verdict]:
    """Every promise, or those named in `checks`."""
    verdicts = []
    for name, check in (CHECKS if checks is None else checks).items():
        seen, broken = check(evidence)
        verdicts.append(Verdict(name, seen, tuple(broken)))
    return verdicts


def no_overlap(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P1: neither what is reserved for a host, nor what is confirmed with them."""
    spans: defaultdict[tuple[str, UUID], list[tuple[Any, Any, UUID]]] = defaultdict(list)
    for row in evidence.tables["reservations"]:
        spans["reserved", row["host_id"]].append((row["starts"], row["ends"], row["booking_id"] or row["hold_id"]))
    for row in evidence.tables["bookings"]:
        if row["status"] == "confirmed":
            spans["booked", row["host_id"]].append((row["starts_at"], row["ends_at"], row["id"]))
    return sum(map(len, spans.values())), (
        f"{kind} for {host}: {left[2]} and {right[2]} at {right[0]}"
        for (kind, host), each in spans.items()
        for left, right in pairwise(sorted(each, key=lambda span: span[:2]))
        if left[1] > right[0]
    )


def acknowledged_is_so(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """P2: what was answered exists, as it was last answered."""
    told = expected(evidence.attempts)
    bookings = {row["id"]: row for row in evidence.tables["bookings"]}
    requests = {row["id"] for row in evidence.tables["requests"]}

    def broken() -> Iterator[str]:
        for name, states in told.bookings.items():
            row = bookings.get(_uuid(name))
            if row is None:
                yield f"booking {name} was acknowledged, and is not there"
            elif _state(row) not in states:
                yield f"booking {name} is {_state(row)}, and was told to be {sorted(map(str, states))}"
        for name in told.requests:
            if _uuid(name) not in requests:
                yield f"request {name} was acknowledged, and is not there"

    return len(told.bookings) + len(told.requests), broken()


def nothing_unasked(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """A wish comes true once at most, and never when it was refused."""
    made = Counter(row["visitor_email"] for table in ("bookings", "requests") for row in evidence.tables[table])
    addresses = expected(evidence.attempts).addresses

    def broken() -> Iterator[str]:
        for address, times in made.items():
            if address not in addresses:
                yield f"nobody called {address} has asked for anything"
            elif times > 1:
                yield f"the one wish of {address} has come true {times} times"
            elif not addresses[address]:
                yield f"the wish of {address} was refused, and has come true"

    return sum(made.values()), broken()


def feed_is_whole(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """Numbers without a gap in every account, and each booking's making and end told of once."""
    numbers: defaultdict[UUID, list[int | None]] = defaultdict(list)
    for row in evidence.tables["feed"]:
        numbers[row["account_id"]].append(row["sequence"])
    feeds = {row["account_id"]: row for row in evidence.tables["feeds"]}

    def broken() -> Iterator[str]:
        for account, found in numbers.items():
            first, last = feeds[account]["pruned_through"] + 1, feeds[account]["last_sequence"]
            if found != list(range(first, last + 1)):
                yield f"account {account} has the numbers {found}, not {first} to {last}"
        yield from _once_each(evidence, evidence.tables["feed"], kind="type", where="the feed")

    return len(evidence.tables["feed"]), broken()


def audit_is_whole(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """Whatever the feed tells of a booking, the audit log tells as well: as often, of the same booking."""
    audit, feed = evidence.tables["audit"], evidence.tables["feed"]
    told = {
        name: Counter((row[kind], row["subject_id"]) for row in rows if row[kind] in _TOLD_TWICE)
        for name, rows, kind in (("audit", audit, "action"), ("feed", feed, "type"))
    }

    def broken() -> Iterator[str]:
        yield from _once_each(evidence, audit, kind="action", where="the audit log")
        for (action, subject), times in ((told["audit"] - told["feed"]) + (told["feed"] - told["audit"])).items():
            yield f"{action} of {subject} stands {times} times more in one of audit log and feed"

    return sum(told["audit"].values()), broken()


def nothing_waits(evidence: Evidence) -> tuple[int, Iterator[str]]:
    """Whatever was interrupted has been done by others."""
    return len(evidence.waiting) + 1, (
        f"{name}: {len(rows)}, such as {dict(rows[0])}" for name, rows in evidence.waiting.items()
    )


def _once_each(evidence: Evidence, rows: Sequence[Row], *, kind: str, where: str) -> Iterator[str]:
    """Every booking was made once, and cancelled once if it is cancelled."""
    told = Counter((row[kind], row["subject_id"]) for row in rows)
    requests = {row["id"] for row in evidence.tables["requests"]}
    for row in evidence.tables["bookings"]:
        if row["id"] not in requests and told["booking.created", row["id"]] != 1:
            yield f"{where} tells {told['booking.created', row['id']]} times that {row['id']} was made"
        ended = int(row["status"] == "cancelled")
        if told["booking.cancelled", row["id"]] != ended:
            yield f"{where} tells {told['booking.cancelled', row['id']]} times that {row['id']} ended, not {ended}"


def _state(row: Row) -> tuple[str, Any]:
    return row["status"], None if row["status"] == "cancelled" else row["starts_at"]


def _uuid(name: str) -> UUID:
    return decode_id(name.rpartition("_")[0], name)


CHECKS: Final[dict[str, Check]] = {
    "no overlap": no_overlap,
    "what was acknowledged is so": acknowledged_is_so,
    "nothing that nobody asked for": nothing_unasked,
    "one event for each active booking, none for a cancelled one": events_are_there_once,
    "at no point two": never_two,
    "the mirror is the calendar": mirrors_are_true,
    "mails at least once, twice only in the window of SMTP": mails_went_out,
    "the feed has no gap": feed_is_whole,
    "the audit log is complete": audit_is_whole,
    "nothing is left waiting": nothing_waits,
}
"""All of them, by what they say."""
