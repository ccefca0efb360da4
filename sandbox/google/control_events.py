"""The second actor: what people do to their events in Google's own web page, while a client syncs.

The one rule: a person is not asked for tokens or scopes, but Google's rules for events hold for people too.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from sandbox.google.event_fields import WRITABLE, overlay
from sandbox.google.instances import Window, find_event, happens_within, instances_of, start_key
from sandbox.google.resources import Reader, render
from sandbox.google.times import Json
from sandbox.google.world import Account, Actor, Calendar, Event, GoogleWorld
from sandbox.google.writes import Support, delete_event, edit_event, insert_event, move_event, respond

SendUpdates = Literal["all", "externalOnly", "none"]
_HUMAN = Support(conference_version=1, attachments=True)
# What a copy takes over: all a client may set, but nobody is invited to it and it has no video room of its own.
_COPIED = WRITABLE - {"attendees", "conferenceData", "sequence"}


class Answer(BaseModel):
    """`attendee` says no, maybe or yes to an event."""

    model_config = ConfigDict(extra="forbid")
    event: str
    attendee: str
    response: Literal["needsAction", "declined", "tentative", "accepted"]


def create_events_router(world: GoogleWorld) -> APIRouter:
    """What people see, write, delete and answer."""
    router = APIRouter(prefix="/accounts/{email}", tags=["events"])
    _add_reading(router, world)
    _add_writing(router, world)
    _add_the_rest(router, world)
    return router


def _add_reading(router: APIRouter, world: GoogleWorld) -> None:
    @router.get("/calendars/{calendar_id}/events")
    async def list_events(email: str, calendar_id: str, deleted: bool = False) -> list[Json]:
        """Stored events as their owner sees them: series, single events, exceptions."""
        account, calendar = _place(world, email, calendar_id)
        events = calendar.events.values()
        return [_show(event, calendar, account) for event in events if deleted or not event.cancelled]

    @router.get("/calendars/{calendar_id}/view")
    async def list_view(email: str, calendar_id: str, start: AwareDatetime, end: AwareDatetime) -> list[Json]:
        """What takes place between two instants, instances instead of series, in order; not what is damaged."""
        account, calendar = _place(world, email, calendar_id)
        events = sorted(_taking_place(calendar, Window(start, end)), key=lambda event: start_key(event, calendar))
        return [_show(event, calendar, account) for event in events]

    @router.get("/calendars/{calendar_id}/events/{event_id}")
    async def get_event(email: str, calendar_id: str, event_id: str) -> Json:
        account, calendar = _place(world, email, calendar_id)
        event = find_event(calendar, event_id)
        if event is None:
            raise HTTPException(404, f"no event {event_id}")
        return _show(event, calendar, account)


def _add_writing(router: APIRouter, world: GoogleWorld) -> None:
    @router.post("/calendars/{calendar_id}/events", status_code=201)
    async def insert(
        email: str, calendar_id: str, body: Json, send_updates: SendUpdates = "none", trusted: bool = False
    ) -> Json:
        """A new event in Google's shape. An `organizer` other than the calendar makes it an invitation from outside.

        `trusted` skips every check: the way to put in events as damaged as Google itself sometimes serves them.
        """
        account, calendar = _place(world, email, calendar_id)
        organizer = body.get("organizer", {}).get("email")
        event = insert_event(
            world,
            calendar,
            body,
            Actor(account.email, "human", None, send_updates),
            support=_HUMAN,
            imported=organizer is not None and organizer.lower() != calendar.id,
            trusted=trusted,
        )
        return _show(event, calendar, account)

    @router.patch("/calendars/{calendar_id}/events/{event_id}")
    async def patch(
        email: str, calendar_id: str, event_id: str, body: Json, send_updates: SendUpdates = "none"
    ) -> Json:
        """Change an event, or one instance by its id; `{"status": "confirmed"}` brings a deleted one back."""
        account, calendar = _place(world, email, calendar_id)
        actor = Actor(account.email, "human", None, send_updates)
        event = edit_event(world, calendar, event_id, body, actor, replace=False, support=_HUMAN)
        return _show(event, calendar, account)


def _add_the_rest(router: APIRouter, world: GoogleWorld) -> None:
    @router.delete("/calendars/{calendar_id}/events/{event_id}", status_code=204)
    async def delete(email: str, calendar_id: str, event_id: str, send_updates: SendUpdates = "none") -> Response:
        """Delete an event, a series or one instance by its id."""
        account, calendar = _place(world, email, calendar_id)
        delete_event(world, calendar, event_id, Actor(account.email, "human", None, send_updates))
        return Response(status_code=204)

    @router.post("/calendars/{calendar_id}/events/{event_id}/move")
    async def move(email: str, calendar_id: str, event_id: str, destination: str) -> Json:
        """Move an event to another calendar of the person; its organizer changes."""
        account, calendar = _place(world, email, calendar_id)
        _, target = _place(world, email, destination)
        event = move_event(world, calendar, target, event_id, Actor(account.email, "human"))
        return _show(event, target, account)

    @router.post("/calendars/{calendar_id}/events/{event_id}/copy", status_code=201)
    async def copy(email: str, calendar_id: str, event_id: str, body: Json | None = None) -> Json:
        """A tool of the person's inserts what it read of an event, marks of programs and all, under another id.

        `body` changes the copy. Nobody is invited to it. Of a series it is a series, of an instance a single event.
        """
        account, calendar = _place(world, email, calendar_id)
        event = find_event(calendar, event_id)
        if event is None or event.cancelled:
            raise HTTPException(404, f"no event {event_id}")
        kept = {name: deepcopy(value) for name, value in event.fields.items() if name in _COPIED}
        fields = overlay(kept, body or {}, replace=False)
        copied = insert_event(world, calendar, fields, Actor(account.email, "human"), support=_HUMAN)
        return _show(copied, calendar, account)

    @router.post("/rsvp")
    async def rsvp(email: str, body: Answer) -> Json:
        """A guest answers. `email` is whose copy: a simulated guest's, or the organizer's for a guest elsewhere."""
        account, calendar = _place(world, email, "primary")
        guest = body.attendee.lower()
        actor = Actor(guest, "human", None, "none")
        if guest == calendar.id:
            return _show(respond(world, calendar, body.event, body.response, actor), calendar, account)
        return _show(_answer_by_mail(world, calendar, body, actor), calendar, account)


def _answer_by_mail(world: GoogleWorld, calendar: Calendar, body: Answer, actor: Actor) -> Event:
    """A guest without a simulated account has answered the invitation; the organizer's copy takes it."""
    event = find_event(calendar, body.event)
    if event is None:
        raise HTTPException(404, f"no event {body.event}")
    guests = [dict(guest) for guest in event.fields.get("attendees", [])]
    answering = [guest for guest in guests if guest["email"] == actor.account]
    if not answering:
        raise HTTPException(404, f"{actor.account} is not invited")
    answering[0]["responseStatus"] = body.response
    return edit_event(world, calendar, event.id, {"attendees": guests}, actor, replace=False, support=Support())


def _place(world: GoogleWorld, email: str, calendar_id: str) -> tuple[Account, Calendar]:
    account = world.accounts.get(email.lower())
    calendar = world.find_calendar(email.lower() if calendar_id == "primary" else calendar_id)
    if account is None or calendar is None:
        raise HTTPException(404, f"no calendar {calendar_id} of {email}")
    return account, calendar


def _taking_place(calendar: Calendar, window: Window) -> Iterator[Event]:
    for event in calendar.events.values():
        if event.cancelled:
            continue
        if event.recurring:
            yield from instances_of(calendar, event, window)
        elif event.schedule() is not None and happens_within(event, calendar, window):
            yield event


def _show(event: Event, calendar: Calendar, account: Account) -> Json:
    return render(event, calendar, Reader(account.email, "owner"))
