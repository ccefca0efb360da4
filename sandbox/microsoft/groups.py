"""Calendar groups over HTTP. The one rule: every mailbox has one group, and all that the person sees is in it.

https://learn.microsoft.com/graph/api/resources/calendargroup
"""

from sandbox.microsoft import calendars
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.ids import group_id
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import Account, change_key

_CLASS = "0006f0b7-0000-0000-c000-000000000046"


def list_groups(call: Call) -> Answer:
    return call.page([call.mailbox], lambda mailbox: _selected(call, mailbox), "calendarGroups")


def get_group(call: Call) -> Answer:
    call.check_group()
    context = call.context("calendarGroups/$entity")
    return Answer({"@odata.context": context, **_selected(call, call.mailbox)})


def list_calendars(call: Call) -> Answer:
    call.check_group()
    return calendars.list_calendars(call)


def create_calendar(call: Call) -> Answer:
    call.check_group()
    return calendars.create_calendar(call)


def _selected(call: Call, mailbox: Account) -> Json:
    group: Json = {
        "id": group_id(mailbox.mailbox),
        "name": "My Calendars",
        "classId": _CLASS,
        "changeKey": change_key(mailbox.mailbox, mailbox.default.version),
    }
    wanted = group.keys() if call.options.select is None else {"id", *call.options.select}
    return {name: value for name, value in group.items() if name in wanted}
