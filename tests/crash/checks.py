"""What must hold whoever died and where, once the others have had their time.

    the mirror is the calendar      event by event, and so are the busy months
    nothing waits                   no change, no job, no lease, no mail, no event without a number
    the story has become the same   as when nobody dies: no more rows, no more mails, no more news, no more writes

The one rule: the truth is asked of the provider, and put together by other code than the service's.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from app.queue import Job
from app.timespan import unpack
from prove.evidence import WAITING
from prove.truth import Standing
from tests.crash.pictures import Picture
from tests.crash.scene import Scene
from tests.crash.stories import Becomes
from tests.crash.workers import Place
from tests.support.google import joined

_RESERVED = "SELECT starts_at, ends_at, 'booking:' || id AS key FROM bookings WHERE status = 'confirmed'"
_REPEATED = "update"
"""The designed repetition: a writer died behind its update, and before it had noted that it was made. What stands there
may be anybody's, so the next writer looks at it, and writes it once more; where the provider mails about every update,
the guests hear of it twice. An insert that is repeated finds the event under the id of its key, and a removal that is
repeated finds nothing: neither writes again."""


async def check(scene: Scene, standing: list[Standing]) -> None:
    """The mirror is the calendar, and nothing waits."""
    await _mirrored(scene, standing)
    await _months(scene, standing)
    for what, query in WAITING.items():
        left = [dict(row) for row in await scene.database.fetch(query)]
        assert not left, f"left waiting: {what}: {left}"


def as_told(plain: Picture, becomes: Becomes) -> None:
    """When nobody dies the story becomes what it says."""
    assert tuple(kind for kind, _, _ in plain.mails) == becomes.mails, "mails"
    news = {about: tuple(f"{about}.{what}" for what in each) for about, each in becomes.news.items()}
    assert {about: tuple(each) for about, each in plain.feed.items()} == news, "news"
    assert tuple((kind, resolution) for kind, _, _, resolution, *_ in plain.ledger) == tuple(
        (kind, "adopt") for kind in becomes.ledger
    ), "ledger"
    assert plain.written == Counter(becomes.written), "written"


def same(seen: Picture, plain: Picture, died_at: Place) -> None:
    """The story has become what it becomes when nobody dies."""
    if died_at.job is Job.WRITE_EVENT and _REPEATED in plain.written:
        seen = _without_the_repeated(seen, plain)
    different = {
        name: (getattr(seen, name), getattr(plain, name))
        for name in Picture.__dataclass_fields__
        if getattr(seen, name) != getattr(plain, name)
    }
    assert not different, _told(different)


def _without_the_repeated(seen: Picture, plain: Picture) -> Picture:
    """One update less, and its mails, where there is one more than when nobody dies."""
    if seen.written - plain.written != Counter([_REPEATED]):
        return seen
    mailed = Counter(letter for letter in plain.letters if letter[0] == _REPEATED)
    letters = seen.letters if seen.letters == plain.letters else sorted((Counter(seen.letters) - mailed).elements())
    return replace(seen, written=seen.written - Counter([_REPEATED]), letters=letters)


def _told(different: dict[str, Any]) -> str:
    return "".join(f"\n{name}:\n  is        {left}\n  should be {right}" for name, (left, right) in different.items())


async def _mirrored(scene: Scene, standing: list[Standing]) -> None:
    rows = await scene.database.fetch("SELECT event_id, etag, key, starts_at, ends_at FROM mirror_events")
    known = {tuple(row) for row in rows}
    stands = {(event.id, event.etag, event.key, event.start, event.end) for event in standing}
    assert known == stands, f"only in the mirror: {known - stands}; only at the provider: {stands - known}"


async def _months(scene: Scene, standing: list[Standing]) -> None:
    """What blocks is what stands there, but for a booking's own event, whose reservation blocks."""
    rows = await scene.database.fetch(_RESERVED)
    reserved = {(row["key"], row["starts_at"], row["ends_at"]) for row in rows}
    blocking = [
        (int(event.start.timestamp()), int(event.end.timestamp()))
        for event in standing
        if (event.key, event.start, event.end) not in reserved
    ]
    packed = [
        span for row in await scene.database.fetch("SELECT busy FROM busy_months") for span in unpack(row["busy"])
    ]
    always = (0, 1 << 40)
    known, stands = joined(packed, always), joined(blocking, always)
    assert known == stands, f"the busy months have {known}, in the calendar stands {stands}"
