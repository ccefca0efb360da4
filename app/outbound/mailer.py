"""Mail over SMTP: from a letter to a message, and from a server's answer to what it means.

The one rule: nothing that people typed becomes a header unless the message, read again, has the headers it was given
and no others. One message has one recipient.
"""

import asyncio
import contextlib
import re
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Final

import aiosmtplib

from app.outbound.letters import Letter

SEND_SECONDS: Final = 45.0
"""The longest one mail may take, from connecting to the server's word."""
_STEP_SECONDS: Final = 20.0
_LONGEST_HEADER: Final = 200
_PERMANENT: Final = 500
# Control characters and Unicode's line ends, and the brackets of encoded words, which can smuggle a header in.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|=\\?|\\?=")


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
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._start_tls = start_tls

    async def send(
        self, letter: Letter, *, to: str, to_name: str | None, reply_to: str | None, message_id: str
    ) -> None:
        """Hand one mail over. Raises: MailError."""
        message = build_message(
            letter, sender=self._sender, to=to, to_name=to_name, reply_to=reply_to, message_id=message_id
        )
        handing_over = False
        try:
            async with asyncio.timeout(SEND_SECONDS):
                client = await self._connect()
                try:
                    handing_over = True
                    await client.sendmail(parseaddr(self._sender)[1], [to], message, mail_options=_options(to))
                finally:
                    await _leave(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _meaning(error, handing_over=handing_over) from error

    async def _connect(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            start_tls=self._start_tls,
            timeout=_STEP_SECONDS,
        )
        await client.connect()
        return client


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; what the server did is known by now."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=1)
    client.close()


def _options(to: str) -> list[str]:
    return [] if to.isascii() else ["SMTPUTF8"]


def _meaning(error: Exception, *, handing_over: bool) -> MailError:
    """What to make of a failure: our access or the server's health can mend, a refused mail cannot."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0:
        about_this_mail = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        return MailError(f"smtp_{error.code}", retryable=error.code < _PERMANENT or not about_this_mail)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return MailError("smtp_not_supported", retryable=not handing_over)
    code = "timed_out" if isinstance(error, TimeoutError) else "disconnected" if handing_over else "unreachable"
    return MailError(code, retryable=True, ambiguous=handing_over)


def build_message(
    letter: Letter, *, sender: str, to: str, to_name: str | None, reply_to: str | None, message_id: str
) -> bytes:
    """The message as it goes over the wire. Raises: MailError, when its headers cannot be told safely."""
    for name in dict.fromkeys([to_name, None]):  # a name that cannot be told is left out
        try:
            message = _message(letter, sender=sender, to=to, to_name=name, reply_to=reply_to, message_id=message_id)
            content = message.as_bytes()
        except (ValueError, IndexError):  # an address that is none
            continue
        if _reads_the_same(message, content, to=to):
            return content
    raise MailError("unsafe_headers", retryable=False)


def header_text(text: str) -> str:
    """Text that is safe in a header: one line, no controls, no encoded words, not too long."""
    return " ".join(_UNSAFE.sub(" ", text).split())[:_LONGEST_HEADER]


def _message(
    letter: Letter, *, sender: str, to: str, to_name: str | None, reply_to: str | None, message_id: str
) -> EmailMessage:
    sender_name, sender_address = parseaddr(sender)
    message = EmailMessage(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
    message["From"] = Address(sender_name, addr_spec=sender_address)
    message["To"] = Address(header_text(to_name or ""), addr_spec=to)
    if reply_to is not None and reply_to.isascii():
        message["Reply-To"] = Address(addr_spec=reply_to)
    message["Subject"] = header_text(letter.subject)
    message["Date"] = formatdate()
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.calendar is not None and letter.calendar_method is not None:
        text, method = letter.calendar.decode(), letter.calendar_method
        message.add_alternative(text, subtype="calendar", cte="base64", params={"method": method})
        message.add_attachment(letter.calendar, maintype="application", subtype="ics", filename="invite.ics")
    return message


def _reads_the_same(message: EmailMessage, content: bytes, *, to: str) -> bool:
    read = message_from_bytes(content, policy=policy.default)
    names = [name.lower() for name in message]
    if [name.lower() for name in read] != names or len(set(names)) != len(names) or read.defects:
        return False
    if [address.addr_spec for address in read["To"].addresses] != [to]:
        return False
    return all(_solid(read[name]) == _solid(message[name]) for name in ("From", "To", "Subject", "Message-ID"))


def _solid(header: object) -> str:
    """A header without its spaces, which folding may move."""
    return "".join(str(header).split())
