"""Calendars of our own and events that block no time, against a server that says what we tell it."""

from dataclasses import replace

import pytest

from app.calendar import AccessRole, Notify
from app.providers.base import InvalidRequest
from app.providers.graph.marks import CALENDAR_PROPERTY, FREE_PROPERTY, calendar_mark
from tests.providers.graph.payloads import KEY, MINE, single
from tests.providers.graph.scripted_graph import CALENDAR, DRAFT, mine, refused, scripted_graph, session_at
from tests.providers.scripted import Reply


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


async def test_only_what_we_made_free_is_made_busy_again(session, server):
    free = {"id": FREE_PROPERTY, "value": "yes"}

    async def told(draft, **standing):
        server.script(Reply(body=single(id=MINE, **standing)), mine())
        await session.update_event(CALENDAR, MINE, draft, key=KEY, if_match=None, notify=Notify.NOBODY)
        body = server.seen[-1].json
        marks = {entry["id"]: entry["value"] for entry in body["singleValueExtendedProperties"]}
        return body.get("showAs"), marks.get(FREE_PROPERTY)

    not_busy = replace(DRAFT, busy=False)
    assert await told(DRAFT, showAs="oof") == (None, None)
    assert await told(DRAFT, showAs="free") == (None, None), "the person's own choice"
    assert await told(DRAFT, showAs="free", singleValueExtendedProperties=[free]) == ("busy", "no")
    assert await told(DRAFT, showAs="tentative", singleValueExtendedProperties=[free]) == (None, "no")
    assert await told(not_busy, showAs="busy") == ("free", "yes")
    assert await told(not_busy, showAs="free", singleValueExtendedProperties=[free]) == (None, "yes"), "no new mail"


async def test_a_calendar_is_looked_for_by_its_property_and_made_with_it(session, server):
    zone = Reply(body={"timeZone": "W. Europe Standard Time"})
    made = {"id": "AAMk1", "name": "Tasks", "canShare": True, "canEdit": True, "isDefaultCalendar": False}
    server.script(zone, Reply(body={"value": []}), Reply(201, made))
    calendar = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key=KEY)
    assert (calendar.id, calendar.role, calendar.time_zone) == ("AAMk1", AccessRole.OWNER, "Europe/Berlin")
    _, looked, asked = server.seen
    assert (looked.method, looked.path) == ("GET", "/v1.0/me/calendars")
    assert looked.query["$filter"] == (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{CALENDAR_PROPERTY}' and ep/value eq '{calendar_mark(KEY)}')"
    )
    assert (asked.method, asked.path) == ("POST", "/v1.0/me/calendars")
    assert asked.json == {
        "name": "Tasks",
        "singleValueExtendedProperties": [{"id": CALENDAR_PROPERTY, "value": calendar_mark(KEY)}],
    }


async def test_a_name_that_is_taken_gets_a_number_and_not_for_ever(session, server):
    zone, taken = Reply(body={"timeZone": "UTC"}), refused(409, "ErrorFolderExists")
    server.script(zone, Reply(body={"value": []}), taken, Reply(201, {"id": "AAMk1", "name": "Tasks (2)"}))
    assert (await session.create_calendar("Tasks", time_zone="UTC", key=KEY)).name == "Tasks (2)"
    assert [seen.json["name"] for seen in server.seen[2:]] == ["Tasks", "Tasks (2)"]
    server.script(Reply(body={"value": []}), *[taken] * 10)
    with pytest.raises(InvalidRequest) as refusal:
        await session.create_calendar("Tasks", time_zone="UTC", key=KEY)
    assert refusal.value.provider_code == "name_taken"


async def test_a_server_that_does_not_filter_is_not_believed(session, server):
    zone = Reply(body={"timeZone": "UTC"})
    home = {"id": "AAMk0", "name": "Calendar", "isDefaultCalendar": True}
    mark = {"id": CALENDAR_PROPERTY, "value": calendar_mark(KEY)}
    ours = {"id": "AAMk1", "name": "Tasks", "singleValueExtendedProperties": [mark]}
    server.script(zone, Reply(body={"value": [home, ours]}))
    assert (await session.create_calendar("Tasks", time_zone="UTC", key=KEY)).id == "AAMk1"
    server.script(Reply(body={"value": [home]}), Reply(201, ours | {"id": "AAMk2"}))
    assert (await session.create_calendar("Tasks", time_zone="UTC", key=KEY)).id == "AAMk2"
