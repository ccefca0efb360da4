"""Writing items: what a client does through the web service and a person does in Outlook, by the same rules.

The one rule: these functions take values, check what Exchange checks, commit once, and then tell the guests.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sandbox.exchange.errors import Refusal, about
from sandbox.exchange.ids import global_id_of_uid, new_global_id
from sandbox.exchange.items import GUESTS, Item, Key, Values, View
from sandbox.exchange.meetings import SILENT, WHEN, Sending, announce, call_off, is_organizer
from sandbox.exchange.recurrence import Recurrence, shift_start
from sandbox.exchange.world import Actor, ExchangeWorld, Folder
from sandbox.exchange.zones import Zone

_LONGEST = timedelta(days=5 * 365)
_HALF_HOUR = timedelta(minutes=30)
_NOT_COPIED = frozenset(
    {
        "UID",
        "GlobalObjectId",
        "Organizer",
        "MyResponseType",
        "MeetingRequestWasSent",
        "AppointmentSequenceNumber",
        *GUESTS,
    }
)
_SEQUENCED: tuple[Key, ...] = (*WHEN, "Location")


def create_item(
    world: ExchangeWorld, folder: Folder, values: Values, actor: Actor, *, zone: Zone, sending: Sending = SILENT
) -> Item:
    """A new item in a calendar folder; `zone` is whose days and clock it keeps unless it says. Raises Refusal."""
    if not folder.is_calendar:
        raise Refusal("ErrorCannotCreateCalendarItemInNonCalendarFolder")
    now = world.clock.now()
    values = {**_defaults(folder, zone), **values}
    values.setdefault("EndTimeZone", values["StartTimeZone"])
    values.setdefault("Start", now.replace(second=0, microsecond=0))
    values.setdefault("End", values["Start"] + _HALF_HOUR)
    if "UID" in values:
        values["GlobalObjectId"] = global_id_of_uid(values["UID"])
    else:
        values["GlobalObjectId"] = new_global_id(now, secrets.token_bytes(16))
        values["UID"] = values["GlobalObjectId"].hex().upper()
    _settle(values)
    item = Item(world.next_number(), values, created=now, modified=now)
    view = View(item)
    if view.guests() and sending.sends and is_organizer(folder, view):
        values["MeetingRequestWasSent"] = True
    world.commit(folder, item, "insert", actor)
    announce(world, folder, view, before=(), sending=sending, actor=actor)
    return item


def _defaults(folder: Folder, zone: Zone) -> Values:
    return {
        "Organizer": (folder.mailbox.email, folder.mailbox.name),
        "StartTimeZone": zone,
        "LegacyFreeBusyStatus": "Busy",
        "ReminderIsSet": True,
        "ReminderMinutesBeforeStart": 15,
        "MyResponseType": "Organizer",
    }


def _settle(values: Values) -> None:
    """Make the times of an item what Exchange stores: whole days, and a series from its first occurrence."""
    zone: Zone = values["StartTimeZone"]
    if values["End"] < values["Start"]:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate")
    if values["End"] - values["Start"] > _LONGEST:
        raise Refusal("ErrorCalendarDurationIsTooLong")
    if values.get("IsAllDayEvent"):
        values["Start"], values["End"] = _whole_days(values["Start"], values["End"], zone)
    recurrence: Recurrence | None = values.get("Recurrence")
    if recurrence is None:
        return
    if next(recurrence.days_from(), None) is None:
        raise Refusal("ErrorRecurrenceHasNoOccurrence")
    values["Recurrence"] = recurrence = shift_start(recurrence)
    length = values["End"] - values["Start"]
    at = zone.to_wall(values["Start"]).time()
    values["Start"] = zone.to_utc(datetime.combine(recurrence.start, at))
    values["End"] = values["Start"] + length


def _whole_days(start: datetime, end: datetime, zone: Zone) -> tuple[datetime, datetime]:
    first, after = midnight_before(start, zone), midnight_after(end, zone)
    return first, after if after > first else midnight_after(first + timedelta(hours=1), zone)


def midnight_before(moment: datetime, zone: Zone) -> datetime:
    """The midnight at or before a moment."""
    return zone.to_utc(zone.to_wall(moment).replace(hour=0, minute=0, second=0, microsecond=0))


def midnight_after(moment: datetime, zone: Zone) -> datetime:
    """The midnight at or after a moment."""
    wall = zone.to_wall(moment)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    return zone.to_utc(midnight if midnight == wall else midnight + timedelta(days=1))


def update_view(
    world: ExchangeWorld, folder: Folder, view: View, changes: Values, actor: Actor, *, sending: Sending = SILENT
) -> None:
    """Change an item or one occurrence; a value of None takes a property away. Raises Refusal."""
    item, original = view.item, view.original
    before = view.guests()
    when = {key: view.get(key) for key in WHEN}
    place = view.get("Location")
    if original is None:
        _change_item(item, changes)
    else:
        _change_occurrence(view, original, changes)
    moved = any(view.get(key) != value for key, value in when.items())
    told = sending.sends and bool(view.guests() or before) and is_organizer(folder, view)
    if told:
        _note_sent(view, sequenced=moved or view.get("Location") != place, reset=moved)
    world.commit(folder, item, "update", actor, changed=tuple(str(key) for key in changes))
    for key in changes:
        item.touched[f"{original or ''}{key}"] = item.version
    announce(world, folder, view, before=before, sending=sending, actor=actor)


def _change_item(item: Item, changes: Values) -> None:
    values = {key: value for key, value in {**item.values, **changes}.items() if value is not None}
    if item.recurrence is not None and "Start" in changes and "Recurrence" not in changes:
        first = values["StartTimeZone"].to_wall(values["Start"]).date()
        values["Recurrence"] = replace(item.recurrence, start=first)
    _settle(values)
    if any(values.get(key) != item.values.get(key) for key in WHEN):
        # Another pattern has other days: what was said of the old ones is forgotten.
        item.exceptions, item.deletions = {}, set()
    item.values = values


def _change_occurrence(view: View, original: datetime, changes: Values) -> None:
    item = view.item
    if "Recurrence" in changes:
        raise Refusal("ErrorInvalidPropertySet", details=about("calendar:Recurrence"))
    held = {**item.exceptions.get(original, {}), **changes}
    start = held.get("Start", original)
    end = held.get("End", original + item.length)
    if end < start:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate")
    if start != view.start:
        _check_neighbours(item, original, start)
    item.exceptions[original] = held


def _check_neighbours(item: Item, original: datetime, start: datetime) -> None:
    """An occurrence may not pass the one before or behind it, nor share its day."""
    begin, end = min(original, start) - timedelta(days=400), max(original, start) + timedelta(days=400)
    views = [one for one in item.views_between(begin, end) if one.original != original]
    day = item.zone.to_wall(start).date()
    for one in views:
        assert one.original is not None
        passed = (one.original < original) != (one.start < start)
        if passed or item.zone.to_wall(one.start).date() == day:
            raise Refusal("ErrorOccurrenceCrossingBoundary")


def _note_sent(view: View, *, sequenced: bool, reset: bool) -> None:
    """What sending an update does to the organizer's own copy."""
    values = view.item.values if view.original is None else view.item.exceptions[view.original]
    values["MeetingRequestWasSent"] = True
    if sequenced:
        values["AppointmentSequenceNumber"] = int(view.get("AppointmentSequenceNumber", 0)) + 1
    if reset:
        for role in GUESTS:
            guests = view.get(role, ())
            if guests:
                values[role] = tuple(replace(guest, response="Unknown", replied=None) for guest in guests)


