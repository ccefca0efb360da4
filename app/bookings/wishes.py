"""What a visitor asks for, with the form checked, and what a booking and a meeting request both keep of it.

The one rule: whichever of the two it becomes, the same is kept: nothing that a visitor typed, or agreed to, is lost.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.bookings.forms import check_form, guests_once
from app.bookings.offer import check_open
from app.bookings.schemas import BookingCreate
from app.bookings.tokens import BookingTokens, hash_token
from app.i18n import Language
from app.ids import new_id
from app.models.bookings import MeetingRequest
from app.scheduling.availability import PageTime

_REQUEST_LIFETIME: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Wish:
    """A visitor's wish, its form checked."""

    form: BookingCreate
    answers: list[dict[str, str]]
    consent_text: str | None
    """What they agreed to; the page's owner may write something else before the booking is made."""
    start: int
    language: Language
    by: str
    """Who made it, for the audit log."""
    now: int
    """When notice and window are judged: now, or when the slot was kept (R48)."""


def wish_of(page: PageTime, form: BookingCreate, *, by: str, now: int) -> Wish:
    """Raises: PageTurnedOff, ValidationFailed, ConsentRequired."""
    check_open(page, form.duration_minutes)
    document = page.configuration
    answers = check_form(document, form.answers, form.guests, consent=form.consent, shown=form.consent_text)
    start, language = int(form.start_at.timestamp()), form.language or document.language
    return Wish(form, answers, document.consent_text, start, language, by, now)


def appointment(page: PageTime, wish: Wish, made_id: UUID, tokens: BookingTokens, *, now: datetime) -> dict[str, Any]:
    """The columns that a booking and a meeting request of this id have in common."""
    form = wish.form
    return {
        "account_id": page.account_id,
        "page_id": page.page_id,
        "host_id": page.host.id,
        "starts_at": datetime.fromtimestamp(wish.start, UTC),
        "ends_at": datetime.fromtimestamp(wish.start + form.duration_minutes * 60, UTC),
        "visitor_name": form.name,
        "visitor_email": form.email,
        "visitor_time_zone": form.time_zone,
        "language": wish.language,
        "guests": guests_once(form.email, form.guests),
        "answers": wish.answers,
        "consent_text": wish.consent_text,
        "token_hash": hash_token(tokens.token(made_id)),
        "created_at": now,
        "updated_at": now,
    }


def meeting_request(page: PageTime, wish: Wish, tokens: BookingTokens, *, now: datetime) -> MeetingRequest:
    """A new request, which lapses after two weeks or when its meeting would begin."""
    request_id = new_id()
    shared = appointment(page, wish, request_id, tokens, now=now)
    lapses = min(now + _REQUEST_LIFETIME, shared["starts_at"])
    return MeetingRequest(id=request_id, status="pending", expires_at=lapses, **shared)
