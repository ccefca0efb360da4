"""Domains are looked at by themselves (R37): found with their record, kept while DNS is away, lost without the record.

The one rule: nothing here asks for a check but where it says so; the worker does, when the time has come.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.ids import decode_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.domains import PATH, SETTINGS, Web, open_web
from tests.support.people import Person

DAY = timedelta(days=1)
SHARED, CUSTOM = "http://127.0.0.1:8000/meetings/intro", "https://meet.example.com/meetings/intro"


@pytest.fixture
async def web(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Web]:
    async with open_web(settings, sandbox) as opened:
        yield opened


async def pass_by(web: Web, time: timedelta) -> int:
    """So much time goes by, and the worker does what is due then; how many domains it looked at."""
    web.world.clock.offset += time
    due = await web.world.services.domain_checks.sweep()
    await web.world.work()
    return due


async def seen(person: Person, domain: dict[str, Any]) -> dict[str, Any]:
    answer = await person.get(f"{PATH}/{domain['id']}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def due_in(web: Web) -> list[timedelta]:
    """How long until each domain is looked at again."""
    rows = await web.world.rows("SELECT due_at FROM due_domains ORDER BY due_at")
    return [row["due_at"] - web.world.clock() for row in rows]


async def audited(web: Web) -> list[tuple[str, str]]:
    rows = await web.world.rows(
        "SELECT actor, data->>'status' AS status FROM audit_entries WHERE action = 'domain.checked' ORDER BY at, id"
    )
    return [(row["actor"].partition(":")[0], row["status"]) for row in rows]


def unset(web: Web, domain: dict[str, Any]) -> None:
    web.dns.set(domain["records"][0]["name"], "TXT")


async def test_r37_a_domain_is_connected_by_itself_once_its_record_stands(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    assert await pass_by(web, timedelta(seconds=30)) == 0
    assert await pass_by(web, timedelta(seconds=40)) == 1
    waiting = await seen(person, domain)
    assert (waiting["status"], waiting["failure_reason"], waiting["version"]) == ("pending", "record_missing", 2)
    assert waiting["checked_at"]
    assert await pass_by(web, timedelta(minutes=2)) == 1
    again = await seen(person, domain)
    assert (again["version"], again["updated_at"]) == (2, waiting["updated_at"]), "nothing new is no new version"
    assert again["checked_at"] > waiting["checked_at"]
    web.prove(domain)
    assert await pass_by(web, timedelta(minutes=2)) == 1
    found = await seen(person, domain)
    assert (found["status"], found["failure_reason"], found["points_here"]) == ("connected", None, True)
    assert found["connected_at"] == found["checked_at"]
    await web.choose(person, domain)
    assert (await person.make_page(slug="intro"))["meeting_link"] == CUSTOM
    assert await audited(web) == [("worker", "connected")]


async def test_r37_who_asks_is_looked_after_more_often_from_then_on(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    await pass_by(web, 10 * DAY)
    [left] = await due_in(web)
    assert timedelta(hours=20) < left <= DAY
    assert (await web.check(person, domain))["status"] == "failed"
    [left] = await due_in(web)
    assert left <= timedelta(minutes=1)
    web.prove(domain)
    assert await pass_by(web, timedelta(minutes=1)) == 1
    assert (await seen(person, domain))["status"] == "connected", "what has failed is waited for as well"


async def test_r37_a_domain_is_not_waited_for_without_end(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    await pass_by(web, 29 * DAY)
    assert (await seen(person, domain))["status"] == "pending"
    await pass_by(web, 2 * DAY)
    given_up = await seen(person, domain)
    assert (given_up["status"], given_up["failure_reason"]) == ("failed", "record_missing")
    assert await due_in(web) == []
    web.prove(domain)
    assert await pass_by(web, 9 * DAY) == 0
    assert (await web.check(person, domain))["status"] == "connected"
    assert await audited(web) == [("worker", "failed"), ("user", "connected")]


async def test_r37_a_connected_domain_is_looked_at_daily(web: Web) -> None:
    person = await web.person()
    domain = await web.connected(person)
    web.dns.asked.clear()
    assert await pass_by(web, DAY - timedelta(minutes=1)) == 0
    assert await pass_by(web, timedelta(minutes=1)) == 1
    assert web.dns.asked
    checked = await seen(person, domain)
    assert (checked["status"], checked["version"], checked["connected_at"]) == (
        "connected", domain["version"], domain["connected_at"],
    )  # fmt: skip
    assert checked["checked_at"] > domain["checked_at"]
    [left] = await due_in(web)
    assert timedelta(hours=23) < left <= DAY


async def test_r37_a_lost_record_is_believed_after_72_hours_and_no_url_is_lost(web: Web) -> None:
    person, colleague = await web.person(), await web.person()
    domain = await web.connected(person)
    await web.choose(person, domain)
    page = await person.make_page(slug="intro")
    stranger = await web.added(colleague)
    unset(web, domain)
    await pass_by(web, DAY)
    began = web.world.clock()
    doubtful = await seen(person, domain)
    assert (doubtful["status"], doubtful["failure_reason"]) == ("connected", "record_missing")
    while (now := await seen(person, domain))["status"] == "connected":
        assert (await person.get("/v1/meeting-links")).json()["items"][0]["meeting_link"] == CUSTOM
        assert await pass_by(web, timedelta(hours=6)) >= 1
    after = datetime.fromisoformat(now["checked_at"]) - began
    assert timedelta(hours=72) <= after < timedelta(hours=79)
    assert (now["status"], now["failure_reason"], now["connected_at"]) == ("failed", "record_missing", None)
    assert now["remedy"]
    assert (await person.get("/v1/meeting-links")).json()["items"][0]["meeting_link"] == SHARED
    for url in (CUSTOM, SHARED):
        found = (await web.resolve(url)).json()
        assert found == {"page_id": page["id"], "meeting_link": SHARED, "moved": url != SHARED}
    assert (await audited(web))[-1] == ("worker", "failed")
    web.prove(domain)
    await pass_by(web, timedelta(minutes=2))
    assert (await seen(person, domain))["status"] == "connected", "it was only away"
    assert (await person.get("/v1/meeting-links")).json()["items"][0]["meeting_link"] == CUSTOM
    assert (await web.check(colleague, stranger))["status"] == "failed"


@pytest.mark.parametrize("outage", ["failing", "silent"])
async def test_r37_dns_that_is_away_takes_no_domain(web: Web, outage: str) -> None:
    person = await web.person()
    domain = await web.connected(person)
    setattr(web.dns, outage, True)
    for _ in range(5):
        await pass_by(web, 2 * DAY)
    away = await seen(person, domain)
    assert (away["status"], away["failure_reason"]) == (
        "connected", {"failing": "dns_failed", "silent": "dns_timeout"}[outage],
    )  # fmt: skip
    [left] = await due_in(web)
    assert left <= timedelta(hours=6), "it is looked at more often while nobody knows"
    setattr(web.dns, outage, False)
    await pass_by(web, timedelta(hours=6))
    back = await seen(person, domain)
    assert (back["status"], back["failure_reason"], back["connected_at"]) == ("connected", None, domain["connected_at"])


async def test_r37_a_lost_domain_can_be_connected_by_whoever_proves_it(web: Web) -> None:
    person, stranger = await web.person(), await web.person()
    mine = await web.connected(person)
    theirs = await web.added(stranger)
    web.prove(theirs)
    await pass_by(web, timedelta(minutes=1))
    assert (await seen(stranger, theirs))["failure_reason"] == "connected_elsewhere"
    for _ in range(15):
        await pass_by(web, timedelta(hours=12))
    assert (await seen(person, mine))["status"] == "failed"
    assert (await seen(stranger, theirs))["status"] == "connected"
    assert len(await web.world.rows("SELECT FROM directory WHERE kind = 'host'")) == 1


async def test_r37_without_a_subscription_nothing_is_connected_by_itself_and_what_is_connected_stays(web: Web) -> None:
    person = await web.person()
    kept, wanted = await web.connected(person), await web.added(person, "other.example.com")
    web.prove(wanted)
    await asyncio.sleep(1.1)  # tokens are told apart by the second
    await person.refresh_token(subscriptions=[])
    await person.get("/v1/me")
    assert await pass_by(web, DAY) == 2
    assert (await seen(person, kept))["status"] == "connected"
    waiting = await seen(person, wanted)
    assert (waiting["status"], waiting["checked_at"]) == ("pending", None), "DNS is not even asked"
    await asyncio.sleep(1.1)
    await person.refresh_token(subscriptions=[{"product": "sales_hub", "tier": "starter"}])
    await person.get("/v1/me")
    await pass_by(web, DAY)
    assert (await seen(person, wanted))["status"] == "connected"


async def test_r37_a_domain_taken_away_is_looked_at_no_more(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.world.clock.offset += timedelta(minutes=2)
    assert await web.world.services.domain_checks.sweep() == 1
    assert (await person.delete(f"{PATH}/{domain['id']}")).status_code == 204
    web.dns.asked.clear()
    await web.world.work()
    assert (web.dns.asked, await due_in(web)) == ([], [])


async def check_by_itself(web: Web, person: Person, domain: dict[str, Any]) -> asyncio.Task[None]:
    """A check by the worker that waits for DNS."""
    account_id, domain_id = decode_id("acct", person.account_id), decode_id("dom", domain["id"])
    web.dns.asked.clear()
    checking = asyncio.create_task(web.world.services.domain_checks.run(account_id, domain_id))
    while len(web.dns.asked) < 2:  # noqa: ASYNC110 - the server's own record
        await asyncio.sleep(0.01)
    return checking


async def test_r37_no_transaction_of_the_worker_waits_for_dns(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.dns.answering.clear()
    checking = await check_by_itself(web, person, domain)
    waiting = await web.world.rows(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
    )
    assert waiting == []
    changed = await person.patch(f"{PATH}/{domain['id']}", {"search_indexing": False})
    assert changed.status_code == 200, "nor is the row locked"
    web.dns.answering.set()
    await checking
    assert (await seen(person, domain))["search_indexing"] is False


async def test_r37_a_check_that_was_overtaken_says_nothing(web: Web) -> None:
    person = await web.person()
    domain = await web.added(person)
    web.dns.silent = True
    late = await check_by_itself(web, person, domain)
    web.dns.silent = False
    web.prove(domain)
    assert (await web.check(person, domain))["status"] == "connected"
    await late
    ended = await seen(person, domain)
    assert (ended["status"], ended["failure_reason"], ended["version"]) == ("connected", None, 2)


async def test_r37_two_workers_at_once_count_one_check(web: Web) -> None:
    person = await web.person()
    domain = await web.connected(person)
    unset(web, domain)
    web.world.clock.offset += DAY
    ids = decode_id("acct", person.account_id), decode_id("dom", domain["id"])
    await asyncio.gather(*(web.world.services.domain_checks.run(*ids) for _ in range(4)))
    [row] = await web.world.rows("SELECT failures, version FROM domains")
    assert (row["failures"], row["version"]) == (1, domain["version"] + 1)


async def test_r53_domains_of_all_accounts_are_looked_at_each_in_its_own(web: Web) -> None:
    people = [await web.person() for _ in range(3)]
    domains = [await web.added(person, f"meet{number}.example.com") for number, person in enumerate(people)]
    for domain in domains[:2]:
        web.prove(domain)
    assert await pass_by(web, timedelta(minutes=2)) == 3
    statuses = [(await seen(person, domain))["status"] for person, domain in zip(people, domains, strict=True)]
    assert statuses == ["connected", "connected", "pending"]
    assert (await people[0].get(SETTINGS)).json()["domain_id"] is None, "nobody is moved by it"
