"""Proving the password to a server, over a line.

The one rule: a password goes out once. A 401 to it is an answer, and is never asked again in another way.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

import spnego
from spnego.exceptions import SpnegoError

from app.providers.ews.line import Interrupted, Line, NotSent, Reply
from app.providers.ews.login import Login, Scheme
from app.providers.ews.tls import channel_bindings

UNAUTHORIZED: Final = 401
SOAP_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8"}
_PREFERENCE: Final = (Scheme.NTLM, Scheme.NEGOTIATE, Scheme.BASIC)
"""NTLM first: it never sends the password itself."""
_SECOND_FACTOR: Final = re.compile(
    r"\b(app(lication)?[ -]?password|two[ -](factor|step)|multi-?factor|mfa|strong authentication)\b", re.IGNORECASE
)
_TELLING: Final = ("WWW-Authenticate", "X-MS-Diagnostics", "MS-Diagnostics-Public")
"""Headers in which a server says why; others hold ids, in which any three letters turn up one day."""
_GLANCE: Final = 4096


class PasswordRefused(Exception):
    """The server answered 401 to a password. `second_factor`: it hints that another factor is asked for."""

    def __init__(self, *, second_factor: bool) -> None:
        super().__init__("401")
        self.second_factor = second_factor


def scheme_of(challenges: Iterable[str]) -> Scheme | None:
    """The best scheme that a server's `WWW-Authenticate` headers offer and we speak."""
    offered = {word.lower() for value in challenges for word in re.findall(r"(?:^|,)\s*([A-Za-z]+)(?=[\s,]|$)", value)}
    return next((scheme for scheme in _PREFERENCE if scheme.value.lower() in offered), None)


def ask(line: Line, login: Login, body: bytes, deadline: float) -> Reply:
    """The answer to a request that carries the person's proof. Raises: PasswordRefused, LineError, AddressRefused."""
    if login.scheme is Scheme.BASIC:
        pair = f"{login.username}:{login.password}".encode()
        return _accepted(line.post(body, {**SOAP_HEADERS, "Authorization": f"Basic {_text(pair)}"}, deadline))
    line.open(deadline)
    if line.authenticated:
        reply = line.post(body, SOAP_HEADERS, deadline)
        if reply.status != UNAUTHORIZED:
            return reply
        line.close()  # the server forgot who speaks here; it was not told the password, and did nothing
    return _accepted(_shake_hands(line, login, body, deadline))


def _shake_hands(line: Line, login: Login, body: bytes, deadline: float) -> Reply:
    """NTLM's three messages; the request goes with the last. A reply to the first that is no challenge is returned."""
    line.open(deadline)
    try:
        context = spnego.client(
            login.username,
            login.password,
            hostname=line.endpoint.host,
            service="HTTP",
            channel_bindings=channel_bindings(line.certificate),
            protocol="ntlm",
        )
        first = _begun(line, _proof(login.scheme, context.step()), deadline)
        challenge = _challenge(first, login.scheme)
        if challenge is None:
            return first
        reply = line.post(body, _proof(login.scheme, context.step(challenge)), deadline)
    except SpnegoError as error:
        line.close()
        raise NotSent("a challenge that is none") from error
    line.authenticated = reply.status != UNAUTHORIZED
    return reply


def _begun(line: Line, proof: dict[str, str], deadline: float) -> Reply:
    """The first message goes without the request, so nothing can have been done when it is lost."""
    try:
        return line.post(b"", proof, deadline)
    except Interrupted as error:
        raise NotSent("handshake") from error


def _proof(scheme: Scheme, token: bytes | None) -> dict[str, str]:
    return {**SOAP_HEADERS, "Authorization": f"{scheme.value} {_text(token or b'')}"}


def _challenge(reply: Reply, scheme: Scheme) -> bytes | None:
    for value in reply.all("WWW-Authenticate"):
        word, _, token = value.strip().partition(" ")
        if reply.status == UNAUTHORIZED and word.lower() == scheme.value.lower() and token:
            try:
                return base64.b64decode(token, validate=True)
            except binascii.Error:
                return None
    return None


def _accepted(reply: Reply) -> Reply:
    if reply.status != UNAUTHORIZED:
        return reply
    said = [
        reply.content[:_GLANCE].decode("utf-8", "replace"),
        *(value for name in _TELLING for value in reply.all(name)),
    ]
    raise PasswordRefused(second_factor=_SECOND_FACTOR.search("\n".join(said)) is not None)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
