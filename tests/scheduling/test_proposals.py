"""Proposed times (R43): a few open times for a mail, live when they are looked at, and never promised too often.

The one rule: what is proposed is compared with what a visitor is offered at that moment.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.ids import decode_id
from sandbox.exchange.client import PASSWORD
from tests.scheduling.test_chat import on_domain
from tests.scheduling.test_public_pages import assert_tells_nothing, secrets_of
from tests.support.people import Person
from tests.support.world import World, problem

PROPOSALS = "/v1/time-proposals"
ISO = "%Y-%m-%dT%H:%M:%SZ"


async def propose(person: Person, page: dict[str, Any], times: dict[str, Any], **changes: Any) -> httpx.Response:
    key = changes.pop("key", None)
    body = {"page_id": page["id"], "duration_minutes": 30, "time_zone": "America/New_York", "times": times} | changes
    return await person.post(PROPOSALS, body, **({} if key is None else {"Idempotency-Key": key}))


async def proposed(person: Person, page: dict[str, Any], *starts: datetime, **changes: Any) -> dict[str, Any]:
    answer = await propose(person, page, named(*starts), **changes)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def named(*starts: datetime) -> dict[str, Any]:
    return {"kind": "given", "start_at": [start.isoformat() for start in starts]}


def chosen(count: int, **how: Any) -> dict[str, Any]:
    return {"kind": "chosen", "count": count, "spread_over_days": True} | how


async def shown(world: World, proposal: dict[str, Any]) -> dict[str, Any]:
    answer = await world.api.get(f"/v1/public/time-proposals/{proposal['id']}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def starts_of(proposal: dict[str, Any]) -> list[str]:
    return [time["start_at"] for time in proposal["times"]]


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(ISO)


async def test_r43_named_times_are_proposed_with_a_link_each_that_books_them(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    late, early = person.at(4, "15:00"), person.at(3, "10:00")
    answer = await propose(person, page, named(late, early))
    assert answer.status_code == 201, answer.text
    proposal = answer.json()
    assert answer.headers["Location"] == f"/v1/public/time-proposals/{proposal['id']}"
    assert starts_of(proposal) == [utc(early), utc(late)]
    assert [time["end_at"] for time in proposal["times"]] == [
        utc(start + timedelta(minutes=30)) for start in (early, late)
    ]
    for time in proposal["times"]:
        link, query = urlsplit(time["link"]), parse_qs(urlsplit(time["link"]).query)
        assert time["link"].partition("?")[0] == page["meeting_link"]
        assert query == {"start_at": [time["start_at"]], "duration_minutes": ["30"], "proposal": [proposal["id"]]}
        resolved = await world.api.get("/v1/public/resolve", params={"host": link.hostname, "path": link.path})
        page_id = resolved.json()["page_id"]
        booked = await person.book(page_id, query["start_at"][0], duration_minutes=int(query["duration_minutes"][0]))
        assert booked.status_code == 201, booked.text


async def test_r43_each_time_is_shown_as_it_is_now_with_the_nearest_when_it_is_taken(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    one, two = person.at(3, "10:00"), person.at(4, "15:00")
    proposal = await proposed(person, page, one, two)
    before = await shown(world, proposal)
    assert [(time["status"], time["nearest"]) for time in before["times"]] == [("open", []), ("open", [])]
    assert (before["status"], before["mode"], before["host_available"]) == ("open", "online", True)
    assert (await person.book(page["id"], one.isoformat())).status_code == 201
    after = await shown(world, proposal)
    assert [time["status"] for time in after["times"]] == ["taken", "open"]
    near = after["times"][0]["nearest"]
    offered = {slot["start_at"] for slot in await person.slots(page["id"], person.day(3), time_zone="UTC")}
    assert [item["start_at"] for item in near] == [utc(one + timedelta(minutes=minutes)) for minutes in (-60, -30, 30)]
    assert {item["start_at"].replace("Z", "+00:00") for item in near} <= offered


async def test_r43_an_event_in_the_calendar_takes_a_proposed_time(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00")
    proposal = await proposed(person, page, start)
    span = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + timedelta(hours=1)).isoformat()}}
    await world.sandbox.insert_google_event(person.email, {"summary": "Secret project"} | span)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    [time] = (await shown(world, proposal))["times"]
    assert time["status"] == "taken"
    secrets = await secrets_of(world, person)
    assert_tells_nothing(await shown(world, proposal), secrets, of="proposal")


async def test_r43_times_are_chosen_that_are_offered_and_spread_over_days(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    earliest = person.at(5, "00:00")
    answer = await propose(person, page, chosen(4, earliest=earliest.isoformat()), time_zone=person.time_zone)
    starts = [datetime.fromisoformat(start) for start in starts_of(answer.json())]
    local = [start.astimezone(earliest.tzinfo) for start in starts]
    assert [start.date() for start in local] == [person.day(5 + number) for number in range(4)]
    assert all(8 <= start.hour < 20 for start in local)
    offered = {
        datetime.fromisoformat(slot["start_at"])
        for slot in await person.slots(page["id"], person.day(5), person.day(9))
    }
    assert set(starts) <= offered


async def test_r43_what_is_busy_is_not_chosen(world: World) -> None:
    person = await world.connected()
    hours = [{"day": day, "start": "09:00", "end": "10:00"} for day in ("monday", "wednesday")]
    page = await person.make_page(weekly_hours=hours, booking_window={"kind": "rolling_days", "days": 13})
    slots = await person.slots(page["id"], person.day(0), person.day(13))
    assert (await person.book(page["id"], slots[0]["start_at"])).status_code == 201
    answer = (await propose(person, page, chosen(10))).json()
    assert [datetime.fromisoformat(start) for start in starts_of(answer)] == [
        datetime.fromisoformat(slot["start_at"]) for slot in slots[1:]
    ]
    for slot in slots[1:]:
        assert (await person.book(page["id"], slot["start_at"])).status_code == 201
    assert problem(await propose(person, page, chosen(1)), 409, "slot_unavailable")["alternatives"] == []


async def test_r43_a_time_stands_in_three_open_proposals_and_no_more(world: World) -> None:
    person = await world.connected()
    page, other = await person.make_page(), await person.make_page(name="Other", durations_minutes=[60])
    start = person.at(3, "10:00")
    for _ in range(3):
        await proposed(person, page, start)
    refused = problem(await propose(person, page, named(person.at(3, "12:00"), start)), 409, "slot_unavailable")
    assert [error["pointer"] for error in refused["errors"]] == ["/times/start_at/1"]
    assert "three" in refused["detail"]
    assert utc(start) not in [time["start_at"] for time in refused["alternatives"]]
    hour = named(person.at(3, "09:30"))  # by another page and of another length: it is the host's time
    problem(await propose(person, other, hour, duration_minutes=60), 409, "slot_unavailable")
    early = chosen(1, earliest=start.isoformat(), spread_over_days=False)
    assert starts_of((await propose(person, page, early, time_zone=person.time_zone)).json()) == [
        utc(start + timedelta(minutes=30))
    ]
    slots = [datetime.fromisoformat(slot["start_at"]) for slot in await person.slots(page["id"], person.day(3))]
    assert start in slots, "nothing is reserved"
    world.clock.offset += timedelta(days=7, minutes=1)
    await proposed(person, page, person.at(12, "10:00"))
    assert len(await world.rows("SELECT FROM time_proposals")) == 5


async def test_r43_old_proposals_make_room_for_new_ones(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(20, "10:00")
    for _ in range(3):
        proposal = await proposed(person, page, start)
    assert datetime.fromisoformat(proposal["expires_at"]) - datetime.fromisoformat(proposal["created_at"]) == timedelta(
        days=7
    )
    problem(await propose(person, page, named(start)), 409, "slot_unavailable")
    world.clock.offset += timedelta(days=7, minutes=1)
    await proposed(person, page, start)
    late = await shown(world, proposal)
    assert (late["status"], late["times"][0]["status"]) == ("expired", "open"), "an old link is still good"


async def test_r43_a_proposal_is_open_until_its_last_time_at_most(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    proposal = await proposed(person, page, person.at(2, "10:00"), person.at(1, "10:00"))
    assert proposal["expires_at"] == utc(person.at(2, "10:00"))


async def test_r43_proposals_long_gone_are_forgotten_and_so_are_their_links(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    old = await proposed(person, page, person.at(3, "10:00"))
    world.clock.offset += timedelta(days=34)
    assert (await shown(world, old))["status"] == "expired"
    await person.refresh_token()
    await proposed(person, page, person.at(40, "10:00"))
    account_id = decode_id("acct", person.account_id)
    await world.services.pruner.run(account_id, account_id)
    problem(await world.api.get(f"/v1/public/time-proposals/{old['id']}"), 404, "not_found")
    assert len(await world.rows("SELECT FROM directory WHERE kind = 'time_proposal'")) == 1


async def test_r43_of_many_at_once_three_name_the_time(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    answers = await asyncio.gather(*(propose(person, page, named(person.at(3, "10:00"))) for _ in range(12)))
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 9}


async def test_r43_a_repeated_request_makes_one_proposal(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    times = named(person.at(3, "10:00"))
    first = await propose(person, page, times, key="one")
    again = await propose(person, page, times, key="one")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert len(await world.rows("SELECT FROM time_proposals")) == 1
    problem(await propose(person, page, chosen(1), key="one"), 422, "idempotency_key_reused")


async def test_r43_only_offered_times_are_proposed_and_the_refusal_says_which_are_not(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(minimum_notice_minutes=60)
    soon, taken, far = person.at(0, "00:00"), person.at(3, "10:00"), person.at(62, "10:00")
    await person.book(page["id"], taken.isoformat())
    refused = problem(
        await propose(person, page, named(person.at(3, "12:00"), taken, person.at(3, "12:15"))),
        422,
        "validation_failed",
    )
    assert [error["pointer"] for error in refused["errors"]] == ["/times/start_at/2"], "they overlap"
    refused = problem(await propose(person, page, named(person.at(3, "12:00"), taken)), 409, "slot_unavailable")
    assert [error["pointer"] for error in refused["errors"]] == ["/times/start_at/1"]
    assert len(refused["alternatives"]) == 5
    for outside in (soon, far, far + timedelta(days=9000)):
        refused = problem(await propose(person, page, named(taken, outside)), 422, "outside_booking_window")
        assert [error["pointer"] for error in refused["errors"]] == ["/times/start_at/1"]
    refused = problem(await propose(person, page, named(person.at(3, "12:07"))), 409, "slot_unavailable")
    odd = person.at(3, "12:00") + timedelta(microseconds=1)
    problem(await propose(person, page, named(odd)), 422, "validation_failed")


async def test_r43_bad_requests_are_refused(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    times = named(person.at(3, "10:00"))
    refused = problem(await propose(person, page, times, duration_minutes=45), 422, "validation_failed")
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [("/duration_minutes", "not_allowed")]
    problem(await propose(person, page, times, time_zone="Mars/Olympus"), 422, "time_zone_unknown")
    problem(await propose(person, page, named()), 422, "validation_failed")
    eleven = [person.at(3, "00:00") + timedelta(minutes=30 * number) for number in range(11)]
    problem(await propose(person, page, named(*eleven)), 422, "validation_failed")
    problem(await propose(person, page, chosen(11)), 422, "validation_failed")
    problem(await propose(person, page, chosen(1, earliest="9999-12-31T23:59:59+14:00")), 422, "outside_booking_window")
    problem(
        await propose(person, page, {"kind": "given", "start_at": ["2026-12-01T10:00:00"]}), 422, "validation_failed"
    )
    problem(await propose(person, page, {"kind": "guessed"}), 422, "validation_failed")
    problem(await world.api.post(PROPOSALS, json={}), 401, "unauthenticated")


async def test_r53_nobody_proposes_times_of_somebody_elses_page(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    colleague = await world.connected(account_id=person.account_id)
    stranger = await world.connected()
    for other in (colleague, stranger):
        problem(await propose(other, page, chosen(1)), 404, "not_found")
    service = await world.service(person.account_id)
    problem(await propose(service, page, chosen(1)), 403, "forbidden")
    start = person.at(3, "10:00")
    own = await colleague.make_page(name="Own")
    for _ in range(3):
        await proposed(person, page, start)
    await proposed(colleague, own, start)


async def test_r43_without_a_calendar_no_times_are_proposed(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    refused = problem(await propose(person, page, chosen(1)), 409, "calendar_not_connected")
    assert refused["capability"] == "proposed_times"


async def test_r24_times_of_an_exchange_calendar_are_not_proposed(world: World) -> None:
    person = await world.person()
    await world.sandbox.exchange.account(person.email)
    assert (await person.connect_with_password(PASSWORD)).status_code == 201
    await world.work()
    page = await person.make_page()
    refused = problem(await propose(person, page, chosen(1)), 409, "capability_not_supported")
    assert (refused["capability"], refused["reason"]) == ("proposed_times", "provider_unsupported")
    assert refused["detail"] == (
        "This is not available with this calendar. Connect a Google or Office 365 calendar to use it."
    )


async def test_r43_office_365_times_are_proposed(world: World) -> None:
    person = await world.person()
    await world.sandbox.microsoft.account(person.email)
    await person.connect("office365")
    await world.work()
    page = await person.make_page()
    assert len(starts_of((await propose(person, page, chosen(3))).json())) == 3


async def test_r43_a_connection_that_stopped_working_is_healed_first(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    proposal = await proposed(person, page, person.at(3, "10:00"))
    await world.rows("UPDATE connections SET status = 'reauthorization_required'")
    problem(await propose(person, page, chosen(1)), 409, "calendar_not_connected")
    now = await shown(world, proposal)
    assert (now["host_available"], now["times"][0]["status"], now["times"][0]["nearest"]) == (False, "taken", [])


async def test_r30_nothing_is_proposed_while_a_calendar_cannot_be_read(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost'")
    problem(await propose(person, page, chosen(1)), 409, "booking_unavailable")


async def test_r41_proposals_of_pages_turned_off_or_deleted_are_gone_from_sight(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.make_page(name="Stays")
    proposal = await proposed(person, page, person.at(3, "10:00"))
    path = f"/v1/public/time-proposals/{proposal['id']}"
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await world.api.get(path), 404, "page_turned_off")
    problem(await propose(person, page, chosen(1)), 404, "page_turned_off")
    await person.patch("/v1/calendar-settings", {"turned_off": False})
    assert (await world.api.get(path)).status_code == 200
    await world.rows("UPDATE scheduling_pages SET deleted_at = now() WHERE name = 'Intro call'")
    problem(await world.api.get(path), 404, "not_found")
    problem(await world.api.get("/v1/public/time-proposals/prop_01k9qj5v3mfb9t2z8h4c6x7wdn"), 404, "not_found")


async def test_r43_a_duration_the_page_gave_up_is_not_open_any_more(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    proposal = await proposed(person, page, person.at(3, "10:00"))
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"durations_minutes": [45]})
    [time] = (await shown(world, proposal))["times"]
    assert (time["status"], time["nearest"]) == ("taken", [])


async def test_r37_the_links_are_on_the_persons_domain(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.get("/v1/calendar-settings")
    await on_domain(world, person)
    proposal = await proposed(person, page, person.at(3, "10:00"))
    base = f"https://meet.example.com/meetings/{page['slug']}"
    assert proposal["times"][0]["link"].startswith(f"{base}?start_at=")
    assert f'"{base}"' in proposal["html"]
    assert proposal["text"].endswith(f": {base}\n")


class Links(HTMLParser):
    """The links of a fragment by their texts."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self.feed(fragment)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"div", "p", "ul", "li", "a"}
        self._href = dict(attrs).get("href")

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.found.append((data, self._href))
            self._href = None


