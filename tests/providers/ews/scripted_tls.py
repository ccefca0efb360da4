"""A TLS server on a real socket that does to each request what a test wrote down, and the answers Exchange gives.

The one rule: a request that the script has nothing for is cut off.
"""

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sandbox.exchange.tls import Certificates

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"

Act = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedTls:
    """Acts in the order of its script; remembers every request and how many connections were made."""

    certificates: Certificates
    port: int = 0
    connections: int = 0
    seen: list[Seen] = field(default_factory=list)
    script: deque[Act] = field(default_factory=deque)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/EWS/Exchange.asmx"

    def serve(self, listener: socket.socket) -> None:
        context = self.certificates.server_context()
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(context, raw), daemon=True).start()

    def _talk(self, context: ssl.SSLContext, raw: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError), context.wrap_socket(raw, server_side=True) as secured:
            secured.settimeout(10)
            while (request := _read(secured)) is not None:
                self.seen.append(request)
                if not self.script:
                    return
                self.script.popleft()(secured)


@contextmanager
def scripted_tls(certificates: Certificates) -> Iterator[ScriptedTls]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedTls(certificates, listener.getsockname()[1])
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _read(secured: ssl.SSLSocket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = secured.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += secured.recv(65536)
    return Seen(lines[0].split(" ")[1], headers, body)


def answer(body: bytes | str = b"", status: int = 200, **headers: str) -> Act:
    """A whole answer; the connection stays open."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    return lambda secured: secured.sendall(head + content)


def cut_after(act_body: bytes, claimed: int) -> Act:
    """Less than was promised, and then nothing."""

    def act(secured: socket.socket) -> None:
        secured.sendall(f"HTTP/1.1 200 X\r\nContent-Length: {claimed}\r\n\r\n".encode() + act_body)
        secured.shutdown(socket.SHUT_RDWR)

    return act


def hang_up(secured: socket.socket) -> None:
    """The connection is closed after the request was read: was it done?"""
    secured.shutdown(socket.SHUT_RDWR)


def challenge(*schemes: str) -> Act:
    """401 with these schemes, each in a header of its own."""
    lines = ["HTTP/1.1 401 Unauthorized", "Content-Length: 0", *(f"WWW-Authenticate: {scheme}" for scheme in schemes)]
    return lambda secured: secured.sendall("\r\n".join([*lines, "", ""]).encode())


def envelope(body: str, *, version: str = "14.2.247.5") -> str:
    major, minor, build, revision = version.split(".")
    info = (
        f'<t:ServerVersionInfo MajorVersion="{major}" MinorVersion="{minor}" MajorBuildNumber="{build}"'
        f' MinorBuildNumber="{revision}"/>'
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:t="{TYPES}" xmlns:m="{MESSAGES}">'
        f"<s:Header>{info}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def response(operation: str, *messages: str) -> str:
    """Response messages of an operation that went well."""
    whole = "".join(
        f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{message}'
        f"</m:{operation}ResponseMessage>"
        for message in messages
    )
    return envelope(f"<m:{operation}Response><m:ResponseMessages>{whole}</m:ResponseMessages></m:{operation}Response>")


def refused(operation: str, code: str) -> str:
    """One response message with an error."""
    message = (
        f'<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>secret@example.com no.</m:MessageText>'
        f"<m:ResponseCode>{code}</m:ResponseCode></m:{operation}ResponseMessage>"
    )
    return envelope(
        f"<m:{operation}Response><m:ResponseMessages>{message}</m:ResponseMessages></m:{operation}Response>"
    )


def fault(code: str, *, back_off_ms: int | None = None) -> str:
    wait = (
        ""
        if back_off_ms is None
        else f'<t:MessageXml><t:Value Name="BackOffMilliseconds">{back_off_ms}</t:Value></t:MessageXml>'
    )
    detail = f'<e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>{wait}'
    return envelope(
        f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>No.</faultstring><detail>{detail}</detail></s:Fault>"
    )


def calendar_item(item_id: str = "item", **fields: str) -> str:
    """A `CalendarItem`; fields are elements, in the order given."""
    told = {"Subject": "Lunch", "Start": "2027-03-01T11:00:00Z", "End": "2027-03-01T12:00:00Z", **fields}
    inner = "".join(f"<t:{name}>{value}</t:{name}>" for name, value in told.items())
    return f'<t:CalendarItem><t:ItemId Id="{item_id}" ChangeKey="key"/>{inner}</t:CalendarItem>'
