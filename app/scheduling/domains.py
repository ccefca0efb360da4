"""Domains of an account: added, proved by a DNS record, chosen by its users, taken away (R37, R39).

The one rule: a host is connected in one account only, and DNS is never waited for inside a transaction.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.database import transaction
from app.errors import DomainExists, DomainInUse, FieldError, NotFound, ValidationFailed, VersionMismatch
from app.ids import new_id
from app.models.domains import Domain
from app.scheduling import domain_repository
from app.scheduling.domain_names import NameRefusal, domain_host
from app.scheduling.domain_schemas import DomainCreate, DomainUpdate
from app.scheduling.domain_standing import DomainStatus, Failure, Standing, after_check
from app.scheduling.domain_verification import DomainProver, Finding

_TOKEN_BYTES: Final = 32


class Domains:
    """What a user does with the account's domains."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        prover: DomainProver,
        clock: Clock,
        *,
        subscription: Entitlement,
        ours: Collection[str],
    ) -> None:
        """`ours` are the hosts of this deployment, which are nobody's domain."""
        self._sessions = sessions
        self._prover = prover
        self._clock = clock
        self._subscription = subscription
        self._ours = ours

    async def create(self, session: AsyncSession, principal: Principal, wish: DomainCreate) -> Domain:
        """Add a domain. Raises: EntitlementRequired, ValidationFailed, DomainExists."""
        self._subscription.require(principal.subscriptions)
        host = domain_host(wish.name, ours=self._ours)
        if isinstance(host, NameRefusal):
            raise ValidationFailed(errors=[FieldError("/name", host.value)])
        now = self._clock()
        domain = await domain_repository.add_domain(
            session,
            account_id=principal.account_id,
            id=new_id(),
            host=host,
            token=secrets.token_urlsafe(_TOKEN_BYTES),
            status=DomainStatus.PENDING,
            search_indexing=wish.search_indexing is not False,
            created_at=now,
            updated_at=now,
        )
        if domain is None:
            raise DomainExists
        _note(session, principal, domain, "domain.created")
        return domain

    async def get(self, session: AsyncSession, domain_id: UUID, *, lock: bool = False) -> Domain:
        """One of the account's domains. Raises: NotFound."""
        domain = await domain_repository.find_domain(session, domain_id, lock=lock)
        if domain is None:
            raise NotFound
        return domain

    async def update(
        self, session: AsyncSession, principal: Principal, domain_id: UUID, wish: DomainUpdate, *, if_match: int | None
    ) -> Domain:
        """Change a domain. Raises: NotFound, VersionMismatch."""
        domain = await self.get(session, domain_id, lock=True)
        if if_match is not None and if_match != domain.version:
            raise VersionMismatch(extra={"version": domain.version})
        if "search_indexing" in wish.model_fields_set:
            domain.search_indexing = wish.search_indexing is not False
        _changed(domain, now=self._clock())
        _note(session, principal, domain, "domain.updated")
        await session.flush()
        return domain

    async def delete(self, session: AsyncSession, principal: Principal, domain_id: UUID) -> None:
        """Take a domain away that nobody publishes on. Links out there stay good. Raises: NotFound, DomainInUse."""
        domain = await self.get(session, domain_id, lock=True)
        if await domain_repository.is_chosen(session, domain_id):
            raise DomainInUse
        await domain_repository.release_host(session, domain)
        _note(session, principal, domain, "domain.deleted")
        await session.delete(domain)
        await session.flush()

    async def verify(self, principal: Principal, domain_id: UUID) -> Domain:
        """Look the records up and act on what they say. Raises: EntitlementRequired, NotFound."""
        self._subscription.require(principal.subscriptions)
        async with transaction(self._sessions, principal.account_id) as session:
            asked = await self.get(session, domain_id)
        finding = await self._prover.look(asked.host, proof(asked))
        async with transaction(self._sessions, principal.account_id) as session:
            domain = await self.get(session, domain_id, lock=True)
            await self._judge(session, domain, finding)
            _note(session, principal, domain, "domain.checked", status=domain.status, reason=domain.failure_reason)
        return domain

    async def _judge(self, session: AsyncSession, domain: Domain, finding: Finding) -> None:
        failure, now = finding.failure, self._clock()
        if failure is None and not await domain_repository.claim_host(session, domain):
            failure = Failure.CONNECTED_ELSEWHERE
        before, after = _standing(domain), after_check(_standing(domain), failure, now=now)
        if after.status is not DomainStatus.CONNECTED:
            await domain_repository.release_host(session, domain)
            domain.connected_at = None
        elif before.status is not DomainStatus.CONNECTED:
            domain.connected_at = now
        domain.status, domain.failure_reason = after.status, after.failure
        domain.failures, domain.failing_since = after.failures, after.failing_since
        domain.points_here, domain.checked_at = finding.points_here, now
        _changed(domain, now=now)


def proof(domain: Domain) -> str:
    """What the TXT record has to say."""
    return f"calendar-connect-verification={domain.token}"


def _standing(domain: Domain) -> Standing:
    failure = None if domain.failure_reason is None else Failure(domain.failure_reason)
    return Standing(DomainStatus(domain.status), failure, domain.failures, domain.failing_since)


def _changed(domain: Domain, *, now: datetime) -> None:
    domain.version += 1
    domain.updated_at = now


def _note(session: AsyncSession, principal: Principal, domain: Domain, action: str, **data: object) -> None:
    add_audit_entry(session, domain.account_id, actor=principal.actor, action=action, subject_id=domain.id, **data)
