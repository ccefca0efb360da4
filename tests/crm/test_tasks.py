"""Tasks, and the calendar made for them (R22).

The one rule: the primary calendar never holds a task, and nothing a person does in a calendar loses one.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.sync.schedule import enqueue_due_syncs
from tests.crm.scene import make_contact, span, synced
from tests.support.hands import ALL
from tests.support.people import Person
from tests.support.visitors import fault
from tests.support.world import World, problem

HOUR = timedelta(hours=1)
NO_SEAT: list[dict[str, str]] = []
SEAT = [{"product": "sales_hub", "tier": "professional"}]


async def with_tasks(world: World, **claims: Any) -> Person:
    """Somebody whose tasks are kept in step."""
    person = await world.connected(**claims)
    await turn(person, on=True)
    await world.work()
    return person


async def turn(person: Person, *, on: bool) -> None:
    answer = await person.patch("/v1/calendar-settings", {"task_sync": on})
    assert answer.status_code == 200, answer.text


async def assign(world: World, person: Person, seats: list[dict[str, str]]) -> None:
    """The CRM says which seats the person has."""
    crm = await world.service(person.account_id)
    user = {"email": person.email, "locale": "en", "time_zone": person.time_zone, "subscriptions": [], "seats": seats}
    answer = await crm.put(f"/v1/users/{person.user_id}", user | {"permissions": ["personal_email_access"]})
    assert answer.status_code == 200, answer.text
    await world.work()


async def add(world: World, person: Person, **changes: Any) -> dict[str, Any]:
    body = {"title": "Call back", "due_at": person.at(2, "10:00").isoformat()} | changes
    answer = await person.post("/v1/tasks", body)
    assert answer.status_code == 201, answer.text
    await world.work()
    made: dict[str, Any] = answer.json()
    return made


async def look(person: Person, task: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = (await person.get(f"/v1/tasks/{task['id']}")).json()
    return body


async def state(person: Person, task: dict[str, Any]) -> tuple[str, str | None]:
    event = (await look(person, task))["calendar_event"]
    return event["status"], event["reason"]


async def change(world: World, person: Person, task: dict[str, Any], **changes: Any) -> None:
    answer = await person.patch(f"/v1/tasks/{task['id']}", changes)
    assert answer.status_code == 200, answer.text
    await world.work()


async def task_calendars(world: World) -> list[str]:
    """The provider's ids of the calendars that we made and that still stand."""
    rows = await world.rows("SELECT provider_calendar_id FROM calendars WHERE NOT is_primary ORDER BY id")
    return [row["provider_calendar_id"] for row in rows]


async def events(world: World, person: Person) -> list[dict[str, Any]]:
    [calendar] = await task_calendars(world)
    return await world.sandbox.google_events(person.email, calendar)


def starts(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["start"]["dateTime"])


async def test_r22_a_task_stands_in_a_calendar_of_its_own_and_blocks_nothing(world: World) -> None:
    person = await with_tasks(world)
    contact = await make_contact(person)
    task = await add(world, person, notes="The contract", contact_id=contact["id"])
    assert await state(person, task) == ("written", None)
    [event] = await events(world, person)
    assert (event["summary"], event["description"], event["transparency"]) == (
        "Call back",
        "The contract",
        "transparent",
    )
    assert starts(event) == person.at(2, "10:00")
    assert await world.sandbox.google_events(person.email) == [], "the primary holds none"
    page = await person.make_page()
    offered = [slot["start_at"] for slot in await person.slots(page["id"], person.day(2))]
    assert person.at(2, "10:00") in map(datetime.fromisoformat, offered)


async def test_r22_two_tasks_at_once_share_one_calendar(world: World) -> None:
    person = await with_tasks(world)
    for number in range(3):
        await person.post("/v1/tasks", {"title": f"Task {number}", "due_at": person.at(2, "10:00").isoformat()})
    await world.work()
    assert len(await events(world, person)) == 3


