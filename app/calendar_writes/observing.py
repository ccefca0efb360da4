"""What was seen to stand in a calendar, and is not there by a write of this moment: the row follows it.

The one rule: only calendar_writes says of a write what stands there; whoever has looked says it here. Where the wish
agrees with what was seen, nothing is written.
"""

from datetime import datetime

from app.calendar import EventDraft
from app.calendar_writes.service import EventPlace, draft_to_json
from app.models.calendar_writes import CalendarWrite


def observe(
    write: CalendarWrite,
    event_id: str,
    etag: str | None,
    *,
    span: tuple[datetime, datetime] | None = None,
    draft: EventDraft | None = None,
) -> None:
    """The event stands there.

    `span`: when, if that is where it shall stand; None: what was known of it stays. `draft`: what is wished for now,
    and is not to be written for that; None: the wish stays.
    """
    write.event_id, write.etag = event_id, etag
    if span is not None:
        write.written_start, write.written_end = span
    if draft is not None:
        write.draft, write.ends_at = draft_to_json(draft), draft.when.end


def observe_gone(write: CalendarWrite) -> None:
    """Its person has taken the event away, and it shall not come back: a wish that was given up is true now.

    The id stays: should it be brought back, it is found. What is on its way goes on: it may land after the look.
    """
    write.draft = None
    nothing_stands(write)
    if write.status == "failed":
        write.status, write.written_seq = "written", write.desired_seq
        write.last_error = write.failing_since = None


def nothing_stands(write: CalendarWrite) -> None:
    """No event is there; what is wished for stays."""
    write.etag = write.written_start = write.written_end = None


def observe_as_wished(write: CalendarWrite) -> None:
    """A new wish for what stands there already."""
    write.status, write.desired_seq, write.written_seq = "written", 1, 1


def move_house(write: CalendarWrite, place: EventPlace) -> bool:
    """Into this calendar, and whether it is another one, without the event. The same one, connected again, has it
    still, unless its person has taken it away: that is followed.
    """
    same = (write.provider, write.provider_calendar_id) == (place.provider, place.provider_calendar_id)
    write.calendar_id, write.provider_calendar_id = place.calendar_id, place.provider_calendar_id
    write.provider, write.subject = place.provider, place.subject
    if same:
        return False
    nothing_stands(write)
    write.event_id = write.last_error = write.failing_since = None  # what went wrong was about the other one
    return True
