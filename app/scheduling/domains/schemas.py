"""Bodies of domains.

The one rule: what has to be set at the registrar is told in full, ready to be copied.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.ids import DomainId


class DomainUpdate(Strict):
    """What to change; what is absent stays."""

    search_indexing: bool | None = None
    """Let search engines show the pages; null: as at first, they may."""


class DomainCreate(DomainUpdate):
    """A domain to connect."""

    name: Annotated[str, Field(min_length=1, max_length=255, examples=["meet.example.com"])]
    """The host that the pages shall have. Letters of any script; not an address, and nothing before or after."""


class DnsRecord(Answer):
    """A record to set where the domain's DNS is kept."""

    type: Literal["TXT", "CNAME"]
    """`TXT` proves whose the domain is, `CNAME` leads visitors here."""
    name: str = Field(examples=["_calendar-connect.meet.example.com"])
    """The record's whole name."""
    value: str = Field(examples=["calendar-connect-verification=Zm9yZXhhbXBsZW9ubHk"])
    """What the record says."""


class Domain(Answer):
    """A domain of the account."""

    id: DomainId
    """The domain."""
    name: str = Field(examples=["meet.example.com"])
    """As people read it."""
    host: str = Field(examples=["meet.example.com"])
    """As it stands in URLs: ASCII."""
    status: Literal["pending", "connected", "failed"]
    """`pending`: its record is waited for; `connected`: every user of the account may choose it; `failed`: it is not
    the account's, says the check that was asked for, or says every check of 72 hours of one that was connected. It is
    looked at by itself: soon and then less often while it is waited for, for 30 days; once connected, every day. A DNS
    that does not answer takes nothing from a connected domain.
    """
    failure_reason: str | None = Field(examples=["record_missing"])
    """What was wrong at the last check: `record_missing`, `record_wrong`, `dns_timeout`, `dns_failed` or
    `connected_elsewhere`; null: nothing, or there was none.
    """
    remedy: str | None = Field(examples=["Set the TXT record. It may take an hour until it can be seen."])
    """What helps, in the caller's language; null: nothing is wrong."""
    points_here: bool | None
    """Whether the last check saw the `CNAME`, perhaps by way of others; false is fine behind a proxy. Null: it could
    not tell, or there was none.
    """
    search_indexing: bool
    """Whether search engines may show the pages."""
    records: list[DnsRecord]
    """What has to stand in DNS; the `TXT` record stays as long as the domain is connected."""
    allowed_actions: list[str] = Field(examples=[["update", "verify", "delete"]])
    """What the caller can do with it."""
    version: int
    """Rises with every change; the `ETag`. A check by itself that found nothing new is none."""
    connected_at: datetime | None
    """When the first good check was made, since it is connected."""
    checked_at: datetime | None
    """When it was last checked, by itself or because somebody asked."""
    created_at: datetime
    """When it was added."""
    updated_at: datetime
    """When it last changed."""


class DomainList(Answer):
    """A part of the account's domains."""

    items: list[Domain]
    """The oldest first."""
    next_cursor: str | None
    """Where to go on; null at the end."""
