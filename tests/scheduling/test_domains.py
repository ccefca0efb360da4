"""Domains of an account: added, proved in DNS, chosen, taken away (R37)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.ids import decode_id, encode_id, new_id
from app.scheduling.domains.service import MOST_UNCONNECTED
from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.domains import PATH, SETTINGS, TARGET, Web, open_web
from tests.support.world import problem


@pytest.fixture
async def web(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Web]:
    async with open_web(settings, sandbox) as opened:
        yield opened


async def test_r37_an_added_domain_says_which_records_to_set(web: Web) -> None:
    person = await web.person()
    made = await person.post(PATH, {"name": "Meet.Müller.DE."})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    domain = made.json()
    assert made.headers["Location"] == f"{PATH}/{domain['id']}"
    assert (domain["name"], domain["host"]) == ("meet.müller.de", "meet.xn--mller-kva.de")
    assert (domain["status"], domain["failure_reason"], domain["remedy"]) == ("pending", None, None)
    assert (domain["search_indexing"], domain["points_here"], domain["checked_at"]) == (True, None, None)
    txt, cname = domain["records"]
    assert (txt["type"], txt["name"]) == ("TXT", "_calendar-connect.meet.xn--mller-kva.de")
    assert cname == {"type": "CNAME", "name": "meet.xn--mller-kva.de", "value": TARGET}
    other = await web.added(person, "book.example.com")
    assert len(txt["value"]) > 60
    assert other["records"][0]["value"] != txt["value"]
    listed = (await person.get(PATH)).json()
    assert [item["id"] for item in listed["items"]] == [domain["id"], other["id"]]
    assert (await person.get(f"{PATH}/{domain['id']}")).json() == domain
    assert web.dns.asked == [], "nobody is asked before the person says so"


async def test_r37_a_domain_whose_record_stands_is_connected(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.prove(domain)
    checked = await web.check(person, domain)
    assert (checked["status"], checked["failure_reason"], checked["points_here"]) == ("connected", None, True)
    assert checked["connected_at"] == checked["checked_at"]
    assert checked["version"] == 2
    assert sorted(web.dns.asked) == [("_calendar-connect.meet.example.com", "TXT"), ("meet.example.com", "CNAME")]
    again = await web.check(person, domain)
    assert (again["status"], again["connected_at"]) == ("connected", checked["connected_at"])


async def test_r37_a_proxy_or_another_proof_at_the_same_name_is_no_hindrance(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    record = domain["records"][0]
    web.dns.set(record["name"], "TXT", "calendar-connect-verification=somebody-elses", record["value"])
    checked = await web.check(person, domain)
    assert (checked["status"], checked["points_here"]) == ("connected", False)


async def test_r37_every_way_to_fail_is_told_apart(web: Web) -> None:
    person = await web.person(locale="sv")
    domain = await web.added(person)
    txt = domain["records"][0]
    seen = {}

    async def check() -> None:
        checked = await web.check(person, domain)
        assert (checked["status"], checked["connected_at"]) == ("failed", None)
        seen[checked["failure_reason"]] = checked["remedy"]

    await check()
    web.dns.set(txt["name"], "CNAME", "elsewhere.example.com.")
    await check()
    assert seen.keys() == {"record_missing"}, "no such name, and a name without such a record, are the same"
    web.dns.set(txt["name"], "CNAME")
    for wrong in ("calendar-connect-verification=", txt["value"] + "x", txt["value"].upper(), "v=spf1 -all"):
        web.dns.set(txt["name"], "TXT", wrong)
        await check()
    web.dns.failing = True
    await check()
    web.dns.silent = True
    await check()
    assert seen.keys() == {"record_missing", "record_wrong", "dns_failed", "dns_timeout"}
    assert len(set(seen.values())) == 4
    assert "TXT-posten" in seen["record_missing"]
    web.dns.failing = web.dns.silent = False
    web.dns.set(txt["name"], "TXT", txt["value"])
    assert (await web.check(person, domain))["status"] == "connected", "a failed domain can be connected yet"


async def test_r37_no_transaction_waits_for_dns(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.prove(domain)
    web.dns.answering.clear()
    checking = asyncio.create_task(web.check(person, domain))
    while not web.dns.asked:  # noqa: ASYNC110 - the server's own record
        await asyncio.sleep(0.01)
    waiting = await web.world.rows(
        "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
    )
    assert waiting == []
    changed = await person.patch(f"{PATH}/{domain['id']}", {"search_indexing": False})
    assert changed.status_code == 200, "nor is the row locked"
    web.dns.answering.set()
    checked = await checking
    assert (checked["status"], checked["search_indexing"], checked["version"]) == ("connected", False, 3)


async def test_r37_a_domain_that_goes_while_it_is_checked_is_not_found(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.prove(domain)
    web.dns.answering.clear()
    checking = asyncio.create_task(person.post(f"{PATH}/{domain['id']}/verify"))
    while not web.dns.asked:  # noqa: ASYNC110 - the server's own record
        await asyncio.sleep(0.01)
    assert (await person.delete(f"{PATH}/{domain['id']}")).status_code == 204
    web.dns.answering.set()
    problem(await checking, 404, "not_found")
    assert await web.world.rows("SELECT 1 FROM directory WHERE kind IN ('host', 'former_host')") == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("https://meet.example.com", "domain_malformed"),
        ("127.0.0.1", "domain_malformed"),
        ("co.uk", "domain_too_general"),
        ("com", "domain_too_general"),
        (TARGET, "domain_reserved"),
        (f"x.{TARGET}", "domain_reserved"),
        ("a.localhost", "domain_reserved"),
    ],
)
async def test_r37_a_name_that_cannot_be_a_domain_is_refused(web: Web, name: str, code: str) -> None:
    person = await web.person()
    refused = problem(await person.post(PATH, {"name": name}), 422, "validation_failed")
    assert [(item["pointer"], item["code"]) for item in refused["errors"]] == [("/name", code)]
    assert name not in str(refused["errors"])
    assert (await person.get(PATH)).json()["items"] == []


async def test_r37_bodies_are_checked(web: Web) -> None:
    person = await web.person()
    for body in ({}, {"name": ""}, {"name": "a" * 256}, {"name": None}, {"name": "a.se", "host": "b.se"}):
        problem(await person.post(PATH, body), 422, "validation_failed")
    domain = await web.added(person)
    for change in ({"name": "other.example.com"}, {"search_indexing": "perhaps"}):
        problem(await person.patch(f"{PATH}/{domain['id']}", change), 422, "validation_failed")
    for method in (person.get, person.delete):
        problem(await method(f"{PATH}/dom_nonsense"), 404, "not_found")


async def test_r37_a_domain_is_in_an_account_once(web: Web) -> None:
    person = await web.person()
    colleague, stranger = await web.colleague(person), await web.person()
    await web.added(person)
    for caller in (person, colleague):
        problem(await caller.post(PATH, {"name": "MEET.example.com."}), 409, "domain_exists")
    await web.added(stranger)
    answers = await asyncio.gather(*(person.post(PATH, {"name": "wanted.example.com"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_r37_domains_are_the_accounts_and_nobody_elses(web: Web) -> None:
    person = await web.person()
    colleague, stranger = await web.colleague(person), await web.person()
    domain = await web.added(person)
    path = f"{PATH}/{domain['id']}"
    assert (await colleague.get(path)).json() == domain
    assert (await stranger.get(PATH)).json()["items"] == []
    for answer in (
        await stranger.get(path),
        await stranger.patch(path, {"search_indexing": False}),
        await stranger.delete(path),
        await stranger.post(f"{path}/verify"),
    ):
        problem(answer, 404, "not_found")
    assert (await person.get(path)).json() == domain
    web.prove(domain)
    assert (await web.check(colleague, domain))["status"] == "connected"
    await web.choose(colleague, domain)
    refused = await stranger.patch(SETTINGS, {"domain_id": domain["id"]})
    problem(refused, 422, "domain_not_connected")


async def test_r37_of_two_accounts_that_prove_a_domain_at_once_one_gets_it(web: Web) -> None:
    people = [await web.person() for _ in range(2)]
    domains = [await web.added(person) for person in people]
    values = [domain["records"][0]["value"] for domain in domains]
    web.dns.set(domains[0]["records"][0]["name"], "TXT", *values)
    pairs = list(zip(people, domains, strict=True)) * 3
    checked = await asyncio.gather(*(web.check(person, domain) for person, domain in pairs))
    ended = [(await person.get(f"{PATH}/{domain['id']}")).json() for person, domain in pairs[:2]]
    assert sorted(domain["status"] for domain in ended) == ["connected", "failed"]
    [loser] = [domain for domain in ended if domain["status"] == "failed"]
    assert loser["failure_reason"] == "connected_elsewhere"
    assert {item["status"] for item in checked if item["id"] == loser["id"]} == {"failed"}
    assert len(await web.world.rows("SELECT 1 FROM directory WHERE kind = 'host'")) == 1


async def test_r37_a_domain_that_was_taken_away_can_be_connected_elsewhere(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    theirs = await web.connected(person)
    mine = await web.added(stranger)
    values = [domain["records"][0]["value"] for domain in (theirs, mine)]
    web.dns.set(mine["records"][0]["name"], "TXT", *values)
    assert (await web.check(stranger, mine))["failure_reason"] == "connected_elsewhere"
    assert (await person.delete(f"{PATH}/{theirs['id']}")).status_code == 204
    assert (await web.check(stranger, mine))["status"] == "connected"
    again = await web.added(person)
    web.dns.set(mine["records"][0]["name"], "TXT", again["records"][0]["value"])
    assert (await web.check(person, again))["failure_reason"] == "connected_elsewhere"


async def test_r37_a_domain_that_somebody_publishes_on_stays(web: Web) -> None:
    person = await web.person()
    colleague = await web.colleague(person)
    domain = await web.connected(person)
    assert domain["allowed_actions"] == ["update", "verify", "delete"]
    await web.choose(colleague, domain)
    problem(await person.delete(f"{PATH}/{domain['id']}"), 409, "domain_in_use")
    assert (await person.get(PATH)).json()["items"][0]["allowed_actions"] == ["update", "verify"]
    await web.choose(colleague, None)
    assert (await person.delete(f"{PATH}/{domain['id']}")).status_code == 204
    problem(await person.get(f"{PATH}/{domain['id']}"), 404, "not_found")
    problem(await person.patch(SETTINGS, {"domain_id": domain["id"]}), 422, "domain_not_connected")


async def test_r55_the_choice_of_somebody_who_has_left_keeps_no_domain(web: Web) -> None:
    person = await web.person()
    colleague, leaver = await web.colleague(person), await web.colleague(person)
    domain = await web.connected(person)
    for caller in (colleague, leaver):
        await web.choose(caller, domain)
    page = await leaver.make_page(slug="farewell")
    assert page["meeting_link"] == "https://meet.example.com/meetings/farewell"
    service = await web.world.service(person.account_id)
    assert (await service.delete(f"/v1/users/{leaver.user_id}")).status_code == 204

    async def kept() -> dict[str, Any]:
        query = "SELECT domain_id, version FROM calendar_settings WHERE user_id = $1"
        [row] = await web.world.rows(query, decode_id("usr", leaver.user_id))
        return dict(row)

    before = await kept()
    problem(await person.delete(f"{PATH}/{domain['id']}"), 409, "domain_in_use")
    assert await kept() == before == {"domain_id": decode_id("dom", domain["id"]), "version": before["version"]}
    assert "delete" not in (await person.get(f"{PATH}/{domain['id']}")).json()["allowed_actions"]
    await web.choose(colleague, None)
    assert "delete" in (await person.get(f"{PATH}/{domain['id']}")).json()["allowed_actions"]
    assert (await person.delete(f"{PATH}/{domain['id']}")).status_code == 204
    assert await kept() == {"domain_id": None, "version": before["version"] + 1}
    found = await web.resolve(page["meeting_link"])
    assert found.json()["meeting_link"] == "http://127.0.0.1:8000/meetings/farewell", "links out there stay good"


async def test_r37_a_domain_is_never_chosen_and_taken_away_at_once(web: Web) -> None:
    person = await web.person()
    people = [await web.colleague(person) for _ in range(3)]
    for turn in range(6):
        domain = await web.connected(person, f"meet{turn}.example.com")
        chosen = [caller.patch(SETTINGS, {"domain_id": domain["id"]}) for caller in people]
        *choices, deletion = await asyncio.gather(*chosen, person.delete(f"{PATH}/{domain['id']}"))
        statuses = {answer.status_code for answer in choices}
        gone = (await person.get(f"{PATH}/{domain['id']}")).status_code == 404
        assert deletion.status_code == (204 if gone else 409), deletion.text
        assert statuses == ({422} if gone else {200}), [item.text for item in choices]
        kept = [(await caller.get(SETTINGS)).json()["domain_id"] for caller in people]
        assert not gone or domain["id"] not in kept
        for caller in people:
            await web.choose(caller, None)


async def test_r37_only_a_connected_domain_can_be_chosen(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    for wrong in (domain["id"], encode_id("dom", new_id())):
        refused = await person.patch(SETTINGS, {"domain_id": wrong, "turned_off": True})
        problem(refused, 422, "domain_not_connected")
    assert (await person.get(SETTINGS)).json()["turned_off"] is False, "all or nothing"
    await web.check(person, domain)
    problem(await person.patch(SETTINGS, {"domain_id": domain["id"]}), 422, "domain_not_connected")
    web.prove(domain)
    await web.check(person, domain)
    await web.choose(person, domain)
    assert (await person.get(SETTINGS)).json()["domain_id"] == domain["id"]


@pytest.mark.parametrize("subscriptions", [[], [{"product": "sales_hub", "tier": "free"}]])
async def test_r37_a_custom_domain_takes_a_subscription_of_the_account(web: Web, subscriptions: list[dict]) -> None:
    person = await web.person()
    colleague = await web.colleague(person)
    domain = await web.connected(person)
    await web.choose(person, domain)
    await asyncio.sleep(1.1)  # tokens are told apart by the second
    for caller in (person, colleague):
        await caller.refresh_token(subscriptions=subscriptions)
    for answer in (
        await person.post(PATH, {"name": "other.example.com"}),
        await person.post(f"{PATH}/{domain['id']}/verify"),
        await colleague.patch(SETTINGS, {"domain_id": domain["id"]}),
    ):
        refused = problem(answer, 403, "entitlement_required")
        assert (refused["entitlement"], refused["required_tiers"][0]) == ("custom_domain", "starter")
    kept = await person.patch(SETTINGS, {"domain_id": domain["id"], "tentative_blocks": False})
    assert kept.json()["domain_id"] == domain["id"], "what was chosen stays"
    await web.choose(person, None)


async def test_r37_a_seat_is_no_subscription(web: Web) -> None:
    person = await web.world.person(seats=[{"product": "sales_hub", "tier": "enterprise"}], subscriptions=[])
    problem(await person.post(PATH, {"name": "meet.example.com"}), 403, "entitlement_required")


async def test_r37_a_connected_domain_is_lost_by_repeated_failures_only(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    domain = await web.connected(person)
    await web.choose(person, domain)
    page = await person.make_page(slug="intro")
    web.dns.set(domain["records"][0]["name"], "TXT")
    other = await web.added(stranger)

    async def link() -> str:
        return str((await person.get(f"/v1/scheduling-pages/{page['id']}")).json()["meeting_link"])

    for hours in range(0, 72, 12):
        web.world.clock.offset = timedelta(hours=hours)
        checked = await web.check(person, domain)
        assert (checked["status"], checked["failure_reason"]) == ("connected", "record_missing")
        assert await link() == "https://meet.example.com/meetings/intro"
    web.world.clock.offset = timedelta(hours=72, minutes=1)
    checked = await web.check(person, domain)
    assert (checked["status"], checked["connected_at"]) == ("failed", None)
    assert await link() == "http://127.0.0.1:8000/meetings/intro", "links go where they work"
    found = await web.resolve("https://meet.example.com/meetings/intro")
    assert found.json() == {"page_id": page["id"], "meeting_link": await link(), "moved": True}
    web.prove(domain)
    assert (await web.check(person, domain))["status"] == "connected"
    assert await link() == "https://meet.example.com/meetings/intro", "it was only away"
    assert (await web.check(stranger, other))["status"] == "failed"


async def test_a_domain_is_changed_in_the_version_that_was_read(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    path = f"{PATH}/{domain['id']}"
    changed = await person.patch(path, {"search_indexing": False}, **{"If-Match": '"1"'})
    assert (changed.json()["search_indexing"], changed.headers["ETag"]) == (False, '"2"')
    refused = problem(
        await person.patch(path, {"search_indexing": True}, **{"If-Match": '"1"'}), 412, "version_mismatch"
    )
    assert refused["version"] == 2
    assert (await person.patch(path, {"search_indexing": None})).json()["search_indexing"] is True


async def test_lists_of_domains_go_on(web: Web) -> None:
    person = await web.person()
    made = [(await web.added(person, f"meet{number}.example.com"))["id"] for number in range(5)]
    found, cursor = [], None
    while True:
        part = (await person.get(PATH, limit=2, **({} if cursor is None else {"cursor": cursor}))).json()
        found += [item["id"] for item in part["items"]]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert found == made


async def test_dns_is_not_asked_without_end(settings: Settings, sandbox: Sandbox) -> None:
    async with open_web(settings, sandbox, domain_checks_per_minute=3) as web:
        person = await web.person()
        colleague, stranger = await web.colleague(person), await web.person()
        domain, theirs = await web.added(person), await web.added(stranger)
        for caller in (person, colleague):
            await web.check(caller, domain)
        refused = await person.post(f"{PATH}/{domain['id']}/verify")
        problem(refused, 429, "rate_limited")
        assert refused.headers["Retry-After"] == "60"
        await web.check(stranger, theirs)


async def test_what_is_done_to_a_domain_is_written_down(web: Web) -> None:
    person = await web.person()
    domain = await web.connected(person)
    await person.patch(f"{PATH}/{domain['id']}", {"search_indexing": False})
    await person.delete(f"{PATH}/{domain['id']}")
    rows = await web.world.rows(
        "SELECT action, data::text FROM audit_entries WHERE action LIKE 'domain.%' ORDER BY at, id"
    )
    assert [row["action"] for row in rows] == [
        "domain.created", "domain.checked", "domain.updated", "domain.deleted",
    ]  # fmt: skip
    assert "connected" in rows[1]["data"]
    assert "example.com" not in str(rows)


async def test_r37_an_account_has_us_look_for_so_many_domains_at_once_and_no_more(web: Web) -> None:
    """Each that is not connected is asked about for a month."""
    person = await web.person()
    first = await web.added(person, "d0.example.com")
    for number in range(1, MOST_UNCONNECTED):
        await web.added(person, f"d{number}.example.com")
    one_more = {"name": "one-more.example.com"}
    problem(await person.post(PATH, one_more), 409, "domain_limit_reached")
    web.prove(first)
    await web.check(person, first)
    assert (await person.post(PATH, one_more)).status_code == 201, "what is connected is not counted"
    assert (await (await web.person()).post(PATH, {"name": "theirs.example.org"})).status_code == 201


async def test_names_are_not_added_without_end(settings: Settings, sandbox: Sandbox) -> None:
    async with open_web(settings, sandbox, domain_checks_per_minute=2) as web:
        person = await web.person()
        for number in range(2):
            await web.added(person, f"d{number}.example.com")
        refused = await person.post(PATH, {"name": "d2.example.com"})
        problem(refused, 429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
