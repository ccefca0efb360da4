"""Moving and ending bookings, by the visitor's link and by the host (R47).

The one rule: a reschedule moves one booking, one reservation and one event; a cancelled booking gives its time back.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from app.ids import encode_id, new_id
from tests.support.google import failing
from tests.support.hands import ALL, MicrosoftHands
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.visitors import Visit, our_events, our_writes, visit
from tests.support.world import World, problem


async def booked(world: World, **page: Any) -> tuple[Person, dict[str, Any], Visit]:
    person = await world.connected()
    made = await person.make_page(**page)
    return person, made, await visit(person, made, person.at(3, "10:00"))


async def connect_at(world: World, person: Person, provider: str) -> None:
    hands = ALL[provider](world.sandbox)
    await hands.account(person)
    await hands.connect(person)
    await world.work()


async def offered(person: Person, page: dict[str, Any], days: int = 3) -> set[str]:
    return {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(days))}


async def reserved(world: World) -> list[tuple[datetime, datetime]]:
    rows = await world.rows("SELECT lower(during) AS a, upper(during) AS b FROM reservations ORDER BY 1")
    return [(row["a"], row["b"]) for row in rows]


async def test_r47_a_visitor_moves_the_booking_and_its_one_event(world: World) -> None:
    person, page, booking = await booked(world)
    await world.work()
    [before] = await our_events(world, person)
    to = person.at(4, "15:00")
    moved = await booking.reschedule(to)
    assert moved.status_code == 200, moved.text
    body = moved.json()
    assert datetime.fromisoformat(body["start_at"]) == to
    assert datetime.fromisoformat(body["end_at"]) == to + timedelta(minutes=30)
    assert (body["id"], body["version"], moved.headers["ETag"]) == (booking.id, 2, '"2"')
    assert body["calendar_event"]["status"] == "pending"
    assert "10:00" in await offered(person, page), "the old time is free at once"
    assert "15:00" not in await offered(person, page, 4)
    await world.work()
    [after] = await our_events(world, person)
    assert (after["id"], after["etag"] != before["etag"]) == (before["id"], True)
    assert datetime.fromisoformat(after["start"]["dateTime"]) == to
    assert await our_writes(world, person) == ["insert", "update"]
    assert await reserved(world) == [(to, to + timedelta(minutes=30))]
    assert (await booking.read())["calendar_event"] == {"status": "written", "error": None}


async def test_r47_a_host_moves_and_ends_a_booking_too(world: World) -> None:
    person, _, booking = await booked(world)
    path = f"/v1/bookings/{booking.id}"
    to = person.at(3, "12:00")
    moved = await person.post(f"{path}/reschedule", {"start_at": to.isoformat(), "reason": "Dentist"})
    assert (moved.status_code, moved.json()["version"], moved.headers["ETag"]) == (200, 2, '"2"')
    ended = await person.post(f"{path}/cancel", {"reason": "Ill"})
    assert ended.status_code == 200, ended.text
    body = ended.json()
    assert (body["status"], body["cancelled_by"], body["cancel_reason"]) == ("cancelled", "host", "Ill")
    assert body["allowed_actions"] == []
    assert (await booking.read())["status"] == "cancelled"
    await world.work()
    assert await our_events(world, person) == []


async def test_r47_a_cancelled_booking_gives_its_time_back_before_any_sync(world: World) -> None:
    person, page, booking = await booked(world)
    await world.work()
    assert "10:00" not in await offered(person, page)
    ended = await booking.cancel()
    assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
    assert (ended.json()["can_reschedule"], ended.json()["can_cancel"]) == (False, False)
    assert (ended.json()["reschedule_until"], ended.json()["cancel_until"]) == (None, None)
    assert ended.json()["cancelled_by"] == "visitor"
    assert "10:00" in await offered(person, page)
    again = await visit(person, page, person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    assert again.id != booking.id
    assert event["status"] == "confirmed"
    assert sorted(await our_writes(world, person)) == ["delete", "insert", "insert"]
    assert "10:00" not in await offered(person, page)


@pytest.mark.parametrize("shift", [15, -15, 29])
async def test_r47_a_booking_moves_onto_part_of_its_own_time(world: World, shift: int) -> None:
    person, page, booking = await booked(world, increment_minutes=5, buffer_before_minutes=15, buffer_after_minutes=15)
    await world.work()
    shift -= shift % 5
    to = person.at(3, "10:00") + timedelta(minutes=shift)
    assert (await booking.reschedule(to)).status_code == 200
    await world.work()
    assert await reserved(world) == [(to - timedelta(minutes=15), to + timedelta(minutes=45))]
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == to
    assert page["id"] == booking.page_id


async def test_r45_a_booking_does_not_move_onto_another_or_where_nothing_is_offered(world: World) -> None:
    person, page, booking = await booked(world)
    other = await visit(person, page, person.at(3, "12:00"))
    refused = problem(await booking.reschedule(person.at(3, "12:00")), 409, "slot_unavailable")
    assert refused["alternatives"]
    problem(await booking.reschedule(person.at(3, "12:10")), 409, "slot_unavailable")
    problem(await booking.reschedule(person.at(90, "12:00")), 422, "outside_booking_window")
    problem(await booking.reschedule(person.at(-3, "12:00")), 422, "outside_booking_window")
    for odd in ("2027-01-01T10:00:00", "9999-12-31T23:59:00Z", "soon"):
        problem(await booking.reschedule(odd), 422, "validation_failed")
    answer = await world.api.post(
        f"{booking.path}/reschedule",
        json={"start_at": person.at(3, "14:00").isoformat(), "duration_minutes": 60},
        headers={"Booking-Token": booking.token},
    )
    problem(answer, 422, "validation_failed")
    assert [(await item.read())["version"] for item in (booking, other)] == [1, 1]
    for item in refused["alternatives"][:1]:
        assert (await booking.reschedule(item["start_at"])).status_code == 200


async def test_r47_moving_to_where_it_is_changes_nothing(world: World) -> None:
    person, _, booking = await booked(world)
    await world.work()
    same = await booking.reschedule(person.at(3, "10:00"))
    assert (same.status_code, same.json()["version"]) == (200, 1)
    await world.work()
    assert await our_writes(world, person) == ["insert"]


async def test_p4_a_wrong_token_is_told_nothing_more_than_a_wrong_booking(world: World) -> None:
    person, page, booking = await booked(world)
    other = await visit(person, page, person.at(3, "12:00"))
    nobody = f"/v1/public/bookings/{encode_id('bkg', new_id())}"
    move = {"start_at": person.at(3, "14:00").isoformat()}
    tokens: list[dict[str, str]] = [
        {"Booking-Token": other.token},
        {"Booking-Token": "x" * 43},
        {"Booking-Token": booking.token[:-1]},
        {"Booking-Token": booking.token + "A"},
        {"Booking-Token": "x" * 2000},
        {"Booking-Token": ""},
        {},
        {"Authorization": f"Bearer {booking.token}"},
        {"Authorization": f"Bearer {person.token}"},
    ]
    for headers in tokens:
        for method, path, body in (
            ("GET", "", None), ("POST", "/reschedule", move), ("POST", "/cancel", {}), ("GET", "/invite.ics", None),
        ):  # fmt: skip
            known = await world.api.request(method, booking.path + path, json=body, headers=headers)
            unknown = await world.api.request(method, nobody + path, json=body, headers=headers)
            problem(known, 401, "booking_token_invalid")
            differ = {name for name in known.json() if known.json()[name] != unknown.json()[name]}
            assert differ <= {"request_id", "instance"}
            assert set(known.headers) == set(unknown.headers)
    assert [(await item.read())["version"] for item in (booking, other)] == [1, 1]


async def test_r47_a_host_downloads_the_invitation_and_nobody_elses(world: World) -> None:
    person, _, booking = await booked(world, max_guests=1)
    visitors = await booking.api.get(f"{booking.path}/invite.ics", headers={"Booking-Token": booking.token})
    file = await person.get(f"/v1/bookings/{booking.id}/invite.ics")
    assert file.status_code == 200, file.text
    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="invite.ics"'
    assert file.content == visitors.content, "it is one invitation"
    assert booking.token not in file.text
    assert (await booking.cancel()).status_code == 200
    withdrawn = await person.get(f"/v1/bookings/{booking.id}/invite.ics")
    assert "METHOD:CANCEL" in withdrawn.text
    stranger = await world.connected()
    problem(await stranger.get(f"/v1/bookings/{booking.id}/invite.ics"), 404, "not_found")


async def test_r47_who_hosts_with_others_downloads_the_invitation_that_names_them(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    booking = await visit(ada, await team_page([ada, ben], "group"), ada.at(3, "10:00"))
    for host in (ada, ben):
        file = await host.get(f"/v1/bookings/{booking.id}/invite.ics")
        assert file.status_code == 200, file.text
        assert f"mailto:{ben.email}" in file.text.replace("\r\n ", "")


async def test_r47_reading_a_link_changes_nothing_and_only_post_does(world: World) -> None:
    _, _, booking = await booked(world)
    headers = {"Booking-Token": booking.token}
    before = await world.rows("SELECT * FROM bookings")
    for path in ("", "/reschedule", "/cancel"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            await world.api.request(method, booking.path + path, headers=headers)
            await world.api.request(method, f"{booking.path}{path}?token={booking.token}")
    for path in ("/reschedule", "/cancel"):
        problem(await world.api.get(booking.path + path, headers=headers), 405, "method_not_allowed")
    assert await world.rows("SELECT * FROM bookings") == before


async def test_r47_after_the_cut_off_the_visitor_is_too_late_and_the_host_is_not(world: World) -> None:
    person, page, booking = await booked(world, reschedule_cutoff_minutes=4 * 1440, cancel_cutoff_minutes=60)
    read = await booking.read()
    assert (read["can_reschedule"], read["can_cancel"], read["cancelled_by"]) == (False, True, None)
    until = [datetime.fromisoformat(read[name]) for name in ("reschedule_until", "cancel_until")]
    assert until == [booking.start_at - timedelta(days=4), booking.start_at - timedelta(minutes=60)]
    problem(await booking.reschedule(person.at(4, "10:00")), 422, "cutoff_passed")
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"reschedule_cutoff_minutes": 60})
    to = person.at(3, "11:00")
    assert (await booking.reschedule(to)).status_code == 200
    world.clock.offset = to - timedelta(minutes=60) - datetime.now(UTC)
    await person.refresh_token()
    problem(await booking.cancel(), 422, "cutoff_passed")
    problem(await booking.reschedule(person.at(4, "10:00")), 422, "cutoff_passed")
    moved = await person.post(f"/v1/bookings/{booking.id}/reschedule", {"start_at": person.at(4, "9:00").isoformat()})
    assert moved.status_code == 200, moved.text


@pytest.mark.parametrize(("ends", "moves"), [(600, 0), (0, 600)])
async def test_r47_moving_and_ending_have_a_cut_off_each(world: World, ends: int, moves: int) -> None:
    person = await world.connected()
    page = await person.make_page(cancel_cutoff_minutes=ends, reschedule_cutoff_minutes=moves)
    booking = await visit(person, page, person.at(3, "10:00"))
    world.clock.offset = person.at(3, "09:00") - world.clock()
    moved = await booking.reschedule(person.at(3, "12:00"))
    ended = await booking.cancel()
    if ends:
        assert moved.status_code == 200, moved.text
        problem(ended, 422, "cutoff_passed")
    else:
        problem(moved, 422, "cutoff_passed")
        assert ended.status_code == 200, ended.text


async def test_p1_a_booking_is_not_moved_where_nobody_answers_and_no_mirror_is_young(world: World) -> None:
    person, _, booking = await booked(world)
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now() - interval '11 minutes'")
    async with failing(world.sandbox, "unavailable", path="freeBusy", account=person.email):
        problem(await booking.reschedule(person.at(3, "14:00")), 409, "booking_unavailable")
    assert (await booking.reschedule(person.at(3, "14:00"))).status_code == 200


async def test_r47_what_has_begun_can_be_changed_by_nobody(world: World) -> None:
    person, _, booking = await booked(world)
    world.clock.offset = timedelta(days=4)
    problem(await booking.cancel(), 422, "cutoff_passed")
    problem(await booking.reschedule(person.at(6, "10:00")), 422, "cutoff_passed")
    problem(await person.post(f"/v1/bookings/{booking.id}/cancel", {}), 422, "cutoff_passed")
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["allowed_actions"] == ["no_show"]


async def test_r47_a_cancelled_booking_is_not_changed_again(world: World) -> None:
    person, _, booking = await booked(world)
    assert (await booking.cancel()).status_code == 200
    problem(await booking.cancel(), 409, "already_cancelled")
    problem(await booking.reschedule(person.at(4, "10:00")), 409, "already_cancelled")
    problem(await person.post(f"/v1/bookings/{booking.id}/cancel", {}), 409, "already_cancelled")
    assert (await booking.read())["version"] == 2


async def test_r47_if_match_changes_only_the_version_that_was_read(world: World) -> None:
    person, _, booking = await booked(world)
    stale = problem(await booking.reschedule(person.at(3, "12:00"), **{"If-Match": '"7"'}), 412, "version_mismatch")
    assert stale["version"] == 1
    problem(await booking.cancel(**{"If-Match": '"7"'}), 412, "version_mismatch")
    assert (await booking.reschedule(person.at(3, "12:00"), **{"If-Match": '"1"'})).status_code == 200
    path = f"/v1/bookings/{booking.id}/cancel"
    problem(await person.post(path, {}, **{"If-Match": '"1"'}), 412, "version_mismatch")
    assert (await person.post(path, {}, **{"If-Match": '"2"'})).status_code == 200


async def test_r25_a_booking_of_a_deleted_page_can_still_be_changed(world: World) -> None:
    person, page, booking = await booked(world)
    await world.work()
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    assert (await booking.read())["can_cancel"] is True
    assert (await person.get(f"/v1/bookings/{booking.id}")).status_code == 200
    assert (await booking.reschedule(person.at(3, "12:00"))).status_code == 200
    assert (await booking.cancel()).status_code == 200
    await world.work()
    assert await our_events(world, person) == []


async def test_r15_a_booking_outlives_the_connection_it_was_made_with(world: World) -> None:
    person, _, booking = await booked(world)
    await world.work()
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    read = await booking.read()
    assert (read["status"], read["calendar_event"]["status"]) == ("confirmed", "not_applicable")
    assert len(await our_events(world, person)) == 1, "what was booked stays in the person's calendar"
    problem(await booking.reschedule(person.at(3, "12:00")), 409, "booking_unavailable")
    assert (await booking.cancel()).status_code == 200
    assert await reserved(world) == []


@pytest.mark.parametrize(("first", "then"), [("google", "exchange"), ("exchange", "google"), ("exchange", None)])
async def test_r47_a_booking_whose_connection_is_gone_can_be_cancelled_whatever_is_connected_now(
    world: World, first: str, then: str | None
) -> None:
    person = await world.person(zoneinfo="Europe/Berlin")
    await connect_at(world, person, first)
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    if then is not None:
        await connect_at(world, person, then)
    assert (await booking.read())["can_cancel"] is True
    movable = ["reschedule"] if then is not None else []
    assert (await person.get(f"/v1/bookings/{booking.id}")).json()["allowed_actions"] == [*movable, "cancel"]
    assert (await booking.cancel()).status_code == 200
    assert await reserved(world) == []


async def hosts_may(person: Person, booking: Visit) -> list[str]:
    """What the host may do with a booking, as it says by itself and in its list; the visitor's link agrees."""
    read = (await person.get(f"/v1/bookings/{booking.id}")).json()["allowed_actions"]
    listed = (await person.get("/v1/bookings")).json()["items"]
    assert [item["allowed_actions"] for item in listed if item["id"] == booking.id] == [read]
    assert (await booking.read())["can_reschedule"] is ("reschedule" in read)
    actions: list[str] = read
    return actions


