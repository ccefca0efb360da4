"""What stands in a database, and what is otherwise than before.

The one rule: rows are compared as PostgreSQL writes them. Only tables and columns
that both states have are compared; what became of the others is the migration's purpose.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from prove.migrations_catalogue import Table, read_tables

Cells = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """Of one table."""

    columns: tuple[str, ...]
    primary: tuple[str, ...]
    rows: tuple[Cells, ...]

    def only(self, columns: Sequence[str]) -> list[Cells]:
        """These columns of all rows, in order."""
        places = [self.columns.index(name) for name in columns]
        return sorted(
            (tuple(row[place] for place in places) for row in self.rows), key=lambda cells: [c or "" for c in cells]
        )

    def checksum(self, columns: Sequence[str]) -> str:
        """Of these columns of all rows, in order."""
        return hashlib.sha256(repr(self.only(columns)).encode()).hexdigest()


State = dict[str, Contents]


async def take(connection: asyncpg.Connection) -> State:
    """Everything that stands in it."""
    return {table.name: await _contents(connection, table) for table in await read_tables(connection)}


async def _contents(connection: asyncpg.Connection, table: Table) -> Contents:
    names = [column.name for column in table.columns]
    columns = ", ".join(f'"{name}"::text' for name in names)
    rows = await connection.fetch(f"SELECT {columns} FROM {table.name}")  # noqa: S608 - names from the catalogue
    return Contents(tuple(names), table.primary, tuple(tuple(row) for row in rows))


def differences(before: State, after: State) -> set[str]:
    """`table.column` where values are other ones, `table -` where rows went, `table +` where rows came."""
    found: set[str] = set()
    for name in before.keys() & after.keys():
        common = [column for column in before[name].columns if column in after[name].columns]
        if before[name].checksum(common) != after[name].checksum(common):
            found |= _told(name, before[name], after[name], common)
    return found


def _told(name: str, before: Contents, after: Contents, common: list[str]) -> set[str]:
    keys = [column for column in before.primary if column in common] or common
    old, new = (_by_key(contents.only(common), common, keys) for contents in (before, after))
    found = {f"{name} -" for _ in old.keys() - new.keys()} | {f"{name} +" for _ in new.keys() - old.keys()}
    for key in old.keys() & new.keys():
        changed = zip(common, old[key], new[key], strict=True)
        found |= {f"{name}.{column}" for column, was, now in changed if was != now}
    return found


def _by_key(rows: Iterable[Cells], columns: Sequence[str], keys: Sequence[str]) -> dict[Cells, Cells]:
    places = [columns.index(key) for key in keys]
    return {tuple(row[place] for place in places): row for row in rows}


def checksum(state: State) -> str:
    """Of everything."""
    each = "".join(f"{name}:{contents.checksum(contents.columns)};" for name, contents in sorted(state.items()))
    return hashlib.sha256(each.encode()).hexdigest()[:16]


def shape(state: State) -> dict[str, frozenset[str]]:
    """Tables and their columns, in whatever order."""
    return {name: frozenset(contents.columns) for name, contents in state.items()}
