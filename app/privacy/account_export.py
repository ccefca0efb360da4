"""Taking out everything an account holds: asked for by the first request, written by the job `export_account`.

    ask    [transaction]  no export that is good still: a new one, and its job
    write  [transaction]  a hundred rows, read from where it was left, sealed as one part; again and again
    read   [transaction]  one part, opened

The one rule: nothing is ever held whole. A part is read, sealed and committed with where to go on, so that the job can
be killed anywhere. A row is as it was when its part was read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Row, Table, delete, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.database import transaction
from app.errors import InvalidCursor
from app.ids import new_id
from app.models.accounts import Account
from app.models.privacy import AccountExport, AccountExportPart
from app.models.submissions import FormSubmission
from app.privacy.exported import exported_columns, exported_tables
from app.privacy.telling import key_from_json, key_to_json, told
from app.queue import Enqueued, Job, enqueue
from app.vault import SecretPlace, SecretUnreadableError, Vault

KEPT: Final = timedelta(days=1)
_ROWS_A_PART: Final = 100

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How an export stands, and one part of it."""

    export: AccountExport
    records: Sequence[Record] = ()
    last_part: UUID | None = None
    """The part that was read, where another follows."""


class AccountExports:
    """Asks for exports, runs `export_account`, and reads what it wrote."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], vault: Vault, clock: Clock) -> None:
        self._sessions = sessions
        self._vault = vault
        self._clock = clock

    async def read(self, session: AsyncSession, principal: Principal, *, after: UUID | None) -> Reading:
        """The next part of the export that is good now; without one it is asked for. Raises: InvalidCursor."""
        export = await self._current(session, principal)
        if export.status == "building":
            if after is not None:
                raise InvalidCursor
            return Reading(export)
        number = 1
        if after is None:
            self._write_down(session, principal, "account.exported")
        else:
            number = await _number_after(session, export, after)
        part = await session.scalar(
            select(AccountExportPart).where(
                AccountExportPart.export_id == export.id, AccountExportPart.number == number
            )
        )
        if part is None:
            return Reading(export)
        records = json.loads(await self._vault.open(session, _place(part), part.content))
        return Reading(export, records, part.id if number < export.parts else None)

    async def run(self, account_id: UUID, export_id: UUID) -> None:
        """Write all that is left to write; remove what has lapsed."""
        while await self._write_some(account_id, export_id):
            pass

    async def _current(self, session: AsyncSession, principal: Principal) -> AccountExport:
        now = self._clock()
        good = or_(AccountExport.expires_at.is_(None), AccountExport.expires_at > now)
        newest = select(AccountExport).where(good).order_by(AccountExport.requested_at.desc()).limit(1)
        if (found := await session.scalar(newest)) is not None:
            return found
        # Whoever asks at the same moment waits here, and finds what we have asked for.
        await session.execute(select(Account.account_id).with_for_update(key_share=True))
        if (found := await session.scalar(newest)) is not None:
            return found
        export = AccountExport(
            account_id=principal.account_id, id=new_id(), status="building", parts=0, records=0, requested_at=now
        )
        session.add(export)
        self._write_down(session, principal, "account.export_requested")
        await enqueue(session, [Enqueued(Job.EXPORT_ACCOUNT, export.account_id, export.id)])
        return export

    async def _write_some(self, account_id: UUID, export_id: UUID) -> bool:
        """One part; whether there may be more."""
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            export = await session.scalar(select(AccountExport).where(AccountExport.id == export_id).with_for_update())
            if export is None:
                return False
            if export.status == "ready":
                await _let_lapse(session, export, now)
                return False
            records = await self._next_records(session, export)
            if records:
                await self._add_part(session, export, records)
                return True
            export.status, export.completed_at, export.expires_at = "ready", now, now + KEPT
            await _let_lapse(session, export, now)
            return False

    async def _add_part(self, session: AsyncSession, export: AccountExport, records: Sequence[Record]) -> None:
        export.parts += 1
        export.records += len(records)
        part = AccountExportPart(
            account_id=export.account_id, id=new_id(), export_id=export.id, number=export.parts, content=b""
        )
        part.content = await self._vault.seal(session, _place(part), json.dumps(records))
        session.add(part)

    async def _next_records(self, session: AsyncSession, export: AccountExport) -> list[Record]:
        """The rows that come next, over as many tables as it takes; the export knows then where to go on."""
        records: list[Record] = []
        tables = exported_tables()
        names = [table.name for table in tables]
        first = 0 if export.reading is None else names.index(export.reading)
        if export.reading is None and export.parts:
            return []
        for table in tables[first:]:
            wanted = _ROWS_A_PART - len(records)
            rows = await _rows_after(session, table, export, limit=wanted)
            records += [await self._record(session, table, row) for row in rows]
            if len(rows) == wanted:
                last = rows[-1]._mapping  # noqa: SLF001 - its public name
                export.reading, export.after = table.name, key_to_json(last[column] for column in table.primary_key)
                return records
            export.after = None
        export.reading = None
        return records

    async def _record(self, session: AsyncSession, table: Table, row: Row[Any]) -> Record:
        data = {column.name: told(column, row._mapping[column]) for column in exported_columns(table)}  # noqa: SLF001 - its public name
        if table.name == FormSubmission.__tablename__:
            data["content"] = await self._opened(session, row.account_id, row.id, row.content)
        return {"kind": table.name, "data": data}

    async def _opened(self, session: AsyncSession, account_id: UUID, row_id: UUID, sealed: bytes) -> Any:
        """What somebody has answered is theirs to read; None where the key is gone."""
        try:
            place = SecretPlace(FormSubmission.__tablename__, "content", account_id, row_id)
            return json.loads(await self._vault.open(session, place, sealed))
        except SecretUnreadableError:
            return None

    @staticmethod
    def _write_down(session: AsyncSession, principal: Principal, action: str) -> None:
        account_id = principal.account_id
        add_audit_entry(session, account_id, actor=principal.actor, action=action, subject_id=account_id)


async def _let_lapse(session: AsyncSession, export: AccountExport, now: datetime) -> None:
    """Remove it when its time is over; before that ask again, for jobs come by the database's clock and not by ours."""
    assert export.expires_at is not None
    left = export.expires_at - now
    if left <= timedelta():
        await session.execute(delete(AccountExport).where(AccountExport.id == export.id))
        return
    await session.flush()
    late = left + timedelta(seconds=1)
    await enqueue(session, [Enqueued(Job.EXPORT_ACCOUNT, export.account_id, export.id, delay=late)])


async def _rows_after(session: AsyncSession, table: Table, export: AccountExport, *, limit: int) -> Sequence[Row[Any]]:
    """A table's next rows, by its key."""
    key = list(table.primary_key)
    query = select(*exported_columns(table)).where(table.c.account_id == export.account_id)
    if table.name == export.reading and export.after is not None:
        query = query.where(tuple_(*key) > tuple_(*_bound(key, export.after)))
    return (await session.execute(query.order_by(*key).limit(limit))).all()


def _bound(key: list[Column[Any]], after: list[Any]) -> list[ColumnElement[Any]]:
    values = key_from_json(key, after)
    return [literal(value, column.type) for column, value in zip(key, values, strict=True)]


async def _number_after(session: AsyncSession, export: AccountExport, part_id: UUID) -> int:
    """The number of the part that follows. Raises: InvalidCursor for a part of an export that has lapsed."""
    number = await session.scalar(
        select(AccountExportPart.number).where(
            AccountExportPart.export_id == export.id, AccountExportPart.id == part_id
        )
    )
    if number is None:
        raise InvalidCursor
    return number + 1


def _place(part: AccountExportPart) -> SecretPlace:
    return SecretPlace(AccountExportPart.__tablename__, "content", part.account_id, part.id)
