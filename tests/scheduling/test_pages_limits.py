"""What a page's fields may hold (R32, R33), each limit from both of its sides.

The one rule: a refusal names the field, and nothing is a 500.
"""

from typing import Any

from tests.support.world import World, problem

PATH = "/v1/scheduling-pages"
MONDAY = {"day": "monday", "start": "09:00", "end": "17:00"}
QUESTION = {"id": "a", "label": "A", "kind": "text", "required": False}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "/name", "too_short"),
    ({"name": "x" * 201}, "/name", "too_long"),
    ({"name": "a\x00b"}, "/name", "not_allowed"),
    ({"name": "a\r\nBcc: x@example.com"}, "/name", "not_allowed"),
    ({"name": None}, "/name", "invalid"),
    ({"type": "pair"}, "/type", "not_allowed"),
    ({"slug": "-intro"}, "/slug", "invalid"),
    ({"slug": "in/tro"}, "/slug", "invalid"),
    ({"slug": "intro\n"}, "/slug", "invalid"),
    ({"slug": "x" * 61}, "/slug", "invalid"),
    ({"description": "x" * 4001}, "/description", "too_long"),
    ({"time_zone": "CET\x00"}, "/time_zone", "unknown_time_zone"),
    ({"time_zone": "Factory"}, "/time_zone", "unknown_time_zone"),
    ({"time_zone": "localtime"}, "/time_zone", "unknown_time_zone"),
    ({"durations_minutes": []}, "/durations_minutes", "too_short"),
    ({"durations_minutes": [4]}, "/durations_minutes/0", "out_of_range"),
    ({"durations_minutes": [1441]}, "/durations_minutes/0", "out_of_range"),
    ({"durations_minutes": [30, 30]}, "/durations_minutes", "not_allowed"),
    ({"durations_minutes": list(range(5, 16))}, "/durations_minutes", "too_long"),
    ({"increment_minutes": 25}, "/increment_minutes", "not_allowed"),
    ({"buffer_before_minutes": -1}, "/buffer_before_minutes", "out_of_range"),
    ({"buffer_after_minutes": 481}, "/buffer_after_minutes", "out_of_range"),
    ({"minimum_notice_minutes": 43201}, "/minimum_notice_minutes", "out_of_range"),
    ({"daily_limit": 0}, "/daily_limit", "out_of_range"),
    ({"weekly_limit": 501}, "/weekly_limit", "out_of_range"),
    ({"max_guests": 21}, "/max_guests", "out_of_range"),
    ({"weekly_hours": [{**MONDAY, "end": "09:00"}]}, "/weekly_hours/0", "out_of_range"),
    ({"weekly_hours": [{**MONDAY, "start": "9:00"}]}, "/weekly_hours/0/start", "invalid"),
    ({"weekly_hours": [{**MONDAY, "start": "24:30"}]}, "/weekly_hours/0/start", "invalid"),
    ({"weekly_hours": [{**MONDAY, "day": "someday"}]}, "/weekly_hours/0/day", "not_allowed"),
    ({"weekly_hours": [MONDAY] * 85}, "/weekly_hours", "too_long"),
    ({"date_overrides": [{"day": "2027-02-30", "hours": []}]}, "/date_overrides/0/day", "invalid"),
    ({"date_overrides": [{"day": "2027-02-01", "hours": []}] * 2}, "/date_overrides", "not_allowed"),
    ({"form_fields": [QUESTION, QUESTION]}, "/form_fields", "not_allowed"),
    ({"form_fields": [{**QUESTION, "kind": "choice"}]}, "/form_fields/0", "invalid"),
    ({"form_fields": [{**QUESTION, "options": ["A"]}]}, "/form_fields/0", "invalid"),
    ({"form_fields": [{**QUESTION, "id": "A"}]}, "/form_fields/0/id", "invalid"),
    ({"redirect_url": "javascript:alert(1)"}, "/redirect_url", "invalid_url"),
    ({"redirect_url": "nowhere"}, "/redirect_url", "invalid_url"),
    ({"language": "fr"}, "/language", "not_allowed"),
    ({"location": {"kind": "moon"}}, "/location/kind", "not_allowed"),
    ({"mode": "online"}, "/mode", "unknown_field"),
    ({"owner_id": "usr_01k9qj5v3mfb9t2z8h4c6x7wdn"}, "/owner_id", "unknown_field"),
]  # fmt: skip


