"""R30 to R32, R34: the owner's "why can nobody book me then?".

The one rule: the report says what the slots are, names the rule, and what it wants changed can be changed by the API.
"""

from datetime import timedelta
from typing import Any

import pytest

from app.ids import encode_id, new_id
from app.scheduling.report.schemas import AvailabilityReport
from tests.bookings.test_booking_attempts import with_lost_calendar
from tests.scheduling.test_unreachable_policies import choose, lost_one
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.world import World, problem

WHOLE_WEEK = [
    {"day": day, "start": "09:00", "end": "12:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
]


async def asked(person: Person, page_id: str, **query: Any) -> Any:
    return await person.get(
        f"/v1/scheduling-pages/{page_id}/availability-report",
        **{
            "time_zone": person.time_zone,
            "first_day": person.day(3).isoformat(),
            "last_day": person.day(3).isoformat(),
            "duration_minutes": 30,
        }
        | query,
    )


async def report(person: Person, page_id: str, **query: Any) -> dict[str, Any]:
    """The report, read by its schema, which knows every field."""
    answer = await asked(person, page_id, **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert AvailabilityReport.model_validate(body).model_dump(mode="json").keys() == body.keys()
    return body


def by_time(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By what the clock shows: what is said of the time."""
    return {item["start_at"][11:16]: item for item in body["items"]}


def rules(item: dict[str, Any]) -> list[str]:
    return [closure["rule"] for closure in item["closed_by"]]


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Asia/Kathmandu", "America/St_Johns", "Pacific/Auckland"])
async def test_r32_the_times_that_nothing_closes_are_the_slots(world: World, zone: str) -> None:
    person = await world.connected()
    await busy(world, person, person.at(3, "11:00"), minutes=50)
    page = await person.make_page(buffer_after_minutes=15, daily_limit=2)
    for clock in ("09:00", "14:00"):
        assert (await person.book(page["id"], person.at(4, clock).isoformat())).status_code == 201
    last = (person.day(3) + timedelta(days=8)).isoformat()
    body = await report(person, page["id"], time_zone=zone, last_day=last)
    slots = await person.slot_list(page["id"], person.day(3), person.day(3) + timedelta(days=8), time_zone=zone)
    open_ = [item for item in body["items"] if not item["closed_by"]]
    assert [{name: item[name] for name in ("start_at", "end_at", "grade")} for item in open_] == slots.json()["items"]
    assert all((item["grade"] is None) == bool(item["closed_by"]) for item in body["items"])


async def test_r31_an_event_closes_and_its_calendar_is_named(world: World) -> None:
    person = await world.connected()
    await busy(world, person, person.at(3, "10:00"))
    page = await person.make_page(buffer_before_minutes=15, increment_minutes=15)
    body = await report(person, page["id"])
    [calendar] = body["hosts"][0]["calendars"]
    taken = {"start_at": person.at(3, "10:00").isoformat(), "end_at": person.at(3, "10:30").isoformat()}
    whose = {"host_id": person.user_id, "calendar_id": calendar["calendar_id"], "booking_id": None}
    [closure], [change] = (by_time(body)["10:00"][name] for name in ("closed_by", "opened_by"))
    assert closure == {"rule": "busy", **whose, **taken}
    assert change == {"change": "free_calendar", **whose, **taken}
    near = by_time(body)["10:30"]
    assert near["closed_by"] == [{"rule": "buffer_before", **whose, **taken}]
    assert near["opened_by"] == [{"change": "buffer_before_minutes", "value": 0}]
    assert by_time(body)["10:45"]["closed_by"] == by_time(body)["09:30"]["closed_by"] == []


async def test_r45_what_is_booked_is_told_as_that_and_not_again_as_its_event(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    item = by_time(await report(person, page["id"]))["10:00"]
    assert [(closure["rule"], closure["booking_id"]) for closure in item["closed_by"]] == [("booked", booked["id"])]
    assert [(change["change"], change["booking_id"]) for change in item["opened_by"]] == [
        ("move_booking", booked["id"])
    ]


async def test_r48_what_a_visitor_holds_opens_by_waiting_only(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    async with world.visitor_at("198.51.100.7") as visitor:
        held = await visitor.post(
            f"/v1/public/scheduling-pages/{page['id']}/holds",
            json={"start_at": person.at(3, "10:00").isoformat(), "duration_minutes": 30},
        )
    assert held.status_code == 201, held.text
    item = by_time(await report(person, page["id"]))["10:00"]
    assert (rules(item), item["opened_by"]) == (["held"], None)


async def test_r32_each_setting_says_what_it_would_have_to_be(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(
        weekly_hours=WHOLE_WEEK, minimum_notice_minutes=4 * 1440, booking_window={"kind": "rolling_days", "days": 6}
    )
    near = by_time(await report(person, page["id"]))["09:00"]
    assert rules(near) == ["minimum_notice"]
    [notice] = near["opened_by"]
    assert notice["change"] == "minimum_notice_minutes"
    far = {"first_day": person.day(9).isoformat(), "last_day": person.day(9).isoformat()}
    late = by_time(await report(person, page["id"], **far))["09:00"]
    assert rules(late) == ["outside_booking_window"]
    [window] = late["opened_by"]
    changes = {"minimum_notice_minutes": notice["value"], "booking_window": window["booking_window"]}
    changed = await person.patch(f"/v1/scheduling-pages/{page['id']}", changes)
    assert changed.status_code == 200, changed.text
    assert by_time(await report(person, page["id"]))["09:00"]["grade"] == "confirmable"
    assert by_time(await report(person, page["id"], **far))["09:00"]["grade"] == "confirmable"


async def test_r32_hours_that_are_missing_are_those_of_the_date(world: World) -> None:
    person = await world.connected()
    hours = [*WHOLE_WEEK, {"day": "sunday", "start": "13:00", "end": "14:00"}]
    page = await person.make_page(weekly_hours=hours)
    body = by_time(await report(person, page["id"]))
    assert min(body) == "09:00"
    assert max(body) <= "13:45"
    assert rules(body["12:00"]) == ["outside_working_hours"]
    [change] = body["12:00"]["opened_by"]
    assert change == {
        "change": "date_override",
        "date_override": {
            "day": person.day(3).isoformat(),
            "hours": [{"start": "09:00", "end": "12:00"}, {"start": "12:00", "end": "12:30"}],
        },
    }
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"date_overrides": [change["date_override"]]})
    assert by_time(await report(person, page["id"]))["12:00"]["grade"] == "confirmable"


async def test_r32_a_full_day_and_a_full_week_say_so(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(weekly_hours=WHOLE_WEEK, daily_limit=1, weekly_limit=1)
    assert (await person.book(page["id"], person.at(3, "09:00").isoformat())).status_code == 201
    item = by_time(await report(person, page["id"]))["11:00"]
    assert rules(item) == ["daily_limit", "weekly_limit"]
    assert item["opened_by"] == [{"change": "daily_limit", "value": 2}, {"change": "weekly_limit", "value": 2}]


async def test_r30_a_lost_calendar_closes_everything_and_its_policy_says_otherwise(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    lost = await lost_one(person)
    body = await report(person, page["id"])
    assert (body["host_available"], body["hosts"][0]["status"]) == (False, "unavailable")
    closure = {"rule": "calendar_unreachable", "host_id": person.user_id, "calendar_id": lost["calendar_id"]}
    change = closure | {"change": "restore_calendar"}
    del change["rule"]
    assert all(closure in item["closed_by"] and change in item["opened_by"] for item in body["items"])
    told = next(one for one in body["hosts"][0]["calendars"] if one["calendar_id"] == lost["calendar_id"])
    assert (told["name"], told["readable"], told["unreachable_policy"]) == (lost["name"], False, "block")
    await choose(person, "request_only")
    body = await report(person, page["id"])
    assert (body["hosts"][0]["status"], {item["grade"] for item in body["items"]}) == ("request_only", {"request_only"})


async def test_r26_an_offline_page_says_what_can_be_asked_for(world: World) -> None:
    person = await world.person()
    body = await report(person, (await person.make_page())["id"])
    assert (body["mode"], body["hosts"][0]["status"]) == ("offline", "no_calendar")
    assert {item["grade"] for item in body["items"]} == {"request_only"}


async def test_r27_a_group_is_told_whose_time_is_in_the_way_but_not_in_which_calendar(world: World) -> None:
    people = await colleagues(world, 2, without_calendar=1)
    await busy(world, people[1], people[0].at(3, "10:00"))
    page = await team_page(people, "group")
    body = await report(people[0], page["id"])
    assert [(host["user_id"], host["status"], bool(host["calendars"])) for host in body["hosts"]] == [
        (people[0].user_id, "ready", True),
        (people[1].user_id, "ready", False),
        (people[2].user_id, "no_calendar", False),
    ]
    item = by_time(body)["10:00"]
    missing = {"rule": "calendar_not_connected", "host_id": people[2].user_id, "calendar_id": None}
    assert missing in item["closed_by"]
    [taken] = [closure for closure in item["closed_by"] if closure["rule"] == "busy"]
    assert (taken["host_id"], taken["calendar_id"]) == (people[1].user_id, None)
    assert by_time(body)["09:00"]["opened_by"] == [
        {"change": "connect_calendar", "host_id": people[2].user_id, "calendar_id": None}
    ]


async def test_r27_a_round_robin_is_closed_when_all_are_and_opened_by_the_one_who_needs_least(world: World) -> None:
    people = await colleagues(world, 2, without_calendar=1)
    await busy(world, people[0], people[0].at(3, "10:00"))
    page = await team_page(people, "round_robin")
    assert by_time(await report(people[0], page["id"]))["10:00"]["grade"] == "confirmable"
    await busy(world, people[1], people[0].at(3, "10:00"))
    item = by_time(await report(people[0], page["id"]))["10:00"]
    assert sorted(rules(item)) == ["busy", "busy", "calendar_not_connected"]
    assert len(item["opened_by"]) == 1


async def test_r41_a_page_that_is_turned_off_says_what_visitors_would_see(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    before = await report(person, page["id"])
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    after = await report(person, page["id"])
    assert (before.pop("turned_off"), after.pop("turned_off")) == (False, True)
    assert before == after


async def test_r32_what_is_over_is_only_that(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(weekly_hours=WHOLE_WEEK, minimum_notice_minutes=600)
    past = (person.day(0) - timedelta(days=1)).isoformat()
    body = await report(person, page["id"], first_day=past, last_day=past)
    assert body["items"]
    assert {(*rules(item), item["opened_by"]) for item in body["items"]} == {("past", None)}


async def test_r53_nobody_elses_page_is_explained(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    colleague, stranger = await world.person(account_id=person.account_id), await world.person()
    for other in (colleague, stranger):
        problem(await asked(other, page["id"]), 404, "not_found")
    problem(await asked(person, encode_id("page", new_id())), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"duration_minutes": 45}, "validation_failed"),
        ({"time_zone": "Mars/Base"}, "time_zone_unknown"),
        ({"first_day": "2000-01-01"}, "validation_failed"),
        ({"last_day": "x"}, "validation_failed"),
    ],
)
async def test_r32_what_cannot_be_asked_is_refused(world: World, query: dict[str, Any], code: str) -> None:
    person = await world.connected()
    page = await person.make_page()
    problem(await asked(person, page["id"], **query), 422, code)
