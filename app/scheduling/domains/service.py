"""Domains of an account: added, proved by a DNS record, chosen by its users, taken away (R37, R39).

The one rule: a host is connected in one account only; what its DNS record means is for `domain_checks` to say.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.errors import DomainExists, DomainInUse, DomainLimitReached, FieldError, ValidationFailed, require_version
from app.events.types import EventType
from app.ids import new_id
from app.models.domains import Domain
from app.queue import enqueue
from app.scheduling.domains import repository
from app.scheduling.domains.checks import DomainChecks, changed, expect_check, forget_checks, get_domain
from app.scheduling.domains.names import NameRefusal, domain_host
from app.scheduling.domains.news import tell_of_domain
from app.scheduling.domains.schemas import DomainCreate, DomainUpdate
from app.scheduling.domains.standing import DomainStatus, Standing, next_check

_TOKEN_BYTES: Final = 32
MOST_UNCONNECTED: Final = 20
"""Domains of an account that are not connected: each has us ask DNS for a month."""


class Domains:
    """What a user does with the account's domains."""

    def __init__(self, checks: DomainChecks, clock: Clock, *, subscription: Entitlement, ours: Collection[str]) -> None:
        """`ours` are the hosts of this deployment, which are nobody's domain."""
        self._checks = checks
        self._clock = clock
        self._subscription = subscription
        self._ours = ours

    async def actions(
        self, session: AsyncSession, principal: Principal, domains: Sequence[Domain]
    ) -> dict[UUID, list[str]]:
        """What the caller may do now with each."""
        verify = ["verify"] if self._subscription.met_by(principal.subscriptions) else []
        chosen = await repository.chosen_of(session, [domain.id for domain in domains])
        return {domain.id: ["update", *verify, *([] if domain.id in chosen else ["delete"])] for domain in domains}

    async def create(self, session: AsyncSession, principal: Principal, body: DomainCreate) -> Domain:
        """Add a domain. Raises: EntitlementRequired, ValidationFailed, DomainExists, DomainLimitReached."""
        self._subscription.require(principal.subscriptions)
        host = domain_host(body.name, ours=self._ours)
        if isinstance(host, NameRefusal):
            raise ValidationFailed(errors=[FieldError("/name", host.value)])
        if await repository.count_unconnected(session) >= MOST_UNCONNECTED:
            raise DomainLimitReached
        now = self._clock()
        domain = await repository.add_domain(
            session,
            account_id=principal.account_id,
            id=new_id(),
            host=host,
            token=secrets.token_urlsafe(_TOKEN_BYTES),
            status=DomainStatus.PENDING,
            search_indexing=body.search_indexing is not False,
            awaited_since=now,
            created_at=now,
            updated_at=now,
        )
        if domain is None:
            raise DomainExists
        due_at = next_check(Standing(DomainStatus.PENDING), awaited_since=now, now=now)
        await expect_check(session, domain, due_at or now)
        _note(session, principal, domain, "domain.created")
        return domain

    async def update(
        self, session: AsyncSession, principal: Principal, domain_id: UUID, body: DomainUpdate, *, if_match: int | None
    ) -> Domain:
        """Change a domain. Raises: NotFound, VersionMismatch."""
        domain = await get_domain(session, domain_id, lock=True)
        require_version(if_match, domain.version)
        if "search_indexing" in body.model_fields_set:
            domain.search_indexing = body.search_indexing is not False
        changed(domain, now=self._clock())
        _note(session, principal, domain, "domain.updated")
        await session.flush()
        return domain

    async def delete(
        self, session: AsyncSession, principal: Principal, domain_id: UUID, *, if_match: int | None
    ) -> None:
        """Take a domain away that nobody publishes on. Links out there stay good.

        Raises: NotFound, VersionMismatch, DomainInUse.
        """
        domain = await get_domain(session, domain_id, lock=True)
        require_version(if_match, domain.version)
        await repository.forget_leavers(session, domain_id)
        if await repository.chosen_of(session, [domain_id]):
            raise DomainInUse
        await repository.release_host(session, domain)
        await forget_checks(session, domain.id)
        _note(session, principal, domain, "domain.deleted")
        told = tell_of_domain(session, EventType.DOMAIN_DELETED, domain, now=self._clock())
        await session.delete(domain)
        await enqueue(session, [told])

    async def verify(self, principal: Principal, domain_id: UUID) -> Domain:
        """Look the records up and act on what they say. Raises: EntitlementRequired, NotFound."""
        self._subscription.require(principal.subscriptions)
        return await self._checks.ask(principal.account_id, domain_id, actor=principal.actor)


def _note(session: AsyncSession, principal: Principal, domain: Domain, action: str, **data: object) -> None:
    add_audit_entry(session, domain.account_id, actor=principal.actor, action=action, subject_id=domain.id, **data)
