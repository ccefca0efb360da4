"""The calendars' pages: a person's hand in a browser does at every provider what it says."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest

from sandbox.client import Sandbox
from sandbox.houses import HOUSES, House
from sandbox.server import Addresses

SOON = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
FORM = re.compile(r'name="event" value="([^"]+)".*?name="start" value="([^"]+)".*?name="end" value="([^"]+)"')


@pytest.fixture(params=HOUSES, ids=lambda kind: kind.provider)
async def house(request: pytest.FixtureRequest, addresses: Addresses) -> AsyncIterator[House]:
    async with Sandbox(addresses.http_url) as sandbox:
        for empty in (sandbox.reset_google, sandbox.microsoft.reset, sandbox.exchange.reset):
            await empty()
        made = request.param(sandbox)
        await made.move_in()
        yield made


class Hand:
    """A browser before one person's calendar."""

    def __init__(self, http: httpx.AsyncClient, house: House) -> None:
        self.http = http
        self.path = f"/calendars/{house.provider}/{house.email}"

    async def looks(self) -> str:
        return unescape((await self.http.get(self.path)).raise_for_status().text)

    async def event(self, title: str) -> dict[str, str]:
        """What the buttons of this event send."""
        [row] = [row for row in (await self.looks()).split("<tr>") if title in row and "<form" in row]
        return dict(zip(("event", "start", "end"), FORM.search(row).groups(), strict=True))

    async def does(self, what: str, form: dict[str, str]) -> None:
        answer = await self.http.post(f"{self.path}/{what}", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, self.path.replace("@", "%40"))


@pytest.fixture
async def hand(addresses: Addresses, house: House) -> AsyncIterator[Hand]:
    async with httpx.AsyncClient(base_url=addresses.http_url) as http:
        yield Hand(http, house)


async def test_an_event_is_added_dragged_and_deleted(hand: Hand, house: House) -> None:
    wish = {"title": "Lunch <b>", "start": f"{SOON:%Y-%m-%dT%H:%M}", "minutes": "45", "guest": ""}
    await hand.does("add", wish)
    assert "Lunch &lt;b&gt;" in (await hand.http.get(hand.path)).text
    await hand.does("move", await hand.event("Lunch"))
    [standing] = [item for item in await house.agenda(SOON, SOON + timedelta(days=1)) if item.title == "Lunch <b>"]
    assert standing.when == (SOON + timedelta(hours=1), SOON + timedelta(hours=1, minutes=45))
    assert standing.guests == ()
    await hand.does("delete", await hand.event("Lunch"))
    assert "Lunch" not in (await hand.looks()).partition("Add an event")[0]


async def test_a_guest_is_invited_and_shown(hand: Hand, house: House) -> None:
    start = f"{SOON + timedelta(hours=4):%Y-%m-%dT%H:%M}"
    await hand.does("add", {"title": "Visit", "start": start, "minutes": "30", "guest": "grace@example.org"})
    assert "grace@example.org" in await hand.looks()
    if house.provider != "google":  # there the person says whether
        assert len(await house.invitations("grace@example.org")) == 1
    await hand.does("delete", await hand.event("Visit"))


async def test_a_working_life_is_shown_occurrence_by_occurrence(hand: Hand, house: House) -> None:
    await house.furnish(datetime.now(UTC).date())
    agenda = await house.agenda(SOON, SOON + timedelta(days=12))
    assert len(agenda) > 10
    starts = [item.when[0] for item in agenda]
    assert starts == sorted(starts)
    assert any(item.all_day for item in agenda)
    assert {item.remark.lower() for item in agenda} >= {"", "free"}
    shown = await hand.looks()
    assert all(item.title in shown for item in agenda)
    assert "(free)" in shown.lower()


async def test_everybody_is_listed_and_nobody_else_is_found(hand: Hand, house: House) -> None:
    listed = (await hand.http.get("/calendars")).text
    assert house.name in listed
    assert (await hand.http.get(f"/calendars/{house.provider}/nobody@example.com")).status_code == 404
    assert (await hand.http.get("/calendars/yahoo/nobody@example.com")).status_code == 422


async def test_what_the_provider_refuses_is_told(hand: Hand) -> None:
    form = {"event": "not-there", "start": SOON.isoformat(), "end": (SOON + timedelta(hours=1)).isoformat()}
    answer = await hand.http.post(f"{hand.path}/move", data=form)
    assert answer.status_code == 409
