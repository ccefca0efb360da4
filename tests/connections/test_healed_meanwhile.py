"""What fails by credentials that were replaced meanwhile breaks nothing (R16).

The one rule: the refusal arrives after the person has stored a new password, and before anybody has used it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from app.providers.ews.session import ExchangeSession
from sandbox.exchange.client import PASSWORD
from tests.support.gate import Gate
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World

Work = Callable[[World], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
async def calm_exchange(world: World) -> AsyncIterator[None]:
    await world.sandbox.exchange.turn_knobs(authentication=["basic"])
    await world.sandbox.exchange.clear_faults()
    yield
    await world.sandbox.exchange.clear_faults()


async def host(world: World) -> Person:
    """Somebody who has connected Exchange, and is booked."""
    person = await world.person()
    await world.sandbox.exchange.account(person.email)
    await person.connect_with_password(PASSWORD)
    await world.work()
    await visit(person, await person.make_page(), person.at(3, "10:00"))
    return person


async def sync(world: World) -> None:
    [row] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    await world.services.sync.run(row["account_id"], row["calendar_id"])


async def write(world: World) -> None:
    [row] = await world.rows("SELECT account_id, id FROM calendar_writes")
    await world.services.writer.run(row["account_id"], row["id"])


async def refresh(world: World) -> None:
    [row] = await world.rows("SELECT account_id, id FROM connections")
    await world.services.refresher.run(row["account_id"], row["id"])


@pytest.mark.parametrize(("work", "verb"), [(sync, "sync_page"), (write, "create_event"), (refresh, "list_calendars")])
async def test_r16_a_password_that_expired_breaks_nothing_once_another_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch, work: Work, verb: str
) -> None:
    person = await host(world)
    gate = Gate.at(monkeypatch, verb, of=ExchangeSession)
    late = asyncio.create_task(work(world))
    await gate.wait()
    path = f"/v1/connections/{person.connection_id}"
    assert (await person.patch(path, {"password": PASSWORD})).status_code == 200
    await world.sandbox.exchange.add_fault("soap_fault", body="ErrorPasswordExpired")
    await gate.open()
    await late
    assert all(fault["fired"] for fault in await world.sandbox.exchange.faults())
    connection = (await person.get(path)).json()
    assert (connection["status"], connection["reason"]) == ("active", None)
    assert await world.sandbox.mails(person.email) == []
    await world.work()
    [calendar] = (await person.get(f"{path}/sync")).json()["calendars"]
    assert (calendar["state"], calendar["last_error"]) == ("idle", None)
    assert await world.rows("SELECT status FROM calendar_writes") == [{"status": "written"}]


@pytest.mark.parametrize(("work", "verb"), [(sync, "sync_page"), (write, "create_event"), (refresh, "list_calendars")])
async def test_r16_a_password_that_expired_breaks_what_nobody_has_healed(world: World, work: Work, verb: str) -> None:
    person = await host(world)
    await world.sandbox.exchange.add_fault("soap_fault", body="ErrorPasswordExpired")
    await work(world)
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (connection["status"], connection["reason"]) == ("reauthorization_required", "password_changed")
    [calendar] = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"]
    assert calendar["state"] == "paused"
