"""What CONTRACT says of every operation alike: lists, types, versions, headers.

The one rule: a convention is shown at the operations themselves, over HTTP; which these are the document says.
"""

from typing import Any

import httpx
import pytest

from tests.contract.documented import OPERATIONS
from tests.crm.scene import make_contact
from tests.support.domains import SUBSCRIBED
from tests.support.people import Person
from tests.support.world import World, problem

LISTS = sorted(item.path for item in OPERATIONS if item.id.startswith("list") and "{" not in item.path)
PERMISSIONS = ["personal_email_access", "audit:read", "webhooks:write"]


async def crm(world: World, person: Person) -> Person:
    service = await world.service(person.account_id)
    await service.refresh_token(permissions=["webhooks:write"])
    return service


async def reader(world: World, path: str) -> Person:
    person = await world.person(permissions=PERMISSIONS)
    return await crm(world, person) if path == "/v1/webhook-endpoints" else person


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/v1/events"])  # a feed, read by its numbers
async def test_every_list_comes_in_portions_of_the_asked_size(world: World, path: str) -> None:
    person = await reader(world, path)
    whole = await person.get(path)
    assert whole.status_code == 200, whole.text
    assert whole.json()["next_cursor"] is None
    for limit in (0, 101, "many"):
        problem(await person.get(path, limit=limit), 422, "validation_failed")
    problem(await person.get(path, cursor="garbage"), 400, "invalid_cursor")


async def test_short_lists_are_read_on_to_their_end(world: World) -> None:
    person = await world.connected()
    for name in ("Team", "Family", "Travel"):
        await world.sandbox.google_calendar(person.email, name)
    await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
    await world.work()
    for path in (f"/v1/connections/{person.connection_id}/calendars", "/v1/providers"):
        whole = (await person.get(path)).json()["items"]
        assert len(whole) >= 3
        read, cursor = [], None
        while len(read) < len(whole):
            answer = (await person.get(path, limit=1, **({} if cursor is None else {"cursor": cursor}))).json()
            assert len(answer["items"]) == 1
            read, cursor = [*read, *answer["items"]], answer["next_cursor"]
        assert (read, cursor) == (whole, None)


async def test_a_cursor_is_good_as_it_was_told_and_in_no_other_spelling(world: World) -> None:
    person = await world.person()
    for _ in range(3):
        await person.make_page()
    path = "/v1/scheduling-pages"
    cursor = (await person.get(path, limit=1)).json()["next_cursor"]
    assert (await person.get(path, limit=1, cursor=cursor)).status_code == 200
    others = {cursor[:-1] + letter for letter in "abcdefghijklmnopqrstuvwxyz234567"} - {cursor}
    for other in (*sorted(others), cursor.upper(), f"{cursor}=", f" {cursor}"):
        problem(await person.get(path, limit=1, cursor=other), 400, "invalid_cursor")


WRONG_TYPES = [
    ("start_at", 1_800_000_000),
    ("start_at", "1800000000"),
    ("start_at", True),
    ("start_at", "2027-01-15"),
    ("duration_minutes", "30"),
    ("duration_minutes", 30.0),
    ("consent", "on"),
    ("consent", 1),
    ("name", 7),
    ("guests", "a@example.com"),
    ("answers", [["company", "x"]]),
]


@pytest.mark.parametrize(("field", "value"), WRONG_TYPES)
async def test_a_value_of_another_type_is_no_value(world: World, field: str, value: Any) -> None:
    """Least of all a ticked box (R33)."""
    person = await world.person()
    page = await person.make_page(consent_text="I agree")
    start = person.at(2, "10:00").isoformat()
    wish = {"start_at": start, "consent": True, field: value}
    refused = problem(await person.book(page["id"], **wish), 422, "validation_failed")
    assert [error["pointer"].split("/")[1] for error in refused["errors"]] == [field]
    assert (await person.book(page["id"], start, consent=True)).status_code == 202


@pytest.mark.parametrize("field", ["turned_off", "calendar_sync", "tentative_blocks"])
async def test_a_switch_is_true_or_false(world: World, field: str) -> None:
    person = await world.person()
    for value in ("yes", "true", 1, "off"):
        problem(await person.patch("/v1/calendar-settings", {field: value}), 422, "validation_failed")


