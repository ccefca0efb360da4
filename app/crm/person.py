"""Who a contact is, as far as the account can tell: every address it has been known by, and its name.

The one rule: an address is theirs as long as nobody else's contact has it now.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import normalised
from app.crm import repository
from app.models.crm import Contact
from app.models.events import FeedEvent
from app.sync.people import AddressBook

STRUCK: Final = "…"
_LISTS_OF_PEOPLE: Final = {"guests", "attendees"}
_NO_TEXT: Final = frozenset(
    "id email zone language locale reader occasion status type kind provider".split()  # noqa: SIM905 - reads better
)
_NO_TEXT_ENDS: Final = ("_id", "_at", "_url", "_email", "_zone")
"""What our own code says, and addresses: a Paris is to lose its name, Europe/Paris is not."""
_TELLING: Final = 3
"""Shorter names stand in too many texts; an ideograph says as much as two letters."""
_IDEOGRAPHS: Final = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IDEOGRAPH: Final = re.compile(f"[{_IDEOGRAPHS}]")
_RUNNING_ON: Final = _IDEOGRAPHS + r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uac00-\ud7a3\uff66-\uff9f"
"""Scripts that set no space between words, or none between a name and what follows it: any letter may be the end."""
_RUNS_ON: Final = re.compile(f"[{_RUNNING_ON}]")
_LETTER: Final = rf"[^\W{_RUNNING_ON}]"


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, or who was one."""

    addresses: frozenset[str]
    """Normalised; and in lower case, for that is how the database compares what is stored as it was written."""
    hashes: frozenset[bytes]
    """The account's keyed hashes of them."""
    words: tuple[str, ...]
    """What names them in a text: addresses, name, number; the longest first."""

    def is_at(self, column: Any) -> ColumnElement[bool]:
        """A column holds an address of theirs."""
        return func.lower(column).in_(self.addresses)

    def has(self, address: str) -> bool:
        """It is an address of theirs."""
        return normalised(address) in self.addresses or address.lower() in self.addresses

    def also_called(self, names: Iterable[str]) -> "Person":
        """The same person, who has called themselves otherwise elsewhere."""
        return replace(self, words=_words(*self.words, *names))

    def strike(self, text: str) -> str:
        """A text without what names them; whatever else it says stays."""
        for word in self.words:
            text = re.sub(_pattern(word), STRUCK, text, flags=re.IGNORECASE)
        return text

    def strike_all(self, value: Any) -> Any:
        """The same in every text of a document; among guests and attendees their entry goes."""
        match value:
            case str():
                return self.strike(value)
            case dict():
                return {key: self._struck_entry(key, item) for key, item in value.items()}
            case list():
                return [self.strike_all(item) for item in value]
            case _:
                return value

    def _struck_entry(self, key: str, item: Any) -> Any:
        if key in _LISTS_OF_PEOPLE and isinstance(item, list):
            others = [one for one in item if not self._is_them(one)]
            return [one if isinstance(one, str) else self.strike_all(one) for one in others]
        if isinstance(item, str) and (key in _NO_TEXT or key.endswith(_NO_TEXT_ENDS)):
            return STRUCK if self.has(item) else item
        return self.strike_all(item)

    def _is_them(self, item: Any) -> bool:
        address = item.get("email") if isinstance(item, dict) else item
        return isinstance(address, str) and self.has(address)


async def person_of(session: AsyncSession, people: AddressBook, contact: Contact) -> Person:
    """The contact and what it was known by before, as far as the feed remembers."""
    former = await session.scalars(
        select(FeedEvent.data["email"].astext).where(
            FeedEvent.account_id == contact.account_id,
            FeedEvent.subject_id == contact.id,
            FeedEvent.data["email"].astext.is_not(None),
        )
    )
    hasher = await people.hasher(session, contact.account_id)
    known = {hasher.hash(address): address for address in {contact.email, *former}}
    others = await repository.contacts_with(session, known)
    mine = {
        hashed: address for hashed, address in known.items() if hashed not in others or others[hashed].id == contact.id
    }
    return Person(
        addresses=frozenset(spelt for address in mine.values() for spelt in (normalised(address), address.lower())),
        hashes=frozenset(mine),
        words=_words(*mine.values(), contact.name, contact.phone),
    )


def person_at(address_hash: bytes, address: str) -> Person:
    """Who is no contact any more, by the one address that is left of them."""
    return Person(frozenset({normalised(address), address.lower()}), frozenset({address_hash}), _words(address))


def _words(*candidates: str | None) -> tuple[str, ...]:
    told = {word.strip() for word in candidates if word is not None} - {""}
    return tuple(sorted(told, key=lambda word: (-len(word), word)))


def _pattern(word: str) -> str:
    """Where a word names them: as a whole word; one that is too short to tell, at the end of a title that we made."""
    exact = re.escape(word)
    if len(word) + len(_IDEOGRAPH.findall(word)) < _TELLING:
        return rf"(?<=: ){exact}\Z"
    before = "" if _RUNS_ON.match(word[0]) else f"(?<!{_LETTER})"
    after = "" if _RUNS_ON.match(word[-1]) else f"(?!{_LETTER})"
    return f"{before}{exact}{after}"
