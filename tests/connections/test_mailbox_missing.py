"""An account of Microsoft's whose mailbox is not in its cloud: when connecting, and once connected (R14, R30)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.people import Person
from tests.support.world import World

CODES = ["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"]


@asynccontextmanager
async def without_mailbox(world: World, person: Person, code: str) -> AsyncIterator[None]:
    """What Graph says of a mailbox on premises, inactive or deleted, whatever of it is asked for."""
    message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    body = json.dumps({"error": {"code": code, "message": message}})
    action = {"kind": "status", "status": 404, "headers": {"content-type": "application/json"}, "body": body}
    await world.sandbox.microsoft.add_fault(
        action, times=None, account=person.email, path="/me/(calendar|mailboxSettings)"
    )
    try:
        yield
    finally:
        await world.sandbox.microsoft.clear_faults()


@pytest.mark.parametrize("code", CODES)
async def test_r14_an_account_without_a_mailbox_in_the_cloud_is_refused_with_the_way_out(
    world: World, code: str
) -> None:
    person = await world.person(locale="en")
    await world.sandbox.microsoft.account(person.email)
    async with without_mailbox(world, person, code):
        refused = await person.connect("office365")
    assert (refused["status"], refused["code"]) == ("failed", "office365_mailbox_missing")
    assert refused["detail"] == "This account has no mailbox in Microsoft 365"
    assert (await person.connect("office365"))["status"] == "completed", "once it has one"


@pytest.mark.parametrize("code", CODES)
async def test_r30_a_mailbox_that_leaves_the_cloud_is_told_of_and_heals_when_it_is_back(
    world: World, code: str
) -> None:
    person = await world.person()
    await world.sandbox.microsoft.account(person.email)
    assert (await person.connect("office365"))["status"] == "completed"
    await world.work()
    async with without_mailbox(world, person, code):
        await synced(world, person)
        assert await checked(person) == [("inactive", "access_lost")]
        told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'availability_calendar.%' ORDER BY id")
        assert [row["type"] for row in told] == ["availability_calendar.inactive"]
    await synced(world, person)
    assert await checked(person) == [("active", None)]


async def synced(world: World, person: Person) -> None:
    assert (await person.post(f"/v1/connections/{person.connection_id}/sync")).status_code == 202
    await world.work()


async def checked(person: Person) -> list[tuple[str, str | None]]:
    items = (await person.get("/v1/availability-calendars")).json()["items"]
    return [(item["status"], item["inactive_reason"]) for item in items]
