"""The document against the service: every operation, called in many ways over real HTTP, with real tokens and ids.

    world    an account with a calendar, pages, bookings, contacts, … (`fuzz_world`)
    calls    for each operation, true to its schema and not, round after round until the time is up
    checks   no fault of ours; status, content type, headers and body are what the document says they are

The one rule: what is answered is held against the document alone. What a round draws comes from the seed.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, response_schema_conformance
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)

from prove.fuzz_world import Caller, World, build
from prove.lines import Line, say
from prove.plan import Plan
from prove.stage import open_stage
from sandbox.stack import ROOT

Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]

_BATTERY: Final = "fuzz"
_CHECKS: Final = {
    "only declared statuses": status_code_conformance,
    "only declared content types": content_type_conformance,
    "the declared headers": response_headers_conformance,
    "bodies true to their schema": response_schema_conformance,
    "`Allow` where a method is refused": allow_header_conformance,
}
NOT_APPLIED: Final = {
    "not_a_server_error": "503 is an answer: a calendar that cannot be asked; `no fault of ours` tells the two apart",
    "ignored_auth": "the authorisation battery tries every token there is",
    "object_level_authorization": "the authorisation battery swaps every id there is",
    "use_after_free": "the same: what is gone answers like what never was",
    "ensure_resource_availability": "visitors and jobs change things between two calls",
    "positive_data_acceptance": "a slot that is true to its schema may be taken, and a page turned off",
    "negative_data_rejection": "an unknown query parameter is left out of account, as the contract says",
    "missing_required_header": "a missing token of a visitor is told apart from a wrong one, with statuses of our own",
    "unsupported_method": "asked once for each path by `tests/contract/`",
    "max_response_time": "the load battery measures time",
}
"""Checks of schemathesis that are left out, and why."""
_FAULT: Final = "no fault of ours"
_CALLING_OUT: Final = {
    "createConnection",
    "updateConnection",
    "discoverExchangeServer",
    "recheckAvailabilityCalendar",
    "completeConnectionAuthorization",
    "verifyDomain",
}
"""What they ask is somebody else's, who may not answer: 502 and 503 are theirs."""
LONGEST_TARGET: Final = 65_535
"""Bytes. The HTTP server itself refuses what is longer, before any operation is known: no document tells of that."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it."""

    seconds: float
    examples: int = 3
    """Of each operation and mode in a round."""


SHORT: Final = Scale(60)
LONG: Final = Scale(3600, examples=25)


@dataclass(slots=True)
class Report:
    """What came of it."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    """By check: each thing that is not as documented, once."""
    statuses: Counter[str] = field(default_factory=Counter)
    answered: dict[str, Counter[int]] = field(default_factory=dict)
    """By operation."""

    def told(self, check: str, what: str) -> None:
        """Keep it, unless it has been told."""
        known = self.wrong.setdefault(check, [])
        if what not in known:
            known.append(what)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Ask, and hold every answer against the document."""
    document = json.loads((ROOT / "openapi.json").read_text())
    async with open_stage() as stage:
        world = await build(stage, plan.chance(_BATTERY))
        say("the world of the fuzz battery stands")
        scale = LONG if plan.long else SHORT
        scale = replace(scale, seconds=plan.seconds(scale.seconds))
        report = await asyncio.to_thread(fuzz, document, stage.stack.api_url, world, plan, scale)
    for line in judged(document, report):
        yield line


def fuzz(document: dict[str, Any], url: str, world: World, plan: Plan, scale: Scale) -> Report:
    """Round after round, every operation in both modes; the first round is always whole."""
    load_all_checks()
    found = list(schemathesis.openapi.from_dict(document).get_all_operations())
    operations = [item.ok() for item in found if isinstance(item, Ok)]
    assert len(operations) == len(found), "the document is a document"
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")  # what is gone cannot be asked for
    report, caller, began, number = Report(), Caller(world, plan.chance("callers")), time.monotonic(), 0
    with requests.Session() as session:
        while number == 0 or time.monotonic() - began < scale.seconds:
            for operation in operations:
                if number and time.monotonic() - began > scale.seconds:
                    break
                for mode in GenerationMode:
                    ask = Asking(session, url, caller, report)
                    _play(ask, operation, mode, scale.examples, plan.seed * 1000 + number)
            number += 1
    return report


def _play(ask: "Asking", operation: Operation, mode: GenerationMode, examples: int, chance: int) -> None:
    """So many calls of one operation."""

    @seed(chance)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def once(case: Case) -> None:
        ask.once(case, true=mode is GenerationMode.POSITIVE)

    try:
        once()
    except Unsatisfiable:
        return  # nothing is false to what takes everything


@dataclass(frozen=True, slots=True)
class Asking:
    """One call after another."""

    session: requests.Session
    url: str
    caller: Caller
    report: Report

    def once(self, case: Case, *, true: bool) -> None:
        """Make the call, as somebody who knows the ids, and look at the answer."""
        name = str(case.operation.definition.raw["operationId"])
        headers = self.caller.dressed(case, true=true)
        answer = case.call(base_url=self.url, session=self.session, headers=headers, allow_redirects=False, timeout=60)
        self.report.statuses[str(answer.status_code)] += 1
        self.report.answered.setdefault(name, Counter())[answer.status_code] += 1
        theirs = name in _CALLING_OUT and answer.status_code in (502, 503)
        if answer.status_code >= 500 and not theirs:
            self.report.told(_FAULT, f"{name}: {answer.status_code} {answer.text[:300]} {case.as_curl_command()[:600]}")
        if len(answer.request.path_url) > LONGEST_TARGET:
            return
        for check, judge in _CHECKS.items():
            try:
                case.validate_response(answer, checks=[judge])
            except FailureGroup as group:
                for failure in group.exceptions:
                    self.report.told(check, f"{name}: {answer.status_code}: {failure.title}: {failure.message[:400]}")


def judged(document: dict[str, Any], report: Report) -> list[Line]:
    """A line for each check, and for whether there was anything to check."""
    total = sum(sum(statuses.values()) for statuses in report.answered.values())
    lines = [
        Line(_BATTERY, check, not (wrong := report.wrong.get(check, [])), _figures(total, wrong))
        for check in (_FAULT, *_CHECKS)
    ]
    asked = {spec["operationId"] for item in document["paths"].values() for spec in item.values()}
    unasked = sorted(asked - report.answered.keys())
    lines.append(Line(_BATTERY, "every operation was called", not unasked, {"of": len(asked), "not": unasked}))
    done = {name for name, statuses in report.answered.items() if any(status < 400 for status in statuses)}
    figures = {"of": len(asked), "done": len(done), "never": sorted(asked - done), "answers": dict(report.statuses)}
    lines.append(Line(_BATTERY, "most operations were also done", len(done) > len(asked) * 0.6, figures))
    return lines


def _figures(total: int, wrong: list[str]) -> dict[str, Any]:
    return {"answers": total, "wrong": len(wrong), "first": wrong[:_SHOWN]} if wrong else {"answers": total}
