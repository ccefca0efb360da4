"""Copies of one meeting in several mailboxes, and the mails about it.

The one rule: the organizer's item is the truth. Answers flow to it, shared fields flow from it; what a guest set for
themselves stays. Every change the guests can see is mailed to them: Graph has no way to ask for silence.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import replace
from datetime import date

from sandbox.ledger import Mail, MailKind
from sandbox.microsoft.drafts import address_of
from sandbox.microsoft.ids import EventId, immutable_id
from sandbox.microsoft.times import NEVER, Json, utc_text
from sandbox.microsoft.views import View, view_of, whole
from sandbox.microsoft.world import Account, Actor, Calendar, Deviation, Item, MicrosoftWorld

_SHARED_NAMES = (
    "subject body importance location locations attendees organizer responseRequested allowNewTimeProposals "
    "hideAttendees isOnlineMeeting onlineMeetingProvider onlineMeeting"
)
SHARED = frozenset(_SHARED_NAMES.split())
_UNANSWERED: Json = {"response": "notResponded", "time": NEVER}
CANCELLED_PREFIX = "Canceled: "


def event_id_of(calendar: Calendar, item: Item, day: date | None = None) -> str:
    """How ledger and outbox call an event, whatever format a client uses."""
    return immutable_id(EventId(calendar.owner.mailbox, item.token, None, day))


def guests_of(fields: Json, owner: Account) -> set[str]:
    return {address_of(each) for each in fields.get("attendees", ())} - {owner.email}


def find_copy(calendar: Calendar, uid: str) -> Item | None:
    for item in calendar.items.values():
        if item.uid == uid and not item.deleted:
            return item
    return None


def propagate(
    world: MicrosoftWorld,
    calendar: Calendar,
    item: Item,
    before: set[str],
    actor: Actor,
    *,
    unasked: AbstractSet[str] = frozenset(),
) -> None:
    """Bring the guests' copies in line after the organizer's item changed; `before` are those invited until now.

    Who is `unasked` gets no mail about this change, so what they declined and thereby removed does not come back.
    """
    if not item.is_organizer:
        return
    now = set() if item.deleted else guests_of(item.fields, calendar.owner)
    system = Actor(actor.account, "propagation", actor.request_id)
    for email in sorted(now | before):
        guest = world.accounts.get(email)
        if guest is None:
            continue
        if email in now:
            _write_copy(world, guest, item, system, asked=email not in unasked)
        else:
            _cancel_copy(world, guest.default, item.uid, system)


def _write_copy(world: MicrosoftWorld, guest: Account, item: Item, actor: Actor, *, asked: bool) -> None:
    calendar, held = guest.default, find_copy(guest.default, item.uid)
    if held is None and not asked:
        return
    if held is None:
        copy = _new_copy(world, guest, item)
        world.place(calendar, copy)
        world.commit(calendar, copy, "insert", actor, event_id=event_id_of(calendar, copy))
        return
    snapshot = deepcopy(_content(held))
    moved = held.span != item.span or held.recurrence != item.recurrence
    held.fields = {name: value for name, value in held.fields.items() if name not in SHARED} | _shared(item, guest)
    held.intended_show_as = item.fields.get("showAs", "busy")
    held.fields["isCancelled"] = False
    if moved:
        held.span, held.recurrence = item.span, deepcopy(item.recurrence)
        held.deviations, held.cancelled = {}, set()
        held.fields |= {"responseStatus": _UNANSWERED, "showAs": "tentative"}
    _follow_deviations(held, item, guest, asked=asked)
    if snapshot != _content(held):
        world.commit(calendar, held, "update", actor, event_id=event_id_of(calendar, held))


def _content(item: Item) -> tuple[object, ...]:
    return item.fields, item.span, item.recurrence, item.deviations


def _new_copy(world: MicrosoftWorld, guest: Account, item: Item) -> Item:
    now = world.clock.now()
    fields = _shared(item, guest) | {
        "sensitivity": item.fields.get("sensitivity", "normal"),
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "showAs": "tentative",
        "isOrganizer": False,
        "responseStatus": _UNANSWERED,
    }
    copy = Item(world.new_token(), item.uid, fields, item.span, now, now, deepcopy(item.recurrence))
    copy.intended_show_as = item.fields.get("showAs", "busy")
    _follow_deviations(copy, item, guest, asked=True)
    return copy


def _shared(item: Item, guest: Account, overrides: Json | None = None) -> Json:
    """The organizer's fields as a guest has them: without the others' answers, maybe without the others."""
    source = item.fields if overrides is None else overrides
    fields = {name: deepcopy(source[name]) for name in SHARED if name in source}
    hides = item.fields.get("hideAttendees", False)
    if "attendees" in fields:
        people = [each for each in fields["attendees"] if not hides or address_of(each) == guest.email]
        fields["attendees"] = [unanswered(each) for each in people]
    return fields


def unanswered(attendee: Json) -> Json:
    """Somebody on the list, without what they have said."""
    known = {name: value for name, value in attendee.items() if name != "proposedNewTime"}
    return {**known, "status": {"response": "none", "time": NEVER}}


def _follow_deviations(copy: Item, item: Item, guest: Account, *, asked: bool) -> None:
    for day, deviation in item.deviations.items():
        own = copy.deviations.get(day, Deviation())
        if day in copy.cancelled:  # the guest is rid of it, until it is moved
            if not asked or own.span == deviation.span:
                continue
            copy.cancelled.discard(day)
        kept = {name: value for name, value in own.fields.items() if name not in SHARED}
        if own.span != deviation.span:
            kept |= {"responseStatus": _UNANSWERED, "showAs": "tentative"}
        fields = _shared(item, guest, deviation.fields) | kept
        copy.deviations[day] = replace(own, fields=fields, span=deviation.span)
    for day in item.cancelled - copy.cancelled:
        own = copy.deviations.setdefault(day, Deviation())
        if not own.fields.get("isCancelled"):
            own.fields |= _cancelled({**copy.fields, **own.fields})


def _cancelled(fields: Json) -> Json:
    """What becomes of a meeting in a guest's calendar: it stays, until the guest removes it."""
    return {"isCancelled": True, "showAs": "free", "subject": f"{CANCELLED_PREFIX}{fields.get('subject', '')}"}


