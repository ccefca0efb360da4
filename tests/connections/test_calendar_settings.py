"""The Save button: calendars, switches, links; all or nothing (R4, R17, R22, R29, R35)."""

from typing import Any

import pytest

from app.ids import encode_id, new_id
from sandbox.exchange.client import PASSWORD
from tests.crm.test_tasks import assign
from tests.support.people import Person
from tests.support.world import World, problem

SAVE = "/v1/calendar-settings"


async def with_calendars(world: World, **claims: Any) -> tuple[Person, dict[str, dict[str, Any]]]:
    """A connected person with calendars of several roles, by name."""
    person = await world.person(**claims)
    await world.sandbox.google_account(person.email)
    for name, role in (("Project", "owner"), ("Team", "reader"), ("Boss", "freeBusyReader"), ("Shared", "writer")):
        await world.sandbox.google_calendar(person.email, name, role=role)
    await person.connect()
    await world.work()
    items = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    return person, {"Primary" if item["is_primary"] else item["name"]: item for item in items}


async def ticked(person: Person) -> list[str]:
    """The ids of the calendars that are checked."""
    return [item["calendar_id"] for item in (await person.get("/v1/availability-calendars")).json()["items"]]


async def form(person: Person) -> dict[str, Any]:
    """What the settings screen sends when nothing was touched: everything, as it was read."""
    read = (await person.get(SAVE)).json()
    calendars, chat = read.pop("availability_calendars"), read.pop("chat_profile")
    del read["version"]
    return read | {
        "availability_calendar_ids": [item["calendar_id"] for item in calendars],
        "chat_profile": {name: chat[name] for name in ("enabled", "page_id")},
    }


async def test_r29_calendars_say_whether_they_may_be_checked_and_why_not(world: World) -> None:
    person, calendars = await with_calendars(world)
    told = {
        name: (c["access_role"], c["eligible_for_availability"], c["ineligible_reason"])
        for name, c in calendars.items()
    }
    assert told == {
        "Primary": ("owner", True, None),
        "Project": ("owner", True, None),
        "Team": ("reader", True, None),
        "Shared": ("writer", True, None),
        "Boss": ("free_busy_reader", False, "missing_event_details_permission"),
    }
    ids = [calendars[name]["id"] for name in ("Primary", "Boss")]
    refused = problem(await person.patch(SAVE, {"availability_calendar_ids": ids}), 422, "calendar_not_eligible")
    assert refused["reason"] == "missing_event_details_permission"
    assert await ticked(person) == [calendars["Primary"]["id"]]


async def test_r29_ticking_starts_a_mirror_and_unticking_ends_it(world: World) -> None:
    person, calendars = await with_calendars(world)
    both = [calendars[name]["id"] for name in ("Primary", "Project")]
    saved = await person.patch(SAVE, {"availability_calendar_ids": both})
    assert [c["calendar_id"] for c in saved.json()["availability_calendars"]] == both
    page = await person.make_page()
    assert await person.slots(page["id"], person.day(3)) == [], "never assumed free before it was read"
    await world.work()
    assert await person.slots(page["id"], person.day(3))
    assert len(await world.rows("SELECT * FROM due_calendars")) == 2
    await person.patch(SAVE, {"availability_calendar_ids": both[:1]})
    assert await ticked(person) == both[:1]
    assert len(await world.rows("SELECT * FROM due_calendars")) == 1
    assert len(await world.rows("SELECT * FROM calendar_syncs")) == 1


async def test_r29_the_primary_is_always_checked(world: World) -> None:
    person, calendars = await with_calendars(world)
    for ids in ([], [calendars["Project"]["id"]]):
        problem(await person.patch(SAVE, {"availability_calendar_ids": ids}), 409, "primary_calendar_required")
    assert await ticked(person) == [calendars["Primary"]["id"]]


async def test_r53_somebody_elses_calendar_cannot_be_ticked(world: World) -> None:
    person, calendars = await with_calendars(world)
    _, foreign = await with_calendars(world)
    _, colleague = await with_calendars(world, account_id=person.account_id)
    for other in (foreign["Project"]["id"], colleague["Project"]["id"], encode_id("cal", new_id())):
        ids = [calendars["Primary"]["id"], other]
        problem(await person.patch(SAVE, {"availability_calendar_ids": ids}), 404, "not_found")