async def test_r18_no_move_is_offered_where_nobody_knows_when_the_host_is_free(world: World) -> None:
    person, _, booking = await booked(world)
    await world.work()
    assert await hosts_may(person, booking) == ["reschedule", "cancel"]
    await world.sandbox.revoke_google(person.email)
    assert (await person.post(f"/v1/connections/{person.connection_id}/sync")).status_code == 202
    await world.work()
    assert await hosts_may(person, booking) == ["cancel"]
    problem(
        await person.post(f"/v1/bookings/{booking.id}/reschedule", {"start_at": person.at(3, "12:00").isoformat()}),
        409,
        "booking_unavailable",
    )
    [calendar] = await world.rows("SELECT id FROM calendars WHERE is_primary")
    for policy, actions in (("request_only", []), ("last_known", ["reschedule"]), ("ignore", ["reschedule"])):
        changed = {"unreachable_policy": policy}
        path = f"/v1/availability-calendars/{encode_id('cal', calendar['id'])}"
        assert (await person.patch(path, changed)).status_code == 200
        assert await hosts_may(person, booking) == [*actions, "cancel"], policy
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    assert await hosts_may(person, booking) == ["cancel"]


@pytest.mark.parametrize(
    ("first", "then"),
    [("google", "office365"), ("google", "exchange"), ("office365", "office365"), ("office365", None)],
)
async def test_r49_of_an_event_that_nobody_reaches_any_more_our_own_mails_tell_the_visitors_calendar(
    world: World, first: str, then: str | None
) -> None:
    person = await world.person(zoneinfo="Europe/Berlin")
    await connect_at(world, person, first)
    page = await person.make_page()
    moved, ended = [await visit(person, page, person.at(3, clock)) for clock in ("10:00", "12:00")]
    await world.work()
    known = {row["ical_uid"] for row in await world.rows("SELECT ical_uid FROM calendar_writes ORDER BY id")}
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    if then == first:
        await world.sandbox.microsoft.account(f"new-{person.email}")
        assert (await person.connect(then, email=f"new-{person.email}"))["status"] == "completed"
        await world.work()
    elif then is not None:
        await connect_at(world, person, then)
    await world.sandbox.delete_mails()
    if then is not None:
        assert (await moved.reschedule(person.at(3, "15:00"))).status_code == 200
    assert (await ended.cancel()).status_code == 200
    await world.work()
    told = {mail["calendar"]["method"]: mail for mail in await world.sandbox.mails(to="vera@example.com")}
    assert told.keys() == ({"REQUEST", "CANCEL"} if then is not None else {"CANCEL"})
    for mail in told.values():
        lines = mail["calendar"]["content"].replace("\r\n ", "").splitlines()
        assert {line[4:] for line in lines if line.startswith("UID:")} < known, "it is the event that they have"
    if then is not None:
        assert f"/bookings/{moved.id}/cancel" in told["REQUEST"]["text"], "and it can be changed"


