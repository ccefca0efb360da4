"""The control client, the seed and the certificates: what the rest of the sandbox builds on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.exchange.app import create_exchange
from sandbox.exchange.client import PASSWORD, Exchange
from sandbox.exchange.control import create_control
from sandbox.exchange.tls import ensure_certificates
from sandbox.exchange.world import ExchangeWorld

ADA = "ada@example.com"
YEAR = (datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))
AROUND = date(2026, 11, 16)
PING = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetFolder'
    b' xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"'
    b' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><FolderShape><t:BaseShape>IdOnly</t:BaseShape>'
    b'</FolderShape><FolderIds><t:DistinguishedFolderId Id="calendar"/></FolderIds></GetFolder></s:Body></s:Envelope>'
)
AUTODISCOVER = (
    "<Autodiscover xmlns='http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006'><Request>"
    "<EMailAddress>{}</EMailAddress><AcceptableResponseSchema>"
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"
    "</Request></Autodiscover>"
)
SETTINGS = (
    "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'"
    " xmlns:a='http://schemas.microsoft.com/exchange/2010/Autodiscover'><s:Body>"
    "<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>{}</a:Mailbox></a:User></a:Users>"
    "<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>Nonsense</a:Setting></a:RequestedSettings>"
    "</a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"
)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    world = ExchangeWorld(Clock())
    routes = [Mount("/control/exchange", create_control(world)), Mount("/exchange", create_exchange(world))]
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        yield client


@pytest.fixture
async def exchange(http):
    client = Exchange(http)
    await client.account(ADA)
    return client


async def call(http, content=PING, path="/exchange/EWS/Exchange.asmx", email=ADA):
    return await http.post(path, content=content, auth=(email, PASSWORD))


async def test_below_a_mount_everything_works_the_same(http, exchange):
    assert (await call(http)).status_code == 200
    (request,) = await exchange.requests()
    assert (request["account"], request["query"], request["status"]) == (ADA, "op=GetFolder", 200)


async def test_people_calendars_and_sharing(exchange):
    calendar = await exchange.calendar(ADA, "Work")
    await exchange.share(ADA, account="bo@example.com", level="Editor", calendar="Work")
    await exchange.rename_calendar(ADA, "Work", "Job")
    account = await exchange.show_account(ADA)
    assert [one["name"] for one in account["calendars"]] == ["Calendar", "Job"]
    assert account["calendars"][1]["permissions"]["bo@example.com"] == "Editor"
    await exchange.delete_calendar(ADA, calendar["id"])
    assert len((await exchange.show_account(ADA))["calendars"]) == 1
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await exchange.delete_calendar(ADA, "calendar")


async def test_what_people_do(exchange):
    await exchange.account("bo@example.com")
    item = {
        "subject": "Lunch",
        "start": "2026-12-01T12:00:00",
        "end": "2026-12-01T13:00:00",
        "required": ["bo@example.com"],
    }
    made = await exchange.create_item(ADA, item, send=True)
    await exchange.change_item(ADA, made["id"], {"location": "Café"}, send=True)
    guest = await exchange.copy("bo@example.com", made["uid"])
    assert guest["location"] == "Café"
    await exchange.respond("bo@example.com", guest["id"], "Accept")
    assert (await exchange.item(ADA, made["id"]))["attendees"][0]["response"] == "Accept"
    await exchange.cancel_meeting(ADA, made["id"])
    (left,) = await exchange.items("bo@example.com")
    assert left["is_cancelled"]
    await exchange.remove_cancelled("bo@example.com", left["id"])
    assert await exchange.view("bo@example.com", *YEAR) == []
    assert [mail["kind"] for mail in await exchange.outbox()] == ["invitation", "update", "reply", "cancellation"]
    assert {entry["actor"] for entry in await exchange.ledger()} == {"human", "propagation"}


async def test_moving_and_deleting(exchange):
    await exchange.calendar(ADA, "Other")
    item = {"subject": "x", "start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"}
    made = await exchange.create_item(ADA, item)
    moved = await exchange.move_item(ADA, made["id"], "Other")
    assert (await exchange.items(ADA), len(await exchange.items(ADA, "Other"))) == ([], 1)
    await exchange.delete_item(ADA, moved["id"], disposal="HardDelete")
    assert await exchange.items(ADA, "Other") == []


async def test_a_copy_is_an_item_of_its_own_without_guests(exchange):
    item = {
        "subject": "Lunch",
        "start": "2026-12-01T12:00:00",
        "end": "2026-12-01T13:00:00",
        "required": ["grace@elsewhere.example"],
        "sensitivity": "Private",
        "recurrence": {"pattern": "DailyRecurrence", "count": 3},
    }
    made = await exchange.create_item(ADA, item, send=True)
    copied = await exchange.copy_item(ADA, made["id"], {"subject": "Copy"})
    assert (copied["subject"], copied["sensitivity"], copied["kind"]) == ("Copy", "Private", "RecurringMaster")
    assert (copied["attendees"], copied["is_organizer"]) == ([], True)
    assert len({made["id"], copied["id"]}) == len({made["uid"], copied["uid"]}) == 2
    date = (await exchange.view(ADA, *YEAR))[2]
    alone = await exchange.copy_item(ADA, date["id"])
    assert (alone["kind"], alone["start"]) == ("Single", date["start"])
    assert len(await exchange.outbox()) == 1, "a copy invites nobody"


@pytest.mark.parametrize(
    "recurrence",
    [
        {"pattern": "HourlyRecurrence"},
        {"pattern": "WeeklyRecurrence"},
        {"pattern": "WeeklyRecurrence", "days": ["Someday"]},
        {"pattern": "RelativeMonthlyRecurrence", "days": ["Monday"]},
        {"pattern": "AbsoluteYearlyRecurrence", "day_of_month": 3},
        {"pattern": "DailyRecurrence", "interval": 0},
    ],
)
async def test_what_no_outlook_could_say_is_refused(exchange, recurrence):
    item = {"start": "2026-12-01T12:00:00", "end": "2026-12-01T13:00:00", "recurrence": recurrence}
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await exchange.create_item(ADA, item)
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await exchange.create_item(ADA, {"start": "2026-12-01T12:00:00", "zone": "Nowhere/Nothing"})


async def test_faults_knobs_and_versions(http, exchange):
    await exchange.add_fault("unavailable", match={"operation": "GetFolder"}, times=None)
    assert (await call(http)).status_code == 503
    assert (await exchange.faults())[0]["fired"] == 1
    await exchange.clear_faults()
    assert (await exchange.version("Exchange2016"))["build"] == "15.1.2507.6"
    assert (await exchange.turn_knobs(free_busy_max_days=62))["free_busy_max_days"] == 62
    await exchange.turn_knobs(authentication=["ntlm"])
    assert (await call(http)).status_code == 401
    await exchange.expire_sync_states()
    await exchange.reset()
    assert (await exchange.turn_knobs())["free_busy_max_days"] == 42
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await exchange.show_account(ADA)


async def test_a_service_account_and_a_disabled_mailbox(http, exchange):
    service = await exchange.service_account("service@example.com")
    assert (service["mailbox"], service["may_impersonate"], service["calendars"]) == (False, True, [])
    await exchange.change_account(ADA, enabled=False)
    answer = await call(http)
    assert "ErrorMissingEmailAddress" in answer.text


async def test_autodiscover_tells_where_the_service_is(http, exchange):
    path = "/exchange/autodiscover/autodiscover.xml"
    answer = await call(http, AUTODISCOVER.format(ADA).encode(), path)
    assert "<EwsUrl>http://sandbox/exchange/EWS/Exchange.asmx</EwsUrl>" in answer.text
    unknown = await call(http, AUTODISCOVER.format("nobody@example.com").encode(), path)
    assert "<ErrorCode>500</ErrorCode>" in unknown.text
    path = "/exchange/autodiscover/autodiscover.svc"
    answer = await call(http, SETTINGS.format(ADA).encode(), path)
    assert "<Value>http://sandbox/exchange/EWS/Exchange.asmx</Value>" in answer.text
    assert "<SettingName>Nonsense</SettingName>" in answer.text
    assert "InvalidUser" in (await call(http, SETTINGS.format("nobody@example.com").encode(), path)).text


# the seed -----------------------------------------------------------------------------------------


async def test_a_seed_is_a_working_life(exchange):
    seeded = await exchange.seed(ADA, around=AROUND)
    kinds = seeded["calendars"]["Calendar"]
    assert sum(kinds.values()) >= 400
    assert kinds["RecurringMaster"] >= 14
    items = await exchange.items(ADA)
    views = await exchange.view(ADA, *YEAR)
    assert {view["busy"] for view in views} == {"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"}
    assert {view["kind"] for view in views} == {"Single", "Occurrence", "Exception"}
    assert {item["my_response"] for item in items} >= {
        "Organizer",
        "Accept",
        "Decline",
        "Tentative",
        "NoResponseReceived",
    }
    assert {item["sensitivity"] for item in items} >= {"Normal", "Private", "Personal"}
    assert len({item["zone"] for item in items}) >= 5
    assert any(item["all_day"] for item in items)
    assert sum(bool(item["deleted"]) for item in items) >= 8
    assert sum(bool(item["modified"]) for item in items) >= 8
    assert all(entry["actor"] == "human" for entry in await exchange.ledger())


async def test_one_seed_has_one_outcome(exchange):
    def told(views):
        return [(view["uid"], view["start"], view["end"], view["subject"], view["busy"]) for view in views]

    await exchange.seed(ADA, around=AROUND)
    first = told(await exchange.view(ADA, *YEAR))
    await exchange.seed(ADA, around=AROUND)
    assert told(await exchange.view(ADA, *YEAR)) == first, "seeding again adds nothing"
    await exchange.reset()
    await exchange.account(ADA)
    await exchange.seed(ADA, around=AROUND)
    assert told(await exchange.view(ADA, *YEAR)) == first
    await exchange.seed(ADA, around=AROUND, seed=2)
    assert len(await exchange.view(ADA, *YEAR)) > len(first)


async def test_damage_is_only_there_when_asked_for(exchange):
    await exchange.seed(ADA, around=AROUND, with_damage=True)
    zones = {item["zone"] for item in await exchange.items(ADA)}
    assert {"tzone://Microsoft/Custom", "Customized Time Zone"} <= zones


@pytest.mark.parametrize("around", [date(2024, 2, 29), date(2025, 12, 31), date(2028, 1, 1)])
async def test_a_seed_grows_around_any_date(exchange, around):
    assert (await exchange.seed(ADA, around=around))["calendars"]["Calendar"]["Single"] > 300


# what is pushed -----------------------------------------------------------------------------------

PUSH = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><t:RequestServerVersion'
    b' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" Version="Exchange2010"/></s:Header><s:Body>'
    b'<Subscribe xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"'
    b' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
    b'<PushSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>CreatedEvent</t:EventType>'
    b"</t:EventTypes><t:StatusFrequency>1</t:StatusFrequency><t:URL>http://127.0.0.1:9/</t:URL>"
    b"</PushSubscriptionRequest></Subscribe></s:Body></s:Envelope>"
)


async def test_pushes_are_seen_lost_and_their_subscriptions_forgotten(http, exchange):
    await exchange.turn_knobs(push_backoff=0.001)
    await exchange.add_push_fault("drop")
    assert "NoError" in (await call(http, PUSH)).text
    (lost,) = await exchange.deliveries()
    assert (lost["number"], lost["faults"]) == (0, ["drop"])
    await exchange.clear_push_faults()
    await exchange.create_item(ADA, {"subject": "x", "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"})
    tried = await exchange.deliveries(lost["watches"][0], since=1)
    assert [(each["number"], each["status"]) for each in tried] == [(1, None), (2, None), (3, None)]
    assert "NoError" in (await call(http, PUSH)).text
    await exchange.forget_subscriptions(ADA)
    again = len(await exchange.deliveries())
    await exchange.create_item(ADA, {"subject": "y", "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"})
    assert len(await exchange.deliveries()) == again


async def test_nothing_is_pushed_when_the_world_ends():
    others = asyncio.all_tasks()
    world = ExchangeWorld(Clock())
    world.create_mailbox(ADA, name="Ada", password=PASSWORD, time_zone="Europe/Stockholm")
    transport = httpx.ASGITransport(Starlette(routes=[Mount("/exchange", create_exchange(world))]))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        assert "NoError" in (await call(http, PUSH)).text
    assert asyncio.all_tasks() - others
    await world.aclose()
    assert not asyncio.all_tasks() - others


# the certificates ---------------------------------------------------------------------------------


def test_certificates_are_made_once_and_kept(tmp_path):
    first = ensure_certificates(tmp_path / "tls")
    before = [path.read_bytes() for path in (first.authority, first.chain, first.key)]
    second = ensure_certificates(tmp_path / "tls")
    assert [path.read_bytes() for path in (second.authority, second.chain, second.key)] == before
    assert first.key.stat().st_mode & 0o077 == 0
    assert isinstance(first.server_context(), ssl.SSLContext)


def test_certificates_about_to_expire_are_made_anew(tmp_path):
    old = ensure_certificates(tmp_path, now=datetime(2020, 1, 1, tzinfo=UTC))
    before = old.chain.read_bytes()
    assert ensure_certificates(tmp_path).chain.read_bytes() != before
