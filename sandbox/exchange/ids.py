"""Item, folder and change keys: opaque to clients, and shaped as Exchange shapes them.

The one rule: an id is made of the mailbox, the folder and the object's number in its store, so a move, which gives the
object another number, changes it. Ids are case-sensitive, and nothing in them is secret.

The bytes are those of Exchange: a header, the mailbox's GUID as text, and the entry id of the store (46 bytes for a
folder, 70 for an item), behind which an occurrence carries the day it is about.
"""

import base64
import binascii
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

_MAILBOX_GUID_BASED = 3
_NORMAL, _OCCURRENCE = 0, 1
_FOLDER_ENTRY, _ITEM_ENTRY = 46, 70
_FOLDER_TYPE, _ITEM_TYPE = b"\x01\x00", b"\x07\x00"
_FOLDER_KIND, _ITEM_KIND = b"\x01\x00\x00\x00", b"\x0f\x00\x00\x00"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_ATTACHED = struct.Struct("<BHI")
_LEGACY_MARK = b"\x00\x00LEGACY"


class InvalidId(ValueError):
    """Not an id this server could have given. `code` is ErrorInvalidIdMalformed, ErrorInvalidIdEmpty or the like."""

    def __init__(self, code: str = "ErrorInvalidIdMalformed", message: str = "Id is malformed.") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class StoreId:
    """What an id says. `item` None: a folder. `original`: the occurrence that starts then."""

    mailbox: uuid.UUID
    folder: int
    item: int | None = None
    original: datetime | None = None

    def entry(self) -> bytes:
        """The store's own id of the object, without the occurrence."""
        start = b"\x00" * 4 + self.mailbox.bytes_le
        folder = _database(self.mailbox) + self.folder.to_bytes(6, "big") + b"\x00\x00"
        if self.item is None:
            return start + _FOLDER_TYPE + folder
        return start + _ITEM_TYPE + folder + _database(self.mailbox) + self.item.to_bytes(6, "big") + b"\x00\x00"

    def text(self) -> str:
        """As it goes out: base64 without line breaks."""
        kind = _NORMAL if self.original is None else _OCCURRENCE
        entry = self.entry()
        if self.original is not None:
            entry += struct.pack("<q", filetime(self.original))
        moniker = str(self.mailbox).encode()
        head = struct.pack("<BBH", 0, _MAILBOX_GUID_BASED, len(moniker)) + moniker
        return base64.b64encode(head + struct.pack("<BH", kind, len(entry)) + entry).decode()


def _database(mailbox: uuid.UUID) -> bytes:
    return uuid.uuid5(mailbox, "database").bytes_le


def filetime(instant: datetime) -> int:
    """Windows' count of 100 ns since 1601."""
    return int((instant - _EPOCH).total_seconds()) * 10_000_000


def read_id(text: str) -> StoreId:
    """Raises InvalidId."""
    if not text:
        raise InvalidId("ErrorInvalidIdEmpty", "Id must be non-empty.")
    raw = _decode(text)
    try:
        _, kind, length = struct.unpack_from("<BBH", raw)
        mailbox = uuid.UUID(raw[4 : 4 + length].decode("ascii"))
        processing, size = struct.unpack_from("<BH", raw, 4 + length)
        entry = raw[7 + length :]
    except (struct.error, ValueError) as error:
        raise InvalidId from error
    if kind != _MAILBOX_GUID_BASED or len(entry) != size:
        raise InvalidId
    return _read_entry(entry, mailbox, occurrence=processing == _OCCURRENCE)


