"""`python -m prove`: the promises, put to the proof. The one rule: this file only chooses, prints and sums up.

    python -m prove [--long] [--seed N] [crash] [faults] [contention] [authorisation] [fuzz] [attack] [secrets]
                    [migrations] [soak] [calibration]

A JSON line for each thing that was checked, progress on standard error. It ends with `prove: ok` and 0, or names what
failed and ends with 1. The first line holds the seed: with it a run can be repeated.
"""

import asyncio
import json
import os
import platform
import secrets
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Annotated, Final

import typer

from prove import attack, authorisation, calibration, contention, crash, faults, fuzz, migrations, secrets_battery, soak
from prove.lines import Line, say
from prove.plan import Plan


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


async def prove(chosen: list[Battery], plan: Plan) -> list[Line]:
    """Run them one after another and print what they say. Returns what is not as promised."""
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    print(json.dumps({"seed": plan.seed, "long": plan.long, **machine}), flush=True)
    failed = []
    for name in chosen:
        say(name)
        async for line in BATTERIES[name](plan):
            print(line.to_json(), flush=True)
            if not line.ok:
                failed.append(line)
    say("done")
    return failed


cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    batteries: Annotated[list[Battery] | None, typer.Argument(help="All when none is named.")] = None,
    *,
    long: Annotated[bool, typer.Option("--long", help="Hours instead of about half an hour.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Repeat a run; chance chooses one otherwise.")] = None,
) -> None:
    """Put the promises to the proof."""
    plan = Plan(secrets.randbelow(10**6) if seed is None else seed, long)
    failed = asyncio.run(prove(batteries or list(Battery), plan))
    if failed:
        names = ", ".join(f"{line.battery}: {line.check}" for line in failed)
        raise SystemExit(f"prove: failed (seed {plan.seed}): {names}")
    print("prove: ok", flush=True)


if __name__ == "__main__":
    cli()
