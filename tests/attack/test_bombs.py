"""What is small and grows when it is read: from providers, in a process with little to spend; and from callers.

The one rule: the limits are the kernel's and the process's own clock of CPU time, which a busy machine does not move.
Packed answers are looked at in `tests/providers/test_http_packed.py`.
"""

import ast
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from prove.attack_bombs import CPU_SECONDS, NAMES, READ, REFUSED
from tests.support.world import World

ROOT = Path(__file__).parents[2]
HARMLESS = {
    "xml: attributes", "xml: include", "xml: namespaces", "xml: control characters",
    "json: name twice", "json: escapes",
}  # fmt: skip
"""May be read: they are long, and nothing else."""
EXPANDERS = {"dateutil", "recurring_ical_events", "rrule", "x_wr_timezone"}
CPU_FAIR = 3.0


def test_providers_bombs_do_not_go_off() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "prove.attack_bombs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr[-2000:]
    told = {line["bomb"]: line for line in map(json.loads, child.stdout.splitlines())}
    assert set(told) == set(NAMES)
    for name, line in told.items():
        assert line["outcome"] in ({READ, REFUSED} if name in HARMLESS else {REFUSED}), line
    assert sum(line["cpu_seconds"] for line in told.values()) < CPU_SECONDS


def test_a_process_that_needs_more_than_its_limits_is_ended() -> None:
    """The limits are real: somebody who takes more does not come back."""
    greedy = "from prove.attack_bombs import limit; limit(); x = bytearray(1 << 30)"
    child = subprocess.run([sys.executable, "-c", greedy], cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - ours
    assert child.returncode != 0
    assert b"MemoryError" in child.stderr


def test_no_rule_of_recurrence_is_expanded_here() -> None:
    """A tiny rule can take minutes: series are expanded by their providers, and nothing that could is imported."""
    imported = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {part for name in names for part in name.split(".")}
    assert "icalendar" in imported
    assert not imported & EXPANDERS


BODIES: dict[str, bytes] = {
    "arrays": b"[" * 200_000,
    "objects": b'{"a":' * 40_000,
    "closed arrays": b"[" * 100_000 + b"]" * 100_000,
    "closed, in a field": b'{"email": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "number": b'{"email": ' + b"9" * 200_000 + b"}",
    "negative exponent": b'{"email": 1e-999999999}',
    "not a number": b'{"email": NaN, "name": Infinity}',
    "name twice": b"{" + b",".join([b'"email": "a@example.com"'] * 8_000) + b"}",
    "names": b"{" + b",".join(b'"a%d": 1' % at for at in range(20_000)) + b"}",
    "half a surrogate": b'{"email": "a@example.com", "name": "\\ud800"}',
    "NUL": b'{"email": "a@example.com", "name": "a\\u0000b"}',
    "NUL in an address": b'{"email": "a\\u0000@example.com"}',
    "bytes that are no text": b'{"email": "\xff\xfe@example.com"}',
    "UTF-16": '{"email": 1}'.encode("utf-16"),
    "address of dots": b'{"email": "' + b"a." * 100_000 + b'@example.com"}',
    "address of labels": b'{"email": "a@' + b"a." * 100_000 + b'com"}',
    "address of ats": b'{"email": "' + b"@" * 200_000 + b'"}',
    "quoted address": b'{"email": "\\"' + b"\\\\" * 90_000 + b'\\"@example.com"}',
    "phone": b'{"email": "a@example.com", "phone": "' + b"+-" * 100_000 + b'"}',
    "byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/tasks", "/v1/scheduling-pages", "/v1/time-proposals"])
async def test_callers_bombs_are_refused_at_once(world: World, path: str) -> None:
    person = await world.person()
    headers = person.headers | {"Content-Type": "application/json"}
    for name, body in BODIES.items():
        began = time.process_time()
        answer = await world.api.post(path, content=body, headers=headers)
        taken = time.process_time() - began
        accepted = name == "name twice" and answer.status_code == 201  # the last one counts, as with every reader
        assert accepted or answer.status_code in {400, 413, 422}, (name, answer.status_code, answer.text[:200])
        assert taken < CPU_FAIR, (name, taken)
        assert len(answer.content) < 64 * 1024, (name, "an answer larger than a mistake deserves")


TOKENS: dict[str, Any] = {
    "long": "a" * 60_000,
    "dots": "." * 60_000,
    "deep header": "W1tbW1tb" * 7_000 + ".e30.x",
    "null": "bnVsbA.bnVsbA.bnVsbA",
    "packed": "eyJhbGciOiJSUzI1NiIsInppcCI6IkRFRiJ9.e30.x",
    "critical": "eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYiJdfQ.e30.x",
    "key inside": "eyJhbGciOiJSUzI1NiIsImp3ayI6e30sImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30.x",
    "not ASCII": "é.é.é".encode(),
}


@pytest.mark.parametrize("name", TOKENS)
async def test_hostile_tokens_are_refused_at_once(world: World, name: str) -> None:
    token = TOKENS[name] if isinstance(TOKENS[name], bytes) else TOKENS[name].encode()
    began = time.process_time()
    answer = await world.api.get("/v1/me", headers={b"Authorization": b"Bearer " + token})
    assert answer.status_code == 401, answer.text
    assert time.process_time() - began < CPU_FAIR
