"""What guests answer beyond yes and no: other times, and other people."""

from collections.abc import Iterator

import pytest

from tests.sandbox.microsoft.live import Sandbox, at, guest, meeting, running_sandbox, weekly

ADA, BO, CLEO = "ada@contoso.example", "bo@contoso.example", "cleo@contoso.example"
OTHER = {"start": at("2026-12-02T10:00:00"), "end": at("2026-12-02T11:00:00")}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def ms(server):
    server.control("POST", "/reset")
    return server


@pytest.fixture
def ada(ms):
    return ms.api(ADA)


@pytest.fixture
def bo(ms):
    return ms.api(BO)


def only(api):
    """The one event of a mailbox."""
    rows = api.ok("GET", "/me/events")["value"]
    assert len(rows) == 1
    return rows[0]


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
