"""exchangelib's protocol to one server for one login: one session, one connection, for one thread at a time.

It is made from `BaseProtocol`, which is not cached: the cache of `Protocol` would hand out the first connection to a
server, with its certificate and its rules, to whoever comes with the same password, and keeps its socket for ever.

The one rule: what fails, fails at once. Nothing is retried, nothing followed, and what exchangelib would write to the
log of a failed request, the request itself among it, is not written.
"""

import logging
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from exchangelib import Configuration, Credentials, FailFast, Version  # type: ignore[import-untyped]
from exchangelib.protocol import BaseProtocol  # type: ignore[import-untyped]
from exchangelib.transport import BASIC, DEFAULT_HEADERS, NOAUTH, NTLM  # type: ignore[import-untyped]
from exchangelib.util import post_ratelimited  # type: ignore[import-untyped]
from exchangelib.version import EXCHANGE_2010_SP2  # type: ignore[import-untyped]
from requests.auth import AuthBase

from app.providers.ews import service
from app.providers.ews.login import Login, Scheme
from app.providers.ews.route import UNAUTHORIZED, Route, RouteAdapter
from app.providers.ews.service import Answer, Unanswered
from app.providers.ews.signon import password_refused, proof_of
from app.providers.ews.soap import Element

_OK: Final = 200
_FAILED: Final = 500
_LOST_BEHIND: Final = "X-CasErrorCode"
"""How a front end says that it lost the server behind, whatever the status."""
_HEADERS: Final = {
    **DEFAULT_HEADERS,
    "Accept": "text/xml",
    "Accept-Encoding": "gzip",
    "User-Agent": "calendar-connect",
}


class Line(BaseProtocol):  # type: ignore[misc]  # exchangelib has no types
    """Requests in, answers out. Without a login it asks as a stranger."""

    def __init__(self, route: Route, login: Login | None) -> None:
        credentials = None if login is None else Credentials(login.username, login.password)
        super().__init__(
            Configuration(
                service_endpoint=route.endpoint.url,
                credentials=credentials,
                auth_type=_auth_type(login),
                version=Version(EXCHANGE_2010_SP2),
                retry_policy=_Once(signed=login is not None),
                max_connections=1,
            )
        )
        self.route = route
        self.idle_since = 0.0
        """By `time.monotonic()`, while it lies in a pool."""
        self._scheme = None if login is None else login.scheme

    def ask(self, body: Element, deadline: float) -> Answer:
        """The answer to a request. Raises: PasswordRefused, Unanswered, RouteError, AddressRefused."""
        self.route.deadline.at = deadline
        return service.ask(self, body)

    def post(self, content: bytes, deadline: float) -> requests.Response:
        """The answer to a document that is no SOAP. Raises as `ask`."""
        self.route.deadline.at = deadline
        reply, session = post_ratelimited(self, self.get_session(), self.service_endpoint, headers=None, data=content)
        self.release_session(session)
        assert isinstance(reply, requests.Response)
        return reply

    def create_session(self) -> requests.Session:
        """See `BaseProtocol`."""
        session = super().create_session()
        assert isinstance(session, _Session)
        if self._scheme is not None:
            assert isinstance(session.auth, AuthBase)
            session.auth = proof_of(session.auth, self._scheme)
        return session

    def raw_session(self, *_: Any) -> requests.Session:
        """See `BaseProtocol`, where it is the class's: one certificate for all."""
        return _Session(self.route)


class _Session(requests.Session):
    """It asks nobody else: no proxy and no password of the environment, no address that an answer names.

    And it takes no cookies: who is let in by one would be a stranger to us.
    """

    def __init__(self, route: Route) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.update(_HEADERS)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.adapters.clear()
        self.mount("https://", RouteAdapter(route))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """`requests` prepares to follow even where it was told not to."""


class _Once(FailFast):  # type: ignore[misc]  # exchangelib has no types
    """The status of an answer, with all that it says; exchangelib's own policy loses how long to wait."""

    def __init__(self, *, signed: bool) -> None:
        self._signed = signed

    def raise_response_errors(self, response: requests.Response) -> None:
        """Raises: PasswordRefused, Unanswered. Exchange sends its faults with status 500."""
        if response.status_code == UNAUTHORIZED and self._signed:
            raise password_refused(response)
        if response.status_code not in (_OK, _FAILED) or is_lost_behind(response):
            raise Unanswered(response)


def is_lost_behind(reply: requests.Response) -> bool:
    """Whether a front end answers for a server it could not reach."""
    return _LOST_BEHIND in reply.headers


def _auth_type(login: Login | None) -> str:
    if login is None:
        return str(NOAUTH)
    return str(BASIC if login.scheme is Scheme.BASIC else NTLM)


def _silence() -> None:
    """Requests hold what people wrote into their calendars, and NTLM's messages what a password can be guessed from."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("exchangelib", "spnego"):
            logging.getLogger(name).addFilter(_is_written)


def _is_written(_: logging.LogRecord) -> bool:
    return False


_silence()
