"""SQL of contacts and engagements. Each function is one named query or command.

The one rule: the account's row-level security says whose they are; what one user may change is checked by the service.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.crm import Contact, Engagement, EngagementContact, ErasedContact
from app.models.mirror import MirrorEvent
from app.models.scheduling import CalendarSettings
from app.sync.mirror import BEHIND


async def find_contact(session: AsyncSession, contact_id: UUID, *, lock: bool = False) -> Contact | None:
    """One contact, as it is now."""
    query = select(Contact).where(Contact.id == contact_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def hold_contact(session: AsyncSession, contact_id: UUID) -> Contact | None:
    """One contact, as it is now; nobody erases it before this transaction ends."""
    query = select(Contact).where(Contact.id == contact_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update(read=True, key_share=True))


async def list_contacts(
    session: AsyncSession, *, address_hash: bytes | None, after: UUID | None, limit: int
) -> Sequence[Contact]:
    """The account's contacts, the oldest first, from after the given one."""
    query = select(Contact)
    if address_hash is not None:
        query = query.where(Contact.address_hash == address_hash)
    if after is not None:
        query = query.where(Contact.id > after)
    return (await session.scalars(query.order_by(Contact.id).limit(limit))).all()


async def insert_contact(session: AsyncSession, **values: Any) -> Contact | None:
    """The new contact; None when the address is another's."""
    return await session.scalar(
        insert(Contact)
        .values(values)
        .on_conflict_do_nothing(index_elements=["account_id", "address_hash"])
        .returning(Contact)
    )


async def contacts_with(
    session: AsyncSession, hashes: Collection[bytes], *, hold: bool = False
) -> dict[bytes, Contact]:
    """The contacts with these addresses, by their hashes; held, nobody erases them before this transaction ends."""
    query = select(Contact).where(Contact.address_hash.in_(hashes))
    rows = await session.scalars(query.with_for_update(read=True, key_share=True) if hold else query)
    return {row.address_hash: row for row in rows}


async def erased_after(session: AsyncSession, hashes: Collection[bytes], at: datetime) -> Sequence[bytes]:
    """Those of the addresses whose people were erased since then."""
    query = select(ErasedContact.address_hash).where(
        ErasedContact.address_hash.in_(hashes), ErasedContact.erased_at >= at
    )
    return (await session.scalars(query)).all()


async def erased_among(session: AsyncSession, hashes: Collection[bytes]) -> set[bytes]:
    """Those of the addresses that were erased, and are no contact's since."""
    again = select(Contact.id).where(Contact.address_hash == ErasedContact.address_hash).exists()
    query = select(ErasedContact.address_hash).where(ErasedContact.address_hash.in_(hashes), ~again)
    return set((await session.scalars(query)).all())


async def remember_erased(session: AsyncSession, account_id: UUID, address_hash: bytes, at: datetime) -> None:
    """What was booked with this address before does not bring its person back."""
    statement = insert(ErasedContact).values(account_id=account_id, address_hash=address_hash, erased_at=at)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "address_hash"], set_={"erased_at": at})
    )


async def find_engagement(session: AsyncSession, engagement_id: UUID, *, lock: bool = False) -> Engagement | None:
    """One engagement, as it is now."""
    return await _one(session, Engagement.id == engagement_id, lock=lock)


async def find_of_booking(session: AsyncSession, booking_id: UUID) -> Engagement | None:
    """A booking's, locked."""
    return await _one(session, Engagement.booking_id == booking_id, lock=True)


async def find_of_event(
    session: AsyncSession, calendar_id: UUID, event_id: str, *, key: str | None, now: datetime
) -> Engagement | None:
    """The engagement of an event, locked: by the event; by the key we have written into it; or the one it was before
    its person disconnected the calendar and connected it again.

    A person's copy carries the key as well. It is the meeting only where the event we wrote is not there any more; of
    one that lies behind what a mirror holds nobody can tell.
    """
    of_event = and_(Engagement.calendar_id == calendar_id, Engagement.event_id == event_id)
    if (found := await _one(session, of_event, lock=True)) is not None:
        return found
    standing = exists().where(
        MirrorEvent.account_id == CalendarWrite.account_id,
        MirrorEvent.calendar_id == CalendarWrite.calendar_id,
        MirrorEvent.event_id == CalendarWrite.event_id,
    )
    written = select(CalendarWrite.engagement_id).where(
        CalendarWrite.calendar_id == calendar_id,
        CalendarWrite.engagement_id.is_not(None),
        or_(
            CalendarWrite.event_id == event_id,
            and_(CalendarWrite.key == key, CalendarWrite.ends_at > now - BEHIND, ~standing),
        ),
    )
    if (found := await _one(session, Engagement.id.in_(written), lock=True)) is not None:
        return found
    owner = (
        select(Connection.user_id)
        .join(Calendar, (Calendar.account_id == Connection.account_id) & (Calendar.connection_id == Connection.id))
        .where(Calendar.id == calendar_id)
        .scalar_subquery()
    )
    living = (
        select(Calendar.id)
        .join(Connection, (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id))
        .where(Connection.user_id == owner, Connection.disconnected_at.is_(None))
    )
    of_none = or_(Engagement.calendar_id.is_(None), Engagement.calendar_id.not_in(living))
    left = and_(of_none, Engagement.event_id == event_id, Engagement.owner_id == owner)
    return await _one(session, left, lock=True)


