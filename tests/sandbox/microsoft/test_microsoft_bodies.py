"""Bodies of requests: packed ones, too big ones, and those nothing could be made of."""

import gzip
import json
import zlib

import pytest

from tests.sandbox.microsoft.live import meeting

EVENTS = "/microsoft/v1.0/me/events"


def post(ada, content, encoding=None, path=EVENTS):
    headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/json"}
    return ada.http.post(path, content=content, headers=headers | ({"Content-Encoding": encoding} if encoding else {}))


def told(answer):
    return answer.status_code, answer.json()["error"]["code"]


# packed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_packed_as_graphs_own_clients_do(ada, encoding):
    made = post(ada, gzip.compress(json.dumps(meeting(subject="Packed")).encode()), encoding)
    assert (made.status_code, made.json()["subject"]) == (201, "Packed")
    assert post(ada, json.dumps(meeting()), "identity").status_code == 201


def test_a_batch_may_be_packed_too(ada):
    requests = {"requests": [{"id": "1", "method": "GET", "url": "/me/events"}]}
    answer = post(ada, gzip.compress(json.dumps(requests).encode()), "gzip", "/microsoft/v1.0/$batch")
    assert answer.json()["responses"][0]["status"] == 200


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "nonsense"])
def test_any_other_packing_is_refused(ada, encoding):
    assert told(post(ada, zlib.compress(json.dumps(meeting()).encode()), encoding)) == (415, "RequestBodyRead")


def test_no_body_holds_more_than_four_megabytes_however_small_it_came(ms, ada):
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    assert len(bomb) < 100_000
    refused = post(ada, bomb, "gzip")
    assert told(refused) == (413, "BadRequest")
    assert refused.json()["error"]["message"] == "The maximum request length supported is 4MB."
    assert told(post(ada, json.dumps(meeting(subject="x" * 4 * 1024 * 1024)))) == (413, "BadRequest")
    room = 4 * 1024 * 1024 - len(json.dumps(meeting(subject="")))
    whole = json.dumps(meeting(subject="x" * room)).encode()
    assert post(ada, gzip.compress(whole), "gzip").status_code == 201


@pytest.mark.parametrize(
    "content",
    [b"{}", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"more", b"\x1f\x8b"],
    ids=["not packed", "cut short", "more behind it", "only begun"],
)
def test_a_broken_package_is_refused(ada, content):
    refused = post(ada, content, "gzip")
    assert told(refused) == (400, "BadRequest")
    assert refused.json()["error"]["message"].startswith("Unable to read JSON request payload.")


# what nothing can be made of ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        r'{"subject": "\ud83d"}',
        r'{"subject": "\udcab\ud83d"}',
        '{"singleValueExtendedProperties": [{"id": "Integer 0x8001", "value": NaN}]}',
        '{"location": {"coordinates": {"latitude": Infinity}}}',
        '{"location": {"coordinates": {"latitude": 1e999}}}',
        "[" * 100_000,
        '{"subject": ' + "9" * 5000 + "}",
    ],
)
def test_what_could_not_be_written_again_is_no_json(ada, text):
    assert told(post(ada, text)) == (400, "BadRequest")
    batched = f'{{"requests": [{{"id": "1", "method": "GET", "url": "/me/events", "more": {text}}}]}}'
    assert told(post(ada, batched, path="/microsoft/v1.0/$batch")) == (400, "BadRequest")
    assert post(ada, b'{"subject": "\xed\xa0\xbd"}').status_code == 400
    assert ada.ok("GET", "/me/events")["value"] == []


def test_a_whole_pair_of_surrogates_is_a_letter(ada):
    made = post(ada, json.dumps(meeting(subject="\N{GRINNING FACE}")))
    assert made.json()["subject"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00",
        "1600-12-31T12:00:00",
        "4501-01-02T00:00:00",
        "9999-12-31T23:59:59",
        "0001-01-01T00:00:00Z",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "W. Europe Standard Time", "Hawaiian Standard Time"])
def test_a_time_that_exchange_cannot_store_is_refused(ada, moment, zone):
    end = {"dateTime": moment, "timeZone": zone}
    for body in (meeting(start=end), meeting(end=end), meeting(start=end, end=end)):
        assert ada.refused("POST", "/me/events", body) == (400, "ErrorPropertyValidationFailure")
    assert ada.ok("GET", "/me/events")["value"] == []


@pytest.mark.parametrize("bound", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_bound_out_of_all_time_is_refused(ada, bound):
    window = {"startDateTime": bound, "endDateTime": bound}
    assert ada.refused("GET", "/me/calendarView", **window) == (400, "ErrorInvalidParameter")


def test_a_view_of_the_first_years_shows_nothing(ada):
    recurrence = {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd", "startDate": "2026-12-01"}}
    ada.create(meeting(recurrence=recurrence))
    assert ada.view("0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"recurrence": {"pattern": {"interval": None}}}, "ErrorPropertyValidationFailure"),
        ({"recurrence": {"pattern": {"daysOfWeek": [None]}}}, "RequestBodyRead"),
        ({"recurrence": {"pattern": {"interval": 2**31}}}, "RequestBodyRead"),
        ({"reminderMinutesBeforeStart": -(2**31) - 1}, "RequestBodyRead"),
        ({"attendees": [None]}, "RequestBodyRead"),
        ({"locations": [None]}, "RequestBodyRead"),
        ({"categories": [None]}, "RequestBodyRead"),
        ({"singleValueExtendedProperties": [None]}, "RequestBodyRead"),
    ],
)
def test_nothing_where_there_must_be_something_is_refused(ada, wrong, code):
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    pattern |= wrong.get("recurrence", {}).get("pattern", {})
    recurrence = {"pattern": pattern, "range": {"type": "noEnd", "startDate": "2026-12-01"}}
    assert ada.refused("POST", "/me/events", meeting(**{**wrong, "recurrence": recurrence})) == (400, code)


@pytest.mark.parametrize(
    "part", [{"headers": ["x"]}, {"headers": "x"}, {"dependsOn": 5}, {"dependsOn": "1"}, {"url": "//[me"}]
)
def test_a_part_of_a_batch_that_makes_no_sense_refuses_it(ada, part):
    requests = [{"id": "1", "method": "GET", "url": "/me/events", **part}]
    assert ada.refused("POST", "/$batch", {"requests": requests}) == (400, "BadRequest")


def test_a_mistake_of_the_simulators_own_is_told_in_graphs_shape(ada, monkeypatch, caplog):
    monkeypatch.setattr("sandbox.microsoft.events.live_items", lambda calendar: 1 / 0)
    assert ada.refused("GET", "/me/events") == (500, "ErrorInternalServerError")
    assert "ZeroDivisionError" in caplog.text


def test_flags_and_numbers_may_stand_in_quotes_but_must_be_some(ada):
    made = ada.create(meeting(isReminderOn="False", reminderMinutesBeforeStart="20", isAllDay="false"))
    assert (made["isReminderOn"], made["reminderMinutesBeforeStart"]) == (False, 20)
    for wrong in ({"isReminderOn": "yes"}, {"reminderMinutesBeforeStart": "soon"}, {"isReminderOn": 1}):
        assert ada.refused("POST", "/me/events", meeting(**wrong)) == (400, "RequestBodyRead")
