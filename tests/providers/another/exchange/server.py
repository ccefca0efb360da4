"""An on-premises Exchange that was written from the vendor's documentation alone, for the adapter to meet a stranger.

It speaks SOAP over TLS, as four editions do that people still run. What the documentation leaves open it does in one of
the ways that are left, by a seed: prefixes, forms of times, absent and unknown elements, packing, names of headers.

The one rule: it shares nothing with `sandbox/`, and what the documentation does not allow it refuses.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/web-services-reference-for-exchange
"""

import base64
import gzip
import ipaddress
import random
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from tests.providers.another.exchange.operations import Limits, Operations
from tests.providers.another.exchange.schema import MESSAGES, SOAP, TYPES, SchemaViolation, operation_in
from tests.providers.another.exchange.store import Mailbox, Refused

ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
_BEARER = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*",'
    ' token_types="app_asserted_user_v1 service_asserted_app_v1", error="invalid_token"'
)
_SCHEMAS = ("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2")
_LATER = ("Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016")


@dataclass(frozen=True)
class Edition:
    """A release, and how its answers look."""

    name: str
    build: tuple[int, ...]
    """Every number may be left out."""
    version: str
    prefixes: tuple[dict[str | None, str], dict[str | None, str]]
    """Of the envelope, and of what is in its body."""
    schemas: tuple[str, ...] = _SCHEMAS + _LATER
    limits: dict[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()


EDITIONS = (
    Edition(
        "2010 SP2",
        (14, 2, 247, 5),
        "Exchange2010_SP2",
        ({"s": SOAP}, {"m": MESSAGES, "t": TYPES}),
        _SCHEMAS,
        {"too_many_is_refused": True, "garnished": False},
    ),
    Edition("2013", (15, 0, 1497, 2), "V2_23", ({"soap": SOAP}, {None: MESSAGES, "ns1": TYPES}), limits={"page": 2}),
    Edition(
        "2016",
        (15, 1, 2507),
        "V2017_07_11",
        ({"env": SOAP}, {"x": MESSAGES, None: TYPES}),
        limits={"zone_in_listings": False, "says_last": False},
    ),
    Edition(
        "2019", (15, 2, 1118, 7), "V2018_01_08", ({"S-1": SOAP}, {"q1": MESSAGES, "q2": TYPES}), limits={"page": 5}
    ),
)


@dataclass
class Interruption:
    """What a request gets instead of its answer, or after it was done."""

    operation: str
    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""
    """Of a part of the answer, by `part`; else of a fault."""
    part: int | None = None


class AnotherExchange:
    """A running server: its people, what it was asked, what will go wrong."""

    def __init__(self, edition: Edition, seed: int) -> None:
        self.edition, self.seed = edition, seed
        self.limits = Limits(**edition.limits)
        self.people: dict[str, Mailbox] = {}
        self.states: dict[str, Any] = {}
        self.asked: list[str] = []
        self.violations: list[str] = []
        """Whatever was sent that the documentation does not allow."""
        self.interruptions: list[Interruption] = []
        self.autodiscover: bytes = b""
        self.port = 0
        self.lock = threading.Lock()
        self.chance = random.Random(seed)  # noqa: S311 - chance that can be repeated

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/EWS/Exchange.asmx"

    def person(self, email: str, password: str = "Pässwort: 1", name: str = "Ada") -> Mailbox:
        self.people[email] = Mailbox(email, password, name=name, seed=self.seed)
        return self.people[email]

    def forget_states(self) -> None:
        self.states.clear()

    def answer(self, box: Mailbox, name: str, request: Any, schema: str) -> tuple[int, bytes]:
        """What a signed-in person gets."""
        if schema not in self.edition.schemas:
            return 500, self._fault("ErrorInvalidServerVersion", "The specified server version is invalid.")
        struck = next((one for one in self.interruptions if one.operation == name and one.code), None)
        if struck is not None:
            self.interruptions.remove(struck)
            if struck.part is None:
                return 500, self._fault(struck.code, "No.", wait=struck.headers.get("wait"))
        parts = list(Operations(box, self.limits, self.states).run(name, request))
        if struck is not None and struck.part is not None:
            parts[struck.part] = Refused(struck.code)
        return 200, self._envelope(self._messages(name, parts))

    def invalid(self, error: SchemaViolation) -> bytes:
        """The fault for a request that its schema does not allow."""
        self.violations.append(str(error))
        return self._fault("ErrorSchemaValidation", f"The request failed schema validation: {error}")

    def _messages(self, name: str, parts: list[Any]) -> Any:
        whole = etree.Element(f"{{{MESSAGES}}}{name}Response", nsmap=self.edition.prefixes[1])
        messages = etree.SubElement(whole, f"{{{MESSAGES}}}ResponseMessages")
        for part in parts:
            message = etree.SubElement(messages, f"{{{MESSAGES}}}{name}ResponseMessage")
            refused = isinstance(part, Refused)
            message.set("ResponseClass", "Error" if refused else "Success")
            if refused:
                etree.SubElement(message, f"{{{MESSAGES}}}MessageText").text = "It may quote what you said."
            etree.SubElement(message, f"{{{MESSAGES}}}ResponseCode").text = part.code if refused else "NoError"
            if refused:
                etree.SubElement(message, f"{{{MESSAGES}}}DescriptiveLinkKey").text = "0"
                told = etree.SubElement(message, f"{{{MESSAGES}}}MessageXml")
                for key, value in part.values.items():
                    etree.SubElement(told, f"{{{TYPES}}}Value", Name=key).text = value
            else:
                message.extend(part)
        for one in [one for one in whole.iter() if len(one) and self.chance.random() < 0.1]:
            one.insert(0, etree.Comment(" "))
        return whole

    def _fault(self, code: str, text: str, *, wait: str | None = None) -> bytes:
        """In Exchange's words, or in those of the framework below it, which has no detail."""
        fault = etree.Element(f"{{{SOAP}}}Fault", nsmap={"e": ERRORS, "t": TYPES})
        etree.SubElement(fault, "faultcode", nsmap={"a": TYPES}).text = f"a:{code}"
        said = etree.SubElement(fault, "faultstring")
        said.text = text
        said.set("{http://www.w3.org/XML/1998/namespace}lang", "de-DE")
        if not code.startswith("Error"):
            return self._envelope(fault)
        detail = etree.SubElement(fault, "detail")
        etree.SubElement(detail, f"{{{ERRORS}}}ResponseCode").text = code
        etree.SubElement(detail, f"{{{ERRORS}}}Message").text = text
        if wait is not None:
            told = etree.SubElement(detail, f"{{{TYPES}}}MessageXml")
            etree.SubElement(told, f"{{{TYPES}}}Value", Name="BackOffMilliseconds").text = wait
        return self._envelope(fault)

    def _envelope(self, inner: Any) -> bytes:
        root = etree.Element(f"{{{SOAP}}}Envelope", nsmap=self.edition.prefixes[0])
        header = etree.SubElement(root, f"{{{SOAP}}}Header")
        info = etree.SubElement(header, f"{{{TYPES}}}ServerVersionInfo", nsmap={"h": TYPES})
        names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
        for key, value in reversed([*zip(names, map(str, self.edition.build), strict=False)]):
            info.set(key, value)
        info.set("Version", self.edition.version)
        etree.SubElement(root, f"{{{SOAP}}}Body").append(inner)
        return etree.tostring(root, xml_declaration=True, encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: "_Server"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        here = self.server.exchange
        box = self._person()
        if box is None:
            self._unauthorized()
        elif self.headers.get("Content-Type", "").replace('"', "").lower() != "text/xml; charset=utf-8":
            here.violations.append(f"Content-Type: {self.headers.get('Content-Type')}")
            self._reply(415, b"", {})
        elif self.path.lower() == "/autodiscover/autodiscover.xml":
            self._reply(200, here.autodiscover, {"Content-Type": "text/xml; charset=utf-8"})
        elif self.path.lower() == "/ews/exchange.asmx":
            with here.lock:
                self._operation(here, box, content)
        else:
            self._reply(404, b"<html/>", {"Content-Type": "text/html"})

    def _operation(self, here: AnotherExchange, box: Mailbox, content: bytes) -> None:
        try:
            name, request, schema = operation_in(content, self.headers.get("SOAPAction", ""))
        except SchemaViolation as error:
            self._soap(500, here.invalid(error))
            return
        here.asked.append(name)
        struck = next((one for one in here.interruptions if one.operation == name and not one.code), None)
        if struck is not None:
            here.interruptions.remove(struck)
            self._reply(struck.status, struck.body, struck.headers)
            return
        self._soap(*here.answer(box, name, request, schema))

    def _person(self) -> Mailbox | None:
        scheme, _, proof = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        username, _, password = base64.b64decode(proof).decode().partition(":")
        known = self.server.exchange.people.values()
        return next((box for box in known if (box.email, box.password) == (username, password)), None)

    def _unauthorized(self) -> None:
        self.send_response(401)
        for challenge in (_BEARER, 'Basic realm="Negotiate, or go away"'):
            self.send_header("www-authenticate", challenge)
        self.send_header("x-owa-version", "15.2.1118.7")
        self.send_header("content-length", "0")
        self.end_headers()

    def _soap(self, status: int, body: bytes) -> None:
        self._reply(status, body, {"Content-Type": 'text/xml; charset="utf-8"', "Set-Cookie": "exchangecookie=1"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """In one of the ways HTTP has for the same bytes."""
        chance = self.server.exchange.chance
        headers = {**headers, "request-id": "0b3f-+/=", "X-FEServer": "EX01"}
        if "gzip" in self.headers.get("Accept-Encoding", "") and body and chance.random() < 0.6:
            half = len(body) // 2
            body = (
                gzip.compress(body)
                if chance.random() < 0.5
                else gzip.compress(body[:half]) + gzip.compress(body[half:])
            )
            headers["Content-Encoding"] = chance.choice(("gzip", "GZIP", "x-gzip"))
        chunked = chance.random() < 0.5
        headers["Transfer-Encoding" if chunked else "Content-Length"] = "chunked" if chunked else str(len(body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(chance.choice((str.lower, str.upper, str))(name), value)
        self.end_headers()
        while chunked and body:
            size = chance.randint(1, 997)
            self.wfile.write(f"{len(body[:size]):x};x=y\r\n".encode() + body[:size] + b"\r\n")
            body = body[size:]
        self.wfile.write(b"0\r\n\r\n" if chunked else body)

    def log_message(self, *_: Any) -> None:
        """Nothing: what fails is told by the test."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, exchange: AnotherExchange) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchange = exchange
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("".join(certificate()))
            file.flush()
            context.load_cert_chain(file.name)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


@contextmanager
def another_exchange(edition: Edition, seed: int = 1) -> Iterator[AnotherExchange]:
    """The server, listening."""
    exchange = AnotherExchange(edition, seed)
    server = _Server(exchange)
    exchange.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield exchange
    server.shutdown()
    server.server_close()
    thread.join(5)


@cache
def certificate() -> tuple[str, str]:
    """A certificate of this machine's own, and its key, in PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "EX01")])
    now, here = datetime.now(UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2)
    )
    signed = made.add_extension(x509.SubjectAlternativeName([here]), critical=False).sign(key, hashes.SHA256())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return signed.public_bytes(pem).decode(), key.private_bytes(pem, form, serialization.NoEncryption()).decode()
