"""The mailbox, its calendars, and lists of events."""

import pytest

from tests.sandbox.microsoft.live import ADA, WEST, meeting

_CALENDAR = (
    "id name color hexColor isDefaultCalendar changeKey canShare canViewPrivateItems canEdit owner isRemovable "
    "allowedOnlineMeetingProviders defaultOnlineMeetingProvider isTallyingResponses"
)


# the person and the calendars -------------------------------------------------------------------


def test_the_person_and_the_settings_of_the_mailbox(ms):
    ada = ms.api(ADA, time_zone="Europe/Stockholm")
    me = ada.ok("GET", "/me")
    assert (me["mail"], me["userPrincipalName"], me["displayName"]) == (ADA, ADA, "Ada")
    assert me["id"] == ms.control("GET", f"/accounts/{ADA}")["oid"]
    assert ada.ok("GET", "/me", S_select="id,mail").keys() == {"@odata.context", "id", "mail"}
    assert ada.ok("GET", "/me/mailboxSettings/timeZone")["value"] == WEST
    settings = ada.ok("GET", "/me/mailboxSettings")
    assert settings["timeZone"] == WEST
    assert settings["workingHours"]["timeZone"] == {"name": WEST}


def test_calendars_are_told_with_every_property_ten_at_a_time(ms, ada):
    for number in range(12):
        ms.control("POST", f"/accounts/{ADA}/calendars", {"name": f"Calendar {number:02}"})
    page = ada.ok("GET", "/me/calendars")
    first = page["value"][0]
    assert first.keys() == set(_CALENDAR.split())
    assert (first["isDefaultCalendar"], first["isRemovable"], first["canEdit"]) == (True, False, True)
    assert first["owner"] == {"name": "Ada", "address": ADA}
    assert len(page["value"]) == 10
    assert page["@odata.nextLink"].startswith(f"{ms.base_url}/microsoft/v1.0/me/calendars?")
    rest = ada.ok("GET", page["@odata.nextLink"])
    assert len(rest["value"]) == 3
    assert "@odata.nextLink" not in rest
    assert len(ada.ok("GET", "/me/calendars", S_top=50)["value"]) == 13


def test_a_calendar_is_made_renamed_and_deleted(ada):
    made = ada.ok("POST", "/me/calendars", {"name": "Work", "color": "LightBlue"})
    assert made["color"] == "lightBlue"
    assert ada.refused("POST", "/me/calendars", {"name": "work"}) == (409, "ErrorFolderExists")
    path = f"/me/calendars/{made['id']}"
    renamed = ada.ok("PATCH", path, {"name": "Job"})
    assert renamed["name"] == "Job"
    assert renamed["changeKey"] != made["changeKey"]
    ada.ok("DELETE", path)
    assert ada.refused("GET", path) == (404, "ErrorItemNotFound")
    default = ada.ok("GET", "/me/calendar")["id"]
    assert ada.refused("DELETE", f"/me/calendars/{default}") == (400, "ErrorDeleteDistinguishedFolder")


def test_a_calendar_keeps_the_properties_that_programs_give_it(ms, ada):
    mark = "String {6e1cf3a4-0e0c-4a8b-9c5e-0f4f7a1d27b6} Name mark"
    given = [{"id": mark, "value": "Tasks"}]
    made = ada.ok("POST", "/me/calendars", {"name": "Work", "singleValueExtendedProperties": given})
    assert "singleValueExtendedProperties" not in made, "told only to those who ask by name"
    path, expand = f"/me/calendars/{made['id']}", f"singleValueExtendedProperties($filter=id eq '{mark}')"
    assert ada.ok("GET", path, S_expand=expand)["singleValueExtendedProperties"] == given
    rows = ada.ok("GET", "/me/calendars", S_expand=expand)["value"]
    assert [row.get("singleValueExtendedProperties") for row in rows] == [None, given]

    def found(value):
        test = f"singleValueExtendedProperties/Any(ep: ep/id eq '{mark}' and ep/value eq '{value}')"
        return [row["id"] for row in ada.ok("GET", "/me/calendars", S_filter=test)["value"]]

    assert (found("Tasks"), found("Other")) == ([made["id"]], [])
    ada.ok("PATCH", path, {"singleValueExtendedProperties": [{"id": mark, "value": "Other"}]})
    assert (found("Tasks"), found("Other")) == ([], [made["id"]])
    ms.control("DELETE", f"/accounts/{ADA}/calendars/{made['id']}")
    assert found("Other") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"S_filter": "subject eq 'x'"}, "ErrorInvalidProperty"),
        ({"S_filter": "categories/any(c: c eq 'x')"}, "ErrorInvalidUrlQueryFilter"),
        ({"S_expand": "singleValueExtendedProperties"}, "BadRequest"),
        ({"S_expand": "nonsense"}, "BadRequest"),
    ],
)
def test_options_a_list_of_calendars_does_not_take_are_refused(ada, query, code):
    assert ada.refused("GET", "/me/calendars", **query) == (400, code)


