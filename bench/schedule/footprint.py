"""`python -m bench.schedule.footprint`: what calendars weigh in PostgreSQL, and what finding and polling them costs.

The one rule: the tables are the migrations' own, filled as the service fills them; a JSON line for each.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from string import Template
from typing import Final

import asyncpg

from app.database import create_engine, create_sessions, transaction
from app.sync.due import take_due
from bench.stage import open_database

_CALENDARS: Final = 2000
"""As in the statements."""
_DUE: Final = 100_000
_STATEMENTS: Final = Path(__file__).with_suffix(".sql")
_POLL: Final = "a poll"
_WRITTEN: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
_SIZES: Final = (
    "SELECT pg_relation_size($1::regclass), pg_indexes_size($1::regclass), pg_total_relation_size($1::regclass)"
)


async def footprint() -> AsyncIterator[dict[str, object]]:
    """A line for each table, for a poll, and for taking what is due."""
    async with open_database() as database:
        connection = await asyncpg.connect(database.url)
        try:
            await connection.execute("SET session_replication_role = replica")  # only sizes count: no foreign keys
            for name, statements in _sections().items():
                if name == _POLL:
                    yield await _poll(connection, statements)
                else:
                    yield await _weigh(connection, name, statements)
            for accounts in (1, 40):
                async for line in _take(connection, database.url, accounts):
                    yield line
        finally:
            await connection.close()


def _sections() -> dict[str, str]:
    """The statements by the name of their section."""
    _, *parts = re.split(r"^-- \[(.+)\]$", _STATEMENTS.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


async def _weigh(connection: asyncpg.Connection, table: str, statement: str) -> dict[str, object]:
    rows = int((await connection.execute(statement)).split()[-1])
    await connection.execute(f"VACUUM ANALYZE {table}")
    heap, indexes, total = await connection.fetchrow(_SIZES, table)
    return {
        "table": table,
        "rows_per_calendar": rows / _CALENDARS,
        "bytes_per_row": round(total / rows),
        "heap": round(heap / rows),
        "indexes": round(indexes / rows),
        "bytes_per_calendar": round(total / _CALENDARS),
    }


async def _poll(connection: asyncpg.Connection, statements: str) -> dict[str, object]:
    """How much write-ahead log a poll without news makes, the first touch of each page after a checkpoint left out."""
    calendars = await connection.fetch("SELECT account_id, calendar_id FROM calendar_syncs")
    await connection.execute("CHECKPOINT")
    for _ in range(2):
        before = await connection.fetchval(_WRITTEN)
        for row in calendars:
            polled = Template(statements).substitute(account=row["account_id"], calendar=row["calendar_id"])
            await connection.execute(polled)  # several statements at once are one transaction
        written = await connection.fetchval(_WRITTEN) - before
    return {"a poll": "without news", "wal_bytes": round(written / len(calendars)), "statements": statements.count(";")}


async def _take(connection: asyncpg.Connection, url: str, accounts: int) -> AsyncIterator[dict[str, object]]:
    """A portion of what is due, when 100,000 are."""
    await connection.execute("TRUNCATE due_calendars")
    await connection.execute(
        "INSERT INTO due_calendars (account_id, calendar_id, due_at) SELECT md5('account' || n % $2::int)::uuid, "
        "gen_random_uuid(), now() - random() * interval '10 minutes' FROM generate_series(1, $1::int) AS n",
        _DUE,
        accounts,
    )
    await connection.execute("VACUUM ANALYZE due_calendars")
    engine = create_engine(url)
    took, now = [], datetime.now(UTC)
    try:
        sessions = create_sessions(engine)
        for _ in range(12):
            async with transaction(sessions, None) as session:
                began = time.perf_counter()
                await take_due(session, now=now, again=timedelta(minutes=3), limit=400)
                took.append((time.perf_counter() - began) * 1000)
    finally:
        await engine.dispose()
    plan = await connection.fetch(
        "EXPLAIN (ANALYZE, BUFFERS, SUMMARY OFF) SELECT calendar_id, account_id, due_at FROM due_calendars "
        "WHERE due_at <= now() ORDER BY due_at LIMIT 2000"
    )
    yield {
        "take": 400,
        "due": _DUE,
        "accounts": accounts,
        "ms": round(median(took), 1),
        "worst_ms": round(max(took), 1),
        "plan": [row[0].strip() for row in plan],
    }


async def _print() -> None:
    async for line in footprint():
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(_print())
