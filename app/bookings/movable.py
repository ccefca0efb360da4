"""Which bookings could be moved now, for a whole list at once (R18).

The one rule: it says what `PageTime.takes_moves` says of each: everybody who hosts the booking is there, and it is
known when they are free. Who has left the account is not waited for, but organizes nothing either.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.bookings import Booking
from app.scheduling.availability import CHOSEN_POLICY, GAP

_HOSTS: Final = f"""
SELECT u.id, u.active, coalesce(known.known, link.status = 'active') AS ready
  FROM users u
  LEFT JOIN LATERAL (
      SELECT c.status FROM connections c
       WHERE c.account_id = u.account_id AND c.user_id = u.id AND c.disconnected_at IS NULL
         AND 'meetings' = ANY (c.purposes) AND c.subject <> ''
       LIMIT 1) link ON true
  LEFT JOIN LATERAL (
      SELECT bool_and({GAP} IS NULL OR {GAP} NOT IN ('block', 'request_only')) AND link.status IS NOT NULL AS known
        FROM connections c
        JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id
        LEFT JOIN calendar_syncs y ON y.account_id = cal.account_id AND y.calendar_id = cal.id
       {CHOSEN_POLICY}
       WHERE c.account_id = u.account_id AND c.user_id = u.id AND c.disconnected_at IS NULL AND cal.checked
      HAVING count(*) > 0) known ON true
 WHERE u.id = ANY ($1)
"""  # noqa: S608 - our own words


async def movable_among(session: AsyncSession, bookings: Sequence[Booking]) -> set[UUID]:
    """The ids of those that could be moved, as far as their hosts go."""
    hosts = sorted({host_id for booking in bookings for host_id in booking.host_ids})
    if not hosts:
        return set()
    connection = await session.connection()
    rows = (await connection.exec_driver_sql(_HOSTS, (hosts,))).all()
    ready, left = {row.id for row in rows if row.ready}, {row.id for row in rows if not row.active}
    return {
        booking.id for booking in bookings if booking.host_id in ready - left and set(booking.host_ids) <= ready | left
    }
