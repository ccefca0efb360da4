"""What an examination comes to: lines for people, or JSON, and an exit code. Pure.

    0  nothing was found          1  something was          2  nothing could be looked at

The one rule: what the operator accepts is still told, and changes nothing but the exit code.
"""

from collections.abc import Collection
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec

from app.doctor.examination import Examination, Examined
from app.doctor.findings import ADVICE, Severity, severity

_LONGEST: Final = 500


def exit_code(examination: Examination, *, accepted: Collection[str]) -> int:
    """0, 1 or 2."""
    if not examination.saw_anything:
        return 2
    return int(any(finding.code not in accepted for finding in examination.findings))


def as_json(examination: Examination, *, accepted: Collection[str]) -> str:
    """One object, for machines."""
    body = {
        "ok": exit_code(examination, accepted=accepted) == 0,
        "checks": [_check(examined, accepted) for examined in examination.checks],
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _check(examined: Examined, accepted: Collection[str]) -> dict[str, Any]:
    return {
        "name": examined.name,
        "looked_at": examined.was_looked_at,
        "facts": examined.facts,
        "findings": [
            {
                "code": finding.code.value,
                "severity": severity(finding.code).value,
                "accepted": finding.code in accepted,
                "detail": finding.detail,
                "advice": ADVICE[finding.code],
            }
            for finding in examined.findings
        ],
    }


def as_lines(examination: Examination, *, accepted: Collection[str]) -> str:
    """A line a check, under it what was found, and what to do about findings of one kind."""
    lines = []
    for examined in examination.checks:
        lines.append(f"{_mark(examined, accepted):<8} {examined.name:<10} {_plain(examined.facts)}")
        for code, alike in groupby(examined.findings, key=attrgetter("code")):
            lines += [f"           {code.value}: {_plain(finding.detail)}" for finding in alike]
            lines.append(f"           → {ADVICE[code]}")
    open_ones = [finding for finding in examination.findings if finding.code not in accepted]
    lines += ["", _sum(len(open_ones))]
    return "\n".join(lines)


def _mark(examined: Examined, accepted: Collection[str]) -> str:
    counting = {severity(finding.code) for finding in examined.findings if finding.code not in accepted}
    if counting:
        return (Severity.ERROR if Severity.ERROR in counting else Severity.WARNING).value
    if examined.findings:
        return "accepted"
    return "ok" if examined.was_looked_at else "-"


def _plain(text: str) -> str:
    """What others said may stand in it: nothing of that shall steer a terminal, or fill it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST])


def _sum(count: int) -> str:
    if count == 0:
        return "Nothing to be done."
    return f"{count} finding{'s' if count > 1 else ''}. docs/doctor.md says more about each code."
