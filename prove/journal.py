"""What a client tried and what it was answered, on disk before the next thing happens.

    {"number": 7, "at": …, "who": …, "act": "book", "sent": {…}}       before it is sent
    {"number": 7, "at": …, "status": 201, "answer": {…}}               when it was answered
    {"number": 7, "at": …, "lost": "ReadError"}                        when nobody answered

The one rule: a line is on the disk before its writer goes on. What has no second line may or may not have happened.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, read back."""

    number: int
    at: datetime
    who: str
    act: str
    sent: Json
    status: int | None = None
    """What it was answered; None: nobody answered."""
    answer: Json = field(default_factory=dict)
    answered_at: datetime | None = None

    @property
    def done(self) -> bool:
        """It was answered that it is done."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """It was answered that it is not, and will not be."""
        unavailable = self.answer.get("code") == "booking_unavailable"
        return self.status is not None and (400 <= self.status < 500 or unavailable)


class Journal:
    """Append-only. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] = path.open("ab")
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def sends(self, who: str, act: str, sent: Json) -> int:
        """Somebody is about to try this; its number."""
        self._last += 1
        self._write({"number": self._last, "who": who, "act": act, "sent": sent})
        return self._last

    def answered(self, number: int, status: int, answer: Json) -> None:
        """The attempt was answered."""
        self._write({"number": number, "status": status, "answer": answer})

    def lost(self, number: int, why: str) -> None:
        """Nobody answered it."""
        self._write({"number": number, "lost": why})

    def _write(self, line: Json) -> None:
        dated = {"at": datetime.now(UTC).isoformat(), **line}
        self._file.write(json.dumps(dated, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_journal(path: Path) -> list[Attempt]:
    """Every attempt, in the order they were sent. A last line that was cut short was never true."""
    begun: dict[int, Json] = {}
    for raw in path.read_bytes().split(b"\n")[:-1]:
        line = json.loads(raw)
        if "sent" in line:
            begun[line["number"]] = line
        elif "status" in line:
            begun[line["number"]] |= {"status": line["status"], "answer": line["answer"], "answered_at": line["at"]}
    return [_attempt(line) for line in begun.values()]


def _attempt(line: Json) -> Attempt:
    answered = line.get("answered_at")
    return Attempt(
        number=line["number"],
        at=datetime.fromisoformat(line["at"]),
        who=line["who"],
        act=line["act"],
        sent=line["sent"],
        status=line.get("status"),
        answer=line.get("answer", {}),
        answered_at=None if answered is None else datetime.fromisoformat(answered),
    )