async def _one(session: AsyncSession, condition: Any, *, lock: bool) -> Engagement | None:
    query = select(Engagement).where(condition).execution_options(populate_existing=True).limit(1)
    return await session.scalar(query.with_for_update(key_share=True) if lock else query)


async def list_engagements(
    session: AsyncSession,
    *,
    owner_id: UUID | None,
    contact_id: UUID | None,
    source: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Engagement]:
    """Engagements of an owner or a contact, the newest first, from after the given one."""
    query = select(Engagement)
    if owner_id is not None:
        query = query.where(Engagement.owner_id == owner_id)
    if contact_id is not None:
        with_contact = select(EngagementContact.engagement_id).where(EngagementContact.contact_id == contact_id)
        query = query.where(Engagement.id.in_(with_contact))
    if source is not None:
        query = query.where(Engagement.source == source)
    if after is not None:
        query = query.where(Engagement.id < after)
    return (await session.scalars(query.order_by(Engagement.id.desc()).limit(limit))).all()


async def participants_in(session: AsyncSession, row: Engagement) -> list[tuple[EngagementContact, Contact]]:
    """Who takes part in one engagement."""
    return (await participants_of(session, [row.id])).get(row.id, [])


async def participants_of(
    session: AsyncSession, engagement_ids: Collection[UUID]
) -> dict[UUID, list[tuple[EngagementContact, Contact]]]:
    """Who takes part, by engagement."""
    rows = await session.execute(
        select(EngagementContact, Contact)
        .join(
            Contact, (Contact.account_id == EngagementContact.account_id) & (Contact.id == EngagementContact.contact_id)
        )
        .where(EngagementContact.engagement_id.in_(engagement_ids))
        .order_by(EngagementContact.role.desc(), Contact.id)
    )
    found: dict[UUID, list[tuple[EngagementContact, Contact]]] = {}
    for part, contact in rows:
        found.setdefault(part.engagement_id, []).append((part, contact))
    return found


async def save_participants(
    session: AsyncSession, account_id: UUID, engagement_id: UUID, wanted: dict[UUID, tuple[str, str]]
) -> bool:
    """These contacts and no others take part, each with role and response; whether that is another state."""
    columns = (EngagementContact.contact_id, EngagementContact.role, EngagementContact.response)
    mine = EngagementContact.engagement_id == engagement_id
    rows = await session.execute(select(*columns).where(mine))
    if {contact_id: (role, response) for contact_id, role, response in rows} == wanted:
        return False
    await session.execute(delete(EngagementContact).where(mine).execution_options(synchronize_session=False))
    key = {"account_id": account_id, "engagement_id": engagement_id}
    values = [key | {"contact_id": who, "role": role, "response": said} for who, (role, said) in wanted.items()]
    if values:
        await session.execute(insert(EngagementContact).values(values))
    return True


async def engagements_with(session: AsyncSession, contact_id: UUID) -> Sequence[tuple[Engagement, bool]]:
    """The engagements in which this contact takes part, locked; and whether no other contact does."""
    other = aliased(EngagementContact)
    shared = exists().where(
        other.account_id == EngagementContact.account_id,
        other.engagement_id == EngagementContact.engagement_id,
        other.contact_id != contact_id,
    )
    rows = await session.execute(
        select(Engagement, ~shared)
        .join(
            EngagementContact,
            (EngagementContact.account_id == Engagement.account_id)
            & (EngagementContact.engagement_id == Engagement.id),
        )
        .where(EngagementContact.contact_id == contact_id)
        .order_by(Engagement.id)
        .with_for_update(of=Engagement)
    )
    return [(row, alone) for row, alone in rows]


async def writes_of_engagements(session: AsyncSession, rows: Sequence[Engagement]) -> dict[UUID, CalendarWrite]:
    """What became of their events, by engagement: each has one of its own, or its booking's."""
    ids, bookings = [row.id for row in rows], {row.booking_id: row.id for row in rows if row.booking_id is not None}
    found = await session.scalars(
        select(CalendarWrite)
        .where(or_(CalendarWrite.engagement_id.in_(ids), CalendarWrite.booking_id.in_(bookings)))
        .execution_options(populate_existing=True)
    )
    return {_engagement_of(write, bookings): write for write in found}


async def stalled_among(session: AsyncSession, writes: Collection[CalendarWrite]) -> set[UUID]:
    """The ids of those that go on only once their person has connected again."""
    waiting = {write.calendar_id for write in writes if write.under_way and write.calendar_id is not None}
    if not waiting:
        return set()
    of_broken = (
        select(Calendar.id)
        .join(Connection, ON_CONNECTION)
        .where(Calendar.id.in_(waiting), Connection.status != "active", Connection.disconnected_at.is_(None))
    )
    broken = set((await session.scalars(of_broken)).all())
    return {write.id for write in writes if write.under_way and write.calendar_id in broken}


def _engagement_of(write: CalendarWrite, bookings: dict[UUID, UUID]) -> UUID:
    if write.engagement_id is not None:
        return write.engagement_id
    assert write.booking_id is not None
    return bookings[write.booking_id]


async def settings_of(session: AsyncSession, user_id: UUID) -> CalendarSettings | None:
    """The person's settings; None: nothing was saved yet."""
    return await session.scalar(select(CalendarSettings).where(CalendarSettings.user_id == user_id))
