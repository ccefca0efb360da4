"""Sync when things go wrong: lost cursors, lost access, throttling, crashes, races (P1, P3, R16, R30)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.calendar import Event
from app.connections.calendar_repository import find_calendar
from app.connections.health import mark_broken
from app.connections.mirroring import start_mirroring
from app.database import transaction
from app.ids import decode_id
from app.providers.base import ReauthRequired, Transient
from app.providers.google import mapping
from app.providers.google.session import GoogleSession
from app.queue import Job
from app.sync import expanding
from app.sync.engine import _FencedOff
from app.sync.mirror import Mirror
from app.sync.run import Run
from app.sync.schedule import enqueue_due_syncs
from tests.support.engines import engine_of
from tests.support.gate import Gate
from tests.support.google import failing, turned
from tests.support.world import World
from tests.sync.scene import Scene, wire

LISTING = r"/calendars/[^/]+/events$"


async def with_events(world: World, count: int = 3) -> Scene:
    """A synced person with a few events."""
    scene = await Scene.of(world, await world.connected())
    for number in range(count):
        await scene.insert(scene.person.at(2 + number, "10:00"))
    await scene.sync()
    await scene.agrees(spans=count)
    return scene


async def row(scene: Scene) -> dict[str, Any]:
    """The sync row of the scene's calendar."""
    found = await scene.world.rows(
        "SELECT s.*, c.inactive_reason, d.due_at FROM calendar_syncs s JOIN calendars c ON c.id = s.calendar_id "
        "LEFT JOIN due_calendars d ON d.calendar_id = s.calendar_id WHERE c.provider_calendar_id = $1",
        scene.calendar,
    )
    return found[0]


async def run(scene: Scene) -> None:
    """The job itself, as a worker would run it."""
    sync = await row(scene)
    await scene.world.services.sync.run(sync["account_id"], sync["calendar_id"])


async def test_p3_a_first_listing_that_takes_two_runs_is_followed_as_closely_as_any(world: World) -> None:
    """The second run finds everything as the first has saved it: that is no sign of a calendar nobody uses."""
    scene = await with_events(world)
    await world.rows("UPDATE calendar_syncs SET cursor = NULL, last_succeeded_at = NULL, changed_at = NULL")
    await run(scene)
    assert (await row(scene))["changed_at"] is not None


async def test_p3_a_cursor_that_expired_heals_by_a_full_listing_that_sweeps(world: World) -> None:
    scene = await with_events(world)
    events = await world.sandbox.google_events(scene.person.email)
    await scene.delete(events[0]["id"])
    await world.sandbox.expire_google_sync_tokens(scene.person.email)
    generation = (await row(scene))["generation"]
    await scene.sync()
    await scene.agrees(spans=2)
    assert (await row(scene))["generation"] == generation + 1
    assert (await scene.state())["state"] == "idle"


async def test_p1_an_event_whose_time_cannot_be_read_any_more_blocks_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await with_events(world)
    damaged = (await world.sandbox.google_events(scene.person.email))[0]["id"]
    before, real = await scene.mirror(), mapping._when
    monkeypatch.setattr(mapping, "_when", lambda row, zone: None if row.id == damaged else real(row, zone))
    await scene.patch(damaged, summary="Touched")
    await scene.sync()
    assert await scene.mirror() == before, "told by a change"
    for _ in range(2):
        await world.sandbox.expire_google_sync_tokens(scene.person.email)
        await scene.sync()
        assert await scene.mirror() == before, "told by a full listing"
    await scene.delete(damaged)
    await scene.sync()
    await scene.agrees(spans=2)


@pytest.mark.parametrize("page", [1, 2])
async def test_p1_a_cursor_lost_on_any_page_never_opens_a_slot_meanwhile(world: World, page: int) -> None:
    scene = await with_events(world, count=6)
    before = await scene.mirror()
    seen: list[Any] = []
    async with turned(world.sandbox, page_size_cap=2):
        for number in range(6):
            await scene.insert(scene.person.at(10 + number, "10:00"))
        await world.sandbox.add_google_fault("gone", path=LISTING, account=scene.person.email, nth=page)
        async with failing(world.sandbox, {"kind": "latency", "ms": 60}, path=LISTING, account=scene.person.email):
            await world.sandbox.add_google_fault("gone", path=LISTING, account=scene.person.email, nth=page)
            watching = asyncio.create_task(watch(scene, seen))
            await scene.sync()
            watching.cancel()
    taken = set(before.busy)
    assert seen
    assert all(taken <= set(busy) for busy in seen)
    await scene.agrees(spans=12)


