"""The second actor: what people do in Outlook, while a client syncs.

The one rule: a person is not asked for credentials, but Exchange's rules for items hold for people too.
"""

from datetime import date, time
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import AwareDatetime

from sandbox.exchange.control_bodies import Answer, Change, Copy, Deletion, ItemBody, Move
from sandbox.exchange.errors import Refusal
from sandbox.exchange.ids import InvalidId, read_id
from sandbox.exchange.items import GUESTS, Attendee, Item, Values, View
from sandbox.exchange.meetings import SILENT, Sending, find_copy, is_organizer, note_response
from sandbox.exchange.recurrence import InvalidRecurrence, Recurrence, check
from sandbox.exchange.replies import remove_cancelled, respond
from sandbox.exchange.world import Actor, ExchangeWorld, Folder, Mailbox
from sandbox.exchange.writes import cancel_meeting, copy_view, create_item, delete_view, move_item, update_view
from sandbox.exchange.zones import Zone, find_zone, zone_of_iana

Json = dict[str, Any]
_SEND = Sending("SendToAllAndSaveCopy")


def create_items_router(world: ExchangeWorld) -> APIRouter:
    """What people see, write, move, delete and answer."""
    router = APIRouter(prefix="/accounts/{email}", tags=["items"])
    _add_reading(router, world)
    _add_writing(router, world)
    _add_removing(router, world)
    _add_moving(router, world)
    return router


def _add_reading(router: APIRouter, world: ExchangeWorld) -> None:
    @router.get("/items")
    async def list_items(email: str, calendar: str = "calendar") -> list[Json]:
        """What is stored, as its owner sees it: single items and series."""
        folder = find_calendar(find_mailbox(world, email), calendar)
        return [show(View(item), folder) for item in folder.items.values()]

    @router.get("/item")
    async def get_item(email: str, id: str) -> Json:  # noqa: A002 - the query parameter's name
        folder, view = _find(find_mailbox(world, email), id)
        return show(view, folder)

    @router.get("/view")
    async def show_view(email: str, begin: AwareDatetime, end: AwareDatetime, calendar: str = "calendar") -> list[Json]:
        """What takes place in a span, occurrences spelt out."""
        folder = find_calendar(find_mailbox(world, email), calendar)
        views = [view for item in folder.items.values() for view in item.views_between(begin, end)]
        return [show(view, folder) for view in sorted(views, key=lambda view: view.start)]


def _add_writing(router: APIRouter, world: ExchangeWorld) -> None:
    @router.post("/items", status_code=201)
    async def create(email: str, body: ItemBody, calendar: str = "calendar", send: bool = False) -> Json:
        mailbox = find_mailbox(world, email)
        folder = find_calendar(mailbox, calendar)
        values = read_values(world, body, mailbox.zone)
        _make_invitation(world, mailbox, values)
        actor = Actor(mailbox.email, "human")
        item = create_item(world, folder, values, actor, zone=mailbox.zone, sending=_SEND if send else SILENT)
        return show(View(item), folder)

    @router.patch("/items")
    async def change(email: str, body: Change) -> Json:
        """Change an item, a series, or one occurrence by its id."""
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        values = read_values(world, body.changes, view.item.zone)
        actor = Actor(mailbox.email, "human")
        update_view(world, folder, view, values, actor, sending=_SEND if body.send else SILENT)
        return show(view, folder)


def _add_removing(router: APIRouter, world: ExchangeWorld) -> None:
    @router.post("/items/delete", status_code=204)
    async def delete(email: str, body: Deletion) -> Response:
        """Delete an item, a series, or one occurrence by its id."""
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        sending = _SEND if body.send else SILENT
        actor = Actor(mailbox.email, "human")
        delete_view(world, folder, view, actor, disposal=body.disposal, sending=sending)
        return Response(status_code=204)

    @router.post("/items/cancel", status_code=204)
    async def cancel(email: str, body: Deletion) -> Response:
        """The organizer calls a meeting off."""
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        sending = _SEND if body.send else SILENT
        cancel_meeting(world, folder, view, Actor(mailbox.email, "human"), sending=sending)
        return Response(status_code=204)

    @router.post("/items/remove", status_code=204)
    async def remove(email: str, body: Deletion) -> Response:
        """A guest takes a cancelled meeting off their calendar."""
        mailbox = find_mailbox(world, email)
        remove_cancelled(world, *_find(mailbox, body.id), Actor(mailbox.email, "human"))
        return Response(status_code=204)


