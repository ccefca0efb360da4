"""Identifiers: UUIDv7 inside, TypeIDs outside (`conn_01k…`: a prefix and 26 characters of base32).

The one rule: a TypeID with the wrong prefix is no identifier at all.
Format: https://github.com/jetify-com/typeid/tree/main/spec
"""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import uuid_utils.compat
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_SUFFIX: Final = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id() -> UUID:
    """A fresh UUIDv7: ids made later sort later."""
    return uuid_utils.compat.uuid7()


def first_id_at(moment: datetime) -> UUID:
    """No id that is made from that moment on is smaller: a UUIDv7 begins with its milliseconds (RFC 9562, 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def encode_id(prefix: str, value: UUID) -> str:
    """The TypeID of a UUID."""
    number = value.int
    letters = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(letters)}"


def decode_id(prefix: str, text: str) -> UUID:
    """The UUID in a TypeID. Raises: ValueError for another prefix or a malformed suffix."""
    head, _, suffix = text.rpartition("_")
    if head != prefix or not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"not a {prefix} id")
    number = 0
    for letter in suffix:
        number = number << 5 | _VALUES[letter]
    return UUID(int=number)


def _pieces(prefix: str) -> tuple[BeforeValidator, PlainSerializer, WithJsonSchema]:
    def parse(value: object) -> UUID:
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str):
            raise ValueError(f"not a {prefix} id")  # noqa: TRY004 - pydantic turns ValueErrors into field errors
        return decode_id(prefix, value)

    schema = {
        "type": "string",
        "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
        "examples": [f"{prefix}_01k9qj5v3mfb9t2z8h4c6x7wdn"],
    }
    return BeforeValidator(parse), PlainSerializer(lambda value: encode_id(prefix, value)), WithJsonSchema(schema)


def _of_any_kind(value: object) -> UUID:
    if not isinstance(value, str):
        raise ValueError("not an id")  # noqa: TRY004 - pydantic turns ValueErrors into field errors
    return decode_id(value.rpartition("_")[0], value)


_ANY = {"type": "string", "pattern": "^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$"}
AnyId = Annotated[
    UUID, BeforeValidator(_of_any_kind), WithJsonSchema(_ANY | {"examples": ["bkg_01k9qj5v3mfb9t2z8h4c6x7wdn"]})
]
"""The id of anything the API shows."""
AccountId = Annotated[UUID, *_pieces("acct")]
UserId = Annotated[UUID, *_pieces("usr")]
ConnectionId = Annotated[UUID, *_pieces("conn")]
AuthorizationId = Annotated[UUID, *_pieces("auth")]
CalendarId = Annotated[UUID, *_pieces("cal")]
PageId = Annotated[UUID, *_pieces("page")]
BookingId = Annotated[UUID, *_pieces("bkg")]
MeetingRequestId = Annotated[UUID, *_pieces("mreq")]
HoldId = Annotated[UUID, *_pieces("hold")]
InboxId = Annotated[UUID, *_pieces("inb")]
DomainId = Annotated[UUID, *_pieces("dom")]
TimeProposalId = Annotated[UUID, *_pieces("prop")]
EventId = Annotated[UUID, *_pieces("evt")]
ContactId = Annotated[UUID, *_pieces("cont")]
EngagementId = Annotated[UUID, *_pieces("eng")]
TaskId = Annotated[UUID, *_pieces("task")]
DriftEntryId = Annotated[UUID, *_pieces("drift")]
WebhookEndpointId = Annotated[UUID, *_pieces("whe")]
WebhookDeliveryId = Annotated[UUID, *_pieces("whd")]