async def watch(scene: Scene, seen: list[Any]) -> None:
    """Look at the mirror again and again, as visitors do."""
    while True:
        seen.append((await scene.mirror()).busy)
        await asyncio.sleep(0.02)


async def test_p3_a_full_listing_that_expires_itself_backs_off_and_heals(world: World) -> None:
    scene = await with_events(world)
    await world.sandbox.expire_google_sync_tokens(scene.person.email)
    async with failing(world.sandbox, "gone", path=LISTING, account=scene.person.email):
        await scene.sync()
    state = await scene.state()
    assert (state["state"], state["last_error"], state["consecutive_failures"]) == ("backing_off", "cursor_expired", 1)
    assert len((await scene.mirror()).busy) == 3
    await scene.sync()
    await scene.agrees(spans=3)


@pytest.mark.parametrize("answer", ["unavailable", {"kind": "status", "status": 200, "body": "<html>"}])
async def test_p3_a_cursor_that_alone_has_failed_for_an_hour_is_given_up(
    world: World, answer: str | dict[str, Any]
) -> None:
    scene = await with_events(world)
    generation = (await row(scene))["generation"]
    await scene.insert(scene.person.at(20, "10:00"))
    async with failing(world.sandbox, answer, path=LISTING, query="syncToken", account=scene.person.email):
        for minutes in (0, 15, 30, 45, 59):
            world.clock.offset = timedelta(minutes=minutes)
            await run(scene)
        assert len((await scene.mirror()).busy) == 3
        world.clock.offset = timedelta(minutes=61)
        await run(scene)
        await scene.agrees(spans=4)
    healed = await row(scene)
    assert (healed["state"], healed["failing_since"], healed["generation"]) == ("idle", None, generation + 1)


async def test_p3_an_hour_in_which_nobody_tried_costs_no_cursor(world: World) -> None:
    scene = await with_events(world)
    before = await row(scene)
    async with failing(world.sandbox, "unavailable", path=LISTING, query="syncToken", account=scene.person.email):
        for minutes in (0, 61):
            world.clock.offset = timedelta(minutes=minutes)
            await run(scene)
    assert (await row(scene))["cursor"] == before["cursor"]


async def test_p3_an_hour_without_any_answer_costs_no_cursor(world: World) -> None:
    scene = await with_events(world)
    before = await row(scene)
    async with failing(world.sandbox, "unavailable", account=scene.person.email):
        for minutes in (0, 61):
            world.clock.offset = timedelta(minutes=minutes)
            await run(scene)
    failed = await row(scene)
    assert (failed["cursor"], failed["failures"]) == (before["cursor"], 2)
    await scene.insert(scene.person.at(20, "10:00"))
    await run(scene)
    await scene.agrees(spans=4)
    assert (await row(scene))["generation"] == before["generation"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("too_many_requests", "rate_limited"),
        ("user_rate_limit", "rate_limited"),
        ("quota_exceeded", "quota_exceeded"),
        ("backend_error", "provider_unavailable"),
        ("unavailable", "provider_unavailable"),
        ("reset_before", "provider_unavailable"),
        ("truncate", "provider_unavailable"),
        ("html_error", "provider_unavailable"),
    ],
)
async def test_p3_a_failing_provider_is_left_alone_for_a_while_and_asked_again(
    world: World, kind: str, error: str
) -> None:
    scene = await with_events(world)
    event = await scene.insert(scene.person.at(20, "10:00"))
    async with failing(world.sandbox, kind, path=LISTING, account=scene.person.email):
        await scene.sync()
        first = await scene.state()
        await run(scene)
        second = await scene.state()
    assert (first["state"], first["last_error"], first["consecutive_failures"]) == ("backing_off", error, 1)
    assert second["consecutive_failures"] == 2
    assert first["pending_changes"]
    assert datetime.fromisoformat(first["next_run_at"]) > world.clock()
    assert len((await scene.mirror()).busy) == 3, "what was known stays"
    await run(scene)
    healed = await scene.state()
    assert (healed["state"], healed["last_error"], healed["consecutive_failures"]) == ("idle", None, 0)
    await scene.agrees(spans=4)
    assert event


