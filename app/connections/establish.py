"""Making the connection once the consent is good: everything in the caller's one transaction.

The one rule: the same account again heals what was there; calendars, settings, bookings and links survive (R16).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import add_audit_entry, lock_user
from app.calendar import CalendarRef, Identity, ProviderName
from app.connections import repository
from app.connections.access import seal_grant
from app.connections.settings import settings_for_update
from app.errors import AccountMismatch, ConnectionLimitReached, NotFound, UpstreamError
from app.ids import new_id
from app.models.connections import Calendar, Connection, ConnectionAuthorization, ConnectionToken
from app.providers.base import Grant
from app.queue import Enqueued, Job, enqueue
from app.vault import Vault


@dataclass(frozen=True, slots=True)
class Consent:
    """What a good consent brought: tokens, whose account, and its calendars."""

    grant: Grant
    identity: Identity
    calendars: tuple[CalendarRef, ...]


async def establish(
    session: AsyncSession, vault: Vault, authorization: ConnectionAuthorization, consent: Consent, *, now: datetime
) -> Connection:
    """Make or heal the connection. Raises: AccountMismatch, ConnectionLimitReached, UpstreamError."""
    if authorization.login_hint is not None and not _same_address(authorization.login_hint, consent.identity.email):
        raise AccountMismatch
    user = await lock_user(session, authorization.user_id)
    if user is None or not user.active:  # a leaver's consent page may still be open
        raise NotFound
    connection = await _connection(session, authorization, consent, now=now)
    await _store_tokens(session, vault, connection, consent.grant)
    calendars = await repository.save_calendars(session, connection.account_id, connection.id, consent.calendars)
    checked = [calendar for calendar in calendars if calendar.checked]
    for calendar in checked:
        await repository.start_mirroring(session, calendar.account_id, calendar.id, now=now)
    if connection.provider != ProviderName.EXCHANGE:
        (await settings_for_update(session, connection.account_id, connection.user_id)).calendar_sync = True  # R17
    add_audit_entry(
        session,
        connection.account_id,
        actor=f"user:{connection.user_id}",
        action="connection.created",
        subject_id=connection.id,
        provider=connection.provider,
    )
    await session.flush()
    await enqueue(session, _jobs(connection, checked))
    return connection


async def _connection(
    session: AsyncSession, authorization: ConnectionAuthorization, consent: Consent, *, now: datetime
) -> Connection:
    existing = await repository.list_connections(session, authorization.user_id)
    broken = next((c for c in existing if c.provider == authorization.provider and c.status != "active"), None)
    if broken is not None:
        if broken.subject != consent.identity.subject:
            raise AccountMismatch
        broken.status, broken.reason, broken.updated_at = "active", None, now
        broken.scopes = sorted(consent.grant.scopes)
        return broken
    if existing:
        raise ConnectionLimitReached(values={"limit": 1})
    if consent.grant.refresh_token is None:
        raise UpstreamError(detail="no_refresh_token")
    connection = Connection(
        account_id=authorization.account_id,
        id=new_id(),
        user_id=authorization.user_id,
        provider=authorization.provider,
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
    return connection


async def _store_tokens(session: AsyncSession, vault: Vault, connection: Connection, grant: Grant) -> None:
    access, refresh = await seal_grant(vault, session, connection.account_id, connection.id, grant)
    row = await repository.find_token(session, connection.id)
    if row is None:
        row = ConnectionToken(account_id=connection.account_id, connection_id=connection.id, version=0)
        session.add(row)
    row.access_token, row.expires_at, row.lease_until = access, grant.expires_at, None
    row.refresh_token = refresh if refresh is not None else row.refresh_token
    row.version += 1
    await session.flush()


def _jobs(connection: Connection, checked: list[Calendar]) -> list[Enqueued]:
    syncs = [Enqueued(Job.SYNC_CALENDAR, calendar.account_id, calendar.id) for calendar in checked]
    return [*syncs, Enqueued(Job.CONNECTION_READY, connection.account_id, connection.id)]


def _same_address(left: str, right: str) -> bool:
    return left.strip().casefold() == right.strip().casefold()
