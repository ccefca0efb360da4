"""The control client of simulated Exchange for tests and the demo: every hand on the other side of the wire.

The one rule: it speaks HTTP only, so it works on a sandbox of this process and of any other.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]
ROOT = "/control/exchange"
PASSWORD = "sandbox-password"


class Exchange:
    """Simulated Exchange at `http`'s base address. Every refusal raises httpx.HTTPStatusError."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _send(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        answer = await self._http.request(method, f"{ROOT}{path}", json=body, params=params)
        if answer.is_error:  # with the reason, which httpx leaves out
            message = f"{method} {path}: {answer.status_code} {answer.text}"
            raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
        return answer.json() if answer.content else None

    # accounts and calendars -------------------------------------------------------------------

    async def account(
        self,
        email: str,
        *,
        name: str | None = None,
        password: str = PASSWORD,
        time_zone: str = "Europe/Stockholm",
        aliases: tuple[str, ...] = (),
        mailbox: bool = True,
        may_impersonate: bool = False,
    ) -> Json:
        """A person with a mailbox; one that exists stays as it is."""
        body = {
            "email": email,
            "name": name or email.partition("@")[0].title(),
            "password": password,
            "time_zone": time_zone,
            "aliases": list(aliases),
            "mailbox": mailbox,
            "may_impersonate": may_impersonate,
        }
        account: Json = await self._send("POST", "/accounts", body)
        return account

    async def service_account(self, email: str, *, password: str = PASSWORD) -> Json:
        """An account without a mailbox that may act for everybody."""
        return await self.account(email, password=password, mailbox=False, may_impersonate=True)

    async def show_account(self, email: str) -> Json:
        """With its calendars, and how often it signed in and failed to."""
        account: Json = await self._send("GET", _account(email))
        return account

    async def change_account(
        self,
        email: str,
        *,
        password: str | None = None,
        may_impersonate: bool | None = None,
        enabled: bool | None = None,
        forget_logons: bool = False,
    ) -> Json:
        """What an administrator does to an account."""
        body = {
            "password": password,
            "may_impersonate": may_impersonate,
            "enabled": enabled,
            "forget_logons": forget_logons,
        }
        account: Json = await self._send("PATCH", _account(email), body)
        return account

    async def seed(self, email: str, *, around: date, seed: int = 1, with_damage: bool = False) -> Json:
        """A working life around a date; the same seed gives the same items."""
        body = {"around": around.isoformat(), "seed": seed, "with_damage": with_damage}
        seeded: Json = await self._send("POST", f"{_account(email)}/seed", body)
        return seeded

    async def calendar(self, email: str, name: str, *, parent: str = "calendar") -> Json:
        """A further calendar of the person."""
        calendar: Json = await self._send("POST", f"{_account(email)}/calendars", {"name": name, "parent": parent})
        return calendar

    async def share(self, email: str, *, account: str, level: str, calendar: str = "calendar") -> None:
        """What somebody (or `Default`) may do: None, FreeBusyTimeOnly, Reviewer, Author, Editor, Owner and so on."""
        body = {"account": account, "level": level}
        await self._send("PUT", f"{_account(email)}/calendars/permissions", body, calendar=calendar)

    async def delete_calendar(self, email: str, calendar: str, *, to_bin: bool = False) -> None:
        """By name or id: for good, or to the bin, as Outlook does it."""
        await self._send("DELETE", f"{_account(email)}/calendars", calendar=calendar, to_bin=to_bin)

    async def rename_calendar(self, email: str, calendar: str, name: str) -> Json:
        renamed: Json = await self._send("PATCH", f"{_account(email)}/calendars", calendar=calendar, name=name)
        return renamed

    # what people do in Outlook -----------------------------------------------------------------

    async def items(self, email: str, calendar: str = "calendar") -> list[Json]:
        """What is stored: single items and series."""
        items: list[Json] = await self._send("GET", f"{_account(email)}/items", calendar=calendar)
        return items

    async def item(self, email: str, item_id: str) -> Json:
        """One item, series or occurrence."""
        item: Json = await self._send("GET", f"{_account(email)}/item", id=item_id)
        return item

    async def view(self, email: str, begin: datetime, end: datetime, calendar: str = "calendar") -> list[Json]:
        """What takes place in a span, occurrences spelt out."""
        views: list[Json] = await self._send(
            "GET", f"{_account(email)}/view", begin=begin.isoformat(), end=end.isoformat(), calendar=calendar
        )
        return views

    async def copy(self, email: str, uid: str) -> Json:
        """A person's own copy of a meeting."""
        copy: Json = await self._send("GET", f"{_account(email)}/copy", uid=uid)
        return copy

    async def create_item(
        self, email: str, item: Mapping[str, Any], calendar: str = "calendar", *, send: bool = False
    ) -> Json:
        """A new item; see `sandbox.exchange.control_bodies.ItemBody`. `send` mails the guests."""
        created: Json = await self._send("POST", f"{_account(email)}/items", dict(item), calendar=calendar, send=send)
        return created

    async def change_item(self, email: str, item_id: str, changes: Mapping[str, Any], *, send: bool = False) -> Json:
        """Change an item, a series or one occurrence by its id."""
        body = {"id": item_id, "changes": dict(changes), "send": send}
        changed: Json = await self._send("PATCH", f"{_account(email)}/items", body)
        return changed

    async def delete_item(
        self, email: str, item_id: str, *, send: bool = False, disposal: str = "MoveToDeletedItems"
    ) -> None:
        """Delete an item, a series or one occurrence by its id."""
        body = {"id": item_id, "send": send, "disposal": disposal}
        await self._send("POST", f"{_account(email)}/items/delete", body)

    async def cancel_meeting(self, email: str, item_id: str, *, send: bool = True) -> None:
        """The organizer calls it off."""
        await self._send("POST", f"{_account(email)}/items/cancel", {"id": item_id, "send": send})

    async def remove_cancelled(self, email: str, item_id: str) -> None:
        """A guest takes a cancelled meeting off the calendar."""
        await self._send("POST", f"{_account(email)}/items/remove", {"id": item_id})

    async def move_item(self, email: str, item_id: str, calendar: str) -> Json:
        """To another calendar: the item gets another id."""
        moved: Json = await self._send("POST", f"{_account(email)}/items/move", {"id": item_id, "calendar": calendar})
        return moved

    async def copy_item(self, email: str, item_id: str, changes: Mapping[str, Any] | None = None) -> Json:
        """Copy and paste on its calendar, with all that programs marked it with; `changes` are made to the copy."""
        body = {"id": item_id, "changes": dict(changes or {})}
        copied: Json = await self._send("POST", f"{_account(email)}/items/copy", body)
        return copied

    async def respond(
        self, email: str, item_id: str, response: str, *, attendee: str | None = None, send: bool = True
    ) -> Json:
        """Accept, Tentative or Decline; `attendee` is a guest outside, on the organizer's copy."""
        body = {"id": item_id, "response": response, "attendee": attendee, "send": send}
        answered: Json = await self._send("POST", f"{_account(email)}/rsvp", body)
        return answered

    # what is pushed ------------------------------------------------------------------------------

    async def deliveries(
        self, subscription_id: str | None = None, *, since: int = 0, settled: bool = True
    ) -> list[Json]:
        """Every attempt to push: `watches kinds url number status ms error faults`; `settled` waits for the last."""
        path = "/push/deliveries"
        attempts: list[Json] = await self._send("GET", path, watch=subscription_id, since=since, settled=settled)
        return attempts

    async def add_push_fault(
        self, kind: str, *, times: int | None = 1, ms: int = 0, subscription_id: str | None = None
    ) -> Json:
        """The next `times` pushes: `drop`, `duplicate`, `delay` (by `ms`) or `reorder`."""
        body = {"kind": kind, "times": times, "ms": ms, "watch": subscription_id}
        rule: Json = await self._send("POST", "/push/faults", body)
        return rule

    async def clear_push_faults(self) -> None:
        """Pushes arrive again."""
        await self._send("DELETE", "/push/faults")

    # bad luck and journals ----------------------------------------------------------------------

    async def version(self, version: str) -> Json:
        """Another version of the server answers from now on: Exchange2010_SP2, Exchange2013_SP1, Exchange2016."""
        changed: Json = await self._send("PUT", "/version", {"version": version})
        return changed

    async def add_fault(
        self, kind: str, *, match: Mapping[str, Any] | None = None, times: int | None = 1, **action: Any
    ) -> Json:
        """A rule: see `sandbox.exchange.control_faults` for what `match` and the action may say."""
        body = {"match": dict(match or {}), "action": {"kind": kind, **action}, "times": times}
        rule: Json = await self._send("POST", "/faults", body)
        return rule

    async def faults(self) -> list[Json]:
        """The rules, with how often each was seen and acted."""
        rules: list[Json] = await self._send("GET", "/faults")
        return rules

    async def clear_faults(self) -> None:
        await self._send("DELETE", "/faults")

    async def turn_knobs(self, **knobs: Any) -> Json:
        """Limits and ways to sign in; see `sandbox.exchange.knobs.Knobs`."""
        turned: Json = await self._send("PATCH", "/knobs", knobs)
        return turned

    async def expire_sync_states(self, email: str | None = None) -> None:
        """Every sync state answers ErrorInvalidSyncStateData from now on."""
        await self._send("POST", "/expire-sync-states", account=email)

    async def forget_subscriptions(self, email: str | None = None) -> None:
        """The service was restarted: every subscription answers ErrorSubscriptionNotFound from now on."""
        await self._send("POST", "/forget-subscriptions", account=email)

    async def ledger(self, **equal: Any) -> list[Json]:
        """Every write, oldest first; filters `account calendar actor operation event_id since`."""
        entries: list[Json] = await self._send("GET", "/ledger", **equal)
        return entries

    async def requests(self, **equal: Any) -> list[Json]:
        """Every request; filters `account since`."""
        requests: list[Json] = await self._send("GET", "/requests", **equal)
        return requests

    async def outbox(self, **equal: Any) -> list[Json]:
        """Mails Exchange would have sent; filters `to kind event_id since`."""
        mails: list[Json] = await self._send("GET", "/outbox", **equal)
        return mails

    async def reset(self) -> None:
        """Forget accounts, items, faults, knobs, journals and the version; the clock returns to now."""
        await self._send("POST", "/reset")


def _account(email: str) -> str:
    return f"/accounts/{quote(email, safe='')}"
