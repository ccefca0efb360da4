"""The people an account knows: created and changed. `app/crm/erasing.py` erases them.

The one rule: an address belongs to one contact of an account.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.crm import repository
from app.crm.news import tell_of_contact
from app.crm.schemas import ContactCreate, ContactUpdate
from app.errors import ContactExists, FieldError, NotFound, ValidationFailed, require_version
from app.events.types import EventType
from app.ids import new_id
from app.models.crm import Contact
from app.queue import Enqueued, Job, enqueue
from app.sync.people import AddressBook


class Contacts:
    """What a user does with contacts. Every method works in the caller's transaction."""

    def __init__(self, people: AddressBook, clock: Clock) -> None:
        self._people = people
        self._clock = clock

    async def create(self, session: AsyncSession, principal: Principal, body: ContactCreate) -> Contact:
        """Make a contact; meetings with them that stand in calendars already are looked for. Raises: ContactExists."""
        now, account_id = self._clock(), principal.account_id
        contact = await repository.insert_contact(
            session,
            account_id=account_id,
            id=new_id(),
            email=body.email,
            address_hash=await self._hash(session, account_id, body.email),
            name=body.name,
            phone=body.phone,
            source="crm",
            version=1,
            created_at=now,
            updated_at=now,
        )
        if contact is None:
            raise ContactExists
        self._write_down(session, principal, contact, "created")
        await self._tell(session, EventType.CONTACT_CREATED, contact, look=True)
        return contact

    async def get(self, session: AsyncSession, contact_id: UUID, *, lock: bool = False) -> Contact:
        """One of the account's contacts. Raises: NotFound."""
        contact = await repository.find_contact(session, contact_id, lock=lock)
        if contact is None:
            raise NotFound
        return contact

    async def find(
        self, session: AsyncSession, principal: Principal, *, email: str | None, after: UUID | None, limit: int
    ) -> Sequence[Contact]:
        """The account's contacts, or the one with an address."""
        hashed = None if email is None else await self._hash(session, principal.account_id, email)
        return await repository.list_contacts(session, address_hash=hashed, after=after, limit=limit)

    async def update(
        self,
        session: AsyncSession,
        principal: Principal,
        contact_id: UUID,
        body: ContactUpdate,
        *,
        if_match: int | None,
    ) -> Contact:
        """Change a contact. Raises: NotFound, VersionMismatch, ContactExists, ValidationFailed."""
        given = body.model_dump(exclude_unset=True)
        if "email" in given and given["email"] is None:
            raise ValidationFailed(errors=[FieldError("/email", "not_allowed")])
        contact = await self.get(session, contact_id, lock=True)
        require_version(if_match, contact.version)
        moved = "email" in given and await self._readdress(session, contact, given["email"])
        for name, value in given.items():
            setattr(contact, name, value)
        contact.version += 1
        contact.updated_at = self._clock()
        self._write_down(session, principal, contact, "updated", fields=sorted(given))
        await self._tell(session, EventType.CONTACT_UPDATED, contact, look=moved)
        return contact

    async def _readdress(self, session: AsyncSession, contact: Contact, email: str) -> bool:
        hashed = await self._hash(session, contact.account_id, email)
        if hashed == contact.address_hash:
            return False
        try:
            async with session.begin_nested():
                contact.address_hash = hashed
                await session.flush()
        except IntegrityError as error:
            raise ContactExists from error
        return True

    async def _tell(self, session: AsyncSession, event: EventType, contact: Contact, *, look: bool) -> None:
        jobs = [tell_of_contact(session, event, contact, now=contact.updated_at)]
        if look:
            jobs.append(Enqueued(Job.MATCH_CONTACT, contact.account_id, contact.id))
        await enqueue(session, jobs)

    async def _hash(self, session: AsyncSession, account_id: UUID, email: str) -> bytes:
        return (await self._people.hasher(session, account_id)).hash(email)

    @staticmethod
    def _write_down(session: AsyncSession, principal: Principal, contact: Contact, done: str, **data: object) -> None:
        action = f"contact.{done}"
        add_audit_entry(
            session, contact.account_id, actor=principal.actor, action=action, subject_id=contact.id, **data
        )
