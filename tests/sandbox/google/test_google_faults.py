"""Faults on a real socket: what the client sees, and what the provider did."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.sandbox.google.live import meeting

WRITES = {"method": "POST", "path": "/events$"}


def written(google):
    return [entry["event_id"] for entry in google.control("GET", "/ledger", actor="api")]


def test_a_lost_answer_has_committed(google, ada):
    google.fault("lost_after_commit", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        ada.insert(meeting(id="abcde"))
    assert written(google) == ["abcde"]
    assert ada.refused("events.insert", meeting(id="abcde"), calendarId="primary") == (409, "duplicate")
    assert ada.get("abcde")["summary"] == "Meeting"


def test_a_reset_before_handling_has_not(google, ada):
    google.fault("reset_before", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        ada.insert(meeting(id="abcde"))
    assert written(google) == []
    assert ada.insert(meeting(id="abcde"))["id"] == "abcde"


def test_a_truncated_answer_has_committed_and_cannot_be_read(google, ada):
    google.fault("truncate", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        ada.insert(meeting(id="abcde"))
    assert written(google) == ["abcde"]


def test_the_connection_works_again_after_a_drop(google, ada):
    google.fault("lost_after_commit", match=WRITES, times=3)
    for _ in range(3):
        with pytest.raises(httpx.RemoteProtocolError):
            ada.insert(meeting())
        assert ada.page()["kind"] == "calendar#events"
    assert len(written(google)) == 3
    statuses = [entry["status"] for entry in google.control("GET", "/requests", method="POST")]
    assert statuses[-3:] == [None, None, None]


def test_latency_delays(google, ada):
    google.fault("latency", ms=150)
    assert ada.call("events.list", calendarId="primary").elapsed.total_seconds() >= 0.15


def test_an_html_page_may_come_with_any_status(google, ada):
    for status in (200, 502):
        google.fault("html_error", status=status)
        answer = ada.http.get(
            "/google/calendar/v3/calendars/primary/events", headers={"Authorization": f"Bearer {ada.token}"}
        )
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=UTF-8")


def test_rates_come_with_seconds_with_a_date_or_with_nothing(google, ada):
    google.fault("too_many_requests", retry_after=7)
    google.fault("too_many_requests", retry_after=7, retry_after_date=True)
    google.fault("too_many_requests")
    answers = [ada.call("events.list", calendarId="primary") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {429}
    assert answers[0].headers["retry-after"] == "7"
    assert parsedate_to_datetime(answers[1].headers["retry-after"]).tzinfo is not None
    assert "retry-after" not in answers[2].headers


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("unauthorized", 401, "authError"),
        ("gone", 410, "fullSyncRequired"),
        ("rate_limit", 403, "rateLimitExceeded"),
        ("user_rate_limit", 403, "userRateLimitExceeded"),
        ("quota_exceeded", 403, "quotaExceeded"),
        ("forbidden", 403, "forbidden"),
        ("insufficient_scope", 403, "insufficientPermissions"),
        ("backend_error", 500, "backendError"),
        ("unavailable", 503, "backendError"),
    ],
)
def test_presets_speak_googles_words_once(google, ada, kind, status, reason):
    google.fault(kind)
    assert ada.refused("events.list", calendarId="primary") == (status, reason)
    assert ada.page()["items"] == []


def test_a_refresh_can_be_refused(google):
    google.account("ada@example.com")
    tokens = google.sign_in("ada@example.com")
    google.fault("invalid_grant", match={"path": "/token$", "account": "ada@example.com"})
    first = google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (first.status_code, first.json()["error"]) == (400, "invalid_grant")
    assert google.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


def test_rules_count_by_account_by_number_and_after(google, ada):
    bo = google.api("bo@example.com")
    google.fault("unavailable", match={"account": "bo@example.com", "path": "/events$", "nth": 2})
    statuses = [api.call("events.list", calendarId="primary").status_code for api in (ada, bo, ada, bo, bo)]
    assert statuses == [200, 200, 200, 503, 200]
    google.control("DELETE", "/faults")
    google.fault("gone", match={"query": "pageToken", "after": 1}, times=None)
    for number in range(4):
        ada.insert(meeting(id=f"event{number}"))
    first = ada.page(maxResults=1)
    second = ada.page(maxResults=1, pageToken=first["nextPageToken"])
    third = {"maxResults": 1, "pageToken": second["nextPageToken"]}
    for _ in range(2):
        assert ada.refused("events.list", calendarId="primary", query=third) == (410, "fullSyncRequired")


def test_rules_are_listed_counted_and_removed(google, ada):
    google.fault("unavailable", times=None)
    ada.call("events.list", calendarId="primary")
    (rule,) = google.control("GET", "/faults")
    assert (rule["seen"], rule["fired"]) == (1, 1)
    google.control("DELETE", f"/faults/{rule['id']}")
    assert ada.page()["items"] == []


def test_a_rule_that_could_never_work_is_refused(google):
    for body in ({"action": {"kind": "nonsense"}}, {"action": {"kind": "gone"}, "match": {"path": "("}}):
        assert google.http.post("/control/google/faults", json=body).status_code == 422
