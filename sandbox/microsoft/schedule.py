"""getSchedule: free and busy of people's default calendars. The one rule: who cannot be told about has an `error`.

https://learn.microsoft.com/graph/api/calendar-getschedule
"""

from datetime import datetime, timedelta

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.settings import working_hours
from sandbox.microsoft.times import Json, Window, parse_end
from sandbox.microsoft.views import View, expand, live_items
from sandbox.microsoft.world import Account, Calendar, Role, rank

SCHEDULES_MAX = 20
DAYS_MAX = 62
_INTERVAL, _INTERVAL_MIN, _INTERVAL_MAX = 30, 5, 1440
_DIGITS = {"free": 0, "workingElsewhere": 0, "tentative": 1, "busy": 2, "oof": 3}


def get_schedule(call: Call) -> Answer:
    if not call.account.work:
        raise errors.access_denied()  # "Delegated (personal Microsoft account): not supported."
    schedules = call.body.get("schedules") or []
    if not schedules or len(schedules) > SCHEDULES_MAX or any(not each for each in schedules):
        raise errors.invalid_parameter(f"The 'Schedules' parameter must name 1 to {SCHEDULES_MAX} schedules.")
    window = _window(call)
    interval = call.body.get("availabilityViewInterval")
    interval = _INTERVAL if interval is None else interval
    if not _INTERVAL_MIN <= interval <= _INTERVAL_MAX or timedelta(minutes=interval) > window.end - window.start:
        raise errors.no_such_interval(_INTERVAL_MIN, _INTERVAL_MAX)
    context = f"{call.base}/$metadata#Collection(microsoft.graph.scheduleInformation)"
    told = [_schedule(call, each, window, timedelta(minutes=interval)) for each in schedules]
    return Answer({"@odata.context": context, "value": told})


def get_nothing(call: Call) -> Answer:
    del call
    raise errors.no_schedule_here()


def _window(call: Call) -> Window:
    for name in ("startTime", "endTime"):
        if not call.body.get(name):
            raise errors.invalid_parameter(f"The value of parameter '{name[0].upper()}{name[1:]}' is invalid.")
    start, _ = parse_end(call.body["startTime"], "StartTime")
    end, _ = parse_end(call.body["endTime"], "EndTime")
    if end <= start or end - start >= timedelta(days=DAYS_MAX):
        raise errors.time_interval_too_big(DAYS_MAX)
    return Window(start, end)


def _schedule(call: Call, address: str, window: Window, interval: timedelta) -> Json:
    person = call.world.accounts.get(address.lower())
    if person is None or person.tenant != call.account.tenant:
        message = f"Unable to resolve e-mail address {address} to an Active Directory object."
        return {"scheduleId": address, "error": {"message": message, "responseCode": "5009"}}
    if call.fault is not None and call.fault.kind == "schedule_error":
        message = "The mailbox is temporarily unavailable."
        return {"scheduleId": address, "error": {"message": message, "responseCode": "ErrorMailboxStoreUnavailable"}}
    calendar = person.default
    views = [view for item in live_items(calendar) for view in expand(item, window)]
    views.sort(key=lambda view: (view.span.start, view.item.ordinal))
    role = _role(calendar, call.account)
    return {
        "scheduleId": address,
        "availabilityView": _digits(views, window, interval),
        "scheduleItems": [_item(view, call.preferences.zone, role) for view in views],
        "workingHours": working_hours(person),
    }


def _role(calendar: Calendar, account: Account) -> Role:
    """Within an organization everybody may see when others are busy."""
    role = calendar.role_of(account)
    return "freeBusyRead" if role == "none" else role


def _digits(views: list[View], window: Window, interval: timedelta) -> str:
    spans = [(view.span.start, view.span.end, _DIGITS.get(view.fields.get("showAs", "busy"), 0)) for view in views]
    digits, begin = [], window.start
    while begin < window.end:
        digits.append(str(_highest(spans, begin, min(begin + interval, window.end))))
        begin += interval
    return "".join(digits)


def _highest(spans: list[tuple[datetime, datetime, int]], begin: datetime, end: datetime) -> int:
    return max((digit for start, stop, digit in spans if start < end and stop > begin), default=0)


def _item(view: View, zone: str, role: Role) -> Json:
    start, end = view.span.wire(zone)
    item: Json = {"status": view.fields.get("showAs", "busy"), "start": start, "end": end}
    if rank(role) < rank("limitedRead"):
        return item
    private = view.fields.get("sensitivity") in {"private", "confidential"}
    item["isPrivate"] = private
    if not private or rank(role) >= rank("delegateWithPrivateEventAccess"):
        item["subject"] = view.fields.get("subject", "")
        item["location"] = (view.fields.get("location") or {}).get("displayName", "")
    return item
