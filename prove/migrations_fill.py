"""Fills every table of a database, whatever its revision, with rows in every state that the catalogue allows.

The one rule: what the database refuses is not worked around by name. A row that a check refuses has the columns of that
check changed until it fits; one that is there already becomes another.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from prove.migrations_catalogue import ACCOUNT, Column, Reference, Table, read_tables
from prove.migrations_values import value

Row = dict[str, str | None]

ACCOUNTS: Final = (UUID("0196ac11-0000-7000-8000-000000000001"), UUID("0196ac11-0000-7000-8000-000000000002"))
ROWS: Final = 4
"""Of each table for each account, where a key allows so many: everything set, nothing set, and both halves."""
_SALTS: Final = 6
_CANDIDATES: Final = 400


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A row to be made."""

    table: Table
    account: int
    number: int


class Filler:
    """Rows of all tables, parents first."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """The connection is the superuser's: it is under no account."""
        self._connection = connection
        self._rows: dict[tuple[str, int], list[Row]] = {}

    async def fill(self) -> dict[str, int]:
        """Fill them; how many rows each table has been given. Raises LookupError where a table stays empty."""
        counts: dict[str, int] = {}
        for table in await read_tables(self._connection):
            for account in range(len(ACCOUNTS) if table.of_accounts else 1):
                made = [row for number in range(ROWS) if (row := await self._insert(_Wanted(table, account, number)))]
                if not made:
                    raise LookupError(f"{table.name}: no row was accepted")
                self._rows[table.name, account] = made
                counts[table.name] = counts.get(table.name, 0) + len(made)
        return counts

    async def _insert(self, wanted: _Wanted) -> Row | None:
        """The row as it was accepted; None when all that come to mind are there already."""
        for salt in range(_SALTS):
            row = self._draw(wanted, salt)
            if (accepted := await self._accepted(wanted, row, salt)) is not None:
                return accepted
        return None

    async def _accepted(self, wanted: _Wanted, row: Row, salt: int) -> Row | None:
        """Try it; whatever a check refuses, with other values in the columns of that check."""
        doubtful: list[str] = []
        candidates: Iterator[Row] = iter([row])
        for _ in range(_CANDIDATES):
            candidate = next(candidates, None)
            if candidate is None:
                return None
            try:
                async with self._connection.transaction():
                    await self._write(wanted.table, candidate)
            except asyncpg.CheckViolationError as error:
                broken = wanted.table.checks[error.constraint_name or ""]
                if set(broken) - set(doubtful):
                    doubtful += [name for name in broken if name not in doubtful]
                    candidates = self._variants(wanted, row, doubtful, salt)
            except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError):
                return None
            else:
                return candidate
        return None

    async def _write(self, table: Table, row: Mapping[str, str | None]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        types = [table.by_name[name].type for name in row]
        values = ", ".join(f"${place}::text::{kind}" for place, kind in enumerate(types, 1))
        await self._connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({values})", *row.values())  # noqa: S608 - names from the catalogue

    def _draw(self, wanted: _Wanted, salt: int) -> Row:
        """One has everything, one nothing that it need not have, two a half each; another account begins elsewhere."""
        row: Row = {}
        for column in wanted.table.columns:
            if column.made or (column.default is not None and (wanted.number + wanted.account) % ROWS == 1):
                continue
            row[column.name] = (
                None
                if _left_out(column, (wanted.number + wanted.account) % ROWS)
                else self._value(wanted, column, salt)
            )
        for reference in wanted.table.references:
            row |= self._referring(wanted, reference, row, salt)
        if wanted.table.of_accounts:
            row[ACCOUNT] = str(ACCOUNTS[wanted.account])
        return row

    def _value(self, wanted: _Wanted, column: Column, salt: int) -> str | None:
        return value(wanted.table, column, wanted.account, wanted.number + ROWS * salt)

    def _referring(self, wanted: _Wanted, reference: Reference, row: Row, salt: int) -> Row:
        """The columns of a foreign key, as they stand in a row that is there; what may be unset stays so."""
        parents = self._rows.get((reference.table, wanted.account), [])
        parent = parents[(wanted.number + salt) % len(parents)]
        pairs = zip(reference.columns, reference.targets, strict=True)
        return {name: None if name in row and row[name] is None else parent[target] for name, target in pairs}

    def _variants(self, wanted: _Wanted, row: Row, doubtful: list[str], salt: int) -> Iterator[Row]:
        """The row with everything that these columns might be; each number begins elsewhere."""
        choices = []
        for name in doubtful:
            column = wanted.table.by_name[name]
            full = {**row, name: self._value(wanted, column, salt)}
            for reference in wanted.table.references:
                if name in reference.columns:
                    full |= {name: self._referring(wanted, reference, full, salt)[name]}
            several = [value(wanted.table, column, wanted.account, number) for number in range(ROWS)]
            some = [full[name]] if name in wanted.table.referring else [full[name], *several]
            choices.append([*([None] if column.nullable else []), *dict.fromkeys(some)])
        combined = list(itertools.islice(itertools.product(*choices), _CANDIDATES))
        begin = (wanted.number + 2 * wanted.account) % ROWS * len(combined) // ROWS
        for chosen in combined[begin:] + combined[:begin]:
            yield {**row, **dict(zip(doubtful, chosen, strict=True))}


def _left_out(column: Column, number: int) -> bool:
    return column.nullable and (number == 1 or (number > 1 and column.place % 2 == number % 2))
