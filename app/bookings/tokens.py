"""The token in a visitor's links: 256 bits that only we could have made.

The one rule: the database holds a hash; the token itself is derived again from the signing key when a mail needs it.
"""

import base64
import hashlib
import hmac
from uuid import UUID

from pydantic import SecretBytes


class BookingTokens:
    """Makes and checks the tokens of bookings and meeting requests; an accepted request's is its booking's."""

    def __init__(self, signing_key: SecretBytes, *, kind: bytes = b"booking-token") -> None:
        self._signing_key = signing_key
        self._key = signing_key.get_secret_value()
        self._kind = kind

    def of_holds(self) -> "BookingTokens":
        """Those of holds: a booking's token is not that of a hold of the same id."""
        return BookingTokens(self._signing_key, kind=b"hold-token")

    def token(self, subject_id: UUID) -> str:
        """The token of a booking, meeting request or hold."""
        digest = hmac.digest(self._key, self._kind + b"|" + subject_id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def mark(self, text: str) -> bytes:
        """What is stored where the same text shall be known again and nobody read it."""
        return hmac.digest(self._key, b"mark|" + text.encode(), "sha256")

    def match(self, token: str, subject_id: UUID, stored_hash: bytes) -> bool:
        """Whether the token is the subject's: the one it was given first, or the one of today's key. Constant time."""
        first = hmac.compare_digest(hash_token(token), stored_hash)
        return hmac.compare_digest(token.encode(), self.token(subject_id).encode()) or first


def hash_token(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()
