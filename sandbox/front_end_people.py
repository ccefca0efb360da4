"""Who can sign in at the example front end: one company, with somebody at each provider.

The rule: a person is the same at every start, and their mailbox is furnished when they first sign in, once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.client import Sandbox
from sandbox.houses import ExchangeHouse, GoogleHouse, House, MicrosoftHouse
from sandbox.identity import new_id

Json = dict[str, Any]
TOKEN_LIFETIME = 24 * 3600  # seconds
PAID = [{"product": "sales_hub", "tier": "professional"}]
CRM_PERMISSIONS = ["events:read", "audit:read", "webhooks:write"]
ZONE = "Europe/Stockholm"
BOSS, PLANS = "boss@example.com", "Plans of the boss"


@dataclass(frozen=True)
class Person:
    """Somebody of the company; `furnished`: their calendar is full of meetings."""

    email: str
    name: str
    provider: str
    locale: str
    furnished: bool = True
    paid: bool = True


PEOPLE = (
    Person("ada@example.com", "Ada Andersson", "google", "en"),
    Person("astrid@contoso.example", "Astrid Berg", "office365", "en"),
    Person("agnes@corp.example", "Agnes Ek", "exchange", "en"),
    Person("gerda@example.com", "Gerda Holm", "google", "en", furnished=False),
    Person("olof@contoso.example", "Olof Nyman", "office365", "en", furnished=False),
    Person("miriam@contoso.example", "Miriam Lund", "office365", "en", furnished=False),
    Person("nils@example.com", "Nils Lund", "google", "en", furnished=False, paid=False),
)


@dataclass(frozen=True)
class Company:
    """The ids of the account and its people."""

    account_id: str
    user_ids: Mapping[str, str]

    @classmethod
    def kept_in(cls, path: Path, known: Mapping[str, str] | None = None, account_id: str | None = None) -> "Company":
        """Those in the file, made on first use; `known` people have ids already. Who joined later gets one now."""
        kept: Json = json.loads(path.read_text()) if path.exists() else {}
        ids: dict[str, str] = {**(known or {}), **kept.get("user_ids", {})}
        made = cls(
            kept.get("account_id") or account_id or new_id("acct"),
            {person.email: ids.get(person.email) or new_id("usr") for person in PEOPLE},
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"account_id": made.account_id, "user_ids": dict(made.user_ids)}))
        return made


class SignIn:
    """Signs people in as the CRM would: a token of the person, and one of the CRM itself."""

    def __init__(self, sandbox: Sandbox, api: httpx.AsyncClient, company: Company) -> None:
        self._sandbox = sandbox
        self._api = api
        self._company = company
        self._moved_in: set[str] = set()
        self._told = False

    @property
    def user_ids(self) -> Mapping[str, str]:
        """By address."""
        return self._company.user_ids

    async def sign_in(self, email: str) -> Json:
        """What the front end needs to work as this person. Raises LookupError for a stranger."""
        person = next((person for person in PEOPLE if person.email == email), None)
        if person is None:
            raise LookupError(email)
        house = self._house(person)
        if email not in self._moved_in:
            await self._move_in(person, house)
            self._moved_in.add(email)
        # Colleagues can be asked to host before they have ever signed in.
        for each in [person] if self._told else PEOPLE:
            await self._push(each)
        self._told = True
        token = await self._sandbox.issue_token(
            sub=self._company.user_ids[email],
            account_id=self._company.account_id,
            email=email,
            locale=person.locale,
            zoneinfo=ZONE,
            seats=_seats(person),
            subscriptions=PAID,
            lifetime_seconds=TOKEN_LIFETIME,
        )
        crm = await self._sandbox.issue_token(
            service=True,
            account_id=self._company.account_id,
            permissions=CRM_PERMISSIONS,
            lifetime_seconds=TOKEN_LIFETIME,
        )
        credentials = await house.credentials() if isinstance(house, ExchangeHouse) else None
        return {"email": email, "name": person.name, "token": token, "crm_token": crm, "exchange": credentials}

    async def _push(self, person: Person) -> None:
        """The CRM tells the service who its users are; visitors read the name."""
        crm = await self._sandbox.issue_token(
            service=True, account_id=self._company.account_id, permissions=["users:write"]
        )
        user = {"email": person.email, "name": person.name, "locale": person.locale, "time_zone": ZONE}
        body = user | {"permissions": ["personal_email_access"], "seats": _seats(person), "subscriptions": PAID}
        path = f"/v1/users/{self._company.user_ids[person.email]}"
        answer = await self._api.put(path, json=body, headers={"Authorization": f"Bearer {crm}"})
        answer.raise_for_status()

    def _house(self, person: Person) -> House:
        match person.provider:
            case "google":
                return GoogleHouse(self._sandbox, person.email, person.name)
            case "office365":
                return MicrosoftHouse(self._sandbox, person.email, person.name)
            case _:
                return ExchangeHouse(self._sandbox, person.email, person.name)

    async def _move_in(self, person: Person, house: House) -> None:
        await house.move_in()
        if person.furnished and not await self._has_events(person):
            await house.furnish(datetime.now(UTC).date())
        if person.email == "gerda@example.com":
            await self._share_the_plans(person)

    async def _has_events(self, person: Person) -> bool:
        """Whether somebody furnished their mailbox before us: the welcome does it for Ada."""
        return person.provider == "google" and bool(await self._sandbox.google_events(person.email))

    async def _share_the_plans(self, person: Person) -> None:
        """A calendar of the boss's, to be checked, lost and regained."""
        await self._sandbox.google_account(BOSS, name="Bo Strand")
        calendar = await self._sandbox.google_calendar(BOSS, PLANS)
        await self._sandbox.share_google_calendar(calendar["id"], account=person.email, role="reader")


def _seats(person: Person) -> list[Json]:
    """The company pays for everybody; not everybody has a seat of what it pays for."""
    return PAID if person.paid else []
