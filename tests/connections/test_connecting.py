"""Connecting a Google calendar: disclosure, consent, and what must be refused (R3, R5-R9, R12, R16, R17)."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.ids import encode_id, new_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.google import failing
from tests.support.people import Person
from tests.support.world import World, open_world, problem

SCOPE = "https://www.googleapis.com/auth/"
EVENTS, CALENDAR_LIST = f"{SCOPE}calendar.events", f"{SCOPE}calendar.calendarlist.readonly"
FREE_BUSY = f"{SCOPE}calendar.freebusy"


async def newcomer(world: World, **claims: Any) -> Person:
    """Somebody with a Google account who has connected nothing."""
    person = await world.person(**claims)
    await world.sandbox.google_account(person.email, time_zone=person.time_zone)
    return person


async def outcome(person: Person, authorization_id: str) -> tuple[str, str | None]:
    """Status and code of an attempt."""
    done = (await person.get(f"/v1/connection-authorizations/{authorization_id}")).json()
    return done["status"], done["code"]


async def told_by_the_crm(world: World, person: Person, **changes: Any) -> None:
    """The CRM pushes the user as they were, but for this."""
    user = {"email": person.email, "locale": "en", "time_zone": person.time_zone}
    rights = {name: person.claims[name] for name in ("permissions", "seats", "subscriptions")}
    service = await world.service(person.account_id)
    assert (await service.put(f"/v1/users/{person.user_id}", user | rights | changes)).status_code == 200


async def nothing_stored(world: World) -> None:
    for table in ("connections", "connection_tokens", "calendars", "calendar_syncs", "due_calendars"):
        assert await world.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - a name from our own list


async def test_r6_consent_makes_a_connection_with_its_calendars(world: World) -> None:
    person = await newcomer(world)
    done = await person.connect()
    assert (done["status"], done["code"]) == ("completed", None)
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (connection["provider"], connection["email"], connection["status"]) == ("google", person.email, "active")
    assert connection["purposes"] == ["calendar", "meetings"]
    calendars = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    assert [(calendar["is_primary"], calendar["availability_calendar"]) for calendar in calendars] == [(True, True)]
    assert await world.work() >= 1
    sync = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()
    assert sync["calendars"][0]["state"] == "idle"
    assert sync["calendars"][0]["lag_seconds"] is not None


async def test_r17_sync_and_pages_are_on_and_the_rest_is_off_when_google_is_connected(world: World) -> None:
    person = await newcomer(world)
    before = (await person.get("/v1/calendar-settings")).json()
    assert (before["calendar_sync"], before["scheduling_pages"]) == (False, True)
    await person.connect()
    settings = (await person.get("/v1/calendar-settings")).json()
    assert (settings["calendar_sync"], settings["scheduling_pages"]) == (True, True)
    assert (settings["task_sync"], settings["chat_profile"]["enabled"], settings["turned_off"]) == (False, False, False)


async def test_r5_the_accepted_version_and_language_are_recorded(world: World) -> None:
    person = await newcomer(world)
    disclosure = (await person.get("/v1/providers/google/disclosure")).json()
    await person.start_connecting()
    rows = await world.rows("SELECT provider, version, language, accepted_at FROM disclosure_acceptances")
    assert [(row["provider"], row["version"], row["language"]) for row in rows] == [
        ("google", disclosure["version"], disclosure["language"])
    ]
    assert abs(rows[0]["accepted_at"] - world.clock()) < timedelta(seconds=10)


async def test_r5_another_version_of_the_disclosure_is_refused_and_names_the_one_to_accept(world: World) -> None:
    person = await newcomer(world)
    refused = problem(await person.start_connecting(disclosure_version="2001-01-01"), 422, "disclosure_not_accepted")
    assert refused["version"] == (await person.get("/v1/providers/google/disclosure")).json()["version"]
    missing = await person.post("/v1/connection-authorizations", {"provider": "google", "client": "web"})
    problem(missing, 422, "validation_failed")
    assert await world.rows("SELECT * FROM disclosure_acceptances") == []
    assert await world.rows("SELECT * FROM connection_authorizations") == []


async def test_r3_without_the_permission_connecting_is_refused(world: World) -> None:
    person = await newcomer(world, permissions=[])
    problem(await person.start_connecting(), 403, "personal_email_access_required")
    await person.refresh_token(permissions=["personal_email_access"])
    assert (await person.start_connecting()).status_code == 201


async def test_r9_a_phone_needs_a_professional_sales_or_service_seat(world: World) -> None:
    for seats in (
        [],
        [{"product": "sales_hub", "tier": "free"}],
        [{"product": "service_hub", "tier": "starter"}],
    ):
        person = await newcomer(world, seats=seats)
        refused = problem(await person.start_connecting(client="mobile"), 403, "entitlement_required")
        assert refused["required_tiers"] == ["professional", "enterprise"]
        assert (await person.start_connecting(client="web")).status_code == 201, "R2: every plan"
    for product, tier in (("sales_hub", "professional"), ("service_hub", "enterprise")):
        person = await newcomer(world, seats=[{"product": product, "tier": tier}])
        assert (await person.start_connecting(client="mobile")).status_code == 201


async def test_r9_whoever_may_sync_tasks_may_not_connect_a_phone_for_that(settings: Settings, sandbox: Sandbox) -> None:
    tiers = ["free", "starter", "professional", "enterprise"]
    starter = [{"product": "sales_hub", "tier": "starter"}]
    async with open_world(settings.model_copy(update={"task_sync_tiers": tiers}), sandbox) as world:
        person = await newcomer(world, seats=starter)
        refused = problem(await person.start_connecting(client="mobile"), 403, "entitlement_required")
        assert (refused["entitlement"], refused["required_tiers"]) == ("mobile_connect", ["professional", "enterprise"])
    async with open_world(settings.model_copy(update={"mobile_connect_tiers": tiers}), sandbox) as world:
        person = await newcomer(world, seats=starter)
        assert (await person.start_connecting(client="mobile")).status_code == 201


async def test_r6_the_consent_page_is_asked_with_pkce_a_state_and_the_account_chooser(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting(login_hint=person.email)).json()
    query = {name: values[0] for name, values in parse_qs(urlsplit(started["authorization_url"]).query).items()}
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43
    assert query["prompt"] == "consent select_account"
    assert query["access_type"] == "offline"
    assert query["login_hint"] == person.email
    again = (await person.start_connecting()).json()
    other = parse_qs(urlsplit(again["authorization_url"]).query)
    assert other["state"][0] != query["state"]
    assert other["code_challenge"][0] != query["code_challenge"]


async def test_r6_another_account_than_the_hinted_one_is_not_stored(world: World) -> None:
    person = await newcomer(world)
    stranger = "stranger@example.com"
    await world.sandbox.google_account(stranger)
    started = (await person.start_connecting(login_hint=person.email)).json()
    returned = await person.consent(started["authorization_url"], email=stranger)
    assert (returned.status_code, result(returned)["code"]) == (303, "account_mismatch")
    assert await outcome(person, started["id"]) == ("failed", "account_mismatch")
    await nothing_stored(world)


async def test_r6_the_hint_is_compared_as_addresses_are(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting(login_hint=person.email.upper())).json()
    await person.consent(started["authorization_url"])
    assert await outcome(person, started["id"]) == ("completed", None)


def result(response: Any) -> dict[str, str]:
    """What the browser is sent back with."""
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


async def test_r8_the_browser_goes_to_the_dashboard_with_the_result(world: World) -> None:
    person = await newcomer(world)
    started = await person.start_connecting()
    assert started.headers["Location"] == f"/v1/connection-authorizations/{started.json()['id']}"
    returned = await person.consent(started.json()["authorization_url"])
    assert returned.headers["Location"].startswith(world.services.settings.return_urls[0])
    assert returned.headers["Cache-Control"] == "no-store"
    assert result(returned)["status"] == "completed"
    assert result(returned)["connection_id"].startswith("conn_")


async def test_r8_the_phone_gets_its_deep_link_back_and_can_poll(world: World) -> None:
    person = await newcomer(world)
    link = "calendar-connect://connected/home?tab=1"
    started = (await person.start_connecting(client="mobile", return_url=link)).json()
    assert await outcome(person, started["id"]) == ("pending", None)
    returned = await person.consent(started["authorization_url"])
    assert returned.headers["Location"].startswith("calendar-connect://connected/home?tab=1&status=completed")
    assert await outcome(person, started["id"]) == ("completed", None)


async def test_r8_without_a_word_the_phone_gets_the_deep_link_and_the_browser_the_dashboard(world: World) -> None:
    for client, start in (("mobile", "calendar-connect://connected/"), ("web", "http://")):
        person = await newcomer(world)
        started = (await person.start_connecting(client=client)).json()
        assert (await person.consent(started["authorization_url"])).headers["Location"].startswith(start)


OTHER_URLS = [
    "https://evil.example/dashboard",
    "javascript:alert(1)",
    "//evil.example/",
    "/dashboard",
    "",
    "http://127.0.0.1:1/dashboard",
]


async def test_r8_another_return_url_is_refused_and_not_echoed(world: World) -> None:
    for url in OTHER_URLS:
        person = await newcomer(world)
        response = await person.start_connecting(return_url=url)
        assert response.status_code == 422, response.text
        if url:
            assert response.json()["code"] == "return_url_not_allowed"
            assert url not in response.text
        assert await world.rows("SELECT * FROM connection_authorizations") == []


async def test_r8_nobody_else_can_read_an_attempt(world: World) -> None:
    person = await newcomer(world)
    colleague = await world.person(account_id=person.account_id)
    foreigner = await world.person()
    path = f"/v1/connection-authorizations/{(await person.start_connecting()).json()['id']}"
    never = f"/v1/connection-authorizations/{encode_id('auth', new_id())}"
    for somebody in (colleague, foreigner):
        answers = [problem(await somebody.get(where), 404, "not_found") for where in (path, never)]
        assert answers[0]["detail"] == answers[1]["detail"], "P4: foreign and non-existent answer identically"
    assert (await person.get(path)).status_code == 200


async def test_r6_a_state_is_good_once(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    callback = urlsplit(await world.sandbox.consent(started["authorization_url"], email=person.email))
    back = f"{callback.path}?{callback.query}"
    assert (await world.api.get(back)).status_code == 303
    problem(await world.api.get(back), 400, "authorization_state_invalid")
    assert await outcome(person, started["id"]) == ("completed", None)
    assert len((await person.get("/v1/connections")).json()["items"]) == 1


async def test_r8_who_comes_back_too_late_is_led_back_and_told(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting(login_hint=person.email)).json()
    callback = urlsplit(await world.sandbox.consent(started["authorization_url"], email=person.email))
    back = f"{callback.path}?{callback.query}"
    world.clock.offset = timedelta(minutes=16)
    assert await outcome(person, started["id"]) == ("expired", None), "nobody has come back yet"
    returned = await world.api.get(back)
    await told_too_late(world, returned, started["id"])
    assert await outcome(person, started["id"]) == ("expired", "authorization_state_invalid")
    [kept] = await world.rows("SELECT login_hint, code_verifier FROM connection_authorizations")
    assert kept == {"login_hint": None, "code_verifier": b""}
    problem(await world.api.get(back), 400, "authorization_state_invalid")


async def test_r8_an_attempt_whose_key_is_gone_leads_back_and_is_begun_anew(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    await world.rows("UPDATE connection_authorizations SET code_verifier = code_verifier || '\\x00'::bytea")
    await told_too_late(world, await person.consent(started["authorization_url"]), started["id"])
    assert (await person.connect())["status"] == "completed"


async def told_too_late(world: World, returned: Any, authorization_id: str) -> None:
    """The browser is on the dashboard, which knows why; and nothing came of it."""
    assert returned.status_code == 303, returned.text
    assert returned.headers["Location"].startswith(world.services.settings.return_urls[0])
    assert result(returned) == {
        "status": "expired",
        "code": "authorization_state_invalid",
        "authorization_id": authorization_id,
    }
    await nothing_stored(world)


async def test_r6_a_forged_state_or_one_of_another_provider_is_refused(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    state = parse_qs(urlsplit(started["authorization_url"]).query)["state"][0]
    for path in (
        f"/v1/oauth/google/callback?state={state[:-1]}x&code=x",
        "/v1/oauth/google/callback?state=guess&code=x",
        f"/v1/oauth/office365/callback?state={state}&code=x",
        f"/v1/oauth/nobody/callback?state={state}&code=x",
    ):
        problem(await world.api.get(path), 400, "authorization_state_invalid")
    missing = await world.api.get("/v1/oauth/google/callback?code=x")
    assert missing.status_code == 422
    await nothing_stored(world)


async def test_p5_a_state_is_stored_as_a_hash_and_a_verifier_sealed(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    state = parse_qs(urlsplit(started["authorization_url"]).query)["state"][0]
    dump = repr(await world.rows("SELECT a::text FROM connection_authorizations a"))
    dump += repr(await world.rows("SELECT d::text FROM directory d"))
    assert state not in dump
    assert state.encode().hex() not in dump


async def test_r6_a_code_that_is_no_code_is_refused(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    state = parse_qs(urlsplit(started["authorization_url"]).query)["state"][0]
    returned = await world.api.get(f"/v1/oauth/google/callback?state={state}&code=made-up")
    assert result(returned)["code"] == "consent_denied"
    await nothing_stored(world)


async def test_r6_a_person_who_says_no_is_sent_back(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    returned = await person.consent(started["authorization_url"], deny=True)
    assert (returned.status_code, result(returned)["status"], result(returned)["code"]) == (
        303,
        "denied",
        "consent_denied",
    )
    assert await outcome(person, started["id"]) == ("denied", "consent_denied")
    await nothing_stored(world)


@pytest.mark.parametrize("scope", [EVENTS, CALENDAR_LIST])
async def test_r7_without_an_indispensable_scope_nothing_is_stored_and_the_grant_is_left_alone(
    world: World, scope: str
) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    returned = await person.consent(started["authorization_url"], untick=[scope])
    assert result(returned)["code"] == "scopes_missing"
    assert await outcome(person, started["id"]) == ("failed", "scopes_missing")
    await nothing_stored(world)
    requests = await world.sandbox.google_requests(account=person.email)
    revoked = [r for r in requests if r["path"].endswith("/revoke")]
    assert revoked == [], "somebody else's connection may live by the same grant"
    assert (await person.connect())["status"] == "completed", "another try is welcome"


async def test_r7_without_free_busy_the_live_check_reads_the_events(world: World) -> None:
    person = await newcomer(world)
    assert (await person.connect(untick=[FREE_BUSY]))["status"] == "completed"
    await world.work()
    page = await person.make_page()
    slots = await person.slots(page["id"], person.day(3))
    taken = person.at(3, "10:00")
    event = {"start": {"dateTime": taken.isoformat()}, "end": {"dateTime": (taken + timedelta(hours=1)).isoformat()}}
    await world.sandbox.insert_google_event(person.email, event)  # the mirror does not know it yet
    problem(await person.book(page["id"], taken.isoformat()), 409, "slot_unavailable")
    free = next(slot for slot in slots if slot["start_at"] > (taken + timedelta(hours=2)).isoformat())
    assert (await person.book(page["id"], free["start_at"])).status_code == 201


async def test_r12_the_same_provider_twice_is_refused(world: World) -> None:
    person = await newcomer(world)
    await person.connect()
    problem(await person.start_connecting(), 409, "already_connected")
    me = (await person.get("/v1/me")).json()
    assert me["connection_limit"] == {"limit": 1, "used": 1}


async def test_r12_two_attempts_at_once_make_one_connection(world: World) -> None:
    person = await newcomer(world)
    first = (await person.start_connecting()).json()
    second = (await person.start_connecting()).json()
    await person.consent(first["authorization_url"])
    await person.consent(second["authorization_url"])
    assert await outcome(person, first["id"]) == ("completed", None)
    assert await outcome(person, second["id"]) == ("failed", "connection_limit_reached")
    assert len((await person.get("/v1/connections")).json()["items"]) == 1


@pytest.mark.parametrize("place", ["/token$", "/userinfo$", "/calendarList$"])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("backend_error", "provider_unavailable"),
        ("too_many_requests", "provider_unavailable"),
        ("reset_before", "provider_unavailable"),
        ("html_error", None),
    ],
)
async def test_r6_a_provider_that_fails_during_the_callback_is_told_and_another_try_works(
    world: World, place: str, kind: str, code: str | None
) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    action = {"kind": kind, "status": 200} if kind == "html_error" else kind
    async with failing(world.sandbox, action, path=place):
        returned = await person.consent(started["authorization_url"])
    assert returned.status_code == 303
    status, said = await outcome(person, started["id"])
    assert status == "failed"
    assert said == (code or "provider_error")
    await nothing_stored(world)
    assert (await person.connect())["status"] == "completed"


async def test_r6_a_slow_provider_is_waited_for(world: World) -> None:
    person = await newcomer(world)
    async with failing(world.sandbox, {"kind": "latency", "ms": 400}, path="/token$"):
        assert (await person.connect())["status"] == "completed"


async def test_r6_a_lost_answer_to_the_code_fails_and_another_try_works(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    async with failing(world.sandbox, "lost_after_commit", path="/token$"):
        await person.consent(started["authorization_url"])
    assert (await outcome(person, started["id"]))[0] == "failed"
    assert (await person.connect())["status"] == "completed"


async def test_r5_no_connection_is_made_for_somebody_who_left_meanwhile(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    service = await world.person(account_id=person.account_id)
    await service.refresh_token(service=True, sub="service:crm", permissions=["users:write"])
    assert (await service.delete(f"/v1/users/{person.user_id}")).status_code == 204
    returned = await person.consent(started["authorization_url"])
    assert result(returned)["status"] == "failed"
    await nothing_stored(world)


@pytest.mark.parametrize(
    ("client", "taken_away", "code"),
    [
        ("web", {"permissions": []}, "personal_email_access_required"),
        ("mobile", {"seats": []}, "entitlement_required"),
        ("web", {"seats": []}, None),
    ],
)
async def test_r3_r9_r55_what_was_taken_away_while_the_consent_page_was_open_is_not_there_when_it_is_done(
    world: World, client: str, taken_away: dict[str, Any], code: str | None
) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting(client=client)).json()
    await told_by_the_crm(world, person, **taken_away)
    await person.consent(started["authorization_url"])
    assert await outcome(person, started["id"]) == ("failed" if code else "completed", code)
    if code:
        await nothing_stored(world)


async def test_r3_r16_nor_is_a_connection_healed_then(world: World) -> None:
    person = await world.connected()
    body = {
        "client": "web",
        "disclosure_version": (await person.get("/v1/providers/google/disclosure")).json()["version"],
    }
    started = (await person.post(f"/v1/connections/{person.connection_id}/reauthorize", body)).json()
    await told_by_the_crm(world, person, permissions=[])
    await person.consent(started["authorization_url"])
    assert await outcome(person, started["id"]) == ("failed", "personal_email_access_required")


async def test_r1_the_providers_and_what_they_can_do_are_listed(world: World) -> None:
    person = await world.person()
    providers = (await person.get("/v1/providers")).json()["items"]
    google = next(item for item in providers if item["provider"] == "google")
    assert google["connect_method"] == "oauth"
    assert {"calendar_sync", "task_sync", "event_cancel"} <= set(google["capabilities"])
    problem(await person.get("/v1/providers/nobody/disclosure"), 404, "not_found")


async def test_r31_a_calendar_that_moved_to_another_zone_blocks_other_hours_after_reconnecting(world: World) -> None:
    """An all-day event covers the civil days of the calendar's zone; the packed months follow it."""
    person = await world.connected(zoneinfo="Europe/Stockholm")
    day = person.day(5)
    await world.sandbox.insert_google_event(
        person.email, {"summary": "Away", "start": {"date": f"{day}"}, "end": {"date": f"{day + timedelta(days=1)}"}}
    )
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    page = await person.make_page()
    before = await person.slots(page["id"], day)
    await world.rows("UPDATE calendars SET time_zone = 'Pacific/Auckland'")  # as it was at the first connecting
    await world.sandbox.revoke_google(person.email)
    await world.sandbox.expire_google_access_tokens(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await world.rows("UPDATE busy_months SET busy = '\\x01', tentative = '\\x01'")  # what the old zone had packed
    await person.connect()
    await world.work()
    assert before == []
    assert await person.slots(page["id"], day) == []
