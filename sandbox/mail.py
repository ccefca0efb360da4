"""The SMTP server of the sandbox: it takes every mail and delivers none.

The rule: a fault changes what the client is told, and the mailbox always says what truly arrived. A connection dropped
between storing a message and the 250 is the window in which a sender cannot know.
"""

import asyncio
import weakref
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.mailbox import Mailbox, Received, as_delivery, as_json
from sandbox.ports import HOST

HOSTNAME = "mail.example.com"  # given, since asking the system's resolver can take seconds

FaultKind = Literal[
    "refuse_connection", "reject_recipient", "reject_data", "drop_before_store", "drop_before_reply", "slow"
]


class MailFault(BaseModel):
    """One thing that goes wrong, for the next `times` mails (or connections) that it concerns."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kind: FaultKind
    times: int | None = Field(default=1, ge=1)
    """None: until it is removed."""
    recipient: str | None = None
    """Concerns mails to this address only; None: all."""
    code: int | None = Field(default=None, ge=400, le=599)
    """The SMTP reply: 4xx to try again, 5xx to give up. `refuse_connection` without a code resets the connection."""
    seconds: float = Field(default=1.0, ge=0, le=300)
    """How long `slow` takes before it answers."""


class MailSink:
    """The SMTP server, its mailbox and the faults in force."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.faults: list[MailFault] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback interface in the running event loop. Raises OSError when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(self._answer_connection, HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            _reset(session)
        await self._server.wait_closed()
        await asyncio.sleep(0)  # the sessions hear of it in the next turn of the loop

    def claim(self, kind: FaultKind, recipients: list[str]) -> MailFault | None:
        """The fault of this kind that concerns a mail to `recipients`, counted as used."""
        addresses = {address.lower() for address in recipients}
        for fault in self.faults:
            if fault.kind == kind and (fault.recipient is None or fault.recipient.lower() in addresses):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.faults.remove(fault)
                return fault
        return None

    def _answer_connection(self) -> asyncio.BaseProtocol:
        self.connections += 1
        fault = self.claim("refuse_connection", [])
        if fault is not None:
            return _Refusal(fault.code)
        loop = asyncio.get_running_loop()
        session = SMTP(_Handler(self), hostname=HOSTNAME, ident="sandbox", enable_SMTPUTF8=True, loop=loop)
        self._sessions.add(session)
        return session


class _Refusal(asyncio.Protocol):
    """Ends a connection at once: with a 4xx/5xx greeting, or with a reset."""

    def __init__(self, code: int | None) -> None:
        self._code = code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._code is None:
            transport.abort()
        else:
            transport.write(f"{self._code} {HOSTNAME} Service not available\r\n".encode())
            transport.close()


class _Handler:
    """What the library calls at each command that matters; the names are the library's."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        fault = self._sink.claim("reject_recipient", [address])
        if fault is not None:
            return _reply(fault, 550, "Recipient refused")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        recipients = list(envelope.rcpt_tos)
        if (fault := self._sink.claim("slow", recipients)) is not None:
            await asyncio.sleep(fault.seconds)
        if (fault := self._sink.claim("reject_data", recipients)) is not None:
            return _reply(fault, 451, "Message refused")
        if self._sink.claim("drop_before_store", recipients) is not None:
            return await _drop(server)
        self._sink.mailbox.add(envelope.mail_from or "", recipients, envelope.original_content or b"")
        if self._sink.claim("drop_before_reply", recipients) is not None:
            return await _drop(server)
        return "250 OK: stored"


async def _drop(server: SMTP) -> str:
    """Reset the connection. The library cancels its task when it hears of that, so this never returns."""
    _reset(server)
    await asyncio.Event().wait()
    raise AssertionError("a dropped connection goes on")


def _reset(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()


def _reply(fault: MailFault, default: int, text: str) -> str:
    return f"{fault.code or default} {text}"


def create_mail_control(sink: MailSink) -> FastAPI:
    """The mailbox and the faults over HTTP."""
    app = FastAPI(title="Sandbox mail", openapi_url=None)
    _add_mailbox_routes(app, sink.mailbox)
    _add_fault_routes(app, sink)
    return app


def _add_mailbox_routes(app: FastAPI, mailbox: Mailbox) -> None:
    def get_message(number: int) -> Received:
        message = mailbox.find(number)
        if message is None:
            raise HTTPException(404, f"There is no message {number}.")
        return message

    @app.get("/messages")
    async def list_messages(to: str | None = None) -> dict[str, Any]:
        return {"items": [as_json(message) for message in mailbox if to is None or message.is_for(to)]}

    @app.get("/deliveries")
    async def list_deliveries() -> dict[str, Any]:
        return {"items": [as_delivery(message) for message in mailbox]}

    @app.get("/messages/{number}")
    async def read_message(number: int) -> dict[str, Any]:
        return as_json(get_message(number))

    @app.get("/messages/{number}/raw")
    async def read_raw_message(number: int) -> Response:
        return Response(get_message(number).raw, media_type="message/rfc822")

    @app.delete("/messages", status_code=204)
    async def delete_messages() -> None:
        mailbox.clear()


def _add_fault_routes(app: FastAPI, sink: MailSink) -> None:
    @app.get("/faults")
    async def list_faults() -> dict[str, Any]:
        return {"items": [fault.model_dump() for fault in sink.faults]}

    @app.post("/faults", status_code=201)
    async def add_fault(fault: MailFault) -> dict[str, Any]:
        sink.faults.append(fault)
        return fault.model_dump()

    @app.delete("/faults", status_code=204)
    async def delete_faults() -> None:
        sink.faults.clear()

    @app.get("/stats")
    async def stats() -> dict[str, Any]:
        return {"connections": sink.connections, "stored": sum(1 for _ in sink.mailbox)}
