"""The demo's first steps: a person connects a calendar, and it is mirrored.

The one rule: the host does what a person in front of a browser does, and nothing else.
"""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from sandbox.demo_journey import HOST_ZONE, Demo, Json, eventually, expect
from sandbox.houses import ExchangeHouse
from sandbox.identity import new_id


async def prepare_a_busy_calendar(demo: Demo) -> Json:
    """A person with a real working life at the provider, and tokens of the CRM: the person's and its own."""
    kinds = await demo.house.furnish(datetime.now(UTC).date())
    account = new_id("acct")
    token = await demo.sandbox.issue_token(
        account_id=account,
        email=demo.house.email,
        permissions=["personal_email_access"],
        seats=[{"product": "sales_hub", "tier": "professional"}],
        locale="sv",
        zoneinfo=HOST_ZONE,
    )
    crm = await demo.sandbox.issue_token(
        service=True, account_id=account, permissions=["events:read", "webhooks:write"]
    )
    demo.host, demo.service = ({"Authorization": f"Bearer {each}"} for each in (token, crm))
    expect(sum(kinds.values()) >= 400, "400 events")
    return {"events": sum(kinds.values()), "kinds": kinds}


async def read_and_accept_the_disclosure(demo: Demo) -> Json:
    """R5: nothing is connected before the person has read what will be read."""
    disclosure = await _disclosure(demo)
    path, body = await _connecting(demo, "1999-01-01")
    refused = await demo.call("POST", path, body, status=422, headers=demo.host)
    expect(refused.json()["code"] == "disclosure_not_accepted", "an old disclosure is refused")
    return {"version": disclosure["version"], "title": disclosure["title"]}


async def connect(demo: Demo) -> Json:
    """OAuth as a browser does it (our authorization, the consent page, back to us, the dashboard), or a password."""
    path, body = await _connecting(demo, (await _disclosure(demo))["version"])
    started = (await demo.call("POST", path, body, status=201, headers=demo.host)).json()
    if isinstance(demo.house, ExchangeHouse):
        demo.connection_id = started["id"]
        expect("password" not in json.dumps(started), "the password is never told again")
        return {"connection_id": demo.connection_id, "returned_to": started["return_url"]}
    callback = await demo.sandbox.consent(started["authorization_url"], email=demo.house.email)
    returned = await demo.call("GET", urlsplit(callback)._replace(scheme="", netloc="").geturl(), status=303)
    result = parse_qs(urlsplit(returned.headers["Location"]).query)
    expect(result["status"] == ["completed"], f"connected: {result}")
    demo.connection_id = result["connection_id"][0]
    return {"connection_id": demo.connection_id, "returned_to": returned.headers["Location"].split("?")[0]}


async def _disclosure(demo: Demo) -> Json:
    disclosure: Json = await demo.read(f"/v1/providers/{demo.house.provider}/disclosure")
    return disclosure


async def _connecting(demo: Demo, version: str) -> tuple[str, Json]:
    """Where to ask for a connection, and with what."""
    body: Json = {"provider": demo.house.provider, "client": "web", "disclosure_version": version}
    if isinstance(demo.house, ExchangeHouse):
        return "/v1/connections", body | await demo.house.credentials()
    return "/v1/connection-authorizations", body | {"login_hint": demo.house.email}


async def wait_for_the_first_sync(demo: Demo) -> Json:
    """The worker mirrors the calendar; its state is readable."""

    async def synced() -> Json | None:
        sync = await demo.read(f"/v1/connections/{demo.connection_id}/sync")
        calendar: Json = sync["calendars"][0]
        return calendar if calendar["last_success_at"] else None

    calendar = await eventually(synced, "the calendar is synced")
    return {"state": calendar["state"], "lag_seconds": calendar["lag_seconds"]}
