"""Pages as strangers see them: nothing leaks, and what is not known to be free is not offered (R26, R30, R34).

The one rule: whatever the service knows of the host, the answers are searched for all of it.
"""

from collections.abc import Iterator
from typing import Any

from tests.support.people import Person
from tests.support.visitors import Visit, fault, held
from tests.support.world import World, problem

NAMES_OF_OURS = ("google", "provider", "calendar_id", "connection", "account", "user_id", "owner", "busy", "primary")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every name and every value of a JSON document."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}/{index}")
    else:
        yield path, value


async def secrets_of(world: World, person: Person) -> set[str]:
    """What strangers must not learn: of the person, the calendars and what stands in them."""
    secrets = {person.email, person.user_id, person.account_id, person.connection_id, "Secret project"}
    for calendar in (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]:
        secrets |= {calendar["id"], calendar["name"]}
    for table in ("users", "connections", "calendars"):
        for row in await world.rows(f"SELECT account_id, id FROM {table}"):  # noqa: S608 - names of ours
            secrets |= {str(row["account_id"]), str(row["id"])}
    return {secret for secret in secrets if len(secret) > 4}


def assert_tells_nothing(answer: Any, secrets: set[str], *, of: str) -> None:
    for path, value in leaves(answer):
        assert not any(name in path.lower() for name in NAMES_OF_OURS), f"{of}: {path}"
        for secret in secrets:
            assert secret.lower() not in str(value).lower(), f"{of}: {path} tells {secret}"