async def test_p3_a_provider_that_says_when_is_not_asked_before(world: World) -> None:
    scene = await with_events(world)
    busy = {"kind": "too_many_requests", "retry_after": 600}
    async with failing(world.sandbox, busy, path=LISTING, account=scene.person.email):
        await scene.sync()
    told = (await row(scene))["due_at"]
    assert timedelta(seconds=590) < told - world.clock() <= timedelta(seconds=601)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 0
    await scene.insert(scene.person.at(20, "10:00"))
    asked = len(await world.sandbox.google_requests(account=scene.person.email))
    for _ in range(3):
        await scene.sync()  # as pushes do, each by a job of its own
    assert len(await world.sandbox.google_requests(account=scene.person.email)) == asked
    assert (await row(scene))["due_at"] == told
    world.clock.offset = timedelta(seconds=605)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    await world.work()
    assert (await scene.state())["state"] == "idle"
    await scene.agrees(spans=4)


async def test_p3_a_provider_that_says_never_is_asked_again_within_the_hour(world: World) -> None:
    scene = await with_events(world)
    never = {"kind": "too_many_requests", "retry_after": 10**7}
    async with failing(world.sandbox, never, path=LISTING, account=scene.person.email):
        await scene.sync()
    failed = await scene.state()
    assert (failed["state"], failed["last_error"]) == ("backing_off", "rate_limited")
    world.clock.offset = timedelta(seconds=3605)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    await world.work()
    assert (await scene.state())["state"] == "idle"
    await scene.agrees()


async def test_r30_a_deleted_calendar_is_inactive_at_once_and_keeps_what_was_known(world: World) -> None:
    scene, project = await two_calendars(world)
    await world.sandbox.delete_google_calendar(project.calendar)
    await scene.sync()
    assert (await row(project))["inactive_reason"] == "access_lost"
    assert (await project.state())["state"] == "failed"
    assert len((await project.mirror()).busy) == 1, "the last known busy stays"
    await scene.agrees()
    world.clock.offset = timedelta(hours=2)
    await run(project)
    assert (await row(project))["inactive_reason"] == "calendar_deleted", "confirmed over an hour"


async def test_r16_a_primary_calendar_that_is_not_found_any_more_is_looked_for_at_once(world: World) -> None:
    """As after a mailbox was restored: it is there, by another id."""
    scene = await with_events(world)
    page, day = await scene.person.make_page(), scene.person.day(9)
    await world.rows("UPDATE calendars SET provider_calendar_id = 'of-before@example.com'")
    await scene.insert(scene.person.at(20, "10:00"))
    await scene.sync()
    assert (await scene.state())["state"] == "idle"
    assert (await row(scene))["inactive_reason"] is None
    assert await scene.person.slots(page["id"], day)
    await scene.agrees(spans=4)


@pytest.mark.parametrize("refusal", ["not_found", "forbidden"])
async def test_r16_a_primary_calendar_that_stays_lost_is_looked_for_once_a_day(world: World, refusal: str) -> None:
    scene = await with_events(world)
    before = await listings(scene)
    async with failing(world.sandbox, refusal, path=LISTING, account=scene.person.email):
        for hours, expected in ((0, 1), (1, 1), (23, 1), (25, 2), (47, 2), (50, 3)):
            world.clock.offset = timedelta(hours=hours)
            for _ in range(2):
                await run(scene)
                await world.work()
            assert await listings(scene) - before == expected, hours


async def test_r16_looking_for_a_primary_calendar_among_refusals_is_no_failure_of_ours(world: World) -> None:
    """As when an administrator switches the calendar off for one person: the list is refused as well."""
    scene = await with_events(world)
    async with failing(world.sandbox, "forbidden", path=".*", account=scene.person.email):
        await run(scene)
        await world.work()
    assert await world.rows("SELECT id FROM queue.pgqueuer WHERE entrypoint = 'refresh_calendars' ORDER BY id") == []
    await run(scene)
    await scene.agrees(spans=3)


