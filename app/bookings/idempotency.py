"""One answer per Idempotency-Key, for a day.

The one rule: the answer is stored in the transaction that makes what it tells of; a failure leaves no key behind.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import IdempotencyKeyReused, RequestInProgress
from app.models.bookings import IdempotentAnswer

_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request with a key: the same key and body get the same answer."""

    scope: str
    """What the key is unique within: an operation and its path."""
    key: str
    request_hash: bytes


def attempt(scope: str, key: str | None, body: bytes) -> Attempt | None:
    """The attempt; None without a key."""
    return None if key is None else Attempt(scope, key, hashlib.sha256(body).digest())


async def find_answer(session: AsyncSession, this: Attempt, *, now: datetime) -> IdempotentAnswer | None:
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


async def claim(session: AsyncSession, this: Attempt, *, now: datetime) -> IdempotentAnswer | None:
    """Be the only one working on the key until the transaction ends; the answer, when somebody has given it meanwhile.

    Raises: RequestInProgress, IdempotencyKeyReused.
    """
    digest = hashlib.sha256(f"{session.info.get('account_id')}|{this.scope}|{this.key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number}):
        raise RequestInProgress(retry_after=1)
    await session.execute(
        delete(IdempotentAnswer).where(
            IdempotentAnswer.scope == this.scope,
            IdempotentAnswer.key == this.key,
            IdempotentAnswer.created_at <= now - _KEPT,
        )
    )
    return await find_answer(session, this, now=now)
