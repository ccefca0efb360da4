"""One answer per Idempotency-Key, for a day.

The one rule: the answer is stored in the transaction that makes what it tells of; a failure leaves no key behind.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bare import BareTransaction
from app.errors import IdempotencyKeyReused, RequestInProgress
from app.models.bookings import IdempotentAnswer

_KEPT = timedelta(days=1)
_CLAIM = "SELECT pg_try_advisory_xact_lock($1)"
_KNOWN = "SELECT 1 FROM idempotent_answers WHERE scope = $1 AND key = $2 AND created_at > $3"
_ANSWERED = f"""
WITH expired AS (DELETE FROM idempotent_answers WHERE scope = $1 AND key = $2 AND created_at <= $3)
{_KNOWN}
"""  # noqa: S608 - a text of our own


class AnsweredMeanwhileError(Exception):
    """Another request with the key was answered since we looked: look again."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a key: the same key and body get the same answer."""

    scope: str
    """What the key is unique within: an operation and its path."""
    key: str
    request_hash: bytes


def keyed_request(scope: str, key: str | None, body: bytes) -> KeyedRequest | None:
    """The request with its key; None without one."""
    return None if key is None else KeyedRequest(scope, key, hashlib.sha256(body).digest())


async def find_answer(session: AsyncSession, this: KeyedRequest, *, now: datetime) -> IdempotentAnswer | None:
    """The answer given before. Raises: IdempotencyKeyReused for another body."""
    found = await session.scalar(
        select(IdempotentAnswer).where(
            IdempotentAnswer.scope == this.scope,
            IdempotentAnswer.key == this.key,
            IdempotentAnswer.created_at > now - _KEPT,
        )
    )
    if found is not None and found.request_hash != this.request_hash:
        raise IdempotencyKeyReused
    return found


async def is_answered(work: BareTransaction, this: KeyedRequest, *, now: datetime) -> bool:
    """Whether `find_answer` would have something to say. Of a crowd with keys next to nobody has been answered."""
    return await work.fetchval(_KNOWN, this.scope, this.key, now - _KEPT) is not None


async def claim(work: BareTransaction, this: KeyedRequest, *, now: datetime) -> bool:
    """Be the only one working on the key until the transaction ends; False when it was answered meanwhile.

    Raises: RequestInProgress.
    """
    if not await work.fetchval(_CLAIM, _number(work.account_id, this)):
        raise RequestInProgress(retry_after=1)
    return await work.fetchval(_ANSWERED, this.scope, this.key, now - _KEPT) is None


async def claim_or_find(
    session: AsyncSession, account_id: UUID, this: KeyedRequest, *, now: datetime
) -> IdempotentAnswer | None:
    """The same in a session: the answer given before, or None when the key is ours to answer.

    Raises: RequestInProgress, IdempotencyKeyReused.
    """
    connection = await session.connection()
    if not (await connection.exec_driver_sql(_CLAIM, (_number(account_id, this),))).scalar():
        raise RequestInProgress(retry_after=1)
    await connection.exec_driver_sql(_ANSWERED, (this.scope, this.key, now - _KEPT))
    return await find_answer(session, this, now=now)


async def forget_old_answers(session: AsyncSession, account_id: UUID, *, now: datetime) -> None:
    """Delete the answers that no request is given again."""
    await session.execute(
        delete(IdempotentAnswer).where(
            IdempotentAnswer.account_id == account_id, IdempotentAnswer.created_at <= now - _KEPT
        )
    )


def answer_of(
    account_id: UUID, this: KeyedRequest, *, status_code: int, subject_id: UUID, now: datetime
) -> IdempotentAnswer:
    """The row that remembers what was answered."""
    return IdempotentAnswer(
        account_id=account_id,
        scope=this.scope,
        key=this.key,
        request_hash=this.request_hash,
        status_code=status_code,
        subject_id=subject_id,
        created_at=now,
    )


def _number(account_id: UUID, this: KeyedRequest) -> int:
    digest = hashlib.sha256(f"{account_id}|{this.scope}|{this.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
