"""Whether credentials are good for a connection, and everything about the server that they left open (R13, R14).

The one rule: the password is sent once to whoever asks for it; a refusal is an answer. What a stranger's server says
goes no further than one of a handful of reasons.
"""

import secrets
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import msgspec
import requests
from exchangelib.errors import (  # type: ignore[import-untyped]
    ErrorIncorrectSchemaVersion,
    ErrorInvalidServerVersion,
    ErrorNonPrimarySmtpAddress,
)
from exchangelib.version import EXCHANGE_2010_SP2  # type: ignore[import-untyped]

from app.addresses import AddressRefused
from app.calendar import Identity
from app.providers.base import ProviderError, RateLimited, Transient
from app.providers.credentials import Credentials, CredentialsReason, CredentialsRefused, Verified
from app.providers.ews import questions, wire
from app.providers.ews.addresses import Endpoint
from app.providers.ews.client import messages_of
from app.providers.ews.discovery import Discovery
from app.providers.ews.line import Line
from app.providers.ews.lines import Lines
from app.providers.ews.login import Login
from app.providers.ews.refusals import Call
from app.providers.ews.route import UNAUTHORIZED, Interrupted, NoServer, NotSent, Untrusted
from app.providers.ews.service import Answer, Unanswered
from app.providers.ews.signon import PasswordRefused, scheme_of
from app.providers.ews.soap import Element, tag

URL_FIELD: Final = "ews_url"
_TOO_OLD_NAMES: Final = ("2000", "2003", "2007")
_REDIRECTION: Final = 300
_REFUSED: Final = 400
_REQUEST_TIMEOUT: Final = 408
_TOO_MANY_REQUESTS: Final = 429
_FAILED: Final = 500


@dataclass(frozen=True, slots=True)
class Verification:
    """Signs in once."""

    lines: Lines
    discovery: Discovery
    seconds: float

    def verify(self, credentials: Credentials) -> Verified:
        """See `SupportsCredentials`. Blocks. Raises: CredentialsRefused, Transient, RateLimited."""
        if any(name in (credentials.version or "") for name in _TOO_OLD_NAMES):
            raise CredentialsRefused(CredentialsReason.VERSION_UNSUPPORTED)
        try:
            return self._verify(credentials)
        except PasswordRefused as refused:
            hint = CredentialsReason.APP_PASSWORD_REQUIRED if refused.second_factor else CredentialsReason.INVALID
            raise CredentialsRefused(hint) from refused
        except AddressRefused as error:
            raise CredentialsRefused(CredentialsReason.ADDRESS_NOT_ALLOWED) from error
        except Untrusted as error:
            raise CredentialsRefused(CredentialsReason.CERTIFICATE_UNTRUSTED) from error
        except NoServer as error:
            raise CredentialsRefused(CredentialsReason.NOT_A_SERVER) from error
        except (NotSent, Interrupted) as error:
            raise Transient("no answer", operation="ews.verify") from error
        except Unanswered as answer:
            raise _no_server(answer.reply) from answer
        except (CredentialsRefused, Transient, RateLimited):
            raise
        except (ProviderError, LookupError, ValueError) as error:
            raise CredentialsRefused(CredentialsReason.NOT_A_SERVER) from error

    def _verify(self, credentials: Credentials) -> Verified:
        username = credentials.username or credentials.email.partition("@")[0]
        at = self._endpoint(credentials, username)
        deadline = time.monotonic() + self.seconds
        with closing(self.lines.fresh(at, credentials.certificate)) as line:
            login = _greeted(line, credentials, username, deadline)
        with closing(self.lines.fresh(at, credentials.certificate, login)) as line:
            answer, address = _signed_in(line, login, deadline)
        if answer.build is None or answer.build < EXCHANGE_2010_SP2:
            raise CredentialsRefused(CredentialsReason.VERSION_UNSUPPORTED)
        if address is None:
            raise CredentialsRefused(CredentialsReason.INVALID)  # a good password, and somebody else's address
        version, serial = str(answer.build), secrets.token_hex(8)
        # An id, which connections have kept in lower case since the first; it is compared as it stands.
        identity = Identity(address.lower(), address, aliases=frozenset({login.email}))
        login = msgspec.structs.replace(login, version=version, email=address, serial=serial)
        return Verified(identity, login.secret(), login.url, login.version)

    def _endpoint(self, credentials: Credentials, username: str) -> Endpoint:
        if credentials.url:
            at: Endpoint | None = Endpoint.of(credentials.url)
        else:
            at = self.discovery.endpoint(credentials, username)
        if at is None:
            raise CredentialsRefused(CredentialsReason.URL_REQUIRED, missing=(URL_FIELD,))
        if at.is_online:
            raise CredentialsRefused(CredentialsReason.ONLINE_MAILBOX)
        return at


