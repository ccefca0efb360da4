"""Bodies of proposed times.

The one rule: a proposal tells which times it names and nothing of whom it was sent to; we never learn who that is.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.i18n import Language
from app.ids import BookingId, PageId, TimeProposalId
from app.time_zones import TimeZone
from app.written_times import WrittenTime

MOST_TIMES = 10
_PAGE = "https://meet.example.com/meetings/ada/intro"
_OTHER = "Choose another time"
_STARTS = ["2026-12-01T09:00:00+01:00", "2026-12-02T14:00:00+01:00"]

Grade = Literal["confirmable", "request_only"]
Start = Annotated[WrittenTime, Field(examples=["2026-12-01T09:00:00+01:00"])]


class GivenTimes(Strict):
    """Times that the caller names."""

    kind: Literal["given"]
    start_at: Annotated[list[Start], Field(min_length=1, max_length=MOST_TIMES, examples=[_STARTS])]
    """The starts of offered slots, each with its offset; they may not overlap."""


class ChosenTimes(Strict):
    """Times that are chosen for the caller."""

    kind: Literal["chosen"]
    count: Annotated[int, Field(ge=1, le=MOST_TIMES, examples=[3])]
    """How many; fewer are answered when fewer are open."""
    earliest: Start | None = None
    """Not before this; absent: from now on. They are looked for over four weeks."""
    spread_over_days: bool = True
    """One on each day in turn, mornings and afternoons by turns; false: the earliest that are open."""


class TimeProposalCreate(Strict):
    """A few open times of one page, to be put into a mail."""

    page_id: PageId
    """One of the caller's pages."""
    duration_minutes: Annotated[int, Field(ge=5, le=1440, examples=[30])]
    """One of the page's durations, in minutes."""
    time_zone: TimeZone
    """The recipient's zone (IANA): the texts speak in it."""
    times: Annotated[GivenTimes | ChosenTimes, Field(discriminator="kind")]
    """Which times."""


class ProposedTime(Answer):
    """A proposed time."""

    start_at: datetime
    end_at: datetime
    link: str = Field(
        examples=[f"{_PAGE}?start_at=2026-12-01T08:00:00Z&duration_minutes=30&proposal=prop_01k9qj5v3mfb9t2z8h4c6x7wdn"]
    )
    """Opens the page at this time."""


class TimeProposal(Answer):
    """Proposed times, ready to be put into a mail. Nothing is reserved."""

    id: TimeProposalId
    page_id: PageId
    duration_minutes: int
    """How long each is, in minutes."""
    time_zone: str
    """The recipient's zone (IANA)."""
    language: Language
    """The language of the texts: the page's."""
    times: list[ProposedTime]
    """Rising."""
    text: str = Field(examples=[f"This time would suit me. Follow the link to book it:\n\n[…]\n\n{_OTHER}: {_PAGE}\n"])
    """For a plain mail."""
    html: str = Field(examples=[f'<div lang="en">[…]<p><a href="{_PAGE}">{_OTHER}</a></p></div>'])
    """For an HTML mail: a fragment without scripts, styles or pictures."""
    status: Literal["open", "expired"]
    """`expired`: it counts as open no more, for it is old or was booked."""
    booking_id: BookingId | None
    """The meeting that was booked by it, as long as that is not cancelled."""
    expires_at: datetime = Field(examples=["2026-11-27T10:15:00Z"])
    """Until when it counts as open, unless it is booked before: seven days, or the start of the last time."""
    created_at: datetime


class NearTime(Answer):
    """An open time near a proposed one, in UTC: show it in the visitor's zone."""

    start_at: datetime
    end_at: datetime
    grade: Grade
    """`request_only`: booking it makes a meeting request, and it cannot be held."""


class PublicProposedTime(Answer):
    """A proposed time, as it is now."""

    start_at: datetime
    end_at: datetime
    status: Literal["open", "taken"]
    """`taken`: it cannot be booked any more."""
    grade: Grade | None
    """As that of a slot: `request_only` is asked for, and cannot be held. Null: it is taken."""
    booked: bool
    """It is taken by what was booked by this proposal."""
    nearest: list[NearTime] = Field(examples=[[]])
    """Open times near a taken one, rising; empty for an open one, and for the one that was booked by this proposal."""


class PublicTimeProposal(Answer):
    """Proposed times, as their recipient sees them."""

    id: TimeProposalId
    page_id: PageId
    page_name: str = Field(examples=["Intro"])
    """What the page is called."""
    host_name: str | None
    """Who will be met; null: one of several."""
    host_available: bool
    """False: nobody can book at the moment."""
    mode: Literal["online", "offline"]
    """`offline`: booking makes a meeting request."""
    duration_minutes: int
    """How long each is, in minutes."""
    time_zone: str
    """The recipient's zone (IANA), as the sender took it to be."""
    status: Literal["open", "expired"]
    """`expired`: it counts as open no more, for it is old or was booked; what is open of it can be booked all the same.
    """
    booked: bool
    """A meeting was booked by it, and is not cancelled. Another one is booked without `proposal_id`."""
    expires_at: datetime = Field(examples=["2026-11-27T10:15:00Z"])
    """Until when it counts as open."""
    times: list[PublicProposedTime]
    """Rising."""
