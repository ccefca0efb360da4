"""Bodies of bookings and meeting requests.

The one rule: the end of a booking and its host are decided by the server; a body that names them is refused.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, RootModel
from pydantic_core import PydanticCustomError

from app.accounts.schemas import Answer, ChosenLanguage, Strict
from app.i18n import Language
from app.ids import BookingId, HoldId, MeetingRequestId, PageId, TimeProposalId, UserId
from app.scheduling.configuration import Email, Line, Text
from app.time_zones import TimeZone
from app.written_times import WrittenTime

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _of_a_slot(at: datetime) -> datetime:
    """Slots begin on whole seconds, in this century: far from where the arithmetic of calendars ends."""
    if at.microsecond:
        raise PydanticCustomError("not_allowed", "a part of a second")
    if not _EARLIEST <= at < _LATEST:
        raise PydanticCustomError("out_of_range", "not in this century")
    return at


StartAt = Annotated[WrittenTime, AfterValidator(_of_a_slot), Field(examples=["2026-12-01T09:00:00+01:00"])]


class BookingCreate(Strict):
    """A visitor's wish for a slot."""

    start_at: StartAt
    """The start of an offered slot, with its offset."""
    duration_minutes: Annotated[int, Field(ge=5, le=1440)]
    """One of the page's durations, in minutes."""
    name: Line
    """The visitor's name."""
    email: Email
    """Where the invitation goes."""
    time_zone: TimeZone
    """The visitor's zone (IANA): mails speak in it."""
    language: ChosenLanguage | None = None
    """The visitor's language; absent: the page's."""
    answers: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=5000)]] = Field(
        default_factory=dict, max_length=30, examples=[{"company": "Example"}]
    )
    """Answers by the form field's id; a checkbox answers `true` or `false`. But for `long_text`, 500 characters."""
    guests: Annotated[list[Email], Field(max_length=20)] = Field(default_factory=list)
    """Further people to invite."""
    consent: bool = False
    """The consent checkbox was ticked."""
    consent_text: Text | None = None
    """The text beside it, as the page had it. Has its owner changed it since: 422 `consent_required`, and the page is
    to be read again. Absent: what the page says now is what was agreed to.
    """
    hold_id: HoldId | None = None
    """The hold that keeps the slot, when there is one. Has it lapsed, was it let go or booked: 409 `hold_expired`."""
    hold_token: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """What `createSlotHold` told to keep."""
    proposal_id: TimeProposalId | None = None
    """The `proposal` of the link that led here (R43). A proposal is booked once: then 409 `already_processed`. One that
    this page does not know, or knows no more, counts as none.
    """


class BookingReschedule(Strict):
    """Another time for a booking."""

    start_at: StartAt
    """The start of an offered slot of the same length, with its offset."""
    reason: Text | None = None
    """What to tell the other side."""


class BookingCancel(Strict):
    """The end of a booking."""

    reason: Text | None = None
    """What to tell the other side."""


class FormAnswer(Answer):
    """One answer, with the question as it was."""

    field_id: str
    label: str
    """The question."""
    value: str
    """The answer."""


class CalendarEventState(Answer):
    """What became of the booking's event in the host's calendar."""

    status: Literal["pending", "written", "failed", "not_applicable"]
    """`not_applicable`: the calendar is not connected any more."""
    error: str | None = Field(examples=["permission_denied"])
    """Why it is not written yet, a code."""


class PublicBooking(Answer):
    """A confirmed appointment, as its visitor sees it."""

    kind: Literal["booking"]
    id: BookingId
    page_id: PageId
    status: Literal["confirmed", "cancelled", "no_show"]
    title: str
    """What it is about."""
    host_name: str | None
    """Who will be met."""
    start_at: datetime
    end_at: datetime
    time_zone: str
    """The visitor's zone (IANA)."""
    language: Language
    """The visitor's language."""
    name: str
    """The visitor's name."""
    email: str
    """Where the invitation went."""
    guests: list[str]
    """Further people invited."""
    answers: list[FormAnswer]
    """The form as it was filled in."""
    location: str | None
    """Where it takes place."""
    video_url: str | None
    """The provider's video link, once the event is written."""
    calendar_event: CalendarEventState
    """What became of the event in the host's calendar."""
    can_reschedule: bool
    """The visitor may still choose another time."""
    can_cancel: bool
    """The visitor may still cancel."""
    reschedule_until: datetime | None
    """Until when the visitor may choose another time; null: never."""
    cancel_until: datetime | None
    """Until when the visitor may cancel; null: never."""
    cancelled_by: Literal["host", "visitor"] | None
    cancel_reason: str | None
    """What the one who cancelled said."""
    booking_token: str | None
    """For the `Booking-Token` header; only in the answer that made the booking."""
    version: int
    """Rises with every change; the `ETag`."""


class PublicMeetingRequest(Answer):
    """An appointment asked for, as its visitor sees it: nobody could tell whether the host is free."""

    kind: Literal["meeting_request"]
    id: MeetingRequestId
    page_id: PageId
    status: Literal["pending", "accepted", "declined", "withdrawn", "expired"]
    title: str
    """What it is about."""
    host_name: str | None
    """Who is asked; null: one of several."""
    start_at: datetime
    end_at: datetime
    time_zone: str
    """The visitor's zone (IANA)."""
    language: Language
    """The visitor's language."""
    name: str
    """The visitor's name."""
    email: str
    """Where the answer goes."""
    expires_at: datetime
    """When it lapses unanswered."""
    reason: str | None
    """What the one who declined or withdrew it said."""
    can_withdraw: bool
    """It still waits for an answer."""
    booking_id: BookingId | None
    """Once accepted: the booking it is now. The same `Booking-Token` opens it."""
    booking_token: str | None
    """For the `Booking-Token` header; only in the answer that made the request."""


