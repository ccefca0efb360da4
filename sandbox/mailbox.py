"""What the mail sink received, kept as it came and parsed when it is read.

The rule: a message is never refused, altered or lost for being malformed; what could not be parsed is said so.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Received:
    """One message as SMTP delivered it. Numbers start at 1 and are never used again."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    def parsed(self) -> EmailMessage:
        """The message, by the standard library's modern policy."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @cached_property
    def message_id(self) -> str:
        """What the message calls itself; its head alone is read, for whoever looks at thousands."""
        head = BytesHeaderParser(policy=policy.compat32).parsebytes(self.raw)
        return str(head.get("Message-ID", "")).strip()

    def is_for(self, address: str) -> bool:
        """Was it delivered to `address`? By the envelope: headers may say anything."""
        return address.lower() in {recipient.lower() for recipient in self.recipients}


class Mailbox:
    """All messages, oldest first."""

    def __init__(self) -> None:
        self._messages: list[Received] = []
        self._last_number = 0

    def __iter__(self) -> Iterator[Received]:
        return iter(self._messages)

    def add(self, sender: str, recipients: list[str], raw: bytes) -> Received:
        """Store a message that was delivered now."""
        self._last_number += 1
        message = Received(self._last_number, datetime.now(UTC), sender, tuple(recipients), raw)
        self._messages.append(message)
        return message

    def find(self, number: int) -> Received | None:
        """The message with this number, unless it was deleted."""
        return next((message for message in self._messages if message.number == number), None)

    def clear(self) -> None:
        """Delete everything; numbers go on."""
        self._messages.clear()


def as_delivery(received: Received) -> dict[str, Any]:
    """What the envelope says, and which message it held."""
    return {
        "number": received.number,
        "received_at": received.received_at.isoformat(),
        "envelope_from": received.sender,
        "envelope_to": list(received.recipients),
        "message_id": received.message_id,
    }


def as_json(received: Received) -> dict[str, Any]:
    """The message taken apart for a test to look at."""
    message = received.parsed()
    parts = [part for part in message.walk() if not part.is_multipart()]
    return as_delivery(received) | {
        "from": str(message.get("From", "")),
        "to": str(message.get("To", "")),
        "subject": str(message.get("Subject", "")),
        "headers": [[name, str(value)] for name, value in message.items()],
        "text": _text_of(message, "plain"),
        "html": _text_of(message, "html"),
        "calendar": next((_calendar(part) for part in parts if part.get_content_type() == "text/calendar"), None),
        "attachments": [_attachment(part) for part in parts if part.is_attachment() or part.get_filename()],
        "defects": [type(defect).__name__ for part in message.walk() for defect in part.defects],
    }


def _text_of(message: EmailMessage, subtype: str) -> str | None:
    part = message.get_body((subtype,))
    return None if part is None else _decode(part)


def _calendar(part: EmailMessage) -> dict[str, Any]:
    """The invitation: its method as the MIME header gives it, which must agree with the METHOD inside."""
    return {"method": part.get_param("method"), "content": _decode(part)}


def _attachment(part: EmailMessage) -> dict[str, Any]:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return {
        "filename": part.get_filename(),
        "content_type": part.get_content_type(),
        "size": len(content),
        "content_base64": base64.b64encode(content).decode(),
    }


def _decode(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(str(part.get_content_charset("utf-8")), errors="replace")
