"""Meetings across mailboxes: who is told what by mail, and what becomes of the guests' own copies.

The one rule: a guest's copy changes only when a mail goes out. A meeting nobody was told about is on nobody's calendar,
and one that is deleted in silence stays on everybody's.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace

from sandbox.exchange.items import GUESTS, Attendee, Item, Key, Values, View
from sandbox.exchange.world import Actor, ExchangeWorld, Folder, Mailbox
from sandbox.ledger import Mail, MailKind

# What an invitation says; the rest of a copy is the guest's own.
SHARED: tuple[Key, ...] = (
    "Subject",
    "Body",
    "Attachments",
    "Location",
    "Start",
    "End",
    "IsAllDayEvent",
    "StartTimeZone",
    "EndTimeZone",
    "Recurrence",
    "Importance",
    "Sensitivity",
    "IsResponseRequested",
    "AllowNewTimeProposal",
    "IsOnlineMeeting",
    "ConferenceType",
    "MeetingWorkspaceUrl",
    "NetShowUrl",
    "UID",
    "GlobalObjectId",
    "Organizer",
    "AppointmentSequenceNumber",
    *GUESTS,
)
WHEN: tuple[Key, ...] = ("Start", "End", "Recurrence", "IsAllDayEvent")
CANCELLED = "Canceled: "


@dataclass(frozen=True)
class Sending:
    """SendMeetingInvitations, SendMeetingInvitationsOrCancellations and SendMeetingCancellations."""

    mode: str = "SendToNone"

    @property
    def sends(self) -> bool:
        return self.mode != "SendToNone"

    @property
    def to_changed_only(self) -> bool:
        return "Changed" in self.mode


SILENT = Sending()


def is_organizer(folder: Folder, view: View) -> bool:
    organizer = view.get("Organizer")
    return organizer is None or organizer[0] == folder.mailbox.email


def announce(
    world: ExchangeWorld, folder: Folder, view: View, *, before: tuple[Attendee, ...], sending: Sending, actor: Actor
) -> None:
    """Tell the guests of a meeting that is new or changed; `before` are those who had been told already."""
    if not sending.sends or not is_organizer(folder, view):
        return
    known = {guest.email for guest in before}
    invited = {guest.email: guest for guest in view.guests()}
    for email in invited:
        if sending.to_changed_only and email in known:
            continue
        _mail(world, folder, view, "update" if email in known else "invitation", to=email)
        _write_copy(world, folder, view, email, actor)
    for email in sorted(known - invited.keys()):
        _mail(world, folder, view, "cancellation", to=email)
        _cancel_copy(world, view, email, actor)


def call_off(world: ExchangeWorld, folder: Folder, view: View, sending: Sending, actor: Actor) -> None:
    """Tell the guests of a meeting that it is cancelled."""
    if not sending.sends or not is_organizer(folder, view):
        return
    told = {guest.email for guest in view.guests()}
    for email in sorted(told):
        _mail(world, folder, view, "cancellation", to=email)
        _cancel_copy(world, view, email, actor)
    for original in view.item.exceptions if view.original is None else ():
        # Somebody may have been invited to one occurrence only.
        occurrence = View(view.item, original)
        for guest in occurrence.guests():
            if guest.email not in told:
                _mail(world, folder, occurrence, "cancellation", to=guest.email)
                _cancel_copy(world, occurrence, guest.email, actor)


def forward(world: ExchangeWorld, folder: Folder, view: View, emails: Iterable[str], actor: Actor) -> None:
    """Send an invitation on to others: nobody's list of guests changes. What is no meeting is only a mail."""
    for email in emails:
        _mail(world, folder, view, "invitation", to=email)
        if view.guests():
            _write_copy(world, folder, view, email, actor)


def tell_organizer(world: ExchangeWorld, folder: Folder, view: View, response: str, actor: Actor) -> None:
    """A guest's answer by mail: the organizer's copy takes it."""
    organizer = view.get("Organizer")
    _mail(world, folder, view, "reply", to=organizer[0])
    home = world.find_mailbox(organizer[0])
    found = find_copy(home, view.item.uid) if home is not None and home.enabled else None
    if found is not None:
        note_response(world, *found, about=view, email=folder.mailbox.email, response=response, actor=actor)


def note_response(
    world: ExchangeWorld, folder: Folder, item: Item, *, about: View, email: str, response: str, actor: Actor
) -> None:
    """Write a guest's answer into the organizer's list; `about` tells whether it is about one occurrence."""
    original = about.original if item.recurrence is not None else None
    view = View(item, original)
    changes: Values = {}
    for role in GUESTS:
        guests: tuple[Attendee, ...] = view.get(role, ())
        if any(guest.email == email for guest in guests):
            changes[role] = tuple(
                replace(guest, response=response, replied=world.clock.now()) if guest.email == email else guest
                for guest in guests
            )
    if not changes:
        return
    if original is None:
        item.values |= changes
    else:
        item.exceptions.setdefault(original, {}).update(changes)
    system = Actor(actor.account, "propagation", actor.request_id)
    world.commit(folder, item, "update", system, changed=tuple(str(key) for key in changes))