class BookingResult(RootModel[Annotated[PublicBooking | PublicMeetingRequest, Field(discriminator="kind")]]):
    """A booking (201), or a meeting request while the host's calendars cannot be read, or there is none (202)."""


class CoHost(Answer):
    """Somebody who hosts a booking beside the one who organizes it."""

    user_id: UserId
    """Who it is."""
    name: str | None
    """Their name, as it was then."""


class AssignmentCandidate(Answer):
    """Somebody who was free for a meeting of a round robin."""

    user_id: UserId
    """Who it is."""
    meetings: int
    """How many meetings of the page they had hosted, as far back as it counts."""


class Assignment(Answer):
    """Why a round robin gave the meeting to its host."""

    rule: str = Field(examples=["fewest_meetings"])
    """`fewest_meetings`: since the team was last changed, at most 30 days back; among equals who has waited longest."""
    candidates: list[AssignmentCandidate]
    """Everybody who was free then."""


class Booking(Answer):
    """A confirmed appointment, as its host sees it."""

    id: BookingId
    page_id: PageId
    status: Literal["confirmed", "cancelled", "no_show"]
    title: str
    """What it is about."""
    start_at: datetime
    end_at: datetime
    visitor_name: str
    visitor_email: str
    visitor_time_zone: str
    """IANA name."""
    language: Language
    """The visitor's language."""
    guests: list[str]
    """Further people invited."""
    answers: list[FormAnswer]
    """The form as it was filled in."""
    consent_text: str | None
    """What the visitor agreed to with it, in the page's words of then; null: nothing was asked."""
    location: str | None
    """Where it takes place."""
    video_url: str | None
    """The provider's video link, once the event is written."""
    calendar_event: CalendarEventState
    """What became of the event in the calendar."""
    cancelled_by: Literal["host", "visitor"] | None
    cancel_reason: str | None
    """What the one who cancelled said."""
    host_id: UserId
    """Who organizes it: the event is in their calendar."""
    co_hosts: list[CoHost]
    """Who hosts it with them."""
    assignment: Assignment | None
    """Why it is theirs; null: no round robin."""
    proposal_id: TimeProposalId | None
    """The proposed times it was booked by; null: none."""
    allowed_actions: list[str] = Field(examples=[["reschedule", "cancel"]])
    """What the caller may do with the booking now."""
    version: int
    """Rises with every change; the `ETag`."""
    created_at: datetime
    updated_at: datetime


class BookingList(Answer):
    """A part of the host's bookings."""

    items: list[Booking]
    next_cursor: str | None
    """Where to go on; null at the end."""


class MeetingRequestDecline(Strict):
    """The host's refusal."""

    reason: Text | None = None
    """What to tell the visitor."""


class MeetingRequestWithdraw(Strict):
    """The visitor's change of mind."""

    reason: Text | None = None
    """What to tell the host."""


class OpenTime(Answer):
    """A time that is open, in UTC."""

    start_at: datetime
    end_at: datetime


class BookingAttempt(Answer):
    """The wish that the host be told is noted."""

    page_id: PageId


class MeetingRequest(Answer):
    """An appointment asked for, as the host sees it."""

    id: MeetingRequestId
    page_id: PageId
    host_id: UserId
    """Who was asked; of a round robin whoever takes it may be another."""
    status: Literal["pending", "accepted", "declined", "withdrawn", "expired"]
    start_at: datetime
    end_at: datetime
    visitor_name: str
    visitor_email: str
    visitor_time_zone: str
    """IANA name."""
    language: Language
    """The visitor's language."""
    guests: list[str]
    """Further people to invite."""
    answers: list[FormAnswer]
    """The form as it was filled in."""
    consent_text: str | None
    """What the visitor agreed to with it, in the page's words of then; null: nothing was asked."""
    clashes: bool | None
    """Whether the time is taken in the calendar that was connected since; null while nobody could tell."""
    alternatives: list[OpenTime]
    """Where it clashes: the page's nearest open times, rising."""
    expires_at: datetime
    """When it lapses unanswered."""
    decided_by: Literal["host", "visitor", "policy"] | None
    """`policy`: it was booked at once, as the host's settings have it. Null while it waits, and when it lapsed."""
    decided_at: datetime | None
    """When it was accepted, declined or withdrawn."""
    reason: str | None
    """What the one who declined or withdrew it said."""
    booking_id: BookingId | None
    """Once accepted: the booking it is now."""
    allowed_actions: list[str] = Field(examples=[["accept", "decline"]])
    """What the caller may do with the request now; `accept` when its time is known to be free."""
    created_at: datetime
    updated_at: datetime


class MeetingRequestList(Answer):
    """A part of the host's meeting requests."""

    items: list[MeetingRequest]
    next_cursor: str | None
    """Where to go on; null at the end."""


class BookingOnBehalfCreate(BookingCreate):
    """A slot for a visitor, wished by the page's owner or a service."""

    page_id: PageId
    """Which page is booked."""


class BookedOnBehalf(Booking):
    """A confirmed appointment, made for its visitor."""

    kind: Literal["booking"]


class RequestedOnBehalf(MeetingRequest):
    """An appointment asked for on its visitor's behalf: nobody could tell whether the host is free."""

    kind: Literal["meeting_request"]


class OnBehalfResult(RootModel[Annotated[BookedOnBehalf | RequestedOnBehalf, Field(discriminator="kind")]]):
    """The same as the host sees it: a booking (201), or a meeting request (202)."""