def _cancel_copy(world: MicrosoftWorld, calendar: Calendar, uid: str, actor: Actor) -> None:
    held = find_copy(calendar, uid)
    if held is None or held.fields.get("isCancelled"):
        return
    held.fields |= _cancelled(held.fields)
    world.commit(calendar, held, "update", actor, event_id=event_id_of(calendar, held))


# answers --------------------------------------------------------------------------------------


def answer_organizer(
    world: MicrosoftWorld, guest: str, view: View, response: str, actor: Actor, *, proposal: Json | None = None
) -> None:
    """Carry a guest's answer to the organizer's item, with the other time it may propose."""
    _reply(world, _organizer_of(view), guest, view)
    system = Actor(actor.account, "propagation", actor.request_id)
    for calendar, item in originals(world, view):
        seen = view_of(item, view.day)
        note_answer(world, calendar, seen, system, guest=guest, response=response, proposal=proposal)


def originals(world: MicrosoftWorld, view: View) -> Iterator[tuple[Calendar, Item]]:
    """The organizer's item that an invitation comes from, unless its organizer is elsewhere."""
    organizer = world.accounts.get(_organizer_of(view))
    for calendar in organizer.calendars if organizer is not None else ():
        item = find_copy(calendar, view.item.uid)
        if calendar.owner is organizer and item is not None and item.is_organizer:
            yield calendar, item


def _organizer_of(view: View) -> str:
    return str(view.fields.get("organizer", {}).get("emailAddress", {}).get("address", "")).lower()


def note_answer(
    world: MicrosoftWorld,
    calendar: Calendar,
    seen: View | None,
    actor: Actor,
    *,
    guest: str,
    response: str,
    proposal: Json | None = None,
) -> bool:
    """Write an answer into the organizer's list; False for somebody who is not on it."""
    if seen is None or guest not in guests_of(seen.fields, calendar.owner):
        return False
    item, day = seen.item, seen.day
    told: Json = {"status": {"response": response, "time": utc_text(world.clock.now())}}
    if proposal is not None:
        told["proposedNewTime"] = proposal
    people = [{**unanswered(each), **told} if address_of(each) == guest else each for each in seen.fields["attendees"]]
    if day is None:
        item.fields["attendees"] = people
    else:
        item.deviations.setdefault(day, Deviation()).fields["attendees"] = people
    world.commit(calendar, item, "update", actor, event_id=event_id_of(calendar, item, day), changed=("attendees",))
    return True


# mails ----------------------------------------------------------------------------------------


def invite(world: MicrosoftWorld, calendar: Calendar, item: Item) -> None:
    _mail_all(world, calendar, whole(item), "invitation", guests_of(item.fields, calendar.owner))


def mail_invitations(world: MicrosoftWorld, calendar: Calendar, view: View, to: Iterable[str]) -> None:
    """The owner of a calendar invites people to what is on it, whoever organizes it."""
    _mail_all(world, calendar, view, "invitation", to)


def announce(
    world: MicrosoftWorld, calendar: Calendar, view: View, before: set[str], *, only_guests_changed: bool
) -> None:
    """An edit: those kept get an update, unless only the list of guests changed; the rest get what became of them."""
    now = guests_of(view.fields, calendar.owner)
    _mail_all(world, calendar, view, "invitation", now - before)
    _mail_all(world, calendar, view, "cancellation", before - now)
    if only_guests_changed:
        return
    _mail_all(world, calendar, view, "update", now & before)
    if view.kind == "seriesMaster":
        for day in sorted(view.item.deviations):
            exception = view_of(view.item, day)
            if exception is not None:
                _mail_all(world, calendar, exception, "update", now & before)


def call_off(world: MicrosoftWorld, calendar: Calendar, view: View) -> None:
    _mail_all(world, calendar, view, "cancellation", guests_of(view.fields, calendar.owner))


def _mail_all(world: MicrosoftWorld, calendar: Calendar, view: View, kind: MailKind, to: Iterable[str]) -> None:
    for email in sorted(to):
        _mail(world, calendar, view, kind, to=email)


def _reply(world: MicrosoftWorld, to: str, sender: str, view: View) -> None:
    _mail(world, world.accounts[sender].default, view, "reply", to=to)


def _mail(world: MicrosoftWorld, calendar: Calendar, view: View, kind: MailKind, *, to: str) -> None:
    """The owner of a calendar mails somebody about an event on it."""
    world.outbox.append(
        lambda seq: Mail(
            seq=seq,
            at=world.clock.now(),
            kind=kind,
            to=to,
            sender=calendar.owner.email,
            calendar=calendar.id_for(calendar.owner),
            event_id=event_id_of(calendar, view.item, view.day),
            uid=view.uid,
            summary=str(view.fields.get("subject", "")),
            start=utc_text(view.span.start),
        )
    )
