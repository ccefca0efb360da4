"""Inserting many new rows of many tables in one statement.

The one rule: what a session has pending goes to PostgreSQL in one round trip and means the same as one INSERT a row:
every check, policy and default of the tables holds.
"""

from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import object_mapper
from sqlalchemy.schema import DefaultClause
from sqlalchemy.sql.elements import NamedColumn, TextClause


async def insert_pending(session: AsyncSession) -> None:
    """Insert every new object of the session; they are detached afterwards and can still be read.

    Raises: IntegrityError, naming the constraint.
    """
    rows: dict[Table, list[dict[str, Any]]] = {}
    for item in list(session.new):
        mapper = object_mapper(item)
        table = mapper.local_table
        assert isinstance(table, Table)
        values = {
            attribute.columns[0].name: _encoded(attribute.columns[0], getattr(item, attribute.key))
            for attribute in mapper.column_attrs
        }
        rows.setdefault(table, []).append(values)
        session.expunge(item)
    if not rows:
        return
    names = tuple(sorted(table.name for table in rows))
    by_name = {table.name: encoded for table, encoded in rows.items()}
    connection = await session.connection()
    await connection.exec_driver_sql(
        _statement(names), tuple(msgspec.json.encode(by_name[name]).decode() for name in names)
    )


@cache
def _statement(tables: tuple[str, ...]) -> str:
    """One INSERT a table, each fed by a JSON array of whole rows; keys are checked when all of them are done."""
    inserts = [
        f"i{number} AS (INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, ${number}::jsonb))"  # noqa: S608 - names of our own tables
        for number, table in enumerate(tables, start=1)
    ]
    return f"WITH {', '.join(inserts)} SELECT 1"


def _encoded(column: NamedColumn[Any], value: Any) -> Any:
    """A value as PostgreSQL reads it from JSON; the column's default where there is none."""
    if value is None and isinstance(column.server_default, DefaultClause):
        default = column.server_default.arg
        return default.text if isinstance(default, TextClause) else default if isinstance(default, str) else "now"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Range):
        return f"[{_instant(value.lower)},{_instant(value.upper)})"
    return value


def _instant(value: datetime | None) -> str:
    return "" if value is None else value.isoformat()