async def test_r16_a_calendar_that_is_not_the_primary_is_not_looked_for(world: World) -> None:
    scene, project = await two_calendars(world)
    before = await listings(scene)
    await world.sandbox.delete_google_calendar(project.calendar)
    await scene.sync()
    assert (await row(project))["inactive_reason"] == "access_lost"
    assert await listings(scene) == before


async def listings(scene: Scene) -> int:
    """How often the person's calendars were listed."""
    requests = await scene.world.sandbox.google_requests(account=scene.person.email)
    return sum(request["path"].endswith("/calendarList") for request in requests)


async def test_r30_lost_access_makes_the_host_unavailable_and_regained_access_heals(world: World) -> None:
    scene, project = await two_calendars(world)
    page = await scene.person.make_page()
    day = scene.person.day(4)
    assert await scene.person.slots(page["id"], day)
    await world.sandbox.share_google_calendar(project.calendar, account=scene.person.email, role="none")
    await scene.sync()
    checked = (await scene.person.get("/v1/availability-calendars")).json()["items"]
    assert [(item["status"], item["inactive_reason"]) for item in checked] == [
        ("active", None),
        ("inactive", "access_lost"),
    ]
    assert await scene.person.slots(page["id"], day) == [], "although the primary is healthy"
    await world.sandbox.share_google_calendar(project.calendar, account=scene.person.email, role="owner")
    await run(project)
    assert await scene.person.slots(page["id"], day)
    assert (await row(project))["inactive_reason"] is None
    await project.agrees(spans=1)


async def test_r30_a_calendar_that_may_only_be_seen_as_free_or_busy_cannot_be_read_any_more(world: World) -> None:
    scene, project = await two_calendars(world)
    async with failing(world.sandbox, "forbidden", path=LISTING, account=scene.person.email, query="syncToken"):
        await run(project)
        assert (await row(project))["inactive_reason"] == "access_lost"
        world.clock.offset = timedelta(hours=2)
        await run(project)
    assert (await row(project))["inactive_reason"] == "permission_reduced"


async def test_r29_a_calendar_reduced_to_free_or_busy_stays_inactive_however_well_it_is_listed(world: World) -> None:
    scene, project = await two_calendars(world)
    page, day = await scene.person.make_page(), scene.person.day(4)
    for _ in range(2):
        await relisted(project, role="freeBusyReader")
        assert (await row(project))["last_error"] is None, "its times can be listed"
        assert (await row(project))["inactive_reason"] == "permission_reduced"
        assert await eligibility(project) == (False, "missing_event_details_permission")
        assert await scene.person.slots(page["id"], day) == []
    assert await news_of_calendars(world) == ["availability_calendar.inactive"], "told once"
    await relisted(project, role="reader")
    assert (await row(project))["inactive_reason"] is None
    assert await eligibility(project) == (True, None)
    assert await scene.person.slots(page["id"], day)
    assert await news_of_calendars(world) == ["availability_calendar.inactive", "availability_calendar.active"]


async def test_r30_a_lost_calendar_that_comes_back_as_free_or_busy_only_says_what_is_missing(world: World) -> None:
    _, project = await two_calendars(world)
    await relisted(project, role="none")
    assert (await row(project))["inactive_reason"] == "access_lost"
    await relisted(project, role="freeBusyReader")
    assert (await row(project))["inactive_reason"] == "permission_reduced"
    assert await news_of_calendars(world) == ["availability_calendar.inactive"]


async def relisted(scene: Scene, *, role: str) -> None:
    """The person may do something else with the calendar now, and it is listed anew."""
    await scene.world.sandbox.share_google_calendar(scene.calendar, account=scene.person.email, role=role)
    answer = await scene.person.post(f"/v1/connections/{scene.person.connection_id}/refresh-calendars")
    assert answer.status_code == 202, answer.text
    await scene.world.work()
    await run(scene)


async def eligibility(scene: Scene) -> tuple[bool, str | None]:
    """Whether the calendar may be checked for conflicts, and why not."""
    calendar = (await row(scene))["calendar_id"]
    listed = (await scene.person.get(f"/v1/connections/{scene.person.connection_id}/calendars")).json()["items"]
    found = next(item for item in listed if decode_id("cal", item["id"]) == calendar)
    return found["eligible_for_availability"], found["ineligible_reason"]