def _add_moving(router: APIRouter, world: ExchangeWorld) -> None:
    @router.post("/items/move")
    async def move(email: str, body: Move) -> Json:
        """To another calendar of the person: the item gets another id."""
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        target = find_calendar(mailbox, body.calendar)
        item = move_item(world, folder, target, view.item, Actor(mailbox.email, "human"))
        return show(View(item), target)

    @router.post("/items/copy", status_code=201)
    async def copy(email: str, body: Copy) -> Json:
        """Copy and paste an item on its calendar: the copy carries all that programs marked it with."""
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        values = read_values(world, body.changes, view.item.zone)
        item = copy_view(world, folder, view, values, Actor(mailbox.email, "human"))
        return show(View(item), folder)

    @router.post("/rsvp")
    async def rsvp(email: str, body: Answer) -> Json:
        mailbox = find_mailbox(world, email)
        folder, view = _find(mailbox, body.id)
        actor = Actor(mailbox.email, "human")
        if body.attendee is None:
            place, item = respond(world, folder, view, body.response, actor, send=body.send)
            return show(View(item), place)
        return _answer_from_outside(world, folder, view, body, actor)


def _answer_from_outside(world: ExchangeWorld, folder: Folder, view: View, body: Answer, actor: Actor) -> Json:
    """A guest without a mailbox here has answered by mail; the organizer's copy takes it."""
    attendee = (body.attendee or "").lower()
    if attendee not in {guest.email for guest in view.guests()}:
        raise HTTPException(404, f"{attendee} is not invited")
    note_response(world, folder, view.item, about=view, email=attendee, response=body.response, actor=actor)
    return show(view, folder)


# looking up ---------------------------------------------------------------------------------------


def find_mailbox(world: ExchangeWorld, email: str) -> Mailbox:
    mailbox = world.find_mailbox(email)
    if mailbox is None:
        raise HTTPException(404, f"no simulated account {email}")
    return mailbox


def find_calendar(mailbox: Mailbox, calendar: str) -> Folder:
    """By distinguished name, display name or id."""
    for folder in mailbox.folders.values():
        if calendar in {folder.distinguished, folder.id} or (folder.is_calendar and calendar == folder.name):
            return folder
    raise HTTPException(404, f"no calendar {calendar} of {mailbox.email}")


def _find(mailbox: Mailbox, text: str) -> tuple[Folder, View]:
    try:
        store_id = read_id(text)
    except InvalidId as error:
        raise HTTPException(422, str(error)) from error
    folder = mailbox.folders.get(store_id.folder)
    item = folder.items.get(store_id.item or 0) if folder is not None else None
    if folder is None or item is None:
        raise HTTPException(404, "no such item")
    view = View(item) if store_id.original is None else item.occurrence(store_id.original)
    if view is None:
        raise HTTPException(404, "no such occurrence")
    return folder, view


# values -------------------------------------------------------------------------------------------


def read_values(world: ExchangeWorld, body: ItemBody, default: Zone) -> Values:
    """The values of what was said; what was left out is not among them."""
    given = body.model_fields_set
    zone = _zone(body, default)
    values: Values = {key: getattr(body, name) for name, key in _PLAIN.items() if name in given}
    for name, key in (("start", "Start"), ("end", "End")):
        moment = getattr(body, name)
        if moment is not None:
            values[key] = zone.to_utc(moment) if moment.tzinfo is None else moment
    if {"zone", "zone_name"} & given:
        values |= {"StartTimeZone": zone, "EndTimeZone": zone}
    if body.body is not None:
        values["Body"] = ("Text", body.body)
    if body.categories is not None:
        values["Categories"] = tuple(body.categories)
    for name, role in zip(("required", "optional", "resources"), GUESTS, strict=True):
        if name in given:
            values[role] = tuple(_guest(world, address) for address in getattr(body, name) or ())
    if body.organizer is not None:
        guest = _guest(world, body.organizer)
        values["Organizer"] = (guest.email, guest.name)
    if "recurrence" in given:
        values["Recurrence"] = _recurrence(body, zone)
    return values


_PLAIN = {
    "subject": "Subject",
    "all_day": "IsAllDayEvent",
    "busy": "LegacyFreeBusyStatus",
    "sensitivity": "Sensitivity",
    "location": "Location",
    "reminder_minutes": "ReminderMinutesBeforeStart",
    "uid": "UID",
}


