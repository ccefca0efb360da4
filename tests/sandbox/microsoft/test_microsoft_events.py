"""Single events: shapes, ids, times, edits, refusals."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, WEST, at, guest, meeting, weekly

# What the documentation of the event resource lists, with the annotations of an entity.
_DOCUMENTED = (
    "allowNewTimeProposals attendees body bodyPreview categories changeKey createdDateTime end hasAttachments "
    "hideAttendees iCalUId id importance isAllDay isCancelled isDraft isOnlineMeeting isOrganizer isReminderOn "
    "lastModifiedDateTime location locations occurrenceId onlineMeeting onlineMeetingProvider onlineMeetingUrl "
    "organizer originalEndTimeZone originalStart originalStartTimeZone recurrence reminderMinutesBeforeStart "
    "responseRequested responseStatus sensitivity seriesMasterId showAs start subject transactionId type webLink "
    "@odata.context @odata.etag calendar@odata.associationLink calendar@odata.navigationLink"
)
DOCUMENTED = set(_DOCUMENTED.split())
MARK = "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name crm"
STORED_MARK = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name crm"


# ids ------------------------------------------------------------------------------------------


def test_there_are_two_formats_of_ids_and_only_one_survives_a_move(ms, ada):
    made = ada.create(meeting())
    mutable = ada.get(made["id"], headers={"Prefer": 'outlook.timezone="UTC"'})
    assert made["id"].startswith("AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A")
    assert mutable["id"].startswith("AAMkA")
    assert ada.get(mutable["id"])["id"] == made["id"], "either format opens it"
    other = ms.control("POST", f"/accounts/{ADA}/calendars", {"name": "Other"})["id"]
    ms.human("POST", ADA, f"/{made['id']}/move", {"to": other})
    assert ada.refused("GET", f"/me/events/{mutable['id']}") == (404, "ErrorItemNotFound")
    moved = ada.get(made["id"])
    assert moved["id"] == made["id"]
    assert moved["iCalUId"] == made["iCalUId"]
    assert ada.get(made["id"], headers={"Prefer": ""})["id"] != mutable["id"]
    inside = f"/me/calendars/{other}/events/{made['id']}"
    assert ada.ok("GET", inside)["subject"] == "Meeting"
    default = ada.ok("GET", "/me/calendar")["id"]
    assert ada.refused("GET", f"/me/calendars/{default}/events/{made['id']}") == (404, "ErrorItemNotFound")


def test_an_event_is_told_with_the_calendar_it_is_on(ms, ada):
    """https://learn.microsoft.com/graph/api/resources/event#relationships: `calendar`."""
    other = ms.control("POST", f"/accounts/{ADA}/calendars", {"name": "Other"})["id"]
    made = ada.create(meeting(recurrence=weekly()), other)
    window = {"startDateTime": "2026-12-01T00:00:00Z", "endDateTime": "2026-12-08T00:00:00Z"}
    calendar = ada.ok("GET", f"/me/calendars/{other}")
    del calendar["@odata.context"]
    rows = ada.ok("GET", f"/me/calendars/{other}/events", S_expand="calendar", S_select="id")["value"]
    assert [row.keys() for row in rows] == [{"@odata.etag", "id", "calendar"}]
    rows += ada.ok("GET", f"/me/events/{made['id']}/instances", S_expand="Calendar", **window)["value"]
    rows += ada.ok("GET", f"/me/calendars/{other}/calendarView", S_expand="calendar", **window)["value"]
    assert [row["calendar"] for row in [*rows, ada.get(made["id"], S_expand="calendar")]] == [calendar] * 4


def test_ids_of_nothing_are_malformed_or_not_found(ada):
    made = ada.create(meeting())
    assert ada.refused("GET", "/me/events/nonsense") == (400, "ErrorInvalidIdMalformed")
    assert ada.refused("GET", f"/me/events/{made['id'].lower()}") in {
        (400, "ErrorInvalidIdMalformed"),
        (404, "ErrorItemNotFound"),
    }
    assert ada.refused("GET", "/me/calendars/nonsense/events") == (400, "ErrorInvalidIdMalformed")
    ada.delete(made["id"])
    for verb, body in (("GET", None), ("PATCH", {"subject": "x"})):
        assert ada.refused(verb, f"/me/events/{made['id']}", body) == (404, "ErrorItemNotFound")


