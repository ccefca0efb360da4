"""Events over HTTP: lists, views, single events, and what is done to them.

The one rule: what a change means is decided in `writes`; here is only who asks, and how the answer is shown.
"""

import json
from collections.abc import Callable
from typing import Any

from sandbox.microsoft import errors
from sandbox.microsoft.call import Answer, Call
from sandbox.microsoft.drafts import Draft, read_edit, read_new, read_proposal
from sandbox.microsoft.extensions import render_extensions
from sandbox.microsoft.filters import compile_filter
from sandbox.microsoft.forwarding import forward_event
from sandbox.microsoft.prefer import Preferences
from sandbox.microsoft.render import Reader, event_etag, render_calendar, render_event
from sandbox.microsoft.times import Json, parse_end
from sandbox.microsoft.views import View, expand, live_items, occurrences, whole
from sandbox.microsoft.world import Calendar, Transaction
from sandbox.microsoft.writes import cancel_event, create_event, delete_event, edit_event, respond

_FRAGMENT = "calendar/events"


def list_events(call: Call) -> Answer:
    """Single events and series, not expanded."""
    calendar = call.events_of()
    return _list(call, calendar, [whole(item) for item in live_items(calendar)], _FRAGMENT)


def list_view(call: Call) -> Answer:
    """A calendar view: occurrences instead of series, all of them whole."""
    calendar, window = call.events_of(), call.options.required_window()
    views = [view for item in live_items(calendar) for view in expand(item, window)]
    views.sort(key=lambda view: (view.span.start, view.item.ordinal))
    return _list(call, calendar, views, "calendarView")


def list_instances(call: Call) -> Answer:
    calendar, view = call.event()
    window = call.options.required_window()
    if view.kind != "seriesMaster":
        raise errors.invalid_request("The event is not a recurring event.")
    return _list(call, calendar, list(occurrences(view.item, window)), "calendar/events/instances")


def _list(call: Call, calendar: Calendar, views: list[View], fragment: str) -> Answer:
    reader, options = call.reader(calendar), call.options
    if options.filter is not None or options.order:
        views = _filtered(call, calendar, views)
    return call.page(views, lambda view: render_event(view, reader, options), fragment)


def _filtered(call: Call, calendar: Calendar, views: list[View]) -> list[View]:
    """Filters and sorts by what the event is in UTC, whatever zone it is to be shown in."""
    plain = Reader(call.account, calendar, Preferences(), call.base)
    rendered = [(view, render_event(view, plain)) for view in views]
    if call.options.filter is not None:
        test = compile_filter(call.options.filter)
        rendered = [
            (view, event) for view, event in rendered if test({**event, "extensions": view.extensions}, view.properties)
        ]
    for name, descending in reversed(call.options.order):
        rendered.sort(key=_sort_key(name), reverse=descending)
    return [view for view, _ in rendered]


def _sort_key(name: str) -> Callable[[tuple[View, Json]], str]:
    head, _, tail = name.partition("/")

    def key(pair: tuple[View, Json]) -> str:
        value: Any = pair[1].get(head)
        return str(value[tail] if tail else value).lower()

    return key


# one event ------------------------------------------------------------------------------------


def get_event(call: Call) -> Answer:
    calendar, view = call.event()
    return _entity(call, calendar, view)


def get_calendar(call: Call) -> Answer:
    """The calendar an event is on."""
    calendar, _ = call.event()
    return Answer(
        {
            "@odata.context": call.context("calendars/$entity"),
            **render_calendar(calendar, call.account, call.options),
        }
    )


