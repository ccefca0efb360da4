"""Following a calendar's changes: the window, its links, and every way they end."""

from datetime import timedelta

import msgspec
import pytest

from app.calendar import Removed, SeriesTouched, Upsert
from app.providers.base import (
    CalendarGone,
    CursorExpired,
    InvalidRequest,
    PermissionDenied,
    ProtocolError,
    Transient,
)
from tests.providers.graph.payloads import SERIES, at, page, removed, single, stub
from tests.providers.graph.scripted_graph import (
    DELTA,
    DENIED,
    GONE,
    NO_SUCH_ID,
    ROOT,
    WINDOW,
    mine,
    refused,
    scripted_graph,
    session_at,
)
from tests.providers.scripted import Drop, Reply

CALENDAR = "AAMkAGI2TGuLAAA="


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


@pytest.fixture
def links(server):
    """Graph writes ids its own way in the links it makes, and in one more case than it was asked in."""

    def link(kind, token):
        return f"{server.url}/v1.0/me/calendars('{CALENDAR}')/calendarView/delta?${kind}token={token}"

    return link


async def sync(session, *, cursor=None, page=None, calendar=CALENDAR, since=WINDOW.start):
    return await session.sync_page(calendar, cursor=cursor, page=page, since=since)


def last(links, *rows, token="d1"):
    return Reply(body=page(*rows, **{"@odata.deltaLink": links("delta", token)}))


def more(links, *rows, token="s1"):
    return Reply(body=page(*rows, **{"@odata.nextLink": links("skip", token)}))


async def test_a_full_listing_names_its_window_once_and_then_follows_links_as_they_are(session, server, links):
    server.script(more(links, single(), token="s%201'"), more(links, token="s2"), last(links, stub()))
    first = await sync(session)
    second = await sync(session, page=first.next_page, since=WINDOW.end)
    third = await sync(session, page=second.next_page)
    assert [answer.full for answer in (first, second, third)] == [True] * 3
    assert [answer.cursor for answer in (first, second)] == [None, None]
    assert (third.next_page, isinstance(third.cursor, bytes)) == (None, True)
    assert isinstance(first.changes[0], Upsert)
    assert (second.changes, third.changes) == ((), (SeriesTouched(SERIES),))

    initial, *followed = server.seen
    assert initial.path == DELTA
    assert initial.raw_path.endswith("/AAMkAGI2TGuLAAA%3D/calendarView/delta")
    assert initial.query.keys() == {"startDateTime", "endDateTime"}, "a delta takes no other parameter"
    assert initial.query["startDateTime"] == "2026-03-01T00:00:00Z"
    assert [seen.query for seen in followed] == [{"$skiptoken": "s 1'"}, {"$skiptoken": "s2"}]
    assert {seen.path for seen in followed} == {f"/v1.0/me/calendars('{CALENDAR}')/calendarView/delta"}
    for seen in server.seen:
        wishes = {wish.strip() for wish in seen.headers["prefer"].split(",")}
        assert wishes == {
            'IdType="ImmutableId"',
            'outlook.timezone="UTC"',
            'outlook.body-content-type="text"',
            "odata.maxpagesize=200",
        }


async def test_changes_since_a_cursor_come_by_its_link(session, server, links):
    server.script(last(links), more(links, removed("gone")), GONE, last(links, token="d2"))
    cursor = (await sync(session)).cursor
    first = await sync(session, cursor=cursor)
    end = await sync(session, cursor=cursor, page=first.next_page)
    assert first.changes == (Removed("gone"),)
    assert not first.full
    assert end.cursor not in (None, cursor)
    assert server.seen[1].query == {"$deltatoken": "d1"}


# removals ---------------------------------------------------------------------------------------------------------


async def removals(session, server, links, *told, answers=()):
    """What a page that tells of removals comes to, and what else was asked."""
    server.script(last(links), last(links, *told, token="d2"), *answers)
    cursor = (await sync(session)).cursor
    found = (await sync(session, cursor=cursor)).changes
    return found, [seen.path.removeprefix(ROOT) for seen in server.seen[2:]]


async def test_p3_what_is_told_as_removed_and_listed_all_the_same_stands(session, server, links):
    """https://github.com/microsoftgraph/microsoft-graph-docs/issues/21752"""
    answers = mine(id="a"), Reply(body=page(single(id="other"), single(id="a")))
    found, asked = await removals(session, server, links, removed("a"), answers=answers)
    assert [change.event.id for change in found] == ["a"]
    assert asked == ["/events/a", "/calendarView"]
    assert (server.seen[3].query["startDateTime"], server.seen[3].query["endDateTime"]) == (
        "2026-03-01T09:00:00Z",
        "2026-03-03T10:00:00Z",
    )