def test_what_is_deleted_already_cannot_be_deleted_under_its_immutable_id(ada):
    made = ada.create(meeting())
    mutable = ada.get(made["id"], headers={"Prefer": ""})["id"]
    ada.delete(made["id"])
    assert ada.refused("DELETE", f"/me/events/{mutable}") == (404, "ErrorItemNotFound")
    default = ada.ok("GET", "/me/calendar")["id"]
    for place in ("/me", f"/me/calendars/{default}"):
        assert ada.refused("DELETE", f"{place}/events/{made['id']}") == (403, "ErrorCannotDeleteObject")


# shape and times ------------------------------------------------------------------------------


def test_an_event_comes_back_as_graph_writes_it(ada):
    answer = ada.call("POST", "/me/events", meeting(location={"displayName": "Room Oak"}, body=None))
    made = answer.json()
    assert answer.status_code == 201
    assert made.keys() <= DOCUMENTED
    assert made["start"] == {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"}
    assert (made["originalStartTimeZone"], made["originalEndTimeZone"]) == (WEST, WEST)
    assert made["organizer"] == {"emailAddress": {"name": "Ada", "address": ADA}}
    assert made["responseStatus"] == {"response": "organizer", "time": "0001-01-01T00:00:00Z"}
    assert (made["type"], made["showAs"], made["isAllDay"], made["seriesMasterId"]) == (
        "singleInstance",
        "busy",
        False,
        None,
    )
    assert made["locations"][0]["displayName"] == made["location"]["displayName"] == "Room Oak"
    assert made["createdDateTime"][-1] == "Z"
    assert len(made["createdDateTime"]) == len("2017-04-15T03:00:50.7579581Z")
    assert answer.headers["etag"] == made["@odata.etag"] == f'W/"{made["changeKey"]}"'
    applied = answer.headers["preference-applied"].split(", ")
    assert set(applied) == {'IdType="ImmutableId"', 'outlook.timezone="UTC"'}
    assert ada.get(made["id"]) == made


def test_times_are_told_in_the_zone_asked_for_and_in_utc_otherwise(ada):
    made = ada.create(meeting(zone="Eastern Standard Time"))
    kolkata = {"Prefer": 'IdType="ImmutableId", outlook.timezone="India Standard Time"'}
    there = ada.get(made["id"], headers=kolkata)
    assert there["start"] == {"dateTime": "2026-12-01T20:30:00.0000000", "timeZone": "India Standard Time"}
    assert there["originalStartTimeZone"] == "Eastern Standard Time"
    assert ada.get(made["id"], headers={"Prefer": ""})["start"]["timeZone"] == "UTC"
    listed = {"Prefer": 'outlook.timezone="Asia/Kolkata"'}
    assert ada.get(made["id"], headers=listed)["start"]["dateTime"] == "2026-12-01T20:30:00.0000000"
    bad = ada.refused("GET", f"/me/events/{made['id']}", headers={"Prefer": 'outlook.timezone="Mars/Olympus"'})
    assert bad == (400, "TimeZoneNotSupportedException")


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (at("2026-12-01T10:00", WEST), "2026-12-01T09:00:00.0000000"),
        (at("2026-12-01T10:00:00.1234567", "UTC"), "2026-12-01T10:00:00.1234560"),
        (at("2026-12-01T10:00:00Z", WEST), "2026-12-01T10:00:00.0000000"),
        (at("2026-03-29T02:30:00", WEST), "2026-03-29T01:30:00.0000000"),
    ],
)
def test_moments_are_read_in_every_form_graph_takes(ada, start, told):
    made = ada.create({"subject": "x", "start": start, "end": at("2026-12-02T00:00:00", "UTC")})
    assert made["start"]["dateTime"] == told


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"start": at("2026-12-01T10:00:00")}, "ErrorPropertyValidationFailure"),
        ({**meeting(), "end": at("2026-12-01T09:00:00")}, "ErrorPropertyValidationFailure"),
        ({**meeting(), "start": at("yesterday")}, "ErrorPropertyValidationFailure"),
        (meeting(zone="Mars/Olympus"), "TimeZoneNotSupportedException"),
        (meeting(zone="Europe/Stockholm"), "TimeZoneNotSupportedException"),
        ({**meeting(), "start": {"dateTime": "2026-12-01T10:00:00"}}, "TimeZoneNotSupportedException"),
        (meeting(nonsense=True), "RequestBodyRead"),
        ({**meeting(), "start": {**at("2026-12-01T10:00:00"), "date": "x"}}, "RequestBodyRead"),
        (meeting(isAllDay="yes"), "RequestBodyRead"),
        (meeting(showAs="glass"), "RequestBodyRead"),
        (meeting(attendees="everybody"), "RequestBodyRead"),
        (meeting(attendees=[{"emailAddress": {"address": "nobody"}}]), "ErrorInvalidRecipients"),
        (meeting(attendees=[guest(f"p{n}@x.example") for n in range(501)]), "ErrorExceededMaxRecipientLimit"),
        (meeting(isAllDay=True), "ErrorPropertyValidationFailure"),
        (meeting(singleValueExtendedProperties=[{"id": "crm", "value": "1"}]), "ErrorInvalidExtendedProperty"),
        ([], "BadRequest"),
    ],
)
def test_a_bad_body_is_refused_and_leaves_nothing(ms, ada, body, code):
    assert ada.refused("POST", "/me/events", body) == (400, code)
    assert ada.ok("GET", "/me/events")["value"] == []
    assert ms.control("GET", "/ledger") == []
    assert ms.outbox() == []


