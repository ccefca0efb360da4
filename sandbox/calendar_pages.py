"""The people's calendars as pages, at all three providers: look, drag, delete and add, as in the provider's own.

The one rule: it is a person's hand and nothing more. Everything goes through the controls, as from any test.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Annotated, Final, Literal
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Form, HTTPException
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse

from sandbox.client import Sandbox
from sandbox.houses import HOUSES, Appointment, House
from sandbox.pages import render

Provider = Literal["google", "office365", "exchange"]
Text = Annotated[str, Form()]
PATH: Final = "/calendars"
_DAYS: Final = 14
_MAKE: Final = {house.provider: house for house in HOUSES}
_NAMES: Final = {"google": "Google", "office365": "Office 365", "exchange": "Exchange"}
_ADD: Final = """<h2>Add an event</h2>
<form method="post" action="{action}/add">
<p><label>Title <input name="title" required value="Lunch"></label>
<label>Start, in UTC <input name="start" type="datetime-local" required value="{start:%Y-%m-%dT%H:%M}"></label>
<label>Minutes <input name="minutes" type="number" required min="5" max="1440" value="60"></label>
<label>Guest <input name="guest" type="email" placeholder="nobody"></label>
<button>Add</button></p></form>"""
_IN_THE_READERS_ZONE: Final = """<script>
const day = { weekday: "short", day: "numeric", month: "short" };
const hour = { hour: "2-digit", minute: "2-digit" };
for (const row of document.querySelectorAll("tr")) {
  const [start, end] = [...row.querySelectorAll("time")].map((time) => new Date(time.dateTime));
  if (start === undefined) continue;
  const sameDay = start.toDateString() === end.toDateString();
  const [from, until] = row.querySelectorAll("time");
  from.textContent = start.toLocaleString([], { ...day, ...hour });
  until.textContent = end.toLocaleString([], sameDay ? hour : { ...day, ...hour });
}
</script>"""
_GUESTS_SHOWN: Final = 3


class NewEvent(BaseModel):
    """What the form asks for; a browser sends what was left empty as an empty text."""

    title: str
    start: datetime
    minutes: Annotated[int, Field(ge=5, le=1440)]
    guest: str = ""


def create_calendar_pages(sandbox_url: str) -> APIRouter:
    """The pages; `sandbox_url` is where the controls answer."""
    router = APIRouter(prefix=PATH)

    @router.get("")
    async def people() -> HTMLResponse:
        async with Sandbox(sandbox_url) as sandbox:
            return _people_page({provider: await sandbox.accounts(provider) for provider in _MAKE})

    @router.get("/{provider}/{email}")
    async def calendar(provider: Provider, email: str) -> HTMLResponse:
        now = datetime.now(UTC)
        async with _house(sandbox_url, provider, email) as house:
            return _calendar_page(house, await house.agenda(now, now + timedelta(days=_DAYS)), now)

    _add_acts(router, sandbox_url)
    return router


def _add_acts(router: APIRouter, sandbox_url: str) -> None:
    @router.post("/{provider}/{email}/move")
    async def move(provider: Provider, email: str, event: Text, start: Text, end: Text) -> RedirectResponse:
        """An hour later."""
        later = [datetime.fromisoformat(moment) + timedelta(hours=1) for moment in (start, end)]
        async with _house(sandbox_url, provider, email) as house:
            await house.move(event, (later[0], later[1]))
        return _back(provider, email)

    @router.post("/{provider}/{email}/delete")
    async def delete(provider: Provider, email: str, event: Text) -> RedirectResponse:
        async with _house(sandbox_url, provider, email) as house:
            await house.delete(event)
        return _back(provider, email)

    @router.post("/{provider}/{email}/add")
    async def add(provider: Provider, email: str, wish: Annotated[NewEvent, Form()]) -> RedirectResponse:
        begin = wish.start.replace(tzinfo=UTC)
        async with _house(sandbox_url, provider, email) as house:
            await house.invite(wish.guest or None, wish.title, (begin, begin + timedelta(minutes=wish.minutes)))
        return _back(provider, email)


@asynccontextmanager
async def _house(sandbox_url: str, provider: Provider, email: str) -> AsyncIterator[House]:
    """The person's calendar. A stranger is answered 404, what the provider refuses 409."""
    async with Sandbox(sandbox_url) as sandbox:
        named = {account["email"]: account["name"] for account in await sandbox.accounts(provider)}
        if email not in named:
            raise HTTPException(404, f"{_NAMES[provider]} has no {email}.")
        try:
            yield _MAKE[provider](sandbox, email, named[email])
        except httpx.HTTPStatusError as refused:
            raise HTTPException(409, str(refused)) from refused


def _back(provider: str, email: str) -> RedirectResponse:
    return RedirectResponse(_address(provider, email), status_code=303)


def _address(provider: str, email: str) -> str:
    return f"{PATH}/{provider}/{quote(email)}"


def _people_page(people: Mapping[str, Iterable[Mapping[str, str]]]) -> HTMLResponse:
    rows = "".join(
        f'<tr><td><a href="{_address(provider, account["email"])}">{escape(account["name"])}</a></td>'
        f"<td>{escape(account['email'])}</td><td>{_NAMES[provider]}</td></tr>"
        for provider, accounts in people.items()
        for account in accounts
    )
    return render("Calendars", f"<h1>Calendars</h1><table>{rows or '<tr><td>Nobody yet.</td></tr>'}</table>")


def _calendar_page(house: House, appointments: Iterable[Appointment], now: datetime) -> HTMLResponse:
    action = _address(house.provider, house.email)
    rows = "".join(_row(action, appointment) for appointment in appointments)
    tomorrow = (now + timedelta(days=1)).replace(hour=10, minute=0)
    return render(
        house.name,
        f'<p><a href="{PATH}">All calendars</a></p>'
        f"<h1>{escape(house.name)}</h1><p>{escape(house.email)}, {_NAMES[house.provider]}: the next {_DAYS} days, "
        "in your own time. What is moved, deleted and added here a person has done by hand: see what becomes of a "
        "booking.</p>"
        f"<table>{rows or '<tr><td>Nothing.</td></tr>'}</table>"
        f"{_ADD.format(action=action, start=tomorrow)}{_IN_THE_READERS_ZONE}",
    )


def _row(action: str, appointment: Appointment) -> str:
    moments = dict(zip(("start", "end"), (moment.isoformat() for moment in appointment.when), strict=True))
    times = (f'<time datetime="{moments[name]}">{moments[name]}</time>' for name in ("start", "end"))
    given = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {"event": appointment.id, **moments}.items()
    )
    drag = "" if appointment.all_day else f'<button formaction="{action}/move">An hour later</button> '
    hand = f'<form method="post">{given}{drag}<button formaction="{action}/delete">Delete</button></form>'
    shown, more = appointment.guests[:_GUESTS_SHOWN], len(appointment.guests) - _GUESTS_SHOWN
    guests = escape(", ".join(shown)) + (f" and {more} more" if more > 0 else "")
    remark = f" <em>({escape(appointment.remark)})</em>" if appointment.remark else ""
    return (
        f'<tr><td class="line">{" &ndash; ".join(times)}</td>'
        f'<td>{escape(appointment.title)}{remark}<br><small>{guests}</small></td><td class="line">{hand}</td></tr>'
    )
