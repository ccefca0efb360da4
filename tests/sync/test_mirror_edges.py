"""What the mirror must not get wrong at its edges: odd dates, moved zones, neighbours, two packers (P1, R31)."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from app.calendar import AllDay
from app.providers.ews.session import ExchangeSession
from app.providers.graph.session import Office365Session
from app.sync.engine import SyncEngine, _FencedOff
from app.sync.mirror import Mirror, _widest
from app.sync.schedule import enqueue_due_syncs
from sandbox.client import LOOPBACK, Sandbox
from sandbox.environment import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tests.support.hands import ExchangeHands, Hands, MicrosoftHands
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World
from tests.sync.scene import Scene

ZONES = "SELECT time_zone, generation FROM calendars JOIN calendar_syncs ON calendar_id = id WHERE is_primary"


def test_p3_the_first_and_the_last_day_there_is_can_be_told_in_instants() -> None:
    start, end = _widest(AllDay(date.min, date.max))
    assert (start.date(), end.date()) == (date.min, date.max)
    near = AllDay(date(2026, 3, 28), date(2026, 3, 30))
    assert [moment.date() for moment in _widest(near)] == [date(2026, 3, 27), date(2026, 3, 31)]


@pytest.mark.parametrize("busy", ["opaque", "transparent"])
async def test_p3_an_event_to_the_end_of_time_stops_nothing(world: World, busy: str) -> None:
    scene = await Scene.of(world, await world.connected())
    forever = {"start": {"date": "2026-01-01"}, "end": {"date": "9999-12-31"}, "transparency": busy}
    await world.sandbox.insert_google_event(scene.person.email, forever, trusted=True)
    await scene.insert(scene.person.at(3, "10:00"))
    await scene.sync()
    assert (await scene.state())["state"] == "idle"
    await scene.agrees(spans=1)


async def test_r31_when_the_calendars_zone_moves_its_days_block_other_hours(world: World) -> None:
    scene = await Scene.of(world, await world.connected())
    await scene.insert_days(5, 6)
    await scene.insert(scene.person.at(9, "10:00"))
    await scene.sync()
    await scene.agrees(spans=2)
    before = await scene.mirror()
    await move_zone(world.sandbox, scene.person.email, "Pacific/Auckland")
    await scene.insert(scene.person.at(12, "10:00"))
    await scene.sync()
    assert await world.rows("SELECT DISTINCT time_zone FROM calendars") == [{"time_zone": "Pacific/Auckland"}]
    assert not set(before.busy) <= set((await scene.mirror()).busy)
    await scene.agrees(spans=3)
    generation = await world.rows("SELECT generation FROM calendar_syncs")
    await scene.sync()
    assert await world.rows("SELECT generation FROM calendar_syncs") == generation, "listed whole once"


async def test_r31_a_zone_that_is_found_to_have_moved_while_a_run_reads_is_not_lost(world: World) -> None:
    scene = await Scene.of(world, await world.connected())
    await scene.insert_days(5, 6)
    await scene.sync()
    [sync] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    reading = await world.services.sync._claim(sync["account_id"], sync["calendar_id"])
    assert reading is not None
    await world.services.sync._read_changes(reading)
    await move_zone(world.sandbox, scene.person.email, "Pacific/Auckland")
    answer = await scene.person.post(f"/v1/connections/{scene.person.connection_id}/refresh-calendars")
    assert answer.status_code == 202, answer.text
    await world.work()
    with pytest.raises(_FencedOff):
        await world.services.sync._finish(reading)
    await scene.agrees(spans=1)
    state = await scene.state()
    assert (state["state"], state["consecutive_failures"]) == ("idle", 0)


@pytest.mark.parametrize(
    ("hands", "where"),
    [(MicrosoftHands, (Office365Session, "_home_zone")), (ExchangeHands, (ExchangeSession, "_usual_zone"))],
    ids=["office365", "exchange"],
)
async def test_r31_a_mailbox_that_moves_is_found_within_a_day(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    hands: Callable[[Sandbox], Hands],
    where: tuple[type, str],
) -> None:
    person, there = await world.person(), hands(world.sandbox)
    await there.account(person)
    await there.connect(person)
    await world.work()

    async def moved(_: object) -> str:
        return "Pacific/Auckland"

    monkeypatch.setattr(*where, moved)
    [before] = await world.rows(ZONES)
    for hours, listed in ((1, False), (23, False), (25, True), (26, True)):
        world.clock.offset = timedelta(hours=hours)
        await enqueue_due_syncs(world.services.sessions, world.clock)
        await world.work()
        [now] = await world.rows(ZONES)
        assert now["time_zone"] == ("Pacific/Auckland" if listed else before["time_zone"]), hours
        assert now["generation"] == before["generation"] + listed, "listed whole once"


async def move_zone(sandbox: Sandbox, email: str, zone: str) -> None:
    """The person moves their primary calendar to another zone, in an app that may."""
    query = {
        "response_type": "code",
        "client_id": SANDBOX_CLIENT_ID,
        "redirect_uri": LOOPBACK,
        "scope": "https://www.googleapis.com/auth/calendar",
    }
    page = httpx.URL(f"{sandbox.http_url}/google/o/oauth2/v2/auth", params=query)
    callback = httpx.URL(await sandbox.consent(str(page), email=email))
    form = {
        "grant_type": "authorization_code",
        "code": callback.params["code"],
        "redirect_uri": LOOPBACK,
        "client_id": SANDBOX_CLIENT_ID,
        "client_secret": SANDBOX_CLIENT_SECRET,
    }
    async with httpx.AsyncClient() as http:
        token = (await http.post(f"{sandbox.http_url}/google/token", data=form)).json()["access_token"]
        moved = await http.patch(
            f"{sandbox.http_url}/google/calendar/v3/calendars/primary",
            json={"timeZone": zone},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert moved.status_code == 200, moved.text


async def watching(world: World, boss: Person) -> Person:
    """A colleague who checks the boss's calendar for conflicts beside their own."""
    aide = await world.person(account_id=boss.account_id)
    await world.sandbox.google_account(aide.email)
    await world.sandbox.share_google_calendar(boss.email, account=aide.email, role="writer")
    await aide.connect()
    calendars = (await aide.get(f"/v1/connections/{aide.connection_id}/calendars")).json()["items"]
    ids = [calendar["id"] for calendar in calendars]
    saved = await aide.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})
    assert saved.status_code == 200, saved.text
    await world.work()
    return aide


