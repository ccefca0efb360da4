"""What tests of Google's channels say again and again. The one rule: nothing is waited for longer than it may take."""

from datetime import UTC, datetime, timedelta

WEEK = 604_800


def channel(hook, name="c-1", **more):
    return {"id": name, "type": "web_hook", "address": f"{hook.url}/google", "token": "s3cret", **more}


def watch(api, hook, name="c-1", calendar="primary", **more):
    """An open channel whose first message has arrived."""
    seen = len(hook.messages)
    opened = api.ok("events.watch", channel(hook, name, **more), calendarId=calendar)
    hook.wait(seen + 1)
    return opened


def frozen(google):
    """The present, and the sandbox stays in it; to the millisecond it is .123."""
    now = datetime.now(UTC).replace(microsecond=123_456)
    google.control("POST", "/clock", {"freeze": now.isoformat()})
    return now


def lived(began, opened):
    """How long a channel lives, to the second."""
    return timedelta(seconds=int(opened["expiration"]) // 1000 - int(began.timestamp()))


def states(hook):
    return [got.headers["x-goog-resource-state"] for got in hook.messages]


def numbers(hook):
    return [int(got.headers["x-goog-message-number"]) for got in hook.messages]


def faulty(google, kind, **more):
    google.control("POST", "/push/faults", {"kind": kind, **more})


def deliveries(google, **query):
    return google.control("GET", "/push/deliveries", settled=True, **query)


def ended(google):
    return {each["id"]: each["ended"] for each in google.control("GET", "/push/channels")}
