"""Where a problem points: into the body that was sent, past what pydantic calls its types.

The one rule: every pointer resolves (RFC 6901); of a field that is missing its parent does.
"""

from typing import Any

from app.ids import encode_id, new_id
from tests.support.world import World, problem

PAGES = "/v1/scheduling-pages"
PAGE_ID = encode_id("page", new_id())
PROPOSALS = "/v1/time-proposals"
BOOKINGS = f"/v1/public/scheduling-pages/{PAGE_ID}/bookings"
NO_DAYS = {"booking_window": {"kind": "rolling_days", "days": 0}}
BACKWARDS = {"kind": "date_range", "first_day": "2027-01-02", "last_day": "2027-01-01"}
PROPOSAL = {"page_id": PAGE_ID, "duration_minutes": 30, "time_zone": "Europe/Rome"}

REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("POST", PAGES, NO_DAYS, "/booking_window/days", "out_of_range"),
    ("PATCH", f"{PAGES}/{PAGE_ID}", NO_DAYS, "/booking_window/days", "out_of_range"),
    ("POST", PAGES, {"booking_window": {"kind": "rolling_weeks"}}, "/booking_window/weeks", "missing"),
    ("POST", PAGES, {"booking_window": {"kind": "rolling_days", "x": 1}}, "/booking_window/x", "unknown_field"),
    ("POST", PAGES, {"booking_window": BACKWARDS}, "/booking_window", "out_of_range"),
    ("POST", PAGES, {"booking_window": {"kind": "for_ever"}}, "/booking_window", "invalid"),
    ("POST", PROPOSALS, PROPOSAL | {"times": {"kind": "chosen", "count": 11}}, "/times/count", "out_of_range"),
    ("POST", PROPOSALS, PROPOSAL | {"times": {"kind": "given", "start_at": ["x"]}}, "/times/start_at/0", "invalid"),
    ("POST", BOOKINGS, {"answers": {"x" * 41: "y"}}, "/answers/" + "x" * 41, "too_long"),
    ("POST", BOOKINGS, {}, "/email", "missing"),
]


async def test_every_pointer_leads_into_the_body_that_was_sent(world: World) -> None:
    person = await world.person()
    for method, path, body, pointer, code in REFUSED:
        answer = await world.api.request(method, path, json=body, headers=person.headers)
        refused = problem(answer, 422, "validation_failed")
        found = {error["pointer"]: error["code"] for error in refused["errors"]}
        assert found.get(pointer) == code, (body, found)
        for each, why in found.items():
            resolve(body, each.rpartition("/")[0] if why == "missing" else each)


def resolve(document: Any, pointer: str) -> None:
    """Follow a pointer whose names have no slash and no tilde. Raises: LookupError when it leads nowhere."""
    for name in pointer.split("/")[1:]:
        document = document[int(name) if isinstance(document, list) else name]
