"""Who signs in: Basic with every request, NTLM once for a connection.

The one rule: NTLM belongs to the connection. A handshake that is continued on another one begins anew, and a request on
an authenticated connection needs no credentials. Every wrong password is counted, so that a test can count attempts.
"""

import asyncio
import base64
import binascii
import hmac
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spnego
from spnego.exceptions import SpnegoError

from sandbox.exchange.world import ExchangeWorld, Mailbox

REALM = "mail.sandbox.example"
DOMAIN = "SANDBOX"
# Always pyspnego's own code, never a library of the system's, so that the simulator is the same everywhere.
_OPTIONS = {"ntlm": spnego.NegotiateOptions.use_ntlm, "negotiate": spnego.NegotiateOptions.use_negotiate}


@dataclass
class Connection:
    """What the server remembers of one connection."""

    transport: asyncio.Transport | None
    handshake: Any = None
    email: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Either somebody is signed in, or the answer is 401 with these challenges."""

    mailbox: Mailbox | None
    challenges: tuple[str, ...] = ()


class Authenticator:
    """Decides who a request is from."""

    def __init__(self, world: ExchangeWorld) -> None:
        self._world = world
        self._connections: dict[object, Connection] = {}
        self._generation = world.logon_generation

    def connection(self, transport: asyncio.Transport | None, peer: object) -> Connection:
        """The connection a request came on; those that are closed are forgotten."""
        if self._generation != self._world.logon_generation:  # the world was reset: nobody is signed in any more
            self._generation = self._world.logon_generation
            self._connections.clear()
        self._connections = {
            key: one
            for key, one in self._connections.items()
            if one.transport is None or not one.transport.is_closing()
        }
        key: object = id(transport) if transport is not None else peer
        return self._connections.setdefault(key, Connection(transport))

    def judge(self, connection: Connection, header: str | None) -> Verdict:
        """Who an `Authorization` header (or the connection) stands for."""
        scheme, _, token = (header or "").partition(" ")
        scheme = scheme.lower()
        if scheme == "basic" and "basic" in self._world.knobs.authentication:
            return self._basic(token)
        if scheme in {"ntlm", "negotiate"} and scheme in self._world.knobs.authentication:
            return self._ntlm(connection, scheme, token)
        known = self._world.mailboxes.get(connection.email or "")
        if known is not None and not scheme:
            return Verdict(known)
        return self._refuse()

    def _refuse(self) -> Verdict:
        shown = {"negotiate": "Negotiate", "ntlm": "NTLM", "basic": f'Basic realm="{REALM}"'}
        offered = (shown[name] for name in ("negotiate", "ntlm", "basic") if name in self._world.knobs.authentication)
        return Verdict(None, tuple(offered))

    def _basic(self, token: str) -> Verdict:
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return self._refuse()
        mailbox = find_account(self._world, name)
        if mailbox is None:
            return self._refuse()
        if self._locked(mailbox) or not hmac.compare_digest(mailbox.password.encode(), password.encode()):
            mailbox.failed_logons += 1
            return self._refuse()
        return self._welcome(mailbox)

    def _locked(self, mailbox: Mailbox) -> bool:
        threshold = self._world.knobs.lockout_threshold
        return threshold is not None and mailbox.failed_logons >= threshold

    def _welcome(self, mailbox: Mailbox) -> Verdict:
        mailbox.logons += 1
        return Verdict(mailbox)

    def _ntlm(self, connection: Connection, scheme: str, token: str) -> Verdict:
        try:
            raw = base64.b64decode(token, validate=True)
        except binascii.Error:
            return self._refuse()
        shown = "NTLM" if scheme == "ntlm" else "Negotiate"
        with _password_file(self._world):
            if connection.handshake is None or _begins(raw):
                connection.handshake, connection.email = spnego.server(protocol=scheme, options=_OPTIONS[scheme]), None
            try:
                answer = connection.handshake.step(raw)
            except (SpnegoError, ValueError, struct.error):  # the last for tokens cut short
                self._count_failure(connection.handshake)
                connection.handshake = None
                return self._refuse()
        if not connection.handshake.complete:
            return Verdict(None, (f"{shown} {base64.b64encode(answer or b'').decode()}",))
        return self._signed_in(connection)

    def _signed_in(self, connection: Connection) -> Verdict:
        mailbox = find_account(self._world, str(connection.handshake.client_principal or ""))
        connection.handshake = None
        if mailbox is None:
            return self._refuse()
        if self._locked(mailbox):
            mailbox.failed_logons += 1
            return self._refuse()
        connection.email = mailbox.email
        return self._welcome(mailbox)

    def _count_failure(self, handshake: Any) -> None:
        mailbox = find_account(self._world, _claimed(handshake))
        if mailbox is not None:
            mailbox.failed_logons += 1


def find_account(world: ExchangeWorld, name: str) -> Mailbox | None:
    """An account by any name it may sign in with: address, alias, DOMAIN\\name, or name alone."""
    domain, backslash, user = name.rpartition("\\")
    if backslash and domain.upper() != DOMAIN:
        return None
    user = user.lower()
    if "@" in user:
        return world.find_mailbox(user)
    return next((one for one in world.mailboxes.values() if one.email.partition("@")[0] == user), None)


def _begins(token: bytes) -> bool:
    """Whether a token is the first of a handshake: NTLM's negotiate message, bare or wrapped in SPNEGO."""
    return b"NTLMSSP\x00\x01\x00\x00\x00" in token[:200]


def _claimed(handshake: Any) -> str:
    """Who a failed handshake said it was."""
    context = getattr(handshake, "_context", None) or handshake
    credential = getattr(context, "_credential", None)
    name = getattr(credential, "username", None) or ""
    domain = getattr(credential, "domain", None)
    return f"{domain}\\{name}" if domain else str(name)


@contextmanager
def _password_file(world: ExchangeWorld) -> Iterator[None]:
    """The file pyspnego's acceptor looks accounts up in, for as long as one step takes."""
    lines = []
    for mailbox in world.mailboxes.values():
        user = mailbox.email.partition("@")[0]
        names = [f"{DOMAIN}:{user}", f":{user}", *(f":{address}" for address in mailbox.addresses())]
        lines += [f"{name}:{mailbox.password}" for name in names]
    before = os.environ.get("NTLM_USER_FILE")
    with tempfile.TemporaryDirectory(prefix="exchange-") as directory:
        path = Path(directory) / "accounts"
        path.write_text("\n".join(lines) + "\n")
        os.environ["NTLM_USER_FILE"] = str(path)
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("NTLM_USER_FILE", None)
            else:
                os.environ["NTLM_USER_FILE"] = before
