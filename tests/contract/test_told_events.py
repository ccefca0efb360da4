"""What is really told is what the document says: each type of event, as its feature writes it, and as it is sent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.database import transaction
from app.events import repository
from app.events.types import TEST_EVENT, EventType
from app.ids import decode_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.bookings.requesting import accept, ask, connected, decline
from tests.contract.documented import WEBHOOKS, complaints, resolved, undocumented
from tests.crm.scene import VERA, invite, make_contact, span, synced
from tests.events.crm import Crm, crm_of
from tests.events.receiver import Received, receiving
from tests.support.database import empty
from tests.support.domains import open_web
from tests.support.hands import ALL, Hands
from tests.support.people import Person
from tests.support.visitors import our_events, visit
from tests.support.world import World, open_world

JOURNEY = {
    "connection.created", "connection.deleted", "scheduling_page.created", "scheduling_page.updated",
    "scheduling_page.deleted", "booking.created", "meeting_request.created", "contact.created", "engagement.created",
}  # fmt: skip
CHANGES = {"booking.rescheduled", "booking.cancelled", "engagement.updated", "engagement.cancelled"}
DRIFT = {"drift_entry.created", "drift_entry.resolved", "drift_entry.superseded"}
TASKS = {"task.created", "task.updated", "task.deleted"}
PEOPLE = {"contact.updated", "contact.deleted", "engagement.deleted"}
HEALING = {"connection.reauthorization_required", "connection.updated"}
CALENDARS = {"availability_calendar.inactive", "availability_calendar.active"}
BLOCKED = {"booking.attempt_blocked"}
MISSED = {"booking.no_show"}
REQUESTS = {
    "meeting_request.accepted", "meeting_request.declined", "meeting_request.withdrawn", "meeting_request.expired",
}  # fmt: skip
DOMAINS = {"domain.connected", "domain.failed", "domain.deleted"}
STOPPED = {"webhook_endpoint.disabled", "webhook_endpoint.paused"}

QUESTION = {"id": "company", "kind": "text", "label": "Company", "required": True}
ANSWERED = {"answers": {"company": "Example"}}


@pytest.fixture
async def world(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    """A world whose webhooks may go to this machine."""
    await empty(settings.database_url.get_secret_value())
    async with open_world(settings.model_copy(update={"webhook_allowed_hosts": ["127.0.0.1"]}), sandbox) as opened:
        yield opened


async def told(crm: Crm) -> set[str]:
    """The types of everything in the feed, all of it as documented."""
    feed = await crm.feed(limit=100)
    assert feed["next_after"] == feed["last_sequence"], "the whole feed"
    assert [(event["type"], wrong) for event in feed["items"] if (wrong := undocumented(event))] == []
    return {event["type"] for event in feed["items"]}


def as_documented(message: Received) -> None:
    """The body and the headers of a message."""
    assert undocumented(message.event) == []
    [entry] = [webhook for webhook in WEBHOOKS if webhook.path == message.event["type"]]
    for parameter in map(resolved, entry.parameters):
        value: Any = message.headers[parameter["name"]]
        value = int(value) if parameter["schema"]["type"] == "integer" else value
        assert complaints(parameter["schema"], value) == [], parameter["name"]


def test_every_type_of_event_is_told_here() -> None:
    told_here = MISSED | JOURNEY | CHANGES | HEALING | CALENDARS | BLOCKED | STOPPED | DRIFT | PEOPLE | TASKS | REQUESTS
    assert set(EventType) == told_here | DOMAINS, "have the feature tell it in a test of this module"


@pytest.mark.parametrize("provider", sorted(ALL))
async def test_r52_the_whole_journey_is_told_as_documented(world: World, provider: str) -> None:
    hands: Hands = ALL[provider](world.sandbox)
    person = await world.person(zoneinfo="Europe/Berlin")
    await hands.account(person)
    await hands.connect(person)
    await world.work()
    crm = await crm_of(world, person)
    page = await person.make_page(form_fields=[QUESTION], max_guests=1)
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"name": "Longer"})
    await booked_and_changed(world, person, page, changes=hands.changes)
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    asked = await person.book(page["id"], person.at(7, "10:00").isoformat(), guests=["guest@example.com"], **ANSWERED)
    assert asked.json()["kind"] == "meeting_request"
    await person.delete(f"/v1/scheduling-pages/{page['id']}")
    await world.work()
    assert await told(crm) == JOURNEY | (CHANGES if hands.changes else set())


async def booked_and_changed(world: World, person: Person, page: dict[str, Any], *, changes: bool) -> None:
    """One booking that its visitor changes, one that its host does."""
    first = await visit(person, page, person.at(3, "10:00"), guests=["guest@example.com"], **ANSWERED)
    second = await visit(person, page, person.at(4, "10:00"), language="sv", **ANSWERED)
    await world.work()
    if not changes:
        return
    assert (await first.reschedule(person.at(5, "11:00"))).status_code == 200
    await world.work()
    assert (await first.cancel()).status_code == 200
    path = f"/v1/bookings/{second.id}"
    moved = {"start_at": person.at(6, "11:00").isoformat(), "reason": "Something came up."}
    assert (await person.post(f"{path}/reschedule", moved)).status_code == 200
    await world.work()
    assert (await person.post(f"{path}/cancel", {"reason": "Never mind."})).status_code == 200
    await world.work()


async def test_r52_what_becomes_of_requests_is_told_as_documented(world: World) -> None:
    person = await world.person()
    crm = await crm_of(world, person)
    page = await person.make_page(form_fields=[QUESTION])
    accepted, declined, withdrawn, late = [await ask(person, page, day, "10:00", **ANSWERED) for day in range(3, 7)]
    await connected(world, person)
    assert (await accept(person, accepted)).status_code == 200
    assert (await decline(person, declined, reason="I am away.")).status_code == 200
    assert (await withdrawn.withdraw()).status_code == 200
    world.clock.offset = timedelta(days=7)
    assert await world.services.request_expiry.sweep() == 1
    await world.work()
    assert (await late.get()).json()["status"] == "expired"
    world.clock.offset = timedelta()
    made = {"connection.created", "scheduling_page.created", "meeting_request.created"}
    booked = {"booking.created", "contact.created", "engagement.created"}
    assert await told(crm) == REQUESTS | made | booked


async def test_r52_a_connection_that_breaks_and_heals_is_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await person.reauthorize()
    await world.work()
    assert await told(crm) == HEALING | {"connection.created"}


async def test_r52_a_calendar_that_is_lost_and_regained_is_told_as_documented(world: World) -> None:
    owner = await world.connected()
    person = await world.person(account_id=owner.account_id)
    crm = await crm_of(world, person)
    await world.sandbox.google_account(person.email)
    await world.sandbox.share_google_calendar(owner.email, account=person.email, role="reader")
    await person.connect()
    await world.work()
    listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    await person.patch("/v1/calendar-settings", {"availability_calendar_ids": [item["id"] for item in listed]})
    await world.work()
    for role in ("none", "reader"):
        await world.sandbox.share_google_calendar(owner.email, account=person.email, role=role)
        await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
        await world.work()
    assert await told(crm) == CALENDARS | {"connection.created"}


async def test_r47_a_visitor_who_did_not_come_is_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    world.clock.offset = timedelta(days=4)
    assert (await person.post(f"/v1/bookings/{booking.id}/no-show")).status_code == 200
    await world.work()
    made = {"connection.created", "scheduling_page.created", "booking.created", "contact.created", "engagement.created"}
    assert await told(crm) == MISSED | made | {"engagement.updated"}


async def test_r23_drift_is_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    await person.patch("/v1/calendar-settings", {"drift_policies": {"moved": "ask"}})
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, person)
    for clock in ("14:00", "15:00"):
        await world.sandbox.patch_google_event(person.email, event["id"], span(person.at(3, clock), 30))
        await synced(world, person)
    [entry] = (await person.get("/v1/drift-entries", status="open")).json()["items"]
    await person.post(f"/v1/drift-entries/{entry['id']}/resolve", {"resolution": "adopt"})
    await world.work()
    await world.sandbox.delete_google_event(person.email, event["id"])
    await synced(world, person)
    assert (await booking.read())["status"] == "cancelled"
    booked = {"scheduling_page.created", "booking.created", "contact.created", "engagement.created"}
    assert await told(crm) == DRIFT | CHANGES | booked | {"connection.created"}


async def test_r20_people_and_their_meetings_are_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    contact = await make_contact(person)
    await person.patch(f"/v1/contacts/{contact['id']}", {"phone": "+46 8 1"})
    await invite(world, person, person.at(2, "10:00"), VERA)
    await synced(world, person)
    wish = {"title": "Demo", "start_at": person.at(3, "10:00").isoformat(), "end_at": person.at(3, "11:00").isoformat()}
    made = await person.post(f"/v1/contacts/{contact['id']}/meetings", wish | {"time_zone": person.time_zone})
    await person.post(f"/v1/engagements/{made.json()['id']}/cancel")
    await world.work()
    engaged = {"contact.created", "engagement.created", "engagement.updated", "engagement.cancelled"}
    assert await told(crm) == engaged | {"contact.updated", "connection.created"}
    assert (await person.delete(f"/v1/contacts/{contact['id']}")).status_code == 204
    await world.work()
    assert await told(crm) == PEOPLE | engaged | {"connection.created"}


async def test_r22_tasks_are_told_as_documented(world: World) -> None:
    person = await world.person()
    crm = await crm_of(world, person)
    contact = await make_contact(person)
    wish = {"title": "Call back", "due_at": person.at(2, "10:00").isoformat(), "contact_id": contact["id"]}
    made = (await person.post("/v1/tasks", wish)).json()
    await person.patch(f"/v1/tasks/{made['id']}", {"status": "completed", "notes": "Done."})
    await world.work()
    assert await told(crm) == {"contact.created", "task.created", "task.updated"}
    await person.delete(f"/v1/tasks/{made['id']}")
    await world.work()
    assert await told(crm) == TASKS | {"contact.created"}


async def test_r37_what_becomes_of_domains_is_told_as_documented(settings: Settings, sandbox: Sandbox) -> None:
    async with open_web(settings, sandbox) as web:
        person = await web.person()
        crm = await crm_of(web.world, person)
        domain = await web.added(person)
        for _ in range(2):
            assert (await web.check(person, domain))["status"] == "failed"
        web.prove(domain)
        for _ in range(2):
            assert (await web.check(person, domain))["status"] == "connected"
        assert (await person.delete(f"/v1/domains/{domain['id']}")).status_code == 204
        await web.world.work()
        assert await told(crm) == DOMAINS
        events = (await crm.feed())["items"]
        assert [event["type"] for event in events] == ["domain.failed", "domain.connected", "domain.deleted"]
        assert {event["data"]["id"] for event in events} == {domain["id"]}
        assert [event["data"]["failure_reason"] for event in events] == ["record_missing", None, None]


async def test_r30_an_attempt_that_was_blocked_is_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE checked")
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 409
    await world.work()
    assert await told(crm) == BLOCKED | {"connection.created", "scheduling_page.created"}


async def test_r52_messages_are_as_documented_and_so_is_what_becomes_of_their_endpoints(world: World) -> None:
    person = await world.person()
    crm = await crm_of(world, person)
    async with receiving() as gone, receiving() as failing, receiving() as other:
        gone.answers(410)
        failing.answers(500, 500)
        await crm.endpoint(gone.url)
        endpoint = await crm.endpoint(failing.url, event_types=["scheduling_page.created"])
        witness = await crm.endpoint(other.url)
        await crm.act(witness, "rotate-secret")
        await crm.act(witness, "test")
        await person.make_page()
        await world.work()
        long_ago = "SET failing_since = now() - interval '1 day', failures = 9"
        await world.rows(f"UPDATE webhook_endpoints {long_ago} WHERE failures > 0")
        world.clock.offset = timedelta(minutes=1)
        await world.services.courier.run(crm.account_id, decode_id("whe", endpoint["id"]))
        await world.work()
        assert await told(crm) == STOPPED | {"scheduling_page.created"}
        assert {message.event["type"] for message in other.received} == {*await told(crm), TEST_EVENT}
        assert {len(message.signatures) for message in other.received} == {2}
        for message in (*gone.received, *failing.received, *other.received):
            as_documented(message)


async def test_r54_what_was_erased_is_told_as_documented(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    await visit(person, page, person.at(3, "10:00"))
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE checked")
    await person.book(page["id"], person.at(4, "10:00").isoformat())
    await world.work()
    before = await told(crm)
    async with transaction(world.services.sessions, crm.account_id) as session:
        for row in await world.rows("SELECT DISTINCT subject_id FROM feed_events"):
            await repository.redact(session, crm.account_id, row["subject_id"])
    assert await told(crm) == before
    items = (await crm.feed(limit=100))["items"]
    assert {event["data"]["erased"] for event in items} == {True}
    assert {event["data"]["id"] for event in items} > {None}, "a blocked attempt has no id of its own"
