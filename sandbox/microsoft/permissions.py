"""Who may see a calendar, over HTTP. The one rule: only its owner is told; everybody else is told of nobody.

https://learn.microsoft.com/graph/api/resources/calendarpermission
"""

import base64

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import ROLES, Account, Calendar, Role

_ALLOWED_INSIDE = [role for role in ROLES if role not in {"none", "owner"}]
_ALLOWED_OUTSIDE = ["freeBusyRead", "limitedRead", "read"]
_ALLOWED_TO_ALL = ["none", "freeBusyRead", "limitedRead", "read", "write"]


def list_permissions(call: Call) -> Answer:
    calendar = call.calendar()
    return call.page(_permissions(call, calendar), lambda permission: permission, "calendar/calendarPermissions")


def get_permission(call: Call) -> Answer:
    for permission in _permissions(call, call.calendar()):
        if permission["id"] == call.params["permission"]:
            return Answer({"@odata.context": call.context("calendar/calendarPermissions/$entity"), **permission})
    raise errors.item_not_found()


def _permissions(call: Call, calendar: Calendar) -> list[Json]:
    if calendar.owner is not call.account:
        return []
    shared = sorted((email, role) for email, role in calendar.access.items() if role != "none")
    return [*(_permission(call.world.accounts[email], role, call.account) for email, role in shared), _organization()]


def _permission(person: Account, role: Role, owner: Account) -> Json:
    inside = person.tenant == owner.tenant
    return {
        "id": _id(person.email),
        "isRemovable": True,
        "isInsideOrganization": inside,
        "role": role,
        "allowedRoles": _ALLOWED_INSIDE if inside else _ALLOWED_OUTSIDE,
        "emailAddress": {"name": person.name, "address": person.email},
    }


def _organization() -> Json:
    """Within an organization everybody may see when others are busy."""
    return {
        "id": _id("Default"),
        "isRemovable": False,
        "isInsideOrganization": True,
        "role": "freeBusyRead",
        "allowedRoles": _ALLOWED_TO_ALL,
        "emailAddress": {"name": "My Organization"},
    }


def _id(name: str) -> str:
    return base64.b64encode(name.encode()).decode()
