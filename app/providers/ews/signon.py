"""Proving the password to a server, in the ways of `requests`.

The one rule: a password goes out once. A 401 to it is an answer, and is never asked again in another way.
"""

import re
from typing import Any, Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from spnego.exceptions import SpnegoError

from app.providers.ews.login import Scheme
from app.providers.ews.route import UNAUTHORIZED, NotSent, RouteAdapter, Unchallenged
from app.providers.ews.tls import fingerprint

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


class Basic(HTTPBasicAuth):
    """In UTF-8: `requests` would write Latin-1, in which many a password cannot be written."""

    def __init__(self, username: str, password: str) -> None:
        super().__init__(username.encode(), password.encode())


class Handshake(HttpNtlmAuth):
    """NTLM's three messages over the one connection of a route; the request goes along with each."""

    def __init__(self, username: str, password: str, scheme: Scheme) -> None:
        super().__init__(username, password)
        self._scheme = scheme

    def response_hook(self, r: requests.Response, **kwargs: Any) -> requests.Response:
        """In the scheme that was agreed on, whatever a 401 asks for, and to nobody who says that he is a proxy."""
        if r.status_code != UNAUTHORIZED:
            return r
        return self.retry_using_http_NTLM_auth("www-authenticate", "Authorization", r, self._scheme.value, kwargs)

    def retry_using_http_NTLM_auth(  # noqa: N802 - its name
        self, auth_header_field: str, auth_header: str, response: requests.Response, auth_type: str, args: Any
    ) -> requests.Response:
        """The answer to the proof, or to the request for a challenge when it brought none. Raises: RouteError."""
        try:
            return super().retry_using_http_NTLM_auth(auth_header_field, auth_header, response, auth_type, args)
        except Unchallenged as unchallenged:
            return unchallenged.answer
        except (OSError, ValueError, SpnegoError) as error:
            raise NotSent("a challenge that is none") from error

    def _get_server_cert(self, response: requests.Response) -> bytes | None:
        """Whose certificate the proof is tied to; `requests_ntlm` looks for it in a socket that is no longer there."""
        adapter = response.connection
        assert isinstance(adapter, RouteAdapter)
        return fingerprint(adapter.route.certificate)


def scheme_of(challenges: str) -> Scheme | None:
    """The best scheme that a server's `WWW-Authenticate` offers and we speak."""
    offered = {word.lower() for word in re.findall(r"(?:^|,)\s*([A-Za-z]+)(?=[\s,]|$)", challenges)}
    return next((scheme for scheme in _PREFERENCE if scheme.value.lower() in offered), None)


def proof_of(auth: AuthBase, scheme: Scheme) -> AuthBase:
    """exchangelib's way to prove a password, made ours."""
    assert isinstance(auth, HTTPBasicAuth | HttpNtlmAuth)
    username, password = str(auth.username), str(auth.password)
    return Basic(username, password) if scheme is Scheme.BASIC else Handshake(username, password, scheme)


def password_refused(reply: requests.Response) -> PasswordRefused:
    """What a 401 to a password says."""
    said = [
        reply.content[:_GLANCE].decode("utf-8", "replace"),
        *(reply.headers.get(name, "") for name in _TELLING),
    ]
    return PasswordRefused(second_factor=_SECOND_FACTOR.search("\n".join(said)) is not None)