def delete_view(
    world: ExchangeWorld,
    folder: Folder,
    view: View,
    actor: Actor,
    *,
    disposal: str = "MoveToDeletedItems",
    sending: Sending = SILENT,
) -> Item | None:
    """Delete an item, a series or one occurrence. Returns the item in Deleted Items, where it went there."""
    call_off(world, folder, view, sending, actor)
    if view.original is not None:
        view.item.deletions.add(view.original)
        view.item.exceptions.pop(view.original, None)
        world.commit(folder, view.item, "update", actor, changed=("DeletedOccurrences",))
        return None
    bin_ = folder.mailbox.distinguished("deleteditems")
    if disposal == "MoveToDeletedItems" and bin_ is not None and folder is not bin_:
        return move_item(world, folder, bin_, view.item, actor)
    world.commit(folder, view.item, "delete", actor)
    return None


def move_item(world: ExchangeWorld, source: Folder, target: Folder, item: Item, actor: Actor) -> Item:
    """Take an item to another folder of the mailbox: it is the same item under another id."""
    moved = _another(world, item)
    world.commit_move(source, target, item, moved, actor)
    return moved


def copy_item(world: ExchangeWorld, source: Folder, target: Folder, item: Item, actor: Actor) -> Item:
    """Put an item into a folder of the mailbox once more."""
    copied = _another(world, item)
    world.commit_copy(source, target, item, copied, actor)
    return copied


def _another(world: ExchangeWorld, item: Item) -> Item:
    return Item(
        world.next_number(),
        dict(item.values),
        created=item.created,
        modified=item.modified,
        exceptions={at: dict(changes) for at, changes in item.exceptions.items()},
        deletions=set(item.deletions),
    )


def views_of(folder: Folder) -> list[View]:
    """Every item of a folder, each as one."""
    return [View(item) for item in folder.items.values()]


def copy_view(world: ExchangeWorld, folder: Folder, view: View, changes: Values, actor: Actor) -> Item:
    """Copy and paste: another item with all that programs marked it with, under a UID of its own.

    Nobody is invited to it. Of a series it is a series, of an occurrence a single item.
    """
    kept = {key: view.get(key) for key in {**view.item.values, **view.changes}}
    if view.original is not None:
        kept.pop("Recurrence", None)
    values = {key: value for key, value in kept.items() if key not in _NOT_COPIED and value is not None}
    return create_item(world, folder, {**values, **changes}, actor, zone=view.item.zone)


def cancel_meeting(world: ExchangeWorld, folder: Folder, view: View, actor: Actor, *, sending: Sending) -> Item | None:
    """The organizer calls a meeting off: the guests are told, and it leaves the organizer's calendar."""
    if not is_organizer(folder, view):
        raise Refusal("ErrorCalendarIsNotOrganizer")
    if not view.guests():
        raise Refusal("ErrorInvalidItemForOperationCancelItem")
    return delete_view(world, folder, view, actor, sending=sending)


def occurrence_at(item: Item, index: int) -> View:
    """The occurrence with a number, counted from 1 over deleted ones too. Raises Refusal."""
    starts = item.starts()
    original = next((start for number, start in enumerate(starts, start=1) if number == index), None)
    if index < 1 or original is None:
        raise Refusal("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    if original in item.deletions:
        raise Refusal("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
    return View(item, original)
