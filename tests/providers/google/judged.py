"""An HTTP client that holds every Calendar request of ours against Google's published discovery document.

The one rule: what Google does not publish is never sent; OAuth and identity, which it does not describe, pass.
"""

import json
import re
from collections.abc import Mapping

from app.http import Answer, HttpClient
from tests.sandbox.google.discovery import validate_request

_CALENDAR = "/calendar/v3"
_METHODS = (
    ("GET", r"/users/me/calendarList", "calendarList.list"),
    ("POST", r"/calendars", "calendars.insert"),
    ("POST", r"/freeBusy", "freebusy.query"),
    ("GET", r"/calendars/[^/]+/events", "events.list"),
    ("POST", r"/calendars/[^/]+/events", "events.insert"),
    ("POST", r"/calendars/[^/]+/events/watch", "events.watch"),
    ("GET", r"/calendars/[^/]+/events/[^/]+", "events.get"),
    ("PATCH", r"/calendars/[^/]+/events/[^/]+", "events.patch"),
    ("DELETE", r"/calendars/[^/]+/events/[^/]+", "events.delete"),
    ("GET", r"/calendars/[^/]+/events/[^/]+/instances", "events.instances"),
)


class JudgedHttp(HttpClient):
    """Fails the test that sends what Google does not know."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float | None = None,
    ) -> Answer:
        _, found, path = url.partition(_CALENDAR)
        if found:
            validate_request(_method_id(method, path), _without_nulls(query or {}), _body(content))
        return await super().send(
            method, url, query=query, headers=headers, content=content, timeout_seconds=timeout_seconds
        )


def _method_id(method: str, path: str) -> str:
    for verb, pattern, method_id in _METHODS:
        if verb == method and re.fullmatch(pattern, path):
            return method_id
    raise AssertionError(f"Google publishes no {method} {path}")


def _body(content: bytes | None) -> object:
    """A null in a patch takes a field away; the document, which knows only values, has no word for it."""
    return None if content is None else _without_nulls(json.loads(content))


def _without_nulls(value: Mapping[str, object]) -> dict[str, object]:
    return {name: item for name, item in value.items() if item is not None}
