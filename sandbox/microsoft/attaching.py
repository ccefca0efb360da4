"""Attachments of events over HTTP. The one rule: an attachment is part of its event, so it changes the event's key.

Up to 3 MB come in one request, more in an upload session. https://learn.microsoft.com/graph/api/event-post-attachments
"""

import base64
import secrets
from datetime import timedelta
from urllib.parse import quote

from sandbox.microsoft import errors
from sandbox.microsoft.attachments import Attachment, read_attachment, render_attachment
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.parts import store
from sandbox.microsoft.times import Json, utc_text
from sandbox.microsoft.views import View
from sandbox.microsoft.world import Calendar, Upload

_MB = 1024 * 1024
SMALL_MAX, LARGE_MAX = 3 * _MB, 150 * _MB
UPLOAD_LIFETIME = timedelta(days=7)


def list_attachments(call: Call) -> Answer:
    calendar, view = call.event()
    held = list(_seen(call, calendar, view).values())
    return call.page(held, lambda each: render_attachment(each, call.options.select), _fragment(call))


def get_attachment(call: Call) -> Answer:
    _, _, held = _held(call)
    return _entity(call, held)


def get_content(call: Call) -> Answer:
    """The file itself."""
    _, _, held = _held(call)
    return Answer(content=held.content, media_type=held.content_type or "application/octet-stream")


def create(call: Call) -> Answer:
    calendar, view = call.event()
    attachment = read_attachment(call.body, new_attachment_id(view), call.world.clock.now())
    if len(attachment.content) > SMALL_MAX:
        raise errors.attachment_too_big()
    call.match(calendar)(view.item)
    store(call.world, calendar, view, call.actor, part="attachments", key=attachment.id, value=attachment)
    return _entity(call, attachment, 201)


def delete(call: Call) -> Answer:
    calendar, view, held = _held(call)
    call.match(calendar)(view.item)
    store(call.world, calendar, view, call.actor, part="attachments", key=held.id, value=None)
    return Answer(status=204)


def create_upload_session(call: Call) -> Answer:
    """A place to put the parts of a big file, for whoever has its address."""
    calendar, view = call.event()
    item: Json = call.body.get("AttachmentItem") or {}
    size = item.get("size")
    if item.get("attachmentType") != "file" or not item.get("name") or size is None:
        raise errors.validation()
    if size <= SMALL_MAX:
        raise errors.attachment_too_small()
    if size > LARGE_MAX:
        raise errors.attachment_too_big()
    token = secrets.token_urlsafe(48)
    expires = call.world.clock.now() + UPLOAD_LIFETIME
    upload = Upload(calendar, view.item, view.day, item, expires, call.actor)
    call.world.uploads[token] = upload
    event_id = quote(call.params["event"], safe="")
    place = f"{call.root}/api/gv1.0/users('{calendar.owner.oid}')/events('{event_id}')/AttachmentSessions('{token}')"
    body = {
        "@odata.context": f"{call.base}/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": place,
        "expirationDateTime": utc_text(expires),
        "nextExpectedRanges": ["0-"],
    }
    return Answer(body, 201)


def new_attachment_id(view: View) -> str:
    """Opaque, as Outlook's are."""
    return base64.urlsafe_b64encode(b"\x00\x03\x24\x00" + view.item.token + secrets.token_bytes(32)).decode()


def _seen(call: Call, calendar: Calendar, view: View) -> dict[str, Attachment]:
    return view.attachments if call.reader(calendar).sees(view) == "full" else {}


def _held(call: Call) -> tuple[Calendar, View, Attachment]:
    calendar, view = call.event()
    held = _seen(call, calendar, view).get(call.params["attachment"])
    if held is None:
        raise errors.item_not_found()
    return calendar, view, held


def _fragment(call: Call) -> str:
    return f"events('{quote(call.params['event'])}')/attachments"


def _entity(call: Call, attachment: Attachment, status: int = 200) -> Answer:
    context = call.context(f"{_fragment(call)}/$entity")
    place = f"{call.base}{call.path.rstrip('/')}('{quote(attachment.id, safe='')}')"
    headers = {"location": place} if status == 201 else {}
    return Answer({"@odata.context": context, **render_attachment(attachment, call.options.select)}, status, headers)
