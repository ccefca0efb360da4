"""The bodies of the requests that write. Pure.

The one rule: a guest whom somebody else invited is never lost by a write of ours. And every write says itself whether
Exchange shall mail anybody: what it does by default differs between its verbs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.calendar import Attendee, EventDraft, Notify, Response, Timed, normalised
from app.providers.ews import marks
from app.providers.ews.questions import folder, instant, own_calendar
from app.providers.ews.soap import Element, m, parse_xml, t
from app.providers.ews.wire import Item, Person
from app.providers.texts import SUBJECT_MAX, cut
from app.providers.zones import windows_name

_MAILS: Final = {Notify.NOBODY: "SendToNone", Notify.EVERYBODY: "SendToAllAndSaveCopy"}
_REPLIES: Final = {
    Response.ACCEPTED: "AcceptItem",
    Response.TENTATIVE: "TentativelyAcceptItem",
    Response.DECLINED: "DeclineItem",
}


@dataclass(frozen=True, slots=True)
class Guests:
    """What becomes of the guests. To write a list anew forgets its answers, so who only joins is appended."""

    joining: Sequence[Person]
    required: Sequence[Person] | None
    """The whole list, of which somebody leaves; None: nobody does."""
    optional: Sequence[Person] | None


def new_calendar(name: str, key: str) -> Element:
    """The create of a calendar, where Outlook puts a new one: below the person's own."""
    calendar = t("CalendarFolder", t("DisplayName", name), marks.marked(marks.CALENDAR, marks.calendar_mark(key)))
    return m("CreateFolder", m("ParentFolderId", own_calendar()), m("Folders", calendar))


def new_event(calendar_id: str, draft: EventDraft, key: str, guests: Sequence[Attendee]) -> Element:
    """The create. It mails nobody, so that it may be looked for and repeated; `guests` may be invited later."""
    item = t(
        "CalendarItem",
        t("Subject", cut(draft.title, SUBJECT_MAX)),
        t("Body", draft.description or "", BodyType="Text"),
        marks.marked(marks.KEY, key),
        marks.marked(marks.GUESTS, marks.fingerprints(guest.email for guest in guests)),
        None if draft.busy else marks.marked(marks.FREE, marks.FREED),
        t("UID", marks.ical_uid(key)),
        t("Start", instant(draft.when.start)),
        t("End", instant(draft.when.end)),
        t("IsAllDayEvent", "false"),
        t("LegacyFreeBusyStatus", "Busy" if draft.busy else "Free"),
        t("Location", draft.location) if draft.location else None,
        _attendees("RequiredAttendees", [_person(guest) for guest in guests]),
        t("StartTimeZone", Id=windows_name(draft.when.zone)),
        t("EndTimeZone", Id=windows_name(draft.when.zone)),
    )
    return m(
        "CreateItem",
        m("SavedItemFolderId", folder(calendar_id)),
        m("Items", item),
        SendMeetingInvitations=_MAILS[Notify.NOBODY],
    )


def invitations(standing: Item, draft: EventDraft, notify: Notify) -> Element:
    """The update that invites the guests of an event that was made without them."""
    changes = [
        _set(
            "calendar:RequiredAttendees", _attendees("RequiredAttendees", [_person(guest) for guest in draft.attendees])
        ),
        _note(draft),
    ]
    return _update(standing, changes, notify)


def changed_event(standing: Item, draft: EventDraft, key: str, notify: Notify) -> Element:
    """The update that makes a standing event as drafted; it is refused when the event changed meanwhile."""
    guests = merged(standing, draft)
    changes = [
        *_said(draft, standing),
        _set_marked(marks.KEY, key),
        _note(draft),
        *_blocking(draft, standing),
        *_guest_list("RequiredAttendees", guests.required, standing.required_others),
        *_appended("RequiredAttendees", guests.joining),
        *_guest_list("OptionalAttendees", guests.optional, standing.optional_others),
    ]
    return _update(standing, changes, notify)


def removal(event_id: str, notify: Notify) -> Element:
    """The delete; an organizer's goes into the bin, and with `EVERYBODY` the guests are told."""
    return m(
        "DeleteItem",
        m("ItemIds", t("ItemId", Id=event_id)),
        DeleteType="MoveToDeletedItems",
        SendMeetingCancellations=_MAILS[notify],
    )


def reply(standing: Item, response: Response) -> Element | None:
    """The answer to an invitation, mailed to the organizer; None for one that is no answer."""
    verb = _REPLIES.get(response)
    if verb is None:
        return None
    reference = t("ReferenceItemId", Id=standing.id, ChangeKey=standing.change_key or "")
    return m("CreateItem", m("Items", t(verb, reference)), MessageDisposition="SendAndSaveCopy")


