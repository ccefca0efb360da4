"""Who calls in the fuzz battery, and the ids they know: so that not every call ends at an id that nobody has.

The one rule: ids come from answers of the API and are given to a parameter by its name; a parameter that nobody has an
id for is left to chance.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import schemathesis

from prove.stage import Stage, StageError
from sandbox.demo_journey import HOST_ZONE, Host
from sandbox.identity import new_id

Json = dict[str, Any]
Case = schemathesis.Case[Any]
RIGHTS: Final = (
    "personal_email_access",
    "users:write",
    "audit:read",
    "events:read",
    "forms:write",
    "bookings:write",
    "webhooks:write",
    "account:export",
)
"""Every permission but that to erase the account: it would be gone before the others are done."""
_BY_SERVICES: Final = ("Webhooks", "Users", "Events", "Forms")
"""The tags of what people may not do."""
_BOUGHT: Final = [{"product": "sales_hub", "tier": "professional"}]
_MOSTLY: Final = 0.8


@dataclass(slots=True)
class World:
    """Tokens, and a pool of values for each parameter."""

    person: dict[str, str]
    service: dict[str, str]
    known: dict[str, list[str]] = field(default_factory=dict)
    """Values by the parameter's name."""
    tokens: dict[str, str] = field(default_factory=dict)
    """By the id of the booking, request or hold that they open."""
    said: dict[str, list[Any]] = field(default_factory=dict)
    """Values for a property of a body, or for a parameter of a query, by its name."""

    def learn(self, name: str, *values: str) -> None:
        self.known.setdefault(name, []).extend(values)

    def some(self, name: str, chance: random.Random) -> str | None:
        """One of the values; None when there are none."""
        values = self.known.get(name)
        return chance.choice(values) if values else None


@dataclass(slots=True)
class Caller:
    """Puts what the world knows into calls that were drawn."""

    world: World
    chance: random.Random

    def dressed(self, case: Case, *, true: bool) -> dict[str, str]:
        """Have the call name what is there, mostly, and never wait. Returns the headers of who makes it."""
        for parameter in case.path_parameters or {}:
            value = self.world.some(self._pool(parameter, case.path), self.chance)
            if value is not None and self.chance.random() < _MOSTLY:
                case.path_parameters[parameter] = value
        if case.query and "wait_seconds" in case.query:
            case.query["wait_seconds"] = 0
        if true:
            self._fill(case.query)
            self._fill(case.body)
        return self._headers(case) | (self._secrets(case) if true else {})

    def _pool(self, parameter: str, path: str) -> str:
        """Requests of the account and of visitors have one name."""
        return "user_id to change" if parameter == "user_id" and path.startswith("/v1/users") else parameter

    def _fill(self, said: Any) -> None:
        """What chance would never find: a slot, a page, a server that answers. Mostly all of it, or none."""
        if isinstance(said, dict) and self.chance.random() < _MOSTLY:
            for name in said.keys() & self.world.said.keys():
                said[name] = self.chance.choice(self.world.said[name])

    def _secrets(self, case: Case) -> dict[str, str]:
        """What opens a hold or a form."""
        names = {parameter.name for parameter in case.operation.headers}
        secrets = {}
        if "Hold-Token" in names:
            secrets["Hold-Token"] = self.world.tokens.get(str(case.path_parameters.get("hold_id")), "unknown")
        if "Visitor-Token" in names:
            secrets["Visitor-Token"] = self.world.some("Visitor-Token", self.chance) or "unknown"
        return secrets

    def _headers(self, case: Case) -> dict[str, str]:
        schemes = [scheme for entry in case.operation.definition.raw["security"] for scheme in entry]
        if "bookingToken" in schemes:
            made = (case.path_parameters or {}).get("booking_id") or (case.path_parameters or {}).get("request_id")
            return {"Booking-Token": self.world.tokens.get(str(made), "unknown")}
        if not schemes:
            return {}
        tag = case.operation.definition.raw["tags"][0]
        service = tag in _BY_SERVICES if self.chance.random() < _MOSTLY else self.chance.random() < 0.5
        return dict(self.world.service if service else self.world.person)


async def build(stage: Stage, chance: random.Random) -> World:
    """An account with a calendar, pages, bookings and what else a call can name."""
    name = f"fuzz-{chance.randrange(10**6)}"
    ada = await stage.host("google", name, permissions=list(RIGHTS), subscriptions=_BOUGHT)
    account = await _account_of(stage, ada)
    token = await stage.sandbox.issue_token(
        service=True, sub="service:fuzz", account_id=account, permissions=list(RIGHTS)
    )
    world = World(dict(ada.headers), {"Authorization": f"Bearer {token}"})
    world.learn("user_id to change", *(new_id("usr") for _ in range(5)))
    world.learn("provider", "google", "office365", "exchange")
    await _servers(stage, world)
    await _asked(stage, account, world)
    await _pages(stage, ada, world)
    await _visits(stage, world)
    await _records(ada, world)
    await _of_the_service(stage, world)
    return world


async def _account_of(stage: Stage, host: Host) -> str:
    me = (await stage.api.get("/v1/me", headers=host.headers)).json()
    return str(me["account"]["id"])


async def _servers(stage: Stage, world: World) -> None:
    """Whatever is looked for is looked for here, and nothing is sent anywhere else."""
    where = await stage.sandbox.addresses()
    world.said |= {
        "ews_url": [where["ews_url"]],
        "certificate": [where["ews_authority_pem"]],
        "disclosure_version": ["2026-11-01", "2026-11-23"],
        "return_url": [None],
        "time_zone": [HOST_ZONE],
        "email": [f"somebody-{number}@exchange.example" for number in range(50)],
    }


