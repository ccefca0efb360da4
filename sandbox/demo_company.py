"""The company of the demo's further journeys: its people, with calendars that are empty at first, and its visitors.

The one rule: a visitor knows a page and what was answered to them, and nothing else; each reads another language.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.client import Sandbox
from sandbox.demo_booking import until_written
from sandbox.demo_journey import HOST_ZONE, Host, Json, eventually, expect
from sandbox.houses import ExchangeHouse, GoogleHouse, MicrosoftHouse
from sandbox.identity import new_id

MINUTES = 30


@dataclass(frozen=True)
class Visitor:
    """Somebody who wants to meet a host."""

    name: str
    email: str
    time_zone: str
    language: str

    def wish(self, start_at: str, **changes: Any) -> Json:
        """What they send to book a page at this time."""
        return {
            "start_at": start_at,
            "duration_minutes": MINUTES,
            "name": self.name,
            "email": self.email,
            "time_zone": self.time_zone,
            "language": self.language,
        } | changes


EMMA = Visitor("Emma Evans", "emma@example.net", "America/New_York", "en")
SVEN = Visitor("Sven Svensson", "sven@example.net", "Europe/Stockholm", "sv")
DORA = Visitor("Dora Dietrich", "dora@example.net", "Europe/Berlin", "de")
IDA = Visitor("Ida Conti", "ida@example.net", "Europe/Rome", "it")
PAWEL = Visitor("Paweł Nowak", "pawel@example.net", "Europe/Warsaw", "pl")


@dataclass(frozen=True)
class Company:
    """One account. Everybody has a calendar elsewhere; Olof connects his when visitors have asked for it."""

    gerda: Host
    miriam: Host
    elin: Host
    olof: Host


async def found_company(api: httpx.AsyncClient, sandbox: Sandbox) -> Company:
    """Its people have mailboxes and are signed in at the CRM; no calendar is connected."""
    company = Company(
        gerda=Host(api, sandbox, GoogleHouse(sandbox, "gerda@example.com", "Gerda Holm")),
        miriam=Host(api, sandbox, MicrosoftHouse(sandbox, "miriam@contoso.example", "Miriam Lund")),
        elin=Host(api, sandbox, ExchangeHouse(sandbox, "elin@corp.example", "Elin Dahl")),
        olof=Host(api, sandbox, MicrosoftHouse(sandbox, "olof@contoso.example", "Olof Nyman")),
    )
    account, subscriptions = new_id("acct"), [{"product": "sales_hub", "tier": "professional"}]
    for host in (company.gerda, company.miriam, company.elin, company.olof):
        await host.house.move_in()
        await host.take_token(account, locale="sv", subscriptions=subscriptions)
        await host.read("/v1/me")  # the CRM's users become known when they come
    return company


async def make_page(host: Host, name: str, **changes: Any) -> Json:
    """A page of the host with half hours on working days; from now on it is the one that visitors see."""
    body = {
        "type": "personal",
        "name": name,
        "time_zone": HOST_ZONE,
        "durations_minutes": [MINUTES],
        "minimum_notice_minutes": 60,
    } | changes
    page: Json = await host.send("POST", "/v1/scheduling-pages", body, status=201)
    host.page_id = page["id"]
    return page


async def book(host: Host, visitor: Visitor, start_at: str, *, status: int = 201) -> Json:
    """What the visitor is answered who wants the host's page at this time."""
    path = f"/v1/public/scheduling-pages/{host.page_id}/bookings"
    answer: Json = (await host.call("POST", path, visitor.wish(start_at), status=status)).json()
    return answer


async def refuse(host: Host, visitor: Visitor, start_at: str, *, code: str) -> Json:
    """The refusal, which must have this code."""
    refused = await book(host, visitor, start_at, status=409)
    expect(refused["code"] == code, f"the code is {code}: {refused}")
    return refused


async def find_event(host: Host, booking: Json) -> Json:
    """R46: the event is in the host's calendar at the booked time, exactly once."""
    await until_written(host, booking["id"])
    start = datetime.fromisoformat(booking["start_at"])
    found = [event for event in await host.house.ours() if event.start == start]
    expect(len(found) == 1, f"exactly one event at {start}, not {len(found)}")
    return {"event_id": found[0].id, "title": found[0].title}


async def resolve(host: Host, link: str) -> Json:
    """What a front end is told that a browser has come to with this link: the page, and where it is now."""
    parts = urlsplit(link)
    query = httpx.QueryParams({"host": parts.netloc, "path": parts.path})
    told: Json = (await host.call("GET", f"/v1/public/resolve?{query}")).json()
    return told


async def until_read_again(host: Host) -> None:
    """Wait until the CRM has read all that is in the host's calendar now."""
    path = f"/v1/connections/{host.connection_id}/sync"
    await host.call("POST", path, status=202, headers=host.headers)

    async def read() -> bool:
        return not (await host.read(path))["calendars"][0]["pending_changes"]

    await eventually(read, "the calendar is read again")
