"""What is Google's alone, at the simulated Google over real sockets: consent, odd calendars, damaged ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app.calendar import AccessRole, Busy, EventDraft, Notify, Timed, utc_now
from app.providers.base import ConsentRefused, Misconfigured, PermissionDenied, ReauthRequired
from app.providers.google.drafts import calendar_mark
from app.providers.google.oauth import CALENDAR_LIST, EVENTS, SCOPES
from app.providers.google.provider import GoogleProvider
from tests.providers.follower import Follower, times_of
from tests.providers.google.judged import JudgedHttp
from tests.providers.google.stage import ADA, BOSS, SHARED, GrantTokens, google_settings, set_up
from tests.sandbox.google.live import CHALLENGE, REDIRECT, VERIFIER, meeting, running_sandbox

WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def running():
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    set_up(running)
    return running


@pytest.fixture
async def google(sandbox):
    async with JudgedHttp(timeout_seconds=5) as http:
        yield GoogleProvider(google_settings(sandbox.base_url), http, clock=utc_now)


def consent(sandbox, google, *granted, decision="allow"):
    """What a browser does with our address: the query goes into the form, the person ticks and presses a button."""
    url = google.authorization_url(state="st", code_challenge=CHALLENGE, redirect_uri=REDIRECT, login_hint=ADA)
    shown = sandbox.http.get(url)
    assert shown.status_code == 200
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    form = {**query, "account": ADA, "decision": decision, "granted_scope": list(granted)}
    answer = sandbox.http.post("/google/o/oauth2/v2/auth/decision", data=form)
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def connect(sandbox, google, *granted):
    answer = consent(sandbox, google, *(granted or SCOPES))
    return await google.exchange_code(answer["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)


async def open_session(sandbox, google, *granted):
    return google.open(GrantTokens(google, await connect(sandbox, google, *granted)))


async def test_r6_consent_code_grant_identity(sandbox, google):
    answer = consent(sandbox, google, *SCOPES)
    assert answer["state"] == "st"
    grant = await google.exchange_code(answer["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)
    assert grant.refresh_token
    assert not google.missing_scopes(grant.scopes)
    assert google.can_write(grant.scopes)
    assert timedelta(minutes=50) < grant.expires_at - utc_now() <= timedelta(hours=1)
    identity = await google.identify(grant.access_token)
    assert (identity.email, identity.subject.isdigit()) == (ADA, True)
    with pytest.raises(ConsentRefused):
        await google.exchange_code(answer["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)


async def test_r6_a_code_is_good_only_for_who_began(sandbox, google):
    for wrong in ({"code_verifier": "x" * 43}, {"code": "4/0Aunknown"}):
        code = consent(sandbox, google, *SCOPES)["code"]
        with pytest.raises(ConsentRefused):
            await google.exchange_code(**{"code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT, **wrong})


async def test_a_wrong_secret_is_our_fault(sandbox):
    settings = replace(google_settings(sandbox.base_url), client_secret="wrong")
    async with JudgedHttp(timeout_seconds=5) as http:
        google = GoogleProvider(settings, http, clock=utc_now)
        with pytest.raises(Misconfigured):
            await connect(sandbox, google)


@pytest.mark.parametrize(
    ("granted", "missing", "writes"),
    [((EVENTS, CALENDAR_LIST), set(), True), ((EVENTS,), {CALENDAR_LIST}, True), ((CALENDAR_LIST,), {EVENTS}, False)],
)
async def test_r7_an_unticked_scope_is_seen_at_once(sandbox, google, granted, missing, writes):
    scopes = (await connect(sandbox, google, *granted)).scopes
    assert google.missing_scopes(scopes) == missing
    assert google.can_write(scopes) is writes


async def test_r7_without_free_busy_the_events_tell_the_same(sandbox, google):
    sandbox.human("POST", ADA, "", meeting("2027-03-02", 9))
    sandbox.human("POST", ADA, "", meeting("2027-03-01", 14, recurrence=["RRULE:FREQ=DAILY;COUNT=40"]))
    sandbox.human("POST", ADA, "", meeting("2027-03-02", 11, transparency="transparent"))
    day = {"start": {"date": "2027-03-28"}, "end": {"date": "2027-03-29"}}
    sandbox.human("POST", ADA, "", day)
    sandbox.human("POST", BOSS, "", meeting("2027-03-03", 9, attendees=[{"email": ADA}]))
    declined = sandbox.human("POST", BOSS, "", meeting("2027-03-04", 9, attendees=[{"email": ADA}]))
    sandbox.control("POST", f"/accounts/{ADA}/rsvp", {"event": declined["id"], "attendee": ADA, "response": "declined"})
    asked = await (await open_session(sandbox, google)).free_busy([ADA, SHARED], WINDOW)
    sandbox.control("POST", f"/accounts/{ADA}/revoke")
    session = await open_session(sandbox, google, EVENTS, CALENDAR_LIST)
    assert await session.free_busy([ADA, SHARED], WINDOW) == asked
    assert len(asked[ADA].spans) == 42, "39 dates, the whole day that holds the 40th, two meetings"
    sandbox.control("PUT", f"/calendars/{SHARED}/access", {"account": ADA, "role": "none"})
    assert not (await session.free_busy([SHARED], WINDOW))[SHARED].known


async def test_r15_a_revoked_grant_is_dead_and_revoking_it_again_is_done(sandbox, google):
    grant = await connect(sandbox, google)
    assert (await google.refresh(grant.refresh_token)).access_token != grant.access_token
    await google.revoke(grant.refresh_token)
    await google.revoke(grant.refresh_token)
    with pytest.raises(ReauthRequired) as dead:
        await google.refresh(grant.refresh_token)
    assert dead.value.provider_code == "token_revoked"


async def test_r20_dates_of_a_series_one_was_never_invited_to_are_followed(sandbox, google):
    """The organizer adds a guest to a single date: the guest's calendar gets that date, and no series."""
    series = sandbox.human("POST", BOSS, "", meeting("2027-03-01", 9, recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"]))
    session = await open_session(sandbox, google)
    follower = Follower(session, ADA, WINDOW)
    await follower.catch_up()
    date = f"{series['id']}_20270315T080000Z"
    sandbox.human("PATCH", BOSS, f"/{date}", {"attendees": [{"email": ADA}]})
    await follower.catch_up()
    assert follower.times() == {date: (Timed(_utc(3, 15, 8), _utc(3, 15, 9), "Europe/Stockholm"), "busy")}
    assert follower.times() == await times_of(session, ADA, WINDOW)
    sandbox.human("PATCH", BOSS, f"/{date}", {"attendees": []})
    await follower.catch_up()
    assert follower.times() == {}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_working_life_with_damaged_events_is_followed_to_the_last_one(sandbox, google, seed):
    body = {"profile": "busy_professional", "seed": seed, "around": "2027-03-01", "with_damage": True}
    sandbox.control("POST", f"/accounts/{ADA}/seed", body)
    sandbox.control("PATCH", "/knobs", {"page_size_cap": 40})
    session = await open_session(sandbox, google)
    for calendar in await session.list_calendars():
        follower = Follower(session, calendar.id, WINDOW)
        await follower.catch_up()
        assert follower.times() == await times_of(session, calendar.id, WINDOW)
        if calendar.id == ADA:
            kinds = {busy for _, busy in follower.times().values()}
            assert kinds >= {"free", "tentative", "busy", "out_of_office"}
            assert len(follower.times()) > 100


async def test_r29_a_calendar_shared_as_free_busy_shows_busy_times_and_nothing_else(sandbox, google):
    sandbox.control("PUT", f"/calendars/{SHARED}/access", {"account": ADA, "role": "freeBusyReader"})
    sandbox.control("POST", f"/accounts/{BOSS}/calendars/{SHARED}/events", meeting("2027-03-02", 9, location="Secret"))
    session = await open_session(sandbox, google)
    role = next(calendar.role for calendar in await session.list_calendars() if calendar.id == SHARED)
    assert role is AccessRole.FREE_BUSY_READER
    (event,) = [event async for event in session.list_instances(SHARED, WINDOW)]
    assert (event.busy, event.title, event.location) == (Busy.BUSY, None, None)
    assert len((await session.free_busy([SHARED], WINDOW))[SHARED].spans) == 1


async def test_r56_an_event_with_googles_own_video_link(sandbox, google):
    session = await open_session(sandbox, google)
    draft = EventDraft("Call", Timed(_utc(3, 2, 9), _utc(3, 2, 10)), video=True)
    created = await session.create_event(ADA, draft, key="k", notify=Notify.NOBODY)
    assert created.video_url.startswith("https://meet.google.com/")
    changed = await session.update_event(ADA, created.id, draft, key="k", if_match=None, notify=Notify.NOBODY)
    assert changed.video_url == created.video_url


async def test_a_guest_may_not_rewrite_the_organizers_event(sandbox, google):
    invited = sandbox.human("POST", BOSS, "", meeting("2027-03-03", 9, attendees=[{"email": ADA}]))
    session = await open_session(sandbox, google)
    draft = EventDraft("Mine now", Timed(_utc(3, 3, 12), _utc(3, 3, 13)))
    with pytest.raises(PermissionDenied):
        await session.update_event(ADA, invited["id"], draft, key="k", if_match=None, notify=Notify.NOBODY)


def _utc(month, day, hour):
    return datetime(2027, month, day, hour, tzinfo=UTC)


async def test_without_its_scope_no_calendar_is_made_and_all_else_goes_on(sandbox, google):
    session = await open_session(sandbox, google, "openid", "email", EVENTS, CALENDAR_LIST)
    with pytest.raises(PermissionDenied) as denied:
        await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    assert denied.value.provider_code == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert [calendar.primary for calendar in await session.list_calendars()].count(True) == 1
    session = await open_session(sandbox, google)
    made = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    assert (made.name, made.time_zone) == ("Tasks", "Europe/Berlin")


async def test_a_zone_that_google_does_not_know_keeps_nothing_from_being_made(sandbox, google):
    """It refused Europe/Kyiv for a while: https://github.com/phw198/OutlookGoogleCalendarSync/issues/1525"""
    session = await open_session(sandbox, google)
    made = await session.create_calendar("Tasks", time_zone="Europe/Newtown", key="k")
    assert made.time_zone == "UTC"
    when = Timed(_utc(3, 2, 9), _utc(3, 2, 10), "Europe/Newtown")
    event = await session.create_event(made.id, EventDraft("Call", when), key="k", notify=Notify.NOBODY)
    assert (event.when.start, event.when.end) == (when.start, when.end)


async def test_a_calendar_of_somebody_else_with_our_mark_is_not_ours(sandbox, google):
    session = await open_session(sandbox, google)
    theirs = sandbox.control("POST", f"/accounts/{BOSS}/calendars", {"summary": "Tasks"})["id"]
    sandbox.control("PATCH", f"/calendars/{theirs}", {"description": calendar_mark("k")})
    sandbox.control("PUT", f"/calendars/{theirs}/access", {"account": ADA, "role": "writer"})
    made = await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k")
    assert made.id != theirs
    sandbox.control("PATCH", f"/calendars/{made.id}", {"description": f"Mine!\n{calendar_mark('k')}"})
    assert await session.create_calendar("Tasks", time_zone="Europe/Berlin", key="k") == made
