"""One answer per Idempotency-Key, for a day.

The one rule: the answer is stored in the transaction that makes what it tells of; a failure leaves no key behind.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bare import BareTransaction
from app.errors import IdempotencyKeyReused, RequestInProgress
from app.models.bookings import IdempotentAnswer

_KEPT = timedelta(days=1)
_ANSWERED = """
WITH expired AS (DELETE FROM idempotent_answers WHERE scope = $1 AND key = $2 AND created_at <= $3)
SELECT 1 FROM idempotent_answers WHERE scope = $1 AND key = $2 AND created_at > $3
"""


class AnsweredMeanwhileError(Exception):
    """Another request with the key was answered since we looked: look again."""


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


async def claim(work: BareTransaction, this: Attempt, *, now: datetime) -> bool:
    """Be the only one working on the key until the transaction ends; False when it was answered meanwhile.

    Raises: RequestInProgress.
    """
    digest = hashlib.sha256(f"{work.account_id}|{this.scope}|{this.key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    if not await work.fetchval("SELECT pg_try_advisory_xact_lock($1)", number):
        raise RequestInProgress(retry_after=1)
    return await work.fetchval(_ANSWERED, this.scope, this.key, now - _KEPT) is None
