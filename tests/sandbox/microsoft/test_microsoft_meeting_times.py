"""findMeetingTimes, translateExchangeIds and permanentDelete."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, Api, at, guest, meeting, quoted

FAR = "far@elsewhere.example"


def slot(day, first, last):
    return {"start": at(f"{day}T{first}:00:00"), "end": at(f"{day}T{last}:00:00")}


def find(api, *people, day="2026-12-01", first="09", last="12", domain="work", **more):
    body = {
        "attendees": [{"type": "required", "emailAddress": {"address": each}} for each in people],
        "timeConstraint": {"activityDomain": domain, "timeSlots": [slot(day, first, last)]},
        "meetingDuration": "PT1H",
        **more,
    }
    return api.ok(
        "POST", "/me/findMeetingTimes", body, headers={"Prefer": 'outlook.timezone="W. Europe Standard Time"'}
    )


def starts(found):
    return [each["meetingTimeSlot"]["start"]["dateTime"][11:16] for each in found["meetingTimeSuggestions"]]


def test_times_at_which_everybody_is_free_are_proposed(ada, bo):
    ada.create(meeting(hour=9))
    bo.create(meeting(hour=11))
    found = find(ada, BO, returnSuggestionReasons=True)
    assert (starts(found), found["emptySuggestionsReason"]) == (["10:00"], "")
    (told,) = found["meetingTimeSuggestions"]
    assert (told["confidence"], told["organizerAvailability"], told["locations"]) == (100.0, "free", [])
    person = {"type": "required", "emailAddress": {"address": BO}}
    assert told["attendeeAvailability"] == [{"availability": "free", "attendee": person}]
    assert "all attendees are available" in told["suggestionReason"]
    assert told["meetingTimeSlot"]["end"] == at("2026-12-01T11:00:00.0000000")


def test_the_more_confident_come_first_and_no_more_than_asked_for(ada, bo):
    bo.create(meeting(hour=9))
    found = find(ada, BO, minimumAttendeePercentage=0)
    assert starts(found) == ["10:00", "10:30", "11:00", "09:00", "09:30"]
    assert starts(find(ada, BO, minimumAttendeePercentage=0, maxCandidates=2)) == ["10:00", "10:30"]
    assert starts(find(ada, BO, FAR)) == ["10:00", "10:30", "11:00"], "74.5 per cent"
    assert starts(find(ada, BO, FAR, minimumAttendeePercentage="80")) == []


def test_an_organizer_who_need_not_come_may_be_busy(ada):
    ada.create(meeting(hour=9, showAs="oof"))
    assert starts(find(ada, last="10")) == []
    (told,) = find(ada, last="10", isOrganizerOptional=True)["meetingTimeSuggestions"]
    assert told["organizerAvailability"] == "oof"


def test_nothing_found_has_its_reason(ms, ada, bo):
    bo.create(meeting(hour=9))
    assert find(ada, BO, last="10")["emptySuggestionsReason"] == "attendeesUnavailable"
    assert find(ada, FAR, last="10")["emptySuggestionsReason"] == "attendeesUnavailableOrUnknown"
    ada.create(meeting(hour=9))
    assert find(ada, last="10")["emptySuggestionsReason"] == "organizerUnavailable"
    assert find(ada, day="2026-12-05")["emptySuggestionsReason"] == "unknown", "a Saturday"


def test_work_is_done_in_everybodys_working_hours_and_the_rest_of_life_is_not(ms, ada):
    ms.account(BO, time_zone="GMT Standard Time")
    assert starts(find(ada, BO, first="07", last="10"))[0] == "09:00"
    assert starts(find(ada, first="19", last="20")) == []
    assert starts(find(ada, first="19", last="20", domain="unrestricted")) == ["19:00"]
    assert starts(find(ada, day="2026-12-05", last="10", domain="personal")) == ["09:00"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"meetingDuration": "an hour"}, "RequestBodyRead"),
        ({"meetingDuration": "PT0M"}, "ErrorInvalidParameter"),
        ({"attendees": [{"type": "required"}]}, "ErrorInvalidRecipients"),
        ({"timeConstraint": {"activityDomain": "leisure"}}, "RequestBodyRead"),
        ({"timeConstraint": {"timeSlots": [slot("2026-12-01", "12", "09")]}}, "ErrorInvalidParameter"),
        ({"nonsense": 1}, "RequestBodyRead"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(ada, body, code):
    assert ada.refused("POST", "/me/findMeetingTimes", body) == (400, code)


def test_only_work_accounts_with_shared_permissions_search(ms):
    denied = (403, "ErrorAccessDenied")
    assert ms.api(ADA, "Calendars.ReadWrite").refused("POST", "/me/findMeetingTimes", {}) == denied
    ms.account("pat@outlook.example", work=False)
    pat = Api(ms.http, ms.sign_in("pat@outlook.example")["access_token"])
    assert pat.refused("POST", "/me/findMeetingTimes", {}) == denied


# ids --------------------------------------------------------------------------------------------


def translated(api, identifier, source, target):
    body = {"inputIds": [identifier], "sourceIdType": source, "targetIdType": target}
    (told,) = api.ok("POST", "/me/translateExchangeIds", body)["value"]
    assert told["sourceId"] == identifier
    return told


def test_an_id_is_told_in_other_formats_and_back(ada):
    immutable = ada.create(meeting())["id"]
    rest = translated(ada, immutable, "restImmutableEntryId", "restId")["targetId"]
    plain = {"Prefer": 'outlook.timezone="UTC"'}
    assert ada.ok("GET", f"/me/events/{quoted(rest)}", headers=plain)["id"] == rest
    assert translated(ada, rest, "restId", "restImmutableEntryId")["targetId"] == immutable
    ews = translated(ada, immutable, "restImmutableEntryId", "ewsId")["targetId"]
    assert ews == rest.replace("-", "/").replace("_", "+")
    assert translated(ada, ews, "ewsId", "restId")["targetId"] == rest


def test_an_id_that_cannot_be_translated_says_why(ms, ada, bo):
    theirs = bo.create(meeting())["id"]
    ms.control("PUT", f"/accounts/{BO}/calendars/default/access", {"account": ADA, "role": "write"})
    for identifier, code in ((theirs, "ErrorItemNotFound"), ("nonsense", "ErrorInvalidIdMalformed")):
        assert translated(ada, identifier, "restImmutableEntryId", "restId")["errorDetails"]["code"] == code
    wrong = {"inputIds": ["x"], "sourceIdType": "entryId", "targetIdType": "restId"}
    assert ada.refused("POST", "/me/translateExchangeIds", wrong) == (400, "ErrorInvalidParameter")
    assert ada.refused("POST", "/me/translateExchangeIds", {**wrong, "inputIds": []}) == (400, "ErrorInvalidParameter")


# gone for good ----------------------------------------------------------------------------------


def test_events_and_calendars_are_deleted_for_good(ms, ada):
    event = ada.create(meeting(attendees=[guest(BO)]))
    answer = ada.call("POST", f"/me/events/{event['id']}/permanentDelete")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ada.refused("GET", f"/me/events/{event['id']}") == (404, "ErrorItemNotFound")
    made = ada.ok("POST", "/me/calendars", {"name": "Tasks"})
    assert ada.call("POST", f"/me/calendars/{made['id']}/permanentDelete").status_code == 204
    assert ada.refused("GET", f"/me/calendars/{made['id']}") == (404, "ErrorItemNotFound")