async def test_r34_no_public_answer_tells_of_the_host_more_than_the_page_does(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    meeting = {
        "summary": "Secret project",
        "start": {"dateTime": person.at(3, "10:00").isoformat()},
        "end": {"dateTime": person.at(3, "11:00").isoformat()},
    }
    await world.sandbox.insert_google_event(person.email, meeting)
    secrets = await secrets_of(world, person)
    answers: dict[str, Any] = {}
    answers["resolve"] = await world.api.get(
        "/v1/public/resolve", params={"host": "127.0.0.1", "path": f"/meetings/{page['slug']}"}
    )
    answers["page"] = await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")
    answers["slots"] = await person.slot_list(page["id"], person.day(3))
    answers["taken"] = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert answers["taken"].status_code == 409
    answers["booked"] = await person.book(page["id"], person.at(3, "12:00").isoformat())
    assert answers["booked"].status_code == 201
    visit = held(world.api, answers["booked"])
    answers["moved"] = await visit.reschedule(person.at(3, "14:00"))
    answers["cancelled"] = await visit.cancel()
    answers["unknown"] = await world.api.get("/v1/public/scheduling-pages/page_01k9qj5v3mfb9t2z8h4c6x7wdn")
    for of, answer in answers.items():
        assert_tells_nothing({**answer.json(), "headers": dict(answer.headers)}, secrets, of=of)
    assert_tells_nothing(await visit.read(), secrets, of="read")


async def test_r34_a_booking_whose_event_failed_tells_the_visitor_no_more(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await fault(world, person, "forbidden", method="POST", path="/events$")
    visit = held(world.api, await person.book(page["id"], person.at(3, "12:00").isoformat()))
    await world.work()
    assert_tells_nothing(await visit.read(), await secrets_of(world, person), of="read")


async def test_r34_asking_for_a_page_needs_no_token_and_sets_no_cookie(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    answer = await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert set(answer.json()) == {
        "id", "name", "host_name", "description", "mode", "host_available", "time_zone", "durations_minutes",
        "form_fields", "max_guests", "consent_text", "language", "location", "redirect_url",
    }  # fmt: skip


async def availability(world: World, person: Person, page: dict[str, Any]) -> tuple[bool, str, int]:
    """What a page says of its host: available, mode, how many slots; the page and its slots must agree."""
    shown = (await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")).json()
    listed = (await person.slot_list(page["id"], person.day(3))).json()
    assert (shown["host_available"], shown["mode"]) == (listed["host_available"], listed["mode"])
    return listed["host_available"], listed["mode"], len(listed["items"])


async def test_r30_a_calendar_that_was_never_read_offers_nothing(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    page = await person.make_page()
    assert await availability(world, person, page) == (True, "offline", 48)
    await person.connect()
    assert await availability(world, person, page) == (False, "online", 0)
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 409, "booking_unavailable")
    await world.work()
    assert await availability(world, person, page) == (True, "online", 48)


async def test_r30_one_calendar_out_of_reach_stops_all_booking_until_it_is_back(world: World) -> None:
    person = await world.person()
    boss = f"boss-of-{person.email}"
    for email in (person.email, boss):
        await world.sandbox.google_account(email)
    shared = await world.sandbox.google_calendar(boss, "Boss")
    await world.sandbox.share_google_calendar(shared["id"], account=person.email, role="reader")
    await person.connect()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    chosen = [item["id"] for item in listed]
    assert (await person.patch("/v1/calendar-settings", {"availability_calendar_ids": chosen})).status_code == 200
    await world.work()
    page = await person.make_page()
    assert (await availability(world, person, page))[0] is True
    await world.sandbox.share_google_calendar(shared["id"], account=person.email, role="none")
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert await availability(world, person, page) == (False, "online", 0)
    shown = await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")
    assert_tells_nothing(shown.json(), {"Boss", "access_lost", boss}, of="page")
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 409, "booking_unavailable")
    assert (await person.get("/v1/bookings")).json()["items"] == []
    lost = [item for item in (await person.get("/v1/availability-calendars")).json()["items"] if not item["is_primary"]]
    assert [(item["status"], item["inactive_reason"]) for item in lost] == [("inactive", "access_lost")]
    await person.patch("/v1/calendar-settings", {"availability_calendar_ids": [chosen[0]]})
    assert await availability(world, person, page) == (True, "online", 48)


async def test_r16_a_revoked_connection_makes_the_host_unavailable_not_free(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "reauthorization_required"
    assert await availability(world, person, page) == (False, "online", 0)
    problem(await person.book(page["id"], person.at(3, "09:00").isoformat()), 409, "booking_unavailable")
    await person.connect()
    await world.work()
    assert await availability(world, person, page) == (True, "online", 48)


async def test_r15_after_disconnecting_the_page_takes_requests_again(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    assert (await availability(world, person, page))[1] == "online"
    await person.delete(f"/v1/connections/{person.connection_id}")
    assert await availability(world, person, page) == (True, "offline", 48)
    await world.work()
    assert await availability(world, person, page) == (True, "offline", 48)


SENSELESS: list[dict[str, Any]] = [
    {"duration_minutes": 45},
    {"duration_minutes": 0},
    {"duration_minutes": "long"},
    {"time_zone": "Mars/Olympus_Mons"},
    {"time_zone": "../../etc/passwd"},
    {"time_zone": ""},
    {"first_day": "2027-02-30"},
    {"first_day": "1969-12-31", "last_day": "1970-01-01"},
    {"first_day": "9999-12-31", "last_day": "9999-12-31"},
    {"first_day": "0001-01-01", "last_day": "0001-01-01"},
    {"first_day": "2027-02-02", "last_day": "2027-02-01"},
    {"first_day": "2027-01-01", "last_day": "2027-03-04"},
]


async def test_r32_a_question_for_slots_that_makes_no_sense_is_refused(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    for query in SENSELESS:
        refused = await person.slot_list(page["id"], person.day(3), **query)
        assert refused.status_code == 422, (query, refused.text)
        assert refused.json()["errors"][0]["pointer"].startswith("/query/"), query


async def test_r32_sixty_two_days_are_the_most(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    listed = await person.slot_list(page["id"], person.day(3), first_day="2027-01-01", last_day="2027-03-03")
    assert listed.status_code == 200
    assert listed.headers["Cache-Control"] == "no-store"


async def test_the_visitors_token_is_told_once_and_not_to_the_host(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = await person.book(page["id"], person.at(3, "12:00").isoformat())
    visit: Visit = held(world.api, booked)
    assert len(visit.token) == 43
    assert (await visit.read())["booking_token"] is None
    own = await person.get(f"/v1/bookings/{visit.id}")
    assert visit.token not in own.text
    stored = await world.rows("SELECT * FROM bookings")
    assert visit.token not in str(stored)
