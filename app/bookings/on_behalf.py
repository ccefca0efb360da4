"""Booking for a visitor: by the page's owner, or by a service of the account (R50).

The one rule: it is a booking like any other, by the same desk with the same guards; only who made it is written down.
"""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.idempotency import KeyedRequest
from app.accounts.principal import Principal
from app.bookings import repository
from app.bookings.book import BookingDesk
from app.bookings.outcomes import Outcome
from app.bookings.schemas import BookingOnBehalfCreate
from app.database import transaction
from app.errors import NotFound


async def book_on_behalf(
    sessions: async_sessionmaker[AsyncSession],
    desk: BookingDesk,
    principal: Principal,
    form: BookingOnBehalfCreate,
    *,
    keyed: KeyedRequest | None,
) -> Outcome:
    """Book one of the caller's own pages; a service, any page of its account.

    Raises: NotFound, and what `BookingDesk.book` raises.
    """
    async with transaction(sessions, principal.account_id) as session:
        owner_id = await repository.owner_of_page(session, form.page_id)  # also of one that is gone: see `book`
    if owner_id is None or principal.user_id not in {None, owner_id}:
        raise NotFound
    return await desk.book(form.page_id, form, keyed=keyed, by=principal.actor)
