"""Mistakes in reading calendars and writing to them. The one rule: see `prove.calibration_planted`."""

from typing import Final

from prove.calibration_planted import Planted

_RECOVERING: Final = "tests/sync/test_recovering.py::"
_PUSHES: Final = "tests/sync/test_pushes.py::"
_GOOGLE: Final = "tests/providers/google/test_session_writes.py::"
_WRITING: Final = "tests/calendar_writes/test_writing.py::"
_OVERTAKEN: Final = "tests/calendar_writes/test_overtaken.py::"

CALENDARS: Final = (
    Planted(
        guard="cursor kept before the page",
        file="app/sync/engine.py",
        old="""\
        \"\"\"The last of the changes and the cursor that accounts for them.\"\"\"
""",
        new="""\
        async with transaction(self._sessions, run.calendar.account_id) as session:
            await repository.still_ours(session, run.calendar.id, run.fence, cursor=run.cursor)
""",
        check=_RECOVERING + "test_p3_a_fault_of_our_own_backs_off_lets_go_and_is_not_swallowed",
    ),
    Planted(
        guard="ping debounced away",
        file="app/connections/mirroring.py",
        old="return [Enqueued(Job.SYNC_CALENDAR, account_id, calendar_id) for calendar_id in asked.scalars()]",
        new="return [Enqueued(Job.SYNC_CALENDAR, account_id, item, once=True) for item in asked.scalars()]",
        check=_PUSHES + "test_p3_a_change_told_while_the_last_job_is_being_struck_off_waits_for_no_poll",
    ),
    Planted(
        guard="signal during a run forgotten",
        file="app/sync/engine.py",
        old="again = sync.dirty_seq != run.dirty_seq",
        new="again = False",
        check=_RECOVERING + "test_p3_a_change_signalled_during_a_run_leads_to_another_run",
    ),
    Planted(
        guard="forged push believed",
        file="app/sync/signals.py",
        old="if channel is None or not right:",
        new="if channel is None:",
        check=_PUSHES + "test_p3_a_forged_delivery_does_nothing_and_cannot_tell",
    ),
    Planted(
        guard="sync without a fence",
        file="app/sync/repository.py",
        old=".where(CalendarSync.calendar_id == calendar_id, CalendarSync.fence == fence)",
        new=".where(CalendarSync.calendar_id == calendar_id, CalendarSync.fence >= fence)",
        check=_RECOVERING + "test_p3_a_run_that_was_overtaken_cannot_write_any_more",
    ),
    Planted(
        guard="swept before everything was seen",
        file="app/sync/engine.py",
        old="            if not run.full:\n",
        new="            if run.full:\n                await mirror.sweep()\n            if True:\n",
        check=_RECOVERING + "test_p1_a_cursor_lost_on_any_page_never_opens_a_slot_meanwhile",
    ),
    Planted(
        guard="Retry-After ignored",
        file="app/sync/backoff.py",
        old="wait = max(wait, timedelta(seconds=error.retry_after or 0))",
        new="wait = max(wait, timedelta())",
        check=_RECOVERING + "test_p3_a_provider_that_says_when_is_not_asked_before",
    ),
    Planted(
        guard="echo of our own write followed",
        file="app/sync/changes.py",
        old="if known is not None and known.etag is not None and (known.etag, known.key) == (event.etag, event.key):",
        new="if known is not None and known.etag is not None and event.etag is None:",
        check="tests/sync/test_changes.py",
    ),
    Planted(
        guard="random event id",
        file="app/providers/google/drafts.py",
        old="""\
    digest = hashlib.sha256((f"{key}#{attempt}" if attempt else key).encode()).digest()
    return base64.b32hexencode""",
        new="""\
    digest = hashlib.sha256(f"{key}{attempt}{id(object())}{datetime.now(UTC)}".encode()).digest()
    return base64.b32hexencode""",
        check=_GOOGLE + "test_the_id_of_an_event_comes_from_its_key_in_googles_alphabet",
    ),
    Planted(
        guard="timeout of a write repeated blindly",
        file="app/providers/rest.py",
        old="return AmbiguousOutcome if call.write else Transient",
        new="return Transient",
        check="tests/providers/test_rest.py::"
        "test_an_answer_that_never_came_passes_for_a_read_and_is_ambiguous_for_a_write",
    ),
    Planted(
        guard="lost insert not looked for before its cancel",
        file="app/calendar_writes/placing.py",
        old="""\
            left = await self._session.find_by_key(self._calendar_id, self._key, around=self._anywhere)
""",
        new="            left = None\n",
        check=_WRITING + "test_r46_a_booking_cancelled_after_a_lost_answer_leaves_no_event",
    ),
    Planted(
        guard="404 of a delete treated as a failure",
        file="app/providers/google/session.py",
        old="        except EventNotFound:\n            return\n",
        new="        except EventNotFound:\n            raise\n",
        check=_GOOGLE + "test_a_cancelled_event_is_gone_also_when_it_was_gone_before",
    ),
    Planted(
        guard="writer without a fence",
        file="app/calendar_writes/writer.py",
        old=".where(CalendarWrite.id == claimed.write.id, CalendarWrite.fence == claimed.fence)",
        new=".where(CalendarWrite.id == claimed.write.id, CalendarWrite.fence >= claimed.fence)",
        check=_WRITING + "test_r46_a_writer_that_wakes_too_late_says_nothing_but_has_the_winner_look_again",
    ),
    Planted(
        guard="newer wish overwritten by a held up writer",
        file="app/calendar_writes/placing.py",
        old="""\
            if not await self._still_ours():
                raise FencedOff from None
            if current is None""",
        new="            if current is None",
        check=_OVERTAKEN + "test_r46_a_held_up_writer_does_not_overwrite_a_newer_wish",
    ),
    Planted(
        guard="token refreshed by everybody at once",
        file="app/connections/token_repository.py",
        old="                func.coalesce(ConnectionToken.lease_until, now) <= now,\n",
        new="",
        check="tests/connections/test_tokens.py::test_r16_twenty_callers_at_once_refresh_once",
    ),
)
