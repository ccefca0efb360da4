"""Everything that stands written anywhere once all is over: the journal, the database, the calendars, the mails.

The one rule: it is only read, and read as of one moment; what is not over yet shows as waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from prove.journal import Attempt
from prove.truth import Calendar, look
from sandbox.client import Sandbox

Row = Mapping[str, Any]

_UNFINISHED_SYNCS: Final = """
    SELECT state, last_error, failures, dirty_seq, synced_seq, lease_until FROM calendar_syncs
     WHERE (state <> 'idle' OR last_error IS NOT NULL OR failures <> 0 OR synced_seq <> dirty_seq
            OR lease_until IS NOT NULL)
"""

WAITING: Final = {
    "changes nobody has followed": "SELECT event_id, topic, seq, attempts FROM calendar_changes",
    "jobs": "SELECT entrypoint, status FROM queue.pgqueuer",
    "syncs": _UNFINISHED_SYNCS,
    "writes": """
        SELECT status, written_seq, desired_seq FROM calendar_writes
         WHERE status <> 'written' OR written_seq <> desired_seq OR lease_until IS NOT NULL
            OR look_again_at IS NOT NULL
    """,
    "mails": "SELECT kind, status FROM mails WHERE status <> 'sent'",
    "news without a number": "SELECT type FROM feed_events WHERE sequence IS NULL",
    "news to be swept": "SELECT event_id FROM due_events",
}
"""What is left to be done, by its name."""

OVERDUE: Final = WAITING | {
    "jobs": """
        SELECT entrypoint, status, attempts FROM queue.pgqueuer
         WHERE execute_after < now() - interval '5 seconds' AND created < now() - interval '20 seconds'
    """,
    "syncs": _UNFINISHED_SYNCS
    + """
       AND NOT (state IN ('idle', 'running') AND last_error IS NULL AND failures = 0
                AND last_started_at > now() - interval '20 seconds')
    """,
    "writes": """
        SELECT status, written_seq, desired_seq FROM calendar_writes
         WHERE status <> 'written' OR written_seq <> desired_seq OR lease_until IS NOT NULL OR look_again_at <= now()
    """,
}
"""The same by the clock on the wall, while the service goes on: a poll that has just begun is not late, nor a job whose
time has just come, nor whoever is to look once more in three minutes. Who died in the middle is, as soon as the moment
is over."""

TABLES: Final = {
    "bookings": """
        SELECT id, account_id, host_id, status, starts_at, ends_at, visitor_email, version, co_hosts FROM bookings
    """,
    "requests": "SELECT id, account_id, status, starts_at, visitor_email FROM meeting_requests",
    "reservations": """
        SELECT account_id, host_id, booking_id, hold_id, lower(during) AS starts, upper(during) AS ends
          FROM reservations WHERE expires_at IS NULL OR expires_at > now()
    """,
    "writes": """
        SELECT w.id, w.booking_id, w.engagement_id, w.key, w.draft IS NULL AS removed, w.status,
               c.provider, lower(c.email) AS email
          FROM calendar_writes w
          JOIN calendars k ON k.account_id = w.account_id AND k.id = w.calendar_id
          JOIN connections c ON c.account_id = k.account_id AND c.id = k.connection_id
    """,
    "mails": "SELECT id, subject_id, kind, to_email, status FROM mails",
    "feed": "SELECT account_id, sequence, type, subject_id FROM feed_events ORDER BY account_id, sequence",
    "feeds": "SELECT account_id, last_sequence, pruned_through FROM event_feeds",
    "audit": "SELECT account_id, action, actor, subject_id FROM audit_entries",
    "engagements": "SELECT id, source, booking_id, outcome FROM engagements",
    "mirror": """
        SELECT lower(c.email) AS email, m.event_id, m.etag, m.key, m.starts_at, m.ends_at
          FROM mirror_events m
          JOIN calendars k ON k.account_id = m.account_id AND k.id = m.calendar_id AND k.is_primary
          JOIN connections c ON c.account_id = k.account_id AND c.id = k.connection_id
    """,
}
"""What the checker reads, by its name."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something was done to the service, from when to when."""

    what: str
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail in the sink."""

    message_id: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged."""

    tables: Mapping[str, Sequence[Row]]
    """By the names of `TABLES`."""
    waiting: Mapping[str, Sequence[Row]]
    """By the names of `OVERDUE`; only what waits."""
    calendars: Sequence[Calendar] = ()
    mails: Sequence[Delivered] = ()
    attempts: Sequence[Attempt] = ()
    disturbances: Sequence[Disturbance] = ()


async def waiting(database_url: str, queries: Mapping[str, str] = OVERDUE) -> dict[str, list[Row]]:
    """What is left to be done, by its name; empty when nothing is."""
    found = await _read(database_url, queries)
    return {name: rows for name, rows in found.items() if rows}


async def gather(
    database_url: str,
    sandbox: Sandbox,
    *,
    people: Sequence[tuple[str, str]],
    attempts: Sequence[Attempt] = (),
    disturbances: Sequence[Disturbance] = (),
) -> Evidence:
    """All of it; `people` are the calendars, each by its provider and address."""
    return Evidence(
        tables=await _read(database_url, TABLES),
        waiting=await waiting(database_url),
        calendars=[await look(sandbox, provider, email) for provider, email in people],
        mails=[
            Delivered(mail["message_id"], mail["envelope_to"][0], datetime.fromisoformat(mail["received_at"]))
            for mail in await sandbox.deliveries()
        ],
        attempts=attempts,
        disturbances=disturbances,
    )


async def _read(database_url: str, queries: Mapping[str, str]) -> dict[str, list[Row]]:
    """As the database's owner, all in one snapshot."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {name: [dict(row) for row in await connection.fetch(query)] for name, query in queries.items()}
    finally:
        await connection.close()
