"""What each mail says: from facts to a subject, a text, a page and an invitation. Pure.

The one rule: a letter holds facts, kept as JSON until it is sent; the words come from the catalogues and are chosen
when it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.i18n import Language, format_start, format_when, has_text, introducing, translate, translate_count
from app.models.base import Json
from app.outbound.ics import Invite, invite

_LONGEST_NAME: Final = 80
"""In a subject, of which a header takes 200 characters."""
_TEMPLATES: Final = Path(__file__).parent / "templates"


class Occasion(StrEnum):
    """What happened to an appointment."""

    CONFIRMED = "confirmed"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    """What was asked for is booked; for the visitor."""
    DECLINED = "declined"
    """What was asked for is refused; for the visitor."""
    WITHDRAWN = "withdrawn"
    """What was asked for is asked for no more; for the host."""
    EXPIRED = "expired"
    """What was asked for was never answered; for the visitor."""
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    """Its event was changed or deleted, and is put back: it takes place as it was booked."""
    REMINDER = "reminder"


class Reader(StrEnum):
    """Whom a letter about an appointment is for."""

    VISITOR = "visitor"
    GUEST = "guest"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class AppointmentLetter:
    """About a booking or a meeting request. What is None or empty is not said."""

    occasion: Occasion
    reader: Reader
    language: Language
    time_zone: str
    """The reader's."""
    page_name: str
    host_name: str | None
    visitor_name: str
    starts_at: datetime
    ends_at: datetime
    former: tuple[datetime, datetime] | None = None
    location: str | None = None
    video: bool = False
    """The meeting is a video call, whose link comes with the event."""
    visitor_email: str | None = None
    guests: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    """Label and value of what the visitor filled in."""
    reason: str | None = None
    booking_id: UUID | None = None
    """The reader may change it: the two links are made when the mail is sent, for they carry a token."""
    reschedule_until: datetime | None = None
    cancel_until: datetime | None = None
    """A mail that is sent later has no such link."""
    request_id: UUID | None = None
    """The reader may withdraw it: that link too is made when the mail is sent."""
    reschedule_url: str | None = None
    cancel_url: str | None = None
    withdraw_url: str | None = None
    book_url: str | None = None
    """Where another time can be chosen."""
    settings_url: str | None = None
    """Where the host connects or mends a calendar; of what is asked for it is put in when the mail is sent."""
    unread: bool = False
    """It is only asked for, because a calendar cannot be read."""
    invite: Invite | None = None


@dataclass(frozen=True, slots=True)
class BlockedLetter:
    """Somebody tried to book while a calendar could not be read (R30)."""

    language: Language
    page_name: str
    calendars: tuple[str, ...]
    settings_url: str
    remedies: tuple[str, ...] = ("regain", "remove")
    """What helps, of `reconnect regain remove`."""


@dataclass(frozen=True, slots=True)
class IncompleteLetter:
    """Somebody tried to book a group of which not everybody has a calendar (R27)."""

    language: Language
    page_name: str
    members: tuple[str, ...]
    """Who has none."""
    settings_url: str


@dataclass(frozen=True, slots=True)
class BrokenLetter:
    """A connection stopped working, and only its person can mend it (R16)."""

    language: Language
    provider: str
    """As people call it: `Google`, `Office 365`, `Exchange`."""
    email: str
    settings_url: str | None = None
    """Where to reconnect."""
    booked: bool = True
    """It takes the person's bookings."""
    synced: bool = False
    """It is kept in step with the CRM."""


@dataclass(frozen=True, slots=True)
class UnwrittenLetter:
    """The booking stands, but its event could not be brought into the host's calendar, or out of it (R46)."""

    language: Language
    time_zone: str
    """The host's."""
    title: str
    starts_at: datetime
    ends_at: datetime
    removing: bool
    """The booking was cancelled, and the event still stands."""
    error: str
    """What the provider said, a code."""