def merged(standing: Item, draft: EventDraft) -> Guests:
    """Those who stand, less those we invited and want no more, plus the new."""
    invited = set((standing.guests or "").split())
    new = {normalised(guest.email): guest for guest in draft.attendees}

    def stays(person: Person) -> bool:
        known = new.pop(normalised(person.email), None) is not None
        return known or marks.fingerprint(person.email) not in invited

    required = [person for person in standing.required if stays(person)]
    optional = [person for person in standing.optional if stays(person)]
    return Guests(
        [] if "attendees" in draft.keeps else [_person(guest) for guest in new.values()],
        required if len(required) < len(standing.required) else None,
        optional if len(optional) < len(standing.optional) else None,
    )


def _update(standing: Item, changes: Iterable[Element], notify: Notify) -> Element:
    which = t("ItemId", Id=standing.id, ChangeKey=standing.change_key or "")
    return m(
        "UpdateItem",
        m("ItemChanges", t("ItemChange", which, t("Updates", *changes))),
        ConflictResolution="NeverOverwrite",
        MessageDisposition="SaveOnly",
        SendMeetingInvitationsOrCancellations=_MAILS[notify],
    )


def _said(draft: EventDraft, standing: Item) -> Iterator[Element]:
    """What it is about, when and where, but for what stays as it stands."""
    if "title" not in draft.keeps:
        yield _set("item:Subject", t("Subject", cut(draft.title, SUBJECT_MAX)))
    if "description" not in draft.keeps and draft.description is not None:
        yield _set("item:Body", t("Body", draft.description, BodyType="Text"))
    if "when" not in draft.keeps:
        yield from _times(draft.when, standing)
    if "location" not in draft.keeps:
        place = t("Location", draft.location) if draft.location else None
        yield _delete("calendar:Location") if place is None else _set("calendar:Location", place)


def _times(when: Timed, standing: Item) -> list[Element]:
    """The zones first: Exchange moves a time that it reads in another zone than the one it is then told.

    An event that somebody made all-day is timed again before it is told when: till then Exchange makes midnights of it.
    https://github.com/ExchangeCalendar/exchangecalendar/issues/286
    """
    zone = windows_name(when.zone)
    return [
        _set("calendar:StartTimeZone", t("StartTimeZone", Id=zone)),
        _set("calendar:EndTimeZone", t("EndTimeZone", Id=zone)),
        *([_set("calendar:IsAllDayEvent", t("IsAllDayEvent", "false"))] if standing.all_day else ()),
        _set("calendar:Start", t("Start", instant(when.start))),
        _set("calendar:End", t("End", instant(when.end))),
    ]


def _blocking(draft: EventDraft, standing: Item) -> list[Element]:
    """Free as drafted; busy only again, where it was us who made it free and nobody chose otherwise since."""
    if not draft.busy:
        return [_set_marked(marks.FREE, marks.FREED), *_shown_as("Free")]
    if standing.free != marks.FREED:
        return []
    return [_set_marked(marks.FREE, marks.TAKEN_BACK), *(_shown_as("Busy") if standing.free_busy == "Free" else ())]


def _shown_as(status: str) -> list[Element]:
    return [_set("calendar:LegacyFreeBusyStatus", t("LegacyFreeBusyStatus", status))]


def _guest_list(name: str, people: Sequence[Person] | None, others: Sequence[bytes]) -> list[Element]:
    """The whole list anew; `others`, who have no address, as they came."""
    if people is None:
        return []
    field = f"calendar:{name}"
    stay = [*map(_attendee, people), *(t("Attendee", parse_xml(mailbox)) for mailbox in others)]
    return [_set(field, t(name, *stay))] if stay else [_delete(field)]


def _appended(name: str, people: Sequence[Person]) -> list[Element]:
    if not people:
        return []
    value = t("CalendarItem", _attendees(name, people))
    return [t("AppendToItemField", t("FieldURI", FieldURI=f"calendar:{name}"), value)]


def _attendees(name: str, people: Sequence[Person]) -> Element | None:
    return t(name, *(_attendee(person) for person in people)) if people else None


def _attendee(person: Person) -> Element:
    name = None if person.name is None else t("Name", person.name)
    return t("Attendee", t("Mailbox", name, t("EmailAddress", person.email), t("RoutingType", "SMTP")))


def _person(guest: Attendee) -> Person:
    return Person(guest.email, guest.name)


def _note(draft: EventDraft) -> Element:
    return _set_marked(marks.GUESTS, marks.fingerprints(guest.email for guest in draft.attendees))


def _set_marked(name: str, value: str) -> Element:
    return t("SetItemField", marks.path(name), t("CalendarItem", marks.marked(name, value)))


def _set(field: str, value: Element | None) -> Element:
    return t("SetItemField", t("FieldURI", FieldURI=field), t("CalendarItem", value))


def _delete(field: str) -> Element:
    return t("DeleteItemField", t("FieldURI", FieldURI=field))
