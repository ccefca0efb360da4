"""What a page has when its owner says nothing, or takes back what they said (R25, R32).

The one rule: the document tells every default, and the service keeps to it.
"""

from typing import Any

from tests.contract.documented import SCHEMAS
from tests.support.people import ALWAYS_OPEN, Person
from tests.support.world import World, problem

PATH = "/v1/scheduling-pages"
SAID: dict[str, Any] = {
    "description": "Text",
    "time_zone": "Africa/Cairo",
    "durations_minutes": [15, 60],
    "increment_minutes": 20,
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 5,
    "minimum_notice_minutes": 0,
    "booking_window": {"kind": "rolling_weeks", "weeks": 2},
    "weekly_hours": ALWAYS_OPEN,
    "date_overrides": [{"day": "2027-02-01", "hours": []}],
    "daily_limit": 3,
    "weekly_limit": 9,
    "form_fields": [{"id": "a", "label": "A", "kind": "text", "required": False}],
    "max_guests": 2,
    "consent_text": "May we?",
    "language": "sv",
    "location": {"kind": "video"},
    "redirect_url": "https://example.com/thanks",
    "reschedule_cutoff_minutes": 30,
    "cancel_cutoff_minutes": 30,
    "reminders_minutes_before": [60],
}
"""Every field that has a default, otherwise."""
HAVE_NONE = ["member_ids", "name", "slug"]


async def make(person: Person, **fields: Any) -> dict[str, Any]:
    made = await person.post(PATH, {"type": "personal", "name": "Intro"} | fields)
    assert made.status_code == 201, made.text
    page: dict[str, Any] = made.json()
    return page


async def test_r32_null_takes_every_field_back_to_what_a_new_page_has(world: World) -> None:
    person = await world.person(zoneinfo="Asia/Kolkata")
    silent, said = await make(person), await make(person, **SAID)
    assert [field for field in SAID if silent[field] == said[field]] == []

    cleared = (await person.patch(f"{PATH}/{said['id']}", dict.fromkeys(SAID))).json()

    assert {field: cleared[field] for field in SAID} == {field: silent[field] for field in SAID}
    assert cleared["time_zone"] == "Asia/Kolkata"


async def test_r32_the_document_tells_what_each_field_is_by_default(world: World) -> None:
    silent = await make(await world.person())
    for schema in ("SchedulingPageCreate", "SchedulingPageUpdate"):
        for field in SAID:
            said = " ".join(SCHEMAS[schema]["properties"][field]["description"].split())
            assert "null: " in said or "by default " in said, field
            if isinstance(silent[field], int):
                assert f"by default {silent[field]}" in said, field


async def test_what_cannot_be_cleared_says_so(world: World) -> None:
    person = await world.person()
    page = await make(person)
    for field in HAVE_NONE:
        refused = problem(await person.patch(f"{PATH}/{page['id']}", {field: None}), 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == [f"/{field}"]
    told = [("SchedulingPageUpdate", field) for field in HAVE_NONE]
    for schema, field in [*told, ("WebhookEndpointUpdate", "url"), ("WebhookEndpointUpdate", "status")]:
        assert "annot be cleared" in SCHEMAS[schema]["properties"][field]["description"], field
    assert set(SCHEMAS["SchedulingPageUpdate"]["properties"]) == {*SAID, *HAVE_NONE}
