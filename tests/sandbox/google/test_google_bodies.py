"""What a request's body may be: packed, too large, no text, or with nothing in it."""

import gzip
import json

import pytest

from sandbox.google.bodies import BODY_MAX, _unpack
from sandbox.google.surface import METHODS
from tests.sandbox.google.live import meeting

EVENTS = "/google/calendar/v3/calendars/primary/events"


def send(api, content, *, path=EVENTS, **headers):
    """A body byte for byte, as an event to insert unless `path` says otherwise."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", **named}
    return api.http.post(path, content=content, headers=sent)


def reason(answer):
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def packed(body):
    return gzip.compress(json.dumps(body).encode())


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_body_is_unpacked(ada, encoding):
    made = send(ada, packed(meeting(id="abcde", summary="Packed")), Content_Encoding=encoding)
    assert made.status_code == 200
    assert ada.get("abcde")["summary"] == "Packed"


def test_a_packed_batch_is_unpacked(ada):
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/users/me/calendarList HTTP/1.1\r\n\r\n\r\n"
    batch = {"Content_Type": "multipart/mixed; boundary=b", "Content_Encoding": "gzip"}
    packed_parts = gzip.compress(f"{part}--b--\r\n".encode())
    answer = send(ada, packed_parts, path="/google/batch/calendar/v3", **batch)
    assert answer.status_code == 200
    assert "calendar#calendarList" in answer.text
    bad = send(ada, packed_parts[:-9], path="/google/batch/calendar/v3", **batch)
    assert reason(bad) == (400, "badRequest")


def test_a_body_that_is_not_what_its_encoding_says_is_refused(ada):
    whole = packed(meeting())
    for content in (json.dumps(meeting()).encode(), whole[:-9], whole[:4] + b"\xff" * 20):
        assert reason(send(ada, content, Content_Encoding="gzip")) == (400, "badRequest")
    for encoding in ("br", "deflate", "gzip, gzip"):
        assert reason(send(ada, whole, Content_Encoding=encoding)) == (400, "badContent")
    assert ada.page()["items"] == []


def test_a_body_past_the_limit_is_refused_however_small_it_was_packed(ada):
    large = json.dumps(meeting(description=" " * BODY_MAX)).encode()
    for answer in (send(ada, large), send(ada, gzip.compress(large), Content_Encoding="gzip")):
        assert reason(answer) == (400, "badRequest")
        assert answer.json()["error"]["message"] == "Request payload size exceeds the limit: 10485760 bytes."


def test_no_more_is_unpacked_than_it_takes_to_refuse():
    assert len(_unpack(gzip.compress(bytes(4 * BODY_MAX)))) == BODY_MAX + 1


def test_nothing_is_the_same_as_absent(ada):
    nothings = {
        "location": None,
        "extendedProperties": {"private": {"k": None, "l": "1"}, "shared": None},
        "conferenceData": {"createRequest": {"requestId": "r1", "conferenceSolutionKey": None}},
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
        "attendees": [{"email": "x@client.example", "displayName": None, "responseStatus": None}],
        "recurrence": None,
        "start": {"dateTime": "2026-12-01T10:00:00+01:00", "date": None, "timeZone": None},
    }
    made = ada.insert({**meeting(id="abcde"), **nothings}, conferenceDataVersion=1)
    assert made["extendedProperties"] == {"private": {"l": "1"}}
    assert made["attendees"] == [{"email": "x@client.example", "responseStatus": "needsAction"}]
    assert made["conferenceData"]["conferenceSolution"]["key"] == {"type": "hangoutsMeet"}
    for properties in (None, {"private": None}, {"private": {"k": None}}):
        body = meeting(extendedProperties=properties)
        updated = ada.ok("events.update", body, calendarId="primary", eventId="abcde")
        assert not updated.get("extendedProperties", {}).get("private")
    assert ada.page()["items"][0]["id"] == "abcde"


def test_what_may_not_be_absent_may_not_be_nothing(ada):
    reminder = {"useDefault": False, "overrides": [{"method": "popup", "minutes": None}]}
    for bad, why in (
        ({"reminders": reminder}, "invalid"),
        ({"attendees": [{"email": None}]}, "required"),
        ({"attendees": [None]}, "badRequest"),
        ({"recurrence": [None]}, "badRequest"),
        ({"end": None}, "required"),
    ):
        assert ada.refused("events.insert", {**meeting(), **bad}, calendarId="primary") == (400, why)
    assert ada.refused("freebusy.query", {"timeMin": None, "items": [None]}) == (400, "badRequest")
    assert ada.page()["items"] == []


def test_in_a_patch_nothing_erases_one_key_or_all_of_them(ada):
    def marked(private):
        return {"extendedProperties": {"private": private}}

    ada.insert(meeting(id="abcde", **marked({"a": "1", "b": "2"})))
    assert ada.patch("abcde", marked({"a": None}))["extendedProperties"]["private"] == {"b": "2"}
    assert "private" not in ada.patch("abcde", marked(None)).get("extendedProperties", {})
    ada.patch("abcde", {"attendees": [{"email": "x@client.example"}]})
    assert "attendees" in ada.patch("abcde", {"attendeesOmitted": True, "attendees": None})
    assert "attendees" not in ada.patch("abcde", {"attendees": None})


def test_a_guest_erases_their_own_marks(google, ada):
    bo = google.api("bo@example.com")
    shared = {"shared": {"s": "1"}}
    ada.insert(meeting(id="abcde", attendees=[{"email": "bo@example.com"}], extendedProperties=shared))
    for erasing in ({"private": {"a": None}}, {"private": None}, None):
        marked = bo.patch("abcde", {"extendedProperties": {"private": {"a": "1"}}})
        assert marked["extendedProperties"] == {"private": {"a": "1"}, **shared}
        assert bo.patch("abcde", {"colorId": "5"})["extendedProperties"] == marked["extendedProperties"]
        left = bo.patch("abcde", {"extendedProperties": erasing})["extendedProperties"]
        assert (left.get("private") or {}, left["shared"]) == ({}, shared["shared"])


@pytest.mark.parametrize(
    "content",
    [
        b'{"summary": "\\ud800"}',
        b'{"extendedProperties": {"private": {"\\udfff": "1"}}}',
        b'{"summary": "\xed\xa0\x80"}',
        b'{"summary": "\xff"}',
        b'{"summary": ',
        b"[" * 100_000,
        b'{"sequence": ' + b"9" * 5000 + b"}",
        b"[]",
    ],
)
def test_what_is_no_text_or_no_object_is_refused(ada, content):
    assert reason(send(ada, content)) == (400, "parseError")
    assert ada.page()["items"] == []


def test_a_whole_pair_of_surrogates_is_a_letter_like_any_other(ada):
    content = json.dumps(meeting(id="abcde", summary="Party \N{PARTY POPPER}"), ensure_ascii=True).encode()
    assert rb"\ud83c" in content
    assert send(ada, content).status_code == 200
    assert ada.page()["items"][0]["summary"] == "Party \N{PARTY POPPER}"


def test_a_number_past_32_bits_is_refused(ada):
    assert ada.refused("events.insert", meeting(sequence=2**31), calendarId="primary") == (400, "badRequest")


def test_a_part_of_a_batch_that_is_no_call_is_refused(ada):
    for line in (b"GET http://[ HTTP/1.1", b"GET /caf\xe9 HTTP/1.1"):
        part = b"--b\r\nContent-Type: application/http\r\n\r\n" + line + b"\r\n\r\n\r\n--b--\r\n"
        answer = send(ada, part, path="/google/batch/calendar/v3", Content_Type="multipart/mixed; boundary=b")
        assert reason(answer) == (400, "badRequest")


def test_our_own_mistake_is_answered_in_googles_shape(ada, monkeypatch, caplog):
    monkeypatch.delitem(METHODS, "events.list")
    answer = ada.call("events.list", calendarId="primary")
    assert reason(answer) == (500, "backendError")
    assert "events.list failed" in caplog.text
