"""Mistakes in taking, moving and ending bookings. The one rule: see `prove.calibration_planted`."""

from typing import Final

from prove.calibration_planted import Planted

_CONCURRENCY: Final = "tests/bookings/test_concurrency.py::"
_CONTENTION: Final = "tests/bookings/test_contention.py::"
_HOLDS: Final = "tests/bookings/test_holds.py::"
_CHANGES: Final = "tests/bookings/test_changes.py::"
_KEYS: Final = "tests/bookings/test_idempotency.py::"

BOOKINGS: Final = (
    Planted(
        guard="exclusion constraint dropped",
        file="migrations/versions/2026-11-21-0700_foundation.py",
        old="""\
        postgresql.ExcludeConstraint(
            (sa.column("account_id"), "="),
            (sa.column("host_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="reservations_no_overlap",
        ),
""",
        new="",
        check=_CONCURRENCY + "test_r45_the_database_alone_refuses_what_overlaps",
    ),
    Planted(
        guard="hosts not locked",
        file="app/accounts/repository.py",
        old="ORDER BY id FOR NO KEY UPDATE",
        new="ORDER BY id",
        check="tests/bookings/test_limits_at_once.py",
    ),
    Planted(
        guard="hosts locked in any order",
        file="app/accounts/repository.py",
        old="WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        new="WHERE id = ANY ($1::uuid[]) ORDER BY random() FOR NO KEY UPDATE",
        check=_CONTENTION + "test_r45_groups_of_the_same_people_in_whatever_order_have_a_slot_once",
    ),
    Planted(
        guard="hold past its end honoured",
        file="app/bookings/holds.py",
        old="RETURNING expires_at > now() AS lasted",
        new="RETURNING true AS lasted",
        check=_HOLDS + "test_r48_a_lapsed_hold_books_nothing_and_offers_the_slot_anew",
    ),
    Planted(
        guard="hold's token not compared",
        file="app/bookings/holds.py",
        old='if not tokens.match(form.hold_token or "", form.hold_id, _NO_HASH if hold is None else hold.token_hash):',
        new="if hold is None:",
        check=_HOLDS + "test_r48_only_who_holds_the_token_books_with_the_hold",
    ),
    Planted(
        guard="cut-off not checked",
        file="app/bookings/change.py",
        old="booking.until(cutoff_minutes if isinstance(by, ByVisitor) else 0)",
        new="booking.until(0)",
        check=_CHANGES + "test_r47_after_the_cut_off_the_visitor_is_too_late_and_the_host_is_not",
    ),
    Planted(
        guard="token of another booking accepted",
        file="app/bookings/visitor.py",
        old="if found is None or not matches or found.ends_at + _KEPT < now:",
        new="if found is None or found.ends_at + _KEPT < now:",
        check=_CHANGES + "test_p4_a_wrong_token_is_told_nothing_more_than_a_wrong_booking",
    ),
    Planted(
        guard="If-Match not compared",
        file="app/bookings/change.py",
        old="require_version(if_match, booking.version)",
        new="require_version(if_match and min(if_match, booking.version), booking.version)",
        check=_CHANGES + "test_r47_if_match_changes_only_the_version_that_was_read",
    ),
    Planted(
        guard="idempotency key ignored",
        file="app/accounts/idempotency.py",
        old="return None if key is None else KeyedRequest(scope, key, hashlib.sha256(body).digest())",
        new="return None",
        check=_KEYS + "test_r44_a_repeated_request_gets_the_same_answer",
    ),
    Planted(
        guard="body of a repeat not compared",
        file="app/accounts/idempotency.py",
        old="if found is not None and found.request_hash != this.request_hash:",
        new="if found is not None and not found.request_hash:",
        check=_KEYS + "test_r44_a_key_is_not_good_for_another_request",
    ),
    Planted(
        guard="commit after the answer",
        file="app/routers/dependencies.py",
        old='Session = Annotated[AsyncSession, Depends(_open_session, scope="function")]',
        new='Session = Annotated[AsyncSession, Depends(_open_session, scope="request")]',
        check="tests/routers/test_commits.py",
    ),
    Planted(
        guard="unreachable calendar taken as free",
        file="app/bookings/live_check.py",
        old="told, answers = [Verdict.UNKNOWN] * len(calendars), None",
        new="told, answers = [Verdict.FREE] * len(calendars), None",
        check="tests/bookings/test_live_checks.py::"
        "test_p1_without_an_answer_a_young_mirror_decides_and_an_old_one_does_not",
    ),
    Planted(
        guard="member without a calendar taken as free",
        file="app/scheduling/availability.py",
        old="return [self._seating((host,)) for host in self.hosts if host.bookable]",
        new="return [self._seating((host,)) for host in self.hosts]",
        check="tests/scheduling/test_team_pages.py::test_r27_somebody_without_a_calendar_is_never_taken_for_free",
    ),
    Planted(
        guard="daylight arithmetic in wall time",
        file="app/scheduling/slots/hours.py",
        old="for run in runs(hours.zone, between):",
        new="for run in [next(runs(hours.zone, between))._replace(end=between[1])]:",
        check="tests/scheduling/test_slots.py::"
        "test_r32_nine_o_clock_is_nine_o_clock_on_both_sides_of_a_change_of_the_clocks",
    ),
    Planted(
        guard="invitation's SEQUENCE not raised",
        file="app/bookings/transitions.py",
        old="    booking.sequence += 1\n    booking.version += 1\n",
        new="    booking.version += 1\n",
        check="tests/bookings/test_mails.py::test_confirmation_change_and_cancellation_reach_everybody",
    ),
)
