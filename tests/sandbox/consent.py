"""A client on its way through the consent of Google and Microsoft: its address, its secret, and what it is answered.

The one rule: they are the same at both, since the standard is.
"""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx

REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "a-code-verifier-of-some-forty-three-characters-at-least"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def answer_of(response: httpx.Response) -> dict[str, str]:
    """The query of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}