WINDOWS: list[dict[str, Any]] = [
    {"kind": "rolling_days", "days": 0},
    {"kind": "rolling_days", "days": 366},
    {"kind": "rolling_weeks", "weeks": 53},
    {"kind": "date_range", "first_day": "2027-01-02", "last_day": "2027-01-01"},
    {"kind": "for_ever"},
    {},
]


async def test_r32_a_window_that_makes_no_sense_is_refused(world: World) -> None:
    person = await world.person()
    for window in WINDOWS:
        body = {"type": "personal", "name": "A", "booking_window": window}
        refused = problem(await person.post(PATH, body), 422, "validation_failed")
        assert all(error["pointer"].startswith("/booking_window") for error in refused["errors"]), window


async def test_r32_every_limit_of_every_field_is_held_when_made_and_when_changed(world: World) -> None:
    person = await world.person()
    page = (await person.post(PATH, {"type": "personal", "name": "A"})).json()
    for fields, pointer, code in REFUSED:
        expected = "time_zone_unknown" if code == "unknown_time_zone" else "validation_failed"
        answers = [await person.post(PATH, {"type": "personal", "name": "A"} | fields)]
        if fields != {"name": None}:
            answers.append(await person.patch(f"{PATH}/{page['id']}", fields))
        for answer in answers:
            refused = problem(answer, 422, expected)
            said = (refused["errors"][0]["pointer"], refused["errors"][0]["code"])
            if "type" not in fields or answer is answers[0]:
                assert said == (pointer, code), (fields, refused["errors"])
    assert (await person.get(f"{PATH}/{page['id']}")).json() == page
    assert len((await person.get(PATH)).json()["items"]) == 1


async def test_r32_the_largest_page_that_is_allowed_is_allowed(world: World) -> None:
    person = await world.person()
    hours = [{"start": f"{hour:02}:00", "end": f"{hour:02}:30"} for hour in range(12)]
    fields: dict[str, Any] = {
        "name": "x" * 200,
        "slug": "S" * 60,
        "description": "x" * 4000,
        "durations_minutes": [5, 1440, *range(10, 90, 10)],
        "increment_minutes": 120,
        "buffer_before_minutes": 480,
        "buffer_after_minutes": 480,
        "minimum_notice_minutes": 43200,
        "daily_limit": 100,
        "weekly_limit": 500,
        "max_guests": 20,
        "weekly_hours": [{"day": "sunday"} | item for item in hours],
        "date_overrides": [{"day": f"2027-{1 + day // 28:02}-{1 + day % 28:02}", "hours": []} for day in range(336)],
        "form_fields": [{**QUESTION, "id": f"q{number}"} for number in range(30)],
        "booking_window": {"kind": "rolling_days", "days": 365},
        "consent_text": "x" * 4000,
    }
    made = await person.post(PATH, {"type": "personal"} | fields)
    assert made.status_code == 201, made.text
    stored = made.json()
    fields["slug"] = "s" * 60
    fields["form_fields"] = [question | {"options": []} for question in fields["form_fields"]]
    assert {name: stored[name] for name in fields} == fields


async def test_a_body_that_is_no_page_is_refused_without_an_error_of_ours(world: World) -> None:
    person = await world.person()
    for body in ([], "page", 7, None):
        problem(await person.post(PATH, body), 422, "validation_failed")
    headers = person.headers | {"Content-Type": "application/json"}
    problem(await world.api.post(PATH, content=b"{", headers=headers), 400, "malformed_request")
    problem(await world.api.post(PATH, content=b'{"name": "\xff"}', headers=headers), 400, "malformed_request")
    problem(
        await world.api.post(PATH, content=b"name=A", headers=person.headers | {"Content-Type": "text/plain"}),
        415,
        "unsupported_media_type",
    )
    secret = await person.post(PATH, {"type": "personal", "name": "A", "description": "hunter2" * 1000})
    assert "hunter2" not in secret.text, "an input is never echoed"
    huge = b'{"type": "personal", "name": "' + b"x" * 300_000 + b'"}'
    problem(await world.api.post(PATH, content=huge, headers=headers), 413, "payload_too_large")
