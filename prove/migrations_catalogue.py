"""The tables of a database, read from its catalogue: what a row of each must be.

The one rule: nothing is known of any table beforehand, so a table that a migration adds is covered by itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import asyncpg

ACCOUNT: Final = "account_id"
_COLUMNS: Final = """
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS table, a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, a.attnum,
       pg_get_expr(d.adbin, d.adrelid) AS "default", a.attidentity <> '' OR a.attgenerated <> '' AS made,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = a.atttypid ORDER BY e.enumsortorder) AS labels
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE n.nspname IN ('public', 'queue') AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
 ORDER BY 2, a.attnum
"""
_NAMES: Final = """ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY u (number, place)
                       JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = u.number ORDER BY u.place)"""
_CONSTRAINTS: Final = f"""
SELECT k.conrelid AS oid, k.conname::text AS name, k.contype::text AS kind, pg_get_constraintdef(k.oid) AS text,
       {_NAMES.format(numbers="k.conkey", table="k.conrelid")} AS columns,
       {_NAMES.format(numbers="k.confkey", table="k.confrelid")} AS targets,
       (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = k.confrelid) AS target
  FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conrelid <> 0 ORDER BY k.conname
"""  # noqa: S608 - put together from our own text
_INDEXES: Final = f"""
SELECT i.indrelid AS oid, i.indisunique AS "unique", coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       {_NAMES.format(numbers="i.indkey", table="i.indrelid")} AS columns
  FROM pg_index i ORDER BY i.indexrelid::regclass::text
"""  # noqa: S608 - the same
_LITERAL: Final = re.compile(r"\(?(\w+)\)? (?:=|<>) '([^']*)'::")


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    type: str
    nullable: bool
    default: str | None
    place: int
    made: bool
    """The database makes it: an identity, a sequence, an expression."""
    labels: tuple[str, ...] = ()
    """Of an enum."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table, by the name that SQL knows it by."""

    name: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    """Columns that are unique together: constraints, indexes (partial ones as well) and exclusions."""
    references: tuple[Reference, ...]
    checks: dict[str, tuple[str, ...]]
    literals: dict[str, tuple[str, ...]]
    """What checks and partial indexes compare a column with: the values that somebody means something by."""

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Its columns."""
        return {column.name: column for column in self.columns}

    @property
    def of_accounts(self) -> bool:
        """Whether its rows belong to an account."""
        return ACCOUNT in self.by_name

    @property
    def referring(self) -> set[str]:
        """Columns that point somewhere else."""
        return {name for reference in self.references for name in reference.columns}


async def read_tables(connection: asyncpg.Connection) -> list[Table]:
    """All tables; who is referred to stands before who refers."""
    columns, constraints, indexes = [
        _by_table(await connection.fetch(query)) for query in (_COLUMNS, _CONSTRAINTS, _INDEXES)
    ]
    tables = [_table(rows, constraints.get(oid, []), indexes.get(oid, [])) for oid, rows in columns.items()]
    return _in_order(sorted(tables, key=lambda table: table.name))


def _by_table(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row["oid"], []).append(row)
    return found


def _table(columns: list[Any], constraints: list[Any], indexes: list[Any]) -> Table:
    primary = [tuple(row["columns"]) for row in constraints if row["kind"] == "p"]
    keys = [tuple(row["columns"]) for row in constraints if row["kind"] == "x"]
    keys += [tuple(row["columns"]) for row in indexes if row["unique"]]
    return Table(
        name=columns[0]["table"],
        columns=tuple(map(_column, columns)),
        primary=primary[0] if primary else (),
        keys=tuple(dict.fromkeys(keys)),
        references=tuple(
            Reference(tuple(row["columns"]), row["target"], tuple(row["targets"]))
            for row in constraints
            if row["kind"] == "f"
        ),
        checks={row["name"]: tuple(row["columns"]) for row in constraints if row["kind"] == "c"},
        literals=_literals([row["predicate"] for row in indexes] + [row["text"] for row in constraints]),
    )


def _column(row: Any) -> Column:
    made = row["made"] or (row["default"] or "").startswith("nextval")
    return Column(row["name"], row["type"], row["nullable"], row["default"], row["attnum"], made, tuple(row["labels"]))


def _literals(texts: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for text in texts:
        for column, value in _LITERAL.findall(text):
            found.setdefault(column, {})[value] = None
    return {column: tuple(values) for column, values in found.items()}


def _in_order(tables: list[Table]) -> list[Table]:
    ordered: list[Table] = []
    while tables:
        there = {table.name for table in ordered}
        free = [table for table in tables if all(it.table in {*there, table.name} for it in table.references)]
        if not free:
            raise ValueError(f"these refer to each other: {', '.join(table.name for table in tables)}")
        ordered += free
        tables = [table for table in tables if table not in free]
    return ordered
