"""What a connection to Exchange is made of, and its form at rest.

The one rule: it shows itself to nobody: what it holds leaves it only as the secret that the vault seals.
"""

import hashlib
from enum import StrEnum

import msgspec

from app.providers.base import Misconfigured

_FORM = 1


class Scheme(StrEnum):
    """How the server wants the password: its own word in `WWW-Authenticate`."""

    BASIC = "Basic"
    NTLM = "NTLM"
    NEGOTIATE = "Negotiate"
    """Carries NTLM here: Kerberos needs a ticket that we have no way to get."""


class Login(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address, a password and how to use them."""

    form: int = _FORM
    url: str
    username: str
    password: str
    email: str
    version: str
    """The server's build when it was verified, `14.2.247.5`."""
    scheme: Scheme
    certificate: str | None = None
    """A certification authority of the server's own, PEM."""
    serial: str = ""
    """New with every verification: the same password, proved good again, is another login than the one refused."""

    @classmethod
    def read(cls, secret: str) -> "Login":
        """The login behind a secret of ours. Raises: Misconfigured."""
        try:
            login = msgspec.json.decode(secret, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Misconfigured("not a login of ours", operation="ews.open") from None
        if login.form != _FORM:
            raise Misconfigured("a login of another form", operation="ews.open")
        return login

    def secret(self) -> str:
        """The form at rest."""
        return msgspec.json.encode(self).decode()

    @property
    def mailbox(self) -> str:
        """Names the mailbox among others in this process: what its turns are counted by."""
        return _digest(self.url, self.username.lower())

    @property
    def digest(self) -> str:
        """Names this very login, password included, without telling it."""
        return _digest(self.secret())

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Login(url={self.url!r}, version={self.version!r})"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