def _entity(call: Call, calendar: Calendar, view: View, status: int = 200) -> Answer:
    reader = call.reader(calendar)
    shown = render_event(view, reader, call.options)
    headers = {"etag": event_etag(reader, view.item)}
    if status == 201:
        headers["location"] = f"{call.base}/users('{calendar.owner.oid}')/events('{shown['id']}')"
    place = f"{call.base}/users('{call.account.oid}')/calendars('{calendar.id_for(call.account)}')"
    links = {"calendar@odata.associationLink": f"{place}/$ref", "calendar@odata.navigationLink": place}
    body = {"@odata.context": call.context("events/$entity"), **shown, **links}
    if status == 201 and view.extensions:
        body["extensions"] = render_extensions(view.extensions)
    return Answer(body, status, headers)


def create(call: Call) -> Answer:
    """The same `transactionId` with the same event gives the event there is, as 201 again; with another one, 409.

    Microsoft documents the purpose ("avoid redundant POST operations in case of client retries") and the refusal, not
    the status of the answer to a retry; 201 is what a client that knows nothing of it must be able to bear. The id
    stays taken when its event is deleted.
    """
    calendar = call.events_of()
    draft = read_new(call.body, calendar.owner)
    if draft.extensions and calendar.owner is not call.account:
        raise errors.access_denied()  # "delegates can't create open extension-appended events"
    fingerprint = json.dumps(call.body, sort_keys=True)
    transactions = calendar.owner.transactions
    held = transactions.get(draft.transaction) if draft.transaction else None
    if held is not None:
        if held.fingerprint != fingerprint or held.calendar is not calendar or held.item.deleted:
            raise errors.duplicate_transaction()
        return _entity(call, calendar, whole(held.item), 201)
    item = create_event(call.world, calendar, draft, call.actor)
    if draft.transaction:
        transactions[draft.transaction] = Transaction(fingerprint, calendar, item)
    return _entity(call, calendar, whole(item), 201)


def update(call: Call) -> Answer:
    calendar, view = call.event()
    draft = read_draft(call.body, calendar, view)
    edit_event(call.world, calendar, view, draft, call.actor, match=call.match(calendar))
    _, fresh = call.event()
    return _entity(call, calendar, fresh)


def read_draft(body: Json, calendar: Calendar, view: View) -> Draft:
    """An edit's body, against what it edits."""
    held, item = view.fields, view.item
    return read_edit(body, calendar.owner, held, view.span, item.recurrence, single=view.day is not None)


def delete(call: Call) -> Answer:
    if call.names_deleted():
        raise errors.cannot_delete()
    calendar, view = call.event()
    delete_event(call.world, calendar, view, call.actor, match=call.match(calendar))
    return Answer(status=204)


def cancel(call: Call) -> Answer:
    calendar, view = call.event()
    cancel_event(call.world, calendar, view, call.actor)
    return Answer(status=202)


def forward(call: Call) -> Answer:
    calendar, view = call.event()
    forward_event(call.world, calendar, view, call.body.get("toRecipients") or [], call.actor)
    return Answer(status=202)


def dismiss_reminder(call: Call) -> Answer:
    """A series only waits for its next reminder."""
    return _remind(call, {"isReminderOn": False})


def snooze_reminder(call: Call) -> Answer:
    """When it comes again is told to nobody."""
    parse_end(call.body.get("newReminderTime") or {}, "NewReminderTime")
    return _remind(call, {})


def _remind(call: Call, change: Json) -> Answer:
    calendar, view = call.event()
    change = {} if view.item.recurrence is not None else change
    edit_event(call.world, calendar, whole(view.item), Draft(change), call.actor)
    return Answer()


def accept(call: Call) -> Answer:
    return _respond(call, "accepted")


def tentatively_accept(call: Call) -> Answer:
    return _respond(call, "tentativelyAccepted")


def decline(call: Call) -> Answer:
    return _respond(call, "declined")


def _respond(call: Call, response: str) -> Answer:
    calendar, view = call.event()
    send = call.body.get("sendResponse")
    proposal = read_proposal(call.body)
    respond(call.world, calendar, view, response, call.actor, send=send is not False, proposal=proposal)
    return Answer(status=202)
