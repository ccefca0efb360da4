"""What an examination comes to: lines for people, or JSON, and an exit code. Pure.

    0  nothing was found          1  something was          2  nothing could be looked at

The one rule: what the operator accepts is still told, and changes nothing but the exit code.
"""

import re
from collections.abc import Collection
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec

from app.doctor.examination import Examination, Examined
from app.doctor.findings import ADVICE, Code, Finding, Severity, severity
from app.settings import PREFIX, Settings, variable

_LONGEST: Final = 500
_NAMES: Final = (
    variable(name).removeprefix(PREFIX) for name in Settings.model_fields if variable(name) != name.upper()
)
_BARE: Final = re.compile(rf"(?<![\w/])(?:{'|'.join(sorted(_NAMES))})(?!\w)")


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
                "detail": _detail(finding),
                "advice": _whole(ADVICE[finding.code]),
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
            lines += [f"           {code.value}: {_plain(_detail(finding))}" for finding in alike]
            lines.append(f"           → {_whole(ADVICE[code])}")
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


def _detail(finding: Finding) -> str:
    """What was seen; of a name that nobody reads, the name as it stands there."""
    return finding.detail if finding.code is Code.SETTING_NOT_READ else _whole(finding.detail)


def _whole(text: str) -> str:
    """Names of settings as they have to be written."""
    return _BARE.sub(lambda found: PREFIX + found[0], text)


def _plain(text: str) -> str:
    """What others said may stand in it: nothing of that shall steer a terminal, or fill it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST])


def _sum(count: int) -> str:
    if count == 0:
        return "Nothing to be done."
    return f"{count} finding{'s' if count > 1 else ''}. docs/doctor.md says more about each code."
