"""Many rows: copies of the few that fill a table, made by the database itself, by its keys.

The one rule: a copy differs from its model in what has to be unique, by a number; copies that refer to each other bear
the same one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from prove.migrations_catalogue import ACCOUNT, Column, Table, read_tables

BULK: Final[dict[str, int]] = {
    "public.bookings": 50_000,
    "public.mirror_events": 200_000,
    "public.calendar_writes": 50_000,
    "public.reservations": 20_000,
    "public.audit_entries": 100_000,
    "public.directory": 100_000,
    "public.feed_events": 100_000,
    "public.mails": 50_000,
}
"""A company of some size: rows of each table, in all."""

# Models number fewer than 64, so that a multiple of it beside a model's own number is nobody else's.
_SALTED: Final[Mapping[str, str]] = {
    "uuid": "md5(src.{name}::text || '/' || {number})::uuid",
    "text": "src.{name} || '/' || {number}",
    "bytea": "sha256(src.{name} || convert_to({number}::text, 'UTF8'))",
    "integer": "src.{name} + {number} * 64",
    "bigint": "src.{name} + {number} * 64",
    "date": "src.{name} + {number} % 20000 * 64",
}


@dataclass(frozen=True, slots=True)
class Copying:
    """How rows of a table are copied."""

    insert: str
    """`INSERT INTO table … SELECT … FROM table src`."""
    model: str
    """Which rows `src` may be: a condition."""


def copying(table: Table, number: str, others: Mapping[str, Table]) -> Copying | None:
    """Copies that bear this number, an SQL expression. None where no row can be copied without a new parent.

    `others` are tables whose copies bear the same number, by their names: these may be referred to.
    """
    salted = _salted(table, others)
    unset = []
    for key in table.keys:
        if salted & set(key):
            continue
        free = [name for name in key if table.by_name[name].nullable]
        if not free:
            return None
        unset.append(f'src."{free[0]}" IS NULL')  # such a key holds nothing apart
    kept = [column for column in table.columns if not column.made]
    chosen = ", ".join(_expression(column, number, salted=column.name in salted) for column in kept)
    names = ", ".join(f'"{column.name}"' for column in kept)
    insert = f"INSERT INTO {table.name} ({names}) SELECT {chosen} FROM {table.name} src"  # noqa: S608 - from the catalogue
    return Copying(insert, " AND ".join(unset) or "true")


def _salted(table: Table, others: Mapping[str, Table]) -> set[str]:
    """The columns in which copies differ from their model, and so do the copies of what they refer to."""
    salted = {name for key in table.keys for name in key if _may_differ(table, name)}
    for reference in table.references:
        target = others.get(reference.table)
        if target is not None:
            pairs = zip(reference.columns, reference.targets, strict=True)
            salted |= {name for name, aim in pairs if name != ACCOUNT and _may_differ(target, aim)}
    return salted


def _may_differ(table: Table, name: str) -> bool:
    column = table.by_name[name]
    return name != ACCOUNT and name not in table.referring and column.type in _SALTED and not column.labels


def _expression(column: Column, number: str, *, salted: bool) -> str:
    plain = f'"{column.name}"'
    return _SALTED[column.type].format(name=plain, number=number) if salted else f"src.{plain}"


async def multiply(connection: asyncpg.Connection, scale: float) -> dict[str, int]:
    """Copies of all rows of the big tables, as many as there are to be; how many each has now."""
    made: dict[str, Table] = {}
    numbers: dict[str, int] = {}
    counts: dict[str, int] = {}
    for table in await read_tables(connection):
        if table.name not in BULK:
            continue
        way = copying(table, "n", made)
        if way is None:
            raise LookupError(f"{table.name}: its copies need parents that have no copies")
        models = await connection.fetchval(f"SELECT count(*) FROM {table.name} src WHERE {way.model}")  # noqa: S608 - our list
        each = min(
            math.ceil(BULK[table.name] * scale / models),
            *(numbers[parent.table] for parent in table.references if parent.table in numbers),
            10**9,
        )
        await connection.execute(f"{way.insert} CROSS JOIN generate_series(1, {each}) n WHERE {way.model}")
        made[table.name], numbers[table.name] = table, each
        counts[table.name] = await connection.fetchval(f"SELECT count(*) FROM {table.name}")  # noqa: S608 - the same
    await connection.execute("ANALYZE")
    return counts
