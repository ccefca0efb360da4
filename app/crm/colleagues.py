"""Addresses of the account's own people.

The one rule: they make no event of a calendar a meeting of the CRM (R20): whoever makes a contact of a colleague, or
books in their name, learns nothing of what the two have in their calendars. What was written for the CRM, and
bookings, are no such events.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.accounts import User
from app.models.connections import Connection

IS_COLLEAGUE: Final = """(
    EXISTS (SELECT FROM users u
             WHERE u.account_id = c.account_id AND u.active AND lower(u.email) = lower(c.email))
 OR EXISTS (SELECT FROM connections n
             WHERE n.account_id = c.account_id AND n.disconnected_at IS NULL AND lower(n.email) = lower(c.email)))"""
"""Of a contact, `c`."""


async def colleagues_among(session: AsyncSession, addresses: Collection[str]) -> set[str]:
    """Those of the addresses, normalised, that are an active user's, or connected."""
    users, connected = func.lower(User.email), func.lower(Connection.email)
    query = union(
        select(users).where(users.in_(addresses), User.active),
        select(connected).where(connected.in_(addresses), Connection.disconnected_at.is_(None)),
    )
    return set((await session.scalars(query)).all())
