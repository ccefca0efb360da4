"""The token in a visitor's links: 256 bits that only we could have made.

The one rule: the database holds a hash; the token itself is made again from the signing key when a mail needs it.
"""

import base64
import hashlib
import hmac
from uuid import UUID

from pydantic import SecretBytes


class BookingTokens:
    """Makes and checks the tokens of bookings and meeting requests."""

    def __init__(self, signing_key: SecretBytes) -> None:
        self._key = signing_key.get_secret_value()

    def token(self, subject_id: UUID) -> str:
        """The token of a booking or meeting request."""
        digest = hmac.digest(self._key, b"booking-token|" + subject_id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def token_matches(token: str, stored_hash: bytes) -> bool:
    """Whether the token is the one that was stored; in constant time."""
    return hmac.compare_digest(hash_token(token), stored_hash)
