"""The demo's CRM: a webhook that is told of everything, and the feed that has everything.

The one rule: both tell the same (R52), so each is held against the other, event by event.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from sandbox.demo_journey import Demo, Json, eventually, expect

PAGE = 100


async def have_events_sent_to_a_webhook(demo: Demo) -> Json:
    """Before anything happens in the account the CRM says where it wants to be told; users cannot."""
    path, body = "/v1/webhook-endpoints", {"url": demo.receiver.url, "description": "The demo's CRM"}
    await demo.call("POST", path, body, status=403, headers=demo.headers)
    made = (await demo.call("POST", path, body, status=201, headers=demo.service)).json()
    demo.receiver.trust(made["secret"])
    demo.endpoint_id = made["id"]
    expect(made["status"] == "active", "the endpoint is active")
    expect("secret" not in await _endpoint(demo), "the secret is told once")
    return {"endpoint_id": made["id"], "url": made["url"]}


async def _endpoint(demo: Demo) -> Json:
    answer = await demo.call("GET", f"/v1/webhook-endpoints/{demo.endpoint_id}", headers=demo.service)
    endpoint: Json = answer.json()
    return endpoint


async def read_feed(demo: Demo, *, types: str | None = None) -> list[Json]:
    """Every event of the account (of these types), as the feed has it now."""
    events: list[Json] = []
    after, newest = 0, 1
    while after < newest:
        query: dict[str, Any] = {"after": after, "limit": PAGE} | ({"types": types} if types else {})
        page = (await demo.call("GET", f"/v1/events?{httpx.QueryParams(query)}", headers=demo.service)).json()
        events += page["items"]
        after, newest = page["next_after"], page["last_sequence"]
    return events


async def find_in_feed(demo: Demo, event_type: str, fits: Callable[[Json], bool]) -> Json | None:
    """The first event of a type whose `data` fits."""
    events = await read_feed(demo, types=event_type)
    return next((event for event in events if fits(event["data"])), None)


async def compare_the_feed_with_what_the_webhook_got(demo: Demo) -> Json:
    """At the end no number is missing, and the webhook got what the feed has: every event, in order, word for word."""

    async def all_told() -> tuple[list[Json], list[Json]] | None:
        got = [delivery.event for delivery in demo.receiver.taken]
        feed = await read_feed(demo)
        return (feed, got) if len(feed) == len(got) else None

    feed, got = await eventually(all_told, "the webhook is told of everything")
    check_same(feed, got)
    expect(not demo.receiver.refused, f"every signature is right: {demo.receiver.refused}")
    types = Counter(event["type"] for event in feed)
    moves = 2 if demo.house.follows else 0  # the host's, by hand, and the visitor's, by the link
    expect(types["booking.rescheduled"] == moves, f"the booking was moved {moves} times: {dict(types)}")
    sources = Counter(event["data"]["source"] for event in feed if event["type"] == "engagement.created")
    expect(sources["calendar_sync"] == int(demo.house.follows), f"one meeting came from the calendar: {dict(sources)}")
    return {"events": len(feed), "last_sequence": feed[-1]["sequence"], "types": dict(sorted(types.items()))}


def check_same(feed: Sequence[Json], got: Sequence[Json]) -> None:
    """The feed counts 1, 2, 3, … and the webhook got the same. Raises DemoError."""
    sequences = [event["sequence"] for event in feed]
    expect(sequences == list(range(1, len(feed) + 1)), f"no number is missing: {sequences}")
    known = {event["id"]: event for event in feed}
    for event in got:
        expect(event["id"] in known, f"the feed has what was sent: {event['id']}")
        expect(event == known[event["id"]], f"{event['id']} was sent as the feed has it")
    expect([event["sequence"] for event in got] == sequences, "everything was sent, in order")