def test_leniency_is_a_knob(ms, ada):
    ms.control("PATCH", "/knobs", {"strict": False})
    assert "nonsense" not in ada.create(meeting(nonsense=True), x="1")


def test_a_whole_day_is_midnight_to_midnight_in_any_zone(ada):
    body = {"subject": "Off", "isAllDay": True, "start": at("2026-12-01"), "end": at("2026-12-02")}
    made = ada.create(body)
    far = ada.get(made["id"], headers={"Prefer": 'outlook.timezone="New Zealand Standard Time"'})
    assert far["start"] == {"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "New Zealand Standard Time"}
    assert far["end"]["dateTime"] == "2026-12-02T00:00:00.0000000"
    # It is the day of the zone it was made in: in UTC it ends an hour early.
    assert [row["id"] for row in ada.view("2026-12-01T22:59:00Z", "2026-12-01T23:30:00Z")] == [made["id"]]
    assert ada.view("2026-12-01T23:00:00Z", "2026-12-01T23:30:00Z") == []
    mixed = {**body, "end": at("2026-12-02", "UTC")}
    assert ada.refused("POST", "/me/events", mixed) == (400, "ErrorPropertyValidationFailure")
    short = {**body, "end": at("2026-12-01")}
    assert ada.refused("POST", "/me/events", short) == (400, "ErrorPropertyValidationFailure")


def test_a_body_is_told_as_html_with_a_preview_or_as_text_if_asked(ada):
    made = ada.create(meeting(body={"contentType": "Text", "content": "a < b\nc"}))
    assert made["body"]["contentType"] == "html"
    assert "a &lt; b" in made["body"]["content"]
    assert made["bodyPreview"] == "a < b\nc"
    text = ada.get(made["id"], headers={"Prefer": 'outlook.body-content-type="text"'})
    assert text["body"] == {"contentType": "text", "content": "a < b\nc"}
    rich = ada.patch(made["id"], {"body": {"contentType": "html", "content": "<p>Hello&nbsp;<b>you</b></p>"}})
    assert rich["bodyPreview"] == "Hello\xa0you"


def test_a_teams_meeting_is_made_once_and_not_for_personal_accounts(ms, ada):
    wish = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
    made = ada.create(meeting(**wish))
    assert made["onlineMeeting"]["joinUrl"].startswith("https://teams.microsoft.com/l/meetup-join/")
    assert ada.patch(made["id"], wish)["onlineMeeting"] == made["onlineMeeting"]
    pat = ms.api("pat@outlook.example", work=False)
    plain = pat.create(meeting(**wish))
    assert (plain["isOnlineMeeting"], plain["onlineMeetingProvider"], plain["onlineMeeting"]) == (
        False,
        "unknown",
        None,
    )


@pytest.fixture
def online(ms, ada):
    ms.api(BO)
    return ada.create(
        meeting(isOnlineMeeting=True, body={"contentType": "text", "content": "Agenda"}, attendees=[guest(BO)])
    )


def _meeting_of(event):
    return event["isOnlineMeeting"], event["onlineMeetingProvider"], event["onlineMeeting"]


def test_an_online_meeting_stays_online_whatever_is_said_of_it_later(ada, online):
    """https://learn.microsoft.com/graph/api/resources/event: "ignores any further changes to isOnlineMeeting"."""
    for later in ({"isOnlineMeeting": False}, {"onlineMeetingProvider": "unknown"}, {"isOnlineMeeting": None}):
        assert _meeting_of(ada.patch(online["id"], later)) == _meeting_of(online)


def test_an_online_meeting_lives_in_the_body_and_ends_when_it_is_written_out_of_it(ms, ada, online):
    """https://learn.microsoft.com/graph/api/event-update, "body property and online meetings"."""
    link, content = online["onlineMeeting"]["joinUrl"], online["body"]["content"]
    assert content.index("Agenda") < content.index(link) < content.index("</body>")
    assert online["bodyPreview"].startswith("Agenda")
    kept = ada.patch(online["id"], {"body": {"contentType": "html", "content": content.replace("Agenda", "Later")}})
    assert _meeting_of(kept) == _meeting_of(online)
    lost = ada.patch(online["id"], {"body": {"contentType": "html", "content": "<p>Agenda</p>"}})
    assert _meeting_of(lost) == (False, "unknown", None)
    assert link not in lost["body"]["content"]
    (theirs,) = ms.api(BO).view("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
    assert _meeting_of(theirs) == (False, "unknown", None)


def test_an_event_becomes_an_online_meeting_once_it_is_asked_for_again(ada, online):
    """https://github.com/microsoftgraph/microsoft-graph-docs/issues/10618: the same edit, over and over."""
    wish = {"isOnlineMeeting": True, "body": {"contentType": "html", "content": "<html><body>Hi</body></html>"}}
    told = [ada.patch(online["id"], wish) for _ in range(4)]
    assert [each["isOnlineMeeting"] for each in told] == [False, True, False, True]
    assert told[1]["onlineMeeting"]["joinUrl"] in told[1]["body"]["content"]
    assert told[1]["body"]["content"].endswith("</body></html>")


# edits and conflicts --------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_the_change_key(ada):
    made = ada.create(meeting(location={"displayName": "Room Oak"}, categories=["Red category"]))
    patched = ada.patch(made["id"], {"subject": "Changed", "showAs": "OOF"})
    assert (patched["subject"], patched["showAs"]) == ("Changed", "oof")
    assert (patched["location"], patched["categories"]) == (made["location"], ["Red category"])
    assert patched["changeKey"] != made["changeKey"]
    assert patched["lastModifiedDateTime"] > made["lastModifiedDateTime"]
    assert patched["createdDateTime"] == made["createdDateTime"]
    moved = ada.patch(made["id"], {"start": at("2026-12-01T10:30:00")})
    assert moved["start"]["dateTime"] == "2026-12-01T09:30:00.0000000"


def test_what_is_read_only_may_be_sent_and_changes_nothing(ada):
    made = ada.create(meeting())
    again = ada.patch(made["id"], {**made, "subject": "x", "isCancelled": True, "iCalUId": "other"})
    assert (again["subject"], again["isCancelled"], again["iCalUId"]) == ("x", False, made["iCalUId"])


def test_if_match_holds_back_an_edit_of_something_newer(ada):
    made = ada.create(meeting())
    newer = ada.patch(made["id"], {"subject": "Changed"})
    stale = {"If-Match": made["@odata.etag"]}
    for verb, body in (("PATCH", {"subject": "x"}), ("DELETE", None)):
        assert ada.refused(verb, f"/me/events/{made['id']}", body, headers=stale) == (412, "ErrorIrresolvableConflict")
    assert ada.get(made["id"])["subject"] == "Changed"
    assert ada.patch(made["id"], {"subject": "y"}, headers={"If-Match": newer["@odata.etag"]})["subject"] == "y"
    assert ada.patch(made["id"], {"subject": "z"}, headers={"If-Match": "*"})["subject"] == "z"


def test_a_transaction_id_makes_one_event_however_often_it_is_sent(ms, ada):
    body = meeting(transactionId="t-1", attendees=[guest(BO)])
    made = ada.create(body)
    assert made["transactionId"] == "t-1"
    again = ada.call("POST", "/me/events", body)
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    inserts = ms.control("GET", "/ledger", transaction="t-1", operation="insert", actor="api")
    assert len(inserts) == 1
    assert ms.outbox() == [("invitation", BO)], "the retry mails nobody"
    other = meeting(transactionId="t-1", hour=12)
    assert ada.refused("POST", "/me/events", other) == (409, "ErrorDuplicateTransactionId")
    assert ada.refused("PATCH", f"/me/events/{made['id']}", {"transactionId": "t-2"}) == (
        400,
        "ErrorInvalidPropertySet",
    )
    ada.delete(made["id"])
    assert ada.refused("POST", "/me/events", body) == (409, "ErrorDuplicateTransactionId")


def test_a_transaction_id_is_a_mailboxs_own(ms, ada):
    bo = ms.api(BO)
    assert ada.create(meeting(transactionId="t-1"))["id"] != bo.create(meeting(transactionId="t-1"))["id"]


def test_extended_properties_are_told_only_when_asked_for_by_name_and_found_by_value(ada):
    properties = [{"id": MARK, "value": "k'1"}]
    made = ada.create(meeting(singleValueExtendedProperties=properties))
    ada.create(meeting(hour=12, singleValueExtendedProperties=[{"id": MARK, "value": "k2"}]))
    assert "singleValueExtendedProperties" not in made
    expand = f"singleValueExtendedProperties($filter=id eq '{MARK}')"
    assert ada.get(made["id"], S_expand=expand)["singleValueExtendedProperties"] == [
        {"id": STORED_MARK, "value": "k'1"}
    ]
    missing = f"singleValueExtendedProperties($filter=id eq '{MARK}x')"
    assert "singleValueExtendedProperties" not in ada.get(made["id"], S_expand=missing)
    find = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}' and ep/value eq 'k''1')"
    assert [row["id"] for row in ada.ok("GET", "/me/events", S_filter=find)["value"]] == [made["id"]]
    only_id = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}')"
    assert ada.refused("GET", "/me/events", S_filter=only_id) == (400, "ErrorInvalidUrlQueryFilter")
    ada.patch(made["id"], {"singleValueExtendedProperties": [{"id": MARK, "value": None}]})
    assert ada.ok("GET", "/me/events", S_filter=find)["value"] == []


