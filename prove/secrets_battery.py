"""The secrets battery: a canary in every field, the whole service at DEBUG, and a look at all that it leaves behind.

The one rule: what is looked at is what an operator, a backup or a neighbour would see: output, tables, mails, figures,
answers.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Final

from prove.attack import run_checks
from prove.attack_outbound import Target, eventually
from prove.lines import Line, say
from prove.plan import Plan
from prove.secrets_canaries import Flock, columns_with, strays
from prove.secrets_drive import Drive
from prove.secrets_reviewed import COLUMNS, MAILED
from prove.stage import Stage, open_stage

NAME: Final = "secrets"
_CANARIES, _TESTS = "canaries", "tests"
PARTS: Final = (_CANARIES, _TESTS)
CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "canaries": ("tests/attack/test_canaries.py", "tests/test_logs.py"),
    "keys": ("tests/attack/test_key_rotation.py", "tests/test_vault.py"),
}
"""Tests, by what they are about. Who erases an account has their own: an erased data key is in the second."""
_WITH_SECRETS: Final = ("MASTER_KEYS", "SIGNING_KEY", "GOOGLE_CLIENT_SECRET", "OFFICE365_CLIENT_SECRET")
_UNDONE: Final = "SELECT FROM queue.pgqueuer WHERE status <> 'queued' OR execute_after <= now() LIMIT 1"


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """The running service, then the tests: those of `make test`, to which the short mode leaves them."""
    if plan.takes(_CANARIES):
        async for line in everywhere():
            yield line
    if plan.takes(_TESTS) and (plan.long or plan.only):
        async for line in run_checks(NAME, CHECKS):
            yield line


async def everywhere() -> AsyncIterator[Line]:
    """The whole service at DEBUG, with canaries in it."""
    output: list[str] = []
    metrics = secrets.token_urlsafe(32)
    overrides = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "METRICS_TOKEN": metrics}
    told = {f"CALENDAR_CONNECT_{name}": value for name, value in overrides.items()}
    async with open_stage(overrides=told, echo=lambda name, line: output.append(f"{name} {line}")) as stage:
        say("secrets: the whole API, every way to fail")
        async for line in canaries(stage, output, metrics):
            yield line


async def canaries(stage: Stage, output: list[str], metrics: str) -> AsyncIterator[Line]:
    """Drive it, then look everywhere."""
    flock = Flock()
    flock.add("metrics_token", metrics)
    for name in _WITH_SECRETS:
        flock.add(name.lower(), _bare(stage.stack.environment[f"CALENDAR_CONNECT_{name}"]))
    drive = Drive(Target(stage.api, stage.sandbox, lambda: _settled(stage)), flock)
    await drive.run()
    sown = {"canaries": len(flock.canaries), "answers": len(drive.said)}
    yield Line(NAME, "answers", not drive.leaks, {**sown, "leaks": drive.leaks})
    logged = flock.found_in("\n".join(output).encode())
    both = all(any(line.startswith(f"{name} ") for line in output) for name in ("api", "worker"))
    yield Line(NAME, "output of both processes", not logged and both, {"lines": len(output), "leaks": sorted(logged)})
    told = flock.found_in(json.dumps(await stage.sandbox.mails()).encode())
    yield Line(NAME, "mails", told == MAILED, {"leaks": sorted(told - MAILED), "missing": sorted(MAILED - told)})
    answer = await stage.api.get("/metrics", headers={"Authorization": f"Bearer {metrics}"})
    shown = flock.found_in(answer.raise_for_status().content)
    yield Line(NAME, "metrics", not shown, {"leaks": sorted(shown)})
    astray = strays(await columns_with(stage.stack.database_url, flock), COLUMNS)
    leaks = {name: sorted(columns) for name, columns in astray.items()}
    yield Line(NAME, "every table", not leaks, {"leaks": leaks})


def _bare(setting: str) -> str:
    """A key of several by itself."""
    return next(iter(json.loads(setting).values())) if setting.startswith("{") else setting


async def _settled(stage: Stage) -> None:
    """Until nothing is under way and nothing is due."""

    async def done() -> bool:
        return not await stage.fetch(_UNDONE)

    await eventually(done, seconds=120)
