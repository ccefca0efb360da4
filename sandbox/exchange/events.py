"""A mailbox's table of events: what happened to its items and folders, for those who subscribed. No HTTP, no XML.

The one rule: a watermark is a position in one mailbox's table, opaque and signed; entries are kept for thirty days.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/watermark
"""

import base64
import binascii
import hashlib
import hmac
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

# Messages are not simulated: nobody is ever told of new mail.
EventKind = Literal[
    "CopiedEvent",
    "CreatedEvent",
    "DeletedEvent",
    "ModifiedEvent",
    "MovedEvent",
    "NewMailEvent",
    "FreeBusyChangedEvent",
]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
KEPT_FOR = timedelta(days=30)
_SIGNATURE = 8
_PLACE = struct.Struct("<16sQ")


@dataclass(frozen=True)
class Subject:
    """An item or a folder, and the folder it is in, by the ids they have at that time."""

    id: str
    parent: str
    is_folder: bool = False


@dataclass(frozen=True)
class Event:
    """One entry. `old` is what a moved object was before, or what was copied."""

    kind: EventKind
    subject: Subject
    at: datetime
    old: Subject | None = None

    def touches(self, folders: frozenset[str]) -> bool:
        """Whether who watches these folders sees it: what is in them comes, goes or changes, or they themselves do."""
        subjects = (self.subject, self.old) if self.old is not None else (self.subject,)
        return any(one.parent in folders or (one.is_folder and one.id in folders) for one in subjects)


class EventTable:
    """Entries from first to last. Whoever listens is woken by every addition, and looks for himself what it is."""

    def __init__(self, mailbox: uuid.UUID) -> None:
        self.entries: list[Event] = []
        self.listeners: set[Callable[[], None]] = set()
        self._mailbox = mailbox

    @property
    def end(self) -> int:
        return len(self.entries)

    def add(self, *events: Event) -> None:
        self.entries += events
        for wake in tuple(self.listeners):
            wake()

    def watermark(self, position: int, secret: bytes) -> str:
        """How a client names the place behind `position` entries."""
        place = _PLACE.pack(self._mailbox.bytes, position)
        return base64.b64encode(_signature(place, secret) + place).decode()

    def find(self, watermark: str, secret: bytes, now: datetime) -> int | None:
        """The place a watermark names; None where it is no place of this table, or entries behind it are gone."""
        try:
            raw = base64.b64decode(watermark, validate=True)
            mailbox, position = _PLACE.unpack(raw[_SIGNATURE:])
        except (binascii.Error, ValueError, struct.error):
            return None
        genuine = hmac.compare_digest(raw[:_SIGNATURE], _signature(raw[_SIGNATURE:], secret))
        if not genuine or mailbox != self._mailbox.bytes or position > self.end:
            return None
        gone = position < self.end and now - self.entries[position].at > KEPT_FOR
        return None if gone else int(position)


def _signature(place: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, place, hashlib.sha256).digest()[:_SIGNATURE]