@pytest.mark.parametrize(
    "answers",
    [
        (GONE,),
        (NO_SUCH_ID,),
        (DENIED,),
        (mine(id="a", isCancelled=True),),
        (mine(id="a", type="seriesMaster"),),
        (mine(id="a", start=None),),
        (mine(id="a", start=at("2019-03-02T09:00:00"), end=at("2019-03-02T10:00:00")),),
        (mine(id="a"), Reply(body=page(single(id="other")))),
        (mine(id="a"), DENIED),
    ],
    ids=["gone", "no id", "denied", "cancelled", "series", "no time", "left the window", "in the bin", "not listed"],
)
async def test_p3_what_is_told_as_removed_and_not_listed_is_gone(session, server, links, answers):
    """An immutable id outlives a move, and that to the bin is one."""
    found, _ = await removals(session, server, links, removed("a"), answers=answers)
    assert found == (Removed("a"),)


async def test_of_many_removals_at_once_the_first_are_looked_at(session, server, links):
    told = [removed(f"e{number}") for number in range(30)]
    found, asked = await removals(session, server, links, *told, answers=[GONE] * 20)
    assert found == tuple(Removed(f"e{number}") for number in range(30))
    assert asked == [f"/events/e{number}" for number in range(20)]


async def test_a_full_listing_looks_at_no_removal(session, server, links):
    server.script(last(links, removed("a")))
    assert (await sync(session)).changes == (Removed("a"),)


# the window -------------------------------------------------------------------------------------------------------


def window_of(seen):
    return seen.query["startDateTime"], seen.query["endDateTime"]


async def test_the_window_reaches_past_all_we_want_to_know(session, server, links):
    server.script(last(links), last(links))
    await sync(session)
    await sync(session, calendar="another")
    ends = [seen.query["endDateTime"][:10] for seen in server.seen]
    needed = WINDOW.start + timedelta(days=435)
    for end in ends:
        slack = (msgspec.convert(f"{end}T00:00:00Z", type=type(needed)) - needed).days
        assert 60 <= slack < 120
    assert ends[0] != ends[1], "calendars connected together do not begin anew together"


async def test_a_window_that_no_longer_covers_what_we_want_to_know_begins_anew_in_full(session, server, links):
    server.script(last(links), last(links), last(links))
    cursor = (await sync(session)).cursor
    await sync(session, cursor=cursor, since=WINDOW.start + timedelta(days=59))
    later = WINDOW.start + timedelta(days=120)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, since=later)
    again = await sync(session, since=later)
    assert again.full
    assert window_of(server.seen[2])[0] == "2026-06-29T00:00:00Z"
    assert window_of(server.seen[2])[1] > window_of(server.seen[0])[1]


async def test_a_window_that_begins_too_late_begins_anew_as_well(session, server, links):
    server.script(last(links))
    cursor = (await sync(session)).cursor
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, since=WINDOW.start - timedelta(days=1))


# ends of the line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gone",
    [
        refused(410, "SyncStateNotFound", "The sync state generation is not found;"),
        refused(
            410, "syncStateNotFound", location="https://graph.microsoft.com/v1.0/me/calendarView/delta?$deltatoken="
        ),
        refused(400, "SyncStateInvalid", "The sync state data is invalid."),
        refused(404, "SyncStateNotFound"),
        refused(410, "resyncRequired"),
        Reply(410, b"gone"),
        refused(400, "BadRequest", "Badly formed token."),
    ],
)
async def test_a_dead_link_expires_the_cursor_on_any_page(session, server, links, gone):
    server.script(last(links), more(links), gone, gone)
    cursor = (await sync(session)).cursor
    first = await sync(session, cursor=cursor)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, page=first.next_page)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor)


