"""What guests answer beyond yes and no: other times, and other people."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, CLEO, at, guest, meeting, only, weekly

OTHER = {"start": at("2026-12-02T10:00:00"), "end": at("2026-12-02T11:00:00")}


def answer(api, verb, **body):
    return api.call("POST", f"/me/events/{only(api)['id']}/{verb}", body)


@pytest.mark.parametrize(
    ("verb", "response"), [("tentativelyAccept", "tentativelyAccepted"), ("decline", "declined")]
)  # fmt: skip
def test_another_time_that_is_proposed_stands_beside_the_answer(ada, bo, verb, response):
    made = ada.create(meeting(attendees=[guest(BO), guest(CLEO)]))
    assert answer(bo, verb, proposedNewTime=OTHER, sendResponse=True).status_code == 202
    first, second = ada.get(made["id"])["attendees"]
    assert first["status"]["response"] == response
    assert first["proposedNewTime"] == {
        "start": {"dateTime": "2026-12-02T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-02T10:00:00.0000000", "timeZone": "UTC"},
    }
    assert "proposedNewTime" not in second
    there = ada.get(made["id"], headers={"Prefer": 'outlook.timezone="Tokyo Standard Time"'})["attendees"][0]
    assert there["proposedNewTime"]["start"] == {
        "dateTime": "2026-12-02T18:00:00.0000000",
        "timeZone": "Tokyo Standard Time",
    }


def test_a_proposal_is_told_to_the_organizer_alone_until_it_is_answered(ms, ada, bo):
    cleo = ms.api(CLEO)
    made = ada.create(meeting(attendees=[guest(BO), guest(CLEO)]))
    answer(bo, "tentativelyAccept", proposedNewTime=OTHER)
    ada.patch(made["id"], {"subject": "Renamed", "attendees": [guest(BO), guest(CLEO)]})
    assert "proposedNewTime" in ada.get(made["id"])["attendees"][0], "an edit of the list keeps it"
    assert all("proposedNewTime" not in each for each in only(cleo)["attendees"] + only(bo)["attendees"])
    ada.patch(made["id"], OTHER)
    assert "proposedNewTime" not in ada.get(made["id"])["attendees"][0], "a new time is a new question"
    answer(bo, "tentativelyAccept", proposedNewTime=OTHER)
    answer(bo, "accept")
    assert "proposedNewTime" not in ada.get(made["id"])["attendees"][0], "a new answer takes it back"


def test_a_proposal_for_one_occurrence_stands_there_alone(ada, bo):
    made = ada.create(meeting(recurrence=weekly(type="numbered", numberOfOccurrences=2), attendees=[guest(BO)]))
    window = ("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z")
    second = bo.view(*window)[1]["id"]
    bo.ok("POST", f"/me/events/{second}/tentativelyAccept", {"proposedNewTime": OTHER})
    told = ["proposedNewTime" in row["attendees"][0] for row in ada.view(*window)]
    assert told == [False, True]
    assert "proposedNewTime" not in ada.get(made["id"])["attendees"][0]


def test_a_proposal_may_come_in_any_case_as_the_parameters_of_actions_do(ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    ends = {
        name: {"DateTime": f"2026-12-02T{hour}:00:00", "TimeZone": "UTC"} for name, hour in (("Start", 10), ("End", 11))
    }
    assert answer(bo, "tentativelyAccept", ProposedNewTime=ends).status_code == 202
    slot = ada.get(made["id"])["attendees"][0]["proposedNewTime"]
    assert slot["start"]["dateTime"] == "2026-12-02T10:00:00.0000000"


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("accept", {"proposedNewTime": OTHER}, "RequestBodyRead"),
        ("decline", {"proposedNewTime": OTHER, "sendResponse": False}, "ErrorInvalidRequest"),
        ("tentativelyAccept", {"proposedNewTime": OTHER, "sendResponse": False}, "ErrorInvalidRequest"),
        ("decline", {"proposedNewTime": {"start": OTHER["start"]}}, "TimeZoneNotSupportedException"),
        (
            "decline",
            {"proposedNewTime": {"start": OTHER["end"], "end": OTHER["start"]}},
            "ErrorPropertyValidationFailure",
        ),
        ("decline", {"proposedNewTime": "soon"}, "RequestBodyRead"),
    ],
)
def test_a_proposal_that_makes_no_sense_answers_nothing(ada, bo, verb, body, code):
    made = ada.create(meeting(attendees=[guest(BO)]))
    assert bo.refused("POST", f"/me/events/{only(bo)['id']}/{verb}", body) == (400, code)
    assert only(bo)["responseStatus"]["response"] == "notResponded"
    assert ada.get(made["id"])["attendees"][0]["status"]["response"] == "none"


@pytest.mark.parametrize("verb", ["tentativelyAccept", "decline"])
def test_where_the_organizer_wants_no_other_times_none_can_be_proposed(ada, bo, verb):
    ada.create(meeting(attendees=[guest(BO)], allowNewTimeProposals=False))
    refused = answer(bo, verb, proposedNewTime=OTHER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorInvalidRequest")
    assert answer(bo, verb).status_code == 202


# handing on -------------------------------------------------------------------------------------


def forward(api, *people, **body):
    to = [{"EmailAddress": {"Address": email, "Name": "X"}} for email in people]
    return api.call("POST", f"/me/events/{only(api)['id']}/forward", {"ToRecipients": to, "Comment": "come", **body})


def test_who_is_forwarded_an_invitation_is_invited_by_the_organizer(ms, ada, bo):
    cleo = ms.api(CLEO)
    made = ada.create(meeting(attendees=[guest(BO)]))
    bo.ok("POST", f"/me/events/{only(bo)['id']}/accept", {})
    answered = forward(bo, CLEO, "x@out.example")
    assert (answered.status_code, answered.content) == (202, b"")
    people = {each["emailAddress"]["address"]: each["status"]["response"] for each in ada.get(made["id"])["attendees"]}
    assert people == {BO: "accepted", CLEO: "none", "x@out.example": "none"}
    copy = only(cleo)
    assert (copy["iCalUId"], copy["organizer"]["emailAddress"]["address"]) == (made["iCalUId"], ADA)
    assert only(bo)["responseStatus"]["response"] == "accepted"
    assert ms.outbox(kind="invitation") == [("invitation", BO), ("invitation", CLEO), ("invitation", "x@out.example")]
    answer(cleo, "accept")
    assert ada.get(made["id"])["attendees"][1]["status"]["response"] == "accepted"


def test_an_organizer_hands_on_as_well_and_nobody_is_listed_twice(ms, ada, bo):
    made = ada.create(meeting(attendees=[guest(BO)]))
    assert forward(ada, CLEO, BO).status_code == 202
    assert forward(ada, CLEO).status_code == 202
    assert [each["emailAddress"]["address"] for each in ada.get(made["id"])["attendees"]] == [BO, CLEO]
    assert len(ms.outbox(kind="invitation", to=CLEO)) == 2, "it is mailed as often as it is asked for"


def test_a_meeting_from_outside_is_only_mailed_on(ms, ada):
    organizer = {"emailAddress": {"name": "Anna", "address": "anna@client.example"}}
    ms.human("POST", ADA, body=meeting(organizer=organizer, attendees=[guest(ADA)]))
    assert forward(ada, CLEO).status_code == 202
    assert ms.outbox() == [("invitation", CLEO)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"toRecipients": []}, "ErrorInvalidRecipients"),
        ({"toRecipients": None}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"address": "nobody"}}]}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"address": CLEO}]}, "RequestBodyRead"),
        ({"nonsense": 1}, "RequestBodyRead"),
    ],
)
def test_a_forward_to_nobody_is_refused(ms, ada, body, code):
    made = ada.create(meeting())
    assert ada.refused("POST", f"/me/events/{made['id']}/forward", body) == (400, code)
    assert ms.outbox() == []


# reminders --------------------------------------------------------------------------------------


def test_a_reminder_is_dismissed_and_that_of_a_series_only_until_the_next_time(ada):
    made = ada.create(meeting())
    answered = ada.call("POST", f"/me/events/{made['id']}/dismissReminder")
    assert (answered.status_code, answered.content) == (200, b"")
    held = ada.get(made["id"])
    assert (held["isReminderOn"], held["changeKey"] == made["changeKey"]) == (False, False)
    series = ada.create(meeting(recurrence=weekly()))
    first = ada.view("2026-12-15T00:00:00Z", "2026-12-16T00:00:00Z")[0]
    for event_id in (series["id"], first["id"]):
        ada.ok("POST", f"/me/events/{event_id}/dismissReminder")
    assert ada.get(first["id"])["type"] == "occurrence"
    assert ada.get(series["id"])["isReminderOn"] is True


def test_a_reminder_is_snoozed_until_a_time(ms, ada):
    made = ada.create(meeting(attendees=[guest(BO)]))
    path = f"/me/events/{made['id']}/snoozeReminder"
    answered = ada.call("POST", path, {"NewReminderTime": at("2026-12-01T09:50:00")})
    assert (answered.status_code, answered.content) == (200, b"")
    assert ada.get(made["id"])["isReminderOn"] is True
    assert ada.refused("POST", path, {}) == (400, "TimeZoneNotSupportedException")
    assert ada.refused("POST", path, {"newReminderTime": at("soon")}) == (400, "ErrorPropertyValidationFailure")
    assert ms.outbox() == [("invitation", BO)], "it is nobody else's"
