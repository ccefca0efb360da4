"""Limits, faults on the wire, and batches."""

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.sandbox.microsoft.live import ADA, BO, guest, meeting


def test_four_calls_of_a_mailbox_run_at_once_and_no_fifth(ms, ada):
    bo = ms.api(BO)
    ms.control("PATCH", "/knobs", {"service_time": 0.4, "retry_after": 3})
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ada.call, "GET", "/me/events") for _ in range(6)]
        other = pool.submit(bo.call, "GET", "/me/events")
        told = sorted((answer.result() for answer in answers), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in told] == [200] * 4 + [429] * 2
    refused = told[-1]
    assert refused.json()["error"]["code"] == "ApplicationThrottled"
    assert refused.json()["error"]["message"] == "Application is over its MailboxConcurrency limit."
    assert refused.headers["retry-after"] == "3"
    assert other.result().status_code == 200, "the limit is the mailbox's"
    ms.control("PATCH", "/knobs", {"service_time": 0})
    assert ada.ok("GET", "/me/events")["value"] == [], "nothing is left occupied"


def test_so_many_calls_in_ten_minutes_and_no_more(ms, ada):
    ms.control("PATCH", "/knobs", {"requests_per_ten_minutes": 2})
    for _ in range(2):
        ada.ok("GET", "/me/events")
    assert ada.refused("GET", "/me/events") == (429, "ApplicationThrottled")
    ms.control("POST", "/clock", {"advance": 601})
    ada.ok("GET", "/me/events")


def test_a_create_whose_answer_was_lost_has_happened(ms, ada):
    body = meeting(transactionId="t-1", attendees=[guest(BO)])
    ms.fault("lost_after_commit", match={"method": "POST", "path": "/events$"})
    with pytest.raises(httpx.RemoteProtocolError):
        ada.call("POST", "/me/events", body)
    made = ada.create(body)
    assert [row["id"] for row in ada.ok("GET", "/me/events")["value"]] == [made["id"]]
    assert ms.outbox() == [("invitation", BO)]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unauthorized", 401, "InvalidAuthenticationToken"),
        ("access_denied", 403, "ErrorAccessDenied"),
        ("not_found", 404, "ErrorItemNotFound"),
        ("gone", 410, "SyncStateNotFound"),
        ("conflict", 412, "ErrorIrresolvableConflict"),
        ("mailbox_concurrency", 429, "ApplicationThrottled"),
        ("too_many_requests", 429, "ApplicationThrottled"),
        ("internal", 500, "ErrorInternalServerError"),
        ("unavailable", 503, "serviceNotAvailable"),
        ("gateway_timeout", 504, "UnknownError"),
    ],
)
def test_graphs_refusals_come_in_its_shape(ms, ada, kind, status, code):
    ms.fault(kind, match={"account": ADA})
    assert ada.refused("GET", "/me/events") == (status, code)
    assert ada.ok("GET", "/me/events")["value"] == []


def test_retry_after_comes_in_seconds_or_as_a_date(ms, ada):
    ms.fault("too_many_requests", retry_after=7)
    assert ada.call("GET", "/me").headers["retry-after"] == "7"
    ms.fault("unavailable", retry_after=7, retry_after_date=True)
    assert parsedate_to_datetime(ada.call("GET", "/me").headers["retry-after"]).tzinfo is not None
    ms.fault("unavailable")
    assert "retry-after" not in ada.call("GET", "/me").headers


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("invalid_grant", "invalid_grant", 50173),
        ("interaction_required", "interaction_required", 50076),
        ("consent_removed", "invalid_grant", 65001),
        ("token_unavailable", "temporarily_unavailable", 90033),
    ],
)
def test_the_token_endpoint_fails_in_its_own_shape(ms, kind, error, code):
    ms.account(ADA)
    token = ms.sign_in(ADA)["refresh_token"]
    ms.fault(kind, match={"path": "/token$"})
    refused = ms.refresh(token).json()
    assert (refused["error"], refused["error_codes"]) == (error, [code])
    assert ms.refresh(token).status_code == 200


def test_a_lost_rotation_leaves_the_old_token_alive(ms):
    ms.account(ADA)
    token = ms.sign_in(ADA)["refresh_token"]
    ms.fault("lost_after_commit", match={"path": "/token$"})
    with pytest.raises(httpx.RemoteProtocolError):
        ms.refresh(token)
    assert ms.refresh(token).status_code == 200
    assert ms.control("GET", f"/accounts/{ADA}/refresh-tokens") == {"issued": 3}


# batches ----------------------------------------------------------------------------------------


def batch(ada, *requests):
    answer = ada.call("POST", "/$batch", {"requests": list(requests)})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["responses"]}


def request(number, method="GET", url="/me/events", **more):
    return {"id": str(number), "method": method, "url": url, **more}


def test_each_request_of_a_batch_fails_or_succeeds_by_itself(ms, ada):
    json_type = {"Content-Type": "application/json", "Prefer": 'IdType="ImmutableId"'}
    told = batch(
        ada,
        request(1, "POST", body=meeting(subject="A"), headers=json_type),
        request(2, "GET", "/me/events/nonsense"),
        request(3, "GET", "me/calendarView?startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z"),
        request(4, "DELETE", "/me/nothing"),
    )
    assert {number: each["status"] for number, each in told.items()} == {"1": 201, "2": 400, "3": 200, "4": 400}
    assert told["1"]["body"]["id"].startswith("AAkALg")
    assert told["2"]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"
    assert ada.get(told["1"]["body"]["id"])["subject"] == "A"


def test_throttling_is_told_for_each_request_alone(ms, ada):
    ms.fault("too_many_requests", match={"path": "calendars"}, retry_after=9)
    told = batch(ada, request(1), request(2, url="/me/calendars"))
    assert (told["1"]["status"], told["2"]["status"]) == (200, 429)
    assert told["2"]["headers"]["Retry-After"] == "9"


def test_a_batch_takes_no_more_seats_than_a_mailbox_has(ms, ada):
    ms.control("PATCH", "/knobs", {"service_time": 0.05})
    told = batch(ada, *(request(number) for number in range(1, 11)))
    assert {each["status"] for each in told.values()} == {200}


def test_what_depends_on_a_failure_is_not_run(ms, ada):
    json_type = {"Content-Type": "application/json"}
    told = batch(
        ada,
        request(1, "GET", "/me/events/nonsense"),
        request(2, "POST", body=meeting(), headers=json_type, dependsOn=["1"]),
        request(3, "POST", body=meeting(), headers=json_type),
        request(4, dependsOn=["3"]),
    )
    assert [told[number]["status"] for number in ("1", "2", "3", "4")] == [400, 424, 201, 200]
    assert told["2"]["body"]["error"]["code"] == "FailedDependency"
    assert len(told["4"]["body"]["value"]) == 1, "it ran after what it depends on"


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [request(number) for number in range(21)],
        [request(1), request(1)],
        [request(1, dependsOn=["2"]), request(2)],
        [{"id": "1", "method": "GET"}],
        [request(1, "POST", body={})],
        "everything",
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(ada, requests):
    answer = ada.call("POST", "/$batch", {"requests": requests})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