async def news_of_calendars(world: World) -> list[str]:
    """What the CRM was told of availability calendars, in order."""
    told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'availability_calendar.%' ORDER BY id")
    return [event["type"] for event in told]


async def two_calendars(world: World) -> tuple[Scene, Scene]:
    """A synced person with a second availability calendar that holds one event."""
    person = await world.person()
    await world.sandbox.google_account(person.email)
    other = (await world.sandbox.google_calendar(person.email, "Project"))["id"]
    await person.connect()
    scene = await Scene.of(world, person)
    project = Scene(world, person, scene.reader, other)
    await project.insert(person.at(5, "10:00"))
    calendars = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    ids = [calendar["id"] for calendar in calendars]
    saved = await person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})
    assert saved.status_code == 200, saved.text
    await world.work()
    await project.agrees(spans=1)
    return scene, project


async def test_p3_a_worker_that_dies_during_a_run_is_followed_by_another_after_its_lease(world: World) -> None:
    scene = await with_events(world)
    await scene.insert(scene.person.at(20, "10:00"))
    sync = await row(scene)
    dead = await world.services.sync._claim(sync["account_id"], sync["calendar_id"])
    assert dead is not None
    await run(scene)
    assert (await scene.state())["state"] == "running", "the lease is respected"
    world.clock.offset = timedelta(minutes=3)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1, "the sweeper finds it"
    await world.work()
    await scene.agrees(spans=4)
    assert (await scene.state())["state"] == "idle"


async def test_p3_a_run_that_reads_many_series_keeps_its_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await with_events(world, count=0)
    for number in range(16):
        await scene.insert(scene.person.at(1 + number, "06:00"), recurrence=["RRULE:FREQ=YEARLY"])
    sync = await row(scene)
    real, others = expanding._instances, []

    async def slow(run: Run, series_id: str) -> list[Event]:
        world.clock.offset += timedelta(seconds=10)  # the sweeper finds it due each time
        others.append(await world.services.sync._claim(sync["account_id"], sync["calendar_id"]))
        return await real(run, series_id)

    monkeypatch.setattr(expanding, "_instances", slow)
    await run(scene)
    assert others == [None] * 16, "nobody takes over within 160 seconds"
    after = await row(scene)
    assert (after["state"], after["fence"], after["failures"]) == ("idle", sync["fence"] + 1, 0)
    await scene.agrees(spans=16)


async def test_p3_a_run_that_lists_long_for_many_series_is_not_taken_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await with_events(world, count=0)
    for number in range(20):
        start = scene.person.at(2, "06:00") + timedelta(minutes=30 * number)
        await scene.insert(start, recurrence=["RRULE:FREQ=WEEKLY;COUNT=6"])
    sync = await row(scene)
    real, others = GoogleSession.list_instances, []

    async def slow(self: GoogleSession, *where: Any, **series: Any) -> AsyncIterator[Event]:
        async for event in real(self, *where, **series):
            world.clock.offset += timedelta(seconds=2)
            yield event
        others.append(await world.services.sync._claim(sync["account_id"], sync["calendar_id"]))

    monkeypatch.setattr(GoogleSession, "list_instances", slow)
    await run(scene)
    assert others == [None], "one listing of 240 seconds, and nobody takes over"
    after = await row(scene)
    assert (after["state"], after["fence"], after["failures"]) == ("idle", sync["fence"] + 1, 0)
    await scene.agrees(spans=6)


async def test_p3_a_run_that_was_overtaken_cannot_write_any_more(world: World) -> None:
    scene = await with_events(world)
    sync = await row(scene)
    old = await world.services.sync._claim(sync["account_id"], sync["calendar_id"])
    assert old is not None
    await world.services.sync._read_changes(old)  # the truth of now: three events
    events = await world.sandbox.google_events(scene.person.email)
    await scene.delete(events[0]["id"])
    world.clock.offset = timedelta(minutes=3)
    await run(scene)
    after = await row(scene)
    with pytest.raises(_FencedOff):
        await world.services.sync._finish(old)
    await world.services.sync._fail(old, Transient("late"))
    assert await row(scene) == after
    await scene.agrees(spans=2)


