"""The invitation to a booking as a file (R47).

The one rule: visitors and hosts get it alike.
"""

from typing import Any, Final

from fastapi import Response

INVITE_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}
}


def invite_file(content: bytes) -> Response:
    """The answer with these bytes."""
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
