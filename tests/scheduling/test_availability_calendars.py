"""The remedies of lost access: the X, and asking again (R30).

The one rule: booking heals with the remedy, not a moment before.
"""

import asyncio
from typing import Any

import pytest

from app.ids import encode_id, new_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.bookings.test_booking_attempts import with_lost_calendar
from tests.support.people import Person
from tests.support.visitors import fault
from tests.support.world import World, open_world, problem

LIST = "/v1/availability-calendars"


async def calendars(person: Person) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The primary, and the others that are checked."""
    first, *others = (await person.get(LIST)).json()["items"]
    assert first["is_primary"]
    return first, others


async def offered(person: Person, page: dict[str, Any]) -> int:
    return len(await person.slots(page["id"], person.day(3)))


async def share_again(world: World, person: Person, role: str = "reader") -> None:
    [row] = await world.rows("SELECT provider_calendar_id FROM calendars WHERE NOT is_primary")
    await world.sandbox.share_google_calendar(row["provider_calendar_id"], account=person.email, role=role)


async def test_r30_the_x_removes_a_lost_calendar_and_booking_heals_at_once(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    primary, [lost] = await calendars(person)
    assert (lost["status"], await offered(person, page)) == ("inactive", 0)
    before = (await person.get("/v1/calendar-settings")).json()
    removed = await person.delete(f"{LIST}/{lost['calendar_id']}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert await offered(person, page) == 48, "at once, before any job"
    assert await calendars(person) == (primary, [])
    after = (await person.get("/v1/calendar-settings")).json()
    assert after["version"] == before["version"] + 1, "a Save over it must not bring it back unseen"
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201
    audit = await world.rows("SELECT actor FROM audit_entries WHERE action = 'availability_calendar.removed'")
    assert len(audit) == 1
    problem(await person.delete(f"{LIST}/{lost['calendar_id']}"), 404, "not_found")


async def test_r30_what_was_let_go_is_ticked_again_once_it_can_be_read(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    primary, [lost] = await calendars(person)
    await person.patch(f"{LIST}/{lost['calendar_id']}", {"unreachable_policy": "ignore"})
    await person.delete(f"{LIST}/{lost['calendar_id']}")
    await share_again(world, person)
    both = {"availability_calendar_ids": [primary["calendar_id"], lost["calendar_id"]]}
    ticked = await person.patch("/v1/calendar-settings", both)
    assert ticked.status_code == 200, ticked.text
    await world.work()
    _, [again] = await calendars(person)
    assert (again["calendar_id"], again["status"]) == (lost["calendar_id"], "active")
    assert again["unreachable_policy"] == "block", "what was said of it went with its tick"
    assert await offered(person, page) == 48


async def test_r16_calendars_of_a_broken_account_cannot_be_read_and_say_what_helps(world: World) -> None:
    person = await world.connected()
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    primary, _ = await calendars(person)
    assert (primary["status"], primary["inactive_reason"]) == ("inactive", "access_lost")
    assert primary["allowed_actions"] == ["update", "recheck"], "a primary is never let go of"
    assert primary["remedy"] == "Reconnect the account of this calendar."
    assert (await person.get("/v1/calendar-settings")).json()["availability_calendars"] == [primary]
    await person.reauthorize()
    await world.work()
    primary, _ = await calendars(person)
    assert (primary["status"], primary["remedy"]) == ("active", None)


async def test_r29_any_calendar_but_the_primary_can_be_let_go(world: World) -> None:
    person = await with_lost_calendar(world)
    await share_again(world, person)
    primary, [other] = await calendars(person)
    await person.post(f"{LIST}/{other['calendar_id']}/recheck")
    await world.work()
    problem(await person.delete(f"{LIST}/{primary['calendar_id']}"), 409, "primary_calendar_required")
    assert (await person.delete(f"{LIST}/{other['calendar_id']}")).status_code == 204
    assert len(await world.rows("SELECT FROM calendar_syncs")) == 1, "its mirror is forgotten"
    ticked = {"availability_calendar_ids": [primary["calendar_id"], other["calendar_id"]]}
    assert (await person.patch("/v1/calendar-settings", ticked)).status_code == 200, "and may be chosen again"


async def test_r30_a_recheck_finds_the_calendar_again(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    _, [lost] = await calendars(person)
    path = f"{LIST}/{lost['calendar_id']}/recheck"
    still = await person.post(path)
    assert (still.status_code, still.json()["status"]) == (200, "inactive")
    assert "Regain access" in still.json()["remedy"]
    await world.work()
    assert await offered(person, page) == 0
    await share_again(world, person)
    asked = await person.post(path, **{"Accept-Language": "it"})
    assert asked.status_code == 200, asked.text
    assert asked.json()["calendar_id"] == lost["calendar_id"]
    assert asked.headers["Content-Language"] == "it"
    await world.work()
    _, [found] = await calendars(person)
    assert (found["status"], found["inactive_reason"], found["remedy"]) == ("active", None, None)
    assert await offered(person, page) == 48
    told = await world.rows("SELECT FROM feed_events WHERE type = 'availability_calendar.active'")
    assert len(told) == 1
    answer = await person.post(path)
    assert answer.json()["status"] == "active"


async def test_r30_a_recheck_learns_of_a_loss_at_once(world: World) -> None:
    person = await with_lost_calendar(world)
    await share_again(world, person)
    _, [other] = await calendars(person)
    path = f"{LIST}/{other['calendar_id']}/recheck"
    await person.post(path)
    await world.work()
    await share_again(world, person, role="none")
    assert (await person.post(path)).json()["status"] == "inactive"


async def test_r30_a_provider_that_does_not_answer_is_said_to_be_away(world: World) -> None:
    person = await with_lost_calendar(world)
    _, [lost] = await calendars(person)
    path = f"{LIST}/{lost['calendar_id']}/recheck"
    await fault(world, person, "backend_error", times=None, path="/calendarList")
    problem(await person.post(path), 503, "provider_unavailable")
    await world.sandbox.clear_google_faults()
    assert (await person.post(path)).status_code == 200


async def test_r16_a_recheck_over_a_broken_connection_says_what_to_do(world: World) -> None:
    person = await with_lost_calendar(world)
    _, [lost] = await calendars(person)
    path = f"{LIST}/{lost['calendar_id']}/recheck"
    await world.sandbox.revoke_google(person.email)
    for _ in range(2):  # found out by asking, then known
        refused = problem(await person.post(path), 409, "calendar_not_connected")
        assert "Reconnect" in refused["detail"]
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "reauthorization_required"


async def test_r53_somebody_elses_calendar_is_one_that_never_was(world: World) -> None:
    person = await with_lost_calendar(world)
    colleague = await world.connected(account_id=person.account_id)
    primary, [lost] = await calendars(person)
    for caller in (colleague, await world.connected()):
        for calendar_id in (primary["calendar_id"], lost["calendar_id"], encode_id("cal", new_id())):
            problem(await caller.delete(f"{LIST}/{calendar_id}"), 404, "not_found")
            problem(await caller.post(f"{LIST}/{calendar_id}/recheck"), 404, "not_found")
    assert await calendars(person) == (primary, [lost])


@pytest.mark.parametrize("bad", ["cal_1", "page_01k9qj5v3mfb9t2z8h4c6x7wdn", "null"])
async def test_what_is_no_calendar_is_not_there(world: World, bad: str) -> None:
    person = await world.person()
    problem(await person.delete(f"{LIST}/{bad}"), 404, "not_found")
    problem(await person.post(f"{LIST}/{bad}/recheck"), 404, "not_found")


async def test_r29_what_is_not_checked_can_be_neither_removed_nor_rechecked(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await world.sandbox.google_calendar(person.email, "Project")
    await person.connect()
    await world.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    [other] = [item["id"] for item in listed if not item["is_primary"]]
    problem(await person.delete(f"{LIST}/{other}"), 404, "not_found")
    problem(await person.post(f"{LIST}/{other}/recheck"), 404, "not_found")


async def test_r30_many_at_once_remove_once(world: World) -> None:
    person = await with_lost_calendar(world)
    _, [lost] = await calendars(person)
    path = f"{LIST}/{lost['calendar_id']}"
    answers = await asyncio.gather(
        *(person.delete(path) for _ in range(6)), *(person.post(f"{path}/recheck") for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers[:6]) == [204] + [404] * 5
    assert {answer.status_code for answer in answers[6:]} <= {200, 404}
    audit = await world.rows("SELECT FROM audit_entries WHERE action = 'availability_calendar.removed'")
    assert len(audit) == 1


async def test_r30_asking_again_and_the_sync_that_finds_the_calendar_wait_for_each_other(world: World) -> None:
    """Both write the calendar and how far it is synced; in two orders they would stop each other."""
    person = await with_lost_calendar(world)
    _, [lost] = await calendars(person)
    path = f"{LIST}/{lost['calendar_id']}/recheck"
    for _ in range(8):
        await share_again(world, person)
        await person.post(path)
        _, *answers = await asyncio.gather(world.work(), *(person.post(path) for _ in range(3)))
        assert [(answer.status_code, answer.text[:200]) for answer in answers if answer.status_code != 200] == []
        await world.work()
        await share_again(world, person, role="none")
        await person.post(path)
        await world.work()


async def test_nobody_has_a_provider_asked_without_end(settings: Settings, sandbox: Sandbox) -> None:
    """Who asks waits for the provider, in a place that others want."""
    async with open_world(settings.model_copy(update={"lookups_per_minute": 2}), sandbox) as world:
        person = await world.connected()
        primary, _ = await calendars(person)
        recheck = f"{LIST}/{primary['calendar_id']}/recheck"
        refresh = f"/v1/connections/{person.connection_id}/refresh-calendars"
        assert [(await person.post(path)).status_code for path in (recheck, refresh)] == [200, 202]
        for path in (recheck, refresh):
            refused = await person.post(path)
            problem(refused, 429, "rate_limited")
            assert int(refused.headers["Retry-After"]) > 0
        assert (await (await world.person()).post(recheck)).status_code == 404, "others are counted apart"


async def test_calendars_that_are_asked_for_anew_ten_times_are_looked_at_once(world: World) -> None:
    person = await world.connected()
    for _ in range(10):
        assert (await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")).status_code == 202
    assert len(await world.rows("SELECT FROM queue.pgqueuer WHERE entrypoint = 'refresh_calendars'")) == 1
