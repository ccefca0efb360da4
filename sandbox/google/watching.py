"""The watch methods and channels.stop. The one rule: a channel is its creator's; nobody else ends it.

https://developers.google.com/workspace/calendar/api/v3/reference/events/watch
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.channels import Channel, access_to, events_of, list_of, settings_of
from sandbox.google.surface import STANDARD
from sandbox.google.times import Json
from sandbox.google.world import Calendar, rank
from sandbox.push import judge_address

_ROOT = "https://www.googleapis.com/calendar/v3"
_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_TOKEN_MAX = 256
_TYPES = frozenset({"web_hook", "webhook"})
_MILLISECONDS_MAX = 253_402_300_799_000  # the year 9999


def watch_events(call: Call) -> Answer:
    """Whoever may list a calendar's events may watch them, unless Google makes the calendar up itself."""
    calendar = call.calendar()
    if rank(call.role(calendar)) < rank("reader") and not call.world.knobs.free_busy_reader_lists:
        raise errors.access_level("reader")
    if not _supports_push(call, calendar):
        raise errors.push_not_supported()
    return _watch(call, events_of(calendar.id), f"{_ROOT}/calendars/{quote(calendar.id, safe='')}/events")


def _supports_push(call: Call, calendar: Calendar) -> bool:
    if not calendar.owner:
        return call.world.knobs.push_for_public_calendars
    return calendar.owner == call.account.email or call.world.knobs.push_for_shared_calendars


def watch_list(call: Call) -> Answer:
    return _watch(call, list_of(call.account.email), f"{_ROOT}/users/me/calendarList")


def watch_access(call: Call) -> Answer:
    calendar = call.calendar(at_least="writer")
    return _watch(call, access_to(calendar.id), f"{_ROOT}/calendars/{quote(calendar.id, safe='')}/acl")


def watch_settings(call: Call) -> Answer:
    """Nobody changes their settings here, so `sync` is the only message."""
    return _watch(call, settings_of(call.account.email), f"{_ROOT}/users/me/settings")


def _watch(call: Call, resource: str, uri: str) -> Answer:
    body, world = call.body, call.world
    channel_id = _channel_id(body)
    _check_kind(body)
    address = _address(body, http_to_loopback=world.knobs.push_http_to_loopback)
    token = body.get("token")
    if token is not None and len(token) > _TOKEN_MAX:
        raise errors.invalid(f"Channel token is too long: {len(token)} > {_TOKEN_MAX} characters.", "resource.token")
    if world.channels.find(call.grant.client_id, channel_id) is not None:
        raise errors.channel_not_unique(channel_id)
    now = world.clock.now()
    channel = Channel(
        id=channel_id,
        address=address,
        token=token,
        resource=resource,
        resource_uri=f"{uri}?{_query(call)}",
        grant=call.grant,
        created_at=now,
        expires_at=_expiry(call, body, now),
    )
    world.channels.open(channel)
    return Answer(_show(channel))


def _channel_id(body: Json) -> str:
    channel_id = body.get("id")
    if not channel_id:
        raise errors.required("Missing channel id.", "resource.id")
    if not _ID.fullmatch(channel_id):
        raise errors.invalid("Channel id must match [A-Za-z0-9\\-_\\+/=]{1,64}.", "resource.id")
    return str(channel_id)


def _check_kind(body: Json) -> None:
    if not body.get("type"):
        raise errors.required("Missing channel type.", "resource.type")
    if body["type"] not in _TYPES:
        raise errors.channel_type(body["type"])


def _address(body: Json, *, http_to_loopback: bool) -> str:
    address = body.get("address")
    if not address:
        raise errors.required("Missing WebHook callback address.", "resource.address")
    verdict = judge_address(address, http_to_loopback=http_to_loopback)
    if verdict == "invalid":
        raise errors.webhook_address(address)
    if verdict == "not_https":
        raise errors.webhook_not_https(address)
    return str(address)


def _query(call: Call) -> str:
    """The parameters of the list that is watched are part of the resource's name."""
    own = {name: value for name, value in call.query.items() if name not in STANDARD}
    plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in own.items()}
    return urlencode([*plain.items(), ("alt", "json")], doseq=True)


def _expiry(call: Call, body: Json, now: datetime) -> datetime:
    """The earlier of `expiration` and `params.ttl`; what is longer than allowed is cut, not refused."""
    knobs = call.world.knobs
    asked: list[datetime] = []
    if body.get("expiration") is not None:
        asked.append(datetime.fromtimestamp(_number(body["expiration"], "resource.expiration") / 1000, UTC))
    ttl = (body.get("params") or {}).get("ttl")
    if ttl is not None:
        seconds = min(_number(ttl, "resource.params.ttl"), int(knobs.channel_lifetime_max.total_seconds()))
        asked.append(now + timedelta(seconds=seconds))
    expires_at = min(asked, default=now + knobs.channel_lifetime)
    if expires_at <= now:
        raise errors.invalid("The channel expiration lies in the past.", "resource.expiration")
    return _milliseconds(min(expires_at, now + knobs.channel_lifetime_max))


def _number(value: str, location: str) -> int:
    if not (value.isascii() and value.isdecimal()) or int(value) > _MILLISECONDS_MAX:
        raise errors.invalid(f"Invalid value '{value}'.", location)
    return int(value)


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _show(channel: Channel) -> Json:
    shown: Json = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": channel.expiration_ms,
    }
    return shown if channel.token is None else {**shown, "token": channel.token}


def stop(call: Call) -> Answer:
    """Only the same person through the same client, and only with the id of the resource."""
    body = call.body
    for name in ("id", "resourceId"):
        if not body.get(name):
            raise errors.required(f"Missing channel {name}.", f"resource.{name}")
    channels, client_id = call.world.channels, call.grant.client_id
    channel = channels.find(client_id, body["id"])
    fits = channel is not None and channel.resource_id == body["resourceId"]
    if channel is None or not fits or channel.grant.account != call.account.email or not channels.is_alive(channel):
        raise errors.channel_not_found(body["id"], client_id)
    channel.ended = "stopped"
    return Answer()