async def test_r22_changes_and_completion_follow(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    later = person.at(3, "16:00")
    await change(world, person, task, due_at=later.isoformat(), title="Write back", duration_minutes=45)
    [event] = await events(world, person)
    assert (event["summary"], starts(event)) == ("Write back", later)
    await change(world, person, task, status="completed")
    assert [event["summary"] for event in await events(world, person)] == ["✓ Write back"]
    done = await look(person, task)
    assert done["completed_at"] is not None
    await change(world, person, task, status="in_progress")
    assert [event["summary"] for event in await events(world, person)] == ["Write back"]
    assert (await look(person, task))["completed_at"] is None
    await change(world, person, task, notes=None, status=None)
    assert (await look(person, task))["status"] == "not_started"


async def test_r22_what_is_written_down_as_done_gets_no_event_until_it_is_open_again(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person, status="completed")
    assert await events(world, person) == []
    await change(world, person, task, status="in_progress")
    assert [event["summary"] for event in await events(world, person)] == ["Call back"]


async def test_r22_who_dies_making_the_calendar_leaves_it_to_the_next(world: World) -> None:
    person = await world.connected()
    lease = "INSERT INTO task_calendars (account_id, connection_id, lease_until) SELECT account_id, id, now() + $1"
    await world.rows(f"{lease} FROM connections", timedelta(minutes=1))
    await turn(person, on=True)
    task = await add(world, person)
    assert await task_calendars(world) == [], "somebody else is at it"
    world.clock.offset = timedelta(minutes=2)
    await world.work(until=timedelta(minutes=2))
    assert await state(person, task) == ("written", None)


async def test_r22_a_deleted_task_takes_its_event_with_it(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    assert (await person.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    problem(await person.get(f"/v1/tasks/{task['id']}"), 404, "not_found")
    await world.work()
    assert await events(world, person) == []
    assert await world.rows("SELECT * FROM tasks") == []
    assert "Call back" not in repr(await world.rows("SELECT data::text FROM feed_events"))


async def test_r22_without_the_switch_the_sync_the_seat_or_a_connection_it_says_why(world: World) -> None:
    nobody = await world.person()
    assert await state(nobody, await add(world, nobody)) == ("not_applicable", "no_connection")
    person = await world.connected()
    task = await add(world, person)
    assert await state(person, task) == ("not_applicable", "task_sync_off")
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    assert await state(person, task) == ("not_applicable", "calendar_sync_off")
    await assign(world, person, NO_SEAT)
    assert await state(person, task) == ("not_applicable", "seat_required")
    refused = await person.patch("/v1/calendar-settings", {"calendar_sync": True, "task_sync": True})
    assert refused.status_code in {403, 409}
    assert await task_calendars(world) == []


async def test_r22_at_exchange_it_says_why(world: World) -> None:
    person = await world.person()
    hands = ALL["exchange"](world.sandbox)
    await hands.account(person)
    await hands.connect(person)
    await world.work()
    assert await state(person, await add(world, person)) == ("not_applicable", "provider_unsupported")


async def test_r55_a_lost_seat_stops_it_and_a_regained_one_catches_up(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    await assign(world, person, NO_SEAT)
    assert await state(person, task) == ("written", "seat_required"), "what stands there stays"
    await change(world, person, task, title="Later")
    [event] = await events(world, person)
    assert event["summary"] == "Call back", "nothing is written without the seat"
    await assign(world, person, SEAT)
    assert [event["summary"] for event in await events(world, person)] == ["Later"]
    assert await state(person, task) == ("written", None)


@pytest.mark.parametrize("seat_lost", [False, True])
async def test_r22_r55_a_task_that_waits_for_the_provider_is_not_written_once_the_sync_is_off(
    world: World, *, seat_lost: bool
) -> None:
    person = await with_tasks(world)
    standing = await add(world, person, title="Stands")
    await fault(world, person, "unavailable", times=None)
    waiting = await add(world, person)
    await change(world, person, standing, title="Stands still")
    assert await state(person, waiting) == ("pending", "provider_unavailable")
    await (assign(world, person, NO_SEAT) if seat_lost else turn(person, on=False))
    await world.sandbox.clear_google_faults()
    await world.work(until=HOUR)
    assert [event["summary"] for event in await events(world, person)] == ["Stands"]
    why = "seat_required" if seat_lost else "task_sync_off"
    assert (await state(person, waiting), await state(person, standing)) == (("not_applicable", why), ("written", why))
    await (assign(world, person, SEAT) if seat_lost else turn(person, on=True))
    await world.work()
    assert {event["summary"] for event in await events(world, person)} == {"Stands still", "Call back"}
    assert (await state(person, waiting), await state(person, standing)) == (("written", None), ("written", None))


@pytest.mark.parametrize("seat_lost", [False, True])
async def test_r22_what_is_done_to_an_event_while_the_sync_is_off_waits_for_it(
    world: World, *, seat_lost: bool
) -> None:
    """No job goes round meanwhile, and nothing is lost: what was changed here, and what was changed there."""
    person = await with_tasks(world)
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    await (assign(world, person, NO_SEAT) if seat_lost else turn(person, on=False))
    await change(world, person, task, title="Call them back")
    later = person.at(4, "08:00")
    await world.sandbox.patch_google_event(person.email, event["id"], span(later), calendar)
    await synced(world, person)
    assert await world.rows("SELECT FROM calendar_changes") == [], "it would be tried again and again"
    assert datetime.fromisoformat((await look(person, task))["due_at"]) == person.at(2, "10:00")
    await (assign(world, person, SEAT) if seat_lost else turn(person, on=True))
    await world.work(until=HOUR)
    seen = await look(person, task)
    assert (seen["title"], datetime.fromisoformat(seen["due_at"])) == ("Call them back", later)
    [event] = await events(world, person)
    assert (event["summary"], starts(event)) == ("Call them back", later)


@pytest.mark.parametrize("whole_day", [False, True])
async def test_r22_a_task_long_due_that_was_moved_while_the_sync_was_off_is_due_when_its_event_is(
    world: World, *, whole_day: bool
) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    await turn(person, on=False)
    days = {name: {"date": str(person.day(day)), "dateTime": None} for name, day in (("start", 60), ("end", 61))}
    moved = days if whole_day else span(person.at(60, "00:00"))
    await world.sandbox.patch_google_event(person.email, event["id"], moved, calendar)
    await synced(world, person)
    world.clock.offset = timedelta(days=40)
    await turn(person, on=True)
    await world.work()
    assert datetime.fromisoformat((await look(person, task))["due_at"]) == person.at(60, "00:00")


async def test_r22_turned_on_later_it_takes_what_is_open_and_leaves_what_is_done(world: World) -> None:
    person = await world.connected()
    await add(world, person)
    await add(world, person, title="Done before", status="completed")
    await turn(person, on=True)
    await world.work()
    assert [event["summary"] for event in await events(world, person)] == ["Call back"]


async def test_r23_a_task_moved_in_the_calendar_stays_there_when_something_else_of_it_changes(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person, notes="Ask")
    [event], [calendar] = await events(world, person), await task_calendars(world)
    later = person.at(2, "15:00")
    by_hand = span(later, 45) | {"description": "Ask twice"}
    await world.sandbox.patch_google_event(person.email, event["id"], by_hand, calendar)
    await change(world, person, task, title="Call them")
    await synced(world, person)
    [event] = await events(world, person)
    assert (event["summary"], event["description"], starts(event)) == ("Call them", "Ask twice", later)
    seen = await look(person, task)
    assert (seen["title"], datetime.fromisoformat(seen["due_at"]), seen["duration_minutes"]) == ("Call them", later, 45)
    await change(world, person, task, due_at=person.at(3, "09:00").isoformat())
    [event] = await events(world, person)
    assert starts(event) == person.at(3, "09:00"), "but whoever asks for a time has it"


async def test_r22_what_a_person_does_to_the_event_comes_back_to_the_task(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    later = person.at(4, "08:00")
    writes = len(await world.sandbox.google_ledger(account=person.email, actor="api"))
    await world.sandbox.patch_google_event(
        person.email, event["id"], span(later, 45) | {"summary": "Call them back"}, calendar
    )
    for _ in range(2):
        await synced(world, person)
    seen = await look(person, task)
    assert (seen["title"], seen["duration_minutes"], seen["version"]) == ("Call them back", 45, 2)
    assert datetime.fromisoformat(seen["due_at"]) == later
    assert len(await world.sandbox.google_ledger(account=person.email, actor="api")) == writes, "no echo"


async def reconnected(world: World, person: Person) -> None:
    await world.sandbox.revoke_google(person.email)
    await synced(world, person)
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] != "active"
    assert (await person.reauthorize())["status"] == "completed"
    await world.work()


async def ticked_and_unticked(world: World, person: Person) -> None:
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    for chosen in (listed, [item for item in listed if item["is_primary"]]):
        ids = [item["id"] for item in chosen]
        assert (await person.patch("/v1/calendar-settings", {"availability_calendar_ids": ids})).status_code == 200
        await world.work()


@pytest.mark.parametrize("meanwhile", [reconnected, ticked_and_unticked])
async def test_r22_what_is_done_in_the_tasks_calendar_goes_on_coming_back(
    world: World, meanwhile: Callable[[World, Person], Awaitable[None]]
) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    await meanwhile(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    later = person.at(4, "08:00")
    await world.sandbox.patch_google_event(person.email, event["id"], span(later, 45), calendar)
    world.clock.offset += timedelta(hours=1)
    await enqueue_due_syncs(world.services.sessions, world.clock)  # as it is without anybody's asking
    await world.work()
    assert datetime.fromisoformat((await look(person, task))["due_at"]) == later
    read = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()
    assert {item["state"] for item in read["calendars"]} == {"idle"}


async def with_a_deleted_event(world: World) -> tuple[Person, dict[str, Any], str]:
    """A person, their task, and the id of its event, which they have deleted in the calendar."""
    person = await with_tasks(world)
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    await world.sandbox.delete_google_event(person.email, event["id"], calendar)
    await synced(world, person)
    return person, task, event["id"]


async def bring_back(world: World, person: Person, event_id: str) -> None:
    [calendar] = await task_calendars(world)
    await world.sandbox.patch_google_event(person.email, event_id, {"status": "confirmed"}, calendar)
    await synced(world, person)


async def test_r22_a_deleted_event_loses_no_task_and_comes_back_when_the_task_is_changed(world: World) -> None:
    person, task, _ = await with_a_deleted_event(world)
    assert await state(person, task) == ("not_applicable", "removed_in_calendar")
    await turn(person, on=True)
    await world.work()
    assert await events(world, person) == [], "nothing but a change of the task brings it back"
    await change(world, person, task, notes="again")
    assert len(await events(world, person)) == 1
    assert await state(person, task) == ("written", None)


async def test_r22_a_task_whose_event_was_brought_back_has_it_and_takes_it_along(world: World) -> None:
    person, task, event = await with_a_deleted_event(world)
    await bring_back(world, person, event)
    assert await state(person, task) == ("written", None)
    assert (await person.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    await world.work()
    assert await events(world, person) == []
    assert await world.rows("SELECT FROM tasks") == []


async def test_r22_a_task_that_is_deleted_after_its_event_is_gone_for_good(world: World) -> None:
    person, task, _ = await with_a_deleted_event(world)
    assert (await person.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    await world.work()
    assert await world.rows("SELECT FROM tasks") == []
    assert await world.rows("SELECT FROM calendar_writes") == []


async def test_r22_an_event_brought_back_while_the_sync_is_off_goes_with_its_task(world: World) -> None:
    person, task, event = await with_a_deleted_event(world)
    await turn(person, on=False)
    await bring_back(world, person, event)
    await turn(person, on=True)
    await world.work()
    assert await state(person, task) == ("written", None)
    await person.delete(f"/v1/tasks/{task['id']}")
    await world.work()
    assert await events(world, person) == []


async def test_r22_an_event_made_all_day_is_due_when_the_day_begins(world: World) -> None:
    person = await with_tasks(world, zoneinfo="Asia/Kolkata")
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    day = person.day(5)
    times = {
        "start": {"date": day.isoformat(), "dateTime": None},
        "end": {"date": (day + timedelta(days=1)).isoformat(), "dateTime": None},
    }
    await world.sandbox.patch_google_event(person.email, event["id"], times, calendar)
    await synced(world, person)
    assert datetime.fromisoformat((await look(person, task))["due_at"]) == person.at(5, "00:00")


async def test_r22_a_calendar_its_person_has_deleted_is_made_anew_with_all_in_it(world: World) -> None:
    person = await with_tasks(world)
    first, second = await add(world, person), await add(world, person, title="Second")
    [calendar] = await task_calendars(world)
    await world.sandbox.delete_google_calendar(calendar)
    await synced(world, person)
    assert (await state(person, second))[1] == "access_lost", "and it is told"
    told = await world.rows("SELECT type FROM feed_events WHERE type LIKE 'availability_calendar.%'")
    assert told == [], "no time of anybody depends on it"
    await change(world, person, first, title="First")
    await world.work(until=HOUR)
    [anew] = await task_calendars(world)
    assert anew != calendar
    assert {event["summary"] for event in await events(world, person)} == {"First", "Second"}
    assert await state(person, second) == ("written", None)


async def test_r22_the_calendar_is_found_again_when_the_answer_was_lost(world: World) -> None:
    person = await world.connected()
    await add(world, person)
    await world.sandbox.add_google_fault("lost_after_commit", account=person.email, method="POST", path="/calendars$")
    await turn(person, on=True)
    await world.work(until=HOUR)
    assert len(await events(world, person)) == 1
    asked = await world.sandbox.google_requests(account=person.email)
    made = [request for request in asked if request["method"] == "POST" and request["path"].endswith("/calendars")]
    assert len(made) == 1, "found, not made again"


async def test_r22_r46_a_deleted_task_goes_only_once_nothing_of_it_can_land_any_more(world: World) -> None:
    person = await with_tasks(world)
    await fault(world, person, "reset_before", method="POST", path="/events$", times=50)
    task = await add(world, person)
    assert (await person.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    await world.work()
    [write] = await world.rows("SELECT draft, look_again_at FROM calendar_writes")
    assert write["draft"] is None
    assert write["look_again_at"] is not None, "what was sent may land yet, and is removed then"
    problem(await person.get(f"/v1/tasks/{task['id']}"), 404, "not_found")
    for _ in range(3):
        world.clock.offset += timedelta(minutes=4)
        await world.work(until=timedelta(minutes=10))
    assert await world.rows("SELECT FROM tasks") == []
    assert await events(world, person) == []


async def test_r22_disconnecting_leaves_the_tasks_and_connecting_again_places_them(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    assert await state(person, task) == ("not_applicable", "no_connection")
    await person.connect()
    await world.work()
    await turn(person, on=True)
    await world.work()
    assert await state(person, task) == ("written", None)


async def test_r22_an_event_deleted_while_nothing_was_connected_is_not_put_back(world: World) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    [event] = await events(world, person)
    [calendar] = await task_calendars(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await world.sandbox.delete_google_event(person.email, event["id"], calendar)
    await reconnected_anew(world, person)
    assert await events(world, person) == []
    assert await state(person, task) == ("not_applicable", "removed_in_calendar")
    await change(world, person, task, notes="again")
    assert len(await events(world, person)) == 1


async def reconnected_anew(world: World, person: Person) -> None:
    await person.connect()
    await world.work()
    await turn(person, on=True)
    await world.work()
    await synced(world, person)


async def test_r22_old_tasks_are_not_asked_about_again_and_again(world: World) -> None:
    person = await with_tasks(world)
    await add(world, person)
    await world.rows("UPDATE calendar_writes SET ends_at = now() - interval '40 days', etag = 'as written'")
    await world.rows("DELETE FROM mirror_events")
    since = len(await world.sandbox.google_requests(account=person.email, method="GET"))
    await turn(person, on=True)
    await world.work()
    asked = await world.sandbox.google_requests(account=person.email, method="GET")
    assert [request["path"] for request in asked[since:] if "/events/" in request["path"]] == []


async def test_r22_what_was_done_long_ago_is_not_written_again_and_again(world: World) -> None:
    person = await with_tasks(world)
    long_done, done_late, still_open = [await add(world, person, title=title) for title in ("Long", "Late", "Open")]
    await change(world, person, long_done, status="completed")
    world.clock.offset += timedelta(days=31)
    await person.refresh_token()
    await change(world, person, done_late, status="completed")
    await world.rows("UPDATE calendars SET time_zone = 'Asia/Tokyo' WHERE NOT is_primary")
    before = {event["id"]: event["updated"] for event in await events(world, person)}
    await turn(person, on=True)
    await world.work()
    written = {event["summary"] for event in await events(world, person) if event["updated"] != before[event["id"]]}
    assert written == {"✓ Late", "Open"}
    assert (await person.delete(f"/v1/tasks/{long_done['id']}")).status_code == 204
    await world.work()
    assert {event["summary"] for event in await events(world, person)} == {"✓ Late", "Open"}, "it still takes it along"
    assert (await look(person, still_open))["status"] == "not_started"


async def test_tasks_are_listed_by_status_and_contact_a_page_at_a_time(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person)
    tasks = [await add(world, person, title=f"T{number}") for number in range(3)]
    tasks.append(await add(world, person, contact_id=contact["id"], status="completed"))
    first = (await person.get("/v1/tasks", limit=3)).json()
    second = (await person.get("/v1/tasks", limit=3, cursor=first["next_cursor"])).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [task["id"] for task in tasks]
    for query in ({"status": "completed"}, {"contact_id": contact["id"]}):
        assert [item["id"] for item in (await person.get("/v1/tasks", **query)).json()["items"]] == [tasks[3]["id"]]


async def test_p4_a_task_is_its_owners_alone(world: World) -> None:
    person = await world.person()
    task = await add(world, person)
    for other in (await world.person(account_id=person.account_id), await world.person()):
        path = f"/v1/tasks/{task['id']}"
        for answer in (await other.get(path), await other.patch(path, {"title": "x"}), await other.delete(path)):
            problem(answer, 404, "not_found")
        assert (await other.get("/v1/tasks")).json()["items"] == []


async def test_bad_input_is_refused(world: World) -> None:
    person = await world.person()
    due = person.at(2, "10:00").isoformat()
    for body in (
        {"title": "x"}, {"title": "", "due_at": due}, {"title": "x", "due_at": "2026-12-01T10:00:00"},
        {"title": "x", "due_at": due, "status": "late"}, {"title": "x", "due_at": due, "duration_minutes": 1},
        {"title": "x", "due_at": due, "contact_id": "cont_01k9qj5v3mfb9t2z8h4c6x7wdn"},
    ):  # fmt: skip
        problem(await person.post("/v1/tasks", body), 422, "validation_failed")
    task = await add(world, person)
    for body in ({"title": None}, {"due_at": None}):
        problem(await person.patch(f"/v1/tasks/{task['id']}", body), 422, "validation_failed")
    stale = await person.patch(f"/v1/tasks/{task['id']}", {"title": "x"}, **{"If-Match": '"7"'})
    problem(stale, 412, "version_mismatch")


@pytest.mark.parametrize("locale", ["sv", "de", "it", "pl"])
async def test_r51_the_calendar_is_named_in_its_persons_language(world: World, locale: str) -> None:
    person = await with_tasks(world, locale=locale)
    await add(world, person)
    names = {"sv": "Uppgifter", "de": "Aufgaben", "it": "Attività", "pl": "Zadania"}
    rows = await world.rows("SELECT name FROM calendars WHERE NOT is_primary")
    assert [row["name"] for row in rows] == [names[locale]]


async def test_r22_a_calendar_for_tasks_is_found_again_after_a_disconnect(world: World) -> None:
    person = await with_tasks(world)
    await add(world, person)
    [former] = await task_calendars(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await person.connect()
    await turn(person, on=True)
    await world.work()
    assert await task_calendars(world) == [former]
    assert len(await events(world, person)) == 1


async def test_r22_completing_a_task_whose_event_was_deleted_puts_nothing_back(world: World) -> None:
    person, task, _ = await with_a_deleted_event(world)
    await change(world, person, task, status="completed")
    assert await events(world, person) == []
