"""Inserting many new rows of many tables in one statement.

The one rule: the rows go to PostgreSQL in one round trip, and it means the same as one INSERT a row: every check,
policy and default of the tables holds.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.orm import object_mapper
from sqlalchemy.schema import DefaultClause
from sqlalchemy.sql.elements import NamedColumn, TextClause
from sqlalchemy.sql.functions import FunctionElement

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


class Rows(Protocol):
    """What new rows can be added to: a session, or a transaction on a bare connection."""

    def add(self, instance: object, /) -> None:
        """Insert the row before the commit."""
        ...


def insertion(items: Iterable[object]) -> tuple[str, tuple[str, ...]]:
    """The statement that inserts these rows, new objects of our models, and its parameters."""
    rows: dict[str, list[dict[str, Any]]] = {}
    tables: dict[str, Table] = {}
    for item in items:
        mapper = object_mapper(item)
        table = mapper.local_table
        assert isinstance(table, Table)
        values = {
            attribute.columns[0].name: _encoded(attribute.columns[0], getattr(item, attribute.key))
            for attribute in mapper.column_attrs
        }
        rows.setdefault(table.name, []).append(values)
        tables[table.name] = table
    names = sorted(rows)
    parameters = tuple(msgspec.json.encode(rows[name]).decode() for name in names)
    return _statement(tuple(tables[name] for name in names)), parameters


@cache
def _statement(tables: tuple[Table, ...]) -> str:
    """One INSERT a table, each fed by a JSON array of whole rows; keys are checked when all of them are done.

    The columns are named: the next release may have added one, and it is to have its default.
    """
    inserts = []
    for number, table in enumerate(tables, start=1):
        named = ", ".join(f'"{column.name}"' for column in table.columns)
        values = ", ".join(map(_value, table.columns))
        rows = f"jsonb_populate_recordset(NULL::{table.name}, ${number}::jsonb)"
        inserts.append(f"i{number} AS (INSERT INTO {table.name} ({named}) SELECT {values} FROM {rows})")  # noqa: S608 - names of our own tables
    return f"WITH {', '.join(inserts)} SELECT 1"


def _value(column: NamedColumn[Any]) -> str:
    """A column of the JSON's row; where it holds nothing, what the column's default comes to."""
    default = column.server_default
    if not isinstance(default, DefaultClause) or not isinstance(default.arg, FunctionElement):
        return f'"{column.name}"'
    return f'coalesce("{column.name}", {default.arg.compile(dialect=_POSTGRESQL)})'


def _encoded(column: NamedColumn[Any], value: Any) -> Any:
    """A value as PostgreSQL reads it from JSON; the column's default where there is none and that is a constant."""
    if value is None and isinstance(column.server_default, DefaultClause):
        default = column.server_default.arg
        return default.text if isinstance(default, TextClause) else default if isinstance(default, str) else None
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Range):
        return f"[{_instant(value.lower)},{_instant(value.upper)})"
    return value


def _instant(value: datetime | None) -> str:
    return "" if value is None else value.isoformat()
