"""A booked event that is gone from its calendar: deleted, or dragged to another calendar of its person (R23).

The one rule: an event counts as deleted only when it stands in none of the calendars that its person may write to.
"""

from datetime import timedelta
from typing import Final

from app.calendar import AccessRole, Timed
from app.providers.base import CalendarGone, CalendarSession, PermissionDenied

_MAY_WRITE: Final = {AccessRole.OWNER, AccessRole.WRITER}
_AROUND: Final = timedelta(days=60)


async def stands_elsewhere(session: CalendarSession, calendar_id: str, key: str, was: Timed) -> bool:
    """Whether the event with this key stands in another calendar. Raises: ProviderError."""
    around = Timed(was.start - _AROUND, was.end + _AROUND)
    for calendar in await session.list_calendars():
        if calendar.id == calendar_id or calendar.role not in _MAY_WRITE:
            continue
        try:
            found = await session.find_by_key(calendar.id, key, around=around)
        except (CalendarGone, PermissionDenied):  # gone since, or less than it said
            continue
        if found is not None and not found.cancelled:
            return True
    return False
