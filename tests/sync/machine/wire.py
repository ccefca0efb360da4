"""What the three sides share in speaking with the sandbox.

The one rule: what a provider refuses a person is told apart from what is wrong with the test.
"""

import re
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

import httpx

from tests.sync.machine.side import OF_A_LIST, Mishap, Refused, Target

AnswerT = TypeVar("AnswerT")
_BOOKING = re.compile(r"booking:([0-9a-f-]{36})")
_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE}


async def sent(request: Awaitable[AnswerT]) -> AnswerT:
    """What came of something a person did. Raises: Refused."""
    try:
        return await request
    except httpx.HTTPStatusError as error:
        if error.response.status_code in _REFUSALS:
            raise Refused(str(error)) from error
        raise


def possible(mishaps: Iterable[Mishap]) -> frozenset[tuple[Mishap, Target]]:
    """What can go wrong where any of these can: some only with lists of changes, and who may not write is told so when
    the calendar is chosen."""
    return frozenset(
        (mishap, target)
        for mishap in mishaps
        for target in ({Target.CHANGES} if mishap in OF_A_LIST else Target)
        if (mishap, target) != (Mishap.FORBIDDEN, Target.WRITES)
    )


def booking_of(marks: Mapping[str, str]) -> str | None:
    """The id of the booking that an event of ours belongs to, from the marks on it."""
    return next((found[1] for mark in marks.values() if (found := _BOOKING.search(mark))), None)


def seconds(moment: datetime) -> int:
    """UTC seconds of an aware moment."""
    assert moment.tzinfo is not None
    return int(moment.timestamp())
