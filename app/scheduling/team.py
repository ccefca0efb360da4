"""Who hosts the meetings of a page: its owner, and for a group or a round robin others of the account (R27).

The one rule: the owner is always one of them. Somebody who has left is not asked any more; somebody without a calendar
stays, is never taken for free, and is shown as what keeps the page waiting. To add somebody takes a seat, to take them
off takes none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal
from app.errors import FieldError, ValidationFailed
from app.models.accounts import User
from app.models.scheduling import SchedulingPage, SchedulingPageMember
from app.scheduling.availability import CHOSEN_POLICY, GAP

PERSONAL: Final = "personal"
_MEMBERS = f"""
SELECT p.id AS page_id, h.user_id, u.name, u.email, h.position = 0 AS organizes,
       CASE WHEN NOT u.active THEN 'left'
            WHEN link.status IS NULL THEN 'no_calendar'
            WHEN link.unreadable THEN 'unavailable'
            ELSE 'ready' END AS status
  FROM scheduling_pages p
 CROSS JOIN LATERAL (
       SELECT p.owner_id AS user_id, 0 AS position
       UNION ALL
       SELECT m.user_id, m.position FROM scheduling_page_members m
        WHERE m.account_id = p.account_id AND m.page_id = p.id) h
  JOIN users u ON u.account_id = p.account_id AND u.id = h.user_id
  LEFT JOIN LATERAL (
       SELECT main.status, EXISTS (
              SELECT FROM connections c
                JOIN calendars cal ON cal.account_id = c.account_id AND cal.connection_id = c.id AND cal.checked
                LEFT JOIN calendar_syncs y ON y.account_id = cal.account_id AND y.calendar_id = cal.id
                {CHOSEN_POLICY}
               WHERE c.account_id = p.account_id AND c.user_id = h.user_id AND c.disconnected_at IS NULL
                 AND {GAP} = 'block') AS unreadable
         FROM connections main
        WHERE main.account_id = p.account_id AND main.user_id = h.user_id AND main.disconnected_at IS NULL
          AND 'meetings' = ANY (main.purposes) AND main.subject <> ''
        LIMIT 1) link ON true
 WHERE p.account_id = $1 AND p.id = ANY ($2::uuid[])
 ORDER BY h.position, h.user_id
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Member:
    """One host of a page."""

    user_id: UUID
    name: str | None
    email: str
    organizes: bool
    status: str
    """ready no_calendar unavailable left"""


class Team:
    """Puts teams together."""

    def __init__(self, seat: Entitlement) -> None:
        self._seat = seat

    def check_type(self, principal: Principal, page_type: str, member_ids: Collection[UUID] | None) -> None:
        """Of a page that shall be made.

        Raises: EntitlementRequired, ValidationFailed (members of a personal page, or a team of nobody).
        """
        if page_type != PERSONAL:
            self._seat.require(principal.seats)
        _check_members(principal, page_type, member_ids)

    async def set_members(
        self,
        session: AsyncSession,
        principal: Principal,
        page: SchedulingPage,
        member_ids: Sequence[UUID] | None,
        *,
        now: datetime,
    ) -> None:
        """These people beside the owner, in this order.

        Raises: EntitlementRequired (one of them is new), ValidationFailed.
        """
        _check_members(principal, page.type, member_ids)
        wanted = [item for item in dict.fromkeys(member_ids or ()) if item != page.owner_id]
        mine = SchedulingPageMember.page_id == page.id
        before = set(await session.scalars(select(SchedulingPageMember.user_id).where(mine)))
        if not before.issuperset(wanted):
            self._seat.require(principal.seats)
        known = set(await session.scalars(select(User.id).where(User.id.in_(wanted), User.active))) | before
        if strangers := [number for number, item in enumerate(member_ids or ()) if item in set(wanted) - known]:
            raise ValidationFailed(errors=[FieldError(f"/member_ids/{number}", "not_allowed") for number in strangers])
        await session.execute(delete(SchedulingPageMember).where(mine))
        where = {"account_id": page.account_id, "page_id": page.id, "joined_at": now}
        session.add_all(
            SchedulingPageMember(user_id=item, position=place, **where) for place, item in enumerate(wanted, start=1)
        )
        if before != set(wanted):
            page.team_since = now


def _check_members(principal: Principal, page_type: str, member_ids: Collection[UUID] | None) -> None:
    if page_type == PERSONAL:
        if member_ids is not None:
            raise ValidationFailed(errors=[FieldError("/member_ids", "not_allowed")])
    elif not set(member_ids or ()) - {principal.user}:
        raise ValidationFailed(errors=[FieldError("/member_ids", "missing")])


async def members_of(session: AsyncSession, account_id: UUID, page_ids: Sequence[UUID]) -> Mapping[UUID, list[Member]]:
    """The hosts of these pages, the owner first."""
    connection = await session.connection()
    rows = await connection.exec_driver_sql(_MEMBERS, (account_id, list(page_ids)))
    members: dict[UUID, list[Member]] = {page_id: [] for page_id in page_ids}
    for row in rows:
        members[row.page_id].append(Member(row.user_id, row.name, row.email, row.organizes, row.status))
    return members
