"""GetUserOofSettings and SetUserOofSettings: what a mailbox answers while its owner is away.

The one rule: only the owner reads or sets it, and whoever acts in the owner's name.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/setuseroofsettings-operation
"""

from datetime import datetime, timedelta

from sandbox.exchange.absence_settings import OofSettings
from sandbox.exchange.call import Call, response
from sandbox.exchange.errors import Fault, Refusal
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import parse_date_time, utc
from sandbox.exchange.world import Mailbox
from sandbox.exchange.zones import UTC_ZONE

_SUCCESS = element("m:ResponseMessage", element("m:ResponseCode", "NoError"), ResponseClass="Success")


def get_user_oof_settings(call: Call) -> Markup:
    settings = _mailbox(call).oof
    return response("GetUserOofSettings", _SUCCESS, _write(call, settings), element("m:AllowExternalOof", "All"))


def set_user_oof_settings(call: Call) -> Markup:
    mailbox, node = _mailbox(call), call.body.find("t:UserOofSettings")
    assert node is not None
    try:
        mailbox.oof = _read(node)
    except Refusal as refusal:
        refused = element("m:ResponseMessage", *refusal.parts(), ResponseClass="Error")
        return response("SetUserOofSettings", refused)
    return response("SetUserOofSettings", _SUCCESS)


def _mailbox(call: Call) -> Mailbox:
    """Whose settings they are. Raises Fault."""
    named = call.body.find("t:Mailbox")
    assert named is not None
    mailbox = call.world.find_mailbox((named.text_of("t:Address") or "").strip())
    if mailbox is None or not mailbox.enabled:
        raise Fault("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
    if mailbox is not call.mailbox:
        raise Fault("ErrorAccessDenied", "User is not mailbox owner.")
    return mailbox


def _read(node: Node) -> OofSettings:
    """Raises Refusal."""
    state, audience = node.text_of("t:OofState"), node.text_of("t:ExternalAudience")
    assert state is not None
    assert audience is not None
    duration = node.find("t:Duration")
    window = None
    if duration is not None:
        begin, end = (parse_date_time(one.text, UTC_ZONE.rules) for one in duration)
        window = (begin, end)
    if state == "Scheduled" and window is None:
        raise Refusal("ErrorInvalidUserOofSettings")
    if window is not None and window[1] <= window[0]:
        raise Refusal("ErrorInvalidScheduledOofDuration")
    inside, outside = (node.at(f"t:{name}", "t:Message") for name in ("InternalReply", "ExternalReply"))
    replies = tuple(one.text if one is not None else "" for one in (inside, outside))
    return OofSettings(state, audience, window, replies[0], replies[1])


def _write(call: Call, settings: OofSettings) -> Markup:
    begin, end = settings.window or _tomorrow(call)
    return element(
        "t:OofSettings",
        element("t:OofState", settings.state),
        element("t:ExternalAudience", settings.audience),
        element(
            "t:Duration",
            *(element(name, utc(at)) for name, at in (("t:StartTime", begin), ("t:EndTime", end))),
        ),
        element("t:InternalReply", element("t:Message", settings.inside)),
        element("t:ExternalReply", element("t:Message", settings.outside)),
    )


def _tomorrow(call: Call) -> tuple[datetime, datetime]:
    """What Exchange tells of a mailbox nobody set it for: the next day."""
    begin = call.world.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return begin, begin + timedelta(days=1)