@pytest.mark.parametrize(
    "broken",
    [
        refused(410, "SyncStateNotFound"),
        refused(400, "BadRequest"),
        refused(403, "ErrorAccessDenied"),
        refused(503, "ServiceUnavailable"),
        Reply(504, b"<html>"),
        Drop(),
        Reply(body=page(single())),
        Reply(body=b"{"),
    ],
)
async def test_p3_a_full_listing_whose_delta_breaks_on_the_way_goes_on_without_one(session, server, links, broken):
    """Delegated calendars have deltas whose second page is refused, others one that is never answered; the calendar
    itself can be listed. https://github.com/microsoftgraph/msgraph-sdk-java/issues/555
    """
    server.script(more(links, single(id="a")), broken)
    first = await sync(session)
    second = await sync(session, page=first.next_page)
    assert (second.changes, second.full, second.cursor) == ((), True, None)

    following = f"{server.url}/v1.0/me/calendars('{CALENDAR}')/calendarView?$skip=2"
    rows = [single(id="a"), stub(id="o1")]
    server.script(Reply(body=page(*rows, **{"@odata.nextLink": following})), Reply(body=page(single(id="b"))))
    third = await sync(session, page=second.next_page)
    asked = server.seen[2]
    assert asked.path.endswith("/calendarView")
    assert (asked.query["startDateTime"], asked.query["$top"]) == (server.seen[0].query["startDateTime"], "500")
    assert [type(change) for change in third.changes] == [Upsert, SeriesTouched]
    fourth = await sync(session, page=third.next_page)
    assert (fourth.changes[0].event.id, fourth.next_page, fourth.full) == ("b", None, True)


async def test_a_calendar_without_a_delta_is_listed_plainly_for_an_hour(session, server, links):
    server.script(more(links), refused(410, "SyncStateNotFound"), Reply(body=page(single(id="a"))))
    found = await sync(session)
    while found.next_page:
        found = await sync(session, page=found.next_page)

    server.script(*[Reply(body=page(single(id="a"), stub(id="o1")))] * 3)
    cursor, later = found.cursor, WINDOW.start + timedelta(minutes=59)
    for since in (WINDOW.start, later, later):
        begun = await sync(session, cursor=cursor, since=since)
        assert (begun.changes, begun.full, begun.cursor) == ((), True, None)
        listed = await sync(session, cursor=cursor, page=begun.next_page, since=since)
        assert ([type(change) for change in listed.changes], listed.full) == ([Upsert, SeriesTouched], True)
        assert server.seen[-1].path.endswith("/calendarView"), "no delta is tried"
        cursor = listed.cursor
    asked = len(server.seen)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, since=WINDOW.start + timedelta(hours=1))
    assert len(server.seen) == asked, "nothing is asked with it then"


async def test_p3_a_delta_without_any_link_is_listed_plainly_and_its_cursor_has_expired(session, server, links):
    server.script(Reply(body=page(single(id="a"))), Reply(body=page(single(id="a"))))
    first = await sync(session)
    assert (first.changes, first.cursor) == ((), None)
    whole = await sync(session, page=first.next_page)
    assert ([change.event.id for change in whole.changes], whole.full) == (["a"], True)

    server.script(last(links), Reply(body=page(single(id="a"))))
    cursor = (await sync(session)).cursor
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor)


async def test_p3_a_cursor_outlives_a_server_that_does_not_answer(session, server, links):
    server.script(last(links), Reply(503), more(links), Reply(503))
    cursor = (await sync(session)).cursor
    with pytest.raises(Transient):
        await sync(session, cursor=cursor)
    first = await sync(session, cursor=cursor)
    with pytest.raises(Transient):
        await sync(session, cursor=cursor, page=first.next_page)


async def test_p3_a_server_that_answers_nothing_is_not_taken_for_a_delta_that_breaks(session, server, links):
    server.script(Reply(503), more(links), Reply(503), Reply(503))
    with pytest.raises(Transient):
        await sync(session)
    first = await sync(session)
    second = await sync(session, page=first.next_page)
    with pytest.raises(Transient):
        await sync(session, page=second.next_page)


async def test_what_is_refused_without_a_delta_as_well_is_told_as_it_is(session, server, links):
    server.script(more(links), refused(410, "SyncStateNotFound"), DENIED)
    first = await sync(session)
    second = await sync(session, page=first.next_page)
    with pytest.raises(PermissionDenied):
        await sync(session, page=second.next_page)


async def test_a_delta_that_never_ends_is_given_up(session, server, links):
    """Seen at Graph: the same rows on every page, each with a fresh link to the next."""
    rows = [single(id=f"e{number}") for number in range(3)]
    mill = [more(links, *rows, token=f"s{number}") for number in range(4)]
    server.script(*mill, Reply(body=page(*rows)))
    found = await sync(session)
    while found.changes:
        found = await sync(session, page=found.next_page)
    assert len((await sync(session, page=found.next_page)).changes) == 3
    assert server.seen[-1].path.endswith("/calendarView")

    server.script(last(links), *mill)
    cursor = (await sync(session)).cursor
    found = await sync(session, cursor=cursor)
    for _ in range(2):
        found = await sync(session, cursor=cursor, page=found.next_page)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, page=found.next_page)


