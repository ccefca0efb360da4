"""The ids of calendars and events, in both of Outlook's formats.

The one rule: an id says where a thing is and nothing else. The default format names the folder, so moving an event
changes it; the immutable format does not. An occurrence has its series' id with its day inside.
https://learn.microsoft.com/graph/outlook-immutable-id
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from datetime import date
from uuid import NAMESPACE_DNS, UUID, uuid5

_MUTABLE = b"\x00\x03\x24\x00"
_IMMUTABLE = bytes.fromhex("0009002e00000000001d840311aa6611cd9bc800aa002f845a0d00")
_ITEM, _OCCURRENCE, _FOLDER = b"\x00\x46", b"\x01\x51", b"\x00\x2e"
_TOKEN = 16
_GUID = 36


@dataclass(frozen=True)
class EventId:
    """An id taken apart. `folder` is None in the immutable format; `day` is set for an occurrence."""

    mailbox: str
    item: bytes
    folder: bytes | None = None
    day: date | None = None


def guid_of(text: str) -> str:
    """A stable GUID for an account, a tenant, a mailbox."""
    return str(uuid5(NAMESPACE_DNS, text))


def token_of(text: str) -> bytes:
    """Sixteen bytes that stand for a folder or an item."""
    return hashlib.sha256(text.encode()).digest()[:_TOKEN]


def folder_id(mailbox: str, folder: bytes) -> str:
    return _text(_MUTABLE + mailbox.encode() + _FOLDER + bytes(6) + folder + b"\x01\x00" + bytes(4))


def default_group(mailbox: str) -> bytes:
    """The token of the group of calendars that every mailbox has."""
    return token_of(f"{mailbox} calendar group")


def mutable_id(event: EventId) -> str:
    assert event.folder is not None
    return _text(
        _MUTABLE + event.mailbox.encode() + _kind(event.day) + bytes(6) + event.folder + b"\x07\x00" + event.item
    )


def immutable_id(event: EventId) -> str:
    return _text(_IMMUTABLE + UUID(event.mailbox).bytes + _kind(event.day) + event.item)


def read_folder_id(value: str) -> tuple[str, bytes] | None:
    """The mailbox and the folder's token, or None for what is no id of a folder."""
    raw = _bytes(value)
    if raw is None or not raw.startswith(_MUTABLE) or len(raw) != 4 + _GUID + 8 + _TOKEN + 6:
        return None
    mailbox, kind = raw[4 : 4 + _GUID].decode("ascii", "replace"), raw[4 + _GUID : 6 + _GUID]
    return (mailbox, raw[12 + _GUID : 12 + _GUID + _TOKEN]) if kind == _FOLDER else None


def read_event_id(value: str) -> EventId | None:
    """An id in either format, or None for what is malformed."""
    raw = _bytes(value)
    if raw is None:
        return None
    if raw.startswith(_IMMUTABLE):
        return _read_immutable(raw[len(_IMMUTABLE) :])
    if raw.startswith(_MUTABLE):
        return _read_mutable(raw[len(_MUTABLE) :])
    return None


def _read_immutable(raw: bytes) -> EventId | None:
    mailbox, rest = raw[:16], raw[16:]
    found = _read_kind(rest)
    if len(mailbox) != 16 or found is None or len(found[1]) != _TOKEN:
        return None
    return EventId(str(UUID(bytes=mailbox)), found[1], None, found[0])


def _read_mutable(raw: bytes) -> EventId | None:
    found = _read_kind(raw[_GUID:])
    if found is None or len(found[1]) != 6 + _TOKEN + 2 + _TOKEN:
        return None
    rest = found[1][6:]
    return EventId(raw[:_GUID].decode("ascii", "replace"), rest[_TOKEN + 2 :], rest[:_TOKEN], found[0])


def _kind(day: date | None) -> bytes:
    return _ITEM if day is None else _OCCURRENCE + struct.pack(">I", day.toordinal())


def _read_kind(raw: bytes) -> tuple[date | None, bytes] | None:
    if raw.startswith(_ITEM):
        return None, raw[2:]
    if raw.startswith(_OCCURRENCE) and len(raw) > 6:
        ordinal = struct.unpack(">I", raw[2:6])[0]
        return (date.fromordinal(ordinal), raw[6:]) if 0 < ordinal < date.max.toordinal() else None
    return None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _bytes(value: str) -> bytes | None:
    try:
        return base64.b64decode(value.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


# The GlobalObjectId of iCalendar (MS-OXOCAL 2.2.1.27); four bytes in it are the day of an occurrence.
_GLOBAL = bytes.fromhex("040000008200e00074c5b7101a82e008")


def new_uid(item: bytes) -> str:
    """The `iCalUId` of a new event or series."""
    return (_GLOBAL + bytes(4) + item[:8] + bytes(8) + struct.pack("<I", 16) + item).hex().upper()


def occurrence_uid(uid: str, day: date) -> str:
    """The `iCalUId` of one occurrence: the series' with the day in it."""
    if not uid.upper().startswith(_GLOBAL.hex().upper()):
        return f"{uid}_{day:%Y%m%d}"
    return uid[:32] + struct.pack(">HBB", day.year, day.month, day.day).hex().upper() + uid[40:]
