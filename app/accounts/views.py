"""From what is known of a caller to what is answered. Pure.

The one rule: reasons and remedies are told in the caller's language, beside their codes.
"""

from collections.abc import Iterable

from app.accounts import schemas
from app.accounts.principal import Principal, Seat
from app.i18n import Language, translate
from app.models.accounts import User


def user_view(user: User) -> schemas.User:
    """A user of the CRM."""
    return schemas.User(id=user.id, email=user.email, name=user.name, locale=user.locale, time_zone=user.time_zone)


def seat_views(seats: Iterable[Seat]) -> list[schemas.Seat]:
    """Seats or subscriptions."""
    return [schemas.Seat(product=seat.product, tier=seat.tier) for seat in seats]


def account_view(principal: Principal) -> schemas.Account:
    """The caller's account, as the token tells it."""
    return schemas.Account(
        id=principal.account_id,
        created_at=principal.account_opened_at,
        subscriptions=seat_views(principal.subscriptions),
    )


def capability_view(capability: str, reason: str | None, language: Language) -> schemas.CapabilityStatus:
    """Whether something can be done, and what would help."""
    return schemas.CapabilityStatus(
        capability=capability,
        available=reason is None,
        reason=reason,
        reason_text=None if reason is None else translate(language, f"reason.{reason}"),
        remedy=None if reason is None else translate(language, f"remedy.{reason}"),
    )
