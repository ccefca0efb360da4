"""Making the connection once the consent is good: everything in the caller's one transaction.

The one rule: the same account again heals what was there; calendars, settings, bookings and links survive (R16).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.repository import add_audit_entry, lock_user
from app.accounts.service import seats_of
from app.calendar import CalendarRef, Identity, normalised
from app.connections import calendar_repository, mirroring, repository, token_repository
from app.connections.access import seal_grant
from app.connections.grants import remember_grant
from app.connections.inboxes import connect_inbox
from app.connections.limits import CONNECTION_LIMIT
from app.connections.news import tell_of_connection
from app.connections.permission import check_permitted
from app.connections.settings import begin_sync, settings_for_update
from app.errors import AccountMismatch, ConnectionLimitReached, NotFound, UpstreamError
from app.events.types import EventType
from app.ids import new_id
from app.models.connections import Calendar, Connection, ConnectionToken
from app.providers.base import Grant
from app.queue import Enqueued, Job, enqueue
from app.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Who wants to be connected to what."""

    account_id: UUID
    user_id: UUID
    provider: str
    email: str | None
    """The address that was named, if any; another account is refused. Not looked at when `connection_id` is given."""
    connection_id: UUID | None = None
    """The connection to heal, although it may work; None: one that is broken, or a new one."""
    needs: Entitlement | None = None
    """The seat without which it cannot be done; None: any will do."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a good consent, or good credentials, brought: the way in, whose account, and its calendars."""

    grant: Grant
    identity: Identity
    calendars: tuple[CalendarRef, ...]
    two_way_sync: bool
    """Whether the provider's events can be kept in step with the CRM; then they are, at first (R17)."""


async def establish(
    session: AsyncSession,
    vault: Vault,
    candidate: Candidate,
    consent: Consent,
    *,
    now: datetime,
    changed: Collection[str] = (),
) -> Connection:
    """Make or heal the connection; `changed`: the names of the credentials that were replaced, for the audit log.

    Raises: AccountMismatch, ConnectionLimitReached, InboxIsShared, UpstreamError, NotFound (the person has left),
    PersonalEmailAccessRequired and EntitlementRequired (the right was taken away meanwhile).
    """
    named = candidate.email if candidate.connection_id is None else None  # a connection is healed by its own: see `_is`
    if named is not None and not _answers_to(consent.identity, named):
        raise AccountMismatch
    user = await lock_user(session, candidate.user_id)
    if user is None or not user.active:  # a leaver's consent page may still be open
        raise NotFound
    check_permitted(user.permissions, seats_of(user), needs=candidate.needs)
    connection, event = await _healed(session, candidate, consent, now=now), EventType.CONNECTION_UPDATED
    if connection is None:
        connection, event = await _made(session, candidate, consent, now=now), EventType.CONNECTION_CREATED
    await connect_inbox(session, connection, consent.identity.aliases, now=now)
    await remember_grant(session, connection)
    await _store_tokens(session, vault, connection, consent.grant)
    mirrored = await _mirrored(session, connection, consent, now=now)
    add_audit_entry(
        session,
        connection.account_id,
        actor=f"user:{connection.user_id}",
        action=event.value,
        subject_id=connection.id,
        provider=connection.provider,
        fields=sorted(changed),
    )
    told = tell_of_connection(session, event, connection, now=now)
    await enqueue(session, [*_jobs(connection, mirrored), told])
    return connection


async def _mirrored(
    session: AsyncSession, connection: Connection, consent: Consent, *, now: datetime
) -> list[Calendar]:
    """The calendars that are mirrored from now on: those that are checked, and those that were."""
    calendars = await calendar_repository.save_calendars(
        session, connection.account_id, connection.id, consent.calendars, now=now
    )
    await calendar_repository.readmit_calendars(session, connection.id, {ref.id for ref in consent.calendars})
    before = {calendar.id for calendar, _ in await calendar_repository.list_calendar_syncs(session, connection.id)}
    mirrored = [calendar for calendar in calendars if calendar.checked or calendar.id in before]
    for calendar in mirrored:
        await mirroring.start_mirroring(session, calendar.account_id, calendar.id, now=now)
    return mirrored


