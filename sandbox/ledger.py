"""What happened at a simulated provider: the ledger of writes, the log of requests, the outbox of mails.

The one rule: these are append-only. A checker compares them with what a client believes it did, so nothing here
is ever edited; only `clear` (a reset of the whole world) empties them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

ActorKind = Literal["api", "human", "propagation"]
Operation = Literal["insert", "update", "delete"]
MailKind = Literal["invitation", "update", "cancellation", "reply"]


@dataclass(frozen=True)
class LedgerEntry:
    """One write to one calendar. `key` holds the client's own marks on the event, as the provider stores them."""

    seq: int
    at: datetime
    actor: ActorKind
    operation: Operation
    account: str
    calendar: str
    event_id: str
    key: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequestRecord:
    """One HTTP request; tokens and secrets are redacted before it is recorded."""

    seq: int
    at: datetime
    method: str
    path: str
    query: str
    status: int | None
    account: str | None
    request_id: str
    fault: str | None = None


@dataclass(frozen=True)
class Mail:
    """A mail the provider would have sent to a person."""

    seq: int
    at: datetime
    kind: MailKind
    to: str
    sender: str
    calendar: str
    event_id: str
    uid: str
    summary: str
    sequence: int = 0
    start: str | None = None


RecordT = TypeVar("RecordT", LedgerEntry, RequestRecord, Mail)


class Journal(Generic[RecordT]):
    """An append-only list of records, numbered from 1."""

    def __init__(self) -> None:
        self._records: list[RecordT] = []

    def append(self, build: Callable[[int], RecordT]) -> RecordT:
        """`build` receives the record's number."""
        record = build(len(self._records) + 1)
        self._records.append(record)
        return record

    def select(self, *, since: int = 0, **equal: str | None) -> list[RecordT]:
        """Records after number `since` whose named attributes equal the values given; None means any."""
        wanted = {name: value for name, value in equal.items() if value is not None}
        return [
            record
            for record in self._records[since:]
            if all(getattr(record, name) == value for name, value in wanted.items())
        ]

    def clear(self) -> None:
        self._records.clear()

    def __len__(self) -> int:
        return len(self._records)


def as_json(records: Iterable[LedgerEntry | RequestRecord | Mail]) -> list[dict[str, Any]]:
    """Plain values for a JSON answer; times as RFC 3339."""
    return [{**asdict(record), "at": record.at.isoformat()} for record in records]
