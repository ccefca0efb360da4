"""Google's push channels: one per calendar, told about by empty messages.

The one rule: a channel is never reused; its successor is started before it is stopped.
https://developers.google.com/workspace/calendar/api/guides/push
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from app.calendar import Clock
from app.providers.base import CalendarGone, EventNotFound, InvalidRequest
from app.providers.push import Callback, News, PushUnsupported, Signal, Watch
from app.providers.rest import Call, RestSession

_UNSUPPORTED = "pushNotSupportedForRequestedResource"
_NEWS = {"sync": News.STARTED, "exists": News.CHANGED, "not_exists": News.CHANGED}
_LONGEST = 255


class _Channel(msgspec.Struct, rename="camel"):
    id: str
    resource_id: str
    expiration: str | int | None = None
    """Milliseconds; a text on the wire, a number in Google's own examples."""


_CHANNEL = msgspec.json.Decoder(_Channel)


class GoogleWatches:
    """See `app.providers.push.Watches`."""

    def __init__(self, rest: RestSession, api_url: str, clock: Clock) -> None:
        self._rest = rest
        self._api_url = api_url.rstrip("/")
        self._clock = clock

    async def start(self, calendar_id: str, channel_id: str, callback: Callback, *, until: datetime) -> Watch:
        """Open a channel for one calendar."""
        lifetime = int((until - self._clock()).total_seconds())
        call = Call(
            "google.watch",
            "POST",
            f"{self._api_url}/calendars/{quote(calendar_id, safe='')}/events/watch",
            body={
                "id": channel_id,
                "type": "web_hook",
                "address": callback.url,
                "token": callback.secret,
                "params": {"ttl": str(lifetime)},
            },
            write=True,
            not_found=CalendarGone,
        )
        try:
            channel = await self._rest.fetch(call, _CHANNEL.decode)
        except InvalidRequest as refusal:
            if refusal.provider_code == _UNSUPPORTED:
                raise PushUnsupported(operation="google.watch", provider_code=_UNSUPPORTED) from refusal
            raise
        return Watch(channel.id, channel.resource_id, _expiration(channel.expiration) or until)

    async def extend(self, watch: Watch, url: str, *, until: datetime) -> Watch | None:  # noqa: ARG002 - the protocol's
        """Channels cannot be renewed."""
        return None

    async def stop(self, watch: Watch) -> None:
        """Close a channel; one that has ended is not found."""
        call = Call(
            "google.stop_channel",
            "POST",
            f"{self._api_url}/channels/stop",
            body={"id": watch.channel_id, "resourceId": watch.resource_id},
            write=True,
            not_found=EventNotFound,
        )
        try:
            await self._rest.send(call)
        except EventNotFound:
            return


def signals(headers: Mapping[str, str]) -> Sequence[Signal]:
    """What a message says: everything stands in its headers."""
    channel_id, state = headers.get("X-Goog-Channel-ID", ""), headers.get("X-Goog-Resource-State", "")
    news = _NEWS.get(state)
    if news is None or not 0 < len(channel_id) <= _LONGEST:
        return ()
    return (Signal(channel_id, headers.get("X-Goog-Channel-Token", ""), news),)


def _expiration(milliseconds: str | int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
