"""A simulated Exchange on a real TLS socket, for tests: a server in a thread, its control API, and ways to call it.

The one rule: tests talk to it over HTTPS only, and every SOAP answer is checked for the order of its elements.
"""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
from exchangelib import BASIC, DELEGATE, IMPERSONATION, Account, Build, Configuration, Credentials, Version
from exchangelib.protocol import BaseProtocol, CachingProtocol
from lxml import etree
from requests.adapters import HTTPAdapter
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.exchange.app import create_exchange
from sandbox.exchange.control import create_control
from sandbox.exchange.tls import Certificates, ensure_certificates
from sandbox.exchange.world import ExchangeWorld
from tests.sandbox.exchange.schema_order import check_order
from tests.sandbox.simulator import Json, Simulator, serving

ADA, BO = "ada@example.com", "bo@example.com"
PASSWORD = "sandbox-password"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMES = {"t": TYPES, "m": MESSAGES, "s": SOAP, "e": ERRORS}
EXCHANGE_2010 = Version(build=Build(14, 2))


@dataclass(frozen=True)
class Answer:
    """A SOAP answer, to look into by XPath."""

    status: int
    headers: httpx.Headers
    root: Any

    def all(self, path: str) -> list[Any]:
        found: list[Any] = self.root.xpath(path, namespaces=NAMES)
        return found

    def one(self, path: str) -> Any:
        found = self.all(path)
        assert len(found) == 1, f"{path}: {len(found)} in {etree.tostring(self.root).decode()}"
        return found[0]

    def text(self, path: str) -> str:
        """The text of the only element at a path."""
        return str(self.one(path).text or "")

    def names(self, path: str) -> list[str]:
        """What the elements at a path are called."""
        return [etree.QName(node).localname for node in self.all(path)]

    def codes(self) -> list[str]:
        """The response codes, of messages and of a fault."""
        return [node.text for node in self.all("//m:ResponseCode | //e:ResponseCode")]


@dataclass(frozen=True)
class Sandbox(Simulator):
    provider: ClassVar[str] = "exchange"

    certificates: Certificates

    def human(self, email: str, item: Json, calendar: str = "calendar", *, send: bool = False) -> Json:
        """The person makes an item in Outlook."""
        path = f"/accounts/{email}/items"
        created: Json = self.control("POST", path, item, calendar=calendar, send=str(send).lower())
        return created

    def change(self, email: str, item_id: str, *, send: bool = False, **changes: Any) -> Json:
        """The person changes an item or occurrence in Outlook."""
        changed: Json = self.control(
            "PATCH", f"/accounts/{email}/items", {"id": item_id, "changes": changes, "send": send}
        )
        return changed

    def soap(
        self,
        body: str,
        *,
        email: str = ADA,
        version: str | None = "Exchange2010_SP2",
        headers: str = "",
        password: str = PASSWORD,
        http_headers: dict[str, str] | None = None,
    ) -> Answer:
        """Post a SOAP body; `headers` are further SOAP headers."""
        content = self.envelope(body, version=version, headers=headers)
        answer = self.post(content, email=email, password=password, headers=http_headers)
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        return read_answer(answer.status_code, answer.headers, answer.content)

    @staticmethod
    def envelope(body: str, *, version: str | None = "Exchange2010_SP2", headers: str = "") -> bytes:
        requested = f'<t:RequestServerVersion Version="{version}"/>' if version is not None else ""
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<s:Envelope xmlns:s="{SOAP}" xmlns:t="{TYPES}" xmlns:m="{MESSAGES}">'
            f"<s:Header>{requested}{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        ).encode()

    @contextmanager
    def stream(self, body: str, *, email: str = ADA) -> Iterator[Iterator[Answer]]:
        """Post a SOAP body whose answer stays open, and read its envelopes one after the other."""
        named = {"content-type": "text/xml; charset=utf-8"}
        with self.http.stream(
            "POST", "/EWS/Exchange.asmx", content=self.envelope(body), headers=named, auth=(email, PASSWORD)
        ) as answer:
            yield _envelopes(answer)

    def post(
        self,
        content: bytes,
        *,
        email: str | None = ADA,
        password: str = PASSWORD,
        headers: dict[str, str] | None = None,
        path: str = "/EWS/Exchange.asmx",
    ) -> httpx.Response:
        auth = (email, password) if email is not None else None
        named = {"content-type": "text/xml; charset=utf-8", **(headers or {})}
        return self.http.post(path, content=content, headers=named, auth=auth)

    # exchangelib ------------------------------------------------------------------------------

    @contextmanager
    def client(
        self,
        email: str = ADA,
        *,
        username: str | None = None,
        password: str = PASSWORD,
        auth_type: str = BASIC,
        version: Version | None = EXCHANGE_2010,
        impersonate: bool = False,
    ) -> Iterator[Account]:
        """An account of exchangelib's, unchanged but for the authority it trusts."""
        config = Configuration(
            service_endpoint=f"{self.base_url}/EWS/Exchange.asmx",
            credentials=Credentials(username or email, password),
            auth_type=auth_type,
            version=version,
        )
        account = Account(
            email,
            config=config,
            autodiscover=False,
            access_type=IMPERSONATION if impersonate else DELEGATE,
        )
        try:
            yield account
        finally:
            account.protocol.close()
            CachingProtocol.clear_cache()


def read_answer(status: int, headers: httpx.Headers, content: bytes) -> Answer:
    root = etree.fromstring(content)
    check_order(root)
    return Answer(status, headers, root)


def _envelopes(answer: httpx.Response) -> Iterator[Answer]:
    end = b"</Envelope>"
    pending = b""
    for chunk in answer.iter_bytes():
        pending += chunk
        while end in pending:
            document, _, pending = pending.partition(end)
            # Clients of streams look for these very words.
            assert document.startswith(b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header ')
            yield read_answer(answer.status_code, answer.headers, document + end)
    assert pending == b""


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """Exchange and its control API on a free port of this machine, with TLS."""
    world = ExchangeWorld(Clock())
    app = Starlette(
        routes=[Mount("/control/exchange", create_control(world)), Mount("/", create_exchange(world))],
    )
    with tempfile.TemporaryDirectory() as directory:
        certificates = ensure_certificates(Path(directory))
        tls = {"ssl_certfile": str(certificates.chain), "ssl_keyfile": str(certificates.key)}
        # A client that does not say goodbye would keep TLS waiting for it.
        with serving(app, lifespan="off", timeout_graceful_shutdown=1, **tls) as port:
            base_url = f"https://127.0.0.1:{port}"
            with (
                httpx.Client(base_url=base_url, timeout=10, verify=_trusting(certificates)) as http,
                _exchangelib_trusts(certificates),
            ):
                yield Sandbox(base_url, http, certificates)


def _trusting(certificates: Certificates) -> Any:
    return ssl.create_default_context(cafile=str(certificates.authority))


@contextmanager
def _exchangelib_trusts(certificates: Certificates) -> Iterator[None]:
    """The adapter class is state of exchangelib's process."""

    class Adapter(HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            del verify
            super().cert_verify(conn, url, str(certificates.authority), cert)

    before = BaseProtocol.HTTP_ADAPTER_CLS
    BaseProtocol.HTTP_ADAPTER_CLS = Adapter
    try:
        yield
    finally:
        BaseProtocol.HTTP_ADAPTER_CLS = before
