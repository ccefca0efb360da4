"""How an event of ours is recognised: by named properties only we know, and by a UID made of its key. Pure.

The one rule: the names are those we use at Office 365, so that a mailbox that moves there brings its marks along.

    the key property      returned by every listing that asks for it, and can be searched for
    the guests property   hashes of the addresses we invited: tells a guest we dropped from one the host added by hand
    the free property     whether it was us who made the event block no time: what a person chose is not ours to undo
    the calendar property a hash of the key of a calendar we made
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from app.providers.ews.soap import Element, t

_NAMESPACE: Final = "6e1cf3a4-0e0c-4a8b-9c5e-0f4f7a1d27b6"
KEY: Final = "calendar_connect_key"
GUESTS: Final = "calendar_connect_guests"
FREE: Final = "calendar_connect_free"
CALENDAR: Final = "calendar_connect_calendar"
FREED: Final = "yes"
TAKEN_BACK: Final = "no"
_FINGERPRINT: Final = 10


def ical_uid(key: str) -> str:
    """The UID of the event with this key."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:40]}@calendar-connect"


def calendar_mark(key: str) -> str:
    """What the calendar with this key carries."""
    return hashlib.sha256(key.encode()).hexdigest()


def path(name: str) -> Element:
    """What names one of our properties in a request."""
    return t("ExtendedFieldURI", PropertySetId=_NAMESPACE, PropertyName=name, PropertyType="String")


def marked(name: str, value: str) -> Element:
    """One of our properties with its value."""
    return t("ExtendedProperty", path(name), t("Value", value))


def fingerprints(addresses: Iterable[str]) -> str:
    """The hashes that go into the guests property."""
    return " ".join(sorted({fingerprint(address) for address in addresses}))


def fingerprint(address: str) -> str:
    """A short hash of an address in lower case: so it stands on events that were written long ago."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:_FINGERPRINT]