async def test_a_bad_request_of_ours_is_not_taken_for_a_dead_link(session, server):
    server.script(refused(400, "ErrorInvalidParameter"))
    with pytest.raises(InvalidRequest) as refusal:
        await sync(session)
    assert refusal.value.provider_code == "ErrorInvalidParameter"


@pytest.mark.parametrize(
    ("answer", "error"), [(GONE, CalendarGone), (NO_SUCH_ID, CalendarGone), (DENIED, PermissionDenied)]
)
async def test_a_calendar_that_cannot_be_found_is_gone_and_one_that_is_closed_is_denied(
    session, server, links, answer, error
):
    server.script(last(links), answer, answer)
    cursor = (await sync(session)).cursor
    with pytest.raises(error):
        await sync(session, cursor=cursor)
    with pytest.raises(error):
        await sync(session)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_r30_a_page_for_people_takes_no_calendar_and_no_cursor_away(session, server, links, status):
    """It is a proxy's, and nothing that Graph said."""
    server.script(last(links), Reply(status, b"\n<!DOCTYPE html><html>Sign in</html>"), last(links))
    cursor = (await sync(session)).cursor
    with pytest.raises(ProtocolError):
        await sync(session, cursor=cursor)
    assert (await sync(session, cursor=cursor)).cursor is not None


async def test_a_cursor_of_another_calendar_or_another_time_has_expired(session, server, links):
    server.script(last(links), more(links))
    cursor = (await sync(session)).cursor
    following = (await sync(session)).next_page
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, calendar="other")
    with pytest.raises(CursorExpired):
        await sync(session, page=following, calendar="other")
    with pytest.raises(CursorExpired):
        await sync(session, cursor=following)
    for strange in (cursor.replace(b'"v":1', b'"v":2'), b"", b"\xff", b"{}", b"null", following[:-3]):
        with pytest.raises(CursorExpired):
            await sync(session, cursor=strange)
    assert len(server.seen) == 2


@pytest.mark.parametrize("broken", [{}, {"value": 7}, {"@odata.deltaLink": "https://x/"}])
async def test_an_answer_that_is_no_page_never_passes_as_no_changes(session, server, broken):
    server.script(Reply(body=broken))
    with pytest.raises(ProtocolError):
        await sync(session)


# where our token goes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/me/calendarView/delta?$deltatoken=x",
        "{host}.evil.example/v1.0/me/calendarView/delta",
        "{https}/v1.0/me/calendarView/delta",
        "{url}/beta/me/calendarView/delta",
        "{url}/v1.0evil/me",
        "{user}/v1.0/me/calendarView/delta",
        "//evil.example/v1.0/me",
        "/v1.0/me/calendarView/delta",
        "http://[::1/v1.0/me",
        "http://127.0.0.1:port/v1.0/me",
        "me",
    ],
)
@pytest.mark.parametrize("name", ["@odata.nextLink", "@odata.deltaLink"])
async def test_a_link_that_leads_elsewhere_is_never_followed(session, server, link, name):
    user = server.url.replace("//", "//name@")
    told = link.format(
        url=server.url, host=server.url.rpartition(":")[0], https=server.url.replace("http", "https"), user=user
    )
    server.script(Reply(body=page(**{name: told})))
    with pytest.raises(ProtocolError):
        await sync(session)


async def test_a_stored_cursor_names_no_server_and_cannot_be_made_to(session, server, links):
    server.script(last(links))
    cursor = (await sync(session)).cursor
    assert b"127.0.0.1" not in cursor
    for elsewhere in (b"@evil.example/", b".evil.example/", b"https://evil.example/"):
        with pytest.raises(CursorExpired):
            await sync(session, cursor=cursor.replace(b"/me/", elsewhere))


async def test_a_page_that_follows_itself_ends_the_listing(session, server, links):
    server.script(more(links), more(links), last(links), more(links), more(links))
    first = await sync(session)
    assert b"/calendarView?" in (await sync(session, page=first.next_page)).next_page, "it goes on plainly"
    cursor = (await sync(session)).cursor
    first = await sync(session, cursor=cursor)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, page=first.next_page)
