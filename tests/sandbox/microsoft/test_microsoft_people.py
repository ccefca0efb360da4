"""More than one mailbox: invitations, answers, sharing, schedules."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, CLEO, WEST, at, guest, meeting, only, weekly

OUTSIDER = "x@out.example"
SHARED_WINDOW = ("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z")


# invitations ------------------------------------------------------------------------------------


def test_an_invitation_lies_tentatively_in_the_guests_calendar(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO), guest(OUTSIDER, "optional")], sensitivity="private"))
    copy = only(bo)
    assert copy["id"] != made["id"]
    assert copy["iCalUId"] == made["iCalUId"]
    assert (copy["isOrganizer"], copy["showAs"], copy["transactionId"]) == (False, "tentative", None)
    assert copy["responseStatus"]["response"] == "notResponded"
    assert copy["organizer"]["emailAddress"]["address"] == ADA
    assert copy["sensitivity"] == "private"
    assert ms.outbox() == [("invitation", BO), ("invitation", OUTSIDER)]


@pytest.mark.parametrize(
    ("action", "response", "shown"),
    [
        ("accept", "accepted", "oof"),
        ("tentativelyAccept", "tentativelyAccepted", "tentative"),
        ("decline", "declined", "free"),
    ],
)
def test_an_answer_reaches_the_organizer(ms, ada, bo, *, action, response, shown):
    ms.control("PATCH", "/knobs", {"keep_declined_events": True})
    made = ada.create(meeting(attendees=[guest(BO)], showAs="oof"))
    answer = bo.call("POST", f"/me/events/{only(bo)['id']}/{action}", {"Comment": "x", "SENDRESPONSE": True})
    assert (answer.status_code, answer.content) == (202, b"")
    copy = only(bo)
    assert (copy["responseStatus"]["response"], copy["showAs"]) == (response, shown)
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == response
    assert ms.outbox(kind="reply") == [("reply", ADA)]


def test_an_answer_can_be_kept_to_oneself(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    bo.ok("POST", f"/me/events/{only(bo)['id']}/accept", {"sendResponse": False})
    assert only(bo)["responseStatus"]["response"] == "accepted"
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "none"
    assert ms.outbox(kind="reply") == []


def test_organizers_cannot_answer_and_guests_cannot_cancel(ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    assert ada.refused("POST", f"/me/events/{made['id']}/accept", {}) == (400, "ErrorInvalidRequest")
    refused = bo.call("POST", f"/me/events/{only(bo)['id']}/cancel", {"Comment": "no"})
    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    assert message == "Your request can't be completed. You need to be an organizer to cancel a meeting."
    assert bo.refused("POST", f"/me/events/{only(bo)['id']}/accept", {"nonsense": 1}) == (400, "RequestBodyRead")


def test_where_no_answer_is_wanted_none_can_be_sent(ada, bo):
    ada.create(meeting(attendees=[guest(BO)], responseRequested=False))
    path = f"/me/events/{only(bo)['id']}/accept"
    assert bo.refused("POST", path) == (400, "ErrorInvalidRequest")
    bo.ok("POST", path, {"sendResponse": False})


def test_a_declined_event_goes_away_and_comes_back_when_it_has_changed(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    copy = only(bo)
    bo.ok("POST", f"/me/events/{copy['id']}/decline", {})
    assert bo.ok("GET", "/me/events")["value"] == []
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "declined"
    ada.patch(made["id"], {"categories": ["Red"]})
    ada.patch(made["id"], {"attendees": [guest(BO), guest(OUTSIDER)]})
    assert bo.ok("GET", "/me/events")["value"] == [], "nobody has mailed them"
    ada.patch(made["id"], {"start": at("2026-12-01T10:30:00")})
    assert only(bo)["responseStatus"]["response"] == "notResponded"
    assert only(bo)["iCalUId"] == copy["iCalUId"]


def test_a_declined_occurrence_goes_alone_and_comes_back_when_it_is_moved(ada, bo):
    made = ada.create(meeting(recurrence=weekly(type="numbered", numberOfOccurrences=3), attendees=[guest(BO)]))
    window = ("2026-11-01T00:00:00Z", "2027-03-01T00:00:00Z")
    second = bo.view(*window)[1]
    bo.ok("POST", f"/me/events/{second['id']}/decline", {})
    assert [row["id"] == second["id"] for row in bo.view(*window)] == [False, False]
    ada.patch(made["id"], {"subject": "Renamed"})
    assert [row["subject"] for row in bo.view(*window)] == ["Renamed", "Renamed"]
    moved = ada.view(*window)[1]["id"]
    ada.patch(moved, {"start": at("2026-12-09T10:00:00"), "end": at("2026-12-09T11:00:00")})
    rows = bo.view(*window)
    assert [(row["type"], row["responseStatus"]["response"]) for row in rows] == [
        ("occurrence", "notResponded"),
        ("exception", "notResponded"),
        ("occurrence", "notResponded"),
    ]
    bo.ok("POST", f"/me/events/{rows[1]['id']}/decline", {})
    ada.patch(moved, {"categories": ["Red"]})
    assert len(bo.view(*window)) == 2, "nobody has mailed them"


def test_an_update_reaches_the_copy_and_leaves_what_is_the_guests_own(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    bo.ok("POST", f"/me/events/{only(bo)['id']}/accept", {})
    bo.patch(only(bo)["id"], {"categories": ["Mine"], "isReminderOn": False})
    assert ada.get(made["id"])["categories"] == [], "the guest's own fields stay there"
    ada.patch(made["id"], {"subject": "Renamed"})
    copy = only(bo)
    assert (copy["subject"], copy["categories"], copy["isReminderOn"]) == ("Renamed", ["Mine"], False)
    assert copy["responseStatus"]["response"] == "accepted"
    ada.patch(made["id"], {"start": at("2026-12-01T14:00:00"), "end": at("2026-12-01T15:00:00")})
    copy = only(bo)
    assert copy["start"]["dateTime"] == "2026-12-01T13:00:00.0000000"
    assert (copy["responseStatus"]["response"], copy["showAs"]) == ("notResponded", "tentative")
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "none", "a new time is a new question"
    assert ms.outbox(to=BO) == [("invitation", BO), ("update", BO), ("update", BO)]


def test_what_is_the_organizers_own_mails_nobody(ms, ada):
    made = ada.create(meeting(attendees=[guest(OUTSIDER)]))
    ada.patch(made["id"], {"categories": ["x"], "showAs": "free", "reminderMinutesBeforeStart": 5})
    assert ms.outbox() == [("invitation", OUTSIDER)]


def test_a_change_of_guests_mails_only_those_it_concerns(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO), guest(OUTSIDER)]))
    ada.patch(made["id"], {"attendees": [guest(OUTSIDER), guest(CLEO)]})
    assert ms.outbox()[2:] == [("invitation", CLEO), ("cancellation", BO)]
    copy = only(bo)
    assert (copy["isCancelled"], copy["showAs"], copy["subject"]) == (True, "free", "Canceled: Meeting")


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_a_cancelled_meeting_stays_with_the_guests_as_cancelled(ms, ada, bo, how):
    made = ada.create(meeting(attendees=[guest(BO), guest(OUTSIDER)]))
    if how == "cancel":
        assert ada.call("POST", f"/me/events/{made['id']}/cancel", {"Comment": "ill"}).status_code == 202
    else:
        ada.delete(made["id"])
    assert ada.refused("GET", f"/me/events/{made['id']}") == (404, "ErrorItemNotFound")
    copy = only(bo)
    assert (copy["isCancelled"], copy["showAs"]) == (True, "free")
    assert bo.refused("POST", f"/me/events/{copy['id']}/accept", {}) == (400, "ErrorInvalidRequest")
    assert ms.outbox(kind="cancellation") == [("cancellation", BO), ("cancellation", OUTSIDER)]
    bo.delete(copy["id"])
    assert bo.ok("GET", "/me/events")["value"] == []


def test_a_guest_who_deletes_an_event_removes_only_the_own_copy(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    bo.delete(only(bo)["id"])
    assert ada.get(made["id"])["isCancelled"] is False
    assert ms.outbox() == [("invitation", BO)]


def test_guests_may_be_hidden_from_each_other(ada, bo):
    made = ada.create(meeting(attendees=[guest(BO), guest(OUTSIDER)], hideAttendees=True))
    assert len(made["attendees"]) == 2
    assert [each["emailAddress"]["address"] for each in only(bo)["attendees"]] == [BO]


def test_a_series_and_its_exceptions_reach_the_guests(ms, ada, bo):
    recurrence = weekly(type="numbered", numberOfOccurrences=3)
    made = ada.create(meeting(recurrence=recurrence, attendees=[guest(BO)]))
    window = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2027-03-01T00:00:00Z"}
    rows = ada.ok("GET", f"/me/events/{made['id']}/instances", **window)["value"]
    bo.ok("POST", f"/me/events/{only(bo)['id']}/accept", {})
    ada.patch(rows[1]["id"], {"subject": "Special"})
    ada.delete(rows[2]["id"])
    copies = bo.view(*window.values())
    assert [(row["type"], row["subject"], row["isCancelled"]) for row in copies] == [
        ("occurrence", "Meeting", False),
        ("exception", "Special", False),
        ("exception", "Canceled: Meeting", True),
    ]
    bo.ok("POST", f"/me/events/{copies[0]['id']}/decline", {})
    first = ada.get(rows[0]["id"])
    assert first["attendees"][0]["status"]["response"] == "declined"
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "accepted"


def test_a_guest_elsewhere_answers_by_mail(ms, ada):
    made = ada.create(meeting(attendees=[guest(OUTSIDER)]))
    body = {"event": made["id"], "attendee": OUTSIDER, "response": "declined"}
    ms.control("POST", f"/accounts/{ADA}/rsvp", body)
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "declined"


def test_a_person_declines_in_outlook_as_a_client_does(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    body = {"event": only(bo)["id"], "attendee": BO, "response": "declined"}
    ms.control("POST", f"/accounts/{BO}/rsvp", body)
    assert bo.ok("GET", "/me/events")["value"] == []
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "declined"


def test_an_invitation_from_outside_can_be_answered(ms, ada):
    organizer = {"emailAddress": {"name": "Anna", "address": "anna@client.example"}}
    ms.human("POST", ADA, body=meeting(organizer=organizer, attendees=[guest(ADA)]))
    held = only(ada)
    assert (held["isOrganizer"], held["organizer"]) == (False, organizer)
    ada.ok("POST", f"/me/events/{held['id']}/accept")
    assert only(ada)["responseStatus"]["response"] == "accepted"
    assert ms.outbox() == [("reply", "anna@client.example")]


# sharing ----------------------------------------------------------------------------------------


def share(ms, role):
    return ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": role})


def test_a_shared_calendar_has_an_id_of_its_own_there_and_its_events_open_only_through_it(ms, ada, bo):
    made = ada.create(meeting())
    shared = share(ms, "read")
    assert shared["id"] != ada.ok("GET", "/me/calendar")["id"]
    listed = bo.ok("GET", "/me/calendars")["value"][1]
    assert listed["id"] == shared["id"]
    assert (listed["canEdit"], listed["canShare"], listed["owner"]["address"]) == (False, False, ADA)
    inside = f"/me/calendars/{shared['id']}/events/{made['id']}"
    assert bo.ok("GET", inside)["subject"] == "Meeting"
    assert bo.refused("GET", f"/me/events/{made['id']}") == (404, "ErrorItemNotFound")
    assert bo.refused("PATCH", inside, {"subject": "x"}) == (403, "ErrorAccessDenied")
    assert bo.ok("GET", f"/users/{ADA}/calendar/events/{made['id']}")["id"] == made["id"]
    share(ms, "none")
    assert bo.refused("GET", inside) == (404, "ErrorItemNotFound")
    assert bo.refused("GET", f"/users/{ADA}/events") == (403, "ErrorAccessDenied")


def test_what_a_role_shows(ms, ada, bo):
    ada.create(meeting(subject="Open", location={"displayName": "Oak"}, body={"contentType": "text", "content": "b"}))
    ada.create(meeting(subject="Secret", hour=12, sensitivity="private"))

    def seen(role):
        path = f"/me/calendars/{share(ms, role)['id']}"
        rows = bo.view(*SHARED_WINDOW, path.rsplit("/", 1)[1])
        return [(row["subject"], row["location"]["displayName"], row["bodyPreview"]) for row in rows]

    assert seen("limitedRead") == [("Open", "Oak", ""), ("Private Appointment", "", "")]
    assert seen("read") == [("Open", "Oak", "b"), ("Private Appointment", "", "")]
    assert seen("delegateWithPrivateEventAccess")[1] == ("Secret", "", "")
    calendar = share(ms, "freeBusyRead")["id"]
    window = {"startDateTime": SHARED_WINDOW[0], "endDateTime": SHARED_WINDOW[1]}
    assert bo.refused("GET", f"/me/calendars/{calendar}/calendarView", **window) == (403, "ErrorAccessDenied")


def test_an_event_made_in_a_shared_calendar_is_its_owners(ms, ada, bo):
    calendar = share(ms, "write")["id"]
    made = bo.create(meeting(attendees=[guest(OUTSIDER)]), calendar)
    assert made["organizer"]["emailAddress"]["address"] == ADA
    assert only(ada)["subject"] == "Meeting"
    entry = ms.control("GET", "/ledger", operation="insert")[0]
    assert entry["account"] == BO


def test_shared_calendars_need_their_own_permission(ms, ada):
    plain = ms.api(BO, "Calendars.ReadWrite")
    calendar = share(ms, "write")["id"]
    assert plain.refused("GET", f"/me/calendars/{calendar}/events") == (403, "ErrorAccessDenied")
    reading = ms.api(BO, "Calendars.ReadWrite", "Calendars.Read.Shared")
    assert reading.ok("GET", f"/me/calendars/{calendar}/events")["value"] == []
    assert reading.refused("POST", f"/me/calendars/{calendar}/events", meeting()) == (403, "ErrorAccessDenied")


def test_a_change_of_access_ends_delta_tokens(ms, ada, bo):
    calendar = share(ms, "read")["id"]
    window = {"startDateTime": SHARED_WINDOW[0], "endDateTime": SHARED_WINDOW[1]}
    link = bo.ok("GET", f"/me/calendars/{calendar}/calendarView/delta", **window)["@odata.deltaLink"]
    assert bo.sync(link)[0] == []
    share(ms, "write")
    assert bo.refused("GET", link) == (410, "SyncStateNotFound")


def test_leaving_a_shared_calendar_does_not_touch_it(ms, ada, bo):
    calendar = share(ms, "read")["id"]
    bo.ok("DELETE", f"/me/calendars/{calendar}")
    assert len(bo.ok("GET", "/me/calendars")["value"]) == 1
    assert len(ada.ok("GET", "/me/calendars")["value"]) == 1


# schedules --------------------------------------------------------------------------------------


def schedule(api, *people, start="2026-12-01T08:00:00", end="2026-12-01T18:00:00", zone="UTC", **more):
    body = {"Schedules": list(people), "StartTime": at(start, zone), "EndTime": at(end, zone), **more}
    return api.ok("POST", "/me/calendar/getSchedule", body)["value"]


def test_a_schedule_tells_times_of_colleagues_and_details_of_ones_own(ms, ada, bo):
    bo.create(meeting(showAs="busy"))
    bo.create(meeting(hour=12, showAs="oof"))
    bo.create(meeting(hour=14, showAs="tentative", recurrence=weekly()))
    bo.create(meeting(hour=16, showAs="workingElsewhere"))
    theirs = schedule(ada, BO, AvailabilityViewInterval=60)[0]
    assert theirs["availabilityView"] == "0203010000"
    assert theirs["scheduleItems"][0] == {
        "status": "busy",
        "start": {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T10:00:00.0000000", "timeZone": "UTC"},
    }
    assert [item["status"] for item in theirs["scheduleItems"]] == ["busy", "oof", "tentative", "workingElsewhere"]
    assert theirs["workingHours"]["timeZone"] == {"name": WEST}
    own = schedule(bo, BO)[0]
    assert (own["scheduleItems"][0]["subject"], own["scheduleItems"][0]["isPrivate"]) == ("Meeting", False)
    assert len(own["availabilityView"]) == 20, "half hours unless asked otherwise"


def test_somebody_unknown_is_an_error_of_their_own_schedule(ms, ada):
    ms.account("far@elsewhere.example")
    told = schedule(ada, OUTSIDER, ADA, "far@elsewhere.example")
    assert told[0]["error"] == {
        "message": f"Unable to resolve e-mail address {OUTSIDER} to an Active Directory object.",
        "responseCode": "5009",
    }
    assert "scheduleItems" not in told[0]
    assert told[1]["scheduleItems"] == []
    assert told[2]["error"]["responseCode"] == "5009", "another organization"
    ms.fault("schedule_error", match={"path": "getSchedule"})
    assert schedule(ada, ADA)[0]["error"]["responseCode"] == "ErrorMailboxStoreUnavailable"


def test_schedules_have_limits(ada):
    path = "/me/calendar/getSchedule"
    body = {"schedules": [ADA], "startTime": at("2026-12-01"), "endTime": at("2027-02-01")}
    assert ada.refused("POST", path, body) == (400, "ErrorTimeIntervalTooBig")
    assert ada.ok("POST", path, {**body, "endTime": at("2027-01-31")})["value"][0]["scheduleId"] == ADA
    assert ada.refused("POST", path, {**body, "endTime": at("2026-11-01")}) == (400, "ErrorTimeIntervalTooBig")
    short = {**body, "endTime": at("2026-12-02")}
    many = {**short, "schedules": [f"p{n}@contoso.example" for n in range(21)]}
    assert ada.refused("POST", path, many) == (400, "ErrorInvalidParameter")
    assert ada.refused("POST", path, {**short, "schedules": []}) == (400, "ErrorInvalidParameter")
    refusal, half_an_hour = (400, "ErrorInvalidMergedFreeBusyInterval"), {**short, "endTime": at("2026-12-01T00:30:00")}
    assert ada.refused("POST", path, {**short, "availabilityViewInterval": 4}) == refusal
    assert ada.refused("POST", path, {**half_an_hour, "availabilityViewInterval": 31}) == refusal


def test_a_schedule_may_be_as_short_as_its_interval(ada):
    """Whatever the refusal says: https://github.com/PlaceOS/office365/issues/29."""
    one = {"schedules": [ADA], "startTime": at("2026-12-01"), "endTime": at("2026-12-01T00:30:00")}
    told = ada.ok("POST", "/me/calendar/getSchedule", {**one, "availabilityViewInterval": 30})["value"][0]
    assert told["availabilityView"] == "0"


def test_schedules_are_of_default_calendars_and_not_for_personal_accounts(ms, ada):
    calendar = ada.ok("GET", "/me/calendar")["id"]
    body = {"schedules": [ADA], "startTime": at("2026-12-01"), "endTime": at("2026-12-02")}
    assert ada.refused("POST", f"/me/calendars/{calendar}/getSchedule", body)[0] == 404
    pat = ms.api("pat@outlook.example", work=False)
    assert pat.refused("POST", "/me/calendar/getSchedule", body) == (403, "ErrorAccessDenied")
