"""Contacts: one an address, changed with care, erased without a trace."""

import json

from tests.crm.scene import VERA, invite, make_contact, synced, timeline
from tests.support.world import World, problem


async def test_a_contact_is_made_read_changed_and_listed(world: World) -> None:
    person = await world.person()
    made = await make_contact(person, name="Vera", phone="+46 8 123")
    assert (made["source"], made["version"]) == ("crm", 1)
    answer = await person.get(f"/v1/contacts/{made['id']}")
    assert (answer.json(), answer.headers["ETag"]) == (made, '"1"')
    changed = await person.patch(f"/v1/contacts/{made['id']}", {"name": None, "phone": "+46 8 456"})
    assert (changed.json()["name"], changed.json()["phone"], changed.json()["version"]) == (None, "+46 8 456", 2)
    stale = await person.patch(f"/v1/contacts/{made['id']}", {"name": "V"}, **{"If-Match": '"1"'})
    assert problem(stale, 412, "version_mismatch")["version"] == 2
    others = [await make_contact(person, f"c{number}@example.com") for number in range(3)]
    first = (await person.get("/v1/contacts", limit=2)).json()
    second = (await person.get("/v1/contacts", limit=2, cursor=first["next_cursor"])).json()
    listed = [item["id"] for item in first["items"] + second["items"]]
    assert listed == [made["id"], *(other["id"] for other in others)]
    assert second["next_cursor"] is None
    found = (await person.get("/v1/contacts", email="C1@example.com")).json()["items"]
    assert [item["id"] for item in found] == [others[1]["id"]]


async def test_an_address_belongs_to_one_contact_however_it_is_spelt(world: World) -> None:
    person = await world.person()
    await make_contact(person)
    other = await make_contact(person, "other@example.com")
    problem(await person.post("/v1/contacts", {"email": "Vera@Example.com"}), 409, "contact_exists")
    problem(await person.patch(f"/v1/contacts/{other['id']}", {"email": VERA}), 409, "contact_exists")
    problem(await person.patch(f"/v1/contacts/{other['id']}", {"email": None}), 422, "validation_failed")


async def test_r54_what_is_done_to_a_contact_is_written_down_without_whom(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person, name="Vera")
    await person.patch(f"/v1/contacts/{contact['id']}", {"phone": "+46 8 456", "name": "Vera V."})
    auditor = await world.person(account_id=person.account_id, permissions=["audit:read"])
    told = (await auditor.get("/v1/audit-log", subject_id=contact["id"])).json()["items"]
    assert sorted(entry["action"] for entry in told) == ["contact.created", "contact.updated"]
    assert [entry["actor"]["kind"] for entry in told] == ["user", "user"]
    assert "Vera" not in str(told)
    [row] = await world.rows("SELECT data FROM audit_entries WHERE action = 'contact.updated'")
    assert json.loads(row["data"]) == {"fields": ["name", "phone"]}


async def test_bad_input_is_refused(world: World) -> None:
    person = await world.person()
    for body in ({}, {"email": "nobody"}, {"email": VERA, "phone": "call me"}, {"email": VERA, "role": "boss"}):
        problem(await person.post("/v1/contacts", body), 422, "validation_failed")
    problem(await person.get("/v1/contacts/cont_01k9qj5v3mfb9t2z8h4c6x7wdn"), 404, "not_found")
    problem(await person.get("/v1/contacts/eng_01k9qj5v3mfb9t2z8h4c6x7wdn"), 404, "not_found")


async def test_another_address_brings_its_own_meetings(world: World) -> None:
    person = await world.connected()
    await invite(world, person, person.at(2, "10:00"), "new@example.com")
    await synced(world, person)
    contact = await make_contact(person)
    await person.patch(f"/v1/contacts/{contact['id']}", {"email": "new@example.com"})
    await world.work()
    assert len(await timeline(person, contact)) == 1


async def test_r54_an_erased_contact_leaves_nothing_behind(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person, name="Vera Visitor")
    alone = await invite(world, person, person.at(2, "10:00"), VERA, summary="Alone with Vera")
    await make_contact(person, "friend@example.com")
    await invite(world, person, person.at(2, "12:00"), VERA, "friend@example.com", summary="With a friend")
    await synced(world, person)
    assert len(await timeline(person, contact)) == 2
    assert (await person.delete(f"/v1/contacts/{contact['id']}")).status_code == 204
    await world.work()
    problem(await person.get(f"/v1/contacts/{contact['id']}"), 404, "not_found")
    [left] = (await person.get("/v1/engagements")).json()["items"]
    assert (left["title"], [who["email"] for who in left["contacts"]]) == ("With a friend", ["friend@example.com"])
    told = repr(await world.rows("SELECT data::text FROM feed_events WHERE type LIKE 'contact.%'"))
    told += repr(await world.rows("SELECT data::text FROM feed_events WHERE data::text LIKE '%Alone%'"))
    assert "Visitor" not in told
    assert "Alone" not in told
    assert alone in {event["id"] for event in await world.sandbox.google_events(person.email)}, "the event stays"
    await synced(world, person)
    assert len((await person.get("/v1/engagements")).json()["items"]) == 1


async def test_r54_who_was_erased_does_not_come_back_by_an_old_booking(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    [contact] = (await person.get("/v1/contacts")).json()["items"]
    await person.delete(f"/v1/contacts/{contact['id']}")
    await person.post(f"/v1/bookings/{booked['id']}/cancel", {})
    await world.work()
    assert (await person.get("/v1/contacts")).json()["items"] == []
    await person.book(page["id"], person.at(4, "10:00").isoformat())
    await world.work()
    assert len((await person.get("/v1/contacts")).json()["items"]) == 1, "but by a new one they do"
