"""Google's own Python client, unchanged but for the address, against the simulator."""

import json

import httplib2
import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from sandbox.google.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from tests.sandbox.google.discovery import document
from tests.sandbox.google.live import ADA, meeting


@pytest.fixture
def google(google):
    google.account(ADA)
    return google


@pytest.fixture
def credentials(google):
    tokens = google.sign_in(ADA)
    return Credentials(
        tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=f"{google.base_url}/google/token",
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
    )


@pytest.fixture
def service(google, credentials):
    http = AuthorizedHttp(credentials, http=httplib2.Http(timeout=10))
    built = build_from_document(json.dumps(document(f"{google.base_url}/google/")), http=http)
    yield built
    built.close()


def test_the_main_verbs(service):
    events = service.events()
    made = events.insert(calendarId="primary", body=meeting(id="abcde"), sendUpdates="none").execute()
    assert events.get(calendarId="primary", eventId="abcde").execute() == made
    assert events.patch(calendarId="primary", eventId="abcde", body={"summary": "x"}).execute()["summary"] == "x"
    updated = events.update(
        calendarId="primary", eventId="abcde", body=meeting(recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    )
    assert updated.execute()["sequence"] == 1
    assert len(events.instances(calendarId="primary", eventId="abcde").execute()["items"]) == 2
    other = service.calendars().insert(body={"summary": "Other"}).execute()["id"]
    assert events.move(calendarId="primary", eventId="abcde", destination=other).execute()["id"] == "abcde"
    assert events.delete(calendarId=other, eventId="abcde").execute() == ""
    assert len(service.calendarList().list().execute()["items"]) == 2
    service.calendars().delete(calendarId=other).execute()
    window = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "items": [{"id": "primary"}]}
    assert service.freebusy().query(body=window).execute()["calendars"] == {"primary": {"busy": []}}
    assert service.settings().get(setting="timezone").execute()["value"] == "Europe/Stockholm"


def test_its_pager_walks_to_the_sync_token(service):
    for number in range(5):
        service.events().insert(calendarId="primary", body=meeting(id=f"event{number}")).execute()
    request, rows, pages = service.events().list(calendarId="primary", maxResults=2), [], []
    while request is not None:
        pages.append(request.execute())
        rows += pages[-1]["items"]
        request = service.events().list_next(request, pages[-1])
    assert [row["id"] for row in rows] == [f"event{number}" for number in range(5)]
    token = pages[-1]["nextSyncToken"]
    service.events().delete(calendarId="primary", eventId="event3").execute()
    changed = service.events().list(calendarId="primary", syncToken=token).execute()["items"]
    assert [(row["id"], row["status"]) for row in changed] == [("event3", "cancelled")]


def test_its_errors_carry_the_reason(service):
    with pytest.raises(HttpError) as refused:
        service.events().get(calendarId="primary", eventId="nothing").execute()
    assert refused.value.status_code == 404
    assert refused.value.error_details[0]["reason"] == "notFound"


def test_it_refreshes_by_itself_and_says_when_it_cannot(google, service, credentials):
    before = credentials.token
    google.control("POST", "/expire-access-tokens")
    assert service.events().list(calendarId="primary").execute()["items"] == []
    assert credentials.token != before
    google.control("POST", "/accounts/ada@example.com/revoke")
    with pytest.raises(RefreshError):
        service.events().list(calendarId="primary").execute()


def test_a_batch_answers_each_call_by_itself(google, service):
    answers = {}

    def note(request_id, response, exception):
        answers[request_id] = response if exception is None else exception.error_details[0]["reason"]

    batch = service.new_batch_http_request(callback=note)
    batch.add(service.events().insert(calendarId="primary", body=meeting(id="abcde")), request_id="first")
    batch.add(service.events().insert(calendarId="primary", body=meeting(id="abcde")), request_id="again")
    batch.add(service.events().list(calendarId="primary", q="meeting"), request_id="list")
    batch.add(service.events().delete(calendarId="primary", eventId="abcde"), request_id="delete")
    batch.execute()
    assert answers["first"]["id"] == "abcde"
    assert answers["again"] == "duplicate"
    assert [row["id"] for row in answers["list"]["items"]] == ["abcde"]
    assert not answers["delete"]
    google.fault("unavailable", match={"method": "GET", "path": "/events$"})
    batch = service.new_batch_http_request(callback=note)
    batch.add(service.events().list(calendarId="primary"), request_id="ill")
    batch.add(service.calendarList().list(), request_id="well")
    batch.execute()
    assert answers["ill"] == "backendError"
    assert answers["well"]["kind"] == "calendar#calendarList"


def test_a_call_lost_inside_a_batch_loses_the_batch_and_has_committed(google, credentials):
    google.fault("lost_after_commit", match={"path": "/events$"})
    body = json.dumps(meeting(id="abcde"))
    part = (
        "--b\r\nContent-Type: application/http\r\n\r\nPOST /calendar/v3/calendars/primary/events HTTP/1.1\r\n"
        f"Content-Type: application/json\r\n\r\n{body}\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/mixed; boundary=b", "Authorization": f"Bearer {credentials.token}"}
    # Not with Google's client: its transport quietly sends a POST again when the connection drops.
    with pytest.raises(httpx.RemoteProtocolError):
        google.http.post("/google/batch/calendar/v3", content=part, headers=headers)
    assert [entry["event_id"] for entry in google.control("GET", "/ledger")] == ["abcde"]


def test_a_batch_of_more_than_fifty_is_refused(google, credentials):
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/users/me/calendarList HTTP/1.1\r\n\r\n\r\n"
    refused = google.http.post(
        "/google/batch/calendar/v3",
        content=part * 51 + "--b--\r\n",
        headers={"Content-Type": "multipart/mixed; boundary=b", "Authorization": f"Bearer {credentials.token}"},
    )
    assert refused.status_code == 400
