"""The audit log, as it is read.

The one rule: it is read in the order in which it was sealed, so that a reader can follow the seals; what was committed
before the question is in the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.audit_schemas import Actor, AuditLogEntry
from app.accounts.audit_seals import seal_waiting
from app.ids import encode_id
from app.models.accounts import AuditEntry

_SUBJECTS: Final = {
    "account": "acct",
    "availability_calendar": "cal",
    "booking": "bkg",
    "calendar_settings": "usr",
    "connection": "conn",
    "connection_authorization": "auth",
    "contact": "cont",
    "domain": "dom",
    "drift_entry": "drift",
    "engagement": "eng",
    "inbox": "inb",
    "meeting_request": "mreq",
    "page": "page",
    "task": "task",
    "time_proposal": "prop",
    "user": "usr",
    "webhook_endpoint": "whe",
}
"""The prefix of the subject's id, by what the action begins with. Of form submissions the API shows no ids."""


_KINDS: Final = {"host": "user", "policy": "worker"}
"""What an entry says instead of a kind of actor: at first of changed bookings, without whose change it was; and of what
was done by itself, as the host has said beforehand."""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which entries are wanted."""

    after: int
    """Only those with a higher number."""
    action: str | None
    subject_id: UUID | None
    happened_from: datetime | None
    happened_before: datetime | None
    limit: int


async def read_audit_log(session: AsyncSession, account_id: UUID, question: AuditQuestion) -> Sequence[AuditEntry]:
    """The entries, rising by number; those that wait are sealed first."""
    while await seal_waiting(session, account_id):
        pass
    query = select(AuditEntry).where(AuditEntry.account_id == account_id, AuditEntry.sequence > question.after)
    if question.action is not None:
        query = query.where(AuditEntry.action == question.action)
    if question.subject_id is not None:
        query = query.where(AuditEntry.subject_id == question.subject_id)
    if question.happened_from is not None:
        query = query.where(AuditEntry.at >= question.happened_from)
    if question.happened_before is not None:
        query = query.where(AuditEntry.at < question.happened_before)
    return (await session.scalars(query.order_by(AuditEntry.sequence).limit(question.limit))).all()


def audit_view(entry: AuditEntry) -> AuditLogEntry:
    """An entry, as it is told."""
    assert entry.sequence is not None
    assert entry.seal is not None
    kind, _, who = entry.actor.partition(":")
    kind = _KINDS.get(kind, kind)
    user_id = UUID(who) if kind == "user" and who else None
    prefix = _SUBJECTS.get(entry.action.partition(".")[0])
    return AuditLogEntry(
        sequence=entry.sequence,
        at=entry.at,
        actor=Actor.model_validate({"kind": kind, "user_id": user_id}),
        action=entry.action,
        subject_id=None if prefix is None else encode_id(prefix, entry.subject_id),
        details=entry.data,
        seal=entry.seal.hex(),
    )
