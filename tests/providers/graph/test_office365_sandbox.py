"""What is Microsoft's alone, at the simulated Microsoft over real sockets: consent, deltas, mails, moves, limits."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.calendar import Attendee, EventDraft, Notify, Timed, utc_now
from app.http import HttpClient
from app.providers.base import ConsentRefused, Misconfigured, RateLimited, ReauthRequired
from app.providers.graph.provider import Office365Provider
from tests.providers.follower import Follower, times_of
from tests.providers.graph.stage import (
    ADA,
    BOSS,
    CHALLENGE,
    REDIRECT,
    VERIFIER,
    office365_settings,
    running_microsoft,
    set_the_stage,
)

WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
GRACE = "grace@elsewhere.example"


@pytest.fixture(scope="module")
def sandbox():
    with running_microsoft() as sandbox:
        yield sandbox


@pytest.fixture
async def office365(sandbox):
    async with HttpClient(timeout_seconds=5) as http:
        yield Office365Provider(office365_settings(sandbox.base_url), http, clock=utc_now)


@pytest.fixture
async def stage(sandbox, office365):
    return await set_the_stage(sandbox, office365)


def _utc(month, day, hour, minute=0):
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


def span(month, day, hour):
    return Timed(_utc(month, day, hour), _utc(month, day, hour + 1))


def authorize(office365):
    return office365.authorization_url(state="st", code_challenge=CHALLENGE, redirect_uri=REDIRECT, login_hint=ADA)


async def connect(sandbox, office365):
    code = sandbox.code(authorize(office365), ADA)
    return await office365.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)


# consent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_uris", [False, True])
async def test_r6_consent_code_grant_identity(stage, sandbox, office365, as_uris):
    sandbox.control("PATCH", "/knobs", {"scopes_as_uris": as_uris})
    assert sandbox.http.get(authorize(office365)).status_code == 200
    code = sandbox.code(authorize(office365), ADA)
    grant = await office365.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)
    assert grant.refresh_token
    assert not office365.missing_scopes(grant.scopes)
    assert office365.can_write(grant.scopes)
    assert timedelta(minutes=50) < grant.expires_at - utc_now() <= timedelta(hours=1)
    identity = await office365.identify(grant.access_token)
    assert (identity.email, len(identity.subject)) == (ADA, 36)
    with pytest.raises(ConsentRefused):
        await office365.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)


async def test_r6_a_code_is_good_only_for_who_began(stage, sandbox, office365):
    for wrong in ({"code_verifier": "x" * 43}, {"code": "0.unknown"}):
        code = sandbox.code(authorize(office365), ADA)
        with pytest.raises(ConsentRefused):
            await office365.exchange_code(
                **{"code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT, **wrong}
            )


async def test_a_wrong_secret_is_our_fault(stage, sandbox):
    settings = replace(office365_settings(sandbox.base_url), client_secret="wrong")
    async with HttpClient(timeout_seconds=5) as http:
        with pytest.raises(Misconfigured):
            await connect(sandbox, Office365Provider(settings, http, clock=utc_now))


async def test_an_administrator_who_must_consent_is_named_on_the_way_back(stage, sandbox, office365):
    sandbox.control("PUT", "/tenants/example.com/admin-consent", {"required": True})
    url = authorize(office365)
    fields = dict(parse_qsl(urlsplit(url).query))
    form = {**fields, "account": ADA, "decision": "allow"}
    answer = sandbox.http.post(f"{url.partition('?')[0]}/decision", data=form)
    back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert "code" not in back
    assert "AADSTS90094" in back["error_description"]


async def test_every_refresh_brings_another_refresh_token_and_the_old_one_lives_on(stage, sandbox, office365):
    grant = await connect(sandbox, office365)
    first = await office365.refresh(grant.refresh_token)
    again = await office365.refresh(grant.refresh_token)
    assert len({grant.refresh_token, first.refresh_token, again.refresh_token}) == 3
    assert not office365.missing_scopes(again.scopes)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [("revoked", "token_revoked"), ("consent_removed", "token_revoked"), ("mfa", "token_expired")],
)
async def test_r16_a_grant_that_died_says_why(stage, sandbox, office365, trouble, reason):
    grant = await connect(sandbox, office365)
    sandbox.control("POST", f"/accounts/{ADA}/trouble", {"kind": trouble})
    with pytest.raises(ReauthRequired) as dead:
        await office365.refresh(grant.refresh_token)
    assert dead.value.provider_code == reason


# deltas -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["duplicate", "reordered", "replay_changes", "stray_removed", "empty_page"])
async def test_a_delta_may_repeat_reorder_and_replay_itself(stage, sandbox, kind):
    """Each has been seen on the real service; rows of one series stay together in all of them."""
    kept, gone = stage.add(span(3, 1, 9)), stage.add(span(3, 2, 9))
    series = stage.add(span(3, 1, 12), weeks=5)
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    stage.delete(gone)
    sandbox.fault(kind, match={"path": "/delta$"})
    await follower.catch_up()
    assert follower.times() == await times_of(stage.session, stage.calendar_id, WINDOW)
    stage.move(kept, span(3, 3, 9))
    stage.delete((await _dates(stage, series))[1].id)
    sandbox.fault(kind, match={"path": "/delta$"})
    await follower.catch_up()
    assert follower.times() == await times_of(stage.session, stage.calendar_id, WINDOW)
    assert len(follower.events) == 5


async def _dates(stage, series):
    found = stage.session.list_instances(stage.calendar_id, WINDOW, series_id=series)
    return [event async for event in found]


async def test_what_leaves_the_window_is_gone_and_what_enters_it_is_there(stage):
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    leaving, entering = stage.add(span(3, 1, 9)), stage.add(span(1, 10, 9))
    await follower.catch_up()
    assert follower.events.keys() == {leaving}
    stage.move(leaving, span(1, 11, 9))
    stage.move(entering, span(3, 5, 9))
    await follower.catch_up()
    assert follower.events.keys() == {entering}


async def test_a_series_whose_last_date_in_the_window_goes_is_gone(stage):
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    series = stage.add(span(3, 1, 9), weeks=2)
    await follower.catch_up()
    for date in await _dates(stage, series):
        stage.delete(date.id)
        await follower.catch_up()
    assert follower.events == {}


async def test_an_event_that_moves_to_another_calendar_keeps_its_id(stage, sandbox):
    project = sandbox.control("POST", f"/accounts/{ADA}/calendars", {"name": "Project"})["id"]
    event = stage.add(span(3, 1, 9))
    here, there = (Follower(stage.session, calendar, WINDOW) for calendar in (stage.calendar_id, project))
    await here.catch_up()
    await there.catch_up()
    sandbox.human("POST", ADA, f"/{event}/move", {"to": project})
    await here.catch_up()
    await there.catch_up()
    assert (here.events.keys(), there.events.keys()) == (set(), {event})
    assert await stage.session.get_event(stage.calendar_id, event) is None


async def test_p3_an_event_that_was_moved_away_and_back_is_told_as_removed_and_stands(stage, sandbox):
    follower = Follower(stage.session, stage.calendar_id, WINDOW)
    event = stage.add(span(3, 1, 9))
    await follower.catch_up()
    project = sandbox.control("POST", f"/accounts/{ADA}/calendars", {"name": "Project"})["id"]
    sandbox.human("POST", ADA, f"/{event}/move", {"to": project})
    sandbox.control("POST", f"/accounts/{ADA}/calendars/{project}/events/{event}/move", {"to": stage.calendar_id})
    sandbox.fault("moved_back", match={"path": "/delta$"})
    await follower.catch_up()
    assert follower.events.keys() == {event}
    stage.delete(event)
    await follower.catch_up()
    assert follower.events == {}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_working_life_is_followed_to_the_last_event(stage, sandbox, seed):
    sandbox.control("POST", f"/accounts/{ADA}/seed", {"seed": seed, "around": "2027-03-01"})
    sandbox.control("PATCH", "/knobs", {"page_size_cap": 40})
    for calendar in await stage.session.list_calendars():
        follower = Follower(stage.session, calendar.id, WINDOW)
        await follower.catch_up()
        assert follower.times() == await times_of(stage.session, calendar.id, WINDOW)
        if calendar.primary:
            assert {busy for _, busy in follower.times().values()} >= {"free", "tentative", "busy", "out_of_office"}
            assert len(follower.times()) > 100


# writing ----------------------------------------------------------------------------------------------------------


def draft(**changes):
    plain = EventDraft("Call", span(3, 2, 9), description="Hello", attendees=(Attendee(GRACE, "Grace"),))
    return replace(plain, **changes)


async def create(stage, wanted=None, key="k"):
    return await stage.session.create_event(stage.calendar_id, wanted or draft(), key=key, notify=Notify.NOBODY)


async def update(stage, event, wanted):
    return await stage.session.update_event(
        stage.calendar_id, event.id, wanted, key="k", if_match=None, notify=Notify.NOBODY
    )


async def test_guests_are_mailed_once_about_each_thing_and_never_about_nothing(stage):
    """Exchange mails whatever it is told, also when we ask for nobody to be."""
    event = await create(stage)
    await create(stage)
    assert stage.mailed(event.id) == [GRACE]
    await update(stage, event, draft())
    assert stage.mailed(event.id) == [GRACE], "nothing differed"
    await update(stage, event, draft(when=span(3, 2, 12)))
    assert stage.mailed(event.id) == [GRACE] * 2
    await stage.session.cancel_event(stage.calendar_id, event.id, notify=Notify.NOBODY)
    await stage.session.cancel_event(stage.calendar_id, event.id, notify=Notify.NOBODY)
    assert stage.mailed(event.id) == [GRACE] * 3


async def test_r46_many_at_once_under_one_key_make_one_event(stage, sandbox):
    made = await asyncio.gather(*(create(stage, draft(title=f"Call {number}")) for number in range(6)))
    assert len({event.id for event in made}) == 1
    assert len(sandbox.control("GET", "/ledger", operation="insert", actor="api")) == 1


async def test_an_event_of_one_calendar_is_made_again_in_another_under_the_same_key(stage, sandbox):
    """The host changes the page's calendar: a transaction is taken in the whole mailbox, the key is not."""
    project = sandbox.control("POST", f"/accounts/{ADA}/calendars", {"name": "Project"})["id"]
    first = await create(stage)
    second = await stage.session.create_event(project, draft(), key="k", notify=Notify.NOBODY)
    assert first.id != second.id
    assert (await stage.session.find_by_key(project, "k", around=draft().when)).id == second.id


