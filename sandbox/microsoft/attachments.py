"""Files on events: what an attachment is, and how it is shown. No HTTP.

The one rule: only files can be attached; an item or a link is refused, never stored as something else.
https://learn.microsoft.com/graph/api/resources/fileattachment
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sandbox.microsoft import errors
from sandbox.microsoft.times import Json, utc_text

_TYPE = "#microsoft.graph.fileAttachment"
_NAMES = "id lastModifiedDateTime name contentType size isInline contentId contentLocation contentBytes"
ATTACHMENT = tuple(_NAMES.split())
# What the type all kinds of attachments share has; only these can be selected.
ATTACHMENT_SELECTABLE = frozenset({"id", "lastModifiedDateTime", "name", "contentType", "size", "isInline"})


@dataclass(frozen=True)
class Attachment:
    """A file. `id` is opaque and good within its event."""

    id: str
    name: str
    content: bytes
    content_type: str | None
    is_inline: bool
    content_id: str | None
    modified: datetime


def read_attachment(given: Json, identifier: str, now: datetime) -> Attachment:
    """A new attachment's body. Raises GraphError."""
    kind = given.get("@odata.type")
    if not isinstance(kind, str) or f"#{kind.removeprefix('#')}".lower() != _TYPE.lower():
        raise errors.no_attachment_type(kind)
    if not given.get("name") or given.get("contentBytes") is None:
        raise errors.validation()
    try:
        content = base64.b64decode(given["contentBytes"], validate=True)
    except (binascii.Error, ValueError):
        raise errors.wrong_type(given["contentBytes"], "Edm.Binary") from None
    return attachment_of(given, identifier, content, now)


def attachment_of(given: Json, identifier: str, content: bytes, now: datetime) -> Attachment:
    """A file from what describes it."""
    return Attachment(
        id=identifier,
        name=given["name"],
        content=content,
        content_type=given.get("contentType"),
        is_inline=bool(given.get("isInline")),
        content_id=given.get("contentId"),
        modified=now,
    )


def render_attachment(attachment: Attachment, select: Collection[str] | None = None) -> Json:
    body: Json = {
        "id": attachment.id,
        "lastModifiedDateTime": utc_text(attachment.modified),
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": len(attachment.content),
        "isInline": attachment.is_inline,
        "contentId": attachment.content_id,
        "contentLocation": None,
        "contentBytes": base64.b64encode(attachment.content).decode(),
    }
    chosen = ATTACHMENT if select is None else [name for name in ATTACHMENT if name in {"id", *select}]
    return {"@odata.type": _TYPE, "@odata.mediaContentType": attachment.content_type} | {
        name: body[name] for name in chosen
    }