async def test_p3_a_run_of_before_a_calendar_was_unticked_cannot_write_after_it_was_ticked_again(world: World) -> None:
    scene, project = await two_calendars(world)
    sync = await row(project)
    primary = (await row(scene))["calendar_id"]
    old = await world.services.sync._claim(sync["account_id"], sync["calendar_id"])
    assert old is not None
    await world.services.sync._read_changes(old)
    await tick(scene, [primary])
    await tick(scene, [primary, sync["calendar_id"]])
    for _ in range(old.fence if old.fence < 10 else 2):  # as many runs as the old row had seen
        world.clock.offset += timedelta(minutes=3)
        await run(project)
    with pytest.raises(_FencedOff):
        await world.services.sync._finish(old)


async def tick(scene: Scene, calendars: list[UUID]) -> None:
    """Save which calendars are checked."""
    listed = (await scene.person.get(f"/v1/connections/{scene.person.connection_id}/calendars")).json()["items"]
    ids = [item["id"] for item in listed if decode_id("cal", item["id"]) in calendars]
    saved = await scene.person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})
    assert saved.status_code == 200, saved.text


async def test_p1_what_was_deleted_while_a_calendar_was_unticked_does_not_block_after_it_is_ticked(
    world: World,
) -> None:
    scene, project = await two_calendars(world)
    primary, second = (await row(scene))["calendar_id"], (await row(project))["calendar_id"]
    await tick(scene, [primary])
    assert await world.rows("SELECT * FROM mirror_events WHERE calendar_id = $1", second) == [], "the least that works"
    event = (await world.sandbox.google_events(scene.person.email, project.calendar))[0]["id"]
    await project.delete(event)
    await tick(scene, [primary, second])
    await world.work()
    await project.agrees(spans=0)


async def test_p3_a_change_signalled_during_a_run_leads_to_another_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await with_events(world)
    sync = await row(scene)
    gate = Gate.at(monkeypatch, "sync_page")
    running = asyncio.create_task(run(scene))
    await gate.wait()
    answer = await scene.person.post(f"/v1/connections/{scene.person.connection_id}/sync")
    assert answer.status_code == 202
    await gate.open()
    await running
    after = await row(scene)
    assert after["dirty_seq"] == sync["dirty_seq"] + 1
    assert after["synced_seq"] == after["dirty_seq"]
    assert after["fence"] == sync["fence"] + 2, "two runs"


async def test_p3_who_was_told_during_a_run_that_dies_comes_back_when_its_lease_ends(world: World) -> None:
    scene = await with_events(world)
    lease = world.clock() + timedelta(minutes=2)
    await world.rows("UPDATE calendar_syncs SET state = 'running', lease_until = $1, fence = fence + 1", lease)
    await scene.sync()
    world.clock.offset += timedelta(seconds=6)  # the sweeper as well asks for a run, in vain
    await enqueue_due_syncs(world.services.sessions, world.clock)
    await world.work()
    assert (await row(scene))["due_at"] == lease
    await scene.insert(scene.person.at(8, "10:00"))
    world.clock.offset += timedelta(minutes=2)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    await world.work()
    await scene.agrees(spans=4)


async def test_p3_two_runs_at_once_are_one(world: World) -> None:
    scene = await with_events(world)
    before = await row(scene)
    async with failing(world.sandbox, {"kind": "latency", "ms": 1500}, path=LISTING, account=scene.person.email):
        await asyncio.gather(*(run(scene) for _ in range(5)))
    assert (await row(scene))["fence"] == before["fence"] + 1


async def test_p3_the_sweeper_finds_what_is_due_and_nothing_else(world: World) -> None:
    scene = await with_events(world)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 0
    await scene.insert(scene.person.at(20, "10:00"))
    world.clock.offset = timedelta(seconds=80)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 0, "handed out once"
    jobs = await world.rows("SELECT entrypoint FROM queue.pgqueuer")
    assert [job["entrypoint"] for job in jobs] == [Job.SYNC_CALENDAR]
    await world.work()
    await scene.agrees(spans=4)


async def test_p3_a_run_that_never_happened_comes_up_again(world: World) -> None:
    scene = await with_events(world)
    world.clock.offset = timedelta(seconds=80)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    await world.rows("DELETE FROM queue.pgqueuer")
    world.clock.offset = timedelta(minutes=5)
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 1
    assert scene


