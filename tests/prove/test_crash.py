"""The crash battery, tiny: one host, a worker that stands still for a moment, an API that dies behind a commit.

The one rule: the same evidence that shows nothing lost shows a loss when one is planted.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.failpoints import Failpoint
from app.ids import encode_id, new_id
from prove.checker import judge
from prove.crash import QUICK_POLLS, Scale, perform
from prove.journal import Attempt
from prove.plan import Plan
from prove.stage import open_stage
from sandbox.stack import API, WORKER

TINY = Scale(
    hosts=("google",),
    crowds=1,
    stopped_seconds=1,
    rounds=0,
    repeats=1,
    settle_seconds=150,
    points=((API, (Failpoint.BOOKING_AFTER_COMMIT,)), (WORKER, ())),
)


async def test_nothing_is_lost_and_a_planted_loss_is_found(tmp_path: Path) -> None:
    async with open_stage(overrides=QUICK_POLLS) as stage:
        done = await perform(stage, Plan(7), TINY, tmp_path / "journal")

    assert [line.to_json() for line in done.lines() if not line.ok] == []
    answer = {"id": encode_id("bkg", new_id()), "start_at": datetime.now(UTC).isoformat()}
    lost = Attempt(0, datetime.now(UTC), "v", "book", {"email": "v@visitors.example"}, 201, answer)
    planted = replace(done.evidence, attempts=[*done.evidence.attempts, lost])
    assert [verdict.check for verdict in judge(planted) if not verdict.ok] == ["what was acknowledged is so"]
