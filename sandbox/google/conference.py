"""Google Meet for an event. The one rule: a repeated `requestId` changes nothing.

https://developers.google.com/workspace/calendar/api/guides/create-events#conferencing
"""

import hashlib

from sandbox.google import errors
from sandbox.google.times import Json

_KEY = {"type": "hangoutsMeet"}
_ICON = "https://fonts.gstatic.com/s/i/productlogos/meet_2020q4/v6/web-512dp/logo_meet_2020q4_color_2x_web_512dp.png"


def apply_conference(fields: Json, before: Json, *, version: int, pending: bool = False) -> None:
    """Turn a createRequest in `fields` into a conference, or with version 0 keep what `before` has.

    `pending`: Google is still at it, and says so in the request's status.
    """
    held = before.get("conferenceData")
    if version == 0:
        fields.pop("conferenceData", None)
        if held is not None:
            fields["conferenceData"] = held
        return
    asked = fields.get("conferenceData")
    if asked is None:
        fields.pop("hangoutLink", None)
        return
    request = asked.get("createRequest")
    if request is None or (held or {}).get("createRequest", {}).get("requestId") == request.get("requestId"):
        if held is not None:
            fields["conferenceData"] = held
        return
    if not request.get("requestId"):
        raise errors.required("Missing conference create request ID.")
    kind = request.get("conferenceSolutionKey", {}).get("type", "hangoutsMeet")
    if kind != "hangoutsMeet":
        raise errors.invalid("Invalid conference type value.")
    fields["conferenceData"] = _promise(request["requestId"], "pending")
    if not pending:
        complete(fields)


def is_pending(fields: Json) -> bool:
    """Was a conference asked for that is not there yet?"""
    request = fields.get("conferenceData", {}).get("createRequest", {})
    return bool(request.get("status", {}).get("statusCode") == "pending")


def complete(fields: Json) -> None:
    """The conference is there."""
    fields["conferenceData"] = _meet(fields["conferenceData"]["createRequest"]["requestId"])
    fields["hangoutLink"] = fields["conferenceData"]["entryPoints"][0]["uri"]


def _promise(request_id: str, status: str) -> Json:
    return {
        "createRequest": {
            "requestId": request_id,
            "conferenceSolutionKey": _KEY,
            "status": {"statusCode": status},
        }
    }


def _meet(request_id: str) -> Json:
    digest = hashlib.sha256(request_id.encode()).digest()
    letters = "".join(chr(ord("a") + byte % 26) for byte in digest[:10])
    code = f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
    return _promise(request_id, "success") | {
        "entryPoints": [
            {"entryPointType": "video", "uri": f"https://meet.google.com/{code}", "label": f"meet.google.com/{code}"}
        ],
        "conferenceSolution": {"key": _KEY, "name": "Google Meet", "iconUri": _ICON},
        "conferenceId": code,
    }