def find_copy(mailbox: Mailbox, uid: str) -> tuple[Folder, Item] | None:
    """The item with this UID on one of a mailbox's calendars. UIDs need not be unique; the oldest is taken."""
    for folder in mailbox.folders.values():
        if folder.is_calendar:
            for item in folder.items.values():
                if item.uid == uid:
                    return folder, item
    return None


def _write_copy(world: ExchangeWorld, folder: Folder, view: View, email: str, actor: Actor) -> None:
    target = world.find_mailbox(email)
    if target is None or not target.enabled or target is folder.mailbox:
        return
    found = find_copy(target, view.item.uid)
    system = Actor(actor.account, "propagation", actor.request_id)
    if found is None:
        now = world.clock.now()
        item = Item(world.next_number(), _told(view), created=now, modified=now)
        item.values |= {
            "MyResponseType": "NoResponseReceived",
            "LegacyFreeBusyStatus": "Tentative",
            "IntendedFreeBusyStatus": view.get("LegacyFreeBusyStatus", "Busy"),
            "MeetingRequestWasSent": True,
            "ReminderIsSet": True,
            "ReminderMinutesBeforeStart": 15,
        }
        if view.original is None:
            item.exceptions = {at: _told_of(changes) for at, changes in view.item.exceptions.items()}
            item.deletions = set(view.item.deletions)
        world.commit(target.calendar, item, "insert", system)
        return
    place, item = found
    _renew(item, view)
    world.commit(place, item, "update", system)


def _told(view: View) -> Values:
    """What an invitation carries; of one occurrence it is a single item."""
    values = {key: deepcopy(view.get(key)) for key in SHARED if view.get(key) is not None}
    if view.original is not None:
        values.pop("Recurrence", None)
    return _unanswered(values)


def _told_of(changes: Values) -> Values:
    return _unanswered({key: deepcopy(value) for key, value in changes.items() if key in SHARED})


def _unanswered(values: Values) -> Values:
    """Guests do not see what others answered."""
    for role in GUESTS:
        if role in values:
            values[role] = tuple(replace(guest, response="Unknown", replied=None) for guest in values[role])
    return values


def _renew(item: Item, view: View) -> None:
    """Bring a guest's copy in line; when it is about another time, the answer is asked again."""
    if view.original is not None and item.recurrence is not None:
        held = item.exceptions.setdefault(view.original, {})
        moved = any(held.get(key) != view.changes.get(key) for key in ("Start", "End"))
        held |= _told_of(view.changes)
        item.deletions.discard(view.original)
        if moved:
            held |= _asked_again(view)
        return
    told = _told(view)
    moved = any(item.values.get(key) != told.get(key) for key in WHEN)
    for key in SHARED:
        item.values.pop(key, None)
    item.values |= told
    if view.original is None:
        own = item.exceptions
        item.exceptions = {at: {**own.get(at, {}), **_told_of(new)} for at, new in view.item.exceptions.items()}
        item.deletions = item.deletions | view.item.deletions if not moved else set(view.item.deletions)
    if moved:
        item.values |= _asked_again(view)
    if item.values.pop("IsCancelled", False):
        item.values |= _asked_again(view)


def _asked_again(view: View) -> Values:
    return {
        "MyResponseType": "NoResponseReceived",
        "LegacyFreeBusyStatus": "Tentative",
        "IntendedFreeBusyStatus": view.get("LegacyFreeBusyStatus", "Busy"),
    }


def _cancel_copy(world: ExchangeWorld, view: View, email: str, actor: Actor) -> None:
    """A cancelled meeting stays on the guest's calendar, marked and free, until they remove it."""
    target = world.find_mailbox(email)
    found = find_copy(target, view.item.uid) if target is not None and target.enabled else None
    if found is None:
        return
    folder, item = found
    original = view.original if item.recurrence is not None else None
    subject = str(View(item, original).get("Subject", ""))
    values: Values = {
        "IsCancelled": True,
        "LegacyFreeBusyStatus": "Free",
        "Subject": subject if subject.startswith(CANCELLED) else CANCELLED + subject,
    }
    if original is None:
        item.values |= values
    elif original not in item.deletions:
        item.exceptions.setdefault(original, {}).update(values)
    world.commit(
        folder, item, "update", Actor(actor.account, "propagation", actor.request_id), changed=("IsCancelled",)
    )


def _mail(world: ExchangeWorld, folder: Folder, view: View, kind: MailKind, *, to: str) -> None:
    world.outbox.append(
        lambda seq: Mail(
            seq=seq,
            at=world.clock.now(),
            kind=kind,
            to=to,
            sender=folder.mailbox.email,
            calendar=folder.id,
            event_id=folder.item_id(view.item, view.original),
            uid=view.item.uid,
            summary=str(view.get("Subject", "")),
            sequence=int(view.get("AppointmentSequenceNumber", 0)),
            start=view.start.isoformat(),
        )
    )
