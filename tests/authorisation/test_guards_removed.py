"""The matrix, put to the proof: every guard is taken away, alone, and the matrix says at which operations (R53).

The one rule: a guard that is gone is told of at the operations it guards, and the matrix is silent again afterwards.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.accounts.principal import Permission
from app.routers import dependencies
from tests.authorisation import matrix, rules, sabotage, visitors
from tests.authorisation.city import City
from tests.authorisation.document import BEARER, BOOKING_TOKEN
from tests.authorisation.findings import Finding
from tests.support.declared import DeclaredOnly


@pytest.fixture(autouse=True)
def undeclared_problems_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is broken on purpose answers what nobody has declared."""
    monkeypatch.setattr(DeclaredOnly, "handle_async_request", httpx.ASGITransport.handle_async_request)


def operations_in(found: list[Finding]) -> set[str]:
    return {finding.operation for finding in found}


def read_by_people(city: City) -> frozenset[str]:
    """Operations that only read, and are a person's own."""
    others = rules.SERVICE.keys() | rules.PERSON_OR_SERVICE.keys() | rules.WHOEVER_MAY.keys() | rules.ANYBODY
    found = {item.id for item in city.operations if item.method == "GET" and item.scheme == BEARER}
    return frozenset(found - others)


async def test_p4_without_authentication_operations_are_found_open(city: City) -> None:
    reading = frozenset(sorted(read_by_people(city))[::3])  # the guard is one; a third of those behind it will do
    with sabotage.nobody_asked_who_they_are(city):
        found = await matrix.bad_tokens(city, reading)
    assert operations_in(found) == reading


CLAIMS = {"exp": "expired", "nbf": "not_yet_valid", "aud": "wrong_audience", "iss": "wrong_issuer"}


@pytest.mark.parametrize("claim", CLAIMS)
async def test_p4_a_claim_that_is_not_checked_is_found(city: City, monkeypatch: pytest.MonkeyPatch, claim: str) -> None:
    with sabotage.claim_not_checked(city, monkeypatch, claim):
        found = await matrix.bad_tokens(city, frozenset({"getMe"}))
    assert CLAIMS[claim] in {finding.case for finding in found} <= {CLAIMS[claim], f"missing_{claim}"}


async def test_p4_a_signature_that_is_not_checked_is_found(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    with sabotage.signature_not_checked(monkeypatch):
        found = await matrix.bad_tokens(city, frozenset({"getMe"}))
    forged = {"wrong_key", "unknown_key", "alg_none", "hs256_with_public_key", "tampered"}
    assert {finding.case for finding in found} - {"refused calls"} == forged


def of_both(permission: Permission) -> set[str]:
    """What a service may do as any person may, with this permission."""
    return {name for name, needed in rules.PERSON_OR_SERVICE.items() if needed is permission}


GUARDS: dict[Callable[..., Any], set[str]] = {
    dependencies.user_writer: {"upsertUser", "deleteUser"},
    dependencies.event_reader: {"listEvents"},
    dependencies.form_writer: {"createFormSubmission"},
    dependencies.webhook_writer: {name for name in rules.SERVICE if "Webhook" in name},
    dependencies.audit_reader: {"listAuditLog"},
    dependencies.booking_writer: of_both(Permission.BOOKINGS_WRITE),
    dependencies.inbox_keeper: of_both(Permission.USERS_WRITE),
}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
async def test_p4_a_permission_that_is_not_asked_for_is_found(city: City, guard: Callable[..., Any]) -> None:
    with sabotage.permission_not_asked_for(city, guard):
        found = await matrix.permissions(city, frozenset(GUARDS[guard]))
    assert operations_in(found) == GUARDS[guard]


async def test_p4_a_service_that_passes_for_a_person_is_found(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = read_by_people(city)
    with sabotage.services_taken_for_people(city, monkeypatch):
        found = await matrix.permissions(city, reading)
    assert operations_in(found) == reading


TABLES = {
    ("connections",): "getConnection",
    ("connection_authorizations",): "getConnectionAuthorization",
    ("scheduling_pages",): "updateSchedulingPage",
    ("bookings",): "getBooking",
    ("meeting_requests",): "listMeetingRequests",
    ("contacts",): "getContact",
    ("engagements",): "getEngagement",
    ("tasks",): "getTask",
    ("drift_entries",): "resolveDriftEntry",
    ("webhook_endpoints",): "getWebhookEndpoint",
    ("domains",): "getDomain",
    ("inboxes",): "disconnectInbox",
    ("users",): "createSchedulingPage",
    ("calendars", "connections"): "updateAvailabilityCalendar",
}


@pytest.mark.parametrize("tables", TABLES, ids=lambda tables: tables[0])
async def test_p4_a_table_without_its_policy_is_found(city: City, tables: tuple[str, ...]) -> None:
    async with sabotage.without_row_level_security(city, *tables):
        only = frozenset({TABLES[tables]})
        found = await matrix.swapped_ids(city, only) + await matrix.own_answers(city, only)
    assert operations_in(found) == {TABLES[tables]}


async def test_p4_bookings_that_concern_everybody_are_found(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = of_both(Permission.BOOKINGS_WRITE) - {"listBookings", "listMeetingRequests", "createBooking"}
    with sabotage.everything_concerns_everybody(monkeypatch):
        found = await matrix.swapped_ids(city, frozenset(theirs))
    assert operations_in(found) == theirs


async def test_p4_a_visitor_s_token_that_is_not_compared_is_found(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    with sabotage.any_token_opens(monkeypatch):
        found = await visitors.other_tokens(city) + await visitors.secrets_of_others(city)
    theirs = {item.id for item in city.operations if item.scheme == BOOKING_TOKEN}
    assert operations_in(found) >= theirs | {"releaseSlotHold"}