Content = AppointmentLetter | BlockedLetter | IncompleteLetter | BrokenLetter | UnwrittenLetter
_KINDS: Final[dict[str, type[Content]]] = {
    "appointment": AppointmentLetter,
    "blocked": BlockedLetter,
    "incomplete": IncompleteLetter,
    "broken": BrokenLetter,
    "unwritten": UnwrittenLetter,
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in words."""

    subject: str
    text: str
    html: str
    calendar: bytes | None = None
    calendar_method: str | None = None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the layout shows, from top to bottom."""

    language: str
    heading: str
    paragraphs: list[str]
    rows: list[tuple[str, str]]
    steps: list[str]
    actions: list[tuple[str, str]]
    """Label and address; the first stands out."""
    footer: str


def to_json(content: Content) -> Json:
    """The facts as they are stored."""
    about = next(name for name, kind in _KINDS.items() if isinstance(content, kind))
    return {"about": about, **msgspec.to_builtins(content)}


def from_json(stored: Json) -> Content:
    """The facts as they were."""
    kind = _KINDS[stored["about"]]
    facts = {name: value for name, value in stored.items() if name != "about"}
    return msgspec.convert(facts, type=kind)


def compose(content: Content) -> Letter:
    """The mail in the reader's language."""
    match content:
        case AppointmentLetter():
            return _appointment(content)
        case BlockedLetter():
            return _letter(translate(content.language, "mail.blocked.subject"), _blocked(content))
        case IncompleteLetter():
            return _letter(translate(content.language, "mail.blocked.subject"), _incomplete(content))
        case BrokenLetter():
            return _letter(translate(content.language, "mail.broken.subject", email=content.email), _broken(content))
        case UnwrittenLetter():
            return _unwritten(content)


def _appointment(facts: AppointmentLetter) -> Letter:
    key = f"mail.{facts.occasion}.{facts.reader}"
    subject = translate(
        facts.language,
        f"{key}.subject",
        page=_short(facts.page_name),
        visitor=_short(facts.visitor_name),
        start=format_start(facts.language, facts.starts_at, facts.time_zone),
    )
    sheet = _Sheet(
        language=facts.language,
        heading=translate(facts.language, f"{key}.heading", visitor=facts.visitor_name),
        paragraphs=_paragraphs(facts, key),
        rows=_rows(facts),
        steps=[],
        actions=_actions(facts),
        footer=translate(facts.language, "mail.footer"),
    )
    if facts.invite is None:
        return _letter(subject, sheet)
    return _letter(subject, sheet, calendar=invite(facts.invite), method=facts.invite.method)


def _paragraphs(facts: AppointmentLetter, key: str) -> list[str]:
    """What is to be said beside the rows, if anything is."""
    text = f"{key}.unread" if facts.unread else f"{key}.text"
    said = [text] if has_text(text) else []
    if facts.book_url is not None:
        said.append("mail.another_time")
    return [" ".join(translate(facts.language, part) for part in said)] if said else []


def _rows(facts: AppointmentLetter) -> list[tuple[str, str]]:
    when = _when(facts, (facts.starts_at, facts.ends_at))
    video = translate(facts.language, f"mail.video.{facts.reader}") if facts.video else None
    told: list[tuple[str, str | None]] = [
        ("what", facts.page_name),
        ("when", when),
        ("before", None if facts.former is None else _when(facts, facts.former)),
        ("where", facts.location or video),
        ("host", facts.host_name if facts.reader is not Reader.HOST else None),
        ("visitor", facts.visitor_name if facts.reader is not Reader.VISITOR else None),
        ("email", facts.visitor_email),
        ("reason", facts.reason),
    ]
    rows = [(translate(facts.language, f"mail.label.{name}"), value) for name, value in told if value]
    return [*rows, *_guests(facts), *facts.answers]


def _guests(facts: AppointmentLetter) -> list[tuple[str, str]]:
    label = translate_count(facts.language, "mail.label.guests", len(facts.guests))
    return [(label, ", ".join(facts.guests))] if facts.guests else []


def _when(facts: AppointmentLetter, span: tuple[datetime, datetime]) -> str:
    return format_when(facts.language, span[0], span[1], facts.time_zone)


def _actions(facts: AppointmentLetter) -> list[tuple[str, str]]:
    offered = [
        ("reschedule", facts.reschedule_url),
        ("cancel", facts.cancel_url),
        ("withdraw", facts.withdraw_url),
        ("book", facts.book_url),
        ("settings", facts.settings_url),
    ]
    return [(translate(facts.language, f"mail.action.{name}"), url) for name, url in offered if url]


def _blocked(facts: BlockedLetter) -> _Sheet:
    return _attempt(facts, "mail.blocked.text", ("mail.label.calendar", facts.calendars), facts.remedies)


def _incomplete(facts: IncompleteLetter) -> _Sheet:
    return _attempt(facts, "mail.blocked.members", ("mail.label.no_calendar", facts.members), ("connect", "leave"))


def _attempt(
    facts: BlockedLetter | IncompleteLetter, text: str, named: tuple[str, Sequence[str]], remedies: Sequence[str]
) -> _Sheet:
    """Somebody tried to book: what is in the way, by its label, and what helps."""
    language, (label, names) = facts.language, named
    return _Sheet(
        language=language,
        heading=translate(language, "mail.blocked.heading"),
        paragraphs=[translate(language, text, page=facts.page_name)],
        rows=[(translate(language, label), name) for name in names],
        steps=[translate(language, f"mail.blocked.{remedy}") for remedy in remedies],
        actions=[(translate(language, "mail.action.settings"), facts.settings_url)],
        footer=translate(language, "mail.footer"),
    )


def _broken(facts: BrokenLetter) -> _Sheet:
    language = facts.language
    return _Sheet(
        language=language,
        heading=translate(language, "mail.broken.heading"),
        paragraphs=[_broken_text(facts), translate(language, "mail.broken.remedy")],
        rows=[(translate(language, "mail.label.account"), f"{facts.email} ({facts.provider})")],
        steps=[],
        actions=[(translate(language, "mail.action.reconnect"), facts.settings_url)] if facts.settings_url else [],
        footer=translate(language, "mail.footer"),
    )


def _broken_text(facts: BrokenLetter) -> str:
    """What happened, and what does not work until it is mended."""
    purposes = {(True, True): "both", (True, False): "booked", (False, True): "synced"}
    until_then = purposes.get((facts.booked, facts.synced))
    parts = ["text"] if until_then is None else ["text", until_then]
    return " ".join(translate(facts.language, f"mail.broken.{part}") for part in parts)


def _unwritten(facts: UnwrittenLetter) -> Letter:
    language = facts.language
    wish = f"mail.unwritten.{'remove' if facts.removing else 'put'}"
    known = f"mail.unwritten.reason.{facts.error}"
    reason = known if has_text(known) else "mail.unwritten.reason.other"
    start = format_start(language, facts.starts_at, facts.time_zone)
    when = format_when(language, facts.starts_at, facts.ends_at, facts.time_zone)
    sheet = _Sheet(
        language=language,
        heading=translate(language, f"{wish}.heading"),
        paragraphs=[translate(language, key) for key in (f"{wish}.text", f"{wish}.remedy", "mail.unwritten.access")],
        rows=[
            (translate(language, "mail.label.what"), facts.title),
            (translate(language, "mail.label.when"), when),
            (translate(language, "mail.label.reason"), translate(language, reason)),
        ],
        steps=[],
        actions=[],
        footer=translate(language, "mail.footer"),
    )
    return _letter(translate(language, f"{wish}.subject", title=_short(facts.title), start=start), sheet)


def _short(name: str) -> str:
    """A name as a subject has room for it, with the time behind it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"


def _letter(subject: str, sheet: _Sheet, *, calendar: bytes | None = None, method: str | None = None) -> Letter:
    environment = _environment()
    shown: dict[str, Any] = {"sheet": sheet, "subject": subject}
    text = environment.get_template("layout.txt").render(shown).strip() + "\n"
    return Letter(subject, text, environment.get_template("layout.html").render(shown), calendar, method)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["introducing"] = introducing
    return environment