async def _healed(session: AsyncSession, candidate: Candidate, consent: Consent, *, now: datetime) -> Connection | None:
    """The connection this is about, working again; None when there is none."""
    existing = await repository.list_connections(session, candidate.user_id)
    if candidate.connection_id is not None:
        known = next((item for item in existing if item.id == candidate.connection_id), None)
        if known is None:
            raise NotFound
    else:
        broken = [item for item in existing if item.provider == candidate.provider and item.status != "active"]
        known = next((item for item in broken if _is(item, consent.identity)), next(iter(broken), None))
    if known is None:
        if existing:
            raise ConnectionLimitReached(values={"limit": CONNECTION_LIMIT})
        return None
    if await repository.lock_connection(session, known.id) is None:  # whoever says that it is broken waits
        raise NotFound
    if not _is(known, consent.identity):
        raise AccountMismatch
    if not known.subject:  # imported: it is connected only now
        await _begin_sync(session, known, consent)
    known.subject, known.email = consent.identity.subject, consent.identity.email
    known.status, known.reason, known.updated_at = "active", None, now
    known.scopes = sorted(consent.grant.scopes)
    return known


async def _made(session: AsyncSession, candidate: Candidate, consent: Consent, *, now: datetime) -> Connection:
    if consent.grant.refresh_token is None and consent.grant.expires_at is not None:
        raise UpstreamError(detail="no_refresh_token")
    connection = Connection(
        account_id=candidate.account_id,
        id=new_id(),
        user_id=candidate.user_id,
        provider=candidate.provider,
        subject=consent.identity.subject,
        email=consent.identity.email,
        status="active",
        scopes=sorted(consent.grant.scopes),
        purposes=["calendar", "meetings"],
        created_at=now,
        updated_at=now,
    )
    session.add(connection)
    await session.flush()
    await _begin_sync(session, connection, consent)
    return connection


async def _begin_sync(session: AsyncSession, connection: Connection, consent: Consent) -> None:
    if "calendar" in connection.purposes:
        settings = await settings_for_update(session, connection.account_id, connection.user_id)
        begin_sync(settings, possible=consent.two_way_sync)


async def _store_tokens(session: AsyncSession, vault: Vault, connection: Connection, grant: Grant) -> None:
    access, refresh = await seal_grant(vault, session, connection.account_id, connection.id, grant)
    row, _ = await token_repository.find_token(session, connection.id) or (None, None)
    if row is None:
        row = ConnectionToken(account_id=connection.account_id, connection_id=connection.id, version=0)
        session.add(row)
    row.access_token, row.expires_at, row.lease_until = access, grant.expires_at, None
    row.refresh_token = refresh if refresh is not None else row.refresh_token
    row.version += 1
    await session.flush()


def _jobs(connection: Connection, mirrored: list[Calendar]) -> list[Enqueued]:
    syncs = [Enqueued(Job.SYNC_CALENDAR, calendar.account_id, calendar.id) for calendar in mirrored]
    return [*syncs, Enqueued(Job.CONNECTION_READY, connection.account_id, connection.id)]


def _is(connection: Connection, identity: Identity) -> bool:
    """Whether the account is the connection's, even if renamed; one that was imported is known by its address only.

    A subject may be an address, which was another before the mailbox was renamed: then it is one of the aliases. It is
    stored in lower case, as an id; what is an address is compared as one.
    """
    if not connection.subject:
        return _answers_to(identity, connection.email)
    return connection.subject in {identity.subject, *map(str.lower, identity.aliases)}


def _answers_to(identity: Identity, address: str) -> bool:
    return normalised(address) in map(normalised, (identity.email, *identity.aliases))
