"""`make clients`: makes the packages and tries them. The rule: what is left in `build/clients` has gone the whole way.

python -m clients [python] [typescript] [--no-journey]
"""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from clients import python_package, typescript_package
from clients.about import JOURNEYS, OUTPUT, ROOT, About, ClientsError, read_about
from clients.trying import Place, go, open_place

TRIED: Final = OUTPUT / ".tried"


class Journey(NamedTuple):
    """How a package's journey is started: the installed package is the only one it can find."""

    command: Sequence[str]
    environment: dict[str, str]


def make_python(about: About, output: Path) -> Path:
    """Generated and built; the wheel."""
    python_package.generate(about, output / "python")
    return python_package.build(output / "python")


def python_journey(wheel: Path, place: Path) -> Journey:
    """With the wheel, and nothing of this tree, on the path."""
    installed = python_package.install(wheel, place / "python")
    script = place / "journey.py"
    shutil.copyfile(JOURNEYS / script.name, script)
    python_package.check_types(script, installed)
    return Journey([sys.executable, "-W", "error", str(script)], {"PYTHONPATH": str(installed)})


def make_typescript(about: About, output: Path) -> Path:
    """Generated, compiled and packed; the tarball."""
    typescript_package.generate(about, output / "typescript")
    return typescript_package.build(output / "typescript")


def typescript_journey(tarball: Path, place: Path) -> Journey:
    """As a project of its own, which has installed the tarball."""
    return Journey(["node", str(typescript_package.install(tarball, place / "typescript"))], {})


Language = tuple[Callable[[About, Path], Path], Callable[[Path, Path], Journey]]
LANGUAGES: Final[dict[str, Language]] = {
    "python": (make_python, python_journey),
    "typescript": (make_typescript, typescript_journey),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all made and tried. 1: something is not as it should be, and is named."""
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument("languages", nargs="*", choices=[*LANGUAGES, []], help="absent: all of them")
    parser.add_argument("--no-journey", action="store_true", help="make the packages only")
    options = parser.parse_args(arguments)
    try:
        about = read_about()
        made = {name: LANGUAGES[name][0](about, OUTPUT) for name in options.languages or LANGUAGES}
        for name, package in made.items():
            _say(f"{name}: {package.relative_to(ROOT)}")
        if not options.no_journey:
            asyncio.run(_try({name: LANGUAGES[name][1](package, TRIED) for name, package in made.items()}))
    except ClientsError as error:
        _say(f"clients: failed: {error}")
        return 1
    _say("clients: ok")
    return 0


async def _try(journeys: dict[str, Journey]) -> None:
    async with open_place() as place:
        for name, journey in journeys.items():
            await try_journey(place, name, journey)


async def try_journey(place: Place, name: str, journey: Journey) -> dict[str, str]:
    """Go, and tell every step. Raises: ClientsError."""
    told = await go(place, journey.command, journey.environment)
    for step, what in told.items():
        _say(f"{name}: {step}: {what}")
    return told


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
