"""The demo's first steps: a person connects a calendar, and it is mirrored.

The one rule: the host does what a person in front of a browser does, and nothing else.
"""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from sandbox.demo_journey import Demo, Host, Json, eventually, expect
from sandbox.houses import ExchangeHouse
from sandbox.identity import new_id


async def prepare_a_busy_calendar(demo: Demo) -> Json:
    """A person with a real working life at the provider, and tokens of the CRM: the person's and its own."""
    kinds = await demo.house.furnish(datetime.now(UTC).date())
    account = new_id("acct")
    await demo.take_token(account, locale="sv")
    crm = await demo.sandbox.issue_token(
        service=True, account_id=account, permissions=["events:read", "webhooks:write"]
    )
    demo.service = {"Authorization": f"Bearer {crm}"}
    expect(sum(kinds.values()) >= 400, "400 events")
    return {"events": sum(kinds.values()), "kinds": kinds}


async def read_and_accept_the_disclosure(demo: Demo) -> Json:
    """R5: nothing is connected before the person has read what will be read."""
    disclosure = await _disclosure(demo)
    path, body = await _connecting(demo, "1999-01-01")
    refused = await demo.call("POST", path, body, status=422, headers=demo.headers)
    expect(refused.json()["code"] == "disclosure_not_accepted", "an old disclosure is refused")
    return {"version": disclosure["version"], "title": disclosure["title"]}


async def connect(host: Host) -> Json:
    """OAuth as a browser does it (our authorization, the consent page, back to us, the dashboard), or a password."""
    path, body = await _connecting(host, (await _disclosure(host))["version"])
    started = (await host.call("POST", path, body, status=201, headers=host.headers)).json()
    if isinstance(host.house, ExchangeHouse):
        host.connection_id = started["id"]
        expect("password" not in json.dumps(started), "the password is never told again")
        return {"connection_id": host.connection_id, "returned_to": started["return_url"]}
    callback = await host.sandbox.consent(started["authorization_url"], email=host.house.email)
    returned = await host.call("GET", urlsplit(callback)._replace(scheme="", netloc="").geturl(), status=303)
    result = parse_qs(urlsplit(returned.headers["Location"]).query)
    expect(result["status"] == ["completed"], f"connected: {result}")
    host.connection_id = result["connection_id"][0]
    return {"connection_id": host.connection_id, "returned_to": returned.headers["Location"].split("?")[0]}


async def _disclosure(host: Host) -> Json:
    disclosure: Json = await host.read(f"/v1/providers/{host.house.provider}/disclosure")
    return disclosure


async def _connecting(host: Host, version: str) -> tuple[str, Json]:
    """Where to ask for a connection, and with what."""
    body: Json = {"provider": host.house.provider, "client": "web", "disclosure_version": version}
    if isinstance(host.house, ExchangeHouse):
        return "/v1/connections", body | await host.house.credentials()
    return "/v1/connection-authorizations", body | {"login_hint": host.house.email}


async def wait_for_the_first_sync(host: Host) -> Json:
    """The worker mirrors the calendar; its state is readable."""

    async def synced() -> Json | None:
        sync = await host.read(f"/v1/connections/{host.connection_id}/sync")
        calendar: Json = sync["calendars"][0]
        return calendar if calendar["last_success_at"] else None

    calendar = await eventually(synced, "the calendar is synced")
    return {"state": calendar["state"], "lag_seconds": calendar["lag_seconds"]}
