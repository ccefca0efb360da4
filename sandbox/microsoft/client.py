"""The control API of the simulated Microsoft cloud, typed: every hand on the other side of the wire.

The one rule: it speaks HTTP only, so it works on a sandbox of this process and of any other.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]


class Microsoft:
    """Over an HTTP client whose base URL is the sandbox's; every refusal raises httpx.HTTPStatusError."""

    def __init__(self, http: httpx.AsyncClient, *, prefix: str = "/control/microsoft") -> None:
        self._http = http
        self._prefix = prefix

    async def _send(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        answer = await self._http.request(method, f"{self._prefix}{path}", json=body, params=params)
        if answer.is_error:  # with the reason, which httpx leaves out
            message = f"{method} {path}: {answer.status_code} {answer.text}"
            raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
        return answer.json() if answer.content else None

    # people and calendars ----------------------------------------------------------------------

    async def account(
        self, email: str, *, name: str | None = None, time_zone: str = "W. Europe Standard Time", work: bool = True
    ) -> Json:
        """A person with a default calendar; one that exists stays as it is."""
        body = {"email": email, "name": name or email.partition("@")[0].title(), "time_zone": time_zone, "work": work}
        account: Json = await self._send("POST", "/accounts", body)
        return account

    async def describe(self, email: str) -> Json:
        """The person: ids, zone, calendars with their ids, roles and number of events."""
        account: Json = await self._send("GET", _account(email))
        return account

    async def seed(self, email: str, *, around: date, seed: int = 1) -> Json:
        """A working life around a date: meetings, series, all-day events; the same seed gives the same events."""
        seeded: Json = await self._send("POST", f"{_account(email)}/seed", {"around": around.isoformat(), "seed": seed})
        return seeded

    async def calendar(self, email: str, name: str, *, color: str = "auto") -> Json:
        """A further calendar of the person."""
        calendar: Json = await self._send("POST", f"{_account(email)}/calendars", {"name": name, "color": color})
        return calendar

    async def share(self, email: str, calendar_id: str = "default", *, account: str, role: str) -> Json:
        """Set somebody's role on a calendar; returns the calendar as that person sees it, with the id it has there."""
        path = f"{_calendar(email, calendar_id)}/access"
        shared: Json = await self._send("PUT", path, {"account": account, "role": role})
        return shared

    async def rename_calendar(self, email: str, calendar_id: str, name: str) -> Json:
        """Its owner renames it."""
        renamed: Json = await self._send("PATCH", _calendar(email, calendar_id), {"name": name})
        return renamed

    async def delete_calendar(self, email: str, calendar_id: str) -> None:
        """Its owner deletes it, for everybody."""
        await self._send("DELETE", _calendar(email, calendar_id))

    # tokens --------------------------------------------------------------------------------------

    async def revoke(self, email: str) -> None:
        """The person's sessions are revoked: refresh answers invalid_grant (AADSTS50173), calls answer 401."""
        await self.trouble(email, "revoked")

    async def trouble(self, email: str, kind: str | None) -> None:
        """`revoked`, `consent_removed`, `mfa` or `disabled`; None ends it."""
        await self._send("POST", f"{_account(email)}/trouble", {"kind": kind})

    async def require_admin_consent(self, domain: str, *, required: bool = True) -> None:
        """Whether the people of a domain need their administrator to use the app."""
        await self._send("PUT", f"/tenants/{quote(domain, safe='')}/admin-consent", {"required": required})

    async def refresh_tokens_issued(self, email: str) -> int:
        """How many refresh tokens the account's grants have given out."""
        return int((await self._send("GET", f"{_account(email)}/refresh-tokens"))["issued"])

    async def expire_access_tokens(self, email: str | None = None) -> None:
        """Access tokens end now; refresh tokens live."""
        await self._send("POST", "/expire-access-tokens", account=email)

    async def expire_delta_tokens(self, email: str | None = None) -> None:
        """Every delta token answers 410 from now on."""
        await self._send("POST", "/expire-delta-tokens", account=email)

    async def register_redirects(self, client_id: str, *redirect_uris: str) -> None:
        """Add redirect addresses to the app registration."""
        await self._send("PUT", f"/clients/{client_id}/redirect-uris", {"redirect_uris": list(redirect_uris)})

    # what people do to their events ----------------------------------------------------------------

    async def events(self, email: str, calendar_id: str = "default") -> list[Json]:
        """The stored series and single events as the person sees them, with immutable ids."""
        events: list[Json] = await self._send("GET", f"{_calendar(email, calendar_id)}/events")
        return events

    async def view(self, email: str, calendar_id: str = "default", *, start: datetime, end: datetime) -> list[Json]:
        """What takes place between two instants, occurrences instead of series."""
        query = {"start": start.isoformat(), "end": end.isoformat()}
        events: list[Json] = await self._send("GET", f"{_calendar(email, calendar_id)}/view", **query)
        return events

    async def event(self, email: str, event_id: str, calendar_id: str = "default") -> Json:
        """One event, series or occurrence."""
        event: Json = await self._send("GET", _event(email, calendar_id, event_id))
        return event

    async def create_event(self, email: str, event: Mapping[str, Any], calendar_id: str = "default") -> Json:
        """A new event in Graph's shape; with another's `organizer` an invitation from outside."""
        created: Json = await self._send("POST", f"{_calendar(email, calendar_id)}/events", dict(event))
        return created

    async def edit_event(
        self, email: str, event_id: str, changes: Mapping[str, Any], calendar_id: str = "default"
    ) -> Json:
        """Change an event, a series, or one occurrence by its id."""
        edited: Json = await self._send("PATCH", _event(email, calendar_id, event_id), dict(changes))
        return edited

    async def delete_event(self, email: str, event_id: str, calendar_id: str = "default") -> None:
        """Delete an event, a series, or one occurrence by its id."""
        await self._send("DELETE", _event(email, calendar_id, event_id))

    async def move_event(self, email: str, event_id: str, *, to: str, calendar_id: str = "default") -> Json:
        """Move an event or a whole series to another calendar of the person."""
        moved: Json = await self._send("POST", f"{_event(email, calendar_id, event_id)}/move", {"to": to})
        return moved

    async def copy_event(
        self, email: str, event_id: str, changes: Mapping[str, Any] | None = None, calendar_id: str = "default"
    ) -> Json:
        """Copy and paste on its calendar, with all that programs marked it with; `changes` are made to the copy."""
        path = f"{_event(email, calendar_id, event_id)}/copy"
        copied: Json = await self._send("POST", path, dict(changes or {}))
        return copied

    async def answer_invitation(self, email: str, event_id: str, *, attendee: str, response: str) -> None:
        """A guest says `accepted`, `tentativelyAccepted` or `declined`; `email` is whose copy of the event it is."""
        body = {"event": event_id, "attendee": attendee, "response": response}
        await self._send("POST", f"{_account(email)}/rsvp", body)

    # subscriptions and what they carry ---------------------------------------------------------------

    async def subscriptions(self, account: str | None = None, *, alive: bool | None = None) -> list[Json]:
        """Subscriptions, oldest first: `id resource notification_url client_state expires_at paused ended`, …"""
        path = "/push/subscriptions"
        subscriptions: list[Json] = await self._send("GET", path, account=account, alive=alive)
        return subscriptions

    async def drop_subscription(self, subscription_id: str) -> None:
        """Graph loses a subscription and tells nobody."""
        await self._send("POST", f"/push/subscriptions/{subscription_id}/drop")

    async def send_lifecycle(self, subscription_id: str, event: str, *, pause: bool = True) -> bool:
        """`reauthorizationRequired` (which pauses it), `subscriptionRemoved` (which removes it) or `missed`.

        False where the subscription has no address for lifecycle notifications.
        """
        path = f"/push/subscriptions/{subscription_id}/lifecycle"
        return bool((await self._send("POST", path, {"event": event, "pause": pause}))["sent"])

    async def deliveries(
        self, subscription_id: str | None = None, *, since: int = 0, settled: bool = True
    ) -> list[Json]:
        """Every attempt to deliver: `watches kinds url number status ms error faults`; `settled` waits for the last."""
        path = "/push/deliveries"
        attempts: list[Json] = await self._send("GET", path, watch=subscription_id, since=since, settled=settled)
        return attempts

    async def cancel_deliveries(self) -> None:
        """What is under way never arrives."""
        await self._send("DELETE", "/push/deliveries")

    async def add_push_fault(
        self, kind: str, *, times: int | None = 1, ms: int = 0, subscription_id: str | None = None
    ) -> Json:
        """The next `times` notifications: `drop`, `duplicate`, `delay` (by `ms`), `reorder`, `forge`, `after_stop`.

        `refuse_handshake` fails the next `times` validations of an address.
        """
        body = {"kind": kind, "times": times, "ms": ms, "watch": subscription_id}
        rule: Json = await self._send("POST", "/push/faults", body)
        return rule

    async def clear_push_faults(self) -> None:
        """Notifications arrive again; those held back to be reordered go out."""
        await self._send("DELETE", "/push/faults")

    # faults, knobs, journals -----------------------------------------------------------------------

    async def add_fault(self, action: str | Mapping[str, Any], *, times: int | None = 1, **match: Any) -> Json:
        """The next `times` requests that match (`method path query account nth after`) fail by `action`."""
        what = {"kind": action} if isinstance(action, str) else dict(action)
        rule: Json = await self._send("POST", "/faults", {"match": match, "action": what, "times": times})
        return rule

    async def clear_faults(self) -> None:
        """No faults any more."""
        await self._send("DELETE", "/faults")

    async def turn_knobs(self, **knobs: Any) -> Json:
        """Limits and lifetimes; see `sandbox.microsoft.knobs.Knobs`."""
        turned: Json = await self._send("PATCH", "/knobs", knobs)
        return turned

    async def ledger(self, **equal: Any) -> list[Json]:
        """Every write, oldest first; filters `account calendar actor operation event_id transaction since`."""
        entries: list[Json] = await self._send("GET", "/ledger", **equal)
        return entries

    async def events_made(self, transaction: str) -> int:
        """How many events clients have created under a `transactionId`."""
        return len(await self.ledger(transaction=transaction, operation="insert", actor="api"))

    async def requests(self, **equal: Any) -> list[Json]:
        """Every request Microsoft got; filters `account method since`."""
        requests: list[Json] = await self._send("GET", "/requests", **equal)
        return requests

    async def outbox(self, **equal: Any) -> list[Json]:
        """Mails Exchange would have sent; filters `to kind event_id since`."""
        mails: list[Json] = await self._send("GET", "/outbox", **equal)
        return mails

    async def reset(self) -> None:
        """Forget accounts, calendars, grants, faults and journals; the clock returns to now."""
        await self._send("POST", "/reset")


def _account(email: str) -> str:
    return f"/accounts/{quote(email, safe='')}"


def _calendar(email: str, calendar_id: str) -> str:
    return f"{_account(email)}/calendars/{quote(calendar_id, safe='')}"


def _event(email: str, calendar_id: str, event_id: str) -> str:
    return f"{_calendar(email, calendar_id)}/events/{quote(event_id, safe='')}"
