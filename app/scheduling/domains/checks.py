"""Checks of domains: what a check means for the row, and the checks that come by themselves (R37).

    sweep  [transaction]  the domains whose time has come, over all accounts: a job each
    look   [none open]    DNS
    judge  [transaction]  the domain locked → its standing, its host, when to look again

The one rule: whoever asks, a check is judged by the same code. Without being asked, domains are checked as long as
there is something to find out; a check that was overtaken by another changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.entitlements import Entitlement
from app.accounts.repository import add_audit_entry, find_account
from app.accounts.service import subscriptions_of
from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.errors import NotFound
from app.events.types import EventType
from app.models.directory import DueDomain
from app.models.domains import Domain
from app.queue import Enqueued, Job, enqueue
from app.scheduling.domains import repository
from app.scheduling.domains.news import tell_of_domain
from app.scheduling.domains.standing import DomainStatus, Failure, Standing, after_check, next_check
from app.scheduling.domains.verification import DomainProver, Finding

_AT_ONCE: Final = 40
"""A sweep's, every ten seconds: each may take five to find that nobody answers, and other jobs wait behind them."""
_COMES_UP_AGAIN: Final = timedelta(minutes=10)
_NEWS: Final = {
    DomainStatus.CONNECTED: EventType.DOMAIN_CONNECTED,
    DomainStatus.FAILED: EventType.DOMAIN_FAILED,
}


class DomainChecks:
    """Looks domains up: for whoever asks, and as `check_domain`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        prover: DomainProver,
        clock: Clock,
        *,
        subscription: Entitlement,
    ) -> None:
        self._sessions = sessions
        self._prover = prover
        self._clock = clock
        self._subscription = subscription

    async def sweep(self) -> int:
        """Ask for a check of every domain whose time has come; how many there were."""
        async with transaction(self._sessions, None) as session:
            due = await take_due_rows(session, DueDomain, now=self._clock(), again=_COMES_UP_AGAIN, limit=_AT_ONCE)
            await enqueue(
                session, [Enqueued(Job.CHECK_DOMAIN, row.account_id, row.domain_id, once=True) for row in due]
            )
        return len(due)

    async def ask(self, account_id: UUID, domain_id: UUID, *, actor: str) -> Domain:
        """Look the domain's records up, because somebody wants to know. Raises: NotFound."""
        async with transaction(self._sessions, account_id) as session:
            asked = await get_domain(session, domain_id)
        finding = await self._prover.look(asked.host, proof(asked))
        async with transaction(self._sessions, account_id) as session:
            domain = await get_domain(session, domain_id, lock=True)
            await judge(session, domain, finding, asked=True, now=self._clock())
            note_check(session, domain, actor=actor)
        return domain

    async def run(self, account_id: UUID, domain_id: UUID) -> None:
        """Look them up although nobody asks; what nobody waits for any more is left alone."""
        began = self._clock()
        async with transaction(self._sessions, account_id) as session:
            domain = await repository.find_domain(session, domain_id)
            if domain is None:
                await forget_checks(session, domain_id)
                return
            allowed = domain.status == DomainStatus.CONNECTED or await self._may_connect(session, account_id)
        finding = await self._prover.look(domain.host, proof(domain)) if allowed else None
        async with transaction(self._sessions, account_id) as session:
            domain = await repository.find_domain(session, domain_id, lock=True)
            if domain is None or (domain.checked_at is not None and domain.checked_at >= began):
                return
            before = domain.status
            await judge(session, domain, finding, asked=False, now=self._clock())
            if domain.status != before:
                note_check(session, domain, actor="worker")

    async def _may_connect(self, session: AsyncSession, account_id: UUID) -> bool:
        """What an account has keeps working without its subscription; nothing comes to it by itself."""
        account = await find_account(session, account_id)
        return account is not None and self._subscription.met_by(subscriptions_of(account))


async def get_domain(session: AsyncSession, domain_id: UUID, *, lock: bool = False) -> Domain:
    """One of the account's domains. Raises: NotFound."""
    domain = await repository.find_domain(session, domain_id, lock=lock)
    if domain is None:
        raise NotFound
    return domain


async def judge(session: AsyncSession, domain: Domain, finding: Finding | None, *, asked: bool, now: datetime) -> None:
    """Let the locked domain be as a check found it; None: DNS was not asked. Then say when to look again."""
    shown = _shown(domain)
    before = after = _standing(domain)
    if finding is not None:
        failure = finding.failure
        if failure is None and not await repository.claim_host(session, domain):
            failure = Failure.CONNECTED_ELSEWHERE
        after = after_check(before, failure, asked=asked, now=now)
        domain.points_here, domain.checked_at = finding.points_here, now
    await _stand(session, domain, before, after, asked=asked, now=now)
    due_at = next_check(after, awaited_since=domain.awaited_since, now=now)
    if due_at is None:
        domain.status = DomainStatus.FAILED
        await forget_checks(session, domain.id)
    else:
        await expect_check(session, domain, due_at)
    if asked or _shown(domain) != shown:
        changed(domain, now=now)
    if (news := _NEWS.get(DomainStatus(domain.status))) and domain.status != before.status:
        await enqueue(session, [tell_of_domain(session, news, domain, now=now)])


async def _stand(
    session: AsyncSession, domain: Domain, before: Standing, after: Standing, *, asked: bool, now: datetime
) -> None:
    """Connected, waited for, or lost; whose host it is follows."""
    connected, was_connected = (item.status is DomainStatus.CONNECTED for item in (after, before))
    if connected:
        domain.awaited_since = None
        domain.connected_at = domain.connected_at if was_connected else now
    else:
        await repository.release_host(session, domain)
        domain.awaited_since = now if asked or was_connected else domain.awaited_since
        domain.connected_at = None
    domain.status, domain.failure_reason = after.status, after.failure
    domain.failures, domain.failing_since = after.failures, after.failing_since


def proof(domain: Domain) -> str:
    """What the TXT record has to say."""
    return f"calendar-connect-verification={domain.token}"


def changed(domain: Domain, *, now: datetime) -> None:
    """It is another version from now on."""
    domain.version += 1
    domain.updated_at = now


def note_check(session: AsyncSession, domain: Domain, *, actor: str) -> None:
    """Write down what a check made of the domain."""
    told = {"status": domain.status, "reason": domain.failure_reason}
    add_audit_entry(session, domain.account_id, actor=actor, action="domain.checked", subject_id=domain.id, **told)


async def expect_check(session: AsyncSession, domain: Domain, due_at: datetime) -> None:
    """Look the domain up then."""
    row = insert(DueDomain).values(domain_id=domain.id, account_id=domain.account_id, due_at=due_at)
    await session.execute(row.on_conflict_do_update(index_elements=["domain_id"], set_={"due_at": due_at}))


async def forget_checks(session: AsyncSession, domain_id: UUID) -> None:
    """Look the domain up no more, unless somebody asks."""
    await session.execute(delete(DueDomain).where(DueDomain.domain_id == domain_id))


def _standing(domain: Domain) -> Standing:
    failure = None if domain.failure_reason is None else Failure(domain.failure_reason)
    return Standing(DomainStatus(domain.status), failure, domain.failures, domain.failing_since)


def _shown(domain: Domain) -> tuple[object, ...]:
    """What people see change: that nothing did is no news."""
    return domain.status, domain.failure_reason, domain.points_here
