"""The attack battery: nobody has the service go, say, or spend what it must not.

The one rule: what can be seen from outside is tried on the running service; the rest are tests, which are run here as
well, for a promise is kept when all of them hold.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from prove.attack_addresses import Attempt, controls, corpus
from prove.attack_bombs import NAMES
from prove.attack_outbound import Target, eventually, every_way_out, exchange, strayed, webhooks
from prove.attack_timing import Guess, Request, interleaved
from prove.attack_watch import Where
from prove.attack_watched import PLANTED, PLANTED_ADDRESS, SEEN
from prove.calibration_copy import ROOT, Copy
from prove.lines import Line, say
from prove.plan import Plan
from prove.stage import Json, Stage, open_stage
from sandbox.identity import new_id
from sandbox.stack import SERVICE, Commands

NAME: Final = "attack"
_BOMBS, _ADDRESSES, _GUESSES, _TESTS = "bombs", "addresses", "guesses", "tests"
PARTS: Final = (_BOMBS, _ADDRESSES, _GUESSES, _TESTS)
FAIR_SECONDS: Final = 0.010
"""By which the medians of a hit and a miss may differ; on a machine that is slow for both, by half of the smaller."""
_WATCHED: Final = (sys.executable, "-m", "prove.attack_watched")
_PATIENCE: Final = 900.0
_TOKEN: Final = "Booking-Token"
CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "addresses": ("tests/attack/test_addresses.py", "tests/events/test_webhook_doubts.py",
                  "tests/providers/ews/test_ews_addresses.py", "tests/providers/ews/test_ews_verification.py"),
    "OAuth": ("tests/attack/test_oauth.py", "tests/connections/test_state_at_once.py",
              "tests/connections/test_return_urls.py", "tests/connections/test_connecting.py"),
    "injection": ("tests/attack/test_injection.py", "tests/outbound/test_headers.py", "tests/outbound/test_mailer.py",
                  "tests/outbound/test_ics.py"),
    "bombs": ("tests/attack/test_bombs.py", "tests/providers/test_http_packed.py"),
    "limits and guesses": ("tests/attack/test_limits_and_guesses.py", "tests/routers/test_rate_limits.py"),
}  # fmt: skip
"""Tests, by what they are about."""


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """On the running service first. The tests are those of `make test`, and the short mode leaves them to it."""
    if plan.takes(_BOMBS):
        yield await bombs()
    if plan.takes(_ADDRESSES):
        async with open_watched() as (stage, seen):
            say("attack: every way out, watched")
            async for line in addresses(stage, seen, corpus() if plan.long else corpus()[plan.seed % 3 :: 3]):
                yield line
    if plan.takes(_GUESSES):
        async with open_stage() as stage:
            say("attack: guesses, timed")
            async for line in timing(stage, rounds=2000 if plan.long else 200):
                yield line
    if plan.takes(_TESTS) and (plan.long or plan.only):
        async for line in run_checks(NAME, CHECKS):
            yield line


async def run_checks(battery: str, checks: Mapping[str, tuple[str, ...]]) -> AsyncIterator[Line]:
    """Tests of this tree, group by group."""
    for about, tests in checks.items():
        say(f"{battery}: tests of {about}")
        outcome = await Copy(ROOT).run(tests, seconds=_PATIENCE)
        figures = {"passed": outcome.passed, "failed": outcome.failed, "seconds": round(outcome.seconds)}
        end = {} if outcome.good else {"end": outcome.end}
        yield Line(battery, f"tests of {about}", outcome.good, figures | end)


async def bombs() -> Line:
    """Providers' bombs, in a process that may use little."""
    command = [sys.executable, "-m", "prove.attack_bombs"]
    child = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in child.stdout.splitlines()]
    done = child.returncode == 0 and len(told) == len(NAMES)
    spent = {"cpu_seconds": round(sum(line["cpu_seconds"] for line in told), 2)}
    return Line(NAME, "bombs", done, {"bombs": len(told), **spent, "peak_mib": max(line["peak_mib"] for line in told)})


@asynccontextmanager
async def open_watched() -> AsyncIterator[tuple[Stage, Path]]:
    """The service with both processes watched, and the file of what they tried."""
    commands = Commands(SERVICE.migrate, (*_WATCHED, "serve"), (*_WATCHED, "worker"))
    with tempfile.TemporaryDirectory(prefix="calendar-connect-attack-") as directory:
        seen = Path(directory) / "seen.jsonl"
        seen.touch()
        planted = json.dumps([PLANTED])
        allowed = {f"CALENDAR_CONNECT_{kind}_ALLOWED_HOSTS": planted for kind in ("WEBHOOK", "EXCHANGE")}
        async with open_stage(overrides={SEEN: str(seen), **allowed}, commands=commands) as stage:
            yield stage, seen