async def test_p3_a_sync_of_a_calendar_nobody_mirrors_ends_its_due_row(world: World) -> None:
    scene = await with_events(world)
    sync = await row(scene)
    await world.rows("DELETE FROM calendar_syncs")
    await world.services.sync.run(sync["account_id"], sync["calendar_id"])
    assert await world.rows("SELECT * FROM due_calendars") == []


async def test_p3_the_state_of_a_sync_can_be_read(world: World) -> None:
    scene = await with_events(world)
    state = await scene.state()
    assert (state["state"], state["pending_changes"], state["last_error"]) == ("idle", False, None)
    assert state["consecutive_failures"] == 0
    assert 0 <= state["lag_seconds"] < 10
    due = datetime.fromisoformat(state["next_run_at"]) - datetime.fromisoformat(state["last_success_at"])
    assert timedelta(seconds=22) < due < timedelta(seconds=38), "twice a minute while it is lively, spread"
    world.clock.offset = timedelta(minutes=10)
    assert 600 <= (await scene.state())["lag_seconds"] < 610
    before = await scene.person.post(f"/v1/connections/{scene.person.connection_id}/sync")
    assert before.json()["calendars"][0]["pending_changes"]


async def connection(scene: Scene) -> tuple[str, str | None]:
    """The connection's status and the reason of it."""
    answer = (await scene.person.get(f"/v1/connections/{scene.person.connection_id}")).json()
    return answer["status"], answer["reason"]


async def test_r16_refused_tokens_back_off_and_a_burst_of_them_breaks_nothing(world: World) -> None:
    scene = await with_events(world)
    async with failing(world.sandbox, "unauthorized", path=LISTING, account=scene.person.email):
        await scene.sync()
        world.clock.offset = timedelta(minutes=59)
        await run(scene)
    assert await connection(scene) == ("active", None)
    state = await scene.state()
    assert (state["state"], state["last_error"]) == ("backing_off", "auth_expired")
    await run(scene)
    await scene.agrees(spans=3)


async def test_r16_an_hour_of_other_troubles_is_no_hour_of_refused_tokens(world: World) -> None:
    scene = await with_events(world)
    async with failing(world.sandbox, "backend_error", path=LISTING, account=scene.person.email):
        await scene.sync()
    world.clock.offset = timedelta(hours=2)
    async with failing(world.sandbox, "unauthorized", path=LISTING, account=scene.person.email):
        await run(scene)
    assert await connection(scene) == ("active", None)


async def test_r16_an_hour_of_refused_tokens_breaks_the_connection_with_a_reason(world: World) -> None:
    scene = await with_events(world)
    async with failing(world.sandbox, "unauthorized", path=LISTING, account=scene.person.email):
        await scene.sync()
        world.clock.offset = timedelta(hours=1)
        await run(scene)
    assert await connection(scene) == ("reauthorization_required", "token_revoked")
    assert (await scene.state())["state"] == "paused"
    assert (await scene.state())["next_run_at"] is None
    await scene.person.connect()
    await world.work()
    await scene.agrees(spans=3)
    moved = scene.person.at(9, "12:00")
    await scene.insert(moved, end=wire(moved + timedelta(hours=2)))
    await scene.sync()
    await scene.agrees(spans=4)


async def test_r16_calendars_that_learn_of_a_dead_grant_at_once_do_not_wait_for_each_other(world: World) -> None:
    scene, _ = await two_calendars(world)
    for _ in range(3):
        syncs = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
        access = _Opening(_Dead(asyncio.Barrier(len(syncs))))
        engine = engine_of(world, access=access)
        await asyncio.gather(*(engine.run(sync["account_id"], sync["calendar_id"]) for sync in syncs))
        assert await connection(scene) == ("reauthorization_required", "token_revoked")
        await scene.person.connect()
        await world.work()


class _Dead:
    """A session that is refused when all have asked."""

    def __init__(self, all_of_them: asyncio.Barrier) -> None:
        self._all_of_them = all_of_them

    async def sync_page(self, *_: Any, **__: Any) -> None:
        await self._all_of_them.wait()
        raise ReauthRequired(provider_code="token_revoked")


