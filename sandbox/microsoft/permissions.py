"""Who may see a calendar, over HTTP. The one rule: only its owner is told; everybody else is told of nobody.

https://learn.microsoft.com/graph/api/resources/calendarpermission
"""

import base64

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import ROLES, Account, Calendar, Role

_ALLOWED_INSIDE: list[Role] = [role for role in ROLES if role not in {"none", "owner"}]
_ALLOWED_OUTSIDE: list[Role] = ["freeBusyRead", "limitedRead", "read"]
_ALLOWED_TO_ALL = ["none", "freeBusyRead", "limitedRead", "read", "write"]


def list_permissions(call: Call) -> Answer:
    calendar = call.calendar()
    return call.page(_permissions(call, calendar), lambda permission: permission, "calendar/calendarPermissions")


def get_permission(call: Call) -> Answer:
    return _entity(call, _found(call))


def create_permission(call: Call) -> Answer:
    """Share the calendar with somebody who has no share of it yet."""
    calendar, address = call.own_calendar(), (call.body.get("emailAddress") or {}).get("address") or ""
    person = call.world.accounts.get(address.lower())
    if person is None or person is calendar.owner:
        raise errors.bad_recipients()
    if calendar.access.get(person.email, "none") != "none":
        raise errors.invalid_request("The calendar is shared with this person already.")
    role = _allowed(call.body.get("role"), _ALLOWED_INSIDE if _inside(person, call.account) else _ALLOWED_OUTSIDE)
    call.world.share(calendar, person, role)
    return _entity(call, _permission(person, role, call.account), 201)


def update_permission(call: Call) -> Answer:
    """ "You can update only the role property"; what is sent along as it was is no error."""
    calendar, held = call.own_calendar(), _found(call)
    for name, value in call.body.items():
        if name != "role" and value is not None and value != held[name]:
            raise errors.immutable(f"{name[0].upper()}{name[1:]}")
    if not held["isRemovable"]:
        raise errors.invalid_request("What the organization sees is for its administrators to change.")
    person = call.world.accounts[held["emailAddress"]["address"]]
    role = _allowed(call.body.get("role"), held["allowedRoles"])
    call.world.share(calendar, person, role)
    return _entity(call, _permission(person, role, call.account))


def delete_permission(call: Call) -> Answer:
    calendar, held = call.own_calendar(), _found(call)
    if not held["isRemovable"]:
        raise errors.invalid_request("This permission cannot be removed.")
    call.world.share(calendar, call.world.accounts[held["emailAddress"]["address"]], "none")
    return Answer(status=204)


def _found(call: Call) -> Json:
    for permission in _permissions(call, call.calendar()):
        if permission["id"] == call.params["permission"]:
            return permission
    raise errors.item_not_found()


def _allowed(role: str | None, allowed: list[Role]) -> Role:
    for each in allowed:
        if each == role:
            return each
    raise errors.validation()


def _entity(call: Call, permission: Json, status: int = 200) -> Answer:
    return Answer({"@odata.context": call.context("calendar/calendarPermissions/$entity"), **permission}, status)


def _inside(person: Account, owner: Account) -> bool:
    return person.tenant == owner.tenant


def _permissions(call: Call, calendar: Calendar) -> list[Json]:
    if calendar.owner is not call.account:
        return []
    shared = sorted((email, role) for email, role in calendar.access.items() if role != "none")
    return [*(_permission(call.world.accounts[email], role, call.account) for email, role in shared), _organization()]


def _permission(person: Account, role: Role, owner: Account) -> Json:
    inside = _inside(person, owner)
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
