"""What a client may change around the calendars: settings, categories, who sees what."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, at, meeting, quoted

WRITING = ("User.Read", "Calendars.ReadWrite", "MailboxSettings.ReadWrite")
SHARES = "/me/calendar/calendarPermissions"


@pytest.fixture
def ada(ms):
    return ms.api(ADA, *WRITING)


def share(email, role="read", **more):
    return {"emailAddress": {"name": "B", "address": email}, "role": role, **more}


# settings ---------------------------------------------------------------------------------------


def test_what_is_sent_of_the_settings_is_set_and_the_rest_stays(ada):
    before = ada.ok("GET", "/me/mailboxSettings")
    hours = {"startTime": "10:00:00.0000000", "timeZone": {"name": "UTC"}}
    told = ada.ok("PATCH", "/me/mailboxSettings", {"timeZone": "Tokyo Standard Time", "workingHours": hours})
    assert told["workingHours"] == {**before["workingHours"], **hours}
    assert told == {**before, "timeZone": "Tokyo Standard Time", "workingHours": told["workingHours"]}
    assert ada.ok("GET", "/me/mailboxSettings/timeZone")["value"] == "Tokyo Standard Time"
    window = {"startTime": at("2026-12-01T00:00:00"), "endTime": at("2026-12-02T00:00:00")}
    free = ada.ok("POST", "/me/calendar/getSchedule", {"schedules": [ADA], **window})["value"][0]
    assert free["workingHours"] == told["workingHours"]


def test_settings_that_make_no_sense_set_nothing(ms, ada):
    before = ada.ok("GET", "/me/mailboxSettings")
    for body in ({"timeZone": "Mars"}, {"dateFormat": "x", "workingHours": {"timeZone": {"name": "Mars"}}}):
        assert ada.refused("PATCH", "/me/mailboxSettings", body) == (400, "TimeZoneNotSupportedException")
    assert ada.refused("PATCH", "/me/mailboxSettings", {"nonsense": 1}) == (400, "RequestBodyRead")
    assert ada.ok("GET", "/me/mailboxSettings") == before
    reading = ms.api(ADA, "MailboxSettings.Read")
    assert reading.refused("PATCH", "/me/mailboxSettings", {"timeZone": "UTC"}) == (403, "ErrorAccessDenied")
    ms.account(BO)
    assert ada.refused("PATCH", f"/users/{BO}/mailboxSettings", {"timeZone": "UTC"}) == (403, "ErrorAccessDenied")


# categories -------------------------------------------------------------------------------------


def test_categories_are_made_coloured_and_deleted(ada):
    path = "/me/outlook/masterCategories"
    assert {"Red category", "Purple category"} <= {each["displayName"] for each in ada.ok("GET", path)["value"]}
    answer = ada.call("POST", path, {"displayName": "Customers", "color": "preset9"})
    made = answer.json()
    assert (answer.status_code, made["color"]) == (201, "preset9")
    one = f"{path}/{made['id']}"
    assert ada.ok("PATCH", one, {"color": "preset10"})["color"] == "preset10"
    assert ada.refused("PATCH", one, {"displayName": "Clients"}) == (400, "ErrorInvalidPropertySet")
    assert ada.refused("POST", path, {"displayName": "customers"}) == (400, "ErrorInvalidRequest")
    assert ada.refused("POST", path, {"displayName": "x", "color": "pink"}) == (400, "RequestBodyRead")
    assert ada.call("DELETE", one).status_code == 204
    assert ada.refused("GET", one) == (404, "ErrorItemNotFound")


def test_one_mailboxs_categories_are_not_anothers(ms, ada):
    ada.ok("POST", "/me/outlook/masterCategories", {"displayName": "Customers"})
    theirs = ms.api(BO, *WRITING).ok("GET", "/me/outlook/masterCategories")["value"]
    assert "Customers" not in {each["displayName"] for each in theirs}


# sharing ----------------------------------------------------------------------------------------


def test_a_calendar_is_shared_changed_and_taken_back(ms, ada, bo):
    event = ada.create(meeting())
    theirs = f"/users/{ADA}/events/{event['id']}"
    assert bo.refused("GET", theirs) == (403, "ErrorAccessDenied")
    answer = ada.call("POST", SHARES, share(BO, isRemovable=True, isInsideOrganization=True))
    made = answer.json()
    assert (answer.status_code, made["role"], made["isRemovable"]) == (201, "read", True)
    assert bo.ok("GET", theirs)["subject"] == "Meeting"
    assert bo.refused("PATCH", theirs, {"subject": "x"}) == (403, "ErrorAccessDenied")
    one = f"{SHARES}/{quoted(made['id'])}"
    assert ada.ok("PATCH", one, {"role": "write", "emailAddress": made["emailAddress"]})["role"] == "write"
    assert bo.ok("PATCH", theirs, {"subject": "x"})["subject"] == "x"
    assert ada.call("DELETE", one).status_code == 204
    assert bo.refused("GET", theirs) == (403, "ErrorAccessDenied")
    assert ada.refused("GET", one) == (404, "ErrorItemNotFound")


def test_a_share_that_makes_no_sense_is_refused(ms, ada, bo):
    outside = "pat@outlook.example"
    ms.account(outside, work=False)
    made = ada.ok("POST", SHARES, share(BO))
    one = f"{SHARES}/{quoted(made['id'])}"
    assert ada.refused("POST", SHARES, share(BO)) == (400, "ErrorInvalidRequest")
    assert ada.refused("POST", SHARES, share("nobody@contoso.example")) == (400, "ErrorInvalidRecipients")
    assert ada.refused("POST", SHARES, share(outside, "write")) == (400, "ErrorPropertyValidationFailure")
    assert ada.refused("PATCH", one, {"isRemovable": False}) == (400, "ErrorInvalidPropertySet")
    organization = next(each for each in ada.ok("GET", SHARES)["value"] if not each["isRemovable"])
    path = f"{SHARES}/{quoted(organization['id'])}"
    assert ada.refused("DELETE", path) == (400, "ErrorInvalidRequest")
    assert bo.refused("POST", f"/users/{ADA}/calendar/calendarPermissions", share(BO)) == (403, "ErrorAccessDenied")


def test_calendars_are_found_by_name(ada):
    made = ada.ok("POST", "/me/calendars", {"name": "Customers"})
    for found in ("name eq 'customers'", "startswith(name, 'Cust')"):
        assert [each["id"] for each in ada.ok("GET", "/me/calendars", S_filter=found)["value"]] == [made["id"]]
    assert ada.refused("GET", "/me/calendars", S_filter="color eq 'auto'") == (400, "ErrorInvalidProperty")


# groups -----------------------------------------------------------------------------------------


def test_a_group_of_ones_own_has_its_own_calendars(ada):
    answer = ada.call("POST", "/me/calendarGroups", {"name": "Personal events"})
    made = answer.json()
    assert (answer.status_code, made["name"]) == (201, "Personal events")
    place = f"/me/calendarGroups/{quoted(made['id'])}"
    calendar = ada.ok("POST", f"{place}/calendars", {"name": "Choir"})
    assert [each["id"] for each in ada.ok("GET", f"{place}/calendars")["value"]] == [calendar["id"]]
    assert [each["name"] for each in ada.ok("GET", "/me/calendarGroup/calendars")["value"]] == ["Calendar"]
    assert [each["name"] for each in ada.ok("GET", "/me/calendars")["value"]] == ["Calendar", "Choir"]
    assert ada.ok("GET", f"{place}/calendars/{calendar['id']}")["name"] == "Choir"
    elsewhere = f"/me/calendarGroup/calendars/{calendar['id']}"
    assert ada.refused("GET", elsewhere) == (404, "ErrorItemNotFound")


def test_a_group_is_renamed_and_deleted_when_it_is_empty(ms, ada):
    made = ada.ok("POST", "/me/calendarGroups", {"name": "Personal events"})
    place = f"/me/calendarGroups/{quoted(made['id'])}"
    changed = ada.ok("PATCH", place, {"name": "Home"})
    assert changed["name"] == "Home"
    assert changed["changeKey"] != made["changeKey"]
    calendar = ada.ok("POST", f"{place}/calendars", {"name": "Choir"})
    assert ada.refused("DELETE", place) == (400, "ErrorInvalidRequest")
    ada.ok("DELETE", f"/me/calendars/{calendar['id']}")
    assert ada.call("DELETE", place).status_code == 204
    assert ada.refused("GET", place) == (404, "ErrorItemNotFound")
    (default,) = ada.ok("GET", "/me/calendarGroups")["value"]
    kept = f"/me/calendarGroups/{quoted(default['id'])}"
    assert ada.refused("DELETE", kept) == (400, "ErrorDeleteDistinguishedFolder")
    assert ada.refused("POST", "/me/calendarGroups", {"name": ""}) == (400, "ErrorPropertyValidationFailure")
    ms.account(BO)
    assert ada.refused("POST", f"/users/{BO}/calendarGroups", {"name": "x"}) == (403, "ErrorAccessDenied")