async def test_r15_the_same_account_connected_anew_has_its_events_back(world: World) -> None:
    person, page, moved = await booked(world)
    cancelled = await visit(person, page, person.at(3, "12:00"))
    await world.work()
    unwritten = await visit(person, page, person.at(3, "16:00"))
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    assert (await cancelled.cancel()).status_code == 200
    await person.connect()
    await world.work()
    starts = {datetime.fromisoformat(event["start"]["dateTime"]) for event in await our_events(world, person)}
    assert starts == {person.at(3, "10:00"), person.at(3, "16:00")}, "one was cancelled, one never written before"
    assert (await unwritten.read())["calendar_event"]["status"] == "written"
    assert (await moved.reschedule(person.at(3, "11:00"))).status_code == 200
    await world.work()
    starts = {datetime.fromisoformat(event["start"]["dateTime"]) for event in await our_events(world, person)}
    assert starts == {person.at(3, "11:00"), person.at(3, "16:00")}
    assert "10:00" in await offered(person, page)


async def test_r47_the_same_move_asked_for_several_times_at_once_is_one_move(world: World) -> None:
    person, _, booking = await booked(world)
    await world.work()
    to = person.at(3, "12:00")
    answers = await asyncio.gather(*(booking.reschedule(to) for _ in range(4)))
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 2)] * 4
    assert len(await world.rows("SELECT kind FROM mails WHERE kind LIKE 'rescheduled%'")) == 2