async def test_a_day_is_a_day(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    good = {"kind": "date_range", "first_day": "2027-01-01", "last_day": "2027-02-01"}
    path = f"/v1/scheduling-pages/{page['id']}"
    for day in (1_767_225_600, "1767225600", "2027-01-01T00:00:00", "2027-1-1"):
        problem(await person.patch(path, {"booking_window": good | {"first_day": day}}), 422, "validation_failed")
        query = {"time_zone": "UTC", "first_day": day, "last_day": "2027-01-02", "duration_minutes": 30}
        problem(await person.get(f"{path}/slots", **query), 422, "validation_failed")
    assert (await person.patch(path, {"booking_window": good})).status_code == 200


async def created(person: Person, path: str, body: dict[str, Any]) -> str:
    answer = await person.post(path, body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    return answer.headers["Location"]


async def test_what_was_changed_meanwhile_is_not_deleted(world: World) -> None:
    person = await world.person(subscriptions=SUBSCRIBED)
    service = await crm(world, person)
    page = await person.make_page()
    at = person.at(3, "10:00").isoformat()
    standing = [
        (person, f"/v1/scheduling-pages/{page['id']}"),
        (person, f"/v1/contacts/{(await make_contact(person))['id']}"),
        (person, await created(person, "/v1/tasks", {"title": "Call", "due_at": at})),
        (person, await created(person, "/v1/domains", {"name": "meet.example.com"})),
        (service, await created(service, "/v1/webhook-endpoints", {"url": "https://crm.example.com/hook"})),
    ]
    for whose, path in standing:
        etag = (await whose.get(path)).headers["ETag"]
        for other in ('"0"', '"999"', 'W/"1"', "x" * 300, "9" * 5000):
            problem(await delete(whose, path, other), 412, "version_mismatch")
        assert (await whose.get(path)).status_code == 200
        assert (await delete(whose, path, etag)).status_code == 204
        problem(await whose.get(path), 404, "not_found")


async def delete(person: Person, path: str, version: str) -> httpx.Response:
    return await person.api.delete(path, headers={**person.headers, "If-Match": version})


async def test_what_is_made_for_a_visitor_says_where_it_is_and_is_kept_by_no_cache(world: World) -> None:
    person = await world.connected()
    await world.work()
    page = await person.make_page()
    booked = await person.book(page["id"], person.at(2, "10:00").isoformat())
    assert booked.status_code == 201, booked.text
    assert booked.headers["ETag"] == f'"{booked.json()["version"]}"'
    wish = {"start_at": person.at(2, "12:00").isoformat(), "duration_minutes": 30}
    held = await person.api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=wish)
    assert held.headers["Location"] == f"/v1/public/holds/{held.json()['id']}"
    assert {answer.headers["Cache-Control"] for answer in (booked, held)} == {"no-store"}
    let_go = await person.api.delete(held.headers["Location"], headers={"Hold-Token": held.json()["token"]})
    assert let_go.status_code == 204


@pytest.mark.parametrize("request_id", ["1", "req-123", "A.b_c-9" * 9])
async def test_the_caller_s_own_request_id_comes_back(world: World, request_id: str) -> None:
    person = await world.person()
    answer = await person.api.get("/v1/me", headers={**person.headers, "X-Request-Id": request_id})
    assert answer.headers["X-Request-Id"] == request_id


async def book_twice(person: Person, page: dict[str, Any]) -> list[dict[str, Any]]:
    return [(await person.book(page["id"], person.at(2, clock).isoformat())).json() for clock in ("10:00", "12:00")]


async def test_an_action_whose_fields_may_all_be_left_out_needs_no_body(world: World) -> None:
    person = await world.connected()
    await world.work()
    page = await person.make_page()
    first, second = await book_twice(person, page)
    own = await person.api.post(f"/v1/bookings/{first['id']}/cancel", headers=person.headers)
    assert (own.status_code, own.json()["cancel_reason"]) == (200, None), own.text
    token = {"Booking-Token": second["booking_token"]}
    theirs = await person.api.post(f"/v1/public/bookings/{second['id']}/cancel", headers=token)
    assert (theirs.status_code, theirs.json()["status"]) == (200, "cancelled"), theirs.text

    other = await world.person()
    offline = await other.make_page()
    first, second = await book_twice(other, offline)
    declined = await other.api.post(f"/v1/meeting-requests/{first['id']}/decline", headers=other.headers)
    assert (declined.status_code, declined.json()["status"]) == (200, "declined"), declined.text
    token = {"Booking-Token": second["booking_token"]}
    withdrawn = await other.api.post(f"/v1/public/meeting-requests/{second['id']}/withdraw", headers=token)
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn"), withdrawn.text
