"""What tests of subscriptions say again and again. The one rule: nothing is waited for longer than it may take."""

import re
import time
from datetime import UTC, datetime, timedelta

STATE = "a-secret-of-ours"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_OK = "Notification endpoint must respond with 200 OK to validation request."
MUTABLE = {"Prefer": 'outlook.timezone="UTC"'}


def later(**span):
    return (datetime.now(UTC) + timedelta(**span)).isoformat().replace("+00:00", "Z")


def request(hook, **changes):
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{hook.url}/graph",
        "lifecycleNotificationUrl": f"{hook.url}/lifecycle",
        "resource": "me/events",
        "expirationDateTime": later(days=2),
        "clientState": STATE,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def subscribe(api, hook, *, headers=None, **changes):
    return api.ok("POST", "/subscriptions", request(hook, **changes), headers=headers)


def items(hook):
    """All notifications, whichever message they came in."""
    return [item for got in hook.messages for item in got.json["value"]]


def wait_items(hook, count):
    deadline = time.monotonic() + 5
    while len(items(hook)) < count:
        assert time.monotonic() < deadline, items(hook)
        time.sleep(0.005)
    time.sleep(0.06)
    assert len(items(hook)) == count, items(hook)
    return items(hook)


def faulty(ms, kind, /, **more):
    ms.control("POST", "/push/faults", {"kind": kind, **more})


def deliveries(ms, **query):
    log = ms.control("GET", "/push/deliveries", settled=True, **query)
    return [each for each in log if each["kinds"] != ["validation"]]


def known(ms):
    return {each["id"]: each["ended"] for each in ms.control("GET", "/push/subscriptions")}


def wait_for_deliveries(ms):
    deliveries(ms)
