"""Taking out a contact: everything that the erasing reaches, and nothing of anybody else (R54)."""

import json
from typing import Any

from tests.accounts.life import FORM, NAME, PHONE, VISITOR, live
from tests.crm.scene import VERA, invite, make_contact, synced
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World, problem


async def exported(person: Person, contact: dict[str, Any]) -> dict[str, Any]:
    answer = await person.get(f"/v1/contacts/{contact['id']}/export")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_r54_everything_held_about_a_contact_is_told(world: World) -> None:
    life = await live(world)
    told = await exported(life.host, life.contact)
    assert told["contact"] == life.contact
    assert told["addresses"] == [VISITOR.lower()]
    assert [row["title"] for row in told["tasks"]] == [f"Call {NAME}"]
    assert {row["source"] for row in told["meetings"]} == {"crm_record", "calendar_sync", "scheduling_page"}
    assert all(row["start_at"].endswith("Z") for row in told["meetings"])
    [booking] = told["bookings"]
    assert (booking["id"], booking["role"], booking["name"]) == (life.booking["id"], "visitor", NAME)
    assert [answer["value"] for answer in booking["answers"]] == ["a canary answer"]
    assert booking["guests"] == ["guest.canary@example.com"]
    [request] = told["meeting_requests"]
    assert (request["status"], request["role"]) == ("pending", "visitor")
    [form] = told["submitted_forms"]
    assert form["answers"] == {"wish": "Submitted canary"}
    assert {row["kind"] for row in told["mails"]} == {"confirmed_visitor", "requested_visitor"}
    types = {event["type"] for event in told["events"]}
    assert types >= {"contact.created", "booking.created", "meeting_request.created", "task.created"}
    assert {event["type"].partition(".")[0] for event in told["events"] if event["data"] is None} == {
        "engagement",
        "task",
    }
    text = json.dumps(told, ensure_ascii=False)
    assert PHONE in text
    for other in ("host-", "colleague-", "token", life.booking["booking_token"]):
        assert other not in text, other


async def test_r54_of_another_s_booking_a_guest_is_told_what_a_guest_knows(world: World) -> None:
    person = await world.connected()
    guest = await make_contact(person, "guest@example.com", name="Gunnar Guest")
    page = await person.make_page(max_guests=2, form_fields=FORM, consent_text="May we store this?")
    wish = {"guests": ["Guest@example.com", "third@example.com"], "answers": {"wish": "between us"}, "consent": True}
    booked = await visit(person, page, person.at(3, "10:00"), **wish)
    await invite(world, person, person.at(4, "10:00"), "guest@example.com", VERA, summary="All of us")
    await synced(world, person)
    told = await exported(person, guest)
    [booking] = told["bookings"]
    assert (booking["id"], booking["role"], booking["email"]) == (booked.id, "guest", "Guest@example.com")
    assert (booking["guests"], booking["answers"], booking["name"]) == ([], [], None)
    assert booking["consent_text"] is None, "they were not asked"
    text = json.dumps(told)
    for of_others in (VERA, "Vera", "third@", "between us"):
        assert of_others not in text.replace('"Intro call: Vera Visitor"', ""), of_others  # what their invitation says


async def test_r54_former_addresses_and_what_was_done_with_them_are_told(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    page = await person.make_page(consent_text="May we store this?")
    await visit(person, page, person.at(3, "10:00"), consent=True)
    await world.work()
    await person.patch(f"/v1/contacts/{contact['id']}", {"email": "new@example.com"})
    told = await exported(person, contact)
    assert told["addresses"] == ["new@example.com", VERA]
    assert [(row["email"], row["consent_text"]) for row in told["bookings"]] == [(VERA, "May we store this?")]


async def test_r53_r54_it_is_the_account_s_and_written_down(world: World) -> None:
    life = await live(world)
    stranger = await world.person()
    for who, path in ((stranger, life.contact["id"]), (life.host, "cont_01k9qj5v3mfb9t2z8h4c6x7wdn")):
        problem(await who.get(f"/v1/contacts/{path}/export"), 404, "not_found")
    service = await world.service(life.host.account_id)
    problem(await service.get(f"/v1/contacts/{life.contact['id']}/export"), 403, "forbidden")
    await exported(life.host, life.contact)
    log = (await life.host.get("/v1/audit-log", action="contact.exported")).json()["items"]
    assert [(entry["subject_id"], entry["actor"]["user_id"]) for entry in log] == [
        (life.contact["id"], life.host.user_id)
    ]


async def test_r54_after_the_erasing_there_is_nothing_to_tell(world: World) -> None:
    life = await live(world)
    await life.host.delete(f"/v1/contacts/{life.contact['id']}")
    await world.work()
    problem(await life.host.get(f"/v1/contacts/{life.contact['id']}/export"), 404, "not_found")
    again = await make_contact(life.host, VISITOR)
    told = await exported(life.host, again)
    assert [
        told[part] for part in ("meetings", "tasks", "bookings", "meeting_requests", "submitted_forms", "mails")
    ] == [[] for _ in range(6)]
    assert [event["type"] for event in told["events"]] == ["contact.created"]
