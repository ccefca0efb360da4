"""What can go wrong with one answer on the wire, as bytes. Pure.

The one rule: a fault is a lie of the wire's, never of the provider's: what the provider did, it did.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

Headers = list[tuple[bytes, bytes]]

_MEBIBYTE: Final = 1 << 20
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LOGIN_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body></body></html>"
_FIRST_FAILURE: Final = 500
GARBAGE: Final = (b'{"items": [{"id": "', b"[" * 100_000, b"\xff\xfe\x00\x00{}", b"[1, 2, 3]", b"")


class Kind(StrEnum):
    """How it goes wrong."""

    LATENCY = "latency"
    RESET = "reset"
    HALF_OPEN = "half_open"
    """The request is taken, and nothing ever comes back."""
    TRUNCATED = "truncated"
    WRONG_TYPE = "wrong_type"
    """A page for people in place of what was asked for."""
    BOMB = "bomb"
    """A mebibyte that says it is a gibibyte, and is."""
    REDIRECT = "redirect"
    """To a server on this machine that nobody named."""
    STATUS = "status"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: Kind
    applied: bool = False
    """The other side has had the request, and done what it says. `truncated` and `latency`: always."""
    seconds: float = 0.0
    cut: int = 0
    """How many bytes of the answer arrive, its head included."""
    status: int = 0
    wait: int | None = None
    """Retry-After, in seconds …"""
    dated: bool = False
    """… or as the date that is so many seconds away."""
    garbage: int = 0
    """Which of `GARBAGE`."""

    @property
    def asks(self) -> bool:
        """Whether the other side is asked at all."""
        return self.applied or self.kind in {Kind.LATENCY, Kind.TRUNCATED}

    @property
    def name(self) -> str:
        """What it is called in a figure."""
        what = str(self.status) if self.kind is Kind.STATUS else self.kind.value
        waits = "" if self.wait is None else "_retry_at" if self.dated else "_retry_after"
        return f"{what}{waits}{'_applied' if self.applied else ''}"


def every_fault() -> list[Fault]:
    """Each kind, as often as it has forms."""
    statuses = [Fault(Kind.STATUS, status=status) for status in (401, 403, 409, 410, 412, 500, 502, 503)]
    waits = [Fault(Kind.STATUS, status=429, wait=2, dated=dated) for dated in (False, True)]
    later = [Fault(Kind.STATUS, status=503, wait=2, dated=dated) for dated in (False, True)]
    lost = [Fault(kind, applied=True) for kind in (Kind.RESET, Kind.WRONG_TYPE, Kind.GARBAGE)]
    broken = [Fault(Kind.STATUS, status=500, applied=True)]
    return [
        Fault(Kind.LATENCY, seconds=1.5),
        Fault(Kind.RESET),
        Fault(Kind.HALF_OPEN),
        Fault(Kind.TRUNCATED),
        Fault(Kind.WRONG_TYPE),
        Fault(Kind.BOMB),
        Fault(Kind.REDIRECT),
        Fault(Kind.GARBAGE),
        *statuses, *waits, *later, *lost, *broken,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        kept = [(name, value) for name, value in self.headers if name.lower() not in _HOP_BY_HOP]
        kept.append((b"content-length", str(len(self.body)).encode()))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
        return f"HTTP/1.1 {self.status} -\r\n".encode() + head + b"\r\n" + (b"" if self.status == _EMPTY else self.body)


_EMPTY: Final = 204
_HOP_BY_HOP: Final = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})


def instead_of(fault: Fault, *, trap: str, now: datetime | None = None) -> Answer:
    """What arrives in place of the answer. `trap` is where a redirect leads."""
    match fault.kind:
        case Kind.WRONG_TYPE:
            return Answer(200, [(b"content-type", b"text/html; charset=utf-8")], _LOGIN_PAGE)
        case Kind.BOMB:
            return Answer(200, [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], bomb())
        case Kind.REDIRECT:
            return Answer(307, [(b"location", f"{trap}/latest/meta-data/".encode())], b"")
        case Kind.GARBAGE:
            return Answer(200, [(b"content-type", b"application/json")], GARBAGE[fault.garbage])
        case Kind.STATUS:
            return Answer(fault.status, list(_told_to_wait(fault, now or datetime.now(UTC))), b"{}")
        case _:
            raise ValueError(f"{fault.kind} has no answer of its own")


def cut_at(fault: Fault, answer: bytes, chance: float) -> bytes:
    """The bytes that arrive: at least one of the answer is missing; where, by chance unless the fault says it."""
    return answer[: min(fault.cut or int(chance * len(answer)), len(answer) - 1)]


def bomb(mebibytes: int = 1024) -> bytes:
    """So many mebibytes of nothing, packed a thousandfold; made of one block that is repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(_MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return _GZIP_HEAD + block * mebibytes + packer.flush()


def fits(fault: Fault, *, write: bool) -> Fault:
    """The fault as it can happen to such a call: what was not understood as a write was not applied."""
    refused = fault.kind is Kind.STATUS and fault.status < _FIRST_FAILURE
    return replace(fault, applied=fault.applied and write and not refused)


def _told_to_wait(fault: Fault, now: datetime) -> Iterable[tuple[bytes, bytes]]:
    if fault.wait is not None:
        at = format_datetime(now + timedelta(seconds=fault.wait), usegmt=True)
        yield b"retry-after", at.encode() if fault.dated else str(fault.wait).encode()
    yield b"content-type", b"application/json"
