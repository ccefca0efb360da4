"""People who use the service in tests: a CRM user with a token, and what they do through the API.

The one rule: a person does nothing that a caller could not do.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from app.ids import encode_id, new_id
from sandbox.client import Sandbox

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS_OPEN = [{"day": day, "start": "00:00", "end": "24:00"} for day in WEEKDAYS]


@dataclass(slots=True)
class Person:
    """A user of the CRM."""

    api: httpx.AsyncClient
    sandbox: Sandbox
    email: str
    account_id: str
    user_id: str
    time_zone: str
    claims: dict[str, Any]
    token: str = ""
    connection_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def refresh_token(self, **changes: Any) -> None:
        """A new token, with other claims when given."""
        self.claims |= changes
        self.token = await self.sandbox.issue_token(**self.claims)
        self.headers = {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.api.get(path, params=query, headers=self.headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.api.post(path, json=body, headers=self.headers | headers)

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.api.patch(path, json=body, headers=self.headers | headers)

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.api.put(path, json=body, headers=self.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.api.delete(path, headers=self.headers)

    async def start_connecting(self, **changes: Any) -> httpx.Response:
        """Accept the disclosure and start."""
        provider = changes.setdefault("provider", "google")
        disclosure = (await self.get(f"/v1/providers/{provider}/disclosure")).json()
        body = {"client": "web", "disclosure_version": disclosure["version"]} | changes
        return await self.post("/v1/connection-authorizations", body)

    async def consent(self, authorization_url: str, **choices: Any) -> httpx.Response:
        """Consent at the provider and come back, as a browser would."""
        callback = await self.sandbox.consent(authorization_url, **({"email": self.email} | choices))
        path = httpx.URL(callback)
        return await self.api.get(path.raw_path.decode())

    async def connect(self, provider: str = "google", **choices: Any) -> dict[str, Any]:
        """Connect by OAuth; the finished authorization."""
        return await self._finish(await self.start_connecting(provider=provider), **choices)

    async def reauthorize(self, **choices: Any) -> dict[str, Any]:
        """Heal the connection by OAuth; the finished authorization."""
        provider = (await self.get(f"/v1/connections/{self.connection_id}")).json()["provider"]
        version = (await self.get(f"/v1/providers/{provider}/disclosure")).json()["version"]
        body = {"client": "web", "disclosure_version": version}
        return await self._finish(await self.post(f"/v1/connections/{self.connection_id}/reauthorize", body), **choices)

    async def connect_with_password(self, password: str, **fields: Any) -> httpx.Response:
        """Connect Exchange at the sandbox's server, whose authority is named."""
        where = await self.sandbox.addresses()
        version = (await self.get("/v1/providers/exchange/disclosure")).json()["version"]
        body = {
            "provider": "exchange",
            "client": "web",
            "disclosure_version": version,
            "email": self.email,
            "password": password,
            "username": self.email,
            "ews_url": where["ews_url"],
            "certificate": where["ews_authority_pem"],
        } | fields
        answer = await self.post("/v1/connections", {name: value for name, value in body.items() if value is not None})
        if answer.status_code == 201:
            self.connection_id = answer.json()["id"]
        return answer

    async def _finish(self, started: httpx.Response, **choices: Any) -> dict[str, Any]:
        assert started.status_code == 201, started.text
        returned = await self.consent(started.json()["authorization_url"], **choices)
        assert returned.status_code == 303, returned.text
        done = (await self.get(f"/v1/connection-authorizations/{started.json()['id']}")).json()
        self.connection_id = done["connection_id"] or ""
        return done

    async def make_page(self, **changes: Any) -> dict[str, Any]:
        """A page that is open around the clock, without notice, unless told otherwise."""
        body = {
            "type": "personal",
            "name": "Intro call",
            "time_zone": self.time_zone,
            "durations_minutes": [30],
            "weekly_hours": ALWAYS_OPEN,
            "minimum_notice_minutes": 0,
            "booking_window": {"kind": "rolling_days", "days": 60},
        } | changes
        made = await self.post("/v1/scheduling-pages", body)
        assert made.status_code == 201, made.text
        return made.json()

    async def slots(self, page_id: str, first: date, last: date | None = None, **query: Any) -> list[dict[str, Any]]:
        """The slots of a page as a visitor gets them."""
        response = await self.slot_list(page_id, first, last, **query)
        assert response.status_code == 200, response.text
        return response.json()["items"]

    async def slot_list(self, page_id: str, first: date, last: date | None = None, **query: Any) -> httpx.Response:
        parameters = {
            "time_zone": self.time_zone,
            "first_day": first.isoformat(),
            "last_day": (last or first).isoformat(),
            "duration_minutes": 30,
        } | query
        return await self.api.get(f"/v1/public/scheduling-pages/{page_id}/slots", params=parameters)

    async def book(
        self, page_id: str, start_at: str, headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        """Book as a visitor."""
        body = {
            "start_at": start_at,
            "duration_minutes": 30,
            "name": "Vera Visitor",
            "email": "vera@example.com",
            "time_zone": "America/New_York",
        } | changes
        path = f"/v1/public/scheduling-pages/{page_id}/bookings"
        return await self.api.post(path, json=body, headers=headers or {})

    def day(self, days: int = 3) -> date:
        """A civil day of the person, some days from now."""
        return (datetime.now(ZoneInfo(self.time_zone)) + timedelta(days=days)).date()

    def at(self, days: int, clock: str) -> datetime:
        """A wall time of the person, some days from now."""
        hour, minute = map(int, clock.split(":"))
        day = self.day(days)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(self.time_zone))


async def new_person(api: httpx.AsyncClient, sandbox: Sandbox, **claims: Any) -> Person:
    """A user of a new account, unless the claims say which."""
    user_id = claims.pop("sub", None) or encode_id("usr", new_id())
    account_id = claims.pop("account_id", None) or encode_id("acct", new_id())
    zone = claims.pop("zoneinfo", "Europe/Stockholm")
    email = claims.pop("email", None) or f"user-{user_id[-12:]}@example.com"
    full = {
        "sub": user_id,
        "account_id": account_id,
        "email": email,
        "permissions": ["personal_email_access"],
        "seats": [{"product": "sales_hub", "tier": "professional"}],
        "subscriptions": [{"product": "sales_hub", "tier": "professional"}],
        "zoneinfo": zone,
        "locale": "en",
    } | claims
    person = Person(api, sandbox, email, account_id, user_id, zone, full)
    await person.refresh_token()
    return person
