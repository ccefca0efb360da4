"""What one user of an account owns: one thing of each kind that a call can name, made through the API.

The one rule: everything is real. The calendar is connected at the provider, the booking has its event, its drift entry
comes from a hand that moved it.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from app.accounts.principal import Permission
from app.ids import encode_id, new_id
from sandbox.exchange.client import PASSWORD
from tests.authorisation import rules
from tests.support.domains import Web
from tests.support.people import Person
from tests.support.visitors import our_events, visit
from tests.support.world import World

ALL_RIGHTS = sorted(Permission)
_FORM = [{"id": "company", "label": "Company", "kind": "text", "required": False}]


@dataclass(slots=True)
class Estate:
    """A user, who helps them, and what is theirs."""

    name: str
    web: Web
    owner: Person
    """With every permission there is."""
    exchange: Person
    """A colleague whose calendar is at Exchange, and member of the owner's pages."""
    newcomer: Person
    """A colleague who has connected nothing yet."""
    service: Person
    """The account's service token, with every permission."""
    things: dict[str, str] = field(default_factory=dict)
    """An id by its prefix, or by the parameter's name where it is no TypeID."""
    tokens: dict[str, str] = field(default_factory=dict)
    """What opens a booking, a request, a hold, a form, by the same."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """What the colleagues say when they connect."""

    @property
    def world(self) -> World:
        return self.web.world

    def person(self, role: str) -> Person:
        """Whoever plays this part."""
        people = {"owner": self.owner, "exchange": self.exchange, "newcomer": self.newcomer, "service": self.service}
        return people[role]

    def secrets(self) -> set[str]:
        """What nobody else may read: the ids of everything, and what opens it."""
        shown = {"provider", "slug"}
        return {value for name, value in self.things.items() if name not in shown} | set(self.tokens.values())

    def shared(self, other: "Estate") -> set[str]:
        """What of this is the other's as well: what is the account's."""
        same = self.owner.account_id == other.owner.account_id
        return {self.things[kind] for kind in (*rules.OF_THE_ACCOUNT, "host")} if same else set()


async def build_estate(web: Web, name: str, account_id: str | None = None, *, whole: bool = False) -> Estate:
    """Everything of one user; `account_id`: in the account of somebody else.

    `whole`: also what is only ever reached for, a connection to Exchange and a drift entry.
    """
    owner = await web.person(**_of(account_id), permissions=ALL_RIGHTS, email=f"{name}@estate.example.com")
    account = owner.account_id
    exchange = await web.person(account_id=account, email=f"{name}-exchange@estate.example.com")
    newcomer = await web.person(account_id=account, email=f"{name}-new@estate.example.com")
    service = await web.person(account_id=account)
    await service.refresh_token(service=True, sub="service:crm", permissions=ALL_RIGHTS)
    estate = Estate(name, web, owner, exchange, newcomer, service)
    for person in (owner, exchange, newcomer):
        assert (await person.get("/v1/me")).status_code == 200
    await _before_connecting(estate)
    await _connect(estate)
    await _pages(estate)
    await _made_by_visitors(estate)
    await _records(estate)
    await _domain_and_forms(estate)
    if whole:
        await _connect_exchange(estate)
        await _drift(estate)
    else:
        estate.things |= {"exchange connection": owner.connection_id, "drift": encode_id("drift", new_id())}
    return estate


def _of(account_id: str | None) -> dict[str, str]:
    return {} if account_id is None else {"account_id": account_id}


def made(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """What was made. A world that cannot be built is a failure."""
    assert answer.status_code in (statuses or (200, 201)), f"{answer.request.url}: {answer.text}"
    body: dict[str, Any] = answer.json()
    return body


async def _before_connecting(estate: Estate) -> None:
    """A page without a calendar takes requests."""
    page = await estate.owner.make_page(form_fields=_FORM, name="Asked", slug=f"{estate.name}-asked")
    asked = made(await estate.owner.book(page["id"], estate.owner.at(20, "09:00").isoformat()), 202)
    estate.things["mreq"], estate.tokens["mreq"] = asked["id"], asked["booking_token"]
    other = made(
        await estate.owner.book(page["id"], estate.owner.at(21, "09:00").isoformat(), email="o@x.example"), 202
    )
    estate.things["other request"], estate.tokens["other request"] = other["id"], other["booking_token"]


async def _connect(estate: Estate) -> None:
    owner, sandbox = estate.owner, estate.world.sandbox
    await sandbox.google_account(owner.email, time_zone=owner.time_zone)
    second = await sandbox.google_calendar(owner.email, "Second")
    started = made(await owner.start_connecting())
    estate.things["auth"] = started["id"]
    assert (await owner.consent(started["authorization_url"])).status_code == 303
    done = made(await owner.get(f"/v1/connection-authorizations/{started['id']}"))
    estate.things["conn"] = owner.connection_id = done["connection_id"]
    await estate.world.work()
    calendars = made(await owner.get(f"/v1/connections/{owner.connection_id}/calendars"))["items"]
    estate.things["cal"] = next(item["id"] for item in calendars if item["name"] == second["summary"])
    estate.things["primary"] = next(item["id"] for item in calendars if item["name"] != second["summary"])
    chosen = {"availability_calendar_ids": [item["id"] for item in calendars], "task_sync": True}
    made(await owner.patch("/v1/calendar-settings", chosen))
    await estate.world.work()
    estate.things["inb"] = made(await owner.get("/v1/inboxes"))["items"][0]["id"]
    estate.bodies["signing in"] = await _signing_in(estate)


async def _connect_exchange(estate: Estate) -> None:
    sandbox, zone = estate.world.sandbox, estate.owner.time_zone
    for person in (estate.exchange, estate.newcomer):
        await sandbox.exchange.account(person.email, time_zone=zone)
    made(await estate.exchange.connect_with_password(PASSWORD))
    estate.things["exchange connection"] = estate.exchange.connection_id
    await estate.world.work()


async def _signing_in(estate: Estate) -> dict[str, Any]:
    where = await estate.world.sandbox.addresses()
    version = made(await estate.newcomer.get("/v1/providers/exchange/disclosure"))["version"]
    server = {"ews_url": where["ews_url"], "certificate": where["ews_authority_pem"]}
    who = {"email": estate.newcomer.email, "username": estate.newcomer.email, "password": PASSWORD}
    return {"client": "web", "disclosure_version": version, **server, **who}


async def _pages(estate: Estate) -> None:
    owner = estate.owner
    page = await owner.make_page(form_fields=_FORM, slug=f"{estate.name}-intro")
    estate.things |= {"page": page["id"], "acct": owner.account_id, "slug": f"{estate.name}-free", "provider": "google"}
    estate.things["slug path"] = f"/meetings/{page['slug']}"
    for kind in ("group", "round_robin"):
        members = [estate.exchange.user_id]
        team = await owner.make_page(type=kind, member_ids=members, name=kind, slug=f"{estate.name}-{kind[:5]}")
        estate.things[kind] = team["id"]
    estate.things["usr"] = estate.exchange.user_id
    profile = {"chat_profile": {"enabled": True, "page_id": page["id"]}, "drift_policies": {"moved": "ask"}}
    saved = made(await owner.patch("/v1/calendar-settings", profile))
    estate.things["widget_key"] = saved["chat_profile"]["widget_key"]


async def _made_by_visitors(estate: Estate) -> None:
    owner, page = estate.owner, {"id": estate.things["page"]}
    for name, day in (("bkg", 3), ("other booking", 4), ("drifting", 5)):
        booking = await visit(owner, page, owner.at(day, "09:00"), email=f"{day}@visitor.example.com")
        estate.things[name], estate.tokens[name] = booking.id, booking.token
        if name == "other booking":
            assert (await booking.cancel()).status_code == 200
    wish = {"start_at": owner.at(6, "09:00").isoformat(), "duration_minutes": 30}
    path = f"/v1/public/scheduling-pages/{page['id']}/holds"
    hold = made(await estate.world.api.post(path, json=wish))
    estate.things["hold"], estate.tokens["hold"] = hold["id"], hold["token"]
    estate.bodies["held"] = wish
    times = {"kind": "given", "start_at": [owner.at(7, "09:00").isoformat()]}
    offer = {"page_id": page["id"], "duration_minutes": 30, "time_zone": owner.time_zone, "times": times}
    estate.things["prop"] = made(await owner.post("/v1/time-proposals", offer))["id"]


async def _records(estate: Estate) -> None:
    owner = estate.owner
    known = {"email": f"contact-of-{estate.name}@example.com", "name": "Known"}
    estate.things["cont"] = contact = made(await owner.post("/v1/contacts", known))["id"]
    start = owner.at(8, "09:00")
    span = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=30)).isoformat()}
    meeting = {"title": "Kick-off", "time_zone": owner.time_zone, **span}
    estate.things["eng"] = made(await owner.post(f"/v1/contacts/{contact}/meetings", meeting))["id"]
    task = {"title": "Call back", "due_at": start.isoformat(), "contact_id": contact}
    estate.things["task"] = made(await owner.post("/v1/tasks", task))["id"]
    # One of Exchange's person, too, so that a user who leaves has left something.
    made(await estate.exchange.post("/v1/tasks", task | {"contact_id": None}))


async def _domain_and_forms(estate: Estate) -> None:
    domain = await estate.web.connected(estate.owner, f"meet-{estate.name}.example.com")
    estate.things |= {"dom": domain["id"], "host": domain["host"]}
    said = {"email": "known@visitor.example.com", "answers": {"company": "Example"}}
    submitted = made(await estate.service.post("/v1/form-submissions", said))
    estate.tokens["form"] = submitted["visitor_token"]
    endpoint = made(await estate.service.post("/v1/webhook-endpoints", {"url": "https://127.0.0.1:9443/events"}))
    estate.things["whe"], estate.tokens["whe"] = endpoint["id"], endpoint["secret"]


async def _drift(estate: Estate) -> None:
    """The host drags an event, and wants to be asked about it."""
    world, owner = estate.world, estate.owner
    await world.work()
    drifting = made(await owner.get(f"/v1/bookings/{estate.things['drifting']}"))
    event = next(
        item
        for item in await our_events(world, owner)
        if item["start"]["dateTime"][:16] == owner.at(5, "09:00").isoformat()[:16]
    )
    later, end = owner.at(5, "13:00"), owner.at(5, "13:30")
    times = {"start": {"dateTime": later.isoformat()}, "end": {"dateTime": end.isoformat()}}
    await world.sandbox.patch_google_event(owner.email, event["id"], times)
    made(await owner.post(f"/v1/connections/{owner.connection_id}/sync"), 202)
    await world.work()
    [entry] = made(await owner.get("/v1/drift-entries", booking_id=drifting["id"]))["items"]
    estate.things["drift"] = entry["id"]
