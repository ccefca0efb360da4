"""The examples of the document: what is asked is taken, what is answered could be.

The one rule: an example is pasted as it stands, but for the ids of what is there.
"""

from typing import Any

import httpx
import pytest

from app.ids import encode_id, new_id
from tests.contract.documented import OPERATIONS, Operation, examples_of
from tests.crm.scene import make_contact
from tests.support.people import Person
from tests.support.world import World

JSON = "application/json"
BY_ID = {operation.id: operation for operation in OPERATIONS}
OF_THE_CRM = {"upsertUser", "createFormSubmission", "createWebhookEndpoint"}
TAKEN = ["createContact", "createFormSubmission", "createSchedulingPage", "createTask", "createWebhookEndpoint",
         "updateCalendarSettings", "updateContact", "updateSchedulingPage", "upsertUser"]  # fmt: skip
"""What needs neither a time that is to come nor somebody else's server."""
TELL_A_TOKEN = {"bookMeeting"}


@pytest.mark.parametrize("name", TAKEN)
async def test_a_request_is_taken_as_it_stands_in_the_document(world: World, name: str) -> None:
    operation = BY_ID[name]
    (body,) = examples_of(operation.spec["requestBody"]["content"][JSON])
    person = await world.connected()
    path = operation.path.format(
        user_id=encode_id("usr", new_id()),
        page_id=(await person.make_page())["id"],
        contact_id=(await make_contact(person))["id"],
    )
    if "contact_id" in body:
        body = body | {"contact_id": (await make_contact(person, "grace@example.com"))["id"]}

    answer = await asked(await caller(world, person, name), operation, path, body)

    assert answer.is_success, answer.text


async def caller(world: World, person: Person, name: str) -> Person:
    if name not in OF_THE_CRM:
        return person
    service = await world.service(person.account_id)
    await service.refresh_token(permissions=["users:write", "forms:write", "webhooks:write"])
    return service


async def asked(person: Person, operation: Operation, path: str, body: dict[str, Any]) -> httpx.Response:
    return await person.api.request(operation.method, path, json=body, headers=person.headers)


def shown(name: str) -> dict[str, Any]:
    """The example of the one good answer of an operation."""
    (response,) = BY_ID[name].answers.values()
    (example,) = examples_of(response["content"][JSON])
    found: dict[str, Any] = example
    return found


def test_a_token_is_shown_only_where_it_is_told() -> None:
    for operation in OPERATIONS:
        for response in operation.answers.values():
            for example in examples_of(response.get("content", {}).get(JSON, {})):
                told = example.get("booking_token") is not None
                assert told == (operation.id in TELL_A_TOKEN), operation.id


def test_what_is_answered_with_a_status_is_the_only_example_of_it() -> None:
    for name in ("bookMeeting", "createBooking"):
        kinds = {status: list(answer["content"][JSON]["examples"]) for status, answer in BY_ID[name].answers.items()}
        assert kinds == {201: ["booking"], 202: ["meeting_request"]}


def test_what_is_over_looks_over() -> None:
    for name, status in (("cancelBooking", "cancelled"), ("markBookingNoShow", "no_show")):
        assert (shown(name)["status"], shown(name)["allowed_actions"]) == (status, [])
    by_visitor = shown("cancelPublicBooking")
    assert (by_visitor["status"], by_visitor["cancelled_by"]) == ("cancelled", "visitor")
    assert (by_visitor["can_cancel"], by_visitor["cancel_until"]) == (False, None)
    assert (shown("cancelEngagement")["outcome"], shown("cancelEngagement")["cancelled_at"] is None) == (
        "cancelled",
        False,
    )
    resolved = shown("resolveDriftEntry")
    assert (resolved["status"], resolved["resolved_by"], resolved["allowed_actions"]) == ("resolved", "host", [])
    for name, status in (
        ("acceptMeetingRequest", "accepted"),
        ("declineMeetingRequest", "declined"),
        ("withdrawMeetingRequest", "withdrawn"),
    ):
        assert shown(name)["status"] == status


def test_what_is_not_over_does_not() -> None:
    open_entry = shown("listDriftEntries")["items"][0]
    assert (open_entry["status"], open_entry["resolution"], open_entry["resolved_at"]) == ("open", None, None)
    task = shown("getTask")
    assert (task["status"], task["completed_at"]) == ("not_started", None)
    export = shown("exportAccount")
    assert (export["status"], export["completed_at"], export["records"]) == ("building", None, [])
    booking = shown("getPublicBooking")
    assert booking["cancelled_by"] is None
    assert shown("getBooking")["created_at"] < booking["reschedule_until"] <= booking["start_at"]


def test_what_cannot_be_done_is_not_offered() -> None:
    assert shown("listProviders")["items"][0]["connect_fields"] == []
    primary = shown("listAvailabilityCalendars")["items"][0]
    assert primary["is_primary"]
    assert "remove" not in primary["allowed_actions"]