# the edges ------------------------------------------------------------------------------------


def test_the_clients_own_request_id_comes_back(ada):
    answer = ada.call("GET", "/me/events/nonsense", headers={"client-request-id": "mine-1"})
    assert answer.json()["error"]["innerError"]["client-request-id"] == "mine-1"
    assert answer.headers["client-request-id"] == "mine-1"
    assert answer.headers["request-id"] != "mine-1"


def test_a_body_must_be_json_and_say_so(ada):
    sent = {"Authorization": f"Bearer {ada.token}"}
    url = "/microsoft/v1.0/me/events"
    assert ada.http.post(url, content=b"{}", headers={**sent, "Content-Type": "text/plain"}).status_code == 415
    assert ada.http.post(url, headers=sent).json()["error"]["message"].startswith("Empty Payload")
    broken = ada.http.post(url, content=b"{", headers={**sent, "Content-Type": "application/json"})
    assert broken.json()["error"]["code"] == "BadRequest"


def test_a_zone_nobody_can_look_up_is_told_as_outlook_stored_it(ms, ada):
    body = meeting(zone="Egypt Standard Time", recurrence=weekly(), originalStartTimeZone="tzone://Microsoft/Custom")
    made = ms.human("POST", ADA, body=body)
    held = ada.get(made["id"])
    assert held["originalStartTimeZone"] == "tzone://Microsoft/Custom"
    assert held["start"] == {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"}


def test_own_path_by_id_or_address_is_the_same_mailbox(ms, ada):
    made = ada.create(meeting())
    oid = ms.control("GET", f"/accounts/{ADA}")["oid"]
    for user in (oid, ADA):
        assert ada.ok("GET", f"/users/{user}/events/{made['id']}")["id"] == made["id"]
