"""How an event of ours is recognised: by its transaction id, and by named properties only we know. Pure.

The one rule: the key can be read back from the transaction id, because that is the only mark a delta carries.

    transactionId         set once, at the create; Graph refuses it a second time; is in every listing, deltas included
    the key property      can be searched for anywhere in a calendar; can be set later; is never in a delta
    the guests property   hashes of the addresses we invited: tells a guest we dropped from one the host added by hand
    the free property     whether it was us who made the event block no time: what a person chose is not ours to undo
    the calendar property a hash of the key of a calendar we made; Graph searches values whatever their case

A transaction id stays taken when its event is deleted, so that bringing the event back needs the next *attempt*.
Outlook's own ids are free text too ("localevent:…"), so nothing asks for a GUID.
https://learn.microsoft.com/graph/api/resources/event
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote

_PREFIX: Final = "calendar-connect"
_TRANSACTION: Final = re.compile(rf"{_PREFIX}:\d+:(.+)")
_NAMESPACE: Final = "{6e1cf3a4-0e0c-4a8b-9c5e-0f4f7a1d27b6}"
KEY_PROPERTY: Final = f"String {_NAMESPACE} Name calendar_connect_key"
GUESTS_PROPERTY: Final = f"String {_NAMESPACE} Name calendar_connect_guests"
FREE_PROPERTY: Final = f"String {_NAMESPACE} Name calendar_connect_free"
CALENDAR_PROPERTY: Final = f"String {_NAMESPACE} Name calendar_connect_calendar"
FREE: Final = "yes"
TAKEN_BACK: Final = "no"
_FINGERPRINT: Final = 10


def transaction_id(key: str, attempt: int) -> str:
    """The transaction id of an attempt to create the event with this key."""
    return f"{_PREFIX}:{attempt}:{quote(key, safe=':')}"


def key_of(transaction: str | None) -> str | None:
    """The key in a transaction id of ours; None in any other."""
    found = _TRANSACTION.fullmatch(transaction or "")
    return None if found is None else unquote(found[1])


def expanded(*property_ids: str) -> str:
    """The `$expand` that brings some of the properties along."""
    wanted = " or ".join(f"id eq '{property_id}'" for property_id in property_ids)
    return f"singleValueExtendedProperties($filter={wanted})"


def has_key(key: str) -> str:
    """The `$filter` for the event with this key."""
    return _has(KEY_PROPERTY, key)


def calendar_mark(key: str) -> str:
    """What the calendar with this key carries."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_calendar_of(key: str) -> str:
    """The `$filter` for the calendar with this key."""
    return _has(CALENDAR_PROPERTY, calendar_mark(key))


def fingerprints(addresses: Iterable[str]) -> str:
    """The hashes that go into the guests property."""
    return " ".join(sorted({fingerprint(address) for address in addresses}))


def fingerprint(address: str) -> str:
    """A short hash of an address in lower case: so it stands on events that were written long ago."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:_FINGERPRINT]


def _has(property_id: str, value: str) -> str:
    value = value.replace("'", "''")
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{property_id}' and ep/value eq '{value}')"
