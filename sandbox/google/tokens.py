"""Page tokens and sync tokens. The one rule: they are opaque and signed, and good only for the list they came from."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.google import errors
from sandbox.google.knobs import Knobs

_SIGNATURE_BYTES = 12


@dataclass(frozen=True)
class SyncToken:
    """A position in a change log. `parameters` is a digest of what must not differ; the window is the first list's."""

    resource: str
    generation: int
    offset: int
    parameters: str
    issued_at: float
    time_min: str | None = None
    time_max: str | None = None


@dataclass(frozen=True)
class PageToken:
    """Where the next page begins: after the row `key`. `until` is the log position of the first page."""

    resource: str
    parameters: str
    key: list[str | int]
    until: int
    generation: int


def digest(parameters: dict[str, Any]) -> str:
    text = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seal(token: SyncToken | PageToken, secret: bytes) -> str:
    payload = json.dumps([type(token).__name__[0], asdict(token)], separators=(",", ":")).encode()
    signature = hmac.digest(secret, payload, "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signature + payload).decode().rstrip("=")


def _unseal(kind: str, value: str, secret: bytes) -> dict[str, Any] | None:
    try:
        raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, hmac.digest(secret, payload, "sha256")[:_SIGNATURE_BYTES]):
        return None
    letter, fields = json.loads(payload)
    return fields if letter == kind else None


def open_sync_token(value: str, secret: bytes, resource: str, parameters: str) -> SyncToken:
    """The token, or 400 for one that was not issued for this list and these parameters."""
    fields = _unseal("S", value, secret)
    if fields is None or fields["resource"] != resource or fields["parameters"] != parameters:
        raise errors.invalid("Invalid sync token value.", "syncToken")
    return SyncToken(**fields)


def open_page_token(value: str, secret: bytes, resource: str, parameters: str) -> PageToken:
    fields = _unseal("P", value, secret)
    if fields is None or fields["resource"] != resource or fields["parameters"] != parameters:
        raise errors.invalid("Invalid page token value.", "pageToken")
    return PageToken(**fields)


def check_alive(token: SyncToken, *, generation: int, length: int, now: datetime, knobs: Knobs) -> None:
    """410 for a token that access changes, age or the number of changes since have ended."""
    age = timedelta(seconds=now.timestamp() - token.issued_at)
    too_many = knobs.sync_token_max_changes is not None and length - token.offset > knobs.sync_token_max_changes
    if token.generation != generation or age > knobs.sync_token_max_age or too_many:
        raise errors.full_sync_required()
