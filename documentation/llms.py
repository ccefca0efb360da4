"""`llms.txt` and `llms-full.txt`: the site for readers that want plain text. Pure.
Format: https://llmstxt.org

The one rule: every page is named once, and the full text holds every page as it was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SUMMARY: Final = (
    "Connects a person's Google, Office 365 or Exchange calendar to a CRM, keeps both in step, and lets people book "
    "time on scheduling pages. A JSON API (FastAPI) with a worker, on PostgreSQL."
)


_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Text:
    """One page: where it stands on the site, its section, its title and its Markdown."""

    url: str
    section: str
    title: str
    markdown: str

    @property
    def first_sentence(self) -> str:
        """Its first sentence that is not a heading, a table or a block; empty when there is none."""
        for block in self.markdown.split("\n\n"):
            line = " ".join(block.split())
            if line and line[0] not in "#|`<-![>":
                return _LINK.sub(r"\1", line).partition(". ")[0].rstrip(".:") + "."
        return ""


def short(pages: Iterable[Text]) -> str:
    """The list of pages by section, problems left to their overview."""
    sections: dict[str, list[str]] = {}
    for item in pages:
        told = f": {item.first_sentence}" if item.first_sentence else ""
        sections.setdefault(item.section, []).append(f"- [{item.title}]({item.url}){told}")
    parts = [f"## {name}\n\n" + "\n".join(lines) for name, lines in sections.items()]
    return "\n\n".join(["# calendar-connect", f"> {SUMMARY}", *parts]) + "\n"


def full(pages: Iterable[Text]) -> str:
    """Every page after the other."""
    return "\n\n".join(f"<!-- {item.url} -->\n\n{item.markdown.strip()}" for item in pages) + "\n"