INTROS = {
    "en": ("These times would suit me", "Choose another time"),
    "sv": ("De här tiderna passar mig", "Välj en annan tid"),
    "de": ("Diese Termine passen mir", "Anderen Termin wählen"),
    "it": ("Questi orari mi andrebbero bene", "Scegli un altro orario"),
    "pl": ("Te terminy mi odpowiadają", "Wybierz inny termin"),
}


@pytest.mark.parametrize("language", INTROS)
async def test_r51_the_texts_are_in_the_pages_language_and_the_recipients_zone(world: World, language: str) -> None:
    person = await world.connected()
    page = await person.make_page(language=language)
    proposal = await proposed(person, page, person.at(3, "20:00"), person.at(4, "20:00"), time_zone="Asia/Tokyo")
    intro, other = INTROS[language]
    fragment, lines = Links(proposal["html"]), proposal["text"].splitlines()
    assert proposal["language"] == language
    assert proposal["html"].startswith(f'<div lang="{language}"><p>{intro}')
    assert lines[0].startswith(intro)
    assert lines[-1] == f"{other}: {page['meeting_link']}"
    assert [link for _, link in fragment.found] == [
        *(time["link"] for time in proposal["times"]),
        page["meeting_link"],
    ]
    assert [line.strip() for line in lines if "proposal=" in line] == [time["link"] for time in proposal["times"]]
    assert [text for text, _ in fragment.found[:-1]] == [line[2:] for line in lines if line.startswith("- ")]
    start = datetime.fromisoformat(proposal["times"][0]["start_at"])
    tokyo = start + timedelta(hours=9)
    assert str(tokyo.year) in fragment.found[0][0]
    assert f"{tokyo.hour}" in fragment.found[0][0]
    assert tokyo.hour in {3, 4}, "the next day, far from the host's evening"


async def test_p4_a_proposal_knows_no_recipient_and_the_log_who_made_it(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await proposed(person, page, person.at(3, "10:00"))
    [entry] = await world.rows("SELECT actor, data::text FROM audit_entries WHERE action = 'time_proposal.created'")
    assert entry["actor"].startswith("user:")
    assert entry["data"] == "{}"
