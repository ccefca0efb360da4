"""From a change in the calendar to the CRM: pushes at a rate, through the whole service on this machine.

    a person edits an event → the provider commits → push → sync → read anew → engagement → feed

The one rule: the clock starts when the provider has committed the edit, and stops when the CRM's long poll of the feed
brings it. An edit that a later one of the same event has overtaken is seen when that is.

All of it shares the machine's cores: the simulated Google, its deliveries, API, worker, PostgreSQL, and this bench.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.load import BenchError
from bench.measure import Figure, Goal
from sandbox.client import Sandbox
from sandbox.identity import new_id
from sandbox.stack import Stack

_GUEST = "vera@example.com"
_DRAINED_WITHIN = 30.0
_LONG_POLL = 5
_BETWEEN_READS = 0.1
"""Seconds, part of what is measured. A reader that asks anew for each of fifty events a second is mostly asking."""


@dataclass(frozen=True, slots=True)
class PushScale:
    """How many people, how many edits a second, for how long."""

    people: int
    rates: Sequence[int]
    seconds: float


FULL = PushScale(people=30, rates=(5, 20, 50), seconds=10)
QUICK = PushScale(people=4, rates=(5,), seconds=2)


@dataclass(slots=True)
class _Office:
    """An account of the CRM, its people and what its feed has brought."""

    api: httpx.AsyncClient
    sandbox: Sandbox
    account: str
    service: dict[str, str]
    events: dict[str, str] = field(default_factory=dict)
    """Each person's event, by address."""
    edited: dict[str, dict[int, float]] = field(default_factory=dict)
    """When each edit was committed, by address and number."""
    numbers: Iterator[int] = field(default_factory=count)
    """Of edits, and never one twice: an event that is called what it was called already is no news."""
    late: list[float] = field(default_factory=list)
    """Seconds from a commit to the feed."""

    @property
    def outstanding(self) -> int:
        """Edits the feed has not told of."""
        return sum(map(len, self.edited.values()))


async def figures(scale: PushScale) -> AsyncIterator[Figure]:
    """Acknowledged and visible, at each rate."""
    async with _open(scale) as office:
        listening = asyncio.create_task(_listen(office))
        try:
            for rate in scale.rates:
                async for figure in _at(office, rate, scale.seconds):
                    yield figure
        finally:
            listening.cancel()


async def _at(office: _Office, rate: int, seconds: float) -> AsyncIterator[Figure]:
    office.late.clear()
    before = len(await office.sandbox.google_deliveries())
    people, began = sorted(office.events), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(_edit(office, people[number % len(people)], next(office.numbers)))
    took, deadline = time.monotonic() - began, time.monotonic() + _DRAINED_WITHIN
    while office.outstanding and time.monotonic() < deadline:  # noqa: ASYNC110 - it ends by the clock as well
        await asyncio.sleep(0.05)
    lost, pushes = office.outstanding, await office.sandbox.google_deliveries(since=before)
    acknowledged = sorted(float(push["ms"]) for push in pushes)
    visible = sorted(each * 1000 for each in office.late)
    details = {"edits": int(rate * seconds), "really_per_second": round(rate * seconds / took, 1), "never_seen": lost}
    for name, values, goal in (("acknowledged", acknowledged, (99, 100)), ("visible", visible, (95, 500))):
        shown = {f"p{percent}_ms": round(_percentile(values, percent), 1) for percent in (50, 95, 99)}
        judged = _percentile(values, goal[0])
        yield Figure(
            f"push.{rate}.{name}.p{goal[0]}", "ms", [judged], goal=Goal("<=", goal[1]), details=details | shown
        )
    office.edited = {email: {} for email in office.events}


async def _edit(office: _Office, email: str, number: int) -> None:
    await office.sandbox.patch_google_event(email, office.events[email], {"summary": f"{email} {number}"})
    office.edited[email][number] = time.monotonic()


async def _listen(office: _Office) -> None:
    after = (await _read(office, "/v1/events", after=0, limit=1))["last_sequence"]
    while True:
        await asyncio.sleep(_BETWEEN_READS)
        feed = await _read(office, "/v1/events", after=after, limit=100, wait_seconds=_LONG_POLL)
        now, after = time.monotonic(), feed["next_after"]
        for event in feed["items"]:
            if event["type"] == "engagement.updated":
                email, _, number = event["data"]["title"].partition(" ")
                waiting = office.edited.get(email, {})
                for seen in [each for each in waiting if each <= int(number)]:
                    office.late.append(now - waiting.pop(seen))


@asynccontextmanager
async def _open(scale: PushScale) -> AsyncIterator[_Office]:
    async with (
        Stack() as stack,
        Sandbox(stack.sandbox_url) as sandbox,
        httpx.AsyncClient(base_url=stack.api_url, timeout=30) as api,
    ):
        account = new_id("acct")
        token = await sandbox.issue_token(service=True, account_id=account, permissions=["events:read"])
        office = _Office(api, sandbox, account, {"Authorization": f"Bearer {token}"})
        for number in range(scale.people):
            await _move_in(office, f"person-{number}@example.com", first=number == 0)
        await _settled(office, scale.people)
        yield office


async def _move_in(office: _Office, email: str, *, first: bool) -> None:
    """Somebody with a connected calendar and one meeting with the contact."""
    await office.sandbox.google_account(email)
    token = await office.sandbox.issue_token(
        account_id=office.account, email=email, permissions=["personal_email_access"]
    )
    own = {"Authorization": f"Bearer {token}"}
    if first:
        await _told(office.api.post("/v1/contacts", json={"email": _GUEST}, headers=own))
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    times = {name: {"dateTime": at.isoformat()} for name, at in (("start", start), ("end", start + timedelta(hours=1)))}
    made = await office.sandbox.insert_google_event(
        email, {"summary": f"{email} -1", "attendees": [{"email": _GUEST}], **times}
    )
    office.events[email], office.edited[email] = made["id"], {}
    version = (await _told(office.api.get("/v1/providers/google/disclosure", headers=own))).json()["version"]
    body = {"provider": "google", "client": "web", "disclosure_version": version}
    started = await _told(office.api.post("/v1/connection-authorizations", json=body, headers=own))
    callback = await office.sandbox.consent(started.json()["authorization_url"], email=email)
    await _told(office.api.get(urlsplit(callback)._replace(scheme="", netloc="").geturl()))


async def _settled(office: _Office, people: int) -> None:
    """Everybody's meeting is on the timeline, and everybody's calendar is watched."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        feed = await _read(office, "/v1/events", after=0, limit=100)
        made = sum(event["type"] == "engagement.created" for event in feed["items"])
        if made >= people and len(await office.sandbox.google_channels(alive=True)) >= people:
            return
        await asyncio.sleep(0.2)
    raise BenchError("the calendars were not synced and watched within a minute")


async def _read(office: _Office, path: str, **query: int) -> dict[str, Any]:
    answer = await _told(office.api.get(path, params=query, headers=office.service))
    found: dict[str, Any] = answer.json()
    return found


async def _told(asked: Awaitable[httpx.Response]) -> httpx.Response:
    answer = await asked
    if answer.is_error:
        raise BenchError(f"{answer.request.url}: {answer.status_code}")
    return answer


def _percentile(values: Sequence[float], percent: int) -> float:
    """Of sorted values; nothing was measured: infinitely long."""
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else float("inf")