BAD_FIELDS: list[tuple[dict[str, Any], int, str]] = [
    ({"domain_id": encode_id("dom", new_id())}, 422, "domain_not_connected"),
    ({"default_page_id": encode_id("page", new_id())}, 404, "not_found"),
    ({"chat_profile": {"enabled": True, "page_id": encode_id("page", new_id())}}, 404, "not_found"),
    ({"availability_calendar_ids": [encode_id("cal", new_id())]}, 404, "not_found"),
    ({"availability_calendar_ids": []}, 409, "primary_calendar_required"),
    ({"task_sync": True, "calendar_sync": False}, 403, "entitlement_required"),
    ({"meetings_url": "Not A Slug"}, 422, "validation_failed"),
    ({"no_such_field": 1}, 422, "validation_failed"),
]


@pytest.mark.parametrize(("bad", "status", "code"), BAD_FIELDS)
async def test_r4_one_bad_field_leaves_everything_as_it_was(
    world: World, bad: dict[str, Any], status: int, code: str
) -> None:
    person, calendars = await with_calendars(world, seats=[{"product": "sales_hub", "tier": "starter"}])
    page = await person.make_page()
    await world.work()
    before = (await person.get(SAVE)).json()
    good = {
        "tentative_blocks": False,
        "turned_off": True,
        "calendar_sync": False,
        "meetings_url": f"ada-{person.user_id[-8:]}",
        "default_page_id": page["id"],
        "chat_profile": {"enabled": True, "page_id": page["id"]},
        "availability_calendar_ids": [calendars[name]["id"] for name in ("Primary", "Project")],
    }
    problem(await person.patch(SAVE, good | bad), status, code)
    assert (await person.get(SAVE)).json() == before
    assert await world.rows("SELECT * FROM directory WHERE kind = 'prefix'") == []
    assert len(await world.rows("SELECT * FROM calendar_syncs")) == 1
    assert await world.rows("SELECT * FROM queue.pgqueuer") == []
    saved = await person.patch(SAVE, good)
    assert saved.status_code == 200, saved.text
    after = saved.json()
    assert after["version"] == before["version"] + 1
    assert (after["turned_off"], after["meetings_url"], after["default_page_id"]) == (
        True,
        good["meetings_url"],
        page["id"],
    )


async def test_r4_what_is_absent_stays_and_null_clears(world: World) -> None:
    person, _ = await with_calendars(world)
    await person.patch(SAVE, {"meetings_url": f"bo-{person.user_id[-8:]}", "turned_off": True})
    kept = (await person.patch(SAVE, {"turned_off": False})).json()
    assert kept["meetings_url"] == f"bo-{person.user_id[-8:]}"
    cleared = (await person.patch(SAVE, {"meetings_url": None})).json()
    assert (cleared["meetings_url"], cleared["turned_off"]) == (None, False)


async def test_r4_null_brings_back_how_everything_was_at_first(world: World) -> None:
    person, calendars = await with_calendars(world)
    page = await person.make_page()
    first = (await person.get(SAVE)).json()
    changes = {
        "calendar_sync": False,
        "scheduling_pages": False,
        "turned_off": True,
        "tentative_blocks": False,
        "meetings_url": f"ada-{person.user_id[-8:]}",
        "chat_profile": {"enabled": True, "page_id": page["id"]},
        "availability_calendar_ids": [calendars[name]["id"] for name in ("Primary", "Project")],
        "drift_policies": {"moved": "ask"},
        "auto_confirm_requests": True,
    }
    changed = (await person.patch(SAVE, changes)).json()
    untouched = {"version", "default_page_id", "domain_id", "task_sync"}
    assert {name for name in first if first[name] == changed[name]} == untouched - {"version"}
    restored = await person.patch(SAVE, dict.fromkeys(changes))
    assert restored.status_code == 200, restored.text
    kept = {"enabled": False, "page_id": None, "widget_key": changed["chat_profile"]["widget_key"]}
    assert restored.json()["chat_profile"] == kept, "a widget that stands on somebody's site finds its chat again"
    same = {"version": 0, "chat_profile": None}
    assert restored.json() | same == first | same
    await person.patch(SAVE, {"task_sync": True})
    assert (await person.patch(SAVE, {"task_sync": None})).json()["task_sync"] is False


