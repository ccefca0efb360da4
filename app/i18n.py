"""What is said to people, in their language (R51).

The one rule: the catalogues hold the words, the code holds keys. English prevails where a translation is missing, and
a key that English does not have is a mistake.

The catalogues are `locales/<language>/LC_MESSAGES/*.po`; their message ids are the keys.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, format_time, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

_LOCALES: Final = Path(__file__).parent / "locales"

# CLDR puts typographic spaces around "AM" and into ranges. Some mail readers show a box for them.
_TYPOGRAPHIC_SPACES: Final = str.maketrans({"\u2009": " ", "\u202f": " ", "\u00a0": " "})
_TO: Final = " \u2013 "
_MARKS: Final = ("?", ":", ".", "!")


class Language(StrEnum):
    """The languages we speak."""

    EN = "en"
    SV = "sv"
    DE = "de"
    IT = "it"
    PL = "pl"


def negotiate(accept_language: str | None, default: Language = Language.EN) -> Language:
    """The language to answer in: the best of an `Accept-Language` header (RFC 9110 12.5.4), else `default`.

    A range stands for every language it begins with (`sv-SE` for Swedish). A locale such as `sv_SE` is read as well.
    """
    weights = _weights(accept_language or "")
    others = weights.pop("*", 0.0)
    best = max(weights, key=lambda language: weights[language], default=None)
    if best is not None and weights[best] >= others and weights[best] > 0:
        return Language(best)
    if others > 0:
        return next((item for item in (default, *Language) if item not in weights), default)
    return default


def translate(language: Language, key: str, **values: object) -> str:
    """The text of a key with its places filled in. Raises: KeyError when English does not have the key or a value."""
    text = catalogue(language).gettext(key)
    if text == key:
        raise KeyError(key)
    return text.format_map(values)


def translate_count(language: Language, key: str, count: int, **values: object) -> str:
    """The same for a text that depends on a number, which it may name as `{count}`."""
    text: str = catalogue(language).ngettext(key, key, count)
    if text == key:
        raise KeyError(key)
    return text.format_map({"count": count, **values})


def has_text(key: str) -> bool:
    """Whether there is a text of this key."""
    return catalogue(Language.EN).gettext(key) != key


def introducing(label: str) -> str:
    """A label as it stands before what it is the label of: with a colon, unless it ends in a mark of its own."""
    return label if label.endswith(_MARKS) else f"{label}:"


@cache
def catalogue(language: Language) -> Translations:
    """The texts of a language, read when they are first asked for, with the English ones behind them."""
    translations, *more = map(partial(_read, language), sorted((_LOCALES / language / "LC_MESSAGES").glob("*.po")))
    for file in more:
        translations.merge(file)
    if language is not Language.EN:
        translations.add_fallback(catalogue(Language.EN))
    return translations


def _read(language: Language, path: Path) -> Translations:
    with path.open("rb") as file:
        entries = read_po(file, locale=language.value, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return Translations(compiled)


def format_day(language: Language, day: date) -> str:
    """A day with its weekday and year: `Monday, March 2, 2026`."""
    return _plain(format_date(day, "full", _locale(language)))


def format_when(language: Language, start: datetime, end: datetime, zone: str) -> str:
    """A span as the clocks of an IANA zone show it, with its day and the zone's name.

    Where midnight or a change of the clocks lies in between, both ends are told in full.
    """
    first, last = (moment.astimezone(ZoneInfo(zone)) for moment in (start, end))
    name = _zone_name(language, first)
    if first.utcoffset() != last.utcoffset():
        return f"{_moment(language, first)} ({name}){_TO}{_moment(language, last)} ({_zone_name(language, last)})"
    if first.date() != last.date():
        return f"{_moment(language, first)}{_TO}{_moment(language, last)} ({name})"
    hours = format_interval(first, last, _hours(language), tzinfo=first.tzinfo, locale=_locale(language))
    return f"{format_day(language, first)}, {_plain(hours)} ({name})"


def format_start(language: Language, start: datetime, zone: str) -> str:
    """A moment in few words, for a subject line: `Mon, Mar 2, 10:00 AM`."""
    local = start.astimezone(ZoneInfo(zone))
    day = format_skeleton("MMMEd", local, tzinfo=local.tzinfo, locale=_locale(language))
    return f"{_plain(day)}, {_clock(language, local)}"


def _weights(header: str) -> dict[str, float]:
    """How much each of our languages, and `*`, is wanted. The first of equals stays first; a refused one weighs 0."""
    weights: dict[str, float] = {}
    for tag, quality in sorted(_ranges(header), key=lambda item: -item[1]):
        weights.setdefault(tag, quality)
    return weights


def _ranges(header: str) -> Iterable[tuple[str, float]]:
    for item in header.split(","):
        tag, _, parameters = item.partition(";")
        primary = tag.strip().replace("_", "-").partition("-")[0].lower()
        quality = _quality(parameters)
        if quality is not None and (primary == "*" or primary in set(Language)):
            yield primary, quality


def _quality(parameters: str) -> float | None:
    """The `q` of a range: 0 to 1, 1 when there is none, None when it is not a quality."""
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return None
    return quality if name.strip().lower() == "q" and 0 <= quality <= 1 else None


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(language.value)


def _hours(language: Language) -> str:
    """The CLDR skeleton of a time of day: twelve hours or twenty-four."""
    return "hm" if language is Language.EN else "Hm"


def _moment(language: Language, local: datetime) -> str:
    clock = translate(language, "moment.clock", time=_clock(language, local))
    return f"{format_day(language, local)}, {clock}"


def _clock(language: Language, local: datetime) -> str:
    return _plain(format_time(local, "short", tzinfo=local.tzinfo, locale=_locale(language)))


def _zone_name(language: Language, local: datetime) -> str:
    """`Central European Summer Time`; where CLDR has nothing but the offset, the city beside it."""
    name = get_timezone_name(local, "long", zone_variant=_zone_variant(local), locale=_locale(language))
    region, _, city = str(local.tzinfo).rpartition("/")
    if name.startswith("GMT") and region not in {"", "Etc"}:
        return f"{city.replace('_', ' ')}, {name}"
    return name


def _zone_variant(local: datetime) -> Literal["daylight", "standard"]:
    """Read from the offsets: the zone data call the Irish winter the saving one, where CLDR names the summer so."""
    offset = local.utcoffset() or timedelta(0)
    usual = min(local.replace(month=month, day=1).utcoffset() or timedelta(0) for month in (1, 7))
    return "daylight" if offset > usual else "standard"


def _plain(text: str) -> str:
    return text.translate(_TYPOGRAPHIC_SPACES)
