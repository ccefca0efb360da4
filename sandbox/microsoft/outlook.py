"""What people do to their events in Outlook, while a client syncs; also how events come in from outside.

The one rule: a person is not asked for tokens, but Exchange's rules for events hold for people too.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

from sandbox.microsoft import errors
from sandbox.microsoft.copies import note_answer
from sandbox.microsoft.drafts import Draft, address_of, read_edit, read_new
from sandbox.microsoft.ids import read_event_id, read_folder_id
from sandbox.microsoft.prefer import Preferences
from sandbox.microsoft.query import Options
from sandbox.microsoft.render import Reader, render_event
from sandbox.microsoft.shapes import EVENT, NEW_EVENT, check
from sandbox.microsoft.times import NEVER, Json
from sandbox.microsoft.views import View, view_of, whole
from sandbox.microsoft.world import Account, Actor, Calendar, Item, MicrosoftWorld
from sandbox.microsoft.writes import create_event, delete_event, edit_event, move_event, respond

_PLAIN = "subject body categories importance sensitivity showAs isReminderOn reminderMinutesBeforeStart"
_COPIED = (*_PLAIN.split(), "location", "locations")


@dataclass(frozen=True)
class Outlook:
    """One person in front of Outlook."""

    world: MicrosoftWorld
    person: Account

    @property
    def _actor(self) -> Actor:
        return Actor(self.person.email, "human")

    def calendar(self, calendar_id: str) -> Calendar:
        """One of the person's calendars: `default`, or an id as the person sees it."""
        if calendar_id == "default":
            return self.person.default
        found = read_folder_id(calendar_id)
        for calendar in self.person.calendars:
            if found is not None and calendar.token == found[1]:
                return calendar
        raise errors.item_not_found()

    def find(self, calendar: Calendar, event_id: str) -> View:
        """An event on a calendar, by an id of either format."""
        where = read_event_id(event_id)
        if where is None:
            raise errors.malformed_id()
        item = calendar.items.get(where.item)
        found = view_of(item, where.day) if item is not None and not item.deleted else None
        if found is None:
            raise errors.item_not_found()
        return found

    def show(self, calendar: Calendar, view: View, *, zone: str = "UTC") -> Json:
        """Graph's event with its immutable id and all its extended properties."""
        reader = Reader(
            self.person, calendar, Preferences(zone=zone, immutable_ids=True), "https://graph.microsoft.com"
        )
        properties = tuple(view.properties)
        expand = ("singleValueExtendedProperties",) if properties else ()
        return render_event(view, reader, Options(expand=expand, properties=properties))

    # doing --------------------------------------------------------------------------------

    def create(self, calendar: Calendar, body: Json, *, token: bytes | None = None) -> Item:
        """A new event in Graph's shape.

        Beyond what a client may set, `organizer` makes it an invitation from somebody outside, which `responseStatus`
        has been answered with, `attendees` may bring their answers, and `originalStartTimeZone` may name no zone.
        """
        draft = read_new(check(NEW_EVENT, body), calendar.owner)
        draft = _with_answers(draft, body)
        label = body.get("originalStartTimeZone")
        if label is not None and draft.span is not None:
            draft = replace(draft, span=replace(draft.span, label=label))
        address = (body.get("organizer") or {}).get("emailAddress") or {}
        outside = str(address.get("address", "")).lower() not in {"", calendar.owner.email}
        return create_event(
            self.world,
            calendar,
            draft,
            self._actor,
            organizer=deepcopy(address) if outside else None,
            token=token,
            response=(body.get("responseStatus") or {}).get("response", "notResponded"),
        )

    def edit(self, calendar: Calendar, event_id: str, body: Json) -> View:
        """Change an event, a series, or one occurrence by its id."""
        view = self.find(calendar, event_id)
        item, single = view.item, view.day is not None
        draft = read_edit(check(EVENT, body), calendar.owner, view.fields, view.span, item.recurrence, single=single)
        edit_event(self.world, calendar, view, draft, self._actor)
        return self.find(calendar, event_id)

    def copy(self, calendar: Calendar, event_id: str, body: Json) -> View:
        """Copy and paste: another event with all that programs marked it with, but not its transaction.

        `body` changes the copy. Nobody is invited to it. Of a series it is a series, of an occurrence a single event.
        """
        view = self.find(calendar, event_id)
        fields = {name: deepcopy(view.fields[name]) for name in _COPIED if name in view.fields}
        recurrence = view.item.recurrence if view.day is None else None
        draft = Draft(fields, view.span, deepcopy(recurrence), properties=dict(view.properties))
        item = create_event(self.world, calendar, draft, self._actor)
        copied = whole(item)
        return self.edit(calendar, self.show(calendar, copied)["id"], body) if body else copied

    def delete(self, calendar: Calendar, event_id: str) -> None:
        """Delete an event, a series, or one occurrence by its id."""
        delete_event(self.world, calendar, self.find(calendar, event_id), self._actor)

    def move(self, calendar: Calendar, event_id: str, target: Calendar) -> View:
        """Drag an event or a whole series to another calendar."""
        item = self.find(calendar, event_id).item
        if calendar.owner is not target.owner:
            raise errors.invalid_request("An event can only be moved within a mailbox.")
        move_event(self.world, calendar, target, item, self._actor)
        return self.find(target, event_id)

    def answer(self, event_id: str, attendee: str, response: str) -> None:
        """A guest answers; this person's copy is the guest's own, or the organizer's for a guest from elsewhere."""
        calendar = self._holding(event_id)
        view = self.find(calendar, event_id)
        actor = Actor(attendee, "human")
        if attendee == self.person.email:
            respond(self.world, calendar, view, response, actor)
        elif not note_answer(self.world, calendar, view, actor, guest=attendee, response=response):
            raise errors.item_not_found()

    def _holding(self, event_id: str) -> Calendar:
        where = read_event_id(event_id)
        for calendar in self.person.calendars:
            if where is not None and where.item in calendar.items:
                return calendar
        raise errors.item_not_found()


def _with_answers(draft: Draft, body: Json) -> Draft:
    """What guests have answered before; a client could not say so."""
    given: dict[str, str] = {}
    for each in body.get("attendees") or ():
        response = (each.get("status") or {}).get("response")
        if response:
            given[address_of(each)] = response
    if not given:
        return draft
    people = [
        {**each, "status": {"response": given.get(address_of(each), "none"), "time": NEVER}}
        for each in draft.fields["attendees"]
    ]
    return replace(draft, fields={**draft.fields, "attendees": people})
