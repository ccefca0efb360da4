"""The whole API, with a canary in every secret and personal field, and every way to fail at it.

The one rule: what is done here is done by callers and by providers; where a canary then turns up is for others to say.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from prove.attack_outbound import Target
from prove.secrets_canaries import Flock
from prove.stage import ALWAYS_OPEN
from sandbox.identity import new_id

Json = dict[str, Any]
Headers = dict[str, str]
_ZONE: Final = "Europe/Stockholm"
_FIRST_REFUSAL: Final = 400
_CRM: Final = ["events:read", "webhooks:write", "users:write"]
_ECHOES: Final = (400, 401, 403, 404, 418, 500)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer."""

    what: str
    status: int
    content: bytes
    """Headers and body."""


@dataclass(slots=True)
class Drive:
    """One person, and everything that can be done for them."""

    target: Target
    flock: Flock
    said: list[Said] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    """By secret: which answer told it, and it alone may."""
    headers: Headers = field(default_factory=dict)
    account_id: str = field(default_factory=lambda: new_id("acct"))
    email: str = ""
    page_id: str = ""
    booking: Json = field(default_factory=dict)
    tries: int = 0

    @property
    def leaks(self) -> list[str]:
        """Answers that said what they must not: a refusal any canary, any answer another's secret."""
        found = []
        for number, said in enumerate(self.said):
            names = self.flock.found_in(said.content)
            if said.status < _FIRST_REFUSAL:
                names = {name for name in names & self.flock.secrets if self.told.get(name) != number}
            found += [f"{said.what} → {said.status}: {name}" for name in sorted(names)]
        return found

    async def run(self) -> None:
        """All of it."""
        steps: tuple[Callable[[], Awaitable[None]], ...] = (
            self.sign_in, self.connect, self.take_bookings, self.keep_and_recognise, self.keep_contacts, self.webhooks,
            self.exchange, self.refusals, self.provider_failures, self.mail_failures,
        )  # fmt: skip
        for step in steps:
            await step()
            await self.target.settle()

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """A request; what it was answered is kept, headers included."""
        answer = await self.target.api.request(method, path, json=body, headers=headers or self.headers)
        told = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        self.said.append(
            Said(f"{method} {path.partition('?')[0]}", answer.status_code, told + b"\n\n" + answer.content)
        )
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.json() if is_json else answer.headers.get("Location")

    def keep(self, name: str, secret: str) -> str:
        """The last answer has told a secret; no other may."""
        self.flock.add(name, secret)
        self.told[self.flock.canaries[secret].name] = len(self.said) - 1
        return secret

    async def sign_in(self) -> None:
        """A token, which is a secret too; wrong ones; and the person as the CRM tells of them."""
        self.email = self.flock.email("user_email")
        user = self.flock.user_id()
        self.headers = await self.target.person(sub=user, account_id=self.account_id, email=self.email, **_SEATS)
        self.flock.add("caller_token", self.headers["Authorization"].rpartition(".")[2])
        await self.call("GET", "/v1/me")
        for wrong in (self.flock.secret("forged_token"), f"a.b.{self.flock.secret('forged_signature')}"):
            await self.call("GET", "/v1/me", headers={"Authorization": f"Bearer {wrong}"})
        crm = await self.target.token(service=True, account_id=self.account_id, permissions=_CRM)
        pushed = {"email": self.email, "name": self.flock.text("user_name"), "locale": "en", "time_zone": _ZONE}
        await self.call("PUT", f"/v1/users/{user}", pushed | {"permissions": ["personal_email_access"], **_SEATS}, crm)

    async def connect(self) -> None:
        """OAuth, with a calendar whose events are about people; a refused code, a second use of the state."""
        sandbox = self.target.sandbox
        await sandbox.google_account(self.email, time_zone=_ZONE)
        await sandbox.insert_google_event(self.email, self._event())
        disclosure = await self.call("GET", "/v1/providers/google/disclosure")
        body = {"provider": "google", "client": "web", "disclosure_version": disclosure["version"]}
        started = await self.call("POST", "/v1/connection-authorizations", body)
        url = httpx.URL(started["authorization_url"])
        self.keep("oauth_state", url.params["state"])
        back = httpx.URL(await sandbox.consent(str(url), email=self.email))
        self.flock.add("oauth_code", back.params["code"])
        wrong = back.copy_set_param("state", self.flock.secret("forged_state"))
        for way in (wrong, back, back):
            await self.call("GET", way.raw_path.decode())
        await self.call("GET", "/v1/connections")

    def _event(self) -> Json:
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        span = {"start": start, "end": start + timedelta(hours=1)}
        return {
            "summary": self.flock.text("event_title"),
            "description": self.flock.text("event_description"),
            "location": self.flock.text("event_location"),
            "attendees": [
                {"email": self.flock.email("event_guest"), "displayName": self.flock.text("event_guest_name")}
            ],
            **{name: {"dateTime": at.isoformat()} for name, at in span.items()},
        }

    async def take_bookings(self) -> None:
        """A page, a booking with everything in it, moved and called off by its token; wrong tokens; wrong bodies."""
        page = await self.call("POST", "/v1/scheduling-pages", _PAGE)
        self.page_id = page["id"]
        wish = self._wish(days=4) | {"answers": {"company": self.flock.text("visitor_answer")}}
        wish["guests"] = [self.flock.email("guest_email")]
        key = {"Idempotency-Key": self.flock.text("idempotency_key")}
        path = f"/v1/public/scheduling-pages/{self.page_id}/bookings"
        self.booking = await self.call("POST", path, wish, key)
        token = self.keep("booking_token", self.booking["booking_token"])
        await self.call("POST", path, wish | {"name": 17}, key)
        await self.call("POST", path, wish | {"duration_minutes": self.flock.text("wrong_number")}, key)
        own, wrong = {"Booking-Token": token}, {"Booking-Token": self.flock.secret("forged_booking_token")}
        at = f"/v1/public/bookings/{self.booking['id']}"
        for headers in (own, wrong):
            await self.call("GET", at, headers=headers)
            await self.call("GET", f"{at}/invite.ics", headers=headers)
        moved = {"start_at": _start(5), "reason": self.flock.text("reschedule_reason")}
        await self.call("POST", f"{at}/reschedule", moved, own)
        await self.target.settle()
        await self.call("POST", f"{at}/cancel", {"reason": self.flock.text("cancel_reason")}, own)
        await self.call("GET", "/v1/bookings")

    def _wish(self, *, days: int) -> Json:
        return {
            "start_at": _start(days),
            "duration_minutes": 30,
            "name": self.flock.text("visitor_name"),
            "email": self.flock.email("visitor_email"),
            "time_zone": "America/New_York",
        }

    async def keep_and_recognise(self) -> None:
        """A hold, a form's answers, and the tokens of both."""
        path = f"/v1/public/scheduling-pages/{self.page_id}"
        held = await self.call("POST", f"{path}/holds", {"start_at": _start(6), "duration_minutes": 30}, {})
        token = self.keep("hold_token", held["token"])
        for given in (self.flock.secret("forged_hold_token"), token):
            await self.call("DELETE", f"/v1/public/holds/{held['id']}", headers={"Hold-Token": given})
        form: Json = {"email": self.flock.email("form_email"), "name": self.flock.text("form_name")}
        form["answers"] = {"company": self.flock.text("form_answer")}
        crm = await self.target.token(service=True, account_id=self.account_id, permissions=["forms:write"])
        submitted = await self.call("POST", "/v1/form-submissions", form, crm)
        if "visitor_token" in submitted:
            known = self.keep("visitor_token", submitted["visitor_token"])
            for given in (known, self.flock.secret("forged_visitor_token")):
                await self.call("GET", f"{path}/prefill", headers={"Visitor-Token": given})

    async def keep_contacts(self) -> None:
        """A contact, a meeting on the record, a task; each read, changed and refused."""
        contact = {"email": self.flock.email("contact_email"), "name": self.flock.text("contact_name")}
        made = await self.call(
            "POST", "/v1/contacts", contact | {"phone": self.flock.add("contact_phone", _PHONE, secret=False)}
        )
        await self.call("POST", "/v1/contacts", contact)
        meeting = {
            "title": self.flock.text("meeting_title"),
            "description": self.flock.text("meeting_description"),
            "location": self.flock.text("meeting_location"),
            "guests": [self.flock.email("meeting_guest")],
            "start_at": _start(7),
            "end_at": _start(7, hours=1),
            "time_zone": _ZONE,
        }
        await self.call("POST", f"/v1/contacts/{made['id']}/meetings", meeting)
        await self.call(
            "POST", f"/v1/contacts/{made['id']}/meetings", meeting | {"end_at": self.flock.text("wrong_time")}
        )
        task = {"title": self.flock.text("task_title"), "notes": self.flock.text("task_notes"), "due_at": _start(8)}
        await self.call("POST", "/v1/tasks", task)
        await self.target.settle()
        for path in ("/v1/contacts", "/v1/engagements", "/v1/tasks", f"/v1/contacts/{made['id']}/engagements"):
            await self.call("GET", path)

    async def webhooks(self) -> None:
        """An endpoint that nobody answers at, its secret, another secret; what was told, and how it went."""
        crm = await self.target.token(service=True, account_id=self.account_id, permissions=_CRM)
        body = {
            "url": f"https://127.0.0.1:9/{self.flock.text('webhook_url')}",
            "description": self.flock.text("webhook_description"),
        }
        made = await self.call("POST", "/v1/webhook-endpoints", body, crm)
        self.keep("webhook_secret", made["secret"].removeprefix("whsec_"))
        path = f"/v1/webhook-endpoints/{made['id']}"
        rotated = await self.call("POST", f"{path}/rotate-secret", headers=crm)
        self.keep("webhook_second_secret", rotated["secret"].removeprefix("whsec_"))
        await self.call("POST", f"{path}/test", headers=crm)
        await self.target.settle()
        await self.call("GET", f"{path}/deliveries", headers=crm)
        await self.call("GET", "/v1/events", headers=crm)
        await self.call("POST", "/v1/webhook-endpoints", {"url": f"ftp://{self.flock.text('wrong_url')}/"}, crm)

    async def exchange(self) -> None:
        """A password that is wrong, one that is right, and one that goes nowhere."""
        where = await self.target.sandbox.addresses()
        email, right = self.flock.email("exchange_email"), self.flock.secret("exchange_password")
        await self.target.sandbox.exchange.account(email, password=right)
        someone = await self.target.person(account_id=self.account_id, email=email, **_SEATS)
        version = (await self.call("GET", "/v1/providers/exchange/disclosure", headers=someone))["version"]
        body = {
            "provider": "exchange",
            "client": "web",
            "disclosure_version": version,
            "email": email,
            "username": email,
        }
        here = {"ews_url": where["ews_url"], "certificate": where["ews_authority_pem"]}
        wrong, lost = self.flock.secret("wrong_password"), {"ews_url": "https://10.0.0.1/"}
        for password, to in ((wrong, here), (right, lost), (wrong, {"ews_url": "no url"}), (right, here)):
            await self.call("POST", "/v1/connections", body | {"password": password} | to, someone)
        await self.target.settle()
        await self.target.sandbox.exchange.change_account(email, password="another-password")
        crooked = {"email": email, "client": "web", "password": self.flock.secret("crooked_password"), "version": 7}
        await self.call("POST", "/v1/exchange-discoveries", crooked, someone)

    async def refusals(self) -> None:
        """Bodies that are no JSON, queries and paths that make no sense, with canaries in all of them."""
        text = self.flock.text
        for path in (
            f"/v1/contacts/{text('wrong_id')}",
            f"/v1/{text('wrong_path')}",
            f"/v1/bookings?cursor={text('cursor')}",
        ):
            await self.call("GET", path)
        for raw in (f'{{"email": "{text("cut_body")}"', f'"{text("bare_body")}"'):
            headers = self.headers | {"Content-Type": "application/json"}
            answer = await self.target.api.post("/v1/contacts", content=raw.encode(), headers=headers)
            self.said.append(Said("POST /v1/contacts (no JSON)", answer.status_code, answer.content))

    async def provider_failures(self) -> None:
        """The provider fails in many ways, and its refusals repeat what they were sent."""
        for status in _ECHOES:
            said = f"bad token {self.flock.secret('echoed')} of {self.flock.email('echoed_of')}"
            echo = json.dumps({"error": {"code": status, "message": said}, "error_description": said})
            async with self._failing({"kind": "status", "status": status, "body": echo}):
                await self._provoke()
        for kind in ("html_error", "truncate", "reset_before", "lost_after_commit", "invalid_grant", "unauthorized"):
            async with self._failing({"kind": kind}):
                await self._provoke()
        cut = f'{{"access_token": "{self.flock.secret("cut_token")}'
        async with self._failing({"kind": "status", "status": 200, "body": cut}):
            await self.target.sandbox.expire_google_access_tokens(self.email)
            await self._provoke()
        await self.target.sandbox.revoke_google(self.email)
        await self._provoke()

    async def _provoke(self) -> None:
        """Have the provider asked, by a visitor and by a sync."""
        path = f"/v1/public/scheduling-pages/{self.page_id}/bookings"
        self.tries += 1
        await self.call("POST", path, self._wish(days=9 + self.tries), {})
        for connection in (await self.call("GET", "/v1/connections"))["items"]:
            await self.call("POST", f"/v1/connections/{connection['id']}/sync")
            await self.call("POST", f"/v1/connections/{connection['id']}/refresh-calendars")
        await self.target.settle()

    @asynccontextmanager
    async def _failing(self, action: Json) -> Any:
        await self.target.sandbox.add_google_fault(action, times=6, account=self.email)
        try:
            yield
        finally:
            await self.target.sandbox.clear_google_faults()

    async def mail_failures(self) -> None:
        """The mail server refuses somebody by name."""
        await self.target.sandbox.add_mail_fault("reject_recipient", code=550, times=2)
        await self._provoke()
        await self.target.sandbox.clear_mail_faults()


def _start(days: int, hours: int = 0) -> str:
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=days, hours=hours)
    return at.isoformat()


_PHONE: Final = "+46 70 555 01 98 76"
_SEATS: Final[Json] = {name: [{"product": "sales_hub", "tier": "professional"}] for name in ("seats", "subscriptions")}
_PAGE: Final[Json] = {
    "type": "personal",
    "name": "Intro call",
    "time_zone": _ZONE,
    "durations_minutes": [30],
    "weekly_hours": ALWAYS_OPEN,
    "minimum_notice_minutes": 0,
    "booking_window": {"kind": "rolling_days", "days": 60},
    "max_guests": 3,
    "form_fields": [{"id": "company", "label": "Company", "kind": "text", "required": False}],
}
