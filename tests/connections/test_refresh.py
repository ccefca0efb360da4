"""Listing a connection's calendars anew (R29, R30), and authorizing again (R16)."""

import pytest

from tests.support.people import Person
from tests.support.world import World, problem


async def calendars(person: Person) -> dict[str, dict[str, object]]:
    answer = await person.get(f"/v1/connections/{person.connection_id}/calendars")
    return {item["name"]: item for item in answer.json()["items"]}


async def refresh(world: World, person: Person) -> None:
    answer = await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/connections/{person.connection_id}/calendars"
    await world.work()


async def sharing(world: World) -> tuple[Person, Person]:
    """Two connected people; the second one's list has the first one's calendar."""
    owner = await world.connected()
    person = await world.person(account_id=owner.account_id)
    await world.sandbox.google_account(person.email)
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="reader")
    await person.connect()
    return owner, person


async def check_all(world: World, person: Person) -> None:
    """Every calendar of the person's list is checked for conflicts, and read."""
    await world.work()
    ids = [item["id"] for item in (await calendars(person)).values()]
    assert (await person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})).status_code == 200
    await world.work()


async def test_r29_a_calendar_made_later_is_found(world: World) -> None:
    person = await world.connected()
    await world.sandbox.google_calendar(person.email, "Project")
    assert "Project" not in await calendars(person)
    await refresh(world, person)
    assert (await calendars(person))["Project"]["eligible_for_availability"] is True


async def test_r16_a_secret_that_cannot_be_opened_any_more_waits_for_the_person(world: World) -> None:
    person = await world.connected()
    await world.work()
    await world.rows("UPDATE connection_tokens SET access_token = refresh_token")
    await refresh(world, person)
    assert await standing(person) == ("reauthorization_required", "secret_unreadable")
    assert await world.rows("SELECT FROM queue.pgqueuer WHERE entrypoint = 'refresh_calendars'") == []


async def test_r16_nor_is_a_token_renewed_by_one_that_cannot_be_opened(world: World) -> None:
    person = await world.connected()
    await world.work()
    await world.rows("UPDATE connection_tokens SET refresh_token = access_token")
    await world.sandbox.expire_google_access_tokens(person.email)
    await refresh(world, person)
    assert await standing(person) == ("reauthorization_required", "secret_unreadable")


async def standing(person: Person) -> tuple[str, str | None]:
    """How the person's connection is, and why."""
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    return connection["status"], connection["reason"]


async def test_r30_a_checked_calendar_that_is_gone_says_so_and_blocks_and_comes_back(world: World) -> None:
    owner, person = await sharing(world)
    await check_all(world, person)
    page = await person.make_page()
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="none")
    await refresh(world, person)
    listed = (await person.get("/v1/availability-calendars")).json()["items"]
    assert [item["inactive_reason"] for item in listed] == [None, "access_lost"]
    assert (await person.slot_list(page["id"], person.day(3))).json()["host_available"] is False
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="reader")
    await refresh(world, person)
    listed = (await person.get("/v1/availability-calendars")).json()["items"]
    assert [item["inactive_reason"] for item in listed] == [None, None]
    told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'availability_calendar.%' ORDER BY id")
    assert [row["type"].rpartition(".")[2] for row in told] == ["inactive", "active"]


async def test_r30_a_calendar_that_is_on_no_list_any_more_is_read_as_long_as_it_can_be(world: World) -> None:
    owner, person = await sharing(world)
    await check_all(world, person)
    await world.sandbox.unlist_google_calendar(owner.email, account=person.email)
    for _ in range(2):
        await refresh(world, person)
    listed = (await person.get("/v1/availability-calendars")).json()["items"]
    assert [item["inactive_reason"] for item in listed] == [None, None]
    assert await world.rows("SELECT type FROM feed_events WHERE type LIKE 'availability_calendar.%'") == []


@pytest.mark.parametrize("healing", [False, True], ids=["listed anew", "authorized again"])
async def test_r29_an_unchecked_calendar_that_was_gone_for_a_while_can_be_checked_again(
    world: World, healing: bool
) -> None:
    owner, person = await sharing(world)
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="none")
    await refresh(world, person)
    assert (await calendars(person))[owner.email]["ineligible_reason"] == "not_owned_or_shared"
    ids = [item["id"] for item in (await calendars(person)).values()]
    problem(
        await person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids}), 422, "calendar_not_eligible"
    )
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="reader")
    if healing:
        await person.reauthorize()
    else:
        await refresh(world, person)
    assert (await calendars(person))[owner.email]["eligible_for_availability"] is True
    assert (await person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})).status_code == 200


async def test_r16_a_broken_connection_is_not_refreshed_and_a_dead_grant_is_noticed(world: World) -> None:
    person = await world.connected()
    await world.sandbox.revoke_google(person.email)
    await refresh(world, person)
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "reauthorization_required"
    answer = await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
    problem(answer, 409, "calendar_not_connected")


async def test_r16_a_working_connection_can_be_authorized_again_by_its_own_account_only(world: World) -> None:
    person = await world.connected()
    assert (await person.reauthorize())["status"] == "completed"
    assert len((await person.get("/v1/connections")).json()["items"]) == 1
    other = f"other-{person.email}"
    await world.sandbox.google_account(other)
    kept = person.connection_id
    done = await person.reauthorize(email=other)
    assert (done["status"], done["code"]) == ("failed", "account_mismatch")
    assert (await person.get(f"/v1/connections/{kept}")).json()["email"] == person.email


async def test_r53_somebody_elses_connection_is_neither_refreshed_nor_authorized(world: World) -> None:
    owner, stranger = await world.connected(), await world.person()
    path = f"/v1/connections/{owner.connection_id}"
    problem(await stranger.post(f"{path}/refresh-calendars"), 404, "not_found")
    body = {"client": "web", "disclosure_version": "2026-11-01"}
    problem(await stranger.post(f"{path}/reauthorize", body), 404, "not_found")
    problem(await stranger.patch(path, {"password": "x"}), 404, "not_found")
    problem(await owner.patch(path, {"password": "x"}), 409, "capability_not_supported")
