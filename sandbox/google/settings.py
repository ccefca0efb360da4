"""The settings resource. The one rule: a person has every setting Google names, at its default where nothing says more.

https://developers.google.com/workspace/calendar/api/v3/reference/settings
"""

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.channels import settings_of
from sandbox.google.resources import collection_etag
from sandbox.google.short_lists import ShortList, answer_list
from sandbox.google.times import Json
from sandbox.google.world import Account

_VALUES = {
    "autoAddHangouts": "false",
    "dateFieldOrder": "MDY",
    "defaultEventLength": "60",
    "format24HourTime": "true",
    "hideInvitations": "false",
    "hideWeekends": "false",
    "locale": "en",
    "remindOnRespondedEventsOnly": "false",
    "showDeclinedEvents": "true",
    "timezone": "",
    "useKeyboardShortcuts": "true",
    "weekStart": "1",
}


def list_settings(call: Call) -> Answer:
    short = ShortList(
        "calendar#settings", settings_of(call.account.email), (), lambda name: _render(call.account, name)
    )
    return answer_list(call, short, _VALUES)


def get_setting(call: Call) -> Answer:
    name = call.path["setting"]
    if name not in _VALUES:
        raise errors.not_found()
    body = _render(call.account, name)
    return call.unless_known(body["etag"], body)


def _render(account: Account, name: str) -> Json:
    value = account.time_zone if name == "timezone" else _VALUES[name]
    return {"kind": "calendar#setting", "etag": collection_etag(name, value), "id": name, "value": value}
