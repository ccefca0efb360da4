"""The settings of a mailbox and its list of categories over HTTP. The one rule: what is not sent stays as it was.

https://learn.microsoft.com/graph/api/user-update-mailboxsettings, https://learn.microsoft.com/graph/api/resources/outlookcategory
"""

from uuid import uuid4

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import Account
from sandbox.microsoft.zones import find_zone, supported_zones

_WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
_MOMENT = {"dateTime": "2020-01-01T00:00:00.0000000", "timeZone": "UTC"}
_SETTINGS: Json = {
    "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
    "dateFormat": "yyyy-MM-dd",
    "timeFormat": "HH:mm",
    "automaticRepliesSetting": {
        "status": "disabled",
        "externalAudience": "all",
        "internalReplyMessage": "",
        "externalReplyMessage": "",
        "scheduledStartDateTime": _MOMENT,
        "scheduledEndDateTime": _MOMENT,
    },
    "language": {"locale": "en-US", "displayName": "English (United States)"},
}


def working_hours(person: Account) -> Json:
    """Eight to five, Monday to Friday, by the clock of the mailbox, until the person says otherwise."""
    usual: Json = {
        "daysOfWeek": _WORKDAYS,
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": person.time_zone},
    }
    return {**usual, **person.settings.get("workingHours", {})}


def get_settings(call: Call) -> Answer:
    person = call.mailbox
    body: Json = {"@odata.context": call.context("mailboxSettings"), "archiveFolder": "", "timeZone": person.time_zone}
    body |= {**_SETTINGS, **person.settings, "userPurpose": "user", "workingHours": working_hours(person)}
    return Answer(body)


def update_settings(call: Call) -> Answer:
    """A person's own, checked before anything is set."""
    person = call.mailbox
    if person is not call.account:
        raise errors.access_denied()
    given = {name: value for name, value in call.body.items() if value is not None}
    zone = given.pop("timeZone", None)
    zones = (zone, ((given.get("workingHours") or {}).get("timeZone") or {}).get("name"))
    for name in filter(None, zones):
        if find_zone(name) is None:
            raise errors.time_zone(name)
    for name, value in given.items():
        held = {**_SETTINGS, **person.settings}.get(name)
        known = {inner: each for inner, each in value.items() if each is not None} if isinstance(value, dict) else value
        person.settings[name] = {**(held or {}), **known} if isinstance(known, dict) else known
    person.time_zone = zone or person.time_zone
    return get_settings(call)


def get_time_zone(call: Call) -> Answer:
    return Answer({"@odata.context": call.context("mailboxSettings/timeZone"), "value": call.mailbox.time_zone})


def get_working_hours(call: Call) -> Answer:
    return Answer({"@odata.context": call.context("mailboxSettings/workingHours"), **working_hours(call.mailbox)})


def list_time_zones(call: Call) -> Answer:
    """`outlook/supportedTimeZones`, in Windows' names unless the path says otherwise."""
    found = supported_zones(call.params.get("timezonestandard", "Windows"))
    if found is None:
        raise errors.unknown_member(call.params["timezonestandard"])
    context = f"{call.base}/$metadata#Collection(microsoft.graph.timeZoneInformation)"
    return Answer(
        {"@odata.context": context, "value": [{"alias": name, "displayName": shown} for name, shown in found]}
    )


# categories -----------------------------------------------------------------------------------


def list_categories(call: Call) -> Answer:
    return call.page(call.mailbox.categories, lambda category: category, "outlook/masterCategories")


def get_category(call: Call) -> Answer:
    return _category(call, _held(call))


def create_category(call: Call) -> Answer:
    """Names are unique, and stay what they are."""
    name = call.body.get("displayName")
    if not name:
        raise errors.validation()
    if any(each["displayName"].lower() == name.lower() for each in call.mailbox.categories):
        raise errors.invalid_request("The name of a category must be unique.")
    category = {"id": str(uuid4()), "displayName": name, "color": call.body.get("color") or "none"}
    call.mailbox.categories.append(category)
    return _category(call, category, 201)


def update_category(call: Call) -> Answer:
    held = _held(call)
    if call.body.get("displayName") not in {None, held["displayName"]}:
        raise errors.immutable("DisplayName")
    held["color"] = call.body.get("color") or held["color"]
    return _category(call, held)


def delete_category(call: Call) -> Answer:
    """Events keep its name."""
    call.mailbox.categories.remove(_held(call))
    return Answer(status=204)


def _held(call: Call) -> Json:
    for category in call.mailbox.categories:
        if category["id"] == call.params["category"]:
            return category
    raise errors.item_not_found()


def _category(call: Call, category: Json, status: int = 200) -> Answer:
    return Answer({"@odata.context": call.context("outlook/masterCategories/$entity"), **category}, status)
