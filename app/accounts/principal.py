"""Who asks, as their token says it. Pure.

The one rule: identity comes from the verified token, never from a body, a path or an object.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from app.errors import Forbidden, Unauthenticated
from app.ids import decode_id
from app.time_zones import is_known_zone


class Permission(StrEnum):
    """What a token may carry in `permissions`."""

    PERSONAL_EMAIL_ACCESS = "personal_email_access"
    """R3: may connect a calendar."""
    USERS_WRITE = "users:write"
    """A service token that may push users (R55)."""
    AUDIT_READ = "audit:read"
    """May read who did what in the whole account: a person who administers it, or a service (R54)."""
    ACCOUNT_EXPORT = "account:export"
    """May take out everything the account holds: a person who administers it, or a service (R54)."""
    ACCOUNT_ERASE = "account:erase"
    """May erase the account (R54)."""
    EVENTS_READ = "events:read"
    """A service token that may read the account's event feed (R52)."""
    FORMS_WRITE = "forms:write"
    """A service token that may say what visitors have answered in the CRM's forms (R40)."""
    BOOKINGS_WRITE = "bookings:write"
    """A service token that may book for visitors on any page of the account, and read, answer and change what is booked
    and asked for there (R50)."""
    WEBHOOKS_WRITE = "webhooks:write"
    """A service token that may say where the account's events are sent (R52)."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A product at a tier: assigned to a user (seat) or bought by the account (subscription)."""

    product: str
    """sales_hub service_hub"""
    tier: str
    """free starter professional enterprise"""

    @classmethod
    def from_claim(cls, claim: Any) -> Self:
        """One entry of the `seats` or `subscriptions` claim."""
        if not isinstance(claim, dict) or not {"product", "tier"} <= claim.keys():
            raise Unauthenticated(detail="claims")
        return cls(product=str(claim["product"]), tier=str(claim["tier"]))


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller."""

    account_id: UUID
    user_id: UUID | None
    """None for a service token."""
    issued_at: datetime
    email: str
    permissions: frozenset[str]
    seats: tuple[Seat, ...]
    subscriptions: tuple[Seat, ...]
    account_opened_at: datetime | None
    locale: str
    time_zone: str

    @property
    def user(self) -> UUID:
        """The user who asks. Raises: Forbidden for a service token."""
        return self.require_person()

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return "service" if self.user_id is None else f"user:{self.user_id}"

    def require_person(self) -> UUID:
        """Who it is. Raises: Forbidden for a service, whatever it may."""
        if self.user_id is None:
            raise Forbidden(detail="user_required")
        return self.user_id

    def require_service(self) -> None:
        """Raises: Forbidden for a person, whatever their token says they may."""
        if self.user_id is not None:
            raise Forbidden(detail="permission_required")

    def require(self, permission: Permission) -> None:
        """Raises: Forbidden."""
        if permission not in self.permissions:
            raise Forbidden(detail="permission_required")


def principal_from_claims(claims: dict[str, Any]) -> Principal:
    """The caller in verified claims. Raises: Unauthenticated when a claim is missing or odd."""
    service = claims.get("service") is True
    try:
        user_id = None if service else decode_id("usr", str(claims["sub"]))
        opened = claims.get("account_created_at")
        return Principal(
            account_id=decode_id("acct", str(claims["account_id"])),
            user_id=user_id,
            issued_at=_instant(claims["iat"]),
            email=str(claims.get("email") or "") if service else _told(claims["email"]),
            permissions=_permissions(claims.get("permissions") or []),
            seats=tuple(map(Seat.from_claim, claims.get("seats") or ())),
            subscriptions=tuple(map(Seat.from_claim, claims.get("subscriptions") or ())),
            account_opened_at=None if opened is None else _instant(opened),
            locale=str(claims.get("locale") or "en"),
            time_zone=_zone(str(claims.get("zoneinfo") or "UTC")),
        )
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise Unauthenticated(detail="claims") from error


def _told(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not said")
    return value


def _permissions(value: object) -> frozenset[str]:
    """Of a list, not of words in one text: its letters would be what somebody may do."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return frozenset(map(_told, value))


def _zone(name: str) -> str:
    """A zone that tzdata lost (or never had) is no reason to lock somebody out."""
    return name if is_known_zone(name) else "UTC"


def _instant(value: object) -> datetime:
    """Epoch seconds or RFC 3339, as an instant in UTC."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    parsed = datetime.fromisoformat(str(value))
    if parsed.tzinfo is None:
        raise ValueError("a naive time")
    return parsed.astimezone(UTC)