async def test_r4_null_is_no_wish_of_somebody_without_a_calendar(world: World) -> None:
    person = await world.person()
    first = (await person.get(SAVE)).json()
    nothing = dict.fromkeys(("calendar_sync", "task_sync", "turned_off", "chat_profile", "availability_calendar_ids"))
    assert (await person.patch(SAVE, nothing)).json() == first | {"version": first["version"] + 1}


async def test_syncing_now_says_where_to_watch_it(world: World) -> None:
    person, _ = await with_calendars(world)
    started = await person.post(f"/v1/connections/{person.connection_id}/sync")
    assert started.status_code == 202
    watched = await person.get(started.headers["Location"])
    assert watched.json()["calendars"] == started.json()["calendars"]


async def test_r4_a_save_over_another_version_is_refused(world: World) -> None:
    person, _ = await with_calendars(world)
    read = await person.get(SAVE)
    etag = read.headers["ETag"]
    assert etag == f'"{read.json()["version"]}"'
    first = await person.patch(SAVE, {"turned_off": True}, **{"If-Match": etag})
    assert first.status_code == 200
    assert first.headers["ETag"] != etag
    stale = problem(await person.patch(SAVE, {"turned_off": False}, **{"If-Match": etag}), 412, "version_mismatch")
    assert stale["version"] == first.json()["version"]
    assert (await person.get(SAVE)).json()["turned_off"] is True
    assert (await person.patch(SAVE, {"turned_off": False}, **{"If-Match": "*"})).status_code == 200


NO_VERSIONS = ["nonsense", 'W/"1"', '"7', "²", "-1", '""', "1,2", "9" * 39]


async def test_r4_an_if_match_that_is_no_version_of_ours_matches_nothing(world: World) -> None:
    for value in NO_VERSIONS:
        person = await world.person()
        version = (await person.get(SAVE)).json()["version"]
        assert version == 1
        tag = '"7' if value == '"1' else value
        headers = person.headers | {"If-Match": tag.encode("latin-1")}
        answer = await world.api.patch(SAVE, json={"turned_off": True}, headers=headers)
        problem(answer, 412, "version_mismatch")


async def test_r35_a_meetings_url_needs_a_starter_seat_and_is_taken_once(world: World) -> None:
    poor, _ = await with_calendars(world, seats=[{"product": "sales_hub", "tier": "free"}])
    url = f"carla-{poor.user_id[-8:]}"
    refused = problem(await poor.patch(SAVE, {"meetings_url": url}), 403, "entitlement_required")
    assert refused["required_tiers"] == ["starter", "professional", "enterprise"]
    rich, _ = await with_calendars(world, seats=[{"product": "service_hub", "tier": "starter"}])
    assert (await rich.patch(SAVE, {"meetings_url": url})).status_code == 200
    assert (await rich.patch(SAVE, {"meetings_url": url})).status_code == 200, "one's own"
    other, _ = await with_calendars(world)
    problem(await other.patch(SAVE, {"meetings_url": url}), 409, "slug_taken")


async def test_r22_tasks_need_a_professional_seat_and_the_sync(world: World) -> None:
    person, _ = await with_calendars(world, seats=[{"product": "sales_hub", "tier": "starter"}])
    refused = problem(await person.patch(SAVE, {"task_sync": True}), 403, "entitlement_required")
    assert (refused["entitlement"], refused["required_tiers"]) == ("task_sync", ["professional", "enterprise"])
    await person.refresh_token(seats=[{"product": "sales_hub", "tier": "professional"}])
    assert (await person.patch(SAVE, {"task_sync": True})).json()["task_sync"] is True
    off = (await person.patch(SAVE, {"calendar_sync": False})).json()
    assert (off["calendar_sync"], off["task_sync"]) == (False, False), "tasks need the sync"


