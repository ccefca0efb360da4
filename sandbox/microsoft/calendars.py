"""Calendars and the person over HTTP. The one rule: a person edits own calendars only."""

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.drafts import read_properties
from sandbox.microsoft.filters import CALENDAR_NAMES, compile_filter
from sandbox.microsoft.render import render_calendar, visible_properties
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import Calendar


def get_person(call: Call) -> Answer:
    """`GET /me`. A personal account's id is short, and its mail address may be missing."""
    person = call.mailbox
    first, _, last = person.name.partition(" ")
    body: Json = {
        "@odata.context": f"{call.base}/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": person.name,
        "givenName": first,
        "jobTitle": None,
        "mail": person.email,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": last or None,
        "userPrincipalName": person.email,
        "id": person.oid if person.work else person.oid.replace("-", "")[:16],
    }
    if call.options.select is not None:
        body = {name: value for name, value in body.items() if name in {"@odata.context", *call.options.select}}
    return Answer(body)


def revoke_sessions(call: Call) -> Answer:
    """`revokeSignInSessions`: not for personal accounts, and here not for anybody else's."""
    person = call.mailbox
    if person is not call.account or not person.work:
        raise errors.request_denied()
    call.world.grants.revoke_refresh_tokens(person.email)
    return Answer({"@odata.context": f"{call.base}/$metadata#Edm.Boolean", "value": True})


# calendars ------------------------------------------------------------------------------------


def list_calendars(call: Call) -> Answer:
    """Ten at a time unless asked otherwise, those of a group or all; shared ones are among them."""
    mailbox, group = call.mailbox, call.group()
    listed = [each for each in mailbox.calendars if mailbox is call.account or each.role_of(call.account) != "none"]
    if group is not None:
        listed = [each for each in listed if mailbox.group_of(each) is group]
    if call.options.filter is not None:
        test = compile_filter(call.options.filter, CALENDAR_NAMES)
        listed = [
            each for each in listed if test(render_calendar(each, call.account), visible_properties(each, call.account))
        ]
    for name, descending in reversed(call.options.order):
        assert name == "name"
        listed.sort(key=lambda calendar: calendar.name.lower(), reverse=descending)
    return call.page(listed, lambda calendar: render_calendar(calendar, call.account, call.options), "calendars")


def get_calendar(call: Call) -> Answer:
    return _entity(call, call.calendar())


def _entity(call: Call, calendar: Calendar, status: int = 200) -> Answer:
    body = render_calendar(calendar, call.account, call.options)
    return Answer({"@odata.context": call.context("calendars/$entity"), **body}, status)


def create_calendar(call: Call) -> Answer:
    name, group = call.body.get("name"), call.group()
    if not name:
        raise errors.validation()
    _check_name(call, name, None)
    properties = read_properties(call.body)
    calendar = call.world.create_calendar(call.account, name=name, color=call.body.get("color") or "auto")
    _set_properties(calendar, properties)
    if group is not None:
        call.account.grouped[calendar.token] = group.token
    return _entity(call, calendar, 201)


def update_calendar(call: Call) -> Answer:
    calendar, properties = call.own_calendar(), read_properties(call.body)
    if call.body.get("name"):
        _check_name(call, call.body["name"], calendar)
        calendar.name = call.body["name"]
    calendar.color = call.body.get("color") or calendar.color
    _set_properties(calendar, properties)
    calendar.version = call.world.next_version()
    return _entity(call, calendar)


def delete_calendar(call: Call) -> Answer:
    """The calendar and all on it go to Deleted Items; a shared one only leaves the list."""
    calendar = call.calendar()
    if calendar.owner is not call.account:
        call.account.listed.remove(calendar)
    elif calendar.default:
        raise errors.distinguished_folder()
    else:
        calendar.deleted = True
    return Answer(status=204)


def _set_properties(calendar: Calendar, properties: dict[str, str | None]) -> None:
    for name, value in properties.items():
        if value is None:
            calendar.properties.pop(name, None)
        else:
            calendar.properties[name] = value


def _check_name(call: Call, name: str, but: Calendar | None) -> None:
    for each in call.account.calendars:
        if each is not but and each.owner is call.account and each.name.lower() == name.lower():
            raise errors.folder_exists()
