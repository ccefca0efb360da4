"""The journal of the crash battery, and what it makes the checker expect.

The one rule: what is on the disk is what was true when its writer went on.
"""

from pathlib import Path

from prove.expectation import CANCELLED, expected
from prove.journal import Journal, read_journal

ONE, OTHER = "2026-12-01T10:00:00+00:00", "2026-12-01T11:00:00+00:00"


def _told(path: Path, *changes: tuple[dict, int | None]) -> set[str]:
    """What the booking may be after these attempts; None is no answer."""
    with Journal(path) as journal:
        number = journal.sends("v", "book", {"email": "v@x.example", "start": ONE})
        journal.answered(number, 201, {"id": "bkg_1", "start_at": ONE})
        for sent, status in changes:
            number = journal.sends("v", "change", {"booking": "bkg_1", **sent})
            if status is None:
                journal.lost(number, "ReadError")
            else:
                journal.answered(number, status, {})
    [states] = expected(read_journal(path)).bookings.values()
    return {"cancelled" if state == CANCELLED else state[1].isoformat() for state in states}


def test_the_last_word_counts(tmp_path: Path) -> None:
    assert _told(tmp_path / "a", ({"to": OTHER}, 200)) == {OTHER}
    assert _told(tmp_path / "b", ({"to": OTHER}, 200), ({"ends": True}, 200)) == {"cancelled"}


def test_what_was_refused_did_not_happen(tmp_path: Path) -> None:
    assert _told(tmp_path / "a", ({"to": OTHER}, 409)) == {ONE}


def test_what_nobody_answered_may_have_happened(tmp_path: Path) -> None:
    assert _told(tmp_path / "a", ({"to": OTHER}, None)) == {ONE, OTHER}
    assert _told(tmp_path / "b", ({"to": OTHER}, 503)) == {ONE, OTHER}
    assert _told(tmp_path / "c", ({"to": OTHER}, None), ({"to": OTHER}, 200)) == {OTHER}


def test_a_line_that_was_cut_short_was_never_true(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.answered(journal.sends("v", "book", {"email": "v@x.example"}), 409, {})
        journal.sends("v", "book", {"email": "w@x.example"})
    path.write_bytes(path.read_bytes()[:-9])

    assert [(attempt.sent["email"], attempt.status) for attempt in read_journal(path)] == [("v@x.example", 409)]


def test_a_wish_that_was_only_ever_refused_has_come_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        for email, statuses in {"no": [409], "perhaps": [None, 409], "yes": [None, 201]}.items():
            for status in statuses:
                number = journal.sends(email, "book", {"email": email})
                if status is not None:
                    journal.answered(number, status, {"id": "bkg_1", "start_at": ONE})

    assert expected(read_journal(path)).addresses == {"no": False, "perhaps": True, "yes": True}
