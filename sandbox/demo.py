"""`make demo`: the main job, once per provider, through the public HTTP API, on real wire protocols.

It prints one JSON object per step.

The rule: every step checks what it prints. The first thing that is not so ends the demo with its name and exit code 1.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx

from sandbox.client import Sandbox
from sandbox.houses import HOUSES, ExchangeHouse, House
from sandbox.stack import Stack

Json = dict[str, Any]
HOST_ZONE, VISITOR_ZONE = "Europe/Stockholm", "America/New_York"
OPEN_DAYS = 14
PATIENCE = 30.0  # seconds: how long a thing that happens in the background may take


class DemoError(Exception):
    """Something is not as the step says."""


def expect(truth: object, what: str) -> None:
    """Raises DemoError, naming what should have been so."""
    if not truth:
        raise DemoError(what)


@dataclass
class Demo:
    """One journey at one provider, step by step; what a step learns is kept for the next."""

    api: httpx.AsyncClient
    sandbox: Sandbox
    house: House
    host: dict[str, str] = field(default_factory=dict)
    connection_id: str = ""
    page_id: str = ""
    slots: list[Json] = field(default_factory=list)
    booking: Json = field(default_factory=dict)

    @property
    def visitor(self) -> str:
        """Whoever books at this provider."""
        return f"vera.{self.house.provider}@example.com"

    async def run(self) -> bool:
        """Every step in order; whether all went well."""
        for number, step in enumerate(STEPS, start=1):
            began = time.perf_counter()
            line: Json = {"provider": self.house.provider, "step": number, "name": step.__name__}
            try:
                line |= {"ok": True, **await step(self)}
            except (DemoError, httpx.HTTPError, KeyError, TimeoutError) as error:
                print(json.dumps(line | {"ok": False, "error": f"{type(error).__name__}: {error}"}), flush=True)
                return False
            print(json.dumps(line | {"seconds": round(time.perf_counter() - began, 2)}, ensure_ascii=False), flush=True)
        return True

    async def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A call that must answer this status."""
        answer = await self.api.request(method, path, json=body, headers=headers)
        expect(answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer


async def eventually(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `look` finds, once it finds something. Raises DemoError."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(0.1)
    raise DemoError(f"within {PATIENCE:.0f} s: {what}")


async def prepare_a_busy_calendar(demo: Demo) -> Json:
    """A person with a real working life at the provider, and a token of the CRM."""
    kinds = await demo.house.furnish(datetime.now(UTC).date())
    token = await demo.sandbox.issue_token(
        email=demo.house.email,
        permissions=["personal_email_access"],
        seats=[{"product": "sales_hub", "tier": "professional"}],
        locale="sv",
        zoneinfo=HOST_ZONE,
    )
    demo.host = {"Authorization": f"Bearer {token}"}
    expect(sum(kinds.values()) >= 400, "400 events")
    return {"events": sum(kinds.values()), "kinds": kinds}


async def read_and_accept_the_disclosure(demo: Demo) -> Json:
    """R5: nothing is connected before the person has read what will be read."""
    disclosure = await _disclosure(demo)
    path, body = await _connecting(demo, "1999-01-01")
    refused = await demo.call("POST", path, body, status=422, headers=demo.host)
    expect(refused.json()["code"] == "disclosure_not_accepted", "an old disclosure is refused")
    return {"version": disclosure["version"], "title": disclosure["title"]}


async def connect(demo: Demo) -> Json:
    """OAuth as a browser does it (our authorization, the consent page, back to us, the dashboard), or a password."""
    path, body = await _connecting(demo, (await _disclosure(demo))["version"])
    started = (await demo.call("POST", path, body, status=201, headers=demo.host)).json()
    if isinstance(demo.house, ExchangeHouse):
        demo.connection_id = started["id"]
        expect("password" not in json.dumps(started), "the password is never told again")
        return {"connection_id": demo.connection_id, "returned_to": started["return_url"]}
    callback = await demo.sandbox.consent(started["authorization_url"], email=demo.house.email)
    returned = await demo.call("GET", urlsplit(callback)._replace(scheme="", netloc="").geturl(), status=303)
    result = parse_qs(urlsplit(returned.headers["Location"]).query)
    expect(result["status"] == ["completed"], f"connected: {result}")
    demo.connection_id = result["connection_id"][0]
    return {"connection_id": demo.connection_id, "returned_to": returned.headers["Location"].split("?")[0]}


async def _disclosure(demo: Demo) -> Json:
    path = f"/v1/providers/{demo.house.provider}/disclosure"
    disclosure: Json = (await demo.call("GET", path, headers=demo.host)).json()
    return disclosure


async def _connecting(demo: Demo, version: str) -> tuple[str, Json]:
    """Where to ask for a connection, and with what."""
    body: Json = {"provider": demo.house.provider, "client": "web", "disclosure_version": version}
    if isinstance(demo.house, ExchangeHouse):
        return "/v1/connections", body | await demo.house.credentials()
    return "/v1/connection-authorizations", body | {"login_hint": demo.house.email}


async def wait_for_the_first_sync(demo: Demo) -> Json:
    """The worker mirrors the calendar; its state is readable."""

    async def synced() -> Json | None:
        sync = (await demo.call("GET", f"/v1/connections/{demo.connection_id}/sync", headers=demo.host)).json()
        calendar: Json = sync["calendars"][0]
        return calendar if calendar["last_success_at"] else None

    calendar = await eventually(synced, "the calendar is synced")
    return {"state": calendar["state"], "lag_seconds": calendar["lag_seconds"]}


async def make_a_scheduling_page(demo: Demo) -> Json:
    """A page with half-hour meetings on working days."""
    body = {
        "type": "personal",
        "name": "Introduktion",
        "time_zone": HOST_ZONE,
        "durations_minutes": [30],
        "increment_minutes": 30,
        "minimum_notice_minutes": 60,
        "language": "sv",
        "form_fields": [{"id": "company", "label": "Företag", "kind": "text", "required": True}],
    }
    page = (await demo.call("POST", "/v1/scheduling-pages", body, status=201, headers=demo.host)).json()
    demo.page_id = page["id"]
    expect(page["mode"] == "online", "the page is online")
    return {"page_id": page["id"], "meeting_link": page["meeting_link"]}


async def list_slots_that_avoid_every_busy_time(demo: Demo) -> Json:
    """What is offered is held against what really stands in the calendar in the same weeks."""
    demo.slots = await _slots(demo)
    busy = await demo.house.busy(_today(), OPEN_DAYS + 2)
    for slot in demo.slots:
        start, end = (datetime.fromisoformat(slot[name]) for name in ("start_at", "end_at"))
        clash = next((span for span in busy if span[0] < end and start < span[1]), None)
        expect(clash is None, f"{slot['start_at']} is free")
    expect(len(demo.slots) > 3, "there are slots")
    return {"slots": len(demo.slots), "busy_spans": len(busy), "first": demo.slots[0]["start_at"]}


async def _slots(demo: Demo) -> list[Json]:
    query = {
        "time_zone": VISITOR_ZONE,
        "first_day": _today().isoformat(),
        "last_day": (_today() + timedelta(days=OPEN_DAYS)).isoformat(),
        "duration_minutes": "30",
    }
    path = f"/v1/public/scheduling-pages/{demo.page_id}/slots"
    answer = await demo.call("GET", f"{path}?{httpx.QueryParams(query)}")
    items: list[Json] = answer.json()["items"]
    return items


def _today() -> date:
    return datetime.now(ZoneInfo(VISITOR_ZONE)).date()


async def book_a_slot(demo: Demo) -> Json:
    """A visitor in New York books; the same request repeated with its key books nothing more."""
    key = {"Idempotency-Key": "demo-booking-1"}
    body = _wish(demo, demo.slots[2]["start_at"])
    path = f"/v1/public/scheduling-pages/{demo.page_id}/bookings"
    demo.booking = (await demo.call("POST", path, body, status=201, headers=key)).json()
    again = await demo.call("POST", path, body, status=201, headers=key)
    expect(again.json()["id"] == demo.booking["id"], "the repeat is the same booking")
    expect(again.headers["Idempotent-Replayed"] == "true", "the repeat says so")
    return {"booking_id": demo.booking["id"], "start_at": demo.booking["start_at"]}


def _wish(demo: Demo, start_at: str) -> Json:
    return {
        "start_at": start_at,
        "duration_minutes": 30,
        "name": "Vera Visitor",
        "email": demo.visitor,
        "time_zone": VISITOR_ZONE,
        "language": "en",
        "answers": {"company": "Example Ltd"},
    }


async def find_the_event_in_the_calendar_exactly_once(demo: Demo) -> Json:
    """R46: one event, on the primary calendar, at the booked time."""

    async def written() -> bool:
        booking = (await demo.call("GET", f"/v1/bookings/{demo.booking['id']}", headers=demo.host)).json()
        return bool(booking["calendar_event"]["status"] == "written")

    await eventually(written, "the event is written")
    events = await demo.house.ours()
    expect(len(events) == 1, f"exactly one event, not {len(events)}")
    expect(events[0].start == datetime.fromisoformat(demo.booking["start_at"]), "it is at the booked time")
    return {"event_id": events[0].id, "title": events[0].title}


async def find_the_invitation_in_the_mail(demo: Demo) -> Json:
    """R49: one invitation per visitor, ours or the provider's; the host is told."""
    mail = await demo.sandbox.wait_for_mail(demo.visitor, timeout_seconds=PATIENCE)
    host = await demo.sandbox.wait_for_mail(demo.house.email, timeout_seconds=PATIENCE)
    told = {"to_visitor": mail["subject"], "to_host": host["subject"]}
    if demo.house.invites:
        expect(mail["calendar"] is None, "our mail carries no second invitation")
        theirs = await demo.sandbox.microsoft.outbox(to=demo.visitor)
        expect(len(theirs) == 1, f"the provider invites once: {theirs}")
        return {**told, "invitation": "the provider's"}
    expect(mail["calendar"] and mail["calendar"]["method"] == "REQUEST", "the mail carries an invitation")
    own = await demo.house.ours()
    expect(own[0].uid in mail["calendar"]["content"].replace("\r\n ", ""), "with the event's UID")
    return {**told, "invitation": "ours"}


async def refuse_a_second_booking_with_alternatives(demo: Demo) -> Json:
    """R45: the slot is gone; the answer says what is still to be had."""
    path = f"/v1/public/scheduling-pages/{demo.page_id}/bookings"
    refused = (await demo.call("POST", path, _wish(demo, demo.booking["start_at"]), status=409)).json()
    expect(refused["code"] == "slot_unavailable", "the code says so")
    expect(refused["alternatives"], "there are alternatives")
    return {"code": refused["code"], "alternatives": len(refused["alternatives"])}


def _token(demo: Demo) -> dict[str, str]:
    return {"Booking-Token": demo.booking["booking_token"]}


async def reschedule_by_the_visitors_link(demo: Demo) -> Json:
    """R47: the same booking, the same event, another time; R24: not where the provider's events stay as they are."""
    later = demo.slots[-1]["start_at"]
    path = f"/v1/public/bookings/{demo.booking['id']}/reschedule"
    if not demo.house.changes:
        return await _refused(demo, path, {"start_at": later})
    before = (await demo.house.ours())[0].id
    moved = (await demo.call("POST", path, {"start_at": later}, headers=_token(demo))).json()

    async def there() -> bool:
        events = await demo.house.ours()
        return [(event.id, event.start) for event in events] == [(before, datetime.fromisoformat(later))]

    await eventually(there, "the one event has moved")
    mail = await _nth_mail(demo, 2)
    return {"start_at": moved["start_at"], "event_id": before, "mail": mail["subject"]}


async def cancel_by_the_visitors_link(demo: Demo) -> Json:
    """The event is gone, the invitation is withdrawn, the time is offered again."""
    path = f"/v1/public/bookings/{demo.booking['id']}/cancel"
    body = {"reason": "Something came up"}
    if not demo.house.changes:
        return await _refused(demo, path, body)
    cancelled = (await demo.call("POST", path, body, headers=_token(demo))).json()
    expect(cancelled["status"] == "cancelled", "the booking is cancelled")

    async def gone() -> bool:
        return not await demo.house.ours()

    await eventually(gone, "the event is gone")
    mail = await _nth_mail(demo, 3)
    if not demo.house.invites:
        expect(mail["calendar"] and mail["calendar"]["method"] == "CANCEL", "the mail withdraws the invitation")
    offered = {datetime.fromisoformat(slot["start_at"]) for slot in await _slots(demo)}
    expect(datetime.fromisoformat(cancelled["start_at"]) in offered, "the time is offered again")
    return {"status": cancelled["status"], "mail": mail["subject"], "offered_again": cancelled["start_at"]}


async def _refused(demo: Demo, path: str, body: Json) -> Json:
    """R24: the refusal names what is missing, and where."""
    refused = (await demo.call("POST", path, body, status=409, headers=_token(demo))).json()
    expect(refused["code"] == "capability_not_supported", "the code says so")
    return {name: refused[name] for name in ("code", "capability", "provider")}


async def _nth_mail(demo: Demo, count: int) -> Json:
    async def arrived() -> Json | None:
        mails = await demo.sandbox.mails(demo.visitor)
        return mails[count - 1] if len(mails) >= count else None

    mail: Json = await eventually(arrived, f"mail {count} to the visitor")
    return mail


async def count_what_the_provider_saw(demo: Demo) -> Json:
    """The ledger of the other side: one event made, and of ours nothing but what was asked for."""
    writes = await demo.house.writes()
    expect(writes.count("insert") == 1, f"one event made: {writes}")
    if demo.house.changes:
        expect(writes[-1] in {"delete", "cancel"}, f"and taken away: {writes}")
    return {"writes": writes}


STEPS: tuple[Callable[[Demo], Awaitable[Json]], ...] = (
    prepare_a_busy_calendar,
    read_and_accept_the_disclosure,
    connect,
    wait_for_the_first_sync,
    make_a_scheduling_page,
    list_slots_that_avoid_every_busy_time,
    book_a_slot,
    find_the_event_in_the_calendar_exactly_once,
    find_the_invitation_in_the_mail,
    refuse_a_second_booking_with_alternatives,
    reschedule_by_the_visitors_link,
    cancel_by_the_visitors_link,
    count_what_the_provider_saw,
)


async def demo() -> int:
    """Start everything on free ports, go through the journey, stop everything. Returns the exit code."""
    async with (
        Stack() as stack,
        Sandbox(stack.sandbox_url) as sandbox,
        httpx.AsyncClient(base_url=stack.api_url, timeout=30) as api,
    ):
        ok = all([await Demo(api, sandbox, house(sandbox)).run() for house in HOUSES])
    print(f"demo: {'ok' if ok else 'failed'}", flush=True)
    return 0 if ok else 1