def _greeted(line: Line, credentials: Credentials, username: str, deadline: float) -> Login:
    """The login in the scheme that the server asks for. It is asked without a password first."""
    try:
        _asked(line, credentials.email, deadline)
    except Unanswered as greeting:
        if greeting.reply.status_code != UNAUTHORIZED:
            raise
        scheme = scheme_of(greeting.reply.headers.get("WWW-Authenticate", ""))
    else:
        scheme = None  # it tells strangers what a calendar holds
    if scheme is None:
        raise CredentialsRefused(CredentialsReason.NOT_A_SERVER)
    return Login(
        url=line.route.endpoint.url,
        username=username,
        password=credentials.password,
        email=credentials.email,
        version="",
        scheme=scheme,
        certificate=credentials.certificate,
    )


def _signed_in(line: Line, login: Login, deadline: float) -> tuple[Answer, str | None]:
    """What the server says of itself, and the address of whoever signed in; None when the one typed in is another's.

    Exchange answers an alias with the address the mailbox itself goes by, which is then asked for instead.
    """
    answer = _asked(line, login.email, deadline)
    address = login.email
    if isinstance(answer.messages[-1].error, ErrorNonPrimarySmtpAddress):
        address = _primary(answer.messages[-1].element)
        answer = _asked(line, address, deadline)
    own, addressed = (None if message.error else wire.folders_of(message.element)[0].id for message in answer.messages)
    return answer, address if own is not None and own == addressed else None


def _asked(line: Line, email: str, deadline: float) -> Answer:
    body = _own_folders(email)
    answer = line.ask(body, deadline)
    if isinstance(answer.fault, ErrorInvalidServerVersion | ErrorIncorrectSchemaVersion):
        raise CredentialsRefused(CredentialsReason.VERSION_UNSUPPORTED)
    messages_of(Call("ews.verify", body), answer)
    return answer


def _primary(message: Element) -> str:
    """Raises: ValueError when it is not told."""
    for value in message.iter(tag("Value")):
        if value.get("Name") == "Primary" and value.text and "@" in value.text:
            return value.text
    raise ValueError("an alias of nobody")


def _own_folders(email: str) -> Element:
    return questions.folders(questions.own_calendar(), questions.own_calendar(email))


def _no_server(reply: requests.Response) -> ProviderError:
    if reply.status_code == _TOO_MANY_REQUESTS:
        return RateLimited(f"HTTP {reply.status_code}", operation="ews.verify")
    if reply.status_code >= _FAILED or reply.status_code == _REQUEST_TIMEOUT:
        return Transient(f"HTTP {reply.status_code}", operation="ews.verify")
    if _REDIRECTION <= reply.status_code < _REFUSED:
        return _redirected(reply)
    return CredentialsRefused(CredentialsReason.NOT_A_SERVER)


def _redirected(reply: requests.Response) -> CredentialsRefused:
    try:
        online = Endpoint.of(reply.headers.get("Location", "")).is_online
    except AddressRefused:
        online = False
    return CredentialsRefused(CredentialsReason.ONLINE_MAILBOX if online else CredentialsReason.ADDRESS_NOT_ALLOWED)
