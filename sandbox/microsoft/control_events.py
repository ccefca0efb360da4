"""The second actor by remote control: what people do in Outlook. The one rule: ids are immutable ids, times are UTC."""

from typing import Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from sandbox.microsoft.outlook import Outlook
from sandbox.microsoft.times import Json, Window
from sandbox.microsoft.views import expand, live_items, whole
from sandbox.microsoft.world import MicrosoftWorld


class Answer(BaseModel):
    """`attendee` says no, maybe or yes to an event."""

    model_config = ConfigDict(extra="forbid")
    event: str
    attendee: str
    response: Literal["accepted", "tentativelyAccepted", "declined"]


class Move(BaseModel):
    """Where to: `default` or the id of a calendar."""

    model_config = ConfigDict(extra="forbid")
    to: str


def create_events_router(world: MicrosoftWorld) -> APIRouter:
    """What people see, write, delete, move and answer."""
    router = APIRouter(prefix="/accounts/{email}", tags=["events"])
    _add_reading(router, world)
    _add_writing(router, world)
    _add_the_rest(router, world)
    return router


def _outlook(world: MicrosoftWorld, email: str) -> Outlook:
    account = world.accounts.get(email.lower())
    if account is None:
        raise HTTPException(404, f"no simulated account {email}")
    return Outlook(world, account)


def _add_reading(router: APIRouter, world: MicrosoftWorld) -> None:
    @router.get("/calendars/{calendar_id}/events")
    async def list_events(email: str, calendar_id: str) -> list[Json]:
        """Stored events as the person sees them: series and single events."""
        outlook = _outlook(world, email)
        calendar = outlook.calendar(calendar_id)
        return [outlook.show(calendar, whole(item)) for item in live_items(calendar)]

    @router.get("/calendars/{calendar_id}/view")
    async def list_view(email: str, calendar_id: str, start: AwareDatetime, end: AwareDatetime) -> list[Json]:
        """What takes place between two instants, occurrences instead of series, in order."""
        outlook, window = _outlook(world, email), Window(start, end)
        calendar = outlook.calendar(calendar_id)
        views = [view for item in live_items(calendar) for view in expand(item, window)]
        return [outlook.show(calendar, view) for view in sorted(views, key=lambda view: view.span.start)]

    @router.get("/calendars/{calendar_id}/events/{event_id}")
    async def get_event(email: str, calendar_id: str, event_id: str) -> Json:
        outlook = _outlook(world, email)
        calendar = outlook.calendar(calendar_id)
        return outlook.show(calendar, outlook.find(calendar, event_id))


def _add_writing(router: APIRouter, world: MicrosoftWorld) -> None:
    @router.post("/calendars/{calendar_id}/events", status_code=201)
    async def create(email: str, calendar_id: str, body: Json) -> Json:
        """A new event in Graph's shape. An `organizer` other than the person makes it an invitation from outside."""
        outlook = _outlook(world, email)
        calendar = outlook.calendar(calendar_id)
        return outlook.show(calendar, whole(outlook.create(calendar, body)))

    @router.patch("/calendars/{calendar_id}/events/{event_id}")
    async def edit(email: str, calendar_id: str, event_id: str, body: Json) -> Json:
        """Change an event, a series, or one occurrence by its id."""
        outlook = _outlook(world, email)
        calendar = outlook.calendar(calendar_id)
        return outlook.show(calendar, outlook.edit(calendar, event_id, body))

    @router.delete("/calendars/{calendar_id}/events/{event_id}", status_code=204)
    async def delete(email: str, calendar_id: str, event_id: str) -> Response:
        """Delete an event, a series, or one occurrence by its id."""
        outlook = _outlook(world, email)
        outlook.delete(outlook.calendar(calendar_id), event_id)
        return Response(status_code=204)


def _add_the_rest(router: APIRouter, world: MicrosoftWorld) -> None:
    @router.post("/calendars/{calendar_id}/events/{event_id}/move")
    async def move(email: str, calendar_id: str, event_id: str, body: Move) -> Json:
        """Move an event or a whole series to another calendar of the person."""
        outlook = _outlook(world, email)
        target = outlook.calendar(body.to)
        return outlook.show(target, outlook.move(outlook.calendar(calendar_id), event_id, target))

    @router.post("/calendars/{calendar_id}/events/{event_id}/copy", status_code=201)
    async def copy(email: str, calendar_id: str, event_id: str, body: Json | None = None) -> Json:
        """Copy and paste an event on its calendar; `body`, in Graph's shape, changes the copy."""
        outlook = _outlook(world, email)
        calendar = outlook.calendar(calendar_id)
        return outlook.show(calendar, outlook.copy(calendar, event_id, body or {}))

    @router.post("/rsvp", status_code=204)
    async def rsvp(email: str, body: Answer) -> Response:
        """A guest answers. `email` is whose copy: a simulated guest's, or the organizer's for a guest elsewhere."""
        _outlook(world, email).answer(body.event, body.attendee.lower(), body.response)
        return Response(status_code=204)
