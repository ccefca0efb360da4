"""Bodies about the caller and the CRM's users, and what every body has in common.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, EmailStr, Field, model_validator
from pydantic_core import PydanticCustomError

from app.i18n import Language
from app.ids import AccountId, UserId
from app.time_zones import TimeZone
from app.written_times import Instant

_NO_CHARACTER = re.compile("[\\x00\\ud800-\\udfff]")
"""JSON can say them; PostgreSQL and UTF-8 cannot."""


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return _NO_CHARACTER.search(value) is None
    if isinstance(value, dict):
        return all(map(_storable, value.values()))
    return all(map(_storable, value)) if isinstance(value, list) else True


class Strict(BaseModel):
    """A body that refuses fields it does not know, values of another type (a text is no number, `1` and `"yes"` are no
    `true`), and texts that cannot be stored.
    """

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    @model_validator(mode="after")
    def _texts_can_be_stored(self) -> Self:
        if not all(map(_storable, self.__dict__.values())):
            raise PydanticCustomError("not_text", "a text holds what is no character")
        return self


ChosenLanguage = Annotated[Language, Field(strict=False)]
"""A language in a body: there it is a text."""


class Answer(BaseModel):
    """An answer: every field is always there."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, json_schema_serialization_defaults_required=True, from_attributes=True
    )


class Seat(Answer):
    """A product at a tier."""

    product: str = Field(examples=["sales_hub"])
    """sales_hub or service_hub."""
    tier: str = Field(examples=["professional"])
    """free, starter, professional or enterprise."""


class SeatAssignment(Strict):
    """A product at a tier."""

    product: Literal["sales_hub", "service_hub"]
    """The product."""
    tier: Literal["free", "starter", "professional", "enterprise"]
    """The tier."""


class User(Answer):
    """A user of the CRM."""

    id: UserId
    email: str
    name: str | None
    locale: str
    """BCP 47."""
    time_zone: str
    """IANA name."""


class LegacyConnection(Strict):
    """A connection made long ago."""

    provider: Literal["google", "office365", "exchange"]
    email: Annotated[EmailStr, Field(max_length=254, examples=["ada@example.com"])]
    """The connected account's address."""
    purpose: Literal["calendar", "meetings"]
    """`calendar` keeps the CRM in step, `meetings` takes bookings."""


class UserUpsert(Strict):
    """The CRM's user, whole."""

    email: Annotated[EmailStr, Field(max_length=254, examples=["ada@example.com"])]
    """The user's address in the CRM."""
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Shown to visitors as the host's name."""
    locale: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["sv-SE"])]
    """BCP 47."""
    time_zone: TimeZone
    """IANA name."""
    permissions: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]
    """What the user may do, such as `personal_email_access`."""
    seats: Annotated[list[SeatAssignment], Field(max_length=20)]
    """Seats assigned to the user."""
    subscriptions: Annotated[list[SeatAssignment], Field(max_length=20)]
    """What the account has bought."""
    account_created_at: Instant | None = None
    """When the CRM account was created."""
    legacy_connections: Annotated[list[LegacyConnection], Field(max_length=2)] | None = None
    """The two connections that a user of an account created before 2023-03-13 already had: one per purpose. Their
    person authorizes them again. Taken over once, while the user has none.
    """


class Account(Answer):
    """The caller's account."""

    id: AccountId
    created_at: datetime | None
    """When the CRM account was created."""
    subscriptions: list[Seat]
    """What the account has bought."""


class ConnectionLimit(Answer):
    """How many connections the person may have."""

    limit: int
    """The most at once."""
    used: int
    """How many there are."""


class CapabilityStatus(Answer):
    """Whether something can be done, and if not, why and what helps."""

    capability: str = Field(examples=["calendar_sync"])
    available: bool
    reason: str | None = Field(examples=["no_connection"])
    """Why not, a code."""
    reason_text: str | None
    """Why not, in the caller's language."""
    remedy: str | None
    """What helps, in the caller's language."""


class Me(Answer):
    """The caller: who, with which rights, and what follows from them."""

    user: User | None
    """Null for a service token."""
    account: Account
    permissions: list[str]
    seats: list[Seat]
    """Seats assigned to the user."""
    connection_limit: ConnectionLimit
    capabilities: list[CapabilityStatus]
