"""`python -m prove`: the promises, put to the proof. The one rule: this file only chooses, prints and sums up.

    python -m prove [--long] [--seed N] [--minutes N] [crash] [faults] [contention] [authorisation] [fuzz] [attack]
                    [secrets] [migrations] [soak] [calibration]
    python -m prove [--long] [--seed N] [--minutes N] --only PART [--only PART …] faults

A JSON line for each thing that was checked, progress on standard error. It ends with `prove: ok` and 0, or names what
failed and ends with 1. The first line holds the seed: with it a run can be repeated. In the short mode each of several
batteries is a process of its own (`prove.side_by_side`); a single one, or the long mode, runs in this one.
"""

import asyncio
import json
import os
import platform
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Annotated, Final

import typer

from prove import attack, authorisation, calibration, contention, crash, faults, fuzz, migrations, secrets_battery, soak
from prove.crash_disk import may_mount
from prove.lines import Line, say
from prove.plan import Plan
from prove.side_by_side import ALONE, BESIDE, side_by_side


class Battery(StrEnum):
    """What can be proved."""

    CRASH = "crash"
    FAULTS = "faults"
    CONTENTION = "contention"
    AUTHORISATION = "authorisation"
    FUZZ = "fuzz"
    ATTACK = "attack"
    SECRETS = "secrets"
    MIGRATIONS = "migrations"
    SOAK = "soak"
    CALIBRATION = "calibration"


BATTERIES: Final[dict[Battery, Callable[[Plan], AsyncIterator[Line]]]] = {
    Battery.CRASH: crash.prove,
    Battery.FAULTS: faults.prove,
    Battery.CONTENTION: contention.prove,
    Battery.AUTHORISATION: authorisation.prove,
    Battery.FUZZ: fuzz.prove,
    Battery.ATTACK: attack.prove,
    Battery.SECRETS: secrets_battery.prove,
    Battery.MIGRATIONS: migrations.prove,
    Battery.SOAK: soak.prove,
    Battery.CALIBRATION: calibration.prove,
}


PARTS: Final[dict[Battery, tuple[str, ...]]] = {
    Battery.CRASH: crash.PARTS,
    Battery.FAULTS: faults.PARTS,
    Battery.ATTACK: attack.PARTS,
    Battery.SECRETS: secrets_battery.PARTS,
    Battery.MIGRATIONS: migrations.PARTS,
    Battery.CALIBRATION: calibration.PARTS,
}
"""What can be run of a battery by itself."""


async def prove(chosen: list[Battery], plan: Plan) -> list[Line]:
    """Run them and print what they say. Returns what is not as promised."""
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    print(json.dumps({"seed": plan.seed, "long": plan.long, **machine}), flush=True)
    failed: list[Line] = []

    def took(line: Line) -> None:
        print(line.to_json(), flush=True)
        if not line.ok:
            failed.append(line)

    if len(chosen) > 1 and not plan.long:
        alone, beside = ([job for job in jobs if job.battery in chosen] for jobs in (ALONE, BESIDE))
        await side_by_side(alone, beside, lambda job: job.command(plan), took)
    else:
        for name in chosen:
            say(name)
            async for line in BATTERIES[name](plan):
                took(line)
    say("done")
    return failed


def unknown_parts(chosen: list[Battery], parts: tuple[str, ...]) -> str | None:
    """What to say to somebody who names parts that are not there: a run of nothing would prove nothing."""
    if not parts:
        return None
    known = PARTS.get(chosen[0], ()) if len(chosen) == 1 else ()
    missing = [part for part in parts if part not in known]
    return f"prove: {chosen[0]} has no part {missing[0]!r}, but: {', '.join(known)}" if missing else None


cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    batteries: Annotated[list[Battery] | None, typer.Argument(help="All when none is named.")] = None,
    *,
    long: Annotated[bool, typer.Option("--long", help="Hours instead of some ten minutes.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Repeat a run; chance chooses one otherwise.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="How long goes on what goes by the clock.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="A part of the battery that is named.")] = None,
) -> None:
    """Put the promises to the proof."""
    chosen, parts = batteries or list(Battery), tuple(only or ())
    if unknown := unknown_parts(chosen, parts):
        raise SystemExit(unknown)
    plan = Plan(secrets.randbelow(10**6) if seed is None else seed, long, parts, minutes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever was started is ended and removed
    if Battery.CRASH in chosen:
        may_mount()
    failed = asyncio.run(prove(chosen, plan))
    if failed:
        names = ", ".join(f"{line.battery}: {line.check}" for line in failed)
        raise SystemExit(f"prove: failed (seed {plan.seed}): {names}")
    print("prove: ok", flush=True)


if __name__ == "__main__":
    cli()