async def _asked(stage: Stage, account: str, world: World) -> None:
    """Somebody without a calendar, who is asked for times."""
    dan = await stage.host("google", "dan", account_id=account, connected=False, subscriptions=_BOUGHT)
    page = await stage.page(dan, name="Asked")
    for number in range(3):
        start = (datetime.now(UTC) + timedelta(days=20)).replace(hour=8 + number, minute=0, second=0, microsecond=0)
        wish = {"start_at": start.isoformat(), "duration_minutes": 30, "time_zone": HOST_ZONE}
        path, visitor = (
            f"/v1/public/scheduling-pages/{page}/bookings",
            {"name": "Vera", "email": f"v{number}@x.example"},
        )
        asked = (await stage.api.post(path, json=wish | visitor)).json()
        world.learn("request_id", asked["id"])
        world.tokens[asked["id"]] = asked["booking_token"]


async def _pages(stage: Stage, ada: Host, world: World) -> None:
    for kind in ("Intro", "Longer"):
        world.learn("page_id", await stage.page(ada, name=kind))
    world.said["page_id"], world.said["member_ids"] = world.known["page_id"], [[]]
    world.learn("connection_id", ada.connection_id)
    listed = await ada.send("GET", f"/v1/connections/{ada.connection_id}/calendars", status=200)
    world.learn("calendar_id", *(item["id"] for item in listed["items"]))
    inboxes = await ada.send("GET", "/v1/inboxes", status=200)
    world.learn("inbox_id", *(item["id"] for item in inboxes["items"]))
    profile = {"chat_profile": {"enabled": True, "page_id": world.known["page_id"][0]}}
    saved = await ada.send("PATCH", "/v1/calendar-settings", profile, status=200)
    world.learn("widget_key", saved["chat_profile"]["widget_key"])


async def _visits(stage: Stage, world: World) -> None:
    page = world.known["page_id"][0]
    path, slots = f"/v1/public/scheduling-pages/{page}", await _slots(stage, page)
    for number, start in enumerate(slots[:6]):
        wish = {"start_at": start, "duration_minutes": 30}
        visitor = {"name": "Vera", "email": f"vera-{number}@example.com", "time_zone": "America/New_York"}
        made = (await stage.api.post(f"{path}/bookings", json=wish | visitor)).json()
        world.learn("booking_id", made["id"])
        world.tokens[made["id"]] = made["booking_token"]
    for start in slots[6:9]:
        hold = (await stage.api.post(f"{path}/holds", json={"start_at": start, "duration_minutes": 30})).json()
        world.learn("hold_id", hold["id"])
        world.tokens[hold["id"]] = hold["token"]
    offer = {"page_id": page, "duration_minutes": 30, "time_zone": HOST_ZONE, "times": {"kind": "chosen", "count": 2}}
    proposed = (await stage.api.post("/v1/time-proposals", json=offer, headers=world.person)).json()
    world.learn("proposal_id", proposed["id"])
    day = slots[0][:10]
    world.said |= {"start_at": slots[9:60], "duration_minutes": [30], "first_day": [day], "last_day": [day]}
    end = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    world.said |= {"end_at": [end], "answers": [{}], "guests": [[]]}
    world.said |= {"hold_id": [None], "hold_token": [None], "proposal_id": [None]}
    world.said["times"] = [{"kind": "chosen", "count": 2}]


async def _slots(stage: Stage, page: str) -> list[str]:
    """The starts of what is open in some days."""
    first = (datetime.now(UTC) + timedelta(days=3)).date()
    query: dict[str, str | int] = {"time_zone": HOST_ZONE, "first_day": str(first), "last_day": str(first)}
    query["duration_minutes"] = 30
    path = f"/v1/public/scheduling-pages/{page}/slots"

    async def open_at_all() -> bool:
        return bool((await stage.api.get(path, params=query)).json().get("items"))

    if await stage.wait_until(open_at_all, seconds=60) is None:  # the first sync is on its way
        raise StageError("no time is open")
    return [item["start_at"] for item in (await stage.api.get(path, params=query)).json()["items"]]


async def _records(ada: Host, world: World) -> None:
    start = datetime.now(UTC) + timedelta(days=9)
    span = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=30)).isoformat()}
    for number in range(4):
        known = await ada.send("POST", "/v1/contacts", {"email": f"contact-{number}@example.com"}, status=201)
        world.learn("contact_id", known["id"])
        world.said["contact_id"] = world.known["contact_id"]
        meeting = {"title": "Kick-off", "time_zone": HOST_ZONE, **span}
        held = await ada.send("POST", f"/v1/contacts/{known['id']}/meetings", meeting, status=201)
        world.learn("engagement_id", held["id"])
        task = {"title": "Call back", "due_at": start.isoformat(), "contact_id": known["id"]}
        world.learn("task_id", (await ada.send("POST", "/v1/tasks", task, status=201))["id"])
    for number in range(2):
        domain = await ada.send("POST", "/v1/domains", {"name": f"meet-{number}.example.com"}, status=201)
        world.learn("domain_id", domain["id"])


async def _of_the_service(stage: Stage, world: World) -> None:
    said = {"email": "known@example.com", "answers": {"company": "Example"}}
    submitted = (await stage.api.post("/v1/form-submissions", json=said, headers=world.service)).json()
    world.learn("Visitor-Token", submitted["visitor_token"])
    for number in range(3):
        body = {"url": f"https://127.0.0.1:9/{number}"}
        made = await stage.api.post("/v1/webhook-endpoints", json=body, headers=world.service)
        if made.status_code == 201:
            world.learn("endpoint_id", made.json()["id"])
