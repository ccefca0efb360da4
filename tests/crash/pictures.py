"""What has become of a story: everything that stands written about its subject, in the same words for each telling.

Times are told from where the telling takes place, versions from where they stood before; ids are not told at all. So
two tellings of one story give the same picture, or something happened in one that did not in the other.

The one rule: what is shown is what others could see: the host, the visitor, the CRM, the provider.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prove.truth import Standing
from tests.crash.scene import Scene, Subject

_BOOKING = "SELECT * FROM bookings WHERE id = $1"
_ENGAGEMENTS = """
SELECT e.*, ARRAY(SELECT (p.role, c.email, p.response)::text FROM engagement_contacts p
                    JOIN contacts c ON c.account_id = p.account_id AND c.id = p.contact_id
                   WHERE p.engagement_id = e.id) AS people
  FROM engagements e WHERE e.id IN (SELECT p.engagement_id FROM engagement_contacts p JOIN contacts c
                                      ON c.account_id = p.account_id AND c.id = p.contact_id WHERE c.email = $1)
"""
"""All that its person takes part in: every telling has a person of its own."""
_WRITES = "SELECT * FROM calendar_writes WHERE booking_id = $1 OR engagement_id = $2"
_CONTACTS = "SELECT source, name, version FROM contacts WHERE email = $1"
_MAILS = "SELECT id, kind, to_email, status FROM mails"
_FEED = "SELECT id, type, data FROM feed_events WHERE sequence IS NOT NULL ORDER BY sequence"
_DRIFT = "SELECT * FROM drift_entries"
_VERSIONS = """
SELECT id, version, sequence FROM bookings WHERE id = $1
UNION ALL
SELECT e.id, e.version, 0 FROM engagements e
  JOIN engagement_contacts p ON p.account_id = e.account_id AND p.engagement_id = e.id
  JOIN contacts c ON c.account_id = p.account_id AND c.id = p.contact_id AND c.email = $2
"""


@dataclass(frozen=True, slots=True)
class Before:
    """How things stood when it began."""

    versions: dict[Any, tuple[int, int]]
    rows: frozenset[Any]
    """Ids of mails, of events of the feed, of entries of the ledger."""
    writes: int
    letters: int


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be seen when all is over."""

    booking: Any
    engagements: Any
    contacts: Any
    write: Any
    ledger: Any
    """Of drift."""
    mails: Any
    """To the visitor, in our name, and to the host."""
    feed: Any
    stands: Any
    """Live events at the provider that are the subject's."""
    written: Counter[str]
    """What we did at the provider."""
    letters: Any
    """Mails of the provider."""


async def before(scene: Scene, subject: Subject) -> Before:
    """Taken before anything happens."""
    rows = await scene.database.fetch(_VERSIONS, subject.booking, subject.address)
    known = [row["id"] for query in (_MAILS, _FEED, _DRIFT) for row in await scene.database.fetch(query)]
    return Before(
        versions={row["id"]: (row["version"], row["sequence"]) for row in rows},
        rows=frozenset(known),
        writes=len(await scene.hands.writes()),
        letters=len(await scene.hands.letters()),
    )


async def picture(scene: Scene, subject: Subject, since: Before, standing: Iterable[Standing]) -> Picture:
    """Taken when everything has settled."""
    fetch = scene.database.fetch
    told = _Telling(subject, since)
    found = {event.id: event for event in standing}
    written = (await scene.hands.writes())[since.writes :]
    return Picture(
        booking=[told.booking(row) for row in await fetch(_BOOKING, subject.booking)],
        engagements=[told.engagement(row) for row in await fetch(_ENGAGEMENTS, subject.address)],
        contacts=[told.contact(row) for row in await fetch(_CONTACTS, subject.address)],
        write=[told.write(row, found) for row in await fetch(_WRITES, subject.booking, subject.engagement)],
        ledger=[told.drift(row) for row in await fetch(_DRIFT) if row["id"] not in since.rows],
        mails=sorted(told.mail(row) for row in await fetch(_MAILS) if row["id"] not in since.rows),
        feed=told.feed(row for row in await fetch(_FEED) if row["id"] not in since.rows),
        stands=sorted(told.span(event.start, event.end) for event in found.values() if told.is_about(event)),
        written=Counter(operation for operation, _ in written),
        letters=sorted((kind, told.who(to)) for kind, to, _ in (await scene.hands.letters())[since.letters :]),
    )


class _Telling:
    """Turns rows into words that are the same in every telling."""

    def __init__(self, subject: Subject, since: Before) -> None:
        self._subject = subject
        self._since = since

    def is_about(self, event: Standing) -> bool:
        subject = self._subject
        return event.id == subject.event or (event.key is not None and event.key == subject.key)

    def span(self, start: datetime | None, end: datetime | None) -> tuple[float, float] | None:
        """In minutes."""
        if start is None or end is None:
            return None
        left, right = ((moment - self._subject.start).total_seconds() / 60 for moment in (start, end))
        return left, right

    def who(self, address: str) -> str:
        return "the visitor" if address == self._subject.address else "the host"

    def _since_then(self, row: Any, sequence: int = 0) -> tuple[int, int]:
        version, former = self._since.versions.get(row["id"], (0, 0))
        return row["version"] - version, sequence - former

    def booking(self, row: Any) -> Any:
        span, versions = self.span(row["starts_at"], row["ends_at"]), self._since_then(row, row["sequence"])
        return row["status"], row["cancelled_by"], row["cancelled_at"] is None, span, versions

    def engagement(self, row: Any) -> Any:
        said = ("source", "title", "description", "location", "video_url", "all_day", "time_zone", "outcome")
        more = ("organized", "invite_status", "invite_reason", "booking_version")
        people = sorted(person.replace(self._subject.address, "the guest") for person in row["people"])
        facts = {name: row[name] for name in (*said, *more)}
        if row["booking_version"] is not None:
            facts["booking_version"] -= self._booking_version
        span = self.span(row["starts_at"], row["ends_at"])
        return facts, span, people, row["cancelled_at"] is None, row["event_id"] is None, self._since_then(row)[0]

    @property
    def _booking_version(self) -> int:
        return self._since.versions.get(self._subject.booking, (0, 0))[0]

    @staticmethod
    def contact(row: Any) -> Any:
        return row["source"], row["name"], row["version"]

    def write(self, row: Any, found: dict[str, Standing]) -> Any:
        event = found.get(row["event_id"])
        return {
            "status": row["status"],
            "wished for": row["draft"] is not None,
            "true": row["written_seq"] == row["desired_seq"],
            "stands": event is not None,
            "as it is known": event is None or event.etag == row["etag"],
            "written": self.span(row["written_start"], row["written_end"]),
            "answer": row["guest_response"],
            "copies": len(row["extra_event_ids"]),
            "doubts": (row["look_again_at"], row["lease_until"], row["last_error"], row["failing_since"]),
        }

    def drift(self, row: Any) -> Any:
        said = tuple(row[name] for name in ("kind", "status", "reason", "resolution", "resolved_by"))
        booked, observed = (self.span(row[f"{what}_start"], row[f"{what}_end"]) for what in ("booked", "observed"))
        return *said, booked, observed, len(row["event_ids"])

    def mail(self, row: Any) -> Any:
        return row["kind"], self.who(row["to_email"]), row["status"]

    @staticmethod
    def feed(rows: Iterable[Any]) -> dict[str, list[str]]:
        """By what they tell of, each in its order."""
        told: dict[str, list[str]] = {}
        for row in rows:
            told.setdefault(row["type"].partition(".")[0], []).append(row["type"])
        return told
