"""Every migration up, down and up again, over rows in every state; and from every revision straight to the newest.

The one rule: what a migration changes of what was there before is on the reviewed list, with its reason; a change that
is not on it, and an entry that nothing proves any more, both fail.
"""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from prove.migrations_catalogue import read_tables
from prove.migrations_database import Database, connected, copy, revisions, scratch
from prove.migrations_fill import Filler
from prove.migrations_reviewed import DOWN, FORGETFUL, UP
from prove.migrations_state import State, checksum, differences, shape, take

_EMPTY: Final = "TRUNCATE {tables} RESTART IDENTITY CASCADE"


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one migration."""

    revision: str
    wrong: list[str] = field(default_factory=list)
    """What nobody reviewed."""
    stale: list[str] = field(default_factory=list)
    """What was reviewed and did not happen."""
    rows: int = 0
    checksums: dict[str, str] = field(default_factory=dict)


async def fill_anew(database: Database) -> tuple[int, State]:
    """Rows of every table at its revision, and nothing else; how many, and what they are."""
    async with connected(database.url) as connection:
        tables = ", ".join(table.name for table in await read_tables(connection))
        async with connection.transaction():
            await connection.execute(_EMPTY.format(tables=tables))
            counts = await Filler(connection).fill()
        return sum(counts.values()), await take(connection)


async def seen(database: Database) -> State:
    """What stands in it now."""
    async with connected(database.url) as connection:
        return await take(connection)


async def rounds(server: str, chosen: list[str] | None = None) -> AsyncIterator[Round]:
    """One after another; the first migration has nothing before it and is not a round."""
    line = revisions()
    async with scratch(server) as database:
        for before, revision in itertools.pairwise(line):
            if chosen is None or revision in chosen:
                await database.see_all(allowed=True)
                await database.upgrade(before)
                await database.see_all(allowed=revision in FORGETFUL)
                yield await _round(database, before, revision)


async def _round(database: Database, before: str, revision: str) -> Round:
    """Up, down and up over what stood at the revision before; down and up over what stands at this one."""
    _, old = await fill_anew(database)
    await database.upgrade(revision)
    up = await seen(database)
    await database.downgrade(before)
    back = await seen(database)
    await database.upgrade(revision)
    again = await seen(database)
    count, new = await fill_anew(database)
    await database.downgrade(before)
    lost = await seen(database)
    await database.upgrade(revision)
    found = await seen(database)

    ups, downs = UP.get(revision, {}), DOWN.get(revision, {})
    went_up, went_down = differences(old, up), differences(new, lost)
    both = ups.keys() | downs.keys()
    wrong = [f"up: {each}" for each in went_up - ups.keys()]
    wrong += [f"down again: {each}" for each in differences(old, back) - both]
    wrong += [f"up again: {each}" for each in _of(differences(up, again), old) - both]
    wrong += [f"down: {each}" for each in went_down - downs.keys()]
    wrong += [f"up after down: {each}" for each in differences(lost, found) - ups.keys()]
    wrong += [f"not the shape it was: {name}" for name in _reshaped(old, back) | _reshaped(old, lost)]
    wrong += [f"not the shape it was: {name}" for name in _reshaped(up, again) | _reshaped(up, found)]
    stale = [f"up: {each}" for each in ups.keys() - went_up] + [f"down: {each}" for each in downs.keys() - went_down]
    sums = {"before": checksum(old), "up": checksum(up), "down": checksum(back), "up again": checksum(again)}
    return Round(revision, sorted(wrong), sorted(stale), count, sums)


def _of(found: set[str], state: State) -> set[str]:
    """Those that concern what stood there before: what a migration makes anew, it may make by the clock."""
    old = {f"{name}.{column}" for name, contents in state.items() for column in contents.columns}
    return {each for each in found if each in old or each[:-2] in state}


def _reshaped(one: State, other: State) -> set[str]:
    first, second = shape(one), shape(other)
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


async def _to_head(database: Database, at: str, line: list[str]) -> None:
    """Past those that forget in one go, then the rest."""
    await database.see_all(allowed=True)
    await database.upgrade(max(*FORGETFUL, at, key=line.index))
    await database.see_all(allowed=False)
    await database.upgrade(line[-1])


async def straight_to_head(server: str, chosen: list[str] | None = None) -> AsyncIterator[tuple[str, Database, State]]:
    """From every revision, filled, to the newest: where it was filled, the database, and what stands in it."""
    line = revisions()
    async with scratch(server) as database:
        for revision in chosen or line:
            await database.see_all(allowed=True)
            await database.upgrade(revision)
            await fill_anew(database)
            async with copy(database) as other:
                await _to_head(other, revision, line)
                yield revision, other, await seen(other)