async def test_r55_a_booking_with_somebody_who_left_cannot_be_moved(world: World) -> None:
    person, _, booking = await booked(world)
    service = await world.service(person.account_id)
    assert (await service.delete(f"/v1/users/{person.user_id}")).status_code == 204
    problem(await booking.reschedule(person.at(3, "14:00")), 409, "booking_unavailable")


async def test_r16_while_the_connection_is_broken_nothing_moves_but_a_booking_can_be_cancelled(world: World) -> None:
    person, _, booking = await booked(world)
    await world.work()
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    problem(await booking.reschedule(person.at(3, "12:00")), 409, "booking_unavailable")
    assert (await booking.cancel()).status_code == 200
    await world.work()
    assert len(await our_events(world, person)) == 1, "it cannot be deleted yet"
    await person.connect()
    await world.work()
    assert await our_events(world, person) == []


async def with_office_365(world: World, **calendar: Any) -> tuple[Person, MicrosoftHands]:
    """Somebody who has connected Office 365, and what they say of its calendar."""
    person, there = await world.person(), MicrosoftHands(world.sandbox)
    await there.account(person)
    await there.connect(person)
    await world.work()
    [primary] = (await person.get("/v1/availability-calendars")).json()["items"]
    answer = await person.patch(f"/v1/availability-calendars/{primary['calendar_id']}", calendar)
    assert answer.status_code == 200, answer.text
    return person, there


