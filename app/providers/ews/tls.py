"""TLS as every connection to Exchange has it.

The one rule: the server is always verified. A certification authority of a company's own is added to the trusted ones
for the one connection that brought it; nothing ever turns verification off.
"""

import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes


@dataclass(slots=True)
class Deadline:
    """When what is under way has to be over."""

    at: float = 0.0
    """By `time.monotonic()`."""

    def remaining(self) -> float:
        """The seconds left. Raises: TimeoutError."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class DeadlineSocket(ssl.SSLSocket):
    """A TLS socket that nobody can hold up for longer than it was given, however slowly they drip.

    A plain timeout starts again with every byte.
    """

    deadline = Deadline()
    """Set by whoever opened it."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """See `socket.recv_into`."""
        self.settimeout(self.deadline.remaining())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """See `socket.send`."""
        self.settimeout(self.deadline.remaining())
        return super().send(*args, **kwargs)


@lru_cache(maxsize=64)
def context_for(certificate: str | None, minimum: ssl.TLSVersion) -> ssl.SSLContext:
    """The context of all connections that trust the same; to load the system's authorities takes its time.

    Raises: ssl.SSLError, TypeError when the certificate is none.
    """
    context = ssl.create_default_context()
    context.minimum_version = minimum
    context.sslsocket_class = DeadlineSocket
    if certificate:
        context.load_verify_locations(cadata=certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be a root: what was given is trusted
    return context


def fingerprint(certificate: bytes | None) -> bytes | None:
    """The hash of a server's certificate (DER) that ties a password's proof to this very TLS connection (RFC 5929,
    tls-server-end-point). Servers with Extended Protection refuse NTLM without it."""
    if certificate is None:
        return None
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return digest.finalize()
