"""Sessions: one account per transaction, all or nothing, and no error swallowed in silence."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.database import (
    SwallowedErrorError,
    constraint,
    create_engine,
    create_sessions,
    driver_url,
    enter_account,
    enter_by_link,
    entering_by_link,
    sqlstate,
    transaction,
)
from app.models.directory import Directory, DirectoryEntry
from tests.support.world import World

INSERT = text("INSERT INTO accounts (account_id, subscriptions) VALUES (:a, '[]')")
COUNT = text("SELECT count(*) FROM accounts")
SETTING = text("SELECT current_setting('app.account_id', true)")


async def stored(world: World, account: UUID) -> bool:
    return bool(await world.rows("SELECT 1 FROM accounts WHERE account_id = $1", account))


async def test_a_transaction_commits_whole(world: World) -> None:
    account = uuid4()
    async with transaction(world.services.sessions, account) as session:
        await session.execute(INSERT, {"a": account})
        assert not await stored(world, account), "not before its end"
    assert await stored(world, account)


async def test_a_transaction_that_raises_leaves_nothing(world: World) -> None:
    account = uuid4()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole transaction is the point
        async with transaction(world.services.sessions, account) as session:
            await session.execute(INSERT, {"a": account})
            raise ZeroDivisionError
    assert not await stored(world, account)


async def test_a_swallowed_error_is_raised_at_the_commit(world: World) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK and no error: everything would be lost in silence."""
    account = uuid4()
    with pytest.raises(SwallowedErrorError):  # noqa: PT012 - the whole transaction is the point
        async with transaction(world.services.sessions, account) as session:
            await session.execute(INSERT, {"a": account})
            with pytest.raises(IntegrityError):
                await session.execute(INSERT, {"a": account})
    assert not await stored(world, account)
    async with transaction(world.services.sessions, account) as session:
        await session.execute(INSERT, {"a": account})
    assert await stored(world, account), "the connection is good again"