async def take_back(world: World, person: Person, there: MicrosoftHands) -> None:
    """The grant is gone, and we have noticed."""
    await there.revoke(person)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await world.sandbox.delete_mails()


def unfolded(mail: dict[str, Any]) -> str:
    """The invitation in a mail, a line a property."""
    return str(mail["calendar"]["content"]).replace("\r\n ", "")


def event_start(mail: dict[str, Any]) -> datetime:
    """When the meeting of an invitation begins."""
    [event] = Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")
    start: datetime = event["DTSTART"].dt
    return start


async def test_r49_while_office_365_cannot_be_reached_our_own_mail_takes_the_meeting_from_its_guests_calendars(
    world: World,
) -> None:
    person, there = await with_office_365(world)
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    await take_back(world, person, there)
    assert (await booking.cancel()).status_code == 200
    await world.work()
    [mail] = await world.sandbox.mails(to="vera@example.com")
    [known] = await world.rows("SELECT ical_uid FROM calendar_writes ORDER BY id")
    assert mail["calendar"]["method"] == "CANCEL"
    assert known["ical_uid"] in unfolded(mail)


async def test_r49_while_office_365_cannot_be_reached_our_own_mail_moves_the_meeting_in_its_guests_calendars(
    world: World,
) -> None:
    person, there = await with_office_365(world, unreachable_policy="ignore")
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    await take_back(world, person, there)
    assert (await booking.reschedule(person.at(4, "15:00"))).status_code == 200
    await world.work()
    [mail] = await world.sandbox.mails(to="vera@example.com")
    [known] = await world.rows("SELECT ical_uid FROM calendar_writes ORDER BY id")
    assert mail["calendar"]["method"] == "REQUEST"
    assert f"UID:{known['ical_uid']}" in unfolded(mail)
    assert event_start(mail) == person.at(4, "15:00")


@pytest.mark.parametrize("healed", [False, True], ids=["broken", "healed"])
async def test_r49_whoever_books_while_office_365_cannot_be_reached_is_invited_by_our_own_mail(
    world: World, *, healed: bool
) -> None:
    person, there = await with_office_365(world, unreachable_policy="ignore")
    page = await person.make_page()
    await take_back(world, person, there)
    booking = await visit(person, page, person.at(3, "10:00"))
    await world.work()
    if healed:
        await person.reauthorize()
        await world.work()
    assert (await booking.reschedule(person.at(4, "15:00"))).status_code == 200
    await world.work()
    assert (await booking.cancel()).status_code == 200
    await world.work()
    mails = await world.sandbox.mails(to="vera@example.com")
    assert [mail["calendar"]["method"] for mail in mails] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event_start(mail) for mail in mails[:2]] == [person.at(3, "10:00"), person.at(4, "15:00")]
    assert len({line for mail in mails for line in unfolded(mail).splitlines() if line.startswith("UID:")}) == 1
