"""The calendarList resource: the calendars a person sees, and its own incremental sync.

The one rule: an entry is the person's, not the calendar's; leaving the list does not touch the calendar.
"""

from dataclasses import dataclass

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.entry_fields import settable, shown
from sandbox.google.event_fields import merge_patch
from sandbox.google.resources import collection_etag
from sandbox.google.times import Json
from sandbox.google.tokens import PageToken, SyncToken, check_alive, digest, open_page_token, open_sync_token, seal
from sandbox.google.world import ListEntry, rank

PAGE_SIZE = 100
PAGE_SIZE_MAX = 250


def _render(call: Call, entry: ListEntry) -> Json:
    etag = f'"{entry.version}"'
    calendar = call.world.calendars[entry.calendar_id]
    if entry.deleted:
        return {"kind": "calendar#calendarListEntry", "etag": etag, "id": calendar.id, "deleted": True}
    body: Json = {
        "kind": "calendar#calendarListEntry",
        "etag": etag,
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "accessRole": call.role(calendar),
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        **shown(call.account, calendar, entry.settings),
    }
    for name in ("hidden", "selected"):
        if not body.get(name, False):
            body.pop(name, None)
    for name, value in (("description", calendar.description), ("location", calendar.location)):
        if value:
            body[name] = value
    if calendar.id == call.account.email:
        body["primary"] = True
    elif calendar.owner and not calendar.primary:
        body["dataOwner"] = calendar.owner
    return body


def _entry(call: Call) -> ListEntry:
    asked = call.path["calendarId"]
    calendar_id = call.account.email if asked == "primary" else asked
    entry = call.account.entries.get(calendar_id)
    if entry is None or entry.deleted:
        raise errors.not_found()
    return entry


def get_entry(call: Call) -> Answer:
    entry = _entry(call)
    return call.unless_known(f'"{entry.version}"', _render(call, entry))


def insert_entry(call: Call) -> Answer:
    """Put an existing calendar the person has access to on the list."""
    if not call.body.get("id"):
        raise errors.required("Missing calendar identifier.")
    calendar = call.calendar(call.body["id"])
    given = settable(call.body, {}, rgb=call.query.get("colorRgbFormat", False))
    entry = call.world.list_calendar(call.account, calendar.id)
    entry.settings = merge_patch(entry.settings, given)
    return Answer(_render(call, entry))


def patch_entry(call: Call) -> Answer:
    return _edit(call, replace=False)


def update_entry(call: Call) -> Answer:
    return _edit(call, replace=True)


def _edit(call: Call, *, replace: bool) -> Answer:
    entry = _entry(call)
    call.match_etag(f'"{entry.version}"')
    given = settable(call.body, entry.settings, rgb=call.query.get("colorRgbFormat", False))
    entry.settings = merge_patch({} if replace else entry.settings, given)
    call.world.list_calendar(call.account, entry.calendar_id)
    return Answer(_render(call, entry))


def delete_entry(call: Call) -> Answer:
    entry = _entry(call)
    if entry.calendar_id == call.account.email:
        raise errors.GoogleError(400, "cannotRemovePrimaryCalendar", "The primary calendar cannot be removed.")
    call.match_etag(f'"{entry.version}"')
    call.world.unlist(call.account, entry.calendar_id)
    return Answer()


# list ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """What a list or a sync goes through: entries in a stable order, and the sync token that follows."""

    entries: list[ListEntry]
    parameters: str
    follow_up: SyncToken | None
    until: int


def list_entries(call: Call) -> Answer:
    plan = _sync_plan(call) if call.query.get("syncToken") else _full_plan(call)
    page = _page(call, plan.parameters)
    begin = int(page.key[0]) if page else 0
    size = min(call.query.get("maxResults", PAGE_SIZE), PAGE_SIZE_MAX)
    size = min(size, call.world.knobs.page_size_cap or size)
    entries = plan.entries[begin : begin + size]
    body: Json = {
        "kind": "calendar#calendarList",
        "etag": collection_etag(call.account.email, len(call.account.list_changes)),
    }
    if begin + size < len(plan.entries):
        token = PageToken(_resource(call), plan.parameters, [begin + size], plan.until, call.account.list_generation)
        body["nextPageToken"] = seal(token, call.world.secret)
    elif plan.follow_up is not None:
        body["nextSyncToken"] = seal(plan.follow_up, call.world.secret)
    return Answer({**body, "items": [_render(call, entry) for entry in entries]})


def _resource(call: Call) -> str:
    return f"calendarList:{call.account.email}"


def _page(call: Call, parameters: str) -> PageToken | None:
    value = call.query.get("pageToken")
    return open_page_token(value, call.world.secret, _resource(call), parameters) if value else None


def _token(call: Call, offset: int) -> SyncToken:
    return SyncToken(_resource(call), call.account.list_generation, offset, "", call.world.clock.now().timestamp())


def _full_plan(call: Call) -> _Plan:
    parameters = digest({**call.query, "pageToken": None, "maxResults": None, "fields": None})
    page = _page(call, parameters)
    until = page.until if page else len(call.account.list_changes)
    lowest = call.query.get("minAccessRole")
    entries = [
        entry
        for entry in call.account.entries.values()
        if (call.query.get("showDeleted") or not entry.deleted)
        and (call.query.get("showHidden") or not entry.settings.get("hidden"))
        and (lowest is None or rank(call.role(call.world.calendars[entry.calendar_id])) >= rank(lowest))
    ]
    restricted = lowest is not None or call.query.get("showOwnOrganizationOnly")
    return _Plan(entries, parameters, None if restricted else _token(call, until), until)


def _sync_plan(call: Call) -> _Plan:
    if "minAccessRole" in call.query or "showOwnOrganizationOnly" in call.query:
        raise errors.sync_token_with_restrictions()
    if call.query.get("showDeleted") is False or call.query.get("showHidden") is False:
        raise errors.sync_token_with_restrictions()
    account, world = call.account, call.world
    token = open_sync_token(call.query["syncToken"], world.secret, _resource(call), "")
    check_alive(
        token,
        generation=account.list_generation,
        length=len(account.list_changes),
        now=world.clock.now(),
        knobs=world.knobs,
    )
    parameters = digest({"syncToken": call.query["syncToken"]})
    page = _page(call, parameters)
    until = page.until if page else len(account.list_changes)
    changed = dict.fromkeys(change.event_id for change in account.list_changes[token.offset : until])
    return _Plan([account.entries[name] for name in changed], parameters, _token(call, until), until)
