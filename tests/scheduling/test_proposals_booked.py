"""What becomes of proposed times once one of them is booked (R43).

The one rule: a proposal leads to one meeting. As long as that stands its sender is not bound by it, and its other links
do not make a second one by mistake.
"""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.ids import encode_id, new_id
from tests.bookings.requesting import Asked
from tests.bookings.test_on_behalf import booked as booked_on_behalf
from tests.scheduling.test_proposals import chosen, named, propose, proposed, shown, utc
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import held
from tests.support.world import World, problem

CALENDARS = "/v1/availability-calendars"


async def follow(person: Person, proposal: dict[str, Any], place: int = 0, **wish: Any) -> httpx.Response:
    """Book by one of the proposal's links."""
    start = proposal["times"][place]["start_at"]
    return await person.book(proposal["page_id"], start, **({"proposal_id": proposal["id"]} | wish))


async def two_times(world: World) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    person = await world.connected()
    page = await person.make_page()
    return person, page, await proposed(person, page, person.at(3, "10:00"), person.at(4, "15:00"))


async def test_r43_a_proposal_that_was_booked_says_so_to_both_sides(world: World) -> None:
    person, page, _ = await two_times(world)
    times = named(person.at(5, "10:00"), person.at(6, "15:00"))
    proposal = (await propose(person, page, times, key="one")).json()
    assert (proposal["status"], proposal["booking_id"]) == ("open", None)
    booked = await follow(person, proposal)
    assert booked.status_code == 201, booked.text
    now = await shown(world, proposal)
    assert (now["status"], now["booked"]) == ("expired", True)
    assert [(time["status"], time["booked"], time["nearest"]) for time in now["times"]] == [
        ("taken", True, []), ("open", False, []),
    ]  # fmt: skip
    assert "booking_id" not in str(now), "R34: that is its sender's to know"
    again = (await propose(person, page, times, key="one")).json()
    assert (again["status"], again["booking_id"]) == ("expired", booked.json()["id"])
    own = (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()
    assert own["proposal_id"] == proposal["id"]
    assert "proposal_id" not in booked.json(), "the visitor came by the link"


async def test_r43_another_link_of_it_does_not_book_a_second_meeting_by_mistake(world: World) -> None:
    person, _, proposal = await two_times(world)
    assert (await follow(person, proposal)).status_code == 201
    for place in (0, 1):
        refused = await follow(person, proposal, place)
        if place == 1:
            assert "already" in problem(refused, 409, "already_processed")["detail"]
        else:
            problem(refused, 409, "slot_unavailable")
    assert len(await world.rows("SELECT FROM bookings")) == 1
    second = await follow(person, proposal, 1, proposal_id=None)
    assert second.status_code == 201, "who wants to meet once more says so"


async def test_r43_a_time_beside_those_proposed_answers_the_proposal_too(world: World) -> None:
    person, page, proposal = await two_times(world)
    beside = person.at(3, "11:00").isoformat()
    assert (await person.book(page["id"], beside, proposal_id=proposal["id"])).status_code == 201
    now = await shown(world, proposal)
    assert (now["booked"], [time["booked"] for time in now["times"]]) == (True, [False, False])


async def test_r43_a_cancelled_meeting_leaves_the_proposal_open(world: World) -> None:
    person, _, proposal = await two_times(world)
    first = held(world.api, await follow(person, proposal))
    assert (await first.reschedule(person.at(8, "10:00"))).status_code == 200
    assert (await shown(world, proposal))["booked"] is True, "it was moved, and stands"
    assert (await first.cancel()).status_code == 200
    now = await shown(world, proposal)
    assert (now["status"], now["booked"], now["times"][0]["status"]) == ("open", False, "open")
    assert (await follow(person, proposal, 1)).status_code == 201


async def test_r43_what_was_booked_counts_as_open_no_more(world: World) -> None:
    person = await world.connected()
    page, start, other = await person.make_page(), person.at(3, "10:00"), person.at(4, "15:00")
    proposals = [await proposed(person, page, start, other) for _ in range(3)]
    problem(await propose(person, page, named(other)), 409, "slot_unavailable")
    meeting = held(world.api, await follow(person, proposals[0]))
    await proposed(person, page, other)
    problem(await propose(person, page, named(other)), 409, "slot_unavailable")
    assert (await meeting.cancel()).status_code == 200
    problem(await propose(person, page, named(start)), 409, "slot_unavailable")
    assert (await follow(person, proposals[1], 1)).status_code == 201
    await proposed(person, page, start)


async def two_hosts(world: World) -> tuple[Person, dict[str, Any]]:
    """Two times of a round robin, each of which another of its hosts would take: no host's lock keeps them apart."""
    people = await colleagues(world, 2)
    owner, times = people[0], [people[0].at(day, "10:00") for day in (3, 4)]
    page = await team_page(people, "round_robin")
    for person, time in zip(people, times, strict=True):
        await busy(world, person, time)
    return owner, await proposed(owner, page, *times)


async def waiting_for_locks(world: World) -> int:
    [row] = await world.rows(
        "SELECT count(*) AS number FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    number: int = row["number"]
    return number


async def test_r43_of_two_who_follow_its_links_at_once_one_books(world: World) -> None:
    """Before one process or two: the second waits for its turn, here or in the database."""
    owner, proposal = await two_hosts(world)
    gate = await asyncpg.connect(world.database_url)
    try:
        async with gate.transaction():
            await gate.execute("LOCK TABLE bookings IN SHARE MODE")  # everything can be looked at, nothing be booked
            booking = [asyncio.create_task(follow(owner, proposal, place)) for place in (0, 1)]
            while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.02)
        answers = await asyncio.gather(*booking)
    finally:
        await gate.close()
    codes = Counter(answer.json().get("code", "booked") for answer in answers)
    assert codes == {"booked": 1, "already_processed": 1}, [answer.text for answer in answers]
    assert len(await world.rows("SELECT FROM bookings")) == 1


async def test_r43_of_many_who_follow_its_links_at_once_one_books(world: World) -> None:
    owner, proposal = await two_hosts(world)
    answers = await asyncio.gather(*(follow(owner, proposal, number % 2) for number in range(18)))
    codes = Counter(answer.json().get("code", "booked") for answer in answers)
    assert codes["booked"] == 1, codes
    assert codes.keys() <= {"booked", "already_processed", "slot_unavailable"}, codes
    assert len(await world.rows("SELECT FROM bookings")) == 1


async def test_r43_a_proposal_that_the_page_does_not_know_counts_as_none(world: World) -> None:
    person, page, _ = await two_times(world)
    other = await person.make_page(name="Other")
    elsewhere = await proposed(person, other, person.at(5, "10:00"))
    stranger, _, theirs = await two_times(world)
    never = encode_id("prop", new_id())
    for day, proposal_id in enumerate((never, elsewhere["id"], theirs["id"]), start=10):
        answer = await person.book(page["id"], person.at(day, "10:00").isoformat(), proposal_id=proposal_id)
        assert answer.status_code == 201, answer.text
        assert (await person.get(f"/v1/bookings/{answer.json()['id']}")).json()["proposal_id"] is None
    for proposal in (elsewhere, theirs):
        assert (await shown(world, proposal))["booked"] is False
    assert (await follow(stranger, theirs)).status_code == 201
    malformed = await person.book(page["id"], person.at(14, "10:00").isoformat(), proposal_id="prop_x")
    problem(malformed, 422, "validation_failed")


async def test_r43_an_old_proposal_is_booked_once_as_well(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    proposal = await proposed(person, page, person.at(20, "10:00"), person.at(21, "10:00"))
    world.clock.offset = timedelta(days=8)
    assert (await shown(world, proposal))["status"] == "expired"
    assert (await follow(person, proposal)).status_code == 201
    problem(await follow(person, proposal, 1), 409, "already_processed")


async def test_r50_a_proposal_is_answered_on_a_visitors_behalf(world: World) -> None:
    person, page, proposal = await two_times(world)
    start = datetime.fromisoformat(proposal["times"][0]["start_at"])
    made = await booked_on_behalf(person, page, start, proposal_id=proposal["id"])
    assert made["proposal_id"] == proposal["id"]
    assert (await shown(world, proposal))["booked"] is True


async def test_r26_a_request_by_a_proposals_link_answers_it_once_it_is_accepted(world: World) -> None:
    person, _, proposal = await two_times(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    answer = await follow(person, proposal)
    assert answer.status_code == 202, answer.text
    assert (await shown(world, proposal))["booked"] is False, "nothing stands yet"
    await person.connect()
    await world.work()
    asked = Asked(world.api, answer.json()["id"], answer.json()["booking_token"])
    accepted = await person.post(f"/v1/meeting-requests/{asked.id}/accept")
    assert accepted.status_code == 200, accepted.text
    assert (await shown(world, proposal))["booked"] is True


@pytest.mark.parametrize("by", ["the host", "the policy"])
async def test_r26_r43_of_two_requests_by_one_proposal_only_the_host_accepts_the_second(world: World, by: str) -> None:
    person, _, proposal = await two_times(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    asked = [(await follow(person, proposal, place)).json()["id"] for place in (0, 1)]
    if by == "the policy":
        await person.patch("/v1/calendar-settings", {"auto_confirm_requests": True})
    await person.connect()
    await world.work()
    if by == "the host":
        for item in asked:
            accepted = await person.post(f"/v1/meeting-requests/{item}/accept")
            assert accepted.status_code == 200, accepted.text
    states = [(await person.get(f"/v1/meeting-requests/{item}")).json()["status"] for item in asked]
    assert states == (["accepted", "accepted"] if by == "the host" else ["accepted", "pending"])
    rows = await world.rows("SELECT proposal_id IS NOT NULL AS answers FROM bookings ORDER BY id")
    assert [row["answers"] for row in rows] == [True, False][: len(rows)], "a proposal leads to one meeting"


async def test_r52_the_feed_tells_by_which_proposal_it_was_booked(world: World) -> None:
    person, _, proposal = await two_times(world)
    await follow(person, proposal)
    [told] = await world.rows("SELECT data->>'proposal_id' AS id FROM feed_events WHERE type = 'booking.created'")
    assert told["id"] == proposal["id"]


async def test_r30_r43_a_proposed_time_that_can_only_be_asked_for_says_so_and_those_near_it_too(world: World) -> None:
    """As the slots do."""
    person, page, proposal = await two_times(world)
    await busy(world, person, person.at(3, "10:00"), minutes=30)
    before = (await shown(world, proposal))["times"]
    assert [(time["status"], time["grade"]) for time in before] == [("taken", None), ("open", "confirmable")]
    assert {near["grade"] for near in before[0]["nearest"]} == {"confirmable"}
    [primary] = (await person.get(CALENDARS)).json()["items"]
    await person.patch(f"{CALENDARS}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost'")
    after = (await shown(world, proposal))["times"]
    assert [(time["status"], time["grade"]) for time in after] == [("taken", None), ("open", "request_only")]
    assert {near["grade"] for near in after[0]["nearest"]} == {"request_only"}
    assert {slot["grade"] for slot in await person.slots(page["id"], person.day(4))} == {"request_only"}
    assert (await follow(person, proposal, 1)).status_code == 202


async def test_r30_what_can_only_be_asked_for_is_not_proposed(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    [primary] = (await ben.get(CALENDARS)).json()["items"]
    await ben.patch(f"{CALENDARS}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    start = ada.at(3, "10:00")
    await busy(world, ada, start, minutes=60)
    await world.sandbox.revoke_google(ben.email)
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    grades = {slot["start_at"][11:16]: slot["grade"] for slot in await ada.slots(page["id"], ada.day(3))}
    assert (grades["10:00"], grades["11:00"]) == ("request_only", "confirmable")
    refused = problem(await propose(ada, page, named(ada.at(3, "11:00"), start)), 409, "slot_unavailable")
    assert [error["pointer"] for error in refused["errors"]] == ["/times/start_at/1"]
    assert {utc(start), utc(start + timedelta(minutes=30))}.isdisjoint(
        time["start_at"] for time in refused["alternatives"]
    )
    early = chosen(1, earliest=start.isoformat(), spread_over_days=False)
    answer = (await propose(ada, page, early, time_zone=ada.time_zone)).json()
    assert [time["start_at"] for time in answer["times"]] == [utc(ada.at(3, "11:00"))]


@pytest.mark.parametrize("times", [chosen(2), "named"], ids=["chosen", "named"])
async def test_r30_a_page_that_is_only_asked_proposes_nothing(world: World, times: Any) -> None:
    person = await world.connected()
    page = await person.make_page()
    [primary] = (await person.get(CALENDARS)).json()["items"]
    await person.patch(f"{CALENDARS}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost'")
    assert {slot["grade"] for slot in await person.slots(page["id"], person.day(3))} == {"request_only"}
    wish = named(person.at(3, "10:00")) if times == "named" else times
    problem(await propose(person, page, wish), 409, "booking_unavailable")
