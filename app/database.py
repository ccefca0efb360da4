"""The way to PostgreSQL: engine, sessions, and the account every transaction runs in.

The one rule: a transaction sees one account's rows, or none. The account travels in `session.info` and is told to
PostgreSQL in the message that begins each transaction; there row-level security reads it.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry, ManagesConnection, NullPool

APP_ROLE = "calendar_app"
"""The role the service works as: neither owner nor BYPASSRLS. The first migration makes it."""

LONGEST_WAIT = 10
"""Seconds for a lock, a free connection or a place in a queue; then the caller hears that we are busy."""
_STATEMENT_SECONDS = 30
COMMAND_TIMEOUT = 40
"""Seconds. The server gives a statement thirty; one that is not answered by then went to a server that is no more, and
whose host never said so: without an end of ours it would be waited for until the process is restarted."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ENTERING = "entering"
"""In `session.info`: the statement that tells PostgreSQL the account, or is to find it."""
_POISONED = "a_statement_failed"


class SwallowedErrorError(RuntimeError):
    """A failed statement was caught outside a savepoint: COMMIT would be a silent ROLLBACK."""


def entering(account_id: UUID) -> str:
    """The statement that enters an account, for the message that begins a transaction: it takes no parameters."""
    return f"SELECT set_config('app.account_id', '{account_id}', true)"


def entering_by_link(kind: str, key: UUID | str) -> str:
    """The same for the account that a public link, or a plain name, leads to; `kind` is one of the directory's."""
    name = key.hex if isinstance(key, UUID) else key
    if not is_plain(name):
        raise ValueError("not a plain name")
    found = f"FROM directory WHERE kind = '{kind}' AND key = '{name}'"
    return f"SELECT set_config('app.account_id', account_id::text, true) {found}"


def is_plain(name: str) -> bool:
    """Whether a name can stand in a statement's text: letters, digits, hyphens and low lines of ASCII."""
    return _PLAIN.fullmatch(name) is not None


def driver_url(url: str) -> str:
    """The URL with SQLAlchemy's asyncpg driver in its scheme."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def server_settings(name: str = "", *, role: str | None = APP_ROLE) -> dict[str, str]:
    """What a connection tells the server of itself: who it is, as whom it works, and for how long it waits.

    `name` is what it is for, beside everything else. Without a role, a login of its own, nothing is limited.
    """
    settings = {"application_name": f"calendar-connect {name}".rstrip(), "timezone": "UTC", "jit": "off"}
    if role is None:
        return settings
    limits = {"statement_timeout": f"{_STATEMENT_SECONDS}s", "lock_timeout": f"{LONGEST_WAIT}s"}
    return settings | limits | {"role": role}


def create_engine(url: str, *, pool_size: int = 20, role: str | None = APP_ROLE, pooled: bool = True) -> AsyncEngine:
    """An engine whose connections work as `role`; None is the login itself, for migrations."""
    # Last in, first out: a few warm connections with their prepared statements, not all of them in turn.
    kept = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": LONGEST_WAIT, "pool_use_lifo": True}
    pool = kept if pooled else {"poolclass": NullPool}
    where = make_url(url)
    connecting: dict[str, object] = {
        # The driver reads `?sslmode=verify-full` and its like from its own URL; SQLAlchemy takes them for arguments.
        "dsn": where.set(drivername="postgresql").render_as_string(hide_password=False),
        "server_settings": server_settings(role=role),
        "connection_class": _AccountConnection,
    }
    if role is not None:
        connecting["command_timeout"] = COMMAND_TIMEOUT
    engine = create_async_engine(
        make_url(driver_url(url)).set(query={}),
        connect_args=connecting,
        pool_pre_ping=False,
        hide_parameters=True,  # else every database error carries them into the log: people's addresses and texts
        **pool,
    )
    _refuse_swallowed_errors(engine)
    event.listen(engine.sync_engine, "reset", _leave)
    return engine


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions that enter their account by themselves."""
    return async_sessionmaker(
        engine, expire_on_commit=False, close_resets_only=False, sync_session_class=_AccountSession
    )


class _AccountConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection whose next transaction begins in an account: one round trip instead of two."""

    entering: str | None = None

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109 - theirs
        """Several statements at once take no parameters: what stands in the text is ours, and UUIDs.

        Refused after its BEGIN, the connection stands in a transaction that nobody above knows of: it is given up.
        """
        begins = query.startswith("BEGIN")
        if begins and self.entering is not None:
            query, self.entering = query + self.entering, None
        try:
            status: str = await super().execute(query, *args, timeout=timeout)
        except BaseException:
            if begins:
                self.terminate()
            raise
        return status


class _AccountSession(Session):
    """A session whose transactions begin in its account."""


@event.listens_for(_AccountSession, "after_begin")
def _enter(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Nothing is sent yet: the driver begins with the first statement."""
    if not transaction.nested:
        _driver_connection(connection.connection).entering = session.info.get(_ENTERING)


def _leave(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """A transaction that never sent a statement leaves its account to nobody."""
    if record.driver_connection is not None:
        _driver_connection(record).entering = None


def _driver_connection(connection: ManagesConnection) -> Any:
    return connection.driver_connection


def _tell(connection: Connection, account: UUID) -> None:
    connection.exec_driver_sql("SELECT set_config('app.account_id', $1, true)", (str(account),))


def enter_by_link(session: AsyncSession, kind: str, key: UUID | str) -> None:
    """Work in the account that a public link, or a plain name, leads to; where it leads nowhere, in none, which sees
    no rows.

    Before the session's first statement: found and entered with its BEGIN. `kind` is one of the directory's.
    """
    session.info[_ENTERING] = entering_by_link(kind, key)


async def enter_account(session: AsyncSession, account_id: UUID) -> None:
    """Work as this account from here on: in the running transaction and the next ones."""
    session.info[_ENTERING] = entering(account_id)
    if session.in_transaction():
        connection = await session.connection()
        await connection.run_sync(_tell, account_id)


@asynccontextmanager
async def transaction(
    sessions: async_sessionmaker[AsyncSession], account_id: UUID | None
) -> AsyncIterator[AsyncSession]:
    """One unit of work: commits at the end, rolls back on any exception."""
    info = {} if account_id is None else {_ENTERING: entering(account_id)}
    async with sessions(info=info) as session, session.begin():
        yield session


def _refuse_swallowed_errors(engine: AsyncEngine) -> None:
    """After a caught error PostgreSQL answers COMMIT with ROLLBACK and no error: raise instead."""

    def mark(context: ExceptionContext) -> None:
        connection = context.connection
        if connection is not None and not context.is_disconnect and not _commits_each_statement(connection):
            connection.info[_POISONED] = True

    def clear(connection: Connection, *_: object) -> None:
        if not connection.invalidated:  # a lost connection has nothing to commit
            connection.info.pop(_POISONED, None)

    def check(connection: Connection) -> None:
        if connection.info.pop(_POISONED, False):
            raise SwallowedErrorError("a database error was caught outside begin_nested()")

    event.listen(engine.sync_engine, "handle_error", mark)
    event.listen(engine.sync_engine, "begin", clear)  # a commit that fails leaves its mark, and rolls nothing back
    event.listen(engine.sync_engine, "rollback", clear)
    event.listen(engine.sync_engine, "rollback_savepoint", clear)
    event.listen(engine.sync_engine, "commit", check)


def _commits_each_statement(connection: Connection) -> bool:
    """There is no transaction then, and nothing that a COMMIT could lose."""
    return connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five-character code of an error."""
    return getattr(error.orig, "sqlstate", None)


def constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that refused, if one did."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
