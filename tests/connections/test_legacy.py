"""Users who had two connections before 2023-03-13 (R12)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.accounts.test_users import USER
from tests.support.people import Person
from tests.support.world import ACCEPTED, World, open_world, problem

BOTH = [
    {"provider": "google", "email": "ada.crm@example.com", "purpose": "calendar"},
    {"provider": "office365", "email": "ada.meetings@example.com", "purpose": "meetings"},
]


async def early(world: World, **changes: Any) -> tuple[Person, Person]:
    """A user of an early account, pushed with both connections, and the CRM."""
    person = await world.person(account_created_at="2020-05-01T00:00:00Z", zoneinfo="Europe/Berlin")
    service = await world.service(person.account_id)
    body = USER | {"email": person.email, "time_zone": "Europe/Berlin", "legacy_connections": BOTH} | changes
    answer = await service.put(f"/v1/users/{person.user_id}", body)
    assert answer.status_code == 200, answer.text
    return person, service


async def connections(person: Person) -> dict[str, dict[str, Any]]:
    items = (await person.get("/v1/connections")).json()["items"]
    return {item["provider"]: item for item in items}


async def limit(person: Person) -> dict[str, int]:
    found: dict[str, int] = (await person.get("/v1/me")).json()["connection_limit"]
    return found


async def connect(world: World, person: Person, provider: str, email: str) -> None:
    if provider == "exchange":
        await world.sandbox.exchange.account(email)
        made = await person.connect_with_password(PASSWORD, email=email, username=email)
        assert made.status_code == 201, made.text
        return
    await (world.sandbox.google_account(email) if provider == "google" else world.sandbox.microsoft.account(email))
    person.connection_id = (await connections(person))[provider]["id"]
    assert (await person.reauthorize(email=email))["status"] == "completed"


async def connect_both(world: World, person: Person) -> None:
    """Authorize each imported connection again, as its own account."""
    for item in BOTH:
        await connect(world, person, item["provider"], item["email"])
    await world.work()


async def test_r12_two_old_connections_are_taken_over_by_purpose_and_heal(world: World) -> None:
    person, service = await early(world)
    found = await connections(person)
    assert {name: item["purposes"] for name, item in found.items()} == {
        "google": ["calendar"],
        "office365": ["meetings"],
    }
    assert {(item["status"], item["reason"]) for item in found.values()} == {("reauthorization_required", "imported")}
    assert await limit(person) == {"limit": 2, "used": 2}
    await connect_both(world, person)
    assert {item["status"] for item in (await connections(person)).values()} == {"active"}
    assert (await person.get("/v1/calendar-settings")).json()["calendar_sync"] is True, "R17: connected at last"
    inboxes = (await person.get("/v1/inboxes")).json()["items"]
    assert [item["email"] for item in inboxes] == [item["email"] for item in BOTH], "R11: healing brings what never was"
    again = USER | {"email": person.email, "time_zone": "Europe/Berlin", "legacy_connections": BOTH}
    await service.put(f"/v1/users/{person.user_id}", again)
    assert len(await connections(person)) == 2
    page = await person.make_page()
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert booked.status_code == 201, booked.text
    await world.work()
    ledger = await world.sandbox.microsoft.ledger(account=BOTH[1]["email"], actor="api", operation="insert")
    assert len(ledger) == 1, "bookings land where meetings are taken"


async def test_r12_once_one_is_removed_the_other_serves_both_and_the_limit_is_one_for_good(world: World) -> None:
    person, service = await early(world)
    await connect_both(world, person)
    page = await person.make_page()
    meetings = (await connections(person))["office365"]["id"]
    assert (await person.delete(f"/v1/connections/{meetings}")).status_code == 204
    await world.work()
    [survivor] = (await connections(person)).values()
    assert survivor["purposes"] == ["calendar", "meetings"]
    assert await limit(person) == {"limit": 1, "used": 1}
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert booked.status_code == 201, "the survivor takes bookings"
    assert (await person.delete(f"/v1/connections/{survivor['id']}")).status_code == 204
    again = USER | {"email": person.email, "time_zone": "Europe/Berlin", "legacy_connections": BOTH}
    assert (await service.put(f"/v1/users/{person.user_id}", again)).status_code == 200
    assert await connections(person) == {}, "two are never made again"


async def test_r12_r16_who_must_reconnect_is_told_what_does_not_work_until_then(world: World) -> None:
    person, _ = await early(world, locale="en")
    await connect_both(world, person)
    await world.sandbox.revoke_google(BOTH[0]["email"])
    await world.sandbox.microsoft.revoke(BOTH[1]["email"])
    for item in (await connections(person)).values():
        await person.post(f"/v1/connections/{item['id']}/sync")
    await world.work()
    told = await world.sandbox.mails(person.email)
    synced, booked = (next(mail["text"] for mail in told if item["email"] in mail["subject"]) for item in BOTH)
    assert "Until you reconnect it, your calendar and the CRM are not kept in step." in synced
    assert "scheduling pages" not in synced, "it takes no bookings"
    assert "Until you reconnect it, your scheduling pages may offer no times." in booked
    assert "kept in step" not in booked


async def test_r16_whose_one_connection_does_both_is_told_of_both_and_of_no_sync_that_is_off(world: World) -> None:
    for sync, told in (
        (True, "no times, and your calendar and the CRM are not kept in step."),
        (False, "no times.\r\n"),
    ):
        person = await world.connected()
        await person.patch("/v1/calendar-settings", {"calendar_sync": sync})
        await world.sandbox.revoke_google(person.email)
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await world.work()
        [mail] = await world.sandbox.mails(person.email)
        assert f"your scheduling pages may offer {told}" in mail["text"]


async def test_r12_r16_an_imported_exchange_connection_heals_with_its_password(world: World) -> None:
    exchange = BOTH[1] | {"provider": "exchange"}
    person, _ = await early(world, legacy_connections=[BOTH[0], exchange])
    await world.sandbox.exchange.account(exchange["email"])
    imported = (await connections(person))["exchange"]
    assert "update" in imported["allowed_actions"]
    path = f"/v1/connections/{imported['id']}"
    accepted = {"client": "web", "disclosure_version": ACCEPTED}
    problem(await person.patch(path, {"username": exchange["email"]} | accepted), 422, "validation_failed")
    known = await typed_in(world, exchange["email"])
    healed = await person.patch(path, known | accepted)
    assert (healed.status_code, healed.json()["status"]) == (200, "active"), healed.text


async def test_r5_r9_an_imported_exchange_connection_is_connected_as_any_other(world: World) -> None:
    exchange = BOTH[1] | {"provider": "exchange"}
    person, service = await early(world, legacy_connections=[BOTH[0], exchange], seats=[])
    await world.sandbox.exchange.account(exchange["email"])
    path = f"/v1/connections/{(await connections(person))['exchange']['id']}"
    known = await typed_in(world, exchange["email"])
    refused = problem(await person.patch(path, known | {"client": "web"}), 422, "disclosure_not_accepted")
    assert refused["version"] == ACCEPTED
    old = {"client": "web", "disclosure_version": "2020-01-01"}
    problem(await person.patch(path, known | old), 422, "disclosure_not_accepted")
    placeless = problem(await person.patch(path, known | {"disclosure_version": ACCEPTED}), 422, "validation_failed")
    assert [error["pointer"] for error in placeless["errors"]] == ["/client"]
    on_mobile = known | {"client": "mobile", "disclosure_version": ACCEPTED}
    problem(await person.patch(path, on_mobile), 403, "entitlement_required")
    assert await world.rows("SELECT * FROM disclosure_acceptances") == []
    await service.put(f"/v1/users/{person.user_id}", USER | {"email": person.email})
    assert (await person.patch(path, on_mobile)).json()["status"] == "active"
    told = await world.rows("SELECT provider, version, language FROM disclosure_acceptances")
    assert told == [{"provider": "exchange", "version": ACCEPTED, "language": "en"}]
    again = await person.patch(path, {"password": PASSWORD})
    assert again.status_code == 200, "who has accepted it once changes a password without"


async def typed_in(world: World, email: str) -> dict[str, str]:
    """What its person types in to reach the sandbox's Exchange."""
    where = await world.sandbox.addresses()
    server = {"ews_url": where["ews_url"], "certificate": where["ews_authority_pem"]}
    return {"password": PASSWORD, "username": email} | server