async def offered(person: Person, page: dict[str, Any]) -> set[str]:
    return {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def test_p1_a_colleagues_booking_blocks_whoever_watches_their_calendar(world: World) -> None:
    boss = await world.connected()
    aide = await watching(world, boss)
    page, watched = await aide.make_page(name="Aide"), await boss.make_page()
    await visit(boss, watched, boss.at(3, "10:00"))
    await world.work()
    await aide.post(f"/v1/connections/{aide.connection_id}/sync")
    await world.work()
    assert {"09:30", "10:30"} <= await offered(aide, page)
    assert "10:00" not in await offered(aide, page)
    assert (await aide.book(page["id"], aide.at(3, "10:00").isoformat())).status_code == 409


async def test_p1_a_writer_and_a_sync_that_pack_one_month_at_once_lose_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await Scene.of(world, await world.connected())
    booking = await visit(scene.person, await scene.person.make_page(), scene.person.at(3, "10:00"))
    await scene.sync()
    await scene.sync()  # whichever job came first, a listing has told of our event
    assert (await booking.cancel()).status_code == 200
    await scene.insert(scene.person.at(3, "14:00"))
    fetched, packing, saved = asyncio.Event(), asyncio.Event(), asyncio.Event()
    real_rows, real_series = Mirror._blocking, SyncEngine._read_series
    tasks: dict[str, asyncio.Task[None]] = {}

    async def rows(self: Mirror, month: date) -> Any:
        found = await real_rows(self, month)
        if asyncio.current_task() is tasks.get("writer"):
            packing.set()
            await saved.wait()
        return found

    async def series(self: SyncEngine, run: Any) -> None:
        fetched.set()
        await packing.wait()
        await real_series(self, run)

    monkeypatch.setattr(Mirror, "_blocking", rows)
    monkeypatch.setattr(SyncEngine, "_read_series", series)
    [sync] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    [write] = await world.rows("SELECT account_id, id FROM calendar_writes")
    tasks["sync"] = asyncio.create_task(world.services.sync.run(sync["account_id"], sync["calendar_id"]))
    await asyncio.wait_for(fetched.wait(), 10)
    tasks["writer"] = asyncio.create_task(world.services.writer.run(write["account_id"], write["id"]))
    await asyncio.wait_for(packing.wait(), 10)
    await asyncio.wait({tasks["sync"]}, timeout=1)
    assert not tasks["sync"].done(), "it waits for its turn"
    saved.set()
    await asyncio.gather(*tasks.values())
    await scene.agrees(spans=1)


async def test_p1_a_page_from_before_our_own_write_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await Scene.of(world, await world.connected())
    booking = await visit(scene.person, await scene.person.make_page(), scene.person.at(3, "10:00"))
    [write] = await world.rows("SELECT account_id, id FROM calendar_writes")
    await world.services.writer.run(write["account_id"], write["id"])
    fetched, written = asyncio.Event(), asyncio.Event()
    real = SyncEngine._read_series

    async def series(self: SyncEngine, run: Any) -> None:
        fetched.set()
        await written.wait()
        await real(self, run)

    monkeypatch.setattr(SyncEngine, "_read_series", series)
    [sync] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    running = asyncio.create_task(world.services.sync.run(sync["account_id"], sync["calendar_id"]))
    await asyncio.wait_for(fetched.wait(), 10)
    assert (await booking.cancel()).status_code == 200
    await world.services.writer.run(write["account_id"], write["id"])
    written.set()
    await running
    await scene.agrees(spans=0)
