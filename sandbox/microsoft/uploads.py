"""The parts of a big attachment. The one rule: they come in order, and the address is all the permission it needs.

https://learn.microsoft.com/graph/outlook-large-attachments
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from sandbox.microsoft import errors
from sandbox.microsoft.attaching import new_attachment_id
from sandbox.microsoft.attachments import attachment_of
from sandbox.microsoft.errors import render_json
from sandbox.microsoft.parts import store
from sandbox.microsoft.times import utc_text
from sandbox.microsoft.views import view_of
from sandbox.microsoft.world import MicrosoftWorld, Upload

_PART_MAX = 4 * 1024 * 1024
_SESSION = re.compile(r".*/AttachmentSessions\('([^']+)'\)", re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


async def serve_upload(world: MicrosoftWorld, request: Request) -> Response:
    """A part is put, or the session is deleted. Raises GraphError."""
    match = _SESSION.fullmatch(request.path_params["path"])
    token = match[1] if match is not None else ""
    upload = world.uploads.get(token)
    if upload is None or upload.expires_at <= world.clock.now():
        raise errors.item_not_found()
    if request.method == "DELETE":
        del world.uploads[token]
        return Response(status_code=204)
    _take(upload, request.headers.get("content-range", ""), await request.body())
    if len(upload.content) < upload.item_size:
        told = {"expirationDateTime": utc_text(upload.expires_at), "nextExpectedRanges": [str(len(upload.content))]}
        return render_json(told)
    del world.uploads[token]
    return _finish(world, upload, str(request.url).partition("/AttachmentSessions")[0])


def _take(upload: Upload, content_range: str, part: bytes) -> None:
    match = _RANGE.fullmatch(content_range.strip())
    if match is None:
        raise errors.bad_range("The Content-Range header is missing or malformed.")
    first, last, whole = (int(each) for each in match.groups())
    if whole != upload.item_size or last - first + 1 != len(part):
        raise errors.bad_range("The Content-Range header does not match the declared size or the content.")
    if len(part) > _PART_MAX:
        raise errors.bad_range("A range may have 4 MB at most.")
    if first != len(upload.content):
        raise errors.range_not_expected(len(upload.content))
    upload.content += part


def _finish(world: MicrosoftWorld, upload: Upload, place: str) -> Response:
    view = view_of(upload.item, upload.day)
    if view is None or upload.item.deleted:
        raise errors.item_not_found()
    identifier = new_attachment_id(view)
    attachment = attachment_of(upload.described, identifier, bytes(upload.content), world.clock.now())
    store(world, upload.calendar, view, upload.actor, part="attachments", key=identifier, value=attachment)
    return Response(status_code=201, headers={"location": f"{place}/Attachments('{identifier}')"})
