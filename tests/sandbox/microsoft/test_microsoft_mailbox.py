"""What stands around the calendars of a mailbox: groups, permissions, time zones, and what only looks like an event."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, meeting, quoted

FAR = "far@elsewhere.example"


# changes of events ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["delta", "delta()", "microsoft.graph.delta()"])
@pytest.mark.parametrize("place", ["", "/calendar", "/calendars/{}"])
def test_only_a_view_tracks_changes(ada, place, function):
    calendar = ada.ok("GET", "/me/calendar")["id"]
    path = f"/me{place.format(calendar)}/events/{function}"
    for query in ({}, {"startDateTime": "2026-12-01T00:00:00Z"}, {"S_deltatoken": "latest"}, {"S_select": "subject"}):
        refused = ada.call("GET", path, **query)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
        message = refused.json()["error"]["message"]
        assert message == "Unsupported request: Change tracking is not supported against 'microsoft.graph.event'."


# time zones -------------------------------------------------------------------------------------


def test_the_zones_of_the_mailbox_are_told_by_either_standard_and_taken(ada):
    windows = ada.ok("GET", "/me/outlook/supportedTimeZones")
    assert windows["@odata.context"].endswith("$metadata#Collection(microsoft.graph.timeZoneInformation)")
    names = {zone["alias"]: zone["displayName"] for zone in windows["value"]}
    assert names["W. Europe Standard Time"] == "(UTC+01:00) Berlin"
    assert names["Newfoundland Standard Time"] == "(UTC-03:30) St Johns"
    named = "microsoft.graph.timeZoneStandard'{}'"
    for standard in (named.format("Windows"), "'windows'"):
        assert ada.ok("GET", f"/me/outlook/supportedTimeZones(TimeZoneStandard={standard})") == windows
    iana = ada.ok("GET", f"/users/{ADA}/outlook/supportedTimeZones(TimeZoneStandard={named.format('Iana')})")["value"]
    assert {"alias": "Europe/Berlin", "displayName": "Europe/Berlin"} in iana
    for zone in [*windows["value"], *iana]:
        ada.ok("GET", "/me/calendar", headers={"Prefer": f'outlook.timezone="{zone["alias"]}"'})


def test_no_other_standard_and_no_other_parameter_is_known(ada):
    path = "/me/outlook/supportedTimeZones"
    assert ada.refused("GET", f"{path}(TimeZoneStandard='Mars')") == (400, "RequestBodyRead")
    assert ada.refused("GET", f"{path}(Planet='Mars')") == (400, "BadRequest")


# groups -----------------------------------------------------------------------------------------


def test_a_mailbox_has_one_group_and_all_calendars_are_in_it(ms, ada):
    (group,) = ada.ok("GET", "/me/calendarGroups")["value"]
    assert (group["name"], group["classId"]) == ("My Calendars", "0006f0b7-0000-0000-c000-000000000046")
    assert group.keys() == {"id", "name", "classId", "changeKey"}
    place = f"/me/calendarGroups/{quoted(group['id'])}"
    assert ada.ok("GET", place)["id"] == group["id"]
    assert ada.ok("GET", place, S_select="name").keys() == {"@odata.context", "id", "name"}
    made = ada.ok("POST", f"{place}/calendars", {"name": "Team"})
    listed = ada.ok("GET", "/me/calendars")["value"]
    for path in (f"{place}/calendars", f"/me/calendarGroups('{group['id']}')/calendars", "/me/calendarGroup/calendars"):
        assert ada.ok("GET", path)["value"] == listed
    assert [calendar["name"] for calendar in listed] == ["Calendar", "Team"]
    event = ada.ok("POST", f"{place}/calendars/{made['id']}/events", meeting())
    assert ada.ok("GET", f"/me/calendars/{made['id']}/events/{event['id']}")["id"] == event["id"]


def test_another_mailboxs_group_is_not_ones_own(ms, ada):
    theirs = ms.api(BO).ok("GET", "/me/calendarGroups")["value"][0]["id"]
    calendar = ada.ok("GET", "/me/calendar")["id"]
    for rest in ("", "/calendars", f"/calendars/{calendar}", f"/calendars/{calendar}/events"):
        assert ada.refused("GET", f"/me/calendarGroups/{theirs}{rest}") == (404, "ErrorItemNotFound")
        assert ada.refused("GET", f"/me/calendarGroups/nonsense{rest}") == (400, "ErrorInvalidIdMalformed")
    assert ada.refused("POST", f"/me/calendarGroups/{theirs}/calendars", {"name": "x"}) == (404, "ErrorItemNotFound")


# permissions ------------------------------------------------------------------------------------


def test_an_owner_is_told_who_may_see_a_calendar(ms, ada):
    ms.account(FAR)
    for email, role in ((BO, "write"), (FAR, "read")):
        ms.account(email)
        ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": email, "role": role})
    bo, far, everybody = ada.ok("GET", "/me/calendar/calendarPermissions")["value"]
    assert (bo["emailAddress"], bo["role"], bo["isInsideOrganization"]) == (
        {"name": "Bo", "address": BO},
        "write",
        True,
    )
    assert "delegateWithPrivateEventAccess" in bo["allowedRoles"]
    assert (far["role"], far["isInsideOrganization"]) == ("read", False)
    assert far["allowedRoles"] == ["freeBusyRead", "limitedRead", "read"]
    assert everybody == {
        "id": "RGVmYXVsdA==",
        "isRemovable": False,
        "isInsideOrganization": True,
        "role": "freeBusyRead",
        "allowedRoles": ["none", "freeBusyRead", "limitedRead", "read", "write"],
        "emailAddress": {"name": "My Organization"},
    }
    assert ada.ok("GET", f"/me/calendar/calendarPermissions/{quoted(bo['id'])}")["role"] == "write"
    assert ada.refused("GET", "/me/calendar/calendarPermissions/eA==") == (404, "ErrorItemNotFound")
    ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": "none"})
    assert len(ada.ok("GET", "/me/calendar/calendarPermissions")["value"]) == 2


def test_who_a_calendar_is_shared_with_is_told_of_nobody(ms, ada):
    bo = ms.api(BO)
    shared = ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": "write"})
    assert bo.ok("GET", f"/me/calendars/{shared['id']}/calendarPermissions")["value"] == []


def test_an_event_leads_to_its_calendar(ms, ada):
    team = ada.ok("POST", "/me/calendars", {"name": "Team"})
    made = ada.create(meeting(), team["id"])
    found = ada.ok("GET", f"/me/events/{made['id']}/calendar", S_select="name")
    assert (found["id"], found["name"]) == (team["id"], "Team")
