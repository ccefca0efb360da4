"""From proposals to answers. Pure.

The one rule: what the recipient sees is built field by field (R34).
"""

from datetime import UTC, datetime, timedelta

from app.outbound.links import Links
from app.scheduling.configuration import Configuration
from app.scheduling.proposals.schemas import (
    Grade,
    NearTime,
    ProposedTime,
    PublicProposedTime,
    PublicTimeProposal,
    TimeProposal,
)
from app.scheduling.proposals.service import Proposed, Shown, Standing
from app.scheduling.proposals.text import LinkedTime, html_fragment, plain_text


def proposal_view(proposed: Proposed, meeting_link: str) -> TimeProposal:
    """A proposal, as its sender sees it."""
    row, length = proposed.row, timedelta(minutes=proposed.row.duration_minutes)
    language = Configuration.model_validate(proposed.page.configuration).language
    times = [
        LinkedTime(
            start, start + length, Links.proposed_time(meeting_link, start, proposed.row.duration_minutes, row.id)
        )
        for start in row.starts_at
    ]
    return TimeProposal(
        id=row.id,
        page_id=row.page_id,
        duration_minutes=row.duration_minutes,
        time_zone=row.time_zone,
        language=language,
        times=[ProposedTime(start_at=time.start_at, end_at=time.end_at, link=time.link) for time in times],
        text=plain_text(language, times, zone=row.time_zone, meeting_link=meeting_link),
        html=html_fragment(language, times, zone=row.time_zone, meeting_link=meeting_link),
        status="open" if proposed.open else "expired",
        booking_id=None if proposed.booked is None else proposed.booked.id,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def public_proposal_view(shown: Shown) -> PublicTimeProposal:
    """A proposal, as its recipient sees it."""
    row, page, length = shown.row, shown.page, shown.row.duration_minutes * 60
    return PublicTimeProposal(
        id=row.id,
        page_id=row.page_id,
        page_name=page.name,
        host_name=page.public_host_name,
        host_available=not page.unavailable,
        mode=page.mode.value,
        duration_minutes=row.duration_minutes,
        time_zone=row.time_zone,
        status="open" if shown.open else "expired",
        booked=shown.booked,
        expires_at=row.expires_at,
        times=[
            PublicProposedTime(
                start_at=_instant(time.start),
                end_at=_instant(time.start + length),
                status="open" if time.open else "taken",
                grade=_grade(time, time.start) if time.open else None,
                booked=time.booked,
                nearest=[
                    NearTime(start_at=_instant(near), end_at=_instant(near + length), grade=_grade(time, near))
                    for near in time.nearest
                ],
            )
            for time in shown.times
        ],
    )


def _grade(time: Standing, start: int) -> Grade:
    return "confirmable" if start in time.firm else "request_only"


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
