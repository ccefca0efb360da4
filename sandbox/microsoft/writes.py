"""Changes to events, whoever makes them: a client through the API or a person in Outlook.

The one rule: an edit is decided before anything is touched, so a refusal leaves nothing behind.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sandbox.microsoft import errors
from sandbox.microsoft.copies import (
    SHARED,
    announce,
    answer_organizer,
    call_off,
    event_id_of,
    guests_of,
    invite,
    propagate,
    unanswered,
)
from sandbox.microsoft.drafts import Draft
from sandbox.microsoft.ids import new_uid
from sandbox.microsoft.recurrence import neighbours
from sandbox.microsoft.times import NEVER, Json, Span, utc_text
from sandbox.microsoft.views import View, occurrence, view_of
from sandbox.microsoft.world import Account, Actor, Calendar, Deviation, Item, MicrosoftWorld

Match = Callable[[Item], None]
_SHOWN = {"accepted": None, "tentativelyAccepted": "tentative", "declined": "free"}


def any_version(item: Item) -> None:
    """The condition of a request without If-Match."""
    del item


def create_event(
    world: MicrosoftWorld,
    calendar: Calendar,
    draft: Draft,
    actor: Actor,
    *,
    organizer: Json | None = None,
    token: bytes | None = None,
    response: str = "notResponded",
) -> Item:
    """A new event or series. With an `organizer` it is an invitation from outside, answered with `response`."""
    assert draft.span is not None
    now, token = world.clock.now(), token or world.new_token()
    fields: Json = {"subject": "", "showAs": "busy", "isReminderOn": True}
    fields |= draft.fields
    fields["organizer"] = {"emailAddress": organizer or _person(calendar.owner)}
    fields["transactionId"] = draft.transaction
    item = Item(token, new_uid(token), fields, draft.span, now, now, draft.recurrence)
    item.properties = {name: value for name, value in draft.properties.items() if value is not None}
    item.lists = dict(draft.lists)
    item.extensions = dict(draft.extensions)
    item.intended_show_as = fields["showAs"]
    if organizer is not None:
        fields |= {"isOrganizer": False, "responseStatus": {"response": response, "time": NEVER}}
        fields["showAs"] = _shown(item, response)
    else:
        fields |= {"isOrganizer": True, "responseStatus": {"response": "organizer", "time": NEVER}}
    world.commit(calendar, item, "insert", actor, event_id=event_id_of(calendar, item))
    if organizer is None:
        propagate(world, calendar, item, set(), actor)
        invite(world, calendar, item)
    return item


def _person(account: Account) -> Json:
    return {"name": account.name, "address": account.email}


def _shown(item: Item, response: str) -> str:
    return (_SHOWN[response] or item.intended_show_as) if response in _SHOWN else "tentative"


def edit_event(
    world: MicrosoftWorld,
    calendar: Calendar,
    view: View,
    draft: Draft,
    actor: Actor,
    *,
    match: Match = any_version,
) -> None:
    """Change an event, a whole series, or one occurrence, which thereby becomes an exception."""
    item = view.item
    match(item)
    if view.day is not None and draft.span is not None:
        _check_boundary(item, view.day, draft.span)
    before = guests_of(view.fields, calendar.owner)
    changed = _changed(view, draft)
    if view.day is None:
        _edit_whole(item, draft)
    else:
        _edit_occurrence(item, view.day, draft)
    _store_properties(item, view.day, draft)
    world.commit(
        calendar, item, "update", actor, event_id=event_id_of(calendar, item, view.day), changed=tuple(sorted(changed))
    )
    after = view_of(item, view.day)
    if after is None or not item.is_organizer:
        return
    invited = before | guests_of(item.fields, calendar.owner)
    shared = changed & (SHARED | {"start", "recurrence"})
    concerns_new_guests_only = shared <= {"attendees"}
    propagate(world, calendar, item, invited, actor, unasked=before if concerns_new_guests_only else frozenset())
    if shared:
        announce(world, calendar, after, before, only_guests_changed=concerns_new_guests_only)


def _changed(view: View, draft: Draft) -> set[str]:
    changed = {name for name, value in draft.fields.items() if view.fields.get(name) != value}
    if draft.span is not None:
        changed.add("start")
    if draft.recurrence is not None or draft.drops_recurrence:
        changed.add("recurrence")
    return changed


def _edit_whole(item: Item, draft: Draft) -> None:
    item.fields = {**item.fields, **draft.fields}
    item.intended_show_as = draft.fields.get("showAs", item.intended_show_as)
    if draft.touches_time:
        # What was decided for single occurrences falls with the times it was decided for.
        item.deviations, item.cancelled = {}, set()
        item.span = draft.span or item.span
        item.recurrence = None if draft.drops_recurrence else draft.recurrence or item.recurrence
        _ask_again(item.fields)


def _edit_occurrence(item: Item, day: date, draft: Draft) -> None:
    deviation = item.deviations.setdefault(day, Deviation())
    deviation.fields = {**deviation.fields, **draft.fields}
    if draft.span is not None:
        deviation.span = draft.span
        people: Json = {"attendees": deviation.fields.get("attendees", item.fields.get("attendees", []))}
        _ask_again(people)
        if people["attendees"]:
            deviation.fields |= people


def _ask_again(fields: Json) -> None:
    """A new time is a new question."""
    fields["attendees"] = [unanswered(each) for each in fields.get("attendees", ())]


def _store_properties(item: Item, day: date | None, draft: Draft) -> None:
    if not draft.properties and not draft.lists:
        return
    holder = item if day is None else item.deviations.setdefault(day, Deviation())
    holder.lists |= draft.lists
    held = holder.properties
    for name, value in draft.properties.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value


def _check_boundary(item: Item, day: date, span: Span) -> None:
    """An occurrence stays between its neighbours, by the day."""
    assert item.recurrence is not None
    before, after = neighbours(item.recurrence, item.span.day, day)
    target = replace(span, zone=item.span.zone).day
    if before is not None and target <= _actual(item, before):
        raise errors.crossing_boundary()
    if after is not None and target >= _actual(item, after):
        raise errors.crossing_boundary()


def _actual(item: Item, day: date) -> date:
    found = occurrence(item, day)
    return day if found is None else replace(found.span, zone=item.span.zone).day


# answers --------------------------------------------------------------------------------------


def respond(
    world: MicrosoftWorld,
    calendar: Calendar,
    view: View,
    response: str,
    actor: Actor,
    *,
    send: bool = True,
    proposal: Json | None = None,
) -> None:
    """The owner of a calendar answers an invitation on it: accepted, tentativelyAccepted or declined."""
    _check_response(view, send=send, proposes=proposal is not None)
    item = view.item
    answer: Json = {
        "responseStatus": {"response": response, "time": utc_text(world.clock.now())},
        "showAs": _shown(item, response),
    }
    gone = response == "declined" and not world.knobs.keep_declined_events
    if gone:
        _remove(item, view.day)
    else:
        _answer(item, view.day, answer)
    world.commit(
        calendar,
        item,
        "delete" if gone else "update",
        actor,
        event_id=event_id_of(calendar, item, view.day),
        changed=("responseStatus", "showAs"),
    )
    if send:
        answer_organizer(world, calendar.owner.email, view, response, actor, proposal=proposal)


def _check_response(view: View, *, send: bool, proposes: bool) -> None:
    if view.item.is_organizer:
        raise errors.is_organizer()
    if view.fields.get("isCancelled"):
        raise errors.is_cancelled()
    if send and view.fields.get("responseRequested") is False:
        raise errors.no_response_requested()
    if proposes and not send:
        raise errors.silent_proposal()
    if proposes and view.fields.get("allowNewTimeProposals") is False:
        raise errors.no_proposals()


def _answer(item: Item, day: date | None, answer: Json) -> None:
    if day is not None:
        item.deviations.setdefault(day, Deviation()).fields |= answer
        return
    item.fields = {**item.fields, **answer}
    for deviation in item.deviations.values():
        if not deviation.fields.get("isCancelled"):
            deviation.fields |= answer


# the end --------------------------------------------------------------------------------------


def delete_event(
    world: MicrosoftWorld, calendar: Calendar, view: View, actor: Actor, *, match: Match = any_version
) -> None:
    """Delete an event, a series, or one occurrence. For the organizer this cancels it; guests only remove theirs."""
    item = view.item
    match(item)
    invited = guests_of(view.fields, calendar.owner)
    _remove(item, view.day)
    world.commit(
        calendar,
        item,
        "delete",
        actor,
        event_id=event_id_of(calendar, item, view.day),
        changed=() if view.day is None else ("cancelledOccurrences",),
    )
    if item.is_organizer:
        propagate(world, calendar, item, invited, actor)
        call_off(world, calendar, view)


def _remove(item: Item, day: date | None) -> None:
    if day is None:
        item.deleted = True
    else:
        item.cancelled.add(day)
        item.deviations.pop(day, None)


def cancel_event(world: MicrosoftWorld, calendar: Calendar, view: View, actor: Actor) -> None:
    """What only an organizer may do."""
    if not view.item.is_organizer:
        raise errors.not_organizer()
    delete_event(world, calendar, view, actor)


def move_event(world: MicrosoftWorld, calendar: Calendar, target: Calendar, item: Item, actor: Actor) -> None:
    """Drag an event to another calendar of the same person: its immutable id stays, the other one does not."""
    world.commit(calendar, item, "delete", actor, event_id=event_id_of(calendar, item), changed=("calendar",))
    del calendar.items[item.token]
    world.commit(target, item, "insert", actor, event_id=event_id_of(target, item), changed=("calendar",))
