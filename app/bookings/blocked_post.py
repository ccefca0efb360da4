"""Mails to hosts who could not be booked, for a calendar of theirs cannot be read or is missing (R30).

The one rule: it goes to those who can do something about it, and names what helps.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.repository import find_connection_for
from app.i18n import negotiate
from app.outbound.letters import BlockedLetter, IncompleteLetter
from app.outbound.links import Links
from app.outbound.post import add_mail
from app.queue import Enqueued
from app.scheduling.availability import CHOSEN_POLICY, GAP, PageTime
from app.scheduling.host_time import Host

_UNREADABLE: Final = f"""
SELECT cal.name, cal.is_primary, c.status
  FROM connections c
  JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id AND cal.checked
  LEFT JOIN calendar_syncs y ON y.account_id = cal.account_id AND y.calendar_id = cal.id
  {CHOSEN_POLICY}
 WHERE c.user_id = $1 AND c.disconnected_at IS NULL AND ({GAP} = 'block' OR cal.id = ANY ($2::uuid[]))
 ORDER BY cal.name
"""  # noqa: S608 - our own words


class BlockedPost:
    """Writes to hosts who could not be booked. The caller asks for the jobs."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def tell_hosts(self, session: AsyncSession, page: PageTime, unread: frozenset[UUID]) -> list[Enqueued]:
        """Somebody tried to book while a calendar could not be read, `unread` of this moment among them, or was
        missing.
        """
        lacking = [item.host.name or item.host.email for item in page.hosts if not item.connected]
        letters: list[tuple[Host, BlockedLetter | IncompleteLetter]] = []
        if page.type == "group" and lacking:
            language, settings_url = negotiate(page.host.locale), self._links.calendar_settings()
            letters.append((page.host, IncompleteLetter(language, page.name, tuple(lacking), settings_url)))
        concerned = [item.host for item in page.hosts if item.is_lost(unread)]
        concerned = concerned or ([] if letters else [page.host])
        letters += [(host, await self._blocked(session, page, host, unread)) for host in concerned]
        return [
            add_mail(
                session,
                page.account_id,
                letter,
                kind="attempt_blocked",
                subject_id=page.page_id,
                to=host.email,
                to_name=host.name,
            )
            for host, letter in letters
            if host.active
        ]

    async def _blocked(
        self, session: AsyncSession, page: PageTime, host: Host, unread: frozenset[UUID]
    ) -> BlockedLetter:
        """Which calendars of the host cannot be read, and what helps: a broken account is connected again, and the
        primary calendar cannot be removed.
        """
        found = await _unreadable_calendars(session, host, unread)
        statuses = {calendar.status for calendar in found} or {await _status(session, host)}
        helps = {
            "reconnect": statuses != {"active"},
            "regain": "active" in statuses,
            "remove": not all(calendar.is_primary for calendar in found) or (not found and statuses == {"active"}),
        }
        return BlockedLetter(
            language=negotiate(host.locale),
            page_name=page.name,
            calendars=tuple(calendar.name for calendar in found),
            settings_url=self._links.calendar_settings(),
            remedies=tuple(remedy for remedy, true in helps.items() if true),
        )


async def _status(session: AsyncSession, host: Host) -> str:
    """Of the host's connection that takes bookings: no calendar of it is known."""
    connection = await find_connection_for(session, host.id, "meetings")
    return "active" if connection is None else connection.status


async def _unreadable_calendars(session: AsyncSession, host: Host, unread: frozenset[UUID]) -> Sequence[Any]:
    """The host's availability calendars that keep them from being booked, or could not be read just now: `name`,
    `is_primary`, and their connection's `status`.
    """
    connection = await session.connection()
    return (await connection.exec_driver_sql(_UNREADABLE, (host.id, sorted(unread)))).all()
