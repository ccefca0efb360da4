"""Whether the checks would notice: mistakes planted one by one in a copy, each caught by the check meant for it.

    copy     the tree, in a temporary directory
    before   every check passes there: one that fails anyway catches nothing
    plant    one mistake → its check fails within two minutes → the copy is as it was

The one rule: a mistake that escapes is a finding about the check. The short mode plants a few, chosen by the seed.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from prove.calibration_authorisation import AUTHORISATION
from prove.calibration_bookings import BOOKINGS
from prove.calibration_calendars import CALENDARS
from prove.calibration_copy import IN_TIME, Copy, Outcome, check_plants, copy_of_tree
from prove.calibration_planted import Planted
from prove.calibration_secrets import SECRETS
from prove.lines import Line, say
from prove.plan import Plan

PLANTS: Final = (*BOOKINGS, *CALENDARS, *SECRETS, *AUTHORISATION)
PARTS: Final = tuple(planted.guard for planted in PLANTS)
_BATTERY: Final = "calibration"
_A_FEW: Final = 5
_BEFORE: Final = "before any plant"


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Plant and look. Raises: PlantError, when a plant does not fit the code any more."""
    check_plants(PLANTS)
    chosen = chosen_by(plan)
    rows: list[tuple[Planted, Outcome]] = []
    with copy_of_tree() as copy:
        async for line in calibrate(copy, chosen, rows):
            yield line
    caught = sum(outcome.caught for _, outcome in rows)
    yield Line(
        _BATTERY, "every planted mistake is caught", caught == len(chosen), {"of": len(PLANTS), "caught": caught}
    )
    if plan.long or plan.only:
        say("\n" + table(rows))


def chosen_by(plan: Plan) -> Sequence[Planted]:
    """Those that are named; else all in the long mode, and a few by chance in the short."""
    if plan.only or plan.long:
        return [planted for planted in PLANTS if plan.takes(planted.guard)]
    return plan.chance(_BATTERY).sample(PLANTS, _A_FEW)


async def calibrate(copy: Copy, plants: Sequence[Planted], rows: list[tuple[Planted, Outcome]]) -> AsyncIterator[Line]:
    """A line for the checks as they are, then one for each mistake; `rows` takes the outcomes."""
    checks = list(dict.fromkeys(planted.check for planted in plants))
    before = await copy.run(checks, seconds=IN_TIME * len(checks))
    figures = {"passed": before.passed, "seconds": round(before.seconds, 1)}
    yield Line(_BATTERY, _BEFORE, before.good, figures if before.good else {**figures, "end": before.end})
    if not before.good:
        return
    for planted in plants:
        with copy.with_planted(planted):
            outcome = await copy.run([planted.check], seconds=IN_TIME)
        rows.append((planted, outcome))
        yield _line(planted, outcome)


def _line(planted: Planted, outcome: Outcome) -> Line:
    told = {"by": planted.check, "outcome": outcome.word, "seconds": round(outcome.seconds, 1)}
    return Line(_BATTERY, planted.guard, outcome.caught, told if outcome.caught else {**told, "end": outcome.end})


def table(rows: Sequence[tuple[Planted, Outcome]]) -> str:
    """What was planted, by what it was caught, and how soon: for docs/proof.md."""
    lines = ["| Planted | Meant to catch it | Outcome | Seconds |", "|---|---|---|---:|"]
    for planted, outcome in rows:
        check = planted.check.removeprefix("tests/")
        lines.append(f"| {planted.guard} | `{check}` | {outcome.word} | {outcome.seconds:.0f} |")
    return "\n".join(lines)
