"""Providers tell us (P3): over real sockets, from the simulators to the receivers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import event

from app.providers.google.push import GoogleWatches
from app.providers.graph.session import Office365Session
from app.settings import Settings
from app.sync.schedule import enqueue_due_syncs, enqueue_due_watches
from app.sync.watches import Watcher
from sandbox.client import Sandbox
from sandbox.ports import free_port
from tests.support.database import empty
from tests.support.gate import Gate
from tests.support.google import failing
from tests.support.hands import ALL, GoogleHands, Hands, MicrosoftHands
from tests.support.people import Person
from tests.support.world import World, open_world

SIGNAL = "SELECT payload FROM queue.pgqueuer WHERE entrypoint = 'sync_calendar'"


class _Server(uvicorn.Server):
    """It leaves signals to the test run, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(app: Any, port: int) -> AsyncIterator[None]:
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None, ws="none"))
    running = asyncio.create_task(server.serve())
    await server.ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def reachable(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    """The service where providers can reach it."""
    port = free_port()
    await empty(settings.database_url.get_secret_value())
    reached = settings.model_copy(update={"push_url": f"http://127.0.0.1:{port}"})
    async with open_world(reached, sandbox) as world, listening(world.app, port):
        yield world
        await sandbox.reset_clock()
        await sandbox.clear_google_push_faults()
        await sandbox.microsoft.clear_push_faults()


@dataclass
class Post:
    """What a provider's post office did."""

    hands: Hands
    person: Person

    async def watches(self, *, alive: bool | None = True) -> list[dict[str, Any]]:
        if isinstance(self.hands, GoogleHands):
            return await self.hands.sandbox.google_channels(self.person.email, alive=alive)
        return await self.hands.sandbox.microsoft.subscriptions(self.person.email, alive=alive)

    async def settled(self) -> list[dict[str, Any]]:
        if isinstance(self.hands, GoogleHands):
            return await self.hands.sandbox.google_deliveries()
        return await self.hands.sandbox.microsoft.deliveries()

    async def revocations(self) -> list[Any]:
        """What Google answered to our revocations."""
        requests = await self.hands.sandbox.google_requests(account=self.person.email)
        return [request["status"] for request in requests if request["path"].endswith("/revoke")]

    async def fault(self, kind: str, times: int | None = None) -> None:
        if isinstance(self.hands, GoogleHands):
            await self.hands.sandbox.add_google_push_fault(kind, times=times)
        else:
            assert isinstance(self.hands, MicrosoftHands)
            await self.hands.sandbox.microsoft.add_push_fault(kind, times=times)


async def look(world: World) -> None:
    """What the sweeper and the worker do about watches."""
    await enqueue_due_watches(world.services.sessions, world.clock)
    await world.work()


@pytest.fixture(params=["google", "office365"])
def hands(request: pytest.FixtureRequest, reachable: World) -> Hands:
    return ALL[request.param](reachable.sandbox)


async def watched(world: World, hands: Hands) -> tuple[Person, Post]:
    """A connected person whose calendar is watched, and nothing left to do."""
    person = await world.person(zoneinfo="Europe/Berlin")
    await hands.account(person)
    await hands.connect(person)
    await world.work()
    await look(world)
    post = Post(hands, person)
    assert len(await post.watches()) == 1
    await post.settled()
    await world.work()
    return person, post


async def state(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"][0]
    return found


async def test_p3_a_change_is_told_and_followed(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    told_until = datetime.fromisoformat((await state(person))["channel_expires_at"])
    assert told_until > reachable.clock() + timedelta(days=2)
    page = await person.make_page()
    await hands.add(person, person.at(3, "10:00"))
    deliveries = await post.settled()
    assert deliveries[-1]["status"] == 202
    assert (await state(person))["pending_changes"] is True
    assert len(await reachable.rows(SIGNAL)) == 1
    await reachable.work()
    assert "10:00" not in {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}
    assert (await state(person))["pending_changes"] is False


STILL_THERE = """
INSERT INTO queue.pgqueuer (priority, status, entrypoint, dedupe_key, heartbeat, execute_after)
SELECT 0, 'picked', 'sync_calendar', 'sync_calendar:' || calendar_id, now(), now() FROM calendar_syncs
"""
"""The queue strikes a job off a moment after it has run."""


async def test_p3_a_change_told_while_the_last_job_is_being_struck_off_waits_for_no_poll(
    reachable: World, hands: Hands
) -> None:
    person, post = await watched(reachable, hands)
    page = await person.make_page()
    await reachable.rows(STILL_THERE)
    await hands.add(person, person.at(3, "10:00"))
    await post.settled()
    assert len(await reachable.rows(SIGNAL)) == 2, "the signal has a job of its own"
    await reachable.rows("DELETE FROM queue.pgqueuer WHERE status = 'picked'")
    await reachable.work()
    assert "10:00" not in {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def test_p3_many_changes_told_before_anybody_looks_are_one_job(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    for hour in (10, 12, 14):
        await hands.add(person, person.at(3, f"{hour}:00"))
    await post.settled()
    assert len(await reachable.rows(SIGNAL)) == 1
    await reachable.work()
    await hands.add(person, person.at(3, "16:00"))
    await post.settled()
    assert len(await reachable.rows(SIGNAL)) == 1, "whoever has looked is to be told again"


async def test_p3_a_change_whose_job_was_lost_is_found_by_the_sweeper(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    page = await person.make_page()
    await hands.add(person, person.at(3, "10:00"))
    await post.settled()
    await reachable.rows("DELETE FROM queue.pgqueuer")
    reachable.clock.offset += timedelta(seconds=6)
    assert await enqueue_due_syncs(reachable.services.sessions, reachable.clock) == 1
    await reachable.work()
    assert "10:00" not in {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def test_p3_deliveries_that_come_twice_or_in_any_order_do_no_harm(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    await post.fault("duplicate")
    for hour in (10, 12):
        await hands.add(person, person.at(3, f"{hour}:00"))
    await post.settled()
    await reachable.work()
    page = await person.make_page()
    offered = {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}
    assert not {"10:00", "12:00"} & offered


async def test_p3_a_forged_delivery_does_nothing_and_cannot_tell(reachable: World, hands: Hands) -> None:
    _, post = await watched(reachable, hands)
    [watch] = await post.watches()
    path = f"/v1/provider-notifications/{hands.provider}"
    answers = []
    for channel in (watch["id"], "somebody-elses"):
        headers = {"X-Goog-Channel-ID": channel, "X-Goog-Channel-Token": "guess", "X-Goog-Resource-State": "exists"}
        body = {"value": [{"subscriptionId": channel, "clientState": "guess"}]}
        answers.append(await reachable.api.post(path, json=body, headers=headers))
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    assert set(answers[0].headers) == set(answers[1].headers)
    assert await reachable.rows(SIGNAL) == []


async def test_p3_a_crowd_of_forged_signals_costs_one_look_into_the_database(world: World) -> None:
    begun: list[object] = []
    event.listen(world.services.engine.sync_engine, "begin", begun.append)
    forged = [{"subscriptionId": f"nobodys-{number}", "clientState": "x"} for number in range(1000)]
    answer = await world.api.post("/v1/provider-notifications/office365", json={"value": forged})
    assert (answer.status_code, len(begun)) == (202, 1)


async def test_p3_lost_deliveries_cost_minutes(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    await post.fault("drop")
    await hands.add(person, person.at(3, "10:00"))
    await post.settled()
    assert await reachable.rows(SIGNAL) == []
    [due] = await reachable.rows("SELECT due_at FROM due_calendars")
    assert due["due_at"] - reachable.clock() < timedelta(minutes=5)


async def test_p3_a_watch_that_tells_during_the_poll_that_doubts_it_is_believed(
    reachable: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = GoogleHands(reachable.sandbox)
    person, post = await watched(reachable, hands)
    await post.fault("drop", times=1)
    await hands.add(person, person.at(3, "10:00"))
    await post.settled()
    reachable.clock.offset += timedelta(minutes=5)
    assert await enqueue_due_syncs(reachable.services.sessions, reachable.clock) == 1
    gate = Gate.at(monkeypatch, "sync_page")
    polling = asyncio.create_task(reachable.work())
    await gate.wait()
    await hands.add(person, person.at(3, "12:00"))
    await post.settled()
    await gate.open()
    await polling
    assert (await state(person))["channel_expires_at"] is not None


async def test_p3_a_watch_is_renewed_before_it_ends_and_never_doubled(reachable: World, hands: Hands) -> None:
    _, post = await watched(reachable, hands)
    [before] = await post.watches()
    until = datetime.fromisoformat(before["expires_at"])
    await look(reachable)
    assert [item["id"] for item in await post.watches()] == [before["id"]], "it lasts"
    reachable.clock.offset = until - timedelta(hours=3) - reachable.clock()
    await reachable.sandbox.advance_clock(reachable.clock.offset.total_seconds())
    await look(reachable)
    [after] = await post.watches()
    renewed = after["id"] != before["id"] if hands.provider == "google" else after["expires_at"] > before["expires_at"]
    assert renewed
    assert len(await reachable.rows("SELECT * FROM push_channels")) == 1
    assert len(await reachable.rows("SELECT * FROM directory WHERE kind = 'channel'")) == 1


async def test_p3_a_watch_that_tells_a_former_address_is_replaced_and_not_prolonged(
    reachable: World, hands: Hands
) -> None:
    """The operator has changed `PUSH_URL`."""
    person, post = await watched(reachable, hands)
    [before] = await post.watches()
    port, until = free_port(), datetime.fromisoformat(before["expires_at"])
    moved = reachable.services.settings.model_copy(update={"push_url": f"http://127.0.0.1:{port}"})
    async with open_world(moved, reachable.sandbox) as world, listening(world.app, port):
        world.clock.offset = until - timedelta(hours=3) - world.clock()
        await reachable.sandbox.advance_clock(world.clock.offset.total_seconds())
        await look(world)
        [after] = await post.watches()
        await look(world)
        assert await post.watches() == [after], "once"
        await world.work()
        await hands.add(person, person.at(3, "10:00"))
        await post.settled()
        assert len(await world.rows(SIGNAL)) == 1
    assert after["id"] != before["id"]
    told = [value for value in after.values() if isinstance(value, str) and "/v1/provider-notifications/" in value]
    assert told
    assert all(address.startswith(moved.push_url or "") for address in told), told
    assert len(await reachable.rows("SELECT * FROM push_channels")) == 1


async def test_r15_disconnecting_stops_the_watch(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await reachable.work()
    assert await post.watches() == []
    for table in ("push_channels", "due_watches"):
        await look(reachable)
        assert await reachable.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - our own tables
    assert await reachable.rows("SELECT * FROM directory WHERE kind = 'channel'") == []


async def test_r15_who_connects_again_while_the_watch_is_being_stopped_stays_connected(
    reachable: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google ends the whole grant, by which the new connection lives."""
    person, post = await watched(reachable, GoogleHands(reachable.sandbox))
    gate = Gate.at(monkeypatch, "stop", of=GoogleWatches)
    await person.delete(f"/v1/connections/{person.connection_id}")
    closing = asyncio.create_task(reachable.work())
    await gate.wait()
    assert (await person.connect())["status"] == "completed"
    await gate.open()
    await closing
    assert await post.watches() == []
    assert await post.revocations() == []
    await reachable.sandbox.expire_google_access_tokens(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await reachable.work()
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
    assert len(await reachable.rows("SELECT * FROM connection_tokens")) == 1, "the old one's secrets are erased"


async def test_r15_a_watch_that_cannot_be_stopped_for_a_day_does_not_keep_the_grant_alive(reachable: World) -> None:
    """The secrets go then, and with them the last way to end it."""
    person, post = await watched(reachable, GoogleHands(reachable.sandbox))
    await person.delete(f"/v1/connections/{person.connection_id}")
    async with failing(reachable.sandbox, "unavailable", path="/channels/stop$"):
        await reachable.work()
        assert await post.revocations() == [], "first it is asked to tell us no more"
        reachable.clock.offset += timedelta(hours=25)
        await reachable.work(until=timedelta(minutes=6))
    assert await post.revocations() == [200]
    assert await reachable.rows("SELECT * FROM connection_tokens") == []


async def test_r15_a_watch_that_no_token_can_stop_keeps_no_secrets_alive(reachable: World, hands: Hands) -> None:
    person, _ = await watched(reachable, hands)
    await lose_access_tokens(reachable)
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await reachable.work()
    for table in ("connections", "connection_tokens", "push_channels"):
        assert await reachable.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - our own tables


async def test_r16_a_watch_that_no_token_can_renew_waits_for_the_person(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    [watch] = await post.watches()
    await lose_access_tokens(reachable)
    reachable.clock.offset = datetime.fromisoformat(watch["expires_at"]) - timedelta(hours=3) - reachable.clock()
    await look(reachable)
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (connection["status"], connection["reason"]) == ("reauthorization_required", "secret_unreadable")
    assert await reachable.rows("SELECT * FROM due_watches") == []


async def test_r16_a_watch_that_failed_before_the_connection_was_healed_breaks_nothing(
    reachable: World, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, post = await watched(reachable, hands)
    [watch] = await post.watches()
    await lose_access_tokens(reachable)
    reachable.clock.offset = datetime.fromisoformat(watch["expires_at"]) - timedelta(hours=3) - reachable.clock()
    gate = Gate.at(monkeypatch, "_fail", of=Watcher)
    late = asyncio.create_task(look(reachable))
    await gate.wait()
    await hands.heal(person)
    await gate.open()
    await late
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
    assert len(await reachable.rows("SELECT * FROM due_watches")) == 1, "and is watched again"


async def lose_access_tokens(world: World) -> None:
    """What stands in their place is sealed for another one."""
    await world.rows("UPDATE connection_tokens SET access_token = refresh_token")


async def test_r16_a_broken_connection_is_not_watched_and_a_healed_one_is(reachable: World, hands: Hands) -> None:
    person, post = await watched(reachable, hands)
    await hands.revoke(person)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await reachable.work()
    await look(reachable)
    await hands.heal(person)
    await reachable.work()
    await look(reachable)
    assert len(await post.watches()) == 1
    await hands.add(person, person.at(3, "10:00"))
    await post.settled()
    assert len(await reachable.rows(SIGNAL)) == 1


async def test_r29_an_unticked_calendar_is_watched_no_more(reachable: World) -> None:
    person = await reachable.person()
    await reachable.sandbox.google_account(person.email)
    await reachable.sandbox.google_calendar(person.email, "Project")
    await person.connect()
    await reachable.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    ids = {item["name"]: item["id"] for item in listed}
    primary = next(item["id"] for item in listed if item["is_primary"])
    for chosen, expected in (([primary, ids["Project"]], 2), ([primary], 1)):
        saved = await person.patch("/v1/calendar-settings", {"availability_calendar_ids": chosen})
        assert saved.status_code == 200, saved.text
        await reachable.work()
        await look(reachable)
        assert len(await reachable.sandbox.google_channels(person.email, alive=True)) == expected


async def test_p3_without_an_address_of_our_own_a_watch_is_stopped_and_none_begins(
    reachable: World, hands: Hands
) -> None:
    """The operator has taken `PUSH_URL` away."""
    person, post = await watched(reachable, hands)
    await reachable.rows("UPDATE due_watches SET due_at = now()")
    unset = reachable.services.settings.model_copy(update={"push_url": None})
    async with open_world(unset, reachable.sandbox) as world:
        await look(world)
    assert await post.watches() == []
    for table in ("push_channels", "due_watches"):
        assert await reachable.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - our own tables
    assert (await state(person))["channel_expires_at"] is None, "it is polled"


async def test_p3_a_mailbox_whose_default_calendar_changes_is_watched_once(
    reachable: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = MicrosoftHands(reachable.sandbox)
    person, post = await watched(reachable, hands)
    heir = await reachable.sandbox.microsoft.calendar(person.email, "The new one")
    listed = Office365Session.list_calendars

    async def switched(self: Office365Session) -> object:
        return [replace(item, primary=item.name == heir["name"]) for item in await listed(self)]

    for change in (None, switched):
        if change is not None:
            monkeypatch.setattr(Office365Session, "list_calendars", change)
        await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
        await reachable.work()
    for _ in range(2):
        await reachable.rows("UPDATE due_watches SET due_at = now()")
        await look(reachable)
    [primary] = await reachable.rows("SELECT id FROM calendars WHERE is_primary")
    assert [row["calendar_id"] for row in await reachable.rows("SELECT * FROM push_channels")] == [primary["id"]]
    assert len(await post.watches()) == 1


async def test_p3_of_a_mailbox_only_the_calendar_that_is_surely_told_of_is_polled_less(reachable: World) -> None:
    person, hands = await reachable.person(), MicrosoftHands(reachable.sandbox)
    await hands.account(person)
    await reachable.sandbox.microsoft.calendar(person.email, "Project")
    await hands.connect(person)
    await reachable.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    chosen = {"availability_calendar_ids": [item["id"] for item in listed]}
    assert (await person.patch("/v1/calendar-settings", chosen)).status_code == 200
    await reachable.work()
    await look(reachable)
    await hands.add(person, person.at(3, "10:00"))
    await Post(hands, person).settled()
    await reachable.work()
    states = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"]
    assert [state["channel_expires_at"] is not None for state in states] == [True, False], "the primary stands first"
    waits = [datetime.fromisoformat(state["next_run_at"]) - reachable.clock() for state in states]
    assert waits[1] < timedelta(seconds=150) < timedelta(seconds=180) < waits[0]


async def test_p3_graphs_lifecycle_is_followed(reachable: World) -> None:
    hands = MicrosoftHands(reachable.sandbox)
    _, post = await watched(reachable, hands)
    [subscription] = await post.watches()
    assert await hands.sandbox.microsoft.send_lifecycle(subscription["id"], "reauthorizationRequired")
    await post.settled()
    await reachable.work()
    [renewed] = await post.watches()
    assert (renewed["id"], renewed["paused"]) == (subscription["id"], False)
    assert await hands.sandbox.microsoft.send_lifecycle(subscription["id"], "subscriptionRemoved")
    await post.settled()
    await reachable.work()
    [made_anew] = await post.watches()
    assert made_anew["id"] != subscription["id"]


async def test_p3_where_the_provider_cannot_reach_us_calendars_are_polled(reachable: World) -> None:
    hands = MicrosoftHands(reachable.sandbox)
    person = await reachable.person(zoneinfo="Europe/Berlin")
    await hands.account(person)
    await hands.connect(person)
    await reachable.work()
    await hands.sandbox.microsoft.add_push_fault("refuse_handshake", times=None)
    await look(reachable)
    assert (await state(person))["channel_expires_at"] is None
    [due] = await reachable.rows("SELECT due_at FROM due_watches")
    assert due["due_at"] > reachable.clock() + timedelta(hours=1), "asked again, but not soon"


async def test_the_handshake_is_answered_as_it_was_sent(reachable: World) -> None:
    text = "Validation: Testing client application reachability for subscription Request-Id: 1 <b>"
    path = "/v1/provider-notifications/office365/lifecycle"
    answer = await reachable.api.post(path, params={"validationToken": text})
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("provider", ["exchange", "nobody"])
async def test_providers_that_tell_nothing_have_no_receiver(reachable: World, provider: str) -> None:
    answer: httpx.Response = await reachable.api.post(f"/v1/provider-notifications/{provider}")
    assert answer.status_code == 404
