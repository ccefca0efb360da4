"""Channels: who wants to hear that a calendar or a list of calendars has changed. No HTTP but what the courier does.

The one rule: a message says that something changed and nothing more. It has headers only, and its number rises but
skips. https://developers.google.com/workspace/calendar/api/guides/push
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

from sandbox.clock import Clock
from sandbox.google.grants import Grant
from sandbox.google.knobs import Knobs
from sandbox.push import Courier, Message, Note

ResourceState = Literal["sync", "exists", "not_exists"]
# How a channel came to its end. `dropped`: Google forgot it without a word; `gone`: its calendar did.
Ending = Literal["stopped", "expired", "revoked", "dropped", "gone"]
_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
_SKIPPED_NUMBERS_MAX = 1000
# "indicate success" and "retries with exponential backoff"; anything else is a message failure.
_RETRIED = frozenset({500, 502, 503, 504, None})


@dataclass
class Channel:
    """One webhook for one resource. `resource` is our name for it, `resource_uri` Google's."""

    id: str
    address: str
    token: str | None
    resource: str
    resource_uri: str
    grant: Grant
    created_at: datetime
    expires_at: datetime
    number: int = 0
    ended: Ending | None = None

    @property
    def resource_id(self) -> str:
        """The same for every channel of a resource."""
        return hashlib.sha256(self.resource.encode()).hexdigest()[:27]

    @property
    def expiration_ms(self) -> str:
        return str(int(self.expires_at.timestamp() * 1000))


def events_of(calendar_id: str) -> str:
    """The resource of a calendar's events."""
    return f"events:{calendar_id}"


def list_of(email: str) -> str:
    """The resource of a person's list of calendars."""
    return f"list:{email}"


def access_to(calendar_id: str) -> str:
    """The resource of the rules that say who may use a calendar."""
    return f"acl:{calendar_id}"


def settings_of(email: str) -> str:
    """The resource of a person's settings."""
    return f"settings:{email}"


class Channels:
    """All channels, living and ended: an id is never good for a second one."""

    def __init__(self, clock: Clock, knobs: Callable[[], Knobs]) -> None:
        self._clock = clock
        self.courier = Courier(now=clock.now, knobs=knobs, render=_render, retries=_RETRIED.__contains__)
        self._by_key: dict[tuple[str, str], Channel] = {}
        self._by_resource: dict[str, list[Channel]] = {}

    def reset(self) -> None:
        """Forget all channels and end what is on its way."""
        self._by_key.clear()
        self._by_resource.clear()
        self.courier.reset()

    def all(self) -> list[Channel]:
        """In the order they were opened, with `ended` as it is now."""
        for channel in self._by_key.values():
            self.is_alive(channel)
        return list(self._by_key.values())

    def find(self, client_id: str, channel_id: str) -> Channel | None:
        """A client's channel by its id, alive or not."""
        return self._by_key.get((client_id, channel_id))

    def open(self, channel: Channel) -> None:
        """Register a channel and send the message that says so."""
        self._by_key[channel.grant.client_id, channel.id] = channel
        self._by_resource.setdefault(channel.resource, []).append(channel)
        self._tell(channel, "sync")

    def is_alive(self, channel: Channel) -> bool:
        """Whether it still carries messages; notes down why not."""
        if channel.ended is None and channel.grant.revoked:
            channel.ended = "revoked"
        if channel.ended is None and channel.expires_at <= self._clock.now():
            channel.ended = "expired"
        return channel.ended is None

    # what happens to resources ------------------------------------------------------------------

    def changed(self, resource: str) -> None:
        """Something in it is not as it was."""
        for channel in self._by_resource.get(resource, ()):
            if self.is_alive(channel):
                self._tell(channel, "exists")
            elif self.courier.faults.claim("after_stop", channel.id):
                self._tell(channel, "exists", posthumous=True)

    def vanished(self, resource: str, account: str | None = None) -> None:
        """It was deleted, or one person may not see it any more: the last message of the channels concerned.

        Google documents the state `not_exists` for a resource that is gone, and nothing about what follows.
        """
        for channel in self._by_resource.get(resource, ()):
            if account in {None, channel.grant.account} and self.is_alive(channel):
                self._tell(channel, "not_exists", posthumous=True)
                channel.ended = "gone"

    def _tell(self, channel: Channel, state: ResourceState, *, posthumous: bool = False) -> None:
        channel.number += 1 if state == "sync" else 1 + secrets.randbelow(_SKIPPED_NUMBERS_MAX)
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(channel.expires_at, usegmt=True),
            "X-Goog-Message-Number": str(channel.number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-State": state,
            "X-Goog-Resource-URI": channel.resource_uri,
        }
        self.courier.submit(
            Note(
                watch=channel.id,
                lane=f"{channel.grant.client_id} {channel.id}",
                url=channel.address,
                kind=state,
                content=headers,
                secret=channel.token,
                coalesces=state == "exists",
                wanted=lambda: posthumous or self.is_alive(channel),
            )
        )


def _render(notes: Sequence[Note]) -> Message:
    """A request without a body; the notes of a channel are never joined."""
    (note,) = notes
    token = {} if note.secret is None else {"X-Goog-Channel-Token": note.secret}
    return Message({"Accept": "*/*", "User-Agent": _AGENT, **note.content, **token})
