"""The `$skiptoken` and `$deltatoken` of a calendar view's delta.

The one rule: they are opaque and signed, carry the window they were made for, and are good for one calendar only.
"""

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sandbox.microsoft import errors
from sandbox.microsoft.times import Window

_SIGNATURE_BYTES = 16


@dataclass(frozen=True)
class SyncState:
    """Where a client stands. `offset` is a position in the change log: what came before it has been told.

    Within a round `until` is where the round began and `after` the key of the last row told; `full` is the first round.
    """

    calendar: str
    window_start: float
    window_end: float
    generation: int
    offset: int
    issued_at: float
    until: int | None = None
    after: int = 0
    full: bool = False

    @property
    def window(self) -> Window:
        return Window(datetime.fromtimestamp(self.window_start, UTC), datetime.fromtimestamp(self.window_end, UTC))


def seal(state: SyncState, secret: bytes) -> str:
    payload = json.dumps(list(asdict(state).values()), separators=(",", ":")).encode()
    signature = hmac.digest(secret, payload, "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signature + payload).decode().rstrip("=")


def unseal(value: str, secret: bytes, calendar: str, *, within_round: bool) -> SyncState:
    """The state, or 400 for one that was not issued for this calendar and this kind of link."""
    try:
        raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        raise errors.sync_state_invalid() from None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, hmac.digest(secret, payload, "sha256")[:_SIGNATURE_BYTES]):
        raise errors.sync_state_invalid()
    state = SyncState(*json.loads(payload))
    if state.calendar != calendar or (state.until is not None) != within_round:
        raise errors.sync_state_invalid()
    return state