async def addresses(stage: Stage, seen: Path, attempts: Sequence[Attempt]) -> AsyncIterator[Line]:
    """These URLs at every way out; then what is allowed, which must be seen on its way."""
    target = Target(stage.api, stage.sandbox, lambda: _settled(stage))
    for way, tried in (await every_way_out(target, attempts)).items():
        figures = {"urls": len(tried.answers), "ends": tried.ends, "broken": tried.broken[:5]}
        yield Line(NAME, f"way out: {way}", not tried.broken, figures)
    astray = strayed(_tried(seen))
    yield Line(NAME, "no packet goes where none may", not astray, {"astray": astray[:10]})
    before = len(_tried(seen))
    await webhooks(target, controls())
    await exchange(target, controls())
    good = len(_tried(seen)) - before
    yield Line(NAME, "what may be gone to is gone to", good >= 2 * len(controls()), {"connections": good})
    planted = [Attempt("planted", f"{scheme}://{PLANTED}:8443/") for scheme in ("http", "https")]
    await webhooks(target, planted)
    await exchange(target, planted)
    by = {command for command, *where in _lines(seen) if where == [PLANTED_ADDRESS, 8443]}
    yield Line(NAME, "planted connections are seen", by == {"serve", "worker"}, {"by": sorted(by)})


async def _settled(stage: Stage) -> None:
    async def told() -> bool:
        return not await stage.fetch("SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1")

    await eventually(told, seconds=120)


def _lines(seen: Path) -> list[list[Any]]:
    return [json.loads(line) for line in seen.read_text().splitlines()]


def _tried(seen: Path) -> list[Where]:
    return [(str(host), int(port)) for _, host, port in _lines(seen)]


async def timing(stage: Stage, *, rounds: int) -> AsyncIterator[Line]:
    """What is there and what is not, asked in turns."""
    host, stranger = [await stage.host("google", name) for name in ("timed", "stranger")]
    page = await stage.page(host)
    booked = await _book(stage, page)
    contact = (await stranger.send("POST", "/v1/contacts", {"email": "known@example.com"}, status=201))["id"]

    def get(path: str, **headers: str) -> Request:
        return "GET", path, {"headers": headers or host.headers}

    wrong, near = secrets.token_urlsafe(32), booked["booking_token"][:-1] + "~"
    booking, nobody = (f"/v1/public/bookings/{name}" for name in (booked["id"], new_id("bkg")))
    guesses = [
        Guess("booking", get(booking, **{_TOKEN: wrong}), get(nobody, **{_TOKEN: wrong})),
        Guess("beginning of a token", get(booking, **{_TOKEN: near}), get(booking, **{_TOKEN: wrong})),
        Guess("contact of another account", get(f"/v1/contacts/{contact}"), get(f"/v1/contacts/{new_id('cont')}")),
    ]
    for guess in guesses:
        timed = await interleaved(stage.api.request, guess, rounds=rounds)
        figures = {"there": round(timed.there_seconds * 1000, 2), "missing": round(timed.missing_seconds * 1000, 2)}
        bound = max(FAIR_SECONDS, min(timed.there_seconds, timed.missing_seconds) / 2)
        same = timed.same_answers and abs(timed.difference) < bound
        figures |= {"rounds": rounds, "bound": round(bound * 1000, 1)}
        yield Line(NAME, f"guess: {guess.name}", same, {**figures, "unit": "ms", "same_answers": timed.same_answers})


async def _book(stage: Stage, page: str) -> Json:
    """Once the host's calendar has been read."""
    path = f"/v1/public/scheduling-pages/{page}"
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    asked = f"{path}/slots?time_zone=UTC&first_day={day}&last_day={day}&duration_minutes=30"
    slots: list[Json] = []

    async def offered() -> bool:
        slots[:] = (await stage.api.get(asked)).raise_for_status().json()["items"]
        return bool(slots)

    await eventually(offered, seconds=60)
    wish = {"start_at": slots[0]["start_at"], "duration_minutes": 30, "name": "Vera", "email": "vera@example.com"}
    booked = await stage.api.post(f"{path}/bookings", json=wish | {"time_zone": "UTC"})
    made: Json = booked.raise_for_status().json()
    return made