async def test_r56_a_teams_meeting_keeps_its_link_through_every_change(stage):
    created = await create(stage, draft(video=True))
    assert created.video_url.startswith("https://teams.microsoft.com/")
    changed = await update(stage, created, draft(video=True, title="Later", when=span(3, 3, 9)))
    assert (changed.video_url, changed.title) == (created.video_url, "Later")


async def test_a_personal_account_gets_the_event_without_teams_or_with(stage, sandbox, office365):
    email = "ada@outlook.example"
    sandbox.control("POST", "/accounts", {"email": email, "name": "Ada", "work": False})
    code = sandbox.code(authorize(office365), email)
    grant = await office365.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)

    class Fixed:
        async def token(self):
            return grant.access_token

    session = office365.open(Fixed())
    (calendar,) = await session.list_calendars()
    created = await session.create_event(calendar.id, draft(video=True), key="k", notify=Notify.NOBODY)
    assert created.title == "Call"
    found = await session.free_busy([calendar.id, ADA], WINDOW)
    assert [found[target].known for target in (calendar.id, ADA)] == [True, False]


async def test_an_hour_that_comes_twice_is_the_hour_that_was_meant(stage):
    for hour in (0, 1):
        start = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        when = Timed(start, start + timedelta(minutes=15), "Europe/Berlin")
        created = await create(stage, draft(when=when), key=f"fold {hour}")
        assert (created.when.start, created.when.end) == (when.start, when.end)


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Chatham", None])
async def test_instants_are_exact_whatever_the_authors_zone(stage, zone):
    when = Timed(_utc(3, 28, 0, 30), _utc(3, 28, 2, 30), zone)
    created = await create(stage, draft(when=when))
    assert (created.when.start, created.when.end) == (when.start, when.end)