async def test_r12_r18_what_can_be_done_is_told_of_both_connections(world: World) -> None:
    exchange = BOTH[1] | {"provider": "exchange"}
    person, _ = await early(world, legacy_connections=[BOTH[0], exchange])
    await world.sandbox.google_account(BOTH[0]["email"])
    await world.sandbox.exchange.account(exchange["email"])
    found = await connections(person)
    person.connection_id = found["google"]["id"]
    assert (await person.reauthorize(email=BOTH[0]["email"]))["status"] == "completed"
    fields = {"email": exchange["email"], "username": exchange["email"]}
    assert (await person.connect_with_password(PASSWORD, **fields)).status_code == 201
    told = (await person.get("/v1/me")).json()["capabilities"]
    reasons = {item["capability"]: item["reason"] for item in told}
    assert (reasons["calendar_sync"], reasons["crm_meetings"]) == (None, None), "over Google"
    assert reasons["event_cancel"] == "provider_unsupported", "over Exchange"


async def of_two(world: World, *, calendar: str, meetings: str) -> Person:
    """Somebody with these two connections, both of which work."""
    pair = [BOTH[0] | {"provider": calendar}, BOTH[1] | {"provider": meetings}]
    person, _ = await early(world, legacy_connections=pair)
    for item in pair:
        await connect(world, person, item["provider"], item["email"])
    await world.work()
    return person


