"""Ten people of one account, and the pages that want their time. The one rule: they come to be as anybody does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from prove.stage import Stage
from sandbox.demo_connecting import connect, wait_for_the_first_sync
from sandbox.demo_journey import Host
from sandbox.identity import new_id

HALF_HOUR: Final = timedelta(minutes=30)
PEOPLE: Final = 10
_DAYS: Final = 55
"""Of the sixty that a page is open for: the first few and the last are left alone."""
_names = count(1)


class UsedUpError(Exception):
    """Every slot of the team has had its crowd."""


@dataclass(slots=True)
class Team:
    """Hosts and pages, and the slots that nobody has wanted yet."""

    stage: Stage
    account_id: str
    hosts: Sequence[Host]
    own: Sequence[str]
    """The page of each."""
    pairs: Sequence[str]
    """Groups of the first two, in either order."""
    group: str
    """All ten together."""
    turns: str
    """A round robin of the ten."""
    _starts: Iterator[datetime]

    def slot(self) -> datetime:
        """A slot that is free for everybody. Raises: UsedUpError."""
        start = next(self._starts, None)
        if start is None:
            raise UsedUpError
        return start

    async def newcomer(self) -> tuple[Host, str]:
        """Somebody of the account without a calendar, and their page, which takes requests."""
        host = await self.stage.host("google", f"late-{next(_names)}", connected=False, account_id=self.account_id)
        return host, await self.stage.page(host)

    async def connect(self, host: Host) -> None:
        """The newcomer connects a calendar, and it is synced."""
        await connect(host)
        await wait_for_the_first_sync(host)


async def make_team(stage: Stage, people: int = PEOPLE) -> Team:
    """They move in, connect, and are synced."""
    account_id = new_id("acct")
    hosts = []
    for _ in range(people):
        host = await stage.host("google", f"host-{next(_names)}", account_id=account_id)
        await wait_for_the_first_sync(host)
        hosts.append(host)
    own = [await stage.page(host) for host in hosts]
    first, second = hosts[:2]
    pairs = [await _shared(stage, first, [second], "group"), await _shared(stage, second, [first], "group")]
    group = await _shared(stage, first, hosts[1:], "group")
    turns = await _shared(stage, first, hosts[1:], "round_robin")
    return Team(stage, account_id, hosts, own, pairs, group, turns, _half_hours())


async def _shared(stage: Stage, owner: Host, others: Sequence[Host], kind: str) -> str:
    members: list[Any] = [host.user_id for host in others]
    return await stage.page(owner, type=kind, member_ids=members)


def _half_hours() -> Iterator[datetime]:
    """In UTC: what clocks show may skip some of them."""
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    return (first + number * HALF_HOUR for number in range(_DAYS * 48))