class _Opening:
    """Access that opens one session for everybody."""

    def __init__(self, session: object) -> None:
        self._session = session

    def one_service(self, _: str) -> bool:
        return True

    async def open_in(self, *_: object) -> object:
        return self._session


async def test_r16_a_run_that_outlives_its_connection_leaves_nothing_due(world: World) -> None:
    scene, project = await two_calendars(world)
    sync = await row(project)
    under_way = await world.services.sync._claim(sync["account_id"], sync["calendar_id"])
    assert under_way is not None
    await world.services.sync._read_changes(under_way)
    await world.sandbox.revoke_google(scene.person.email)
    await run(scene)
    assert (await connection(scene))[0] == "reauthorization_required"
    await world.services.sync._finish(under_way)
    world.clock.offset = timedelta(minutes=6)
    await enqueue_due_syncs(world.services.sessions, world.clock)
    await world.work()
    assert await world.rows("SELECT * FROM due_calendars") == []
    assert (await project.state())["state"] == "paused"
    await heals(scene, project)


async def test_r16_a_claim_that_waits_while_its_connection_breaks_or_heals_sees_how_it_is_then(world: World) -> None:
    _, project = await two_calendars(world)
    sync, services = await row(project), world.services
    account, calendar_id = sync["account_id"], sync["calendar_id"]
    async with transaction(services.sessions, account) as session:
        _, broken = await find_calendar(session, calendar_id) or pytest.fail("it is gone")
        await mark_broken(session, broken, reason="token_revoked", now=world.clock())
        claiming = asyncio.create_task(services.sync._claim(account, calendar_id))
        await waits(world)
    assert await claiming is None
    assert (await row(project))["due_at"] is None
    async with transaction(services.sessions, account) as session:
        _, healed = await find_calendar(session, calendar_id) or pytest.fail("it is gone")
        healed.status = "active"
        await start_mirroring(session, account, calendar_id, now=world.clock())
        claiming = asyncio.create_task(services.sync._claim(account, calendar_id))
        await waits(world)
    assert await claiming is not None
    assert (await row(project))["due_at"] is not None


async def waits(world: World) -> None:
    """Until somebody waits for a row."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(500):
        if await world.rows(waiting):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")


async def heals(scene: Scene, *others: Scene) -> None:
    """The person connects again, and everything is followed as before."""
    await scene.person.connect()
    await scene.world.work()
    for each in (scene, *others):
        assert (await each.state())["state"] == "idle"
        assert (await row(each))["due_at"] is not None


async def test_p3_a_fault_of_our_own_backs_off_lets_go_and_is_not_swallowed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await with_events(world)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Mirror, "save", broken)
    await scene.insert(scene.person.at(20, "10:00"))
    with capture_logs() as logs:
        await run(scene)
    [told] = [entry for entry in logs if entry["event"] == "sync.own_fault"]
    assert told["log_level"] == "error"
    assert told["exc_info"]
    state = await scene.state()
    assert (state["state"], state["last_error"], state["consecutive_failures"]) == ("backing_off", "internal", 1)
    assert (await row(scene))["lease_until"] is None
    monkeypatch.undo()
    await run(scene)
    await scene.agrees(spans=4)


async def test_p3_signals_to_a_calendar_that_we_fail_at_leave_no_jobs_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would look again for ever, beside the row that says when."""
    scene = await with_events(world)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Mirror, "save", broken)
    await scene.insert(scene.person.at(20, "10:00"))
    for _ in range(3):
        await scene.person.post(f"/v1/connections/{scene.person.connection_id}/sync")
        await world.work()
    assert await world.rows("SELECT FROM queue.pgqueuer WHERE entrypoint = 'sync_calendar'") == []
    monkeypatch.undo()
    await run(scene)
    await scene.agrees(spans=4)


async def test_r16_tokens_that_cannot_be_read_any_more_wait_for_the_person_and_not_for_ever(world: World) -> None:
    scene = await with_events(world)
    await world.rows("UPDATE connection_tokens SET access_token = refresh_token")
    await scene.sync()
    assert await connection(scene) == ("reauthorization_required", "secret_unreadable")
    assert (await scene.state())["state"] == "paused"
    await scene.person.connect()
    await world.work()
    await scene.agrees(spans=3)
