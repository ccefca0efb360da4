"""Calendar groups over HTTP. The one rule: a calendar is in one group, and the default group is there for all others.

https://learn.microsoft.com/graph/api/resources/calendargroup
"""

from uuid import uuid4

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.ids import folder_id, token_of
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import Group, change_key

_CLASS = "0006f0b7-0000-0000-c000-000000000046"


def list_groups(call: Call) -> Answer:
    return call.page(call.mailbox.groups, lambda group: _shown(call, group), "calendarGroups")


def get_group(call: Call) -> Answer:
    return _entity(call, _named(call))


def create_group(call: Call) -> Answer:
    _check_own(call)
    if not call.body.get("name"):
        raise errors.validation()
    group = Group(token_of(str(uuid4())), call.body["name"], call.world.next_version())
    call.mailbox.groups.append(group)
    return _entity(call, group, 201)


def update_group(call: Call) -> Answer:
    _check_own(call)
    group = _named(call)
    group.name = call.body.get("name") or group.name
    group.version = call.world.next_version()
    return _entity(call, group)


def delete_group(call: Call) -> Answer:
    """ "The calendar group must be empty before it can be removed"; the default one stays."""
    _check_own(call)
    group, mailbox = _named(call), call.mailbox
    if group.default:
        raise errors.distinguished_folder()
    if any(mailbox.group_of(each) is group for each in mailbox.calendars):
        raise errors.invalid_request("The calendar group is not empty.")
    mailbox.groups.remove(group)
    return Answer(status=204)


def _check_own(call: Call) -> None:
    if call.mailbox is not call.account:
        raise errors.access_denied()


def _named(call: Call) -> Group:
    group = call.group()
    assert group is not None
    return group


def _entity(call: Call, group: Group, status: int = 200) -> Answer:
    return Answer({"@odata.context": call.context("calendarGroups/$entity"), **_shown(call, group)}, status)


def _shown(call: Call, group: Group) -> Json:
    mailbox = call.mailbox.mailbox
    shown: Json = {
        "id": folder_id(mailbox, group.token),
        "name": group.name,
        "classId": _CLASS,
        "changeKey": change_key(mailbox, group.version),
    }
    wanted = shown.keys() if call.options.select is None else {"id", *call.options.select}
    return {name: value for name, value in shown.items() if name in wanted}
