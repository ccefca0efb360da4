"""What a person reads and accepts before connecting (R5).

The one rule: a version names a text. Who changes what a disclosure says gives it a new version, so that everybody
reads and accepts it again; a test holds the two together.
"""

from dataclasses import dataclass
from itertools import count, takewhile
from typing import Final

from app.calendar import ProviderName
from app.i18n import Language, has_text, translate

_VERSIONS: Final = {
    ProviderName.GOOGLE: "2026-11-01",
    ProviderName.OFFICE365: "2026-11-01",
    ProviderName.EXCHANGE: "2026-11-01",
}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A disclosure in one language; the English text is the one that counts."""

    version: str
    title: str
    paragraphs: tuple[str, ...]
    accept_label: str
    """The text of the button."""


def disclosure_text(provider: ProviderName, language: Language) -> Disclosure:
    """What to read before connecting this provider."""
    key = f"disclosure.{provider.value}"
    points = takewhile(has_text, (f"{key}.points.{number}" for number in count(1)))
    return Disclosure(
        version=_VERSIONS[provider],
        title=translate(language, f"{key}.title"),
        paragraphs=tuple(translate(language, point) for point in points),
        accept_label=translate(language, f"{key}.accept"),
    )
