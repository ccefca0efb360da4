"""Connecting Exchange with a password (R3, R5, R9, R12-R14, R16-R18, R24): what is asked, tried, refused and kept."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.calendar import ProviderName
from app.i18n import Language, translate
from app.providers.credentials import SupportsCredentials
from app.providers.ews.login import Login, Scheme
from app.providers.ews.provider import ExchangeProvider
from sandbox.exchange.client import PASSWORD
from tests.connections.test_connecting import told_by_the_crm
from tests.support.gate import Gate
from tests.support.people import Person
from tests.support.world import World, problem

DISCOVER = "/v1/exchange-discoveries"


@pytest.fixture(autouse=True)
async def calm_exchange(world: World) -> AsyncIterator[None]:
    await world.sandbox.exchange.clear_faults()
    await world.sandbox.exchange.turn_knobs(authentication=["basic"])
    yield
    await world.sandbox.exchange.version("Exchange2010_SP2")


async def employee(world: World, **claims: Any) -> Person:
    person = await world.person(**claims)
    await world.sandbox.exchange.account(person.email)
    return person


async def discover(world: World, person: Person, **fields: Any) -> Any:
    where = await world.sandbox.addresses()
    body = {
        "client": "web",
        "email": person.email,
        "password": PASSWORD,
        "username": person.email,
        "ews_url": where["ews_url"],
        "certificate": where["ews_authority_pem"],
    } | fields
    return await person.post(DISCOVER, {name: value for name, value in body.items() if value is not None})


async def test_r13_the_provider_says_what_to_ask_for(world: World) -> None:
    person = await world.person(locale="de")
    listed = {item["provider"]: item for item in (await person.get("/v1/providers")).json()["items"]}
    exchange = listed["exchange"]
    assert exchange["connect_method"] == "credentials"
    asked = {field["name"]: (field["required"], field["secret"]) for field in exchange["connect_fields"]}
    assert asked["email"] == (True, False)
    assert asked["password"] == (True, True)
    assert {"username", "ews_url", "version", "certificate"} <= asked.keys()
    assert not any(required for name, (required, _) in asked.items() if name not in {"email", "password"})
    labels = {field["name"]: field["label"] for field in exchange["connect_fields"]}
    assert (labels["password"], listed["google"]["connect_fields"]) == ("Passwort", [])
    assert exchange["capabilities"] == [], "R24"


async def test_r13_credentials_are_tried_and_nothing_is_stored(world: World) -> None:
    person = await employee(world)
    found = await discover(world, person)
    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["verified"], body["required_fields"], body["username"]) == (True, [], person.email)
    assert body["ews_url"] == (await world.sandbox.addresses())["ews_url"]
    assert "14.2" in body["version"] or "2010" in body["version"]
    assert PASSWORD not in found.text
    assert await world.rows("SELECT * FROM connections") == []
    assert await world.rows("SELECT * FROM connection_tokens") == []


async def test_r13_a_server_that_cannot_be_found_has_its_url_asked_for(world: World) -> None:
    person = await employee(world)
    body = (await discover(world, person, ews_url=None)).json()
    assert (body["verified"], [field["name"] for field in body["required_fields"]]) == (False, ["ews_url"])
    refused = problem(await person.connect_with_password(PASSWORD, ews_url=None), 422, "exchange_url_required")
    assert [(item["pointer"], item["code"]) for item in refused["errors"]] == [("/ews_url", "missing")]


async def test_r13_a_wrong_password_is_tried_once(world: World) -> None:
    person = await employee(world)
    problem(await person.connect_with_password("not-the-password"), 422, "exchange_credentials_invalid")
    assert (await world.sandbox.exchange.show_account(person.email))["failed_logons"] == 1
    assert (await person.get("/v1/connections")).json()["items"] == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://10.1.2.3/EWS/Exchange.asmx", "address_not_allowed"),
        ("https://[::1]/EWS/Exchange.asmx", "address_not_allowed"),
        ("https://169.254.169.254/latest/meta-data", "address_not_allowed"),
        ("http://127.0.0.1/EWS/Exchange.asmx", "address_not_allowed"),
        ("https://user:secret@127.0.0.1/EWS/Exchange.asmx", "address_not_allowed"),
        ("https://outlook.office365.com/EWS/Exchange.asmx", "exchange_online_mailbox"),
    ],
)
async def test_r14_addresses_where_we_do_not_go(world: World, url: str, code: str) -> None:
    person = await employee(world)
    refused = problem(await discover(world, person, ews_url=url), 422, code)
    assert (refused.get("provider") == "office365") == (code == "exchange_online_mailbox")
    assert url not in str(refused)


async def test_r14_a_certificate_nobody_vouches_for(world: World) -> None:
    person = await employee(world)
    problem(await discover(world, person, certificate=None), 422, "certificate_untrusted")


async def test_r14_an_exchange_that_is_too_old(world: World) -> None:
    person = await employee(world)
    problem(await discover(world, person, version="Exchange2007"), 422, "exchange_version_unsupported")


@pytest.mark.parametrize("kind", ["html_error", "truncate"])
async def test_r14_what_is_no_exchange_is_told_so_without_its_words(world: World, kind: str) -> None:
    person = await employee(world)
    await world.sandbox.exchange.add_fault(kind, times=None, status=200)
    refused = await discover(world, person)
    assert refused.status_code in {502, 503}, refused.text
    assert "html" not in refused.text.lower()


async def test_r8_r17_connecting_answers_with_the_connection_and_the_dashboard(world: World) -> None:
    person = await employee(world)
    answer = await person.connect_with_password(PASSWORD)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["Location"] == f"/v1/connections/{body['id']}"
    assert (body["provider"], body["email"], body["status"]) == ("exchange", person.email, "active")
    assert body["return_url"].endswith("/dashboard")
    assert {item["capability"]: item["reason"] for item in body["capabilities"]}[
        "event_cancel"
    ] == "provider_unsupported"
    settings = (await person.get("/v1/calendar-settings")).json()
    assert (settings["calendar_sync"], settings["scheduling_pages"]) == (False, True)
    accepted = await world.rows("SELECT provider, version FROM disclosure_acceptances")
    assert [row["provider"] for row in accepted] == ["exchange"]
    [token] = await world.rows("SELECT access_token, refresh_token, expires_at FROM connection_tokens")
    assert (token["refresh_token"], token["expires_at"]) == (None, None)
    assert PASSWORD.encode() not in token["access_token"]
    problem(await person.connect_with_password(PASSWORD), 409, "already_connected")


async def test_r3_r5_r9_who_may_not_connect(world: World) -> None:
    stranger = await employee(world, permissions=[])
    problem(await stranger.connect_with_password(PASSWORD), 403, "personal_email_access_required")
    problem(await discover(world, stranger), 403, "personal_email_access_required")
    seatless = await employee(world, seats=[])
    problem(await seatless.connect_with_password(PASSWORD, client="mobile"), 403, "entitlement_required")
    problem(await discover(world, seatless, client="mobile"), 403, "entitlement_required")
    person = await employee(world)
    refused = problem(
        await person.connect_with_password(PASSWORD, disclosure_version="1999-01-01"), 422, "disclosure_not_accepted"
    )
    assert refused["version"] != "1999-01-01"
    evil = await person.connect_with_password(PASSWORD, return_url="https://evil.example/")
    problem(evil, 422, "return_url_not_allowed")
    assert (await world.sandbox.exchange.show_account(person.email))["logons"] == 0, "refused before anything is tried"


@pytest.mark.parametrize(
    ("client", "taken_away", "code"),
    [
        ("web", {"permissions": []}, "personal_email_access_required"),
        ("mobile", {"seats": []}, "entitlement_required"),
    ],
)
async def test_r3_r9_r55_what_was_taken_away_while_the_password_was_tried_is_not_there_when_it_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch, client: str, taken_away: dict[str, Any], code: str
) -> None:
    person = await employee(world)
    gate = Gate.at(monkeypatch, "verify", of=ExchangeProvider)
    connecting = asyncio.create_task(person.connect_with_password(PASSWORD, client=client))
    await gate.wait()
    await told_by_the_crm(world, person, **taken_away)
    await gate.open()
    problem(await connecting, 403, code)
    for table in ("connections", "disclosure_acceptances"):
        assert await world.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - a name from our own list


async def test_r12_one_connection_per_person_whatever_the_provider(world: World) -> None:
    person = await world.connected()
    await world.sandbox.exchange.account(person.email)
    problem(await person.connect_with_password(PASSWORD), 409, "connection_limit_reached")
    assert (await person.get("/v1/me")).json()["connection_limit"] == {"limit": 1, "used": 1}


async def test_r10_a_shared_inbox_is_not_connected_by_password_either(world: World) -> None:
    person = await employee(world)
    service = await world.service(person.account_id)
    await service.post("/v1/inboxes", {"kind": "shared", "email": person.email})
    problem(await person.connect_with_password(PASSWORD), 409, "inbox_is_shared")
    assert await world.rows("SELECT * FROM connection_tokens") == []


async def test_r10_a_shared_inbox_is_found_by_the_name_that_was_typed_in(world: World) -> None:
    person = await world.person()
    support = f"support-{person.email}"
    await world.sandbox.exchange.account(person.email, aliases=(support,))
    service = await world.service(person.account_id)
    await service.post("/v1/inboxes", {"kind": "shared", "email": support})
    refused = problem(await person.connect_with_password(PASSWORD, email=support.title()), 409, "inbox_is_shared")
    assert refused["email"] == support
    assert await world.rows("SELECT * FROM connection_tokens") == []


async def test_r16_a_changed_password_breaks_once_and_heals_with_the_new_one(world: World) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD)
    await world.work()
    await world.sandbox.exchange.change_account(person.email, password="new-password", forget_logons=True)
    for _ in range(3):
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await world.work()
    broken = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (broken["status"], broken["reason"]) == ("reauthorization_required", "password_changed")
    assert (await world.sandbox.exchange.show_account(person.email))["failed_logons"] == 1, "one attempt, no lock-out"
    told = await world.sandbox.mails(person.email)
    assert len(told) == 1
    assert "/settings/calendar" in told[0]["text"], "and where to heal it"
    assert "your scheduling pages may offer no times." in told[0]["text"]
    assert "kept in step" not in told[0]["text"], "it never was (R24)"
    path = f"/v1/connections/{person.connection_id}"
    problem(await person.patch(path, {"password": "wrong"}), 422, "exchange_credentials_invalid")
    healed = await person.patch(path, {"password": "new-password"})
    assert (healed.status_code, healed.json()["status"]) == (200, "active"), healed.text
    await world.work()
    assert (await person.get(f"{path}/sync")).json()["calendars"][0]["last_error"] is None


async def test_r3_who_may_connect_no_more_heals_nothing_with_a_new_password(world: World) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD)
    await person.refresh_token(permissions=[])
    path = f"/v1/connections/{person.connection_id}"
    problem(await person.patch(path, {"password": PASSWORD}), 403, "personal_email_access_required")


async def test_r16_a_password_that_cannot_be_opened_any_more_is_typed_in_again(world: World) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD)
    await world.work()
    await world.rows("UPDATE connection_tokens SET access_token = access_token || '\\x00'::bytea")
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    path, where = f"/v1/connections/{person.connection_id}", await world.sandbox.addresses()
    broken = (await person.get(path)).json()
    assert (broken["status"], broken["reason"]) == ("reauthorization_required", "secret_unreadable")
    for body, field in (({"username": person.email}, "/password"), ({"password": PASSWORD}, "/ews_url")):
        refused = await person.patch(path, body)
        assert refused.status_code == 422, refused.text
        assert [(item["pointer"], item["code"]) for item in refused.json()["errors"]] == [(field, "missing")]
    known = {"ews_url": where["ews_url"], "certificate": where["ews_authority_pem"], "username": person.email}
    healed = await person.patch(path, known | {"password": PASSWORD})
    assert (healed.status_code, healed.json()["status"]) == (200, "active"), healed.text
    await world.work()
    assert (await person.get(f"{path}/sync")).json()["calendars"][0]["last_error"] is None


async def test_r16_a_mailbox_that_was_renamed_heals_by_its_former_address(world: World) -> None:
    person = await world.person()
    former = f"former-{person.email}"
    await world.sandbox.exchange.account(person.email, aliases=(former,))
    await person.connect_with_password(PASSWORD)
    healing = person.connection_id
    await world.rows(
        "UPDATE connections SET subject = $1, email = $1, status = 'reauthorization_required'",
        former,
    )
    problem(await person.connect_with_password(PASSWORD), 422, "account_mismatch")
    answer = await person.connect_with_password(PASSWORD, email=former.upper())
    assert (answer.status_code, answer.json().get("id")) == (201, healing), answer.text
    assert answer.json()["email"] == person.email


async def test_r16_other_credentials_must_be_the_same_mailboxs(world: World) -> None:
    person, colleague = await employee(world), await employee(world)
    await person.connect_with_password(PASSWORD)
    path = f"/v1/connections/{person.connection_id}"
    answer = await person.patch(path, {"username": colleague.email})
    assert answer.status_code == 422, answer.text
    body = {"client": "web", "disclosure_version": "2026-11-01"}
    refused = problem(await person.post(f"{path}/reauthorize", body), 409, "capability_not_supported")
    assert refused["provider"] == "exchange"


@pytest.mark.parametrize(
    "names", [("ews_url",), ("certificate",), ("ews_url", "certificate"), ("ews_url", "username")], ids="+".join
)
async def test_p5_a_kept_password_is_sent_nowhere_it_was_not_typed_in_for(world: World, names: tuple[str, ...]) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD)
    path, where = f"/v1/connections/{person.connection_id}", await world.sandbox.addresses()
    known = {"ews_url": where["ews_url"], "certificate": where["ews_authority_pem"], "username": person.email}
    fields, asked = {name: known[name] for name in names}, len(await world.sandbox.exchange.requests())
    for body in (fields, fields | {"password": None}, dict.fromkeys(names, "") | {"username": person.email}):
        refused = problem(await person.patch(path, body), 422, "validation_failed")
        assert [(item["pointer"], item["code"]) for item in refused["errors"]] == [("/password", "missing")]
    assert len(await world.sandbox.exchange.requests()) == asked, "nobody is asked, with a password or without"
    changed = await person.patch(path, fields | {"password": PASSWORD})
    assert (changed.status_code, changed.json()["status"]) == (200, "active"), changed.text


async def test_r13_null_takes_a_field_back_to_what_it_is_when_nobody_fills_it_in(world: World) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD, username=person.email)
    path = f"/v1/connections/{person.connection_id}"
    refused = problem(await person.patch(path, {"password": None}), 422, "validation_failed")
    assert [(item["pointer"], item["code"]) for item in refused["errors"]] == [("/password", "not_allowed")]
    for change in ({}, {"username": None}):
        answer = await person.patch(path, change)
        assert (answer.status_code, answer.json()["status"]) == (200, "active"), answer.text

    exchange = world.services.providers[ProviderName.EXCHANGE]
    assert isinstance(exchange, SupportsCredentials)
    url, username = "https://mail.example.com/EWS", "EXAMPLE\\ada"
    login = Login(
        url=url, username=username, password="secret", email=person.email, version="15.0", scheme=Scheme.BASIC
    )
    as_it_was, cleared = exchange.changed(login.secret()), exchange.changed(login.secret(), username=None, url=None)
    assert (as_it_was.username, as_it_was.url) == (username, url)
    assert (cleared.username, cleared.url, cleared.password) == (None, None, "secret")


async def test_r54_a_connection_that_heals_is_written_down_once_and_as_what_it_is(world: World) -> None:
    person = await employee(world)
    await person.connect_with_password(PASSWORD)
    await person.patch(f"/v1/connections/{person.connection_id}", {"username": person.email, "password": PASSWORD})
    written = await world.rows("SELECT action, data FROM audit_entries WHERE action LIKE 'connection.%' ORDER BY id")
    assert [(row["action"], json.loads(row["data"])["fields"]) for row in written] == [
        ("connection.created", []),
        ("connection.updated", ["password", "username"]),
    ]


async def test_r13_another_user_name_goes_with_the_password_that_is_kept(world: World) -> None:
    person, colleague = await world.person(), await employee(world)
    alias = f"alias.{person.email}"
    await world.sandbox.exchange.account(person.email, aliases=(alias,))
    await person.connect_with_password(PASSWORD)
    path = f"/v1/connections/{person.connection_id}"
    assert (await person.patch(path, {"username": alias})).status_code == 200
    for another in (colleague.email, "nobody@example.com"):  # the colleague has the same password
        problem(await person.patch(path, {"username": another}), 422, "exchange_credentials_invalid")


async def test_p4_no_answer_and_no_problem_holds_what_was_typed_in(world: World) -> None:
    person = await employee(world)
    secret = "a-very-secret-word"
    for fields in (
        {"password": secret, "ews_url": "nonsense"},
        {"password": secret, "email": "x"},
        {"password": secret},
    ):
        answer = await discover(world, person, **fields)
        assert answer.status_code >= 400
        assert secret not in answer.text


async def test_r13_nobody_guesses_passwords_with_our_hands(world: World) -> None:
    person, colleague = await employee(world), await employee(world)
    for _ in range(10):
        await discover(world, person, ews_url="https://10.0.0.1/EWS/Exchange.asmx")
    refused = problem(await person.connect_with_password(PASSWORD), 429, "rate_limited")
    assert refused["request_id"]
    assert (await discover(world, colleague)).status_code == 200, "everybody has their own count"


async def test_r13_an_idempotency_key_connects_once_and_tries_the_password_once(world: World) -> None:
    person = await employee(world)
    where = await world.sandbox.addresses()
    version = (await person.get("/v1/providers/exchange/disclosure")).json()["version"]
    body = {
        "provider": "exchange", "client": "web", "disclosure_version": version, "email": person.email,
        "password": PASSWORD, "username": person.email, "ews_url": where["ews_url"],
        "certificate": where["ews_authority_pem"],
    }  # fmt: skip
    key = {"Idempotency-Key": "once"}
    made = await person.post("/v1/connections", body, **key)
    assert made.status_code == 201, made.text
    asked = len(await world.sandbox.exchange.requests())
    again = await person.post("/v1/connections", body, **key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true"), again.text
    assert again.json()["id"] == made.json()["id"]
    assert len(await world.sandbox.exchange.requests()) == asked, "nobody is asked again"
    other = await person.post("/v1/connections", body | {"password": "another"}, **key)
    problem(other, 422, "idempotency_key_reused")
    [row] = await world.rows("SELECT request_hash FROM idempotent_answers")
    assert row["request_hash"] not in {hashlib.sha256(text).digest() for text in (again.request.content, b"")}


@pytest.mark.parametrize(
    ("reason", "told_as"), [("token_revoked", "token_revoked"), ("new", "reauthorization_required")]
)
async def test_r16_a_connection_that_is_broken_says_why_and_what_helps(world: World, reason: str, told_as: str) -> None:
    person = await world.connected()
    whole = (await person.get("/v1/connections")).json()["items"][0]
    assert (whole["reason_text"], whole["remedy"]) == (None, None)
    await world.rows("UPDATE connections SET status = 'reauthorization_required', reason = $1", reason)
    headers = person.headers | {"Accept-Language": "pl"}
    broken = (await world.api.get("/v1/connections", headers=headers)).json()["items"][0]
    assert broken["reason_text"] == translate(Language.PL, f"reason.{told_as}")
    assert broken["remedy"] == translate(Language.PL, f"remedy.{told_as}")
