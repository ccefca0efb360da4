"""What a person reads and accepts before connecting (R5).

The one rule: a version names a text. Whoever changes what a disclosure says gives it a new version, so that everybody
reads and accepts it again; a test holds the two together.
"""

from dataclasses import dataclass
from itertools import count, takewhile
from typing import Final

from app.calendar import ProviderName
from app.errors import DisclosureNotAccepted
from app.i18n import Language, has_text, translate
from app.providers.base import Provider

_EXCHANGE_SYNCED: Final = "exchange_synced"
"""The text of Exchange where the deployment has lifted its limits (R24)."""
_VERSIONS: Final = {
    ProviderName.GOOGLE.value: "2026-11-01",
    ProviderName.OFFICE365.value: "2026-11-01",
    ProviderName.EXCHANGE.value: "2026-11-23",
    _EXCHANGE_SYNCED: "2026-11-23-synced",
}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A disclosure in one language; the English text is the one that counts."""

    version: str
    title: str
    paragraphs: tuple[str, ...]
    accept_label: str
    """The text of the button."""


def disclosure_of(provider: Provider, language: Language) -> Disclosure:
    """What to read before connecting this provider as it is deployed here."""
    return disclosure_text(provider.name, language, two_way_sync=provider.features.two_way_sync)


def check_accepted(provider: Provider, version: str) -> None:
    """Raises: DisclosureNotAccepted, with the version there is now."""
    current = _VERSIONS[_name(provider.name, two_way_sync=provider.features.two_way_sync)]
    if version != current:
        raise DisclosureNotAccepted(extra={"version": current})


def disclosure_text(provider: ProviderName, language: Language, *, two_way_sync: bool) -> Disclosure:
    """What to read before connecting this provider; `two_way_sync` is whether events go both ways here."""
    name = _name(provider, two_way_sync=two_way_sync)
    key = f"disclosure.{name}"
    points = takewhile(has_text, (f"{key}.points.{number}" for number in count(1)))
    return Disclosure(
        version=_VERSIONS[name],
        title=translate(language, f"{key}.title"),
        paragraphs=tuple(translate(language, point) for point in points),
        accept_label=translate(language, f"{key}.accept"),
    )


def _name(provider: ProviderName, *, two_way_sync: bool) -> str:
    return _EXCHANGE_SYNCED if provider is ProviderName.EXCHANGE and two_way_sync else provider.value
