"""Bodies of meeting links and of slugs and whether they are free.

The one rule: of what another account has it is said that it is taken, and nothing more.
"""

from typing import Literal

from pydantic import Field

from app.accounts.schemas import Answer
from app.ids import PageId


class MeetingLink(Answer):
    """The link of one of the caller's pages."""

    page_id: PageId
    """The page it shows."""
    name: str = Field(examples=["Intro"])
    """What the page is called."""
    type: Literal["personal", "group", "round_robin"]
    """Whose time is offered."""
    slug: str
    """The page's slug, the prefix of its time included."""
    meeting_link: str
    """The URL to hand out, on the domain that the caller has chosen."""
    is_default: bool
    """E-mail templates insert this one."""
    turned_off: bool = Field(examples=[False])
    """The caller's pages are turned off for now."""


class MeetingLinkList(Answer):
    """A part of the caller's meeting links."""

    items: list[MeetingLink]
    """The oldest page first."""
    next_cursor: str | None
    """Where to go on; null at the end."""


class SlugAvailability(Answer):
    """Whether a page made now could have a slug."""

    slug: str = Field(examples=["ada/intro"])
    """The whole slug: what was asked for behind the caller's meetings URL."""
    available: bool
    """False: it is taken, on whichever domain."""
    conflicts_with_domain: str | None = Field(examples=[None])
    """The host of the link that has it, a page's or somebody's meetings URL, when that is one of the caller's account;
    else null.
    """
    meeting_link: str
    """What the page's link would be."""
