"""What the synchronisation is compared with: bytes alone, rows alone, and the library that others would take.

The one rule: a floor does all of one thing and nothing of the rest, on the very pages or rows of the figure beside it.

    fetch          the pages, asked for to the letter as the service asked, and counted
    copy           the rows by COPY into a table like the mirror's, without its foreign key and its row-level security
    follow_barely  one answer of changes fetched, and one statement that saves three rows, again and again
    read_plainly   the items of an Exchange calendar as exchangelib reads them, in pages as large as ours

Everything here runs in a fork (`bench.forks`).
"""

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import cycle, islice
from typing import Any, Final
from uuid import uuid4

import asyncpg
import exchangelib  # type: ignore[import-untyped]
import httpx
import msgspec
from exchangelib.folders import Calendar, Root  # type: ignore[import-untyped]
from exchangelib.version import EXCHANGE_2016  # type: ignore[import-untyped]

from app.providers.ews.questions import CHANGES_PER_PAGE
from bench.canned_events import CHANGES
from bench.canned_rows import Asked, Remembered
from bench.canned_server import ASKED
from bench.sync_rows import Row
from bench.sync_subject import Took

SCHEMA: Final = """
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE floor.mirror_events (LIKE mirror_events INCLUDING ALL);
"""
_COLUMNS: Final = (
    "account_id",
    "calendar_id",
    "event_id",
    "series_id",
    "starts_at",
    "ends_at",
    "start_date",
    "end_date",
    "busy",
    "etag",
    "key",
    "generation",
)
_UPSERT: Final = """
INSERT INTO floor.mirror_events (account_id, calendar_id, event_id, starts_at, ends_at, busy, etag, generation)
SELECT $1, $2, event_id, starts_at, ends_at, 2, etag, 1
FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[]) AS u(event_id, starts_at, ends_at, etag)
ON CONFLICT (account_id, calendar_id, event_id) DO UPDATE SET
    starts_at = excluded.starts_at, ends_at = excluded.ends_at, etag = excluded.etag
"""
_FIELDS: Final = (
    *("subject", "sensitivity", "last_modified_time", "uid", "start", "end", "is_all_day", "legacy_free_busy_status"),
    *("location", "is_cancelled", "type", "my_response_type", "organizer"),
)
"""What the service reads of an item, in exchangelib's words; of `start` comes the zone."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """Fetch the pages of the latest full listing of a calendar once more."""

    url: str
    authority: str | None
    """PEM, where the server speaks TLS."""
    calendar: str


@dataclass(frozen=True, slots=True)
class Copying:
    """Copy these rows, so many at a time, each time committed."""

    database_url: str
    rows: Sequence[Row]
    at_a_time: int


@dataclass(frozen=True, slots=True)
class FollowingBarely:
    """Fetch the latest changes of these calendars and save three rows, for so many seconds."""

    database_url: str
    url: str
    authority: str | None
    calendars: Sequence[str]
    rows: Sequence[Row]
    at_once: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Read so many items of an Exchange calendar."""

    url: str
    authority_path: str
    calendar: str
    items: int


def fetch(plan: Fetching) -> Took:
    """Carry out the plan."""
    return asyncio.run(_fetch(plan))


def copy(plan: Copying) -> Took:
    """Carry out the plan."""
    return asyncio.run(_copy(plan))


def follow_barely(plan: FollowingBarely) -> Took:
    """Carry out the plan."""
    return asyncio.run(_follow_barely(plan))


def read_plainly(plan: Reading) -> Took:
    """Carry out the plan."""
    os.environ["REQUESTS_CA_BUNDLE"] = plan.authority_path
    items = _items(plan.url, plan.calendar)
    next(items)  # uncounted: the connection is made, and all is loaded
    began = time.perf_counter()
    read = sum(1 for _ in islice(items, plan.items))
    return Took(time.perf_counter() - began, read)


