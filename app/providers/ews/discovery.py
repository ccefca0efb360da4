"""Finding the EWS address of a mailbox from its e-mail address (Autodiscover, the POX form).

The one rule: the password goes to hosts of the person's own mail domain, over verified TLS, once. A redirect to
another host is never followed; that it points at Exchange Online is an answer all the same.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/pox-autodiscover-web-service-reference-for-exchange
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import requests
from lxml import etree

from app.addresses import AddressRefused
from app.providers.credentials import Credentials, CredentialsReason, CredentialsRefused
from app.providers.ews.addresses import Endpoint, canonical_name, is_online
from app.providers.ews.lines import Lines
from app.providers.ews.login import Login
from app.providers.ews.route import UNAUTHORIZED, RouteError
from app.providers.ews.service import Unanswered
from app.providers.ews.signon import scheme_of
from app.providers.ews.soap import Element, Unreadable, parse_xml

URLS: Final = (
    "https://autodiscover.{domain}/autodiscover/autodiscover.xml",
    "https://{domain}/autodiscover/autodiscover.xml",
)
_REQUEST: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_RESPONSE: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_PROTOCOLS: Final = ("EXPR", "EXCH", "WEB")
"""From the outside in: where we connect from is the internet."""
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Discovery:
    """Asks the mail domain where its mailboxes are."""

    lines: Lines
    urls: Sequence[str]
    seconds: float

    def endpoint(self, credentials: Credentials, username: str) -> Endpoint | None:
        """Where the mailbox is, or None when its domain does not say. Blocks.

        Raises: PasswordRefused, CredentialsRefused (it is in Exchange Online).
        """
        deadline = time.monotonic() + self.seconds
        for url in self.urls:
            try:
                at = Endpoint.of(url.replace("{domain}", credentials.email.rpartition("@")[2]))
                _refuse_online(f"https://{canonical_name(at.host)}")  # a domain of Microsoft's points there by an alias
                reply = self._ask(at, credentials, username, deadline)
            except (RouteError, AddressRefused):
                continue
            found = None if reply is None else _read(reply)
            if found is not None:
                return found
        return None

    def _ask(self, at: Endpoint, credentials: Credentials, username: str, deadline: float) -> requests.Response | None:
        """The answer of one address; None when it does not ask for a password as a server of this kind does."""
        greeting = self._post(at, credentials, None, deadline)
        if greeting.status_code != UNAUTHORIZED:
            return greeting
        scheme = scheme_of(greeting.headers.get("WWW-Authenticate", ""))
        if scheme is None:
            return None
        login = Login(
            url=at.url,
            username=username,
            password=credentials.password,
            email=credentials.email,
            version="",
            scheme=scheme,
        )
        return self._post(at, credentials, login, deadline)

    def _post(self, at: Endpoint, credentials: Credentials, login: Login | None, deadline: float) -> requests.Response:
        with closing(self.lines.fresh(at, credentials.certificate, login)) as line:
            try:
                return line.post(_question(credentials.email), deadline)
            except Unanswered as answer:
                return answer.reply


def _question(email: str) -> bytes:
    root = etree.Element(f"{{{_REQUEST}}}Autodiscover", nsmap={None: _REQUEST})  # type: ignore[dict-item]  # None is the default namespace
    request = etree.SubElement(root, f"{{{_REQUEST}}}Request")
    etree.SubElement(request, f"{{{_REQUEST}}}EMailAddress").text = email
    etree.SubElement(request, f"{{{_REQUEST}}}AcceptableResponseSchema").text = _RESPONSE
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _read(reply: requests.Response) -> Endpoint | None:
    """The address in a reply, if it names one. Raises: CredentialsRefused (Exchange Online)."""
    if reply.status_code in _REDIRECTS:
        _refuse_online(reply.headers.get("Location", ""))
        return None
    if reply.status_code != _OK:
        return None
    try:
        account = parse_xml(reply.content).find(f".//{{{_RESPONSE}}}Account")
    except Unreadable:
        return None
    if account is None:
        return None
    for name in ("RedirectUrl", "RedirectAddr"):
        target = account.findtext(f"{{{_RESPONSE}}}{name}", "")
        _refuse_online(f"https://{target.rpartition('@')[2]}" if "//" not in target else target)
    return _ews_of(account)


def _ews_of(account: Element) -> Endpoint | None:
    for url in _urls(account):
        _refuse_online(url)
        try:
            return Endpoint.of(url)
        except AddressRefused:
            continue
    return None


def _urls(account: Element) -> Iterator[str]:
    """The best first. `WEB` has protocols of its own within, by the same names: they tell the `ASUrl` alone."""
    told = list(account.iter(f"{{{_RESPONSE}}}Protocol"))
    for name in ("EwsUrl", "ASUrl"):
        for kind in _PROTOCOLS:
            for protocol in told:
                url = protocol.findtext(f"{{{_RESPONSE}}}{name}", "").strip()
                if url and protocol.findtext(f"{{{_RESPONSE}}}Type", "").strip() == kind:
                    yield url


def _refuse_online(url: str) -> None:
    try:
        online = is_online(Endpoint.of(url).host)
    except AddressRefused:
        return
    if online:
        raise CredentialsRefused(CredentialsReason.ONLINE_MAILBOX)