def test_a_malformed_property_makes_no_calendar(ada):
    body = {"name": "Work", "singleValueExtendedProperties": [{"id": "mark", "value": "x"}]}
    assert ada.refused("POST", "/me/calendars", body)[0] == 400
    assert len(ada.ok("GET", "/me/calendars")["value"]) == 1


# lists ----------------------------------------------------------------------------------------


def test_a_list_is_filtered_sorted_cut_and_paged(ada):
    for hour, subject in ((15, "Budget"), (9, "Lunch"), (12, "budget again")):
        ada.create(meeting(hour=hour, subject=subject))

    def found(**query):
        return [row["subject"] for row in ada.ok("GET", "/me/events", **query)["value"]]

    assert found(S_orderby="start/dateTime") == ["Lunch", "budget again", "Budget"]
    assert found(S_orderby="start/dateTime desc", S_top=1) == ["Budget"]
    assert found(S_filter="startswith(subject,'budget')", orderby="subject desc") == ["budget again", "Budget"]
    assert found(S_filter="start/dateTime ge '2026-12-01T11:00:00' and not (subject eq 'Budget')") == ["budget again"]
    assert found(S_filter="contains(subject,'GET') or isAllDay eq true", S_orderby="subject") == [
        "Budget",
        "budget again",
    ]
    assert found(S_filter="lastModifiedDateTime ge 2030-01-01T00:00:00Z") == []
    page = ada.ok("GET", "/me/events", S_top=2, S_count="true", S_select="subject")
    assert page["@odata.count"] == 3
    assert page["value"][0].keys() == {"@odata.etag", "id", "subject"}
    rest = ada.ok("GET", page["@odata.nextLink"])
    assert [row["subject"] for row in rest["value"]] == ["budget again"]
    assert "@odata.nextLink" not in rest


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"S_select": "subject,nonsense"}, "RequestBroker--ParseUri"),
        ({"S_filter": "transactionId eq 't-1'"}, "ErrorInvalidProperty"),
        ({"S_filter": "subject eq"}, "ErrorInvalidUrlQueryFilter"),
        ({"S_filter": "subject eq 'x' banana"}, "ErrorInvalidUrlQueryFilter"),
        ({"S_orderby": "mood"}, "ErrorInvalidProperty"),
        ({"S_top": "0"}, "BadRequest"),
        ({"S_top": "1001"}, "ErrorInvalidUrlQuery"),
        ({"S_expand": "nonsense"}, "BadRequest"),
        ({"S_expand": "singleValueExtendedProperties"}, "BadRequest"),
        ({"S_search": "x"}, "BadRequest"),
        ({"nonsense": "1"}, "BadRequest"),
        ({"startDateTime": "2026-12-01T00:00:00Z"}, "BadRequest"),
    ],
)
def test_options_a_list_does_not_take_are_refused(ada, query, code):
    assert ada.refused("GET", "/me/events", **query) == (400, code)


def test_a_view_needs_a_window_and_reads_it_without_regard_to_preferences(ada):
    made = ada.create(meeting())
    path = "/me/calendarView"
    assert ada.refused("GET", path) == (400, "ErrorInvalidParameter")
    assert ada.refused("GET", path, startDateTime="x", endDateTime="y") == (400, "ErrorInvalidParameter")
    long = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}
    assert ada.refused("GET", path, **long) == (400, "ErrorCalendarViewRangeTooBig")
    tokyo = {"Prefer": 'IdType="ImmutableId", outlook.timezone="Tokyo Standard Time"'}
    rows = ada.view("2026-12-01T09:59:00", "2026-12-01T23:00:00", headers=tokyo)
    assert [row["id"] for row in rows] == [made["id"]]
    assert rows[0]["start"]["dateTime"] == "2026-12-01T18:00:00.0000000"
    assert ada.view("2026-12-01T10:00:00Z", "2026-12-01T23:00:00Z") == [], "both bounds are exclusive"
    assert ada.view("2026-12-01T00:00:00Z", "2026-12-01T10:00:00+01:00") == []
    lower = ada.ok("GET", "/me/calendarview", startdatetime="2026-12-01T00:00:00Z", enddatetime="2026-12-02T00:00:00Z")
    assert len(lower["value"]) == 1, "paths and the window's names are read without case"


def test_a_segment_graph_does_not_have_is_named(ada):
    answer = ada.call("GET", "/me/nonsense")
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'nonsense'."
    assert ada.refused("GET", "/me/events/x/y/z") == (400, "BadRequest")
    assert ada.refused("PUT", "/me/events", {}) == (405, "Request_BadRequest")
    assert ada.refused("GET", "/users/nobody@contoso.example/events") == (404, "ErrorInvalidUser")