async def _fetch(plan: Fetching) -> Took:
    async with _client(plan.url, plan.authority) as client:
        pages = await _asked(client, "listing", plan.calendar)
        began, size = time.perf_counter(), 0
        for page in pages:
            size += await _send(client, page.asked)
        seconds, events = time.perf_counter() - began, sum(page.events for page in pages)
        return Took(seconds, events, pages=len(pages), bytes=size)


async def _copy(plan: Copying) -> Took:
    connection = await asyncpg.connect(plan.database_url)
    try:
        await connection.execute("TRUNCATE floor.mirror_events")
        records = _records(plan.rows)
        began = time.perf_counter()
        for first in range(0, len(records), plan.at_a_time):
            await connection.copy_records_to_table(
                "mirror_events",
                schema_name="floor",
                columns=_COLUMNS,
                records=records[first : first + plan.at_a_time],
            )
        return Took(time.perf_counter() - began, len(records))
    finally:
        await connection.close()


async def _follow_barely(plan: FollowingBarely) -> Took:
    size = plan.at_once
    async with (
        _client(plan.url, plan.authority) as client,
        asyncpg.create_pool(plan.database_url, min_size=size, max_size=size) as pool,
    ):
        requests = [each.asked for name in plan.calendars for each in await _asked(client, "change", name)]
        turns = cycle(zip(requests, (uuid4() for _ in requests), strict=True))

        async def one() -> None:
            request, calendar = next(turns)
            await _send(client, request)
            await pool.execute(_UPSERT, calendar, calendar, *_arrays(plan.rows[:CHANGES]))

        await _repeat(one, plan.at_once, 0.1)
        return await _repeat(one, plan.at_once, plan.seconds)


async def _repeat(one: Callable[[], Awaitable[None]], at_once: int, seconds: float) -> Took:
    """Again and again until the time is up."""
    began, done = time.perf_counter(), 0

    async def work() -> None:
        nonlocal done
        while time.perf_counter() < began + seconds:
            await one()
            done += 1

    await asyncio.gather(*(work() for _ in range(at_once)))
    return Took(time.perf_counter() - began, done)


def _client(url: str, authority: str | None) -> httpx.AsyncClient:
    verify = True if authority is None else ssl.create_default_context(cadata=authority)
    return httpx.AsyncClient(base_url=url, verify=verify, timeout=60, trust_env=False)


async def _asked(client: httpx.AsyncClient, kind: str, calendar: str) -> list[Remembered]:
    answer = await client.get(f"{ASKED}{kind}/{calendar}")
    return msgspec.json.decode(answer.content, type=list[Remembered])


async def _send(client: httpx.AsyncClient, asked: Asked) -> int:
    """How many bytes the answer has."""
    answer = await client.request(asked.method, asked.target, headers=asked.headers, content=asked.body.encode())
    answer.raise_for_status()
    return len(answer.content)


def _records(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    account, calendar = uuid4(), uuid4()
    return [
        (account, calendar, row.event_id, None, row.starts_at, row.ends_at, None, None, 2, row.etag, None, 1)
        for row in rows
    ]


def _arrays(rows: Sequence[Row]) -> tuple[list[object], ...]:
    return tuple(list(column) for column in zip(*map(astuple, rows), strict=True))


def _items(url: str, calendar: str) -> Iterator[Any]:
    configuration = exchangelib.Configuration(
        service_endpoint=url,
        credentials=exchangelib.Credentials("canned", "canned"),
        auth_type=exchangelib.BASIC,
        version=exchangelib.Version(build=EXCHANGE_2016),
    )
    account = exchangelib.Account(
        "canned@example.com", config=configuration, autodiscover=False, access_type=exchangelib.DELEGATE
    )
    folder = Calendar(root=Root(account=account, id="root"), id=calendar)
    found: Iterator[Any] = folder.sync_items(only_fields=_FIELDS, max_changes_returned=CHANGES_PER_PAGE)
    return found
