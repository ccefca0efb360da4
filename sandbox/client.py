"""The sandbox's control API for tests and the demo: every hand on the other side of the wire.

The rule: it speaks HTTP only, so it works on a sandbox of this process and of any other.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote

import httpx

from sandbox.exchange.client import Exchange
from sandbox.forms import FormError, read_form
from sandbox.google.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.microsoft.client import Microsoft

Json = dict[str, Any]
GOOGLE = "/control/google"
LOOPBACK = "http://127.0.0.1/signed-in"
_WORLDS = {"office365": "microsoft"}
POLL = 0.05  # seconds


class Sandbox:
    """A sandbox at `http_url`. Use it as `async with`; every refusal raises httpx.HTTPStatusError."""

    def __init__(self, http_url: str, *, timeout_seconds: float = 30) -> None:
        self.http_url = http_url
        self._http = httpx.AsyncClient(base_url=http_url, timeout=timeout_seconds)
        self.microsoft = Microsoft(self._http)
        self.exchange = Exchange(self._http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _send(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        answer = await self._http.request(method, path, json=body, params=params)
        if answer.is_error:  # with the reason, which httpx leaves out
            message = f"{method} {path}: {answer.status_code} {answer.text}"
            raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
        return answer.json() if answer.content else None

    async def addresses(self) -> Json:
        """Where everything is: `ews_url`, `ews_authority_pem`, …"""
        found: Json = await self._send("GET", "/control/addresses")
        return found

    # the identity provider -------------------------------------------------------------------

    async def issue_token(self, **claims: Any) -> str:
        """A signed token; see `sandbox.identity.TokenRequest` for what can be asked, `defect` included."""
        issued = await self._send("POST", "/identity/token", claims)
        return str(issued["access_token"])

    async def rotate_keys(self, *, keep_old_seconds: float = 300, retire: bool = False) -> None:
        """New signing keys; the old ones stay published for a while, or are retired at once."""
        await self._send("POST", "/identity/rotate", {"keep_old_seconds": keep_old_seconds, "retire": retire})

    async def break_keys(self, mode: str = "unavailable") -> None:
        """The key endpoint fails from now on: `unavailable` (503) or `garbage`."""
        await self._send("POST", "/identity/outage", {"mode": mode})

    async def heal_keys(self) -> None:
        """The key endpoint works again."""
        await self._send("DELETE", "/identity/outage")

    async def key_fetches(self) -> int:
        """How often the keys were asked for."""
        return int((await self._send("GET", "/identity/stats"))["jwks_fetches"])

    # Google: accounts and calendars ------------------------------------------------------------

    async def google_account(
        self, email: str, *, name: str | None = None, time_zone: str = "Europe/Stockholm", workspace: bool = True
    ) -> Json:
        """A person with a primary calendar; one that exists stays as it is."""
        body = {"email": email, "name": name or email.partition("@")[0].title(), "time_zone": time_zone}
        account: Json = await self._send("POST", f"{GOOGLE}/accounts", {**body, "workspace": workspace})
        return account

    async def seed_google(self, email: str, *, around: date, seed: int = 1, with_damage: bool = False) -> Json:
        """A working life around a date: meetings, series, all-day events; the same seed gives the same events."""
        body = {"around": around.isoformat(), "seed": seed, "with_damage": with_damage}
        seeded: Json = await self._send("POST", f"{_account(email)}/seed", body)
        return seeded

    async def google_calendar(self, email: str, summary: str, **fields: Any) -> Json:
        """A further calendar of the person: `role`, `time_zone`, `id`."""
        calendar: Json = await self._send("POST", f"{_account(email)}/calendars", {"summary": summary, **fields})
        return calendar

    async def share_google_calendar(self, calendar_id: str, *, account: str, role: str) -> None:
        """Set somebody's role: owner, writer, reader, freeBusyReader, none."""
        path = f"{GOOGLE}/calendars/{quote(calendar_id, safe='')}/access"
        await self._send("PUT", path, {"account": account, "role": role})

    async def unlist_google_calendar(self, calendar_id: str, *, account: str) -> None:
        """Somebody takes a calendar off their list; they may read it all the same."""
        await self._send("DELETE", f"{GOOGLE}/accounts/{account}/calendar-list/{quote(calendar_id, safe='')}")

    async def delete_google_calendar(self, calendar_id: str) -> None:
        """Its owner deletes it, for everybody."""
        await self._send("DELETE", f"{GOOGLE}/calendars/{quote(calendar_id, safe='')}")

    async def revoke_google(self, email: str) -> None:
        """The person removes every app's access."""
        await self._send("POST", f"{_account(email)}/revoke")

    async def expire_google_access_tokens(self, email: str | None = None) -> None:
        """Access tokens end now; refresh tokens live."""
        await self._send("POST", f"{GOOGLE}/expire-access-tokens", account=email)

    async def expire_google_sync_tokens(self, email: str | None = None) -> None:
        """Every sync token answers 410 from now on."""
        await self._send("POST", f"{GOOGLE}/expire-sync-tokens", account=email)

    # everybody ----------------------------------------------------------------------------------

    async def accounts(self, provider: str) -> list[Json]:
        """The simulated people of `google`, `office365` or `exchange`: at least `email` and `name`."""
        accounts: list[Json] = await self._send("GET", f"/control/{_WORLDS.get(provider, provider)}/accounts")
        return accounts

    # Google: what people do to their events -----------------------------------------------------

    async def google_events(self, email: str, calendar_id: str = "primary", *, deleted: bool = False) -> list[Json]:
        """The stored events as their owner sees them."""
        events: list[Json] = await self._send("GET", _events(email, calendar_id), deleted=deleted)
        return events

    async def google_view(self, email: str, *, start: datetime, end: datetime) -> list[Json]:
        """What takes place between two instants in the primary calendar, instances instead of series."""
        query = {"start": start.isoformat(), "end": end.isoformat()}
        events: list[Json] = await self._send(
            "GET", f"{GOOGLE}/accounts/{quote(email)}/calendars/primary/view", **query
        )
        return events

    async def insert_google_event(
        self, email: str, event: Mapping[str, Any], calendar_id: str = "primary", *, trusted: bool = False
    ) -> Json:
        """A new event in Google's shape; `trusted` skips Google's checks."""
        inserted: Json = await self._send("POST", _events(email, calendar_id), dict(event), trusted=trusted)
        return inserted

    async def patch_google_event(
        self, email: str, event_id: str, changes: Mapping[str, Any], calendar_id: str = "primary"
    ) -> Json:
        """Change an event, or one instance by its id."""
        path = f"{_events(email, calendar_id)}/{quote(event_id, safe='')}"
        patched: Json = await self._send("PATCH", path, dict(changes))
        return patched

    async def delete_google_event(self, email: str, event_id: str, calendar_id: str = "primary") -> None:
        """Delete an event, a series, or one instance by its id."""
        await self._send("DELETE", f"{_events(email, calendar_id)}/{quote(event_id, safe='')}")

    async def move_google_event(self, email: str, event_id: str, *, to: str, calendar_id: str = "primary") -> Json:
        """Move an event to another calendar of the person."""
        path = f"{_events(email, calendar_id)}/{quote(event_id, safe='')}/move"
        moved: Json = await self._send("POST", path, destination=to)
        return moved

    async def answer_google_invitation(self, email: str, event_id: str, *, attendee: str, response: str) -> Json:
        """A guest says `accepted`, `tentative` or `declined`; `email` is whose copy of the event it is."""
        body = {"event": event_id, "attendee": attendee, "response": response}
        answered: Json = await self._send("POST", f"{_account(email)}/rsvp", body)
        return answered

    async def google_busy(self, email: str, *, start: date, days: int) -> list[Json]:
        """Google's own free/busy of the primary calendar, as an app with a consent of its own gets it."""
        token = await self._google_token(email)
        end = start + timedelta(days=days)
        answer = await self._http.post(
            "/google/calendar/v3/freeBusy",
            json={"timeMin": f"{start}T00:00:00Z", "timeMax": f"{end}T00:00:00Z", "items": [{"id": "primary"}]},
            headers={"Authorization": f"Bearer {token}"},
        )
        answer.raise_for_status()
        spans: list[Json] = answer.json()["calendars"]["primary"]["busy"]
        return spans

    async def _google_token(self, email: str) -> str:
        scope = "https://www.googleapis.com/auth/calendar.freebusy"
        query = {"response_type": "code", "client_id": SANDBOX_CLIENT_ID, "redirect_uri": LOOPBACK, "scope": scope}
        page = httpx.URL(f"{self.http_url}/google/o/oauth2/v2/auth", params=query)
        callback = await self.consent(str(page), email=email)
        form = {
            "grant_type": "authorization_code",
            "code": httpx.URL(callback).params["code"],
            "redirect_uri": LOOPBACK,
            "client_id": SANDBOX_CLIENT_ID,
            "client_secret": SANDBOX_CLIENT_SECRET,
        }
        answer = await self._http.post("/google/token", data=form)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    # Google: faults and journals -----------------------------------------------------------------

    async def add_google_fault(self, action: str | Mapping[str, Any], *, times: int | None = 1, **match: Any) -> Json:
        """The next `times` requests that match (`method path query account nth after`) fail by `action`."""
        what = {"kind": action} if isinstance(action, str) else dict(action)
        rule: Json = await self._send("POST", f"{GOOGLE}/faults", {"match": match, "action": what, "times": times})
        return rule

    async def clear_google_faults(self) -> None:
        """No faults any more."""
        await self._send("DELETE", f"{GOOGLE}/faults")

    async def turn_google_knobs(self, **knobs: Any) -> Json:
        """Limits and lifetimes; see `sandbox.google.knobs.Knobs`."""
        turned: Json = await self._send("PATCH", f"{GOOGLE}/knobs", knobs)
        return turned

    async def google_ledger(self, **equal: Any) -> list[Json]:
        """Every write, oldest first; filters `account calendar actor operation event_id since`."""
        entries: list[Json] = await self._send("GET", f"{GOOGLE}/ledger", **equal)
        return entries

    async def google_requests(self, **equal: Any) -> list[Json]:
        """Every request Google got; filters `account method since`."""
        requests: list[Json] = await self._send("GET", f"{GOOGLE}/requests", **equal)
        return requests

    async def google_outbox(self, **equal: Any) -> list[Json]:
        """Mails Google would have sent; filters `to kind event_id since`."""
        mails: list[Json] = await self._send("GET", f"{GOOGLE}/outbox", **equal)
        return mails

    # Google: channels and what they carry --------------------------------------------------------

    async def google_channels(self, account: str | None = None, *, alive: bool | None = None) -> list[Json]:
        """Channels as opened by `watch`, oldest first: `id address token resource_id expires_at ended`, …"""
        channels: list[Json] = await self._send("GET", f"{GOOGLE}/push/channels", account=account, alive=alive)
        return channels

    async def drop_google_channel(self, channel_id: str) -> None:
        """Google loses a channel and tells nobody."""
        await self._send("POST", f"{GOOGLE}/push/channels/{quote(channel_id, safe='')}/drop")

    async def google_deliveries(
        self, channel_id: str | None = None, *, since: int = 0, settled: bool = True
    ) -> list[Json]:
        """Every attempt to deliver: `watches kinds url number status ms error faults`; `settled` waits for the last."""
        path = f"{GOOGLE}/push/deliveries"
        attempts: list[Json] = await self._send("GET", path, watch=channel_id, since=since, settled=settled)
        return attempts

    async def cancel_google_deliveries(self) -> None:
        """What is under way never arrives."""
        await self._send("DELETE", f"{GOOGLE}/push/deliveries")

    async def add_google_push_fault(
        self, kind: str, *, times: int | None = 1, ms: int = 0, channel_id: str | None = None
    ) -> Json:
        """The next `times` messages: `drop`, `duplicate`, `delay` (by `ms`), `reorder`, `forge`, `after_stop`."""
        body = {"kind": kind, "times": times, "ms": ms, "watch": channel_id}
        rule: Json = await self._send("POST", f"{GOOGLE}/push/faults", body)
        return rule

    async def clear_google_push_faults(self) -> None:
        """Messages arrive again; those held back to be reordered go out."""
        await self._send("DELETE", f"{GOOGLE}/push/faults")

    async def reset_google(self) -> None:
        """Forget accounts, calendars, grants, faults and journals; the clock returns to now."""
        await self._send("POST", f"{GOOGLE}/reset")

    # mails -------------------------------------------------------------------------------------

    async def mails(self, to: str | None = None) -> list[Json]:
        """The mails delivered (to an address), oldest first."""
        items: list[Json] = (await self._send("GET", "/control/mail/messages", to=to))["items"]
        return items

    async def deliveries(self) -> list[Json]:
        """The envelopes of all mails delivered, oldest first, with each message's id; cheap for thousands."""
        items: list[Json] = (await self._send("GET", "/control/mail/deliveries"))["items"]
        return items

    async def wait_for_mail(self, to: str, *, subject: str = "", timeout_seconds: float = 10) -> Json:
        """The first mail to an address whose subject contains `subject`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            mails = await self.mails(to)
            for mail in mails:
                if subject in mail["subject"]:
                    return mail
            if time.monotonic() > deadline:
                found = [mail["subject"] for mail in mails]
                raise TimeoutError(f"no mail to {to} with {subject!r} in its subject; there are {found}")
            await asyncio.sleep(POLL)

    async def delete_mails(self) -> None:
        """Empty the mailbox."""
        await self._send("DELETE", "/control/mail/messages")

    async def add_mail_fault(self, kind: str, **fault: Any) -> None:
        """Something goes wrong with the next mails; see `sandbox.mail.MailFault`."""
        await self._send("POST", "/control/mail/faults", {"kind": kind, **fault})

    async def clear_mail_faults(self) -> None:
        """Mails work again."""
        await self._send("DELETE", "/control/mail/faults")

    # DNS ---------------------------------------------------------------------------------------

    async def set_dns(self, name: str, type: str, *values: str) -> None:  # noqa: A002 - DNS calls it so
        """Let a name have these records of a type, in place of those it had."""
        await self._send("PUT", "/control/dns/records", {"name": name, "type": type, "values": values})

    async def delete_dns(self, name: str | None = None, type: str | None = None) -> None:  # noqa: A002
        """Take away records: those of the name and the type, where given."""
        await self._send("DELETE", "/control/dns/records", name=name, type=type)

    async def break_dns(self, mode: str = "servfail") -> None:
        """The DNS server fails from now on: `servfail`, or `silent`."""
        await self._send("POST", "/control/dns/outage", {"mode": mode})

    async def heal_dns(self) -> None:
        """The DNS server works again."""
        await self._send("DELETE", "/control/dns/outage")

    async def dns_questions(self) -> list[Json]:
        """What the DNS server was asked, oldest first: `name type`."""
        questions: list[Json] = (await self._send("GET", "/control/dns/questions"))["items"]
        return questions

    # time --------------------------------------------------------------------------------------

    async def advance_clock(self, seconds: float) -> datetime:
        """Move the simulators' time. Returns what it is now."""
        return _now(await self._send("POST", "/control/clock", {"advance_seconds": seconds}))

    async def freeze_clock(self, at: datetime) -> datetime:
        """Stop the simulators' time."""
        return _now(await self._send("POST", "/control/clock", {"freeze_at": at.isoformat()}))

    async def reset_clock(self) -> datetime:
        """Back to the time of this machine."""
        return _now(await self._send("DELETE", "/control/clock"))

    # the person in front of the browser --------------------------------------------------------

    async def consent(
        self, authorization_url: str, *, email: str, untick: Collection[str] = (), deny: bool = False
    ) -> str:
        """Open the provider's page, choose an account, untick scopes, press the button.

        Returns where the browser is sent: the callback with `code` and `state`, or with `error`. Raises FormError when
        the page does not offer that account or scope, or refuses the request.
        """
        page = await self._http.get(authorization_url)
        if page.is_redirect:  # nothing to ask: consented before, or refused outright
            return page.headers["location"]
        form = read_form(page.text, str(page.url))
        press = "deny" if deny else "allow"
        fields = form.submission(choose=email, untick=untick, press=press)
        answer = await self._http.request(form.method, form.action, data=_multi(fields))
        if not answer.is_redirect:
            raise FormError(f"the provider answered {answer.status_code}: {answer.text[:500]}")
        return answer.headers["location"]


def _account(email: str) -> str:
    return f"{GOOGLE}/accounts/{quote(email, safe='')}"


def _events(email: str, calendar_id: str) -> str:
    return f"{_account(email)}/calendars/{quote(calendar_id, safe='')}/events"


def _multi(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    """For httpx, which takes repeated names as lists."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return values


def _now(answer: Json) -> datetime:
    return datetime.fromisoformat(answer["now"])
