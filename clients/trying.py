"""Tries a package: its journey goes the whole way against a service of its own, with the sandbox for a provider.

The one rule: the journey tells what it did, and the provider's own calendar and ledger are asked whether it is so.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from clients.about import ClientsError
from sandbox.client import Sandbox
from sandbox.houses import GoogleHouse
from sandbox.identity import new_id
from sandbox.stack import Stack

STEPS: Final = (
    "signed in",
    "open",
    "connected",
    "page",
    "free times",
    "booked",
    "repeated",
    "taken",
    "booked instead",
    "moved",
    "cancelled",
    "listed",
    "refused",
)
"""What a journey says, in this order, each with something after it."""
_PATIENCE: Final = 300.0  # seconds for a journey
_SETTLING: Final = 60.0  # seconds for the calendar to have what was booked


@dataclass(frozen=True, slots=True)
class Place:
    """Where journeys go."""

    api_url: str
    sandbox: Sandbox


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """A service of one's own, and the world around it."""
    async with Stack() as stack, Sandbox(stack.sandbox_url) as sandbox:
        yield Place(stack.api_url, sandbox)


async def go(place: Place, command: Sequence[str], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Have a new user's journey go its way; what it told by step. Raises: ClientsError when something is not so."""
    account, user = new_id("acct"), new_id("usr")
    house = GoogleHouse(place.sandbox, f"{user}@example.com", "Ada Andersson")
    await house.move_in()
    token = await place.sandbox.issue_token(
        sub=user,
        account_id=account,
        email=house.email,
        permissions=["personal_email_access"],
        seats=[{"product": "sales_hub", "tier": "professional"}],
    )
    variables = {**os.environ, **(environment or {}), "API_URL": place.api_url, "API_TOKEN": token}
    told = await _told(place, command, variables, house.email)
    judge(told, house.email)
    await _compare(house, told)
    return told


async def _told(place: Place, command: Sequence[str], variables: Mapping[str, str], email: str) -> dict[str, str]:
    """What the journey says; the page that it wants opened is opened, and its user agrees there."""
    process = await asyncio.create_subprocess_exec(
        *command, env=variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    complaints = asyncio.create_task(process.stderr.read())
    told: dict[str, str] = {}
    try:
        async with asyncio.timeout(_PATIENCE):
            async for line in process.stdout:
                step, _, what = line.decode().strip().partition(": ")
                told[step] = what
                if step == "open":
                    await _consent(place, what, email)
            code = await process.wait()
    except TimeoutError:
        raise ClientsError(f"after {_PATIENCE:.0f} s the journey had told {told}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise ClientsError(f"the journey ended with {code} after {list(told)}:\n{(await complaints).decode()}")
    return told


async def _consent(place: Place, authorization_url: str, email: str) -> None:
    """What a user does in the browser, and where the browser goes then."""
    callback = urlsplit(await place.sandbox.consent(authorization_url, email=email))
    async with httpx.AsyncClient(base_url=place.api_url, timeout=60) as browser:
        answer = await browser.get(f"{callback.path}?{callback.query}")
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise ClientsError(f"the way back from the provider ended with {answer.status_code}: {answer.text}")


def judge(told: Mapping[str, str], email: str) -> None:
    """Whether what the journey told can be. Raises: ClientsError."""
    if tuple(told) != STEPS or not all(told.values()):
        raise ClientsError(f"the journey told {dict(told)} instead of something of {STEPS}")
    first, second = told["booked"], told["booked instead"]
    expected = {
        "signed in": email,
        "repeated": first,
        "moved": first,
        "cancelled": first,
        "listed": ", ".join(sorted([f"{first} cancelled", f"{second} confirmed"])),
        "refused": "correct /email (invalid)",
    }
    wrong = {step: told[step] for step, what in expected.items() if told[step] != what}
    if wrong or first == second:
        raise ClientsError(f"the journey told {wrong}, where {expected} was expected")


async def _compare(house: GoogleHouse, told: Mapping[str, str]) -> None:
    """One event stands, that of the second booking; the first's was taken away, unless it was never written."""
    deadline = time.monotonic() + _SETTLING
    while True:
        standing, writes = await house.ours(), await house.writes()
        if len(standing) == 1 and writes.count("insert") - writes.count("delete") == 1:
            break
        if time.monotonic() > deadline:
            raise ClientsError(f"{told['booked instead']} should stand alone in the calendar: {standing}, {writes}")
        await asyncio.sleep(0.2)
    if not standing[0].title.endswith("Alan"):
        raise ClientsError(f"the wrong booking stands in the calendar: {standing}")
