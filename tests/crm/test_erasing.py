"""Erasing a contact: nothing of them stays in any table but what docs/privacy.md says (R54)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.crm.person import Person as Known
from app.ids import decode_id, encode_id
from tests.accounts.life import NAME, PHONE, VISITOR, found, live
from tests.bookings.requesting import ask
from tests.crm.scene import VERA, invite, make_contact, synced, timeline
from tests.crm.test_tasks import NO_SEAT, SEAT, add, assign, change, events, state, turn, with_tasks
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World, problem

OF_THE_CONTACT = (NAME, VISITOR, PHONE, "a canary answer", "Submitted canary", "Notes canary", "Text canary")


async def erase(person: Person, contact: dict[str, Any]) -> None:
    answer = await person.delete(f"/v1/contacts/{contact['id']}")
    assert answer.status_code == 204, answer.text


async def test_r54_of_an_erased_contact_no_table_holds_a_word(world: World) -> None:
    life = await live(world)
    before = await found(world, *OF_THE_CONTACT)
    assert len(await world.rows("SELECT * FROM idempotent_answers")) == 1
    assert {"contacts", "bookings", "meeting_requests", "mails", "feed_events", "tasks", "calendar_writes"} <= set(
        before
    )
    await erase(life.host, life.contact)
    assert await found(world, *OF_THE_CONTACT) == {}
    for sealed in ("form_submissions", "visitor_tokens"):
        assert await world.rows(f"SELECT * FROM {sealed}") == [], sealed  # noqa: S608 - what no search can read
    await world.work(until=timedelta(minutes=1))
    await synced(world, life.host)
    assert await found(world, *OF_THE_CONTACT) == {}, "and by nothing that comes later"
    assert await world.rows("SELECT * FROM idempotent_answers") == [], "not even a hash to try a guess on"
    hashes = "SELECT DISTINCT address_hash FROM erased_contacts"
    assert len(await world.rows(hashes)) == 1, "but the account's keyed hash, which keeps them away"


@pytest.mark.parametrize("name", ["王伟", "\U00010414\U0001042f", "\U00010414"])
async def test_r54_a_name_is_erased_however_short_it_is(world: World, name: str) -> None:
    """In two ideographs, in two letters, in one; in letters that no other text holds."""
    host = await world.connected()
    contact, friend = await make_contact(host, name=name), await make_contact(host, "friend@example.com")
    page = await host.make_page(max_guests=1)
    booked = await visit(host, page, host.at(3, "10:00"), name=name, guests=["friend@example.com"])
    await synced(world, host)
    assert {"bookings", "calendar_writes", "contacts", "engagements"} <= set(await found(world, name))
    await erase(host, contact)
    assert await found(world, name) == {}
    [meeting] = await timeline(host, friend)
    assert meeting["title"] == f"{page['name']}: …"
    moved = await host.post(f"/v1/bookings/{booked.id}/reschedule", {"start_at": host.at(4, "10:00").isoformat()})
    assert moved.status_code == 200, moved.text
    await synced(world, host)
    assert await found(world, name) == {}, "and by nothing that comes later"
    assert name not in str(await world.sandbox.google_events(host.email))


async def test_r54_what_is_the_host_s_stays_theirs(world: World) -> None:
    life = await live(world)
    before = (await life.host.get(f"/v1/bookings/{life.booking['id']}")).json()
    await erase(life.host, life.contact)
    after = (await life.host.get(f"/v1/bookings/{life.booking['id']}")).json()
    for kept in ("status", "start_at", "end_at", "host_id", "page_id", "created_at"):
        assert after[kept] == before[kept], kept
    assert (after["visitor_email"], after["answers"], after["version"]) == ("", [], before["version"] + 1)
    events = await world.sandbox.google_events(life.host.email)
    assert any(NAME in str(event) for event in events), "the calendar's events are the calendar's"
    [task] = (await life.host.get("/v1/tasks")).json()["items"]
    assert (task["title"], task["notes"], task["contact_id"]) == ("Call …", None, None)
    taken = await life.host.book(life.page["id"], life.host.at(3, "10:00").isoformat(), email="new@example.com")
    problem(taken, 409, "slot_unavailable")


async def test_r54_an_erased_visitor_s_booking_can_still_be_moved_and_ended(world: World) -> None:
    life = await live(world)
    await erase(life.host, life.contact)
    await world.work()
    path = f"/v1/bookings/{life.booking['id']}"
    moved = await life.host.post(f"{path}/reschedule", {"start_at": life.host.at(9, "10:00").isoformat()})
    assert moved.status_code == 200, moved.text
    await world.work()
    [event] = [e for e in await world.sandbox.google_events(life.host.email) if "guest.canary" in str(e)]
    assert VISITOR.lower() not in str(event).lower(), "written again, it is without them"
    assert moved.json()["calendar_event"]["status"] != "failed"
    assert (await life.host.post(f"{path}/cancel", {})).status_code == 200
    await world.work()
    assert await found(world, *OF_THE_CONTACT) == {}
    kept = await world.rows("SELECT DISTINCT status, last_error FROM mails WHERE to_email = '' AND sent_at IS NULL")
    assert [(row["status"], row["last_error"]) for row in kept] == [("failed", "recipient_erased")]
    assert (await life.host.get("/v1/contacts")).json()["items"] == [], "and nobody has come back"


async def test_r54_a_guest_s_timeline_follows_the_booking_of_an_erased_visitor(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(max_guests=1)
    ben = await make_contact(person, email="ben@example.com", name="Ben")
    booking = await visit(person, page, person.at(3, "10:00"), guests=["ben@example.com"])
    await world.work()
    [vera] = (await person.get("/v1/contacts", email=VERA)).json()["items"]
    await erase(person, vera)
    path, later = f"/v1/bookings/{booking.id}", person.at(4, "15:00")
    assert (await person.post(f"{path}/reschedule", {"start_at": later.isoformat()})).status_code == 200
    await world.work()
    [meeting] = await timeline(person, ben)
    assert (datetime.fromisoformat(meeting["start_at"]), meeting["outcome"]) == (later, "scheduled")
    assert (await person.post(f"{path}/cancel", {})).status_code == 200
    await world.work()
    assert [item["outcome"] for item in await timeline(person, ben)] == ["cancelled"]
    assert [item["id"] for item in (await person.get("/v1/contacts")).json()["items"]] == [ben["id"]]


async def test_r26_r54_what_they_asked_for_lapses(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person)
    page = await person.make_page()
    asked = await ask(person, page, 3, "10:00")
    await erase(person, contact)
    read = (await person.get(f"/v1/meeting-requests/{asked.id}")).json()
    assert (read["status"], read["visitor_email"], read["visitor_name"]) == ("expired", "", "…")
    assert await world.rows("SELECT * FROM due_requests") == []
    told = await world.rows(
        "SELECT type, data::text FROM feed_events WHERE type LIKE 'meeting_request.%' ORDER BY arrival"
    )
    assert [row["type"] for row in told] == ["meeting_request.created", "meeting_request.expired"]
    assert VERA not in str(told)


async def test_r54_who_was_a_guest_is_one_no_more_and_the_visitor_stays(world: World) -> None:
    person = await world.connected()
    guest = await make_contact(person, "guest@example.com", name="Gunnar Guest")
    page = await person.make_page(max_guests=2)
    wish = {"guests": ["Guest@example.com", "third@example.com"]}
    booked = await visit(person, page, person.at(3, "10:00"), **wish)
    await world.work()
    assert len(await timeline(person, guest)) == 1
    await erase(person, guest)
    await world.work()
    assert await found(world, "guest@example.com", "Gunnar Guest") == {}
    read = await booked.read()
    assert (read["name"], read["email"], read["guests"]) == ("Vera Visitor", VERA, ["third@example.com"])
    [contact] = (await person.get("/v1/contacts")).json()["items"]
    [meeting] = await timeline(person, contact)
    assert [who["email"] for who in meeting["contacts"]] == [VERA]


async def test_r54_who_was_a_guest_before_they_were_a_contact_is_in_no_draft(world: World) -> None:
    person = await world.connected()
    contact, start = await make_contact(person), person.at(2, "10:00")
    wish = {"title": "Demo", "start_at": start.isoformat(), "end_at": (start + timedelta(hours=1)).isoformat()}
    wish |= {"time_zone": person.time_zone, "guests": ["Guest@example.com", "third@example.com"]}
    made = await person.post(f"/v1/contacts/{contact['id']}/meetings", wish)
    assert made.status_code == 201, made.text
    await synced(world, person)
    guest = await make_contact(person, "guest@example.com", name="Gunnar Guest")
    await world.work()
    assert (await found(world, "guest@example.com")).keys() >= {"calendar_writes"}
    await erase(person, guest)
    assert await found(world, "guest@example.com", "Gunnar Guest") == {}
    [write] = await world.rows("SELECT draft->'attendees' AS guests FROM calendar_writes")
    assert (VERA in write["guests"], "third@example.com" in write["guests"]) == (True, True)


async def test_r54_a_meeting_of_several_names_them_no_more(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person, name="Vera Visitor")
    friend = await make_contact(person, "friend@example.com")
    both = (VERA, "friend@example.com")
    await invite(world, person, person.at(2, "12:00"), *both, summary=f"Vera Visitor ({VERA}) and a verandah")
    await synced(world, person)
    await erase(person, contact)
    [meeting] = await timeline(person, friend)
    assert meeting["title"] == "… (…) and a verandah"
    told = await world.rows("SELECT type, data::text FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY arrival")
    assert [row["type"] for row in told] == ["engagement.created", "engagement.updated"], "whoever keeps a copy is told"
    assert "… (…) and a verandah" in told[1]["data"]
    assert not any("Vera" in row["data"] or VERA in row["data"] for row in told)


async def test_r54_a_meeting_they_were_taken_off_was_told_with_them_and_is_forgotten_too(world: World) -> None:
    person = await world.connected()
    contact = await make_contact(person, name="Vera Visitor")
    friend = await make_contact(person, "friend@example.com")
    event_id = await invite(world, person, person.at(2, "12:00"), VERA, "friend@example.com")
    await synced(world, person)
    guests = {"attendees": [{"email": "friend@example.com"}]}
    await world.sandbox.patch_google_event(person.email, event_id, guests)
    await synced(world, person)
    [meeting] = await timeline(person, friend)
    assert [who["email"] for who in meeting["contacts"]] == ["friend@example.com"]
    told = (await person.get(f"/v1/contacts/{contact['id']}/export")).json()["events"]
    assert [(event["type"], event["data"] is None) for event in told] == [
        ("contact.created", False),
        ("engagement.created", True),
    ]
    await erase(person, contact)
    assert await found(world, VERA, "Vera Visitor") == {}
    kept = "SELECT data ? 'erased' AS erased FROM feed_events WHERE type LIKE 'engagement.%' ORDER BY arrival"
    assert [row["erased"] for row in await world.rows(kept)] == [True, False], "what never named them stays"


async def test_r22_r54_a_task_that_was_about_them_was_told_with_them_and_is_forgotten_too(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person, name="Vera Visitor")
    friend = await make_contact(person, "friend@example.com")
    task = await add(world, person, title="Call Vera Visitor", contact_id=contact["id"])
    await change(world, person, task, title="Call my friend", contact_id=friend["id"])
    told = (await person.get(f"/v1/contacts/{contact['id']}/export")).json()["events"]
    assert [event["type"] for event in told] == ["contact.created", "task.created"]
    await erase(person, contact)
    assert await found(world, VERA, "Vera Visitor") == {}
    [kept] = (await person.get("/v1/tasks")).json()["items"]
    assert (kept["title"], kept["contact_id"]) == ("Call my friend", friend["id"])


async def test_r22_r54_the_event_of_a_task_names_them_no_more(world: World) -> None:
    person = await with_tasks(world)
    contact = await make_contact(person, name="Vera Visitor")
    await add(world, person, title="Call Vera Visitor", notes="Ask for her sister", contact_id=contact["id"])
    await erase(person, contact)
    await world.work()
    [event] = await events(world, person)
    assert (event["summary"], event.get("description") or "") == ("Call …", "")


async def about_vera(world: World) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    """Somebody, a contact, and a task about them that stands in the calendar."""
    person = await with_tasks(world)
    contact = await make_contact(person, name="Vera Visitor")
    task = await add(world, person, title="Call Vera Visitor", notes="Ask for her sister", contact_id=contact["id"])
    assert await state(person, task) == ("written", None)
    return person, contact, task


@pytest.mark.parametrize("why", ["task_sync_off", "seat_required", "no_connection"])
async def test_r22_r54_a_task_that_is_not_kept_in_step_names_them_nowhere_either(world: World, why: str) -> None:
    person, contact, task = await about_vera(world)
    match why:
        case "task_sync_off":
            await turn(person, on=False)
        case "seat_required":
            await assign(world, person, NO_SEAT)
        case "no_connection":
            await person.delete(f"/v1/connections/{person.connection_id}")
    await erase(person, contact)
    assert await found(world, "Vera", "her sister") == {}
    await world.work()
    assert await found(world, "Vera", "her sister") == {}
    assert (await state(person, task))[1] == why


@pytest.mark.parametrize("seat_lost", [False, True])
async def test_r22_r54_the_event_names_them_no_more_once_it_is_kept_in_step_again(
    world: World, *, seat_lost: bool
) -> None:
    person, contact, task = await about_vera(world)
    await (assign(world, person, NO_SEAT) if seat_lost else turn(person, on=False))
    await erase(person, contact)
    await world.work()
    [event] = await events(world, person)
    assert event["summary"] == "Call Vera Visitor", "nothing is written meanwhile"
    await (assign(world, person, SEAT) if seat_lost else turn(person, on=True))
    await world.work()
    [event] = await events(world, person)
    assert (event["summary"], event.get("description") or "") == ("Call …", "")
    assert await state(person, task) == ("written", None)


async def test_r22_r54_a_task_that_is_about_another_by_now_keeps_no_word_of_them(world: World) -> None:
    person, contact, task = await about_vera(world)
    friend = await make_contact(person, "friend@example.com")
    await turn(person, on=False)
    await change(world, person, task, title="Call my friend", notes=None, contact_id=friend["id"])
    await erase(person, contact)
    assert await found(world, "Vera", "her sister") == {}


async def test_r22_r54_a_deleted_task_says_nothing_while_its_event_cannot_be_taken_away(world: World) -> None:
    person, _, task = await about_vera(world)
    await person.delete(f"/v1/connections/{person.connection_id}")
    assert (await person.delete(f"/v1/tasks/{task['id']}")).status_code == 204
    await world.work()
    assert await world.rows("SELECT draft FROM calendar_writes") == [{"draft": None}]
    await person.connect()
    await turn(person, on=True)
    await world.work()
    assert await events(world, person) == []
    assert await world.rows("SELECT FROM tasks") == []


async def test_r54_an_address_they_had_before_is_theirs_too_unless_it_is_another_s_now(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    contact = await make_contact(person)
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    await person.patch(f"/v1/contacts/{contact['id']}", {"email": "new@example.com"})
    other = await world.connected()
    theirs = await make_contact(other)
    await other.patch(f"/v1/contacts/{theirs['id']}", {"email": "new@example.com"})
    heir = await make_contact(other)
    await visit(other, await other.make_page(), other.at(3, "10:00"))
    await erase(person, contact)
    await erase(other, theirs)
    mine, anothers = decode_id("acct", person.account_id), decode_id("acct", other.account_id)
    emails = {row["account_id"]: row["visitor_email"] for row in await world.rows("SELECT * FROM bookings")}
    assert emails == {mine: "", anothers: VERA}
    assert (await other.get(f"/v1/contacts/{heir['id']}")).json()["email"] == VERA


async def test_r53_r54_the_same_person_in_another_account_is_another_account_s(world: World) -> None:
    life, other = await live(world), await live(world, canary="neighbour")
    query = "SELECT visitor_name, visitor_email, answers, guests FROM bookings WHERE account_id = $1"
    before = await world.rows(query, other.account_id)
    await erase(life.host, life.contact)
    assert await world.rows(query, other.account_id) == before
    assert before[0]["visitor_name"] == NAME
    assert (await other.host.get(f"/v1/contacts/{other.contact['id']}")).json() == other.contact


async def test_r54_the_erasing_is_written_down_without_whom(world: World) -> None:
    life = await live(world)
    await erase(life.host, life.contact)
    log = (await life.host.get("/v1/audit-log", action="contact.deleted")).json()["items"]
    assert [(entry["subject_id"], entry["actor"]["user_id"]) for entry in log] == [
        (life.contact["id"], life.host.user_id)
    ]
    problem(await life.host.delete(f"/v1/contacts/{life.contact['id']}"), 404, "not_found")


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("Vera and Verandah", "… and Verandah"),
        ("mail vera@EXAMPLE.com!", "mail …!"),
        ("xvera@example.com", "xvera@example.com"),
        ("+46 8 123", "…"),
        (".*", ".*"),
        ("Demo: x", "Demo: …"),
        ("Demo: X\nwhat x is: x and y", "Demo: X\nwhat x is: x and y"),
        ("与Vera会面", "与…会面"),
        ("Veraさん", "…さん"),
        ("与王小明会面", "与…会面"),
        ("与王伟会面: 王伟", "与…会面: …"),
        ("明天见王", "明天见王"),
        ("พบกับสมชายพรุ่งนี้", "พบกับ…พรุ่งนี้"),
        ("김민수와 미팅", "…와 미팅"),
    ],
)
def test_only_whole_words_are_struck(text: str, struck: str) -> None:
    """Where a script sets no spaces, every place may be the end of one."""
    known = Known(frozenset(), frozenset(), ())
    names = ["vera@example.com", "Vera", "+46 8 123", "x", "王小明", "王伟", "王", "สมชาย", "김민수"]
    assert known.also_called(names).strike(text) == struck
    assert not re.search("x", known.also_called([]).strike(""))


def test_what_is_no_text_loses_no_word() -> None:
    known = Known(frozenset({"p@example.com"}), frozenset(), ())
    paris = known.also_called(["Paris", "Guest"])
    document = {
        "title": "Lunch with Paris",
        "when": {"start_at": "2026-03-01T10:00:00Z", "zone": "Europe/Paris"},
        "reader": "guest",
        "visitor_email": "paris.hilton@example.net",
        "email": "P@example.com",
        "attendees": [{"email": "paris@example.net", "name": "Paris"}, {"email": "p@example.com", "name": None}],
        "guests": ["paris@example.net", "p@example.com"],
    }
    assert paris.strike_all(document) == {
        "title": "Lunch with …",
        "when": {"start_at": "2026-03-01T10:00:00Z", "zone": "Europe/Paris"},
        "reader": "guest",
        "visitor_email": "paris.hilton@example.net",
        "email": "…",
        "attendees": [{"email": "paris@example.net", "name": "…"}],
        "guests": ["paris@example.net"],
    }


async def test_r54_a_host_who_tried_their_own_page_goes_on_being_told_of_others(world: World) -> None:
    life = await live(world)
    await world.work(until=timedelta(minutes=1))
    tried = await life.host.book(life.page["id"], life.host.at(9, "10:00").isoformat(), email=life.host.email)
    assert tried.status_code == 201, tried.text
    await world.work()
    [own] = await world.rows("SELECT id FROM contacts WHERE lower(email) = lower($1)", life.host.email)
    await visit(life.host, life.page, life.host.at(9, "12:00"), email="new@example.com")
    about_new = (
        "SELECT to_email, status, reply_to, letter IS NULL AS gone FROM mails WHERE status = 'queued' ORDER BY id"
    )
    before = [row for row in await world.rows(about_new) if not row["gone"]]
    assert {row["to_email"] for row in before} == {"new@example.com", life.host.email}
    assert (await life.host.delete(f"/v1/contacts/{encode_id('cont', own['id'])}")).status_code == 204
    assert [row for row in await world.rows(about_new) if not row["gone"]] == before


async def test_r54_an_export_that_was_made_before_is_gone_with_the_contact(world: World) -> None:
    life = await live(world)
    assert (await life.host.get("/v1/account/export")).json()["status"] == "building"
    await world.work()
    assert (await life.host.get("/v1/account/export")).json()["status"] == "ready"
    await erase(life.host, life.contact)
    assert await world.rows("SELECT * FROM account_export_parts") == []
    assert (await life.host.get("/v1/account/export")).json()["status"] == "building"


@asynccontextmanager
async def held_up(world: World, person: Person, contact: dict[str, Any]) -> AsyncIterator[None]:
    """The erasing has begun, and waits for whoever has a booking of theirs in hand, until the end of this."""
    gate = await asyncpg.connect(world.database_url)
    try:
        async with gate.transaction():
            await gate.execute("SELECT FROM bookings ORDER BY id FOR UPDATE")
            erasing = asyncio.create_task(erase(person, contact))
            while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.02)
            yield
        await erasing
    finally:
        await gate.close()


async def test_r54_an_address_and_a_name_they_were_given_while_they_were_erased_are_theirs(world: World) -> None:
    person = await world.connected()
    page, contact = await person.make_page(), await make_contact(person)
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    async with held_up(world, person, contact):
        path, other = f"/v1/contacts/{contact['id']}", {"email": "new@example.com", "name": "Verena"}
        assert (await person.patch(path, other)).status_code == 200
        await visit(person, page, person.at(4, "10:00"), email="new@example.com", name="Verena")
    assert await found(world, VERA, "Vera Visitor", "new@example.com", "Verena") == {}
    await world.work()
    assert await found(world, VERA, "Vera Visitor", "new@example.com", "Verena") == {}
    assert (await person.get("/v1/contacts")).json()["items"] == []


async def while_erased(world: World, person: Person, contact: dict[str, Any], table: str, send: Any) -> httpx.Response:
    """The answer to what is asked for while the contact is being erased: `table` is not written before that is over."""
    gate = await asyncpg.connect(world.database_url)
    try:
        async with gate.transaction():
            await gate.execute(f"LOCK TABLE {table} IN SHARE MODE")
            asked = asyncio.create_task(send)
            while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.02)
            erasing = asyncio.create_task(person.delete(f"/v1/contacts/{contact['id']}"))
            while not erasing.done() and await waiting_for_locks(world) < 2:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.02)
        assert (await erasing).status_code == 204
        answer: httpx.Response = await asked
        return answer
    finally:
        await gate.close()


async def test_r54_a_task_made_while_its_contact_is_erased_is_parted_from_them_too(world: World) -> None:
    person = await world.person()
    contact = await make_contact(person, name="Vera Visitor")
    body = {"title": "Call Vera Visitor", "due_at": person.at(2, "10:00").isoformat(), "contact_id": contact["id"]}
    made = await while_erased(world, person, contact, "tasks", person.post("/v1/tasks", body))
    assert made.status_code == 201, made.text
    [task] = (await person.get("/v1/tasks")).json()["items"]
    assert (task["title"], task["contact_id"]) == ("Call …", None)


async def test_r54_a_meeting_made_while_a_guest_is_erased_goes_on_without_them(world: World) -> None:
    person = await world.connected()
    contact, guest = await make_contact(person), await make_contact(person, "guest@example.com")
    start = person.at(2, "10:00")
    wish = {"title": "Demo", "start_at": start.isoformat(), "end_at": (start + timedelta(hours=1)).isoformat()}
    wish |= {"time_zone": person.time_zone, "guests": ["guest@example.com"]}
    send = person.post(f"/v1/contacts/{contact['id']}/meetings", wish)
    made = await while_erased(world, person, guest, "engagement_contacts", send)
    assert made.status_code == 201, made.text
    [meeting] = await timeline(person, contact)
    assert [who["email"] for who in meeting["contacts"]] == [VERA]


async def test_r54_an_export_that_was_asked_for_while_they_were_erased_is_gone_too(world: World) -> None:
    person = await world.connected(permissions=["personal_email_access", "account:export"])
    page, contact = await person.make_page(), await make_contact(person)
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    async with held_up(world, person, contact):
        assert (await person.get("/v1/account/export")).json()["status"] == "building"
        await world.work()
        read = await person.get("/v1/account/export")
        assert (read.json()["status"], VERA in read.text) == ("ready", True)
    assert await world.rows("SELECT * FROM account_export_parts") == []
    assert (await person.get("/v1/account/export")).json()["status"] == "building"
    await world.work()
    assert VERA not in (await person.get("/v1/account/export")).text


async def test_r54_who_only_asked_is_known_and_can_be_exported_and_erased(world: World) -> None:
    person = await world.person()
    page = await person.make_page(max_guests=1)
    asked = await ask(person, page, 3, "10:00", guests=["ben@example.com"])
    await world.work()
    [contact] = (await person.get("/v1/contacts")).json()["items"]
    assert (contact["email"], contact["name"], contact["source"]) == (VERA, "Vera Visitor", "scheduling_page")
    assert await timeline(person, contact) == [], "nothing is agreed yet"
    exported = await person.get(f"/v1/contacts/{contact['id']}/export")
    assert exported.status_code == 200, exported.text
    assert asked.id in exported.text
    assert (await person.delete(f"/v1/contacts/{contact['id']}")).status_code == 204
    [row] = await world.rows("SELECT account_id, id FROM meeting_requests")
    await world.services.booking_recorder.run(row["account_id"], row["id"])
    assert (await person.get("/v1/contacts")).json()["items"] == [], "a job too many brings nobody back"
    ben = await make_contact(person, "ben@example.com")
    assert asked.id in (await person.get(f"/v1/contacts/{ben['id']}/export")).text, "a guest is found by the address"
    assert (await person.delete(f"/v1/contacts/{ben['id']}")).status_code == 204
    assert await world.rows("SELECT FROM meeting_requests WHERE cardinality(guests) > 0 OR visitor_email <> ''") == []
