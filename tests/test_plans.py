"""What is looked for all the time is found by an index, under row-level security as the service is (R53).

The one rule: plans are those of the service's own role, in an account with a past. Of conditions only such may use an
index there that can tell nothing of other rows: a range or a function may not.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings.listing import BookingsAsked, find_bookings
from app.database import APP_ROLE, transaction
from app.ids import decode_id
from app.scheduling.availability import PAGE_TIME, page_time_parameters
from tests.support.visitors import visit
from tests.support.world import World

NOW = datetime.now(UTC)
_PAST = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, {changed})).*
  FROM {table} t, generate_series(1, 3000) AS number
"""
_BOOKINGS = """jsonb_build_object('id', md5('b' || number)::uuid, 'starts_at', t.starts_at - number * interval '1 day',
                                  'ends_at', t.ends_at - number * interval '1 day')"""
_RESERVATIONS = """jsonb_build_object('id', md5('r' || number)::uuid, 'booking_id', md5('b' || number)::uuid,
    'during', tstzrange(lower(t.during) - number * interval '1 day', upper(t.during) - number * interval '1 day'))"""
_MAILS = """jsonb_build_object('id', md5('m' || number)::uuid, 'to_email', number || t.to_email)"""


async def plan(world: World, account_id: UUID, statement: str, *parameters: object) -> str:
    """As the service's role would have it."""
    connection = await asyncpg.connect(world.database_url)
    try:
        await connection.execute(f"SET ROLE \"{APP_ROLE}\"; SELECT set_config('app.account_id', '{account_id}', false)")
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *parameters))
    finally:
        await connection.close()


async def asking(
    sessions: async_sessionmaker[AsyncSession], account_id: UUID, ask: Callable[[AsyncSession], Awaitable[object]]
) -> tuple[str, tuple[object, ...]]:
    """The statement that is sent, and its parameters."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: tuple[object, ...], *___: object) -> None:
        sent.append((statement, parameters))

    async with transaction(sessions, account_id) as session:
        event.listen(session.get_bind(), "before_cursor_execute", note)
        try:
            await ask(session)
        finally:
            event.remove(session.get_bind(), "before_cursor_execute", note)
    [only] = sent
    return only


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (BookingsAsked(), "ix_booking_users_account_id_user_id_booking_id"),
        (BookingsAsked(starts_from=NOW), "ix_booking_users_account_id_user_id_starts_at_booking_id"),
        (
            BookingsAsked(order="-start_at", after=(NOW - timedelta(days=900), UUID(int=1))),
            "Backward using ix_booking_users_account_id_user_id_starts_at_booking_id",
        ),
    ],
    ids=["all", "from now on", "the last first"],
)
async def test_r53_a_list_of_ones_own_bookings_reads_no_others(world: World, asked: BookingsAsked, index: str) -> None:
    person = await world.connected()
    await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.rows(_PAST.format(table="bookings", changed=_BOOKINGS))
    await world.rows("ANALYZE bookings, booking_users")
    [row] = await world.rows("SELECT account_id, host_id FROM bookings LIMIT 1")

    async def ask(session: AsyncSession) -> object:
        return await find_bookings(session, row["host_id"], asked, limit=21)

    statement, parameters = await asking(world.services.sessions, row["account_id"], ask)
    told = await plan(world, row["account_id"], statement, *parameters)
    assert index in told
    assert "Seq Scan" not in told
    assert "Sort" not in told or asked.starts_from is not None


async def test_r53_a_look_at_a_page_reads_none_of_its_hosts_past(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await visit(person, page, person.at(3, "10:00"))
    await world.rows(_PAST.format(table="bookings", changed=_BOOKINGS))
    await world.rows(_PAST.format(table="reservations", changed=_RESERVATIONS))
    await world.rows("ANALYZE reservations")
    start = int(person.at(3, "10:00").timestamp())
    parameters = page_time_parameters(decode_id("page", page["id"]), (start, start + 86400))
    [account] = await world.rows("SELECT account_id FROM bookings LIMIT 1")
    told = await plan(world, account["account_id"], PAGE_TIME, *parameters)
    [_, found] = told.split("ix_reservations_account_id_host_id_until on reservations")
    assert "until >" in found.splitlines()[1], "by the time, not by the host alone"


async def test_r53_what_somebody_was_mailed_is_found_by_their_address(world: World) -> None:
    person = await world.connected()
    await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.rows("DELETE FROM mails WHERE to_email <> 'vera@example.com'")
    await world.rows(_PAST.format(table="mails", changed=_MAILS))
    await world.rows("ANALYZE mails")
    [mail] = await world.rows("SELECT account_id FROM mails LIMIT 1")
    asked = "SELECT count(*) FROM mails WHERE reader = $1 AND sent_at > now() - interval '1 day'"
    told = await plan(world, mail["account_id"], asked, "vera@example.com")
    assert "ix_mails_account_id_reader_sent_at" in told
    assert "reader =" in told.partition("Index Cond")[2].splitlines()[0]
