"""Mail over SMTP: from a letter to a message, and from a server's answer to what it means.

The one rule: nothing that people typed becomes a header unless the message, read again, has the headers it was given
and no others. One message has one recipient.
"""

import asyncio
import contextlib
from email import message_from_string, policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Final

import aiosmtplib

from app.outbound.headers import header_text, mailbox, unstructured, wire_address
from app.outbound.letters import Letter

SEND_SECONDS: Final = 45.0
"""The longest one mail may take, from connecting to the server's word."""
_CONNECT_SECONDS: Final = 10.0
"""For the connection, and again for the server's greeting: one that is up takes moments, or waits six seconds to see
whether we speak first. One that is not must not hold whoever calls."""
_STEP_SECONDS: Final = 20.0
_PERMANENT: Final = 500
_TLS_PORT: Final = 465
"""Where TLS begins with the connection (RFC 8314)."""
_SEVEN_BITS: Final = policy.SMTP.clone(cte_type="7bit")
"""Not every server takes eight (RFC 6152)."""


class MailError(Exception):
    """The server did not take the mail."""

    def __init__(self, code: str, *, retryable: bool, ambiguous: bool = False) -> None:
        super().__init__(code)
        self.code = code
        """Of ours, or of SMTP: `smtp_550`."""
        self.retryable = retryable
        self.ambiguous = ambiguous
        """The server may have taken it after all."""


class Mailer:
    """Hands mails to the mail server, one connection each."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        start_tls: bool | None = None,
    ) -> None:
        """`start_tls` None: always with a username, else when the server offers it. Only False goes in the clear."""
        self._host = host
        self._port = port
        self._sender = sender
        self._sender_address = wire_address(parseaddr(sender)[1])
        self._username = username
        self._password = password
        self._start_tls = start_tls
        if port == _TLS_PORT:
            self._start_tls = False
        elif start_tls is None and username is not None:
            self._start_tls = True  # whoever sits in between can take the offer out of the server's words

    async def send(
        self, letter: Letter, *, to: str, to_name: str | None, reply_to: str | None, message_id: str
    ) -> None:
        """Hand one mail over. Raises: MailError."""
        message = build_message(
            letter, sender=self._sender, to=to, to_name=to_name, reply_to=reply_to, message_id=message_id
        )
        address, handing_over = wire_address(to), False
        try:
            async with asyncio.timeout(SEND_SECONDS):
                client = await self._connect()
                try:
                    handing_over = True
                    options = _options(self._sender_address, address)
                    await client.sendmail(self._sender_address, [address], message, mail_options=options)
                finally:
                    await _leave(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _meaning(error, handing_over=handing_over) from error

    async def rehearse(self) -> bool:
        """Sign in and name the sender, hand nothing over; whether the way is encrypted. Raises: MailError."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                client = await self._connect()
                try:
                    sender = self._sender_address
                    await client.mail(sender, options=_options(sender), encoding="utf-8")
                    await client.rset()
                    return client.get_transport_info("sslcontext") is not None
                finally:
                    await _leave(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _meaning(error, handing_over=False) from error

    async def _connect(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            start_tls=self._start_tls,
            use_tls=self._port == _TLS_PORT,
            local_hostname=self._sender_address.rpartition("@")[2],  # the system's resolver may take seconds to say
            timeout=_STEP_SECONDS,
        )
        await client.connect(timeout=_CONNECT_SECONDS)
        return client


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; what the server did is known by now."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=1)
    client.close()


def _options(*addresses: str) -> list[str]:
    return [] if "".join(addresses).isascii() else ["SMTPUTF8"]


def _meaning(error: Exception, *, handing_over: bool) -> MailError:
    """What to make of a failure: our access or the server's health can mend, a refused mail cannot."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0:
        about_this_mail = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        return MailError(f"smtp_{error.code}", retryable=error.code < _PERMANENT or not about_this_mail)
    if (
        isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException
    ):  # no STARTTLS, no AUTH
        return MailError("smtp_not_supported", retryable=not handing_over)
    code = "timed_out" if isinstance(error, TimeoutError) else "disconnected" if handing_over else "unreachable"
    return MailError(code, retryable=True, ambiguous=handing_over)


def build_message(
    letter: Letter, *, sender: str, to: str, to_name: str | None, reply_to: str | None, message_id: str
) -> bytes:
    """The message as it goes over the wire. Raises: MailError, when its headers cannot be told safely."""
    sender_name, sender_address = parseaddr(sender)
    name, address, subject = header_text(to_name or ""), wire_address(to), header_text(letter.subject)
    try:
        fields = [
            ("From", mailbox(header_text(sender_name), wire_address(sender_address))),
            ("To", mailbox(name, address)),
            *_reply_to(reply_to),
            ("Subject", unstructured(subject)),
            ("Date", formatdate()),
            ("Message-ID", message_id),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ]
    except ValueError as error:
        raise MailError("unsafe_headers", retryable=False) from error
    head = "".join(f"{field}: {value}\r\n" for field, value in fields)
    content = head.encode() + _body(letter).as_bytes()
    if not _reads_as_meant(content, [field for field, _ in fields], name=name, address=address, subject=subject):
        raise MailError("unsafe_headers", retryable=False)
    return content


def _reply_to(address: str | None) -> list[tuple[str, str]]:
    """Where answers go; left out where it is no address that every server and reader understands."""
    address = wire_address(address or "")
    try:
        return [("Reply-To", mailbox("", address))] if address.isascii() else []
    except ValueError:
        return []


def _body(letter: Letter) -> EmailMessage:
    message = EmailMessage(policy=_SEVEN_BITS)
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.calendar is not None and letter.calendar_method is not None:
        text, method = letter.calendar.decode(), letter.calendar_method
        message.add_alternative(text, subtype="calendar", cte="base64", params={"method": method})
        message.add_attachment(letter.calendar, maintype="application", subtype="ics", filename="invite.ics")
    return message


def _reads_as_meant(content: bytes, fields: list[str], *, name: str, address: str, subject: str) -> bool:
    """Whether a reader finds the headers we wrote, saying what we said, and no others."""
    read = message_from_string(content.decode(), policy=policy.default)
    try:
        found = [field for field in read if field.lower() not in {"mime-version", "content-type"}]
        recipients = [(_solid(reader.display_name), reader.addr_spec) for reader in read["To"].addresses]
        told = found == fields and read["Subject"] == subject and not read.defects
        return told and recipients == [(_solid(name), address)]
    except Exception:  # noqa: BLE001 - the library's reader raises AttributeError and IndexError at what it finds odd
        return False


def _solid(name: str) -> str:
    """A name without its spaces: Python reads one too many between two encoded words."""
    return "".join(name.split())
