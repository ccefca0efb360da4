"""What was found, and how two answers are compared.

The one rule: two answers are the same when nothing but the request's own number and the id that was asked for differs,
to the byte.
"""

import re
from dataclasses import dataclass

import httpx

_PER_REQUEST = {"x-request-id", "date"}
_LEFT = re.compile(r"(?<=;r=)\d+;t=\d+")
"""How many calls a network has left, and for how long: every call takes one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be."""

    operation: str
    case: str
    told: str

    def __str__(self) -> str:
        return f"{self.operation}, {self.case}: {self.told}"


def bare(answer: httpx.Response, *ids: str) -> tuple[int, list[tuple[str, str]], str]:
    """The answer without what differs between any two requests."""
    request_id = answer.headers.get("X-Request-Id", "")

    def cleaned(text: str) -> str:
        for own in (request_id, *ids):
            text = text.replace(own, "…") if own else text
        return text

    headers = [
        (name, _LEFT.sub("…", cleaned(value)))
        for name, value in sorted(answer.headers.items())
        if name not in _PER_REQUEST
    ]
    return answer.status_code, headers, cleaned(answer.text)


def difference(foreign: httpx.Response, missing: httpx.Response, *ids: str) -> str | None:
    """In what an answer about somebody else's differs from one about nobody's."""
    one, other = bare(foreign, *ids), bare(missing, *ids)
    if one == other:
        return None
    pieces = [f"{here!r} but {there!r}" for here, there in zip(one, other, strict=True) if here != there]
    return f"tells what is there from what is not: {'; '.join(pieces)}"


def code_of(answer: httpx.Response) -> str:
    """The problem's code; empty when the answer is none."""
    if "problem" not in answer.headers.get("Content-Type", ""):
        return ""
    return str(answer.json()["code"])