def _zone(body: ItemBody, default: Zone) -> Zone:
    if body.zone is None:
        return default
    try:
        zone = find_zone(body.zone) or zone_of_iana(body.zone)
    except (KeyError, ValueError) as error:
        raise HTTPException(422, f"unknown time zone {body.zone}") from error
    return Zone(body.zone_name, zone.rules) if body.zone_name is not None else zone


def _guest(world: ExchangeWorld, address: str) -> Attendee:
    known = world.find_mailbox(address)
    return Attendee(known.email, known.name) if known is not None else Attendee(address.lower(), address)


def _recurrence(body: ItemBody, zone: Zone) -> Recurrence | None:
    told = body.recurrence
    if told is None:
        return None
    values = told.model_dump()
    if told.start is None:
        if body.start is None:
            raise HTTPException(422, "a recurrence needs a start")
        values["start"] = (body.start if body.start.tzinfo is None else zone.to_wall(body.start)).date()
    recurrence = Recurrence(**{**values, "days": tuple(told.days)})
    try:
        check(recurrence)
    except (InvalidRecurrence, KeyError, ValueError) as error:
        raise HTTPException(422, f"no recurrence: {error}") from error
    return recurrence


def _make_invitation(world: ExchangeWorld, mailbox: Mailbox, values: Values) -> None:
    """What came from another organizer is unanswered, and tentative until it is answered."""
    organizer = values.get("Organizer")
    if organizer is None or organizer[0] == mailbox.email:
        return
    guests = values.get("RequiredAttendees", ())
    if mailbox.email not in {guest.email for role in GUESTS for guest in values.get(role, ())}:
        values["RequiredAttendees"] = (*guests, _guest(world, mailbox.email))
    values.setdefault("IntendedFreeBusyStatus", values.get("LegacyFreeBusyStatus", "Busy"))
    values |= {
        "LegacyFreeBusyStatus": "Tentative",
        "MyResponseType": "NoResponseReceived",
        "MeetingRequestWasSent": True,
    }


# showing ------------------------------------------------------------------------------------------


def show(view: View, folder: Folder) -> Json:
    """An item as JSON, for a test to look at."""
    item = view.item
    organizer = view.get("Organizer", ("", ""))
    return {
        "id": folder.item_id(item, view.original),
        "change_key": folder.item_key(item),
        "folder": folder.distinguished or folder.name,
        "uid": item.uid,
        "kind": view.kind,
        "subject": view.get("Subject", ""),
        "start": view.start.isoformat(),
        "end": view.end.isoformat(),
        "zone": item.zone.id,
        "all_day": view.get("IsAllDayEvent", False),
        "busy": view.get("LegacyFreeBusyStatus", "Busy"),
        "sensitivity": view.get("Sensitivity", "Normal"),
        "location": view.get("Location"),
        "categories": list(view.get("Categories", ())),
        "organizer": organizer[0],
        "is_organizer": is_organizer(folder, view),
        "my_response": view.get("MyResponseType", "Organizer"),
        "is_cancelled": view.get("IsCancelled", False),
        "sequence": view.get("AppointmentSequenceNumber", 0),
        "attendees": [
            {"email": guest.email, "role": role, "response": guest.response}
            for role in GUESTS
            for guest in view.get(role, ())
        ],
        "recurrence": _show_recurrence(item),
        "original_start": view.original.isoformat() if view.original is not None else None,
        "modified": sorted(at.isoformat() for at in item.exceptions),
        "deleted": sorted(at.isoformat() for at in item.deletions),
    }


def _show_recurrence(item: Item) -> Json | None:
    recurrence = item.recurrence
    if recurrence is None:
        return None
    return {name: str(value) if isinstance(value, date | time) else value for name, value in vars(recurrence).items()}


def copy_of(world: ExchangeWorld, email: str, uid: str) -> Json:
    """The item with this UID on somebody's calendars."""
    found = find_copy(find_mailbox(world, email), uid)
    if found is None:
        raise HTTPException(404, f"{email} has no item {uid}")
    folder, item = found
    return show(View(item), folder)


def as_problem(refusal: Refusal) -> Json:
    """A refusal of Exchange's rules as JSON."""
    return {"code": refusal.code, "message": refusal.text}
