"""The disk that is filled: truly to the last block, and as it was afterwards; and its checks find a lie.

The one rule: where nothing can be mounted there is no disk, and it is said why.
"""

import asyncio
import errno
import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prove import crash_disk, crash_saboteur
from prove.crash import faultless, full_disk
from prove.crash_disk import NoDiskError, open_disk
from prove.crash_saboteur import DISK_FULL, Saboteur
from prove.evidence import Disturbance
from prove.journal import Attempt
from prove.plan import Plan
from prove.stage import Stage
from sandbox.postgres import EmbeddedPostgres

SIZE = 1 << 20
NO_TABLE, NO_LOG = {"no table could grow": 1}, {"the log could not grow": 1}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def free(at: Path) -> int:
    return os.statvfs(at).f_bavail


def test_a_disk_is_full_to_the_last_block_and_empty_again() -> None:
    try:
        with open_disk(SIZE) as disk:
            before = free(disk.mounted_at)
            (disk.mounted_at / "freed").write_bytes(bytes(8192))
            disk.fill()
            assert free(disk.mounted_at) == 0
            (disk.mounted_at / "freed").unlink()
            assert disk.fill() == 8192, "what was freed is taken as well"
            with pytest.raises(OSError, match="No space left"):
                (disk.mounted_at / "more").write_bytes(b"more")
            (disk.mounted_at / "more").unlink()
            disk.empty()
            assert free(disk.mounted_at) == before
    except NoDiskError as error:
        pytest.skip(str(error))
    assert not disk.directory.exists()


def test_where_nothing_can_be_mounted_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(crash_disk, "_call", refuse)
    with pytest.raises(NoDiskError, match="Operation not permitted"), open_disk(SIZE):
        pass
    crash_disk.may_mount()


@dataclass
class DatabaseAlone:
    """What the saboteur knows of a stack."""

    server: EmbeddedPostgres

    @property
    def database_url(self) -> str:
        return self.server.url()

    async def kill(self, _: str) -> None:
        await asyncio.to_thread(self.server.crash)

    async def start(self, _: str) -> None:
        await asyncio.to_thread(self.server.start)


async def test_a_database_without_a_block_ends_comes_back_and_has_lost_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("_NO_TABLE_GROWS", "_NO_LOG_GROWS", "_COMES_BACK"):
        monkeypatch.setattr(crash_saboteur, name, 0.5)
    with ExitStack() as files:
        try:
            disk = files.enter_context(open_disk(128 << 20))
        except NoDiskError as error:
            pytest.skip(str(error))
        server = files.enter_context(EmbeddedPostgres(disk.mounted_at))
        stage: Any = Stage(DatabaseAlone(server), None, None, tmp_path)  # type: ignore[arg-type]
        await stage.fetch("CREATE TABLE kept AS SELECT 7 AS number")
        saboteur = Saboteur(stage, Plan(7).chance("disk"), disk)
        await saboteur.by_chance(1, [DISK_FULL])
        assert [row["number"] for row in await stage.fetch("SELECT number FROM kept")] == [7]

    assert {what: saboteur.done[what] for what in (*NO_TABLE, *NO_LOG, DISK_FULL)} == NO_TABLE | NO_LOG | {DISK_FULL: 1}


def an_attempt(at: datetime, status: int | None, **answer: str) -> Attempt:
    return Attempt(1, at, "v", "book", {}, status, answer)


def a_performance(*attempts: Attempt, done: dict[str, int]) -> Any:
    disturbances = [Disturbance(DISK_FULL, NOON, NOON + timedelta(seconds=9))]
    saboteur = SimpleNamespace(disturbances=disturbances, done=Counter(done))
    return SimpleNamespace(saboteur=saboteur, evidence=SimpleNamespace(attempts=attempts))


def test_a_disk_that_was_not_full_or_met_nobody_is_seen() -> None:
    during = an_attempt(NOON + timedelta(seconds=1), 503)
    assert full_disk(a_performance(during, done=NO_TABLE | NO_LOG)).ok
    assert not full_disk(a_performance(during, done=NO_TABLE)).ok
    assert not full_disk(a_performance(during, done=NO_LOG)).ok
    assert not full_disk(a_performance(an_attempt(NOON - timedelta(seconds=1), 201), done=NO_TABLE | NO_LOG)).ok


@pytest.mark.parametrize(
    ("status", "answer", "good"),
    [
        (201, {}, True),
        (None, {}, True),
        (503, {"retry_after": "2"}, True),
        (503, {}, False),
        (500, {}, False),
        (504, {}, True),
    ],
)
def test_a_fault_of_ours_is_seen(status: int | None, answer: dict[str, str], good: bool) -> None:
    assert faultless(SimpleNamespace(attempts=[an_attempt(NOON, status, **answer)])).ok is good
