"""Whether credentials are good for a connection, and everything about the server that they left open (R13, R14).

The one rule: the password is sent once to whoever asks for it; a refusal is an answer. What a stranger's server says
goes no further than one of a handful of reasons.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from app.calendar import Identity
from app.providers.base import ProviderError, RateLimited, Transient
from app.providers.credentials import Credentials, CredentialsReason, CredentialsRefused, Verified
from app.providers.ews import questions, signon, soap, wire
from app.providers.ews.addresses import AddressRefused, Endpoint
from app.providers.ews.client import messages_of
from app.providers.ews.discovery import Discovery
from app.providers.ews.line import Interrupted, Line, NoServer, NotSent, Reply, Untrusted
from app.providers.ews.lines import Lines
from app.providers.ews.login import Login
from app.providers.ews.refusals import Call
from app.providers.ews.signon import PasswordRefused
from app.providers.ews.soap import Answer, Element, tag

URL_FIELD: Final = "ews_url"
_OLDEST: Final = (14, 2)
"""Exchange 2010 SP2."""
_TOO_OLD_NAMES: Final = ("2000", "2003", "2007")
_ALIAS: Final = "ErrorNonPrimarySmtpAddress"
_TOO_OLD_CODES: Final = frozenset({"ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion"})
_OK: Final = 200
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
        except (CredentialsRefused, Transient, RateLimited):
            raise
        except (ProviderError, LookupError, ValueError) as error:
            raise CredentialsRefused(CredentialsReason.NOT_A_SERVER) from error

    def _verify(self, credentials: Credentials) -> Verified:
        username = credentials.username or credentials.email.partition("@")[0]
        at = self._endpoint(credentials, username)
        deadline = time.monotonic() + self.seconds
        line = self.lines.fresh(at, credentials.certificate)
        try:
            login = _greeted(line, credentials, username, deadline)
            answer, address = _signed_in(line, login, deadline)
        finally:
            line.close()
        if _build(answer.version) < _OLDEST:
            raise CredentialsRefused(CredentialsReason.VERSION_UNSUPPORTED)
        if address is None:
            raise CredentialsRefused(CredentialsReason.INVALID)  # a good password, and somebody else's address
        login = msgspec.structs.replace(login, version=answer.version or "", email=address, serial=secrets.token_hex(8))
        return Verified(Identity(address.lower(), address), login.secret(), login.url, login.version)

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
    greeting = line.post(_whose(credentials.email), signon.SOAP_HEADERS, deadline)
    if greeting.status != signon.UNAUTHORIZED:
        raise _no_server(greeting)
    scheme = signon.scheme_of(greeting.all("WWW-Authenticate"))
    if scheme is None:
        raise CredentialsRefused(CredentialsReason.NOT_A_SERVER)
    return Login(
        url=line.endpoint.url,
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
    answer = _asked(line, login, login.email, deadline)
    address, trouble = login.email, answer.messages[-1].trouble
    if trouble is not None and trouble.code == _ALIAS:
        address = _primary(answer.messages[-1].element)
        answer = _asked(line, login, address, deadline)
    own, addressed = (
        None if message.trouble else wire.folders_of(message.element)[0].id for message in answer.messages
    )
    return answer, address if own is not None and own == addressed else None


def _asked(line: Line, login: Login, email: str, deadline: float) -> Answer:
    reply = signon.ask(line, login, _whose(email), deadline)
    if reply.status not in (_OK, _FAILED):
        raise _no_server(reply)
    try:
        answer = soap.parse(reply.content)
    except soap.Unreadable:
        raise _no_server(reply) from None
    if answer.fault is not None and answer.fault.code in _TOO_OLD_CODES:
        raise CredentialsRefused(CredentialsReason.VERSION_UNSUPPORTED)
    messages_of(Call("ews.verify", _own_folders(email)), answer)
    return answer


def _primary(message: Element) -> str:
    """Raises: ValueError when it is not told."""
    for value in message.iter(tag("Value")):
        if value.get("Name") == "Primary" and value.text and "@" in value.text:
            return value.text
    raise ValueError("an alias of nobody")


def _whose(email: str) -> bytes:
    return soap.envelope(_own_folders(email))


def _own_folders(email: str) -> Element:
    return questions.folders(questions.own_calendar(), questions.own_calendar(email))


def _no_server(reply: Reply) -> ProviderError:
    if reply.status == _TOO_MANY_REQUESTS:
        return RateLimited(f"HTTP {reply.status}", operation="ews.verify")
    if reply.status >= _FAILED or reply.status == _REQUEST_TIMEOUT:
        return Transient(f"HTTP {reply.status}", operation="ews.verify")
    if _REDIRECTION <= reply.status < _REFUSED:
        return _redirected(reply)
    return CredentialsRefused(CredentialsReason.NOT_A_SERVER)


def _redirected(reply: Reply) -> CredentialsRefused:
    try:
        online = Endpoint.of(reply.headers.get("Location", "")).is_online
    except AddressRefused:
        online = False
    return CredentialsRefused(CredentialsReason.ONLINE_MAILBOX if online else CredentialsReason.ADDRESS_NOT_ALLOWED)


def _build(version: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in (version or "0").split(".")[:2])
