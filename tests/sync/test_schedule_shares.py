"""Whose turn it is: pure (P3)."""

from hypothesis import given
from hypothesis import strategies as st

from app.sync.schedule import portion
from app.sync.shares import share_out


def test_the_first_of_every_account_goes_before_the_second_of_any():
    turn = share_out(["a", "a", "a", "b", "a", "c", "b"], limit=5, window=100)
    assert turn.taken == [0, 3, 5, 1, 6]
    assert turn.behind == [], "the window was not full: nobody stands beyond it"


def test_who_is_alone_gets_everything():
    assert share_out(["a"] * 5, limit=4, window=100).taken == [0, 1, 2, 3]


def test_only_what_an_account_wants_beyond_its_first_is_put_behind():
    accounts = ["big"] * 6 + ["b", "c", "d", "e"]
    turn = share_out(accounts, limit=3, window=10)
    assert turn.taken == [0, 6, 7]
    assert turn.behind == [1, 2, 3, 4, 5], "d and e keep their places"


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 20), st.integers(1, 60))
def test_nobody_is_lost_doubled_or_overtaken_by_their_own(accounts: list[int], limit: int, window: int):
    turn = share_out(accounts, limit=limit, window=window)
    assert len(turn.taken) == min(limit, len(accounts))
    assert len({*turn.taken, *turn.behind}) == len(turn.taken) + len(turn.behind)
    for account in set(accounts):
        own = [place for place, name in enumerate(accounts) if name == account]
        taken = [place for place in turn.taken if accounts[place] == account]
        assert taken == own[: len(taken)]
    had = {account: sum(accounts[place] == account for place in turn.taken) for account in accounts}
    waiting = [had[account] for account in had if had[account] < accounts.count(account)]
    assert not waiting or max(had.values()) - min(waiting) <= 1, "who waits has had as much as any, but for a round"


def test_the_queue_is_topped_up_and_polls_never_end():
    assert (portion(0), portion(390), portion(5000)) == (400, 10, 5)
