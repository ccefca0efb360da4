"""Accounts of the early days, whose users could have two connections: one for the CRM, one for bookings (R12).

The one rule: they keep what they had; nobody gets a second one again, and whoever disconnects one has one for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import add_audit_entry, lock_user
from app.connections import repository
from app.connections.news import tell_of_connection
from app.connections.overview import Overview
from app.connections.settings import begin_sync, settings_for_update
from app.errors import FieldError, ValidationFailed
from app.events.types import EventType
from app.ids import new_id
from app.models.accounts import User
from app.models.connections import Connection
from app.queue import enqueue

BOTH = ["calendar", "meetings"]


@dataclass(frozen=True, slots=True)
class LegacyConnection:
    """A connection as the CRM remembers it: without any secret, so that its person has to authorize it again."""

    provider: str
    email: str
    purpose: str
    """calendar meetings"""


async def import_connections(
    session: AsyncSession,
    user: User,
    wanted: Sequence[LegacyConnection],
    *,
    account_opened_at: datetime | None,
    legacy_before: datetime,
    now: datetime,
) -> None:
    """Take over a user's two connections; a repeat changes nothing. Raises: ValidationFailed."""
    if sorted(item.purpose for item in wanted) != BOTH:
        raise ValidationFailed(errors=[FieldError("/legacy_connections", "not_allowed")])
    if account_opened_at is None or account_opened_at >= legacy_before:
        raise ValidationFailed(errors=[FieldError("/legacy_connections", "not_allowed")])
    await lock_user(session, user.id)
    if user.connection_limit_used or await repository.list_connections(session, user.id):
        return
    told = []
    for item in wanted:
        connection = _connection(user, item, now)
        session.add(connection)
        add_audit_entry(
            session, user.account_id, actor="service", action="connection.imported", subject_id=connection.id
        )
        told.append(tell_of_connection(session, EventType.CONNECTION_CREATED, connection, now=now))
    await enqueue(session, told)


async def pass_on_purposes(session: AsyncSession, closed: Connection, overview: Overview) -> Connection | None:
    """One of two is let go: the other, which serves both purposes now; and the limit is one for good."""
    rest = [item for item in await repository.list_connections(session, closed.user_id) if item.id != closed.id]
    if not rest:
        return None
    if "calendar" in closed.purposes:
        await _inherit_sync(session, closed, rest[0], overview)
    rest[0].purposes = BOTH
    user = await lock_user(session, closed.user_id)
    assert user is not None
    user.connection_limit_used = True
    return rest[0]


async def _inherit_sync(session: AsyncSession, closed: Connection, heir: Connection, overview: Overview) -> None:
    """Calendar sync is on or off as if the heir were connected now; where its person could have had it and has turned
    it off, it stays off.
    """
    settings = await settings_for_update(session, heir.account_id, heir.user_id)
    had_choice = bool(closed.subject) and overview.syncs(closed)  # without a subject it was never connected
    turned_off = had_choice and not settings.calendar_sync
    begin_sync(settings, possible=overview.syncs(heir) and not turned_off)


def _connection(user: User, item: LegacyConnection, now: datetime) -> Connection:
    return Connection(
        account_id=user.account_id,
        id=new_id(),
        user_id=user.id,
        provider=item.provider,
        subject="",
        email=item.email,
        status="reauthorization_required",
        reason="imported",
        scopes=[],
        purposes=[item.purpose],
        created_at=now,
        updated_at=now,
    )
