"""Proposed times as a part of a mail, in the page's language and the recipient's zone. Pure.

The one rule: HTML is escaped here, once; whatever stands in a name or a link is text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from app.i18n import Language, format_when, translate, translate_count


@dataclass(frozen=True, slots=True)
class LinkedTime:
    """A time and where it is booked."""

    start_at: datetime
    end_at: datetime
    link: str


def plain_text(language: Language, times: Sequence[LinkedTime], *, zone: str, meeting_link: str) -> str:
    """The times as lines, each with its link below it."""
    lines = [translate_count(language, "proposal.intro", len(times)), ""]
    for time in times:
        lines += [f"- {format_when(language, time.start_at, time.end_at, zone)}", f"  {time.link}"]
    return "\n".join([*lines, "", f"{translate(language, 'proposal.other_times')}: {meeting_link}", ""])


def html_fragment(language: Language, times: Sequence[LinkedTime], *, zone: str, meeting_link: str) -> str:
    """The times as a list of links."""
    intro = translate_count(language, "proposal.intro", len(times))
    items = [_link(time.link, format_when(language, time.start_at, time.end_at, zone)) for time in times]
    listed = "".join(f"<li>{item}</li>" for item in items)
    other = _link(meeting_link, translate(language, "proposal.other_times"))
    return f'<div lang="{language.value}"><p>{escape(intro)}</p><ul>{listed}</ul><p>{other}</p></div>'


def _link(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>'
