"""Lists that are cut by count: the rules of a calendar's access, a person's settings.

The one rule: what is listed has ids; a sync token is a position in the log of the ids that changed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.resources import collection_etag
from sandbox.google.times import Json
from sandbox.google.tokens import PageToken, SyncToken, check_alive, digest, open_page_token, open_sync_token, seal

PAGE_SIZE = 100
PAGE_SIZE_MAX = 250
_GENERATION = 1  # nothing but age and number ends these sync tokens


@dataclass(frozen=True)
class ShortList:
    """`resource` is our name for it; `log` has the ids in the order they changed, and `show` one as it is now."""

    kind: str
    resource: str
    log: Sequence[str]
    show: Callable[[str], Json]


def answer_list(call: Call, short: ShortList, ids: Iterable[str]) -> Answer:
    """A page of all `ids`, or of those that changed since a sync token."""
    parameters = digest({**call.query, "pageToken": None, "maxResults": None, "fields": None})
    page = _page(call, short, parameters)
    until = page.until if page else len(short.log)
    begin = int(page.key[0]) if page else 0
    listed = list(_changed(call, short, until) if call.query.get("syncToken") else ids)
    size = min(call.query.get("maxResults", PAGE_SIZE), PAGE_SIZE_MAX)
    size = min(size, call.world.knobs.page_size_cap or size)
    body: Json = {"kind": short.kind, "etag": collection_etag(short.resource, len(short.log))}
    if begin + size < len(listed):
        token = PageToken(short.resource, parameters, [begin + size], until, _GENERATION)
        body["nextPageToken"] = seal(token, call.world.secret)
    else:
        now = call.world.clock.now().timestamp()
        body["nextSyncToken"] = seal(SyncToken(short.resource, _GENERATION, until, "", now), call.world.secret)
    return Answer({**body, "items": [short.show(name) for name in listed[begin : begin + size]]})


def _page(call: Call, short: ShortList, parameters: str) -> PageToken | None:
    value = call.query.get("pageToken")
    return open_page_token(value, call.world.secret, short.resource, parameters) if value else None


def _changed(call: Call, short: ShortList, until: int) -> Iterable[str]:
    if call.query.get("showDeleted") is False:
        raise errors.sync_token_with_restrictions()
    world = call.world
    token = open_sync_token(call.query["syncToken"], world.secret, short.resource, "")
    check_alive(token, generation=_GENERATION, length=len(short.log), now=world.clock.now(), knobs=world.knobs)
    return dict.fromkeys(short.log[token.offset : until])
