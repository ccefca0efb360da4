"""Whose turn it is when more is due than can be run. Pure.

The one rule: the first of every account goes before the second of any, however much an account has waiting.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of the calendars that are due, by their places in the window."""

    taken: list[int]
    """In the order they shall run."""
    behind: list[int]
    """These go to the end of the line: no account may fill the window for long, for others stand beyond it."""


def share_out(accounts: Sequence[Hashable], *, limit: int, window: int) -> Turn:
    """The accounts of what is due, the longest due first, at most `window` of them; `limit` can be taken.

    With a window of w, a calendar behind n of another account's is seen after n / w rounds at the latest.
    """
    if len(accounts) <= limit:
        return Turn(list(range(len(accounts))), [])
    counted: Counter[Hashable] = Counter()
    ranks = []
    for account in accounts:
        ranks.append(counted[account])
        counted[account] += 1
    by_turns = sorted(range(len(accounts)), key=ranks.__getitem__)  # stable: of one round, the longest due first
    left = by_turns[limit:] if len(accounts) >= window else []
    return Turn(by_turns[:limit], sorted(place for place in left if ranks[place] > 0))