async def test_r4_what_is_on_already_is_no_wish_whatever_has_become_of_its_ground(world: World) -> None:
    person, _ = await with_calendars(world)
    await person.make_page()
    assert (await person.patch(SAVE, {"task_sync": True})).status_code == 200
    await assign(world, person, [])
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    read = await form(person)
    assert (read["calendar_sync"], read["task_sync"]) == (True, True)
    saved = await person.patch(SAVE, read | {"turned_off": True})
    assert saved.status_code == 200, saved.text
    assert await form(person) == read | {"turned_off": True}
    off = await person.patch(SAVE, {"task_sync": False, "calendar_sync": False})
    assert off.status_code == 200, off.text
    for wish in ({"calendar_sync": True}, {"task_sync": True, "calendar_sync": True}):
        refused = problem(await person.patch(SAVE, wish), 409, "capability_not_supported")
        assert (refused["capability"], refused["reason"]) == ("calendar_sync", "reauthorization_required")


async def test_r4_the_form_of_somebody_without_a_calendar_can_be_saved(world: World) -> None:
    person = await world.person()
    read = await form(person)
    saved = await person.patch(SAVE, read | {"turned_off": True})
    assert saved.status_code == 200, saved.text
    assert await form(person) == read | {"turned_off": True}


@pytest.mark.parametrize(
    ("before", "wish"),
    [
        ({"calendar_sync": False}, {"task_sync": True}),
        ({}, {"task_sync": True, "calendar_sync": False}),
        ({"task_sync": True}, {"task_sync": True, "calendar_sync": False}),
    ],
    ids=["off", "turned off at once", "both on, one turned off"],
)
async def test_r18_tasks_without_the_sync_are_refused_and_nothing_is_changed(
    world: World, before: dict[str, Any], wish: dict[str, Any]
) -> None:
    person, _ = await with_calendars(world)
    assert (await person.patch(SAVE, before)).status_code == 200
    read = await form(person)
    refused = problem(await person.patch(SAVE, wish), 409, "capability_not_supported")
    assert (refused["capability"], refused["reason"]) == ("task_sync", "calendar_sync_off")
    assert refused["detail"] == "This needs calendar sync. Turn it on in your calendar settings."
    assert await form(person) == read
    for sync in (None, True):
        both = await person.patch(SAVE, {"task_sync": True, "calendar_sync": sync})
        assert (both.json()["calendar_sync"], both.json()["task_sync"]) == (True, True), "null: as at first, on"


async def test_r18_the_sync_cannot_be_switched_on_without_a_connection(world: World) -> None:
    person = await world.person()
    refused = problem(await person.patch(SAVE, {"calendar_sync": True}), 409, "capability_not_supported")
    assert (refused["capability"], refused["reason"]) == ("calendar_sync", "no_connection")
    ids = {"availability_calendar_ids": [encode_id("cal", new_id())]}
    problem(await person.patch(SAVE, ids), 409, "calendar_not_connected")


async def test_r4_settings_are_each_persons_own(world: World) -> None:
    person, _ = await with_calendars(world)
    colleague = await world.person(account_id=person.account_id)
    await person.patch(SAVE, {"turned_off": True})
    assert (await colleague.get(SAVE)).json()["turned_off"] is False


async def test_r17_after_a_change_to_exchange_neither_the_sync_nor_the_tasks_are_on(world: World) -> None:
    person = await world.connected(seats=[{"product": "sales_hub", "tier": "professional"}])
    saved = await person.patch("/v1/calendar-settings", {"task_sync": True})
    assert (saved.json()["calendar_sync"], saved.json()["task_sync"]) == (True, True)
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    await world.sandbox.exchange.account(person.email)
    assert (await person.connect_with_password(PASSWORD)).status_code == 201
    found = (await person.get("/v1/calendar-settings")).json()
    assert (found["calendar_sync"], found["task_sync"], found["scheduling_pages"]) == (False, False, True)
    problem(await person.patch("/v1/calendar-settings", {"calendar_sync": True}), 409, "capability_not_supported")