# reading ----------------------------------------------------------------------------------------------------------


async def test_a_zone_that_only_outlook_knows_leaves_the_instants(stage, sandbox):
    body = {
        "subject": "From an old Outlook",
        "start": {"dateTime": "2027-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2027-03-02T10:00:00", "timeZone": "UTC"},
        "originalStartTimeZone": "tzone://Microsoft/Custom",
    }
    event_id = sandbox.human("POST", ADA, "", body)["id"]
    event = await stage.session.get_event(stage.calendar_id, event_id)
    assert event.when == span(3, 2, 9)
    assert not event.quarantined


async def test_a_colleagues_schedule_is_asked_by_address(stage, sandbox):
    times = {"start": {"dateTime": "2027-03-02T09:00:00", "timeZone": "UTC"}}
    times["end"] = {"dateTime": "2027-03-02T10:00:00", "timeZone": "UTC"}
    sandbox.human("POST", BOSS, "", {"subject": "Secret", **times})
    found = await stage.session.free_busy([BOSS, "nobody@example.com"], WINDOW)
    assert [(item.start, item.end) for item in found[BOSS].spans] == [(_utc(3, 2, 9), _utc(3, 2, 10))]
    assert not found["nobody@example.com"].known


async def test_sessions_that_share_a_mailbox_never_pass_its_limit(stage, sandbox, office365):
    sandbox.control("PATCH", "/knobs", {"service_time": 0.05})
    tokens = stage.session._graph._rest._tokens
    sessions = [office365.open(tokens, mailbox=ADA) for _ in range(6)]
    await asyncio.gather(*(session.free_busy([stage.calendar_id], WINDOW) for session in sessions))
    alone = [office365.open(tokens) for _ in range(6)]
    with pytest.raises(RateLimited) as throttled:
        await asyncio.gather(*(session.free_busy([stage.calendar_id], WINDOW) for session in alone))
    assert throttled.value.retry_after == 1