async def let_go(world: World, person: Person, provider: str) -> None:
    gone = (await connections(person))[provider]["id"]
    assert (await person.delete(f"/v1/connections/{gone}")).status_code == 204
    await world.work()


async def switches(person: Person) -> tuple[bool, bool]:
    saved = (await person.get("/v1/calendar-settings")).json()
    return saved["calendar_sync"], saved["task_sync"]


async def test_r12_r17_the_sync_is_on_once_a_calendar_inherits_it_that_can(world: World) -> None:
    person = await of_two(world, calendar="exchange", meetings="google")
    assert await switches(person) == (False, False)
    await let_go(world, person, "exchange")
    assert await switches(person) == (True, False), "nobody has turned it off"
    contact = (await person.post("/v1/contacts", {"email": "vera@example.com"})).json()
    times = {"start_at": person.at(2, "10:00").isoformat(), "end_at": person.at(2, "11:00").isoformat()}
    wish = {"title": "Demo", "time_zone": person.time_zone} | times
    made = (await person.post(f"/v1/contacts/{contact['id']}/meetings", wish)).json()
    assert (made["invite_status"], made["invite_reason"]) == ("sent", None)


async def test_r12_r17_a_calendar_that_was_never_connected_leaves_the_sync_on(world: World) -> None:
    person, _ = await early(world)
    await connect(world, person, "office365", BOTH[1]["email"])
    await let_go(world, person, "google")
    assert await switches(person) == (True, False)


async def test_r12_r17_the_sync_is_off_with_the_tasks_once_exchange_inherits_it(world: World) -> None:
    person = await of_two(world, calendar="google", meetings="exchange")
    assert (await person.patch("/v1/calendar-settings", {"task_sync": True})).status_code == 200
    assert await switches(person) == (True, True)
    await let_go(world, person, "google")
    assert await switches(person) == (False, False)


async def test_r12_r17_who_has_turned_the_sync_off_has_it_off_with_the_other_calendar(world: World) -> None:
    person = await of_two(world, calendar="office365", meetings="google")
    await person.patch("/v1/calendar-settings", {"calendar_sync": False})
    await let_go(world, person, "office365")
    assert await switches(person) == (False, False)


@pytest.mark.parametrize("sync", [True, False])
async def test_r12_r17_letting_go_of_the_one_that_takes_bookings_leaves_the_sync_as_it_is(
    world: World, *, sync: bool
) -> None:
    person = await of_two(world, calendar="google", meetings="exchange")
    await person.patch("/v1/calendar-settings", {"calendar_sync": sync})
    await let_go(world, person, "exchange")
    assert await switches(person) == (sync, False)


async def test_r12_a_third_connection_is_refused(world: World) -> None:
    person, _ = await early(world)
    await connect_both(world, person)
    await world.sandbox.exchange.account(person.email)
    problem(await person.connect_with_password("sandbox-password"), 409, "connection_limit_reached")


@pytest.mark.parametrize(
    "changes",
    [
        {"account_created_at": "2023-03-13T00:00:00Z"},
        {"account_created_at": None},
        {"legacy_connections": BOTH[:1]},
        {"legacy_connections": [BOTH[0], BOTH[0]]},
    ],
)
async def test_r12_nobody_else_gets_two(world: World, changes: dict[str, Any]) -> None:
    person = await world.person()
    service = await world.service(person.account_id)
    body = USER | {"email": person.email, "legacy_connections": BOTH} | changes
    body = {name: value for name, value in body.items() if value is not None}
    problem(await service.put(f"/v1/users/{person.user_id}", body), 422, "validation_failed")
    assert await connections(person) == {}


async def test_r12_which_accounts_are_early_ones_is_the_deployment_s_word(settings: Settings, sandbox: Sandbox) -> None:
    earlier = settings.model_copy(update={"legacy_accounts_before": datetime(2020, 1, 1, tzinfo=UTC)})
    async with open_world(earlier, sandbox) as world:
        person = await world.person()
        service = await world.service(person.account_id)
        for opened, status in (("2020-05-01T00:00:00Z", 422), ("2019-05-01T00:00:00Z", 200)):
            body = USER | {"email": person.email, "legacy_connections": BOTH, "account_created_at": opened}
            assert (await service.put(f"/v1/users/{person.user_id}", body)).status_code == status
