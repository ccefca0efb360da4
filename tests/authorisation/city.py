"""The world of the matrix: three estates in two accounts, and everybody who tries what is not theirs.

The one rule: whoever calls here is known to the service before the picture is taken, so that a refused call has nothing
to write.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from app.ids import decode_id
from app.settings import Settings
from sandbox.client import Sandbox
from tests.authorisation.calls import CALLERS
from tests.authorisation.document import Call, Operation, Place, operations
from tests.authorisation.estate import ALL_RIGHTS, Estate, build_estate, made
from tests.authorisation.picture import Picture, pictured
from tests.authorisation.rules import rightful
from tests.support.domains import open_web
from tests.support.people import Person
from tests.support.world import World

_UNLIMITED = dict.fromkeys(
    (
        "reads_per_minute",
        "bookings_per_minute",
        "changes_per_minute",
        "changes_per_day",
        "sign_ins_per_minute",
        "domain_checks_per_minute",
        "lookups_per_minute",
    ),
    1_000_000,
)


@dataclass(slots=True)
class City:
    """Everything a group of the matrix needs."""

    world: World
    operations: list[Operation]
    ada: Estate
    """Whose things are reached for."""
    bob: Estate
    """Of another account."""
    cleo: Estate
    """Of Ada's account."""
    twin: Person
    """Of Bob's account, with Ada's user id."""
    picture: Picture
    before: dict[str, str]
    others: dict[str, str]
    """The same without Bob's account."""
    calls: int = 0

    def caller(self, operation: Operation, estate: Estate, place: Place | None = None) -> Person:
        """Whoever rightfully calls it there, with an id at that place."""
        whose = CALLERS.get((operation.id, place.name)) if place is not None else None
        return estate.person(whose or CALLERS.get(operation.id, rightful(operation.id)))

    async def send(self, call: Call, headers: Mapping[str, str]) -> httpx.Response:
        """Make the call, then or later."""
        self.calls += 1
        now, self.world.clock.offset = self.world.clock.offset, self.world.clock.offset + call.later
        try:
            return await self.world.api.request(
                call.method, call.url, params=dict(call.query), json=call.body, headers={**call.headers, **headers}
            )
        finally:
            self.world.clock.offset = now

    async def changed(self) -> set[str]:
        """The tables that are not as they were, which they are again afterwards."""
        changed = _differing(self.before, await self.picture.fingerprint())
        if changed:
            await self.picture.restore(changed)
        return changed

    async def changed_for_others(self) -> set[str]:
        """The tables that are not as they were for anybody but Bob's account; everything is as it was afterwards."""
        changed = _differing(self.others, await self.picture.fingerprint(besides=self.account_of_bob))
        await self.changed()
        return changed

    @property
    def account_of_bob(self) -> UUID:
        return decode_id("acct", self.bob.owner.account_id)


@asynccontextmanager
async def open_city(settings: Settings, sandbox: Sandbox) -> AsyncIterator[City]:
    """Build it, and take its picture."""
    changes: dict[str, Any] = {**_UNLIMITED, "webhook_allowed_hosts": ["127.0.0.1"]}
    async with open_web(settings, sandbox, **changes) as web:
        ada = await build_estate(web, "ada", whole=True)
        bob = await build_estate(web, "bob")
        cleo = await build_estate(web, "cleo", ada.owner.account_id)
        twin = await web.person(account_id=bob.owner.account_id, sub=ada.owner.user_id, permissions=ALL_RIGHTS)
        made(await twin.get("/v1/me"))
        for estate in (ada, bob, cleo):
            await _begin_authorization(estate)
        found = operations(web.world.app.openapi())
        async with pictured(web.world.database_url) as picture:
            others = await picture.fingerprint(besides=decode_id("acct", bob.owner.account_id))
            yield City(web.world, found, ada, bob, cleo, twin, picture, await picture.fingerprint(), others)


async def _begin_authorization(estate: Estate) -> None:
    """The newcomer has consented, and has not come back yet."""
    newcomer, sandbox = estate.newcomer, estate.world.sandbox
    await sandbox.google_account(newcomer.email)
    started = made(await newcomer.start_connecting())
    back = httpx.URL(await sandbox.consent(started["authorization_url"], email=newcomer.email))
    estate.tokens |= {"state": back.params["state"], "code": back.params["code"]}


async def without(person: Person, right: str) -> dict[str, str]:
    """A newer token of the person's, or of the service's, without this permission."""
    rights = [name for name in person.claims["permissions"] if name != right]
    token = await person.sandbox.issue_token(**person.claims | {"permissions": rights})
    return {"Authorization": f"Bearer {token}"}


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    return {name for name, told in now.items() if told != before[name]}