def _read_entry(entry: bytes, mailbox: uuid.UUID, *, occurrence: bool = False) -> StoreId:
    if len(entry) == _FOLDER_ENTRY and entry[20:22] == _FOLDER_TYPE:
        return StoreId(mailbox, int.from_bytes(entry[38:44], "big"))
    if len(entry) < _ITEM_ENTRY or entry[20:22] != _ITEM_TYPE:
        raise InvalidId
    folder, item = int.from_bytes(entry[38:44], "big"), int.from_bytes(entry[62:68], "big")
    if not occurrence:
        return StoreId(mailbox, folder, item)
    if len(entry) != _ITEM_ENTRY + 8:
        raise InvalidId
    (ticks,) = struct.unpack_from("<q", entry, _ITEM_ENTRY)
    try:
        return StoreId(mailbox, folder, item, _EPOCH + timedelta(microseconds=ticks // 10))
    except OverflowError as error:
        raise InvalidId from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidId from error


def attachment_id(item: str, number: int) -> str:
    """The id of what is attached to an item: the item's own, and a number."""
    return base64.b64encode(_decode(item) + _ATTACHED.pack(1, 4, number)).decode()


def read_attachment_id(text: str) -> tuple[str, int]:
    """The item's id and the number. Raises InvalidId."""
    if not text:
        raise InvalidId("ErrorInvalidIdEmpty", "Id must be non-empty.")
    raw = _decode(text)
    if len(raw) <= _ATTACHED.size or raw[-_ATTACHED.size :][:3] != b"\x01\x04\x00":
        raise InvalidId("ErrorInvalidAttachmentId", "The attachment ID is not valid.")
    *_, number = _ATTACHED.unpack(raw[-_ATTACHED.size :])
    return base64.b64encode(raw[: -_ATTACHED.size]).decode(), number


def change_key(mailbox: uuid.UUID, version: int, *, folder: bool = False) -> str:
    """The version of an object, as `ChangeKey` tells it."""
    kind = _FOLDER_KIND if folder else _ITEM_KIND
    key = _database(mailbox) + version.to_bytes(6, "big")
    return base64.b64encode(kind + struct.pack("<I", len(key)) + key).decode()


def bare_change_key(*, folder: bool = False) -> str:
    """The key events carry: it says what kind of object it is of, and no version."""
    return base64.b64encode(_FOLDER_KIND if folder else _ITEM_KIND).decode()


def read_change_key(text: str) -> int | None:
    """The version in a change key, None in a bare one. Raises InvalidId with ErrorInvalidChangeKey."""
    try:
        raw = _decode(text)
    except InvalidId:
        raw = b""
    if raw in {_FOLDER_KIND, _ITEM_KIND}:
        return None
    if len(raw) != 30 or struct.unpack_from("<I", raw, 4) != (22,):
        raise InvalidId("ErrorInvalidChangeKey", "The change key is invalid.")
    return int.from_bytes(raw[24:30], "big")


# other formats, for ConvertId ------------------------------------------------------------------


def write_format(store_id: StoreId, form: str) -> str:
    """An id in one of ConvertId's formats."""
    if form == "EntryId":
        return base64.b64encode(store_id.entry()).decode()
    if form == "HexEntryId":
        return store_id.entry().hex().upper()
    if form == "StoreId":
        return base64.b64encode(b"\x2e" + store_id.entry()).decode()
    if form == "OwaId":
        return quote(store_id.text(), safe="")
    if form == "EwsLegacyId":
        return base64.b64encode(_LEGACY_MARK + base64.b64decode(store_id.text())).decode()
    return store_id.text()


def read_format(text: str, form: str, mailbox: uuid.UUID) -> StoreId:
    """The opposite; the formats of the store do not say the mailbox. Raises InvalidId."""
    if form == "HexEntryId":
        try:
            return _read_entry(bytes.fromhex(text), mailbox)
        except ValueError as error:
            raise InvalidId from error
    if form == "EntryId":
        return _read_entry(_decode(text), mailbox)
    if form == "StoreId":
        raw = _decode(text)
        return _read_entry(raw[1:], mailbox)
    if form == "OwaId":
        return read_id(unquote(text))
    if form == "EwsLegacyId":
        raw = _decode(text)
        if not raw.startswith(_LEGACY_MARK):
            raise InvalidId
        return read_id(base64.b64encode(raw.removeprefix(_LEGACY_MARK)).decode())
    return read_id(text)


# global object ids ------------------------------------------------------------------------------

_BYTE_ARRAY_ID = bytes.fromhex("040000008200E00074C5B7101A82E008")
_VCAL = b"vCal-Uid\x01\x00\x00\x00"


def new_global_id(created: datetime, unique: bytes) -> bytes:
    """A meeting's id across mailboxes, as Outlook makes one (MS-OXOCAL 2.2.1.27)."""
    return _global_id(struct.pack("<q", filetime(created)), unique)


def _global_id(created: bytes, data: bytes) -> bytes:
    return _BYTE_ARRAY_ID + b"\x00" * 4 + created + b"\x00" * 8 + struct.pack("<I", len(data)) + data


def global_id_of_uid(uid: str) -> bytes:
    """The global id of an iCalendar UID: itself where it is one in hexadecimal, else wrapped as `vCal-Uid`."""
    try:
        raw = bytes.fromhex(uid)
    except ValueError:
        raw = b""
    if raw.startswith(_BYTE_ARRAY_ID):
        return clean(raw)
    return _global_id(b"\x00" * 8, _VCAL + uid.encode() + b"\x00")


def clean(global_id: bytes) -> bytes:
    """Without the day of the occurrence: the same for a series and all that belongs to it."""
    return global_id[:16] + b"\x00" * 4 + global_id[20:]


def dated(global_id: bytes, original: datetime) -> bytes:
    """With the day of one occurrence in it."""
    day = struct.pack(">HBB", original.year, original.month, original.day)
    return global_id[:16] + day + global_id[20:]