async def test_a_commit_that_fails_harms_nobody_who_has_the_connection_after(world: World, single: AsyncEngine) -> None:
    """A full disk is often met only then. Nothing is rolled back, for nothing is open any more."""
    sessions, account = create_sessions(single), uuid4()
    with pytest.raises(IntegrityError):  # noqa: PT012 - the whole transaction is the point
        async with transaction(sessions, account) as session:
            await session.execute(text("CREATE TEMPORARY TABLE late (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
            await session.execute(text("INSERT INTO late VALUES (1), (1)"))
    async with transaction(sessions, account) as session:
        await session.execute(INSERT, {"a": account})
    assert await stored(world, account)


async def test_an_error_caught_where_each_statement_commits_is_no_harm(world: World) -> None:
    """A migration that misses a lock there goes back to transactions, and tries again."""
    async with world.services.sessions() as session, session.bind.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(DBAPIError):
            await connection.execute(text("SELECT 1/0"))
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        await connection.commit()
        await connection.execution_options(isolation_level="READ COMMITTED")
        with pytest.raises(DBAPIError):
            await connection.execute(text("SELECT 1/0"))
        with pytest.raises(SwallowedErrorError):
            await connection.commit()


async def test_an_error_caught_in_a_savepoint_is_no_harm(world: World) -> None:
    account = uuid4()
    async with transaction(world.services.sessions, account) as session:
        await session.execute(INSERT, {"a": account})
        with pytest.raises(IntegrityError) as refused:
            async with session.begin_nested():
                await session.execute(INSERT, {"a": account})
    assert await stored(world, account)
    assert (sqlstate(refused.value), constraint(refused.value)) == ("23505", "pk_accounts")


async def test_r53_the_account_is_told_at_the_start_of_each_transaction_and_gone_after_it(world: World) -> None:
    account = uuid4()
    async with world.services.sessions() as session:
        await enter_account(session, account)
        for _ in range(2):
            async with session.begin():
                assert (await session.execute(SETTING)).scalar() == str(account)
    async with transaction(world.services.sessions, None) as session:
        assert (await session.execute(SETTING)).scalar() in {None, ""}


async def test_r53_an_account_can_be_entered_when_it_is_found(world: World) -> None:
    account = uuid4()
    async with transaction(world.services.sessions, account) as session:
        await session.execute(INSERT, {"a": account})
    async with transaction(world.services.sessions, None) as session:
        assert (await session.execute(COUNT)).scalar() == 0
        await enter_account(session, account)
        assert (await session.execute(COUNT)).scalar() == 1
        async with session.begin_nested():
            assert (await session.execute(COUNT)).scalar() == 1
        assert (await session.execute(COUNT)).scalar() == 1


async def test_r53_the_account_of_a_link_is_found_and_entered_with_the_first_statement(world: World) -> None:
    account, booking = uuid4(), uuid4()
    entry = DirectoryEntry(kind=Directory.BOOKING, key=booking.hex, account_id=account, target_id=booking)
    async with transaction(world.services.sessions, account) as session:
        session.add(entry)
    for kind, found in ((Directory.BOOKING, str(account)), (Directory.PAGE, None)):
        async with transaction(world.services.sessions, None) as session:
            enter_by_link(session, kind, booking)
            assert ((await session.execute(SETTING)).scalar() or None) == found
    async with transaction(world.services.sessions, None) as session:
        assert not (await session.execute(SETTING)).scalar()


@pytest.mark.parametrize("name", ["it's", "a b", "", "x" * 129, "ä", "a\n", "a;b"])
def test_r53_only_a_plain_name_stands_in_the_statement_that_enters(name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        entering_by_link(Directory.CHANNEL, name)


async def found_by_link(sessions: async_sessionmaker[AsyncSession], booking_id: UUID) -> str | None:
    async with transaction(sessions, None) as session:
        enter_by_link(session, Directory.BOOKING, booking_id)
        return (await session.execute(SETTING)).scalar() or None


async def test_r53_a_transaction_that_cannot_begin_spoils_no_other(world: World) -> None:
    """What comes with BEGIN was refused after it: the connection stands in a transaction that nobody knows of."""
    engine = create_engine(world.database_url, pool_size=1)
    sessions, account = create_sessions(engine), uuid4()
    async with engine.connect() as connection, connection.begin():
        await connection.exec_driver_sql("SET lock_timeout = '100ms'")
    blocker = create_engine(world.database_url, role=None)
    async with blocker.connect() as connection, connection.begin():
        await connection.exec_driver_sql("LOCK directory IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await found_by_link(sessions, uuid4())
    for _ in range(2):
        async with transaction(sessions, account) as session:
            assert (await session.execute(SETTING)).scalar() == str(account)
    await engine.dispose()
    await blocker.dispose()


async def test_r53_an_account_survives_a_savepoint_that_fails(world: World) -> None:
    account = uuid4()
    async with transaction(world.services.sessions, account) as session:
        await session.execute(INSERT, {"a": account})
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("SELECT 1/0"))
        assert (await session.execute(COUNT)).scalar() == 1


async def test_a_session_used_after_its_end_raises_instead_of_reopening(world: World) -> None:
    async with transaction(world.services.sessions, None) as session:
        await session.execute(COUNT)
    with pytest.raises(Exception, match="closed"):
        await session.execute(COUNT)


@pytest.fixture
async def single(world: World) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection, so that whoever comes next gets the same."""
    engine = create_engine(world.database_url, pool_size=1)
    yield engine
    await engine.dispose()


async def test_r53_the_service_works_as_its_role_and_within_limits(single: AsyncEngine) -> None:
    async with single.connect() as connection:
        role, session_user = (await connection.execute(text("SELECT current_user, session_user"))).one()
        assert (role, session_user) == ("calendar_app", "postgres")
        for name, value in (("statement_timeout", "30s"), ("lock_timeout", "10s"), ("timezone", "UTC")):
            assert (await connection.execute(text(f"SHOW {name}"))).scalar() == value


async def test_r53_a_role_reset_does_not_make_the_connection_powerful(single: AsyncEngine) -> None:
    for statement in ("RESET ROLE", "RESET ALL"):
        async with single.connect() as connection:
            raw = await connection.get_raw_connection()
            await raw.driver_connection.execute(statement)
        async with single.connect() as connection:
            assert (await connection.execute(text("SELECT current_user"))).scalar() == "calendar_app", statement


async def test_r53_a_transaction_that_never_asked_anything_leaves_its_account_to_nobody(single: AsyncEngine) -> None:
    async with transaction(create_sessions(single), uuid4()) as session:
        await session.connection()
    async with single.connect() as connection:
        assert (await connection.execute(SETTING)).scalar() in {None, ""}


async def test_a_lost_connection_is_replaced(single: AsyncEngine, world: World) -> None:
    sessions = create_sessions(single)
    async with transaction(sessions, None) as session:
        await session.execute(COUNT)
    for _ in range(2):
        await world.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = 'postgres' AND application_name = 'calendar-connect' AND pid <> pg_backend_pid()"
        )
        with pytest.raises(DBAPIError) as lost:
            async with transaction(sessions, None) as session:
                await session.execute(COUNT)
        assert lost.value.connection_invalidated
        async with transaction(sessions, None) as session:
            assert (await session.execute(COUNT)).scalar() == 0


def test_the_driver_is_put_into_the_url_and_the_password_kept() -> None:
    assert (
        driver_url("postgresql://a:p%40ss@host:5/db?sslmode=x") == "postgresql+asyncpg://a:p%40ss@host:5/db?sslmode=x"
    )
    assert driver_url("postgres+x://h/db").startswith("postgresql+asyncpg://")


async def test_the_database_may_be_asked_for_tls_as_everywhere_in_its_url(database_url: str) -> None:
    """The driver's own words; SQLAlchemy would hand them on as arguments that nobody takes."""
    for mode, connects in (("disable", True), ("prefer", True), ("require", False)):
        engine = create_engine(f"{database_url}?sslmode={mode}", pooled=False)
        try:
            async with engine.connect() as connection:
                assert (await connection.execute(text("SELECT 1"))).scalar() == 1
                assert connects
        except ConnectionError:
            assert not connects, "the tests' server has no certificate"
        finally:
            await engine.dispose()
