"""Online meetings of events. The one rule: a meeting lives in the event's body, and ends when it is written out of it.

Nothing else ends it: "Outlook ignores any further changes to isOnlineMeeting".
https://learn.microsoft.com/graph/api/resources/event, https://learn.microsoft.com/graph/api/event-update
"""

import hashlib

from sandbox.microsoft.ids import guid_of
from sandbox.microsoft.texts import as_html
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import Account

_PROVIDER = "teamsForBusiness"
_NONE: Json = {"isOnlineMeeting": False, "onlineMeetingProvider": "unknown", "onlineMeeting": None}
_NO_BODY: Json = {"contentType": "html", "content": ""}


def meeting_fields(asked: Json, written: Json | None, held: Json, owner: Account) -> Json:
    """What an edit makes of an event's meeting: nothing, a new one, or the end of it.

    `asked` is the client's body, `written` the event's own body that comes of it, None where it names none. A provider
    the calendar does not have gives no meeting, silently.
    """
    if held.get("isOnlineMeeting"):
        ends = written is not None and held["onlineMeeting"]["joinUrl"] not in written["content"]
        return dict(_NONE) if ends else {}
    provider = asked.get("onlineMeetingProvider") or _PROVIDER
    if not asked.get("isOnlineMeeting") or provider != _PROVIDER or not owner.work:
        return {}
    made = _new_meeting(asked, owner)
    body = _with_join_block(written or held.get("body") or _NO_BODY, made["joinUrl"])
    return {"isOnlineMeeting": True, "onlineMeetingProvider": provider, "onlineMeeting": made, "body": body}


def _new_meeting(asked: Json, owner: Account) -> Json:
    thread = hashlib.sha256(repr((owner.oid, asked)).encode()).hexdigest()[:32]
    context = f"%7b%22Tid%22%3a%22{owner.tenant}%22%2c%22Oid%22%3a%22{owner.oid}%22%7d"
    link = f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{thread}%40thread.v2/0?context={context}"
    number = int(guid_of(thread).replace("-", "")[:8], 16) % 10**9
    return {"joinUrl": link, "conferenceId": f"{number:09d}", "tollNumber": "+46 8 505 218 00"}


def _with_join_block(body: Json, link: str) -> Json:
    content = as_html(body["content"]) if body["contentType"] == "text" else body["content"]
    block = (
        f'<br>\r\n<div>{"_" * 80}</div>\r\n<div class="me-email-text"><div>Microsoft Teams meeting</div>\r\n'
        f'<a class="me-email-headline" href="{link}">Click here to join the meeting</a></div>\r\n'
    )
    before, end, after = content.rpartition("</body>")
    content = f"{before}{block}{end}{after}" if end else f"{content}{block}"
    return {"contentType": "html", "content": content}
