"""R54: who did what can be read, and cannot be changed without showing.

The one rule: the log is broken by hand, as somebody with the database's password would, and the seals must tell.
"""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts.audit_seals import seal_waiting
from app.accounts.repository import add_audit_entry
from app.audit_check import check_audit_log
from app.database import transaction
from app.ids import decode_id
from app.settings import DatabaseSettings
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World, problem

LOG = "/v1/audit-log"


async def auditor_of(world: World, person: Person) -> Person:
    """Somebody of the account who may read its log."""
    return await world.person(account_id=person.account_id, permissions=["audit:read"])


async def entries(auditor: Person, **query: Any) -> list[dict[str, Any]]:
    """The whole log, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await auditor.get(LOG, limit=3, **query, **cursor)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


async def broken(world: World, person: Person) -> list[int]:
    settings = DatabaseSettings(database_url=world.database_url)  # type: ignore[arg-type]
    return await check_audit_log(settings, decode_id("acct", person.account_id))


async def by_hand(world: World, *statements: str) -> None:
    """As the owner of the database, who has put the triggers aside."""
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def lived(world: World) -> tuple[Person, Person]:
    """A host to whom some things have happened, and who may read of them."""
    person = await world.connected()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "10:00"))
    await booking.reschedule(person.at(3, "14:00"))
    await person.post(f"/v1/bookings/{booking.id}/cancel", {"reason": "Ill"})
    return person, await auditor_of(world, person)


async def test_r54_everything_that_was_done_is_told_in_order_with_who_did_it(world: World) -> None:
    person, auditor = await lived(world)
    told = await entries(auditor)
    assert [entry["sequence"] for entry in told] == list(range(1, len(told) + 1))
    assert [entry["action"] for entry in told if entry["action"].startswith(("page", "booking"))] == [
        "page.created",
        "booking.created",
        "booking.rescheduled",
        "booking.cancelled",
    ]
    made, cancelled = (next(entry for entry in told if entry["action"] == f"booking.{done}") for done in DONE)
    assert made["actor"] == {"kind": "visitor", "user_id": None}
    assert cancelled["actor"] == {"kind": "user", "user_id": person.user_id}
    assert made["subject_id"] == cancelled["subject_id"]
    assert made["subject_id"].startswith("bkg_")
    assert len({entry["seal"] for entry in told}) == len(told)
    assert "Ill" not in str(told), "ids and codes, never what somebody wrote"


DONE = ("created", "cancelled")


async def test_r54_the_log_can_be_asked_for_a_part(world: World) -> None:
    _, auditor = await lived(world)
    told = await entries(auditor)
    [made] = await entries(auditor, action="booking.created")
    about = await entries(auditor, subject_id=made["subject_id"])
    assert [entry["action"] for entry in about] == ["booking.created", "booking.rescheduled", "booking.cancelled"]
    later = await entries(auditor, happened_from=made["at"])
    assert [entry for entry in told if entry["at"] >= made["at"]] == later
    sooner = await entries(auditor, happened_before=made["at"])
    assert sooner + later == told
    problem(await auditor.get(LOG, subject_id="nonsense"), 422, "validation_failed")
    problem(await auditor.get(LOG, action="DROP TABLE"), 422, "validation_failed")
    problem(await auditor.get(LOG, cursor="aaaa"), 400, "invalid_cursor")


async def test_r53_the_log_is_for_whom_it_is_for(world: World) -> None:
    person, auditor = await lived(world)
    problem(await person.get(LOG), 403, "forbidden")
    stranger = await world.person(permissions=["audit:read"])
    assert await entries(stranger) == []
    service = await world.person(account_id=person.account_id)
    await service.refresh_token(service=True, sub="service:crm", permissions=["audit:read"])
    assert await entries(service) == await entries(auditor)


@pytest.mark.parametrize(
    "meddling",
    [
        "UPDATE audit_entries SET action = 'page.deleted' WHERE sequence = 3",
        "UPDATE audit_entries SET actor = 'worker' WHERE sequence = 3",
        "UPDATE audit_entries SET at = at - interval '1 day' WHERE sequence = 3",
        "UPDATE audit_entries SET data = '{\"a\": 1}' WHERE sequence = 3",
        "UPDATE audit_entries SET subject_id = gen_random_uuid() WHERE sequence = 3",
        "DELETE FROM audit_entries WHERE sequence = 3",
        "DELETE FROM audit_entries WHERE sequence = (SELECT max(sequence) FROM audit_entries)",
        "UPDATE audit_entries SET sequence = sequence + 1000 WHERE sequence = 3",
    ],
)
async def test_r54_whoever_changes_the_past_breaks_a_seal(world: World, meddling: str) -> None:
    person, auditor = await lived(world)
    await entries(auditor)
    assert await broken(world, person) == []
    await by_hand(world, meddling)
    assert await broken(world, person)


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
async def test_r54_the_service_itself_can_change_nothing_of_it(world: World, statement: str) -> None:
    person, auditor = await lived(world)
    told = await entries(auditor)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with transaction(world.services.sessions, decode_id("acct", person.account_id)) as session:
            await session.execute(text(statement))
    with pytest.raises(DBAPIError, match="never changed"):
        async with transaction(world.services.sessions, decode_id("acct", person.account_id)) as session:
            await session.execute(text("UPDATE audit_entries SET sequence = NULL"))
    assert await entries(auditor) == told


async def test_r54_entries_are_sealed_by_the_worker_and_by_many_at_once_only_once(world: World) -> None:
    person, auditor = await lived(world)
    account_id = decode_id("acct", person.account_id)
    assert await world.services.audit_seals.sweep() == 1
    await asyncio.gather(*(world.services.audit_seals.run(account_id, account_id) for _ in range(5)), world.work())
    left = await world.rows("SELECT FROM audit_entries WHERE sequence IS NULL")
    assert left == await world.rows("SELECT FROM due_audits") == []
    sealed = await entries(auditor)
    assert [entry["sequence"] for entry in sealed] == list(range(1, len(sealed) + 1))
    assert await broken(world, person) == []


async def test_r54_an_entry_that_commits_late_is_sealed_late_and_not_lost(world: World) -> None:
    person, auditor = await lived(world)
    before = await entries(auditor)
    page = {"type": "personal", "name": "A"}
    held = asyncio.Event()

    async def slow() -> None:
        account = decode_id("acct", person.account_id)
        async with transaction(world.services.sessions, account) as session:
            await session.execute(
                text(
                    "INSERT INTO audit_entries (account_id, id, actor, action, subject_id, data)"
                    " VALUES (:account, gen_random_uuid(), 'worker', 'page.updated', gen_random_uuid(), '{}')"
                ),
                {"account": account},
            )
            await held.wait()

    waiting = asyncio.create_task(slow())
    await asyncio.sleep(0)
    assert (await person.post("/v1/scheduling-pages", page)).status_code == 201
    told = await entries(auditor)
    assert told[: len(before)] == before
    held.set()
    await waiting
    after = await entries(auditor)
    assert after[: len(told)] == told
    assert len(after) == len(told) + 1
    assert await broken(world, person) == []


async def test_r54_what_is_sealed_while_the_seals_are_followed_is_no_fault(world: World) -> None:
    person, auditor = await lived(world)
    told, account_id = await entries(auditor), decode_id("acct", person.account_id)
    async with transaction(world.services.sessions, account_id) as session:
        await session.execute(text("LOCK TABLE audit_chains"))
        checking = asyncio.create_task(broken(world, person))
        while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
            await asyncio.sleep(0.02)
        add_audit_entry(session, account_id, actor="worker", action="page.updated", subject_id=account_id)
        await session.flush()
        assert await seal_waiting(session, account_id) == 1
    assert await checking == []
    assert len(await entries(auditor)) == len(told) + 1
    assert await broken(world, person) == []
