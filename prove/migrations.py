"""Migrations over full tables: they lose nothing, keep nobody waiting, and break nothing that the release before asks.

    rounds     each up, down and up again over rows in every state, by a plain owner; checksums
    straight   from old revisions, filled, to the newest, by a plain owner
    expand     each while the release before is at work on big tables: who waited longest, and what failed

The one rule: the revisions are those of the script directory. The short mode goes through the newest two rounds
and four by the seed, and expands to the newest revision alone; the long mode does all of everything.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from prove.lines import Line, say
from prove.migrations_database import revisions
from prove.migrations_expand import Expansion, expansions
from prove.migrations_rounds import Round, rounds, straight_to_head
from prove.migrations_state import checksum
from prove.plan import Plan
from sandbox.postgres import EmbeddedPostgres

_BATTERY: Final = "migrations"
_ROUNDS, _STRAIGHT, _EXPAND = "rounds", "straight", "expand"
PARTS: Final = (_ROUNDS, _STRAIGHT, _EXPAND)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Everything; rounds on a server that need not survive a crash, the load on one that does."""
    line = revisions()
    async with _server(durable=False) as server:
        if plan.takes(_ROUNDS):
            some = [*plan.chance(_BATTERY).sample(line[1:-2], 4), *line[-2:]]
            async for each in rounds(server, None if plan.long else some):
                yield judged_round(each)
        if plan.takes(_STRAIGHT):
            say("migrations: straight to the newest")
            ends = line if plan.long else [line[0], line[len(line) // 2], line[-2]]
            yield await _straight(server, ends)
    if plan.takes(_EXPAND):
        say("migrations: under load")
        async with _server(durable=True) as server:
            async for met in expansions(server, begin=None if plan.long else line[-2], seed=plan.seed):
                yield judged_expansion(met)


@asynccontextmanager
async def _server(*, durable: bool) -> AsyncIterator[str]:
    with EmbeddedPostgres(durable=durable) as server:
        yield server.url()


def judged_round(met: Round) -> Line:
    """Nothing that nobody reviewed, and nothing reviewed that did not come."""
    figures = {"revision": met.revision, "rows": met.rows, "wrong": met.wrong, "stale": met.stale, **met.checksums}
    return Line(_BATTERY, f"{met.revision} up, down and up", not (met.wrong or met.stale), figures)


def judged_expansion(met: Expansion) -> Line:
    """Nobody waited for too long, and nothing broke."""
    figures = {
        "revision": met.revision,
        "blocked_ms": round(met.blocked * 1000),
        "bearable_ms": round(met.bearable * 1000),
        "by": met.by,
        "idle_ms": round(met.idle * 1000),
        "statements": met.statements,
        "failed": dict(met.failed),
        "breaks": met.breaks,
    }
    return Line(_BATTERY, f"{met.revision} under load", met.soon_enough and not met.breaks, figures)


async def _straight(server: str, chosen: list[str]) -> Line:
    """All rows of every table that there was, wherever it began."""
    sums = {revision: checksum(state) async for revision, _, state in straight_to_head(server, chosen)}
    return Line(_BATTERY, "straight to the newest", sums.keys() == set(chosen), {"checksums": sums})
