"""What happened in the account, for the CRM."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.errors import EventsExpired
from app.events.reading import LONGEST_WAIT, Question
from app.events.schemas import EventList
from app.events.views import feed_view
from app.routers.dependencies import EventReader, Services
from app.routers.openapi_codes import problems
from app.routers.pagination import Limit

router = APIRouter(prefix="/v1/events", tags=["Events"])
_SAFE = 2**53 - 1  # what every client's numbers can hold
After = Annotated[
    Annotated[int, Field(ge=0, le=_SAFE)] | SkipJsonSchema[None],
    Query(description="Only events after this number: `next_after`. Absent: from the oldest kept."),
]
Types = Annotated[
    str | SkipJsonSchema[None],
    Query(
        max_length=1000,
        pattern=r"^[a-z_]+\.[a-z_]+(,[a-z_]+\.[a-z_]+)*$",
        description="Only these types, separated by commas. Absent: all.",
        examples=["booking.created,booking.cancelled"],
    ),
]
Wait = Annotated[
    int, Query(ge=0, le=LONGEST_WAIT, description="Where there is nothing: how long to wait for something, in seconds.")
]


@router.get("", summary="Read what happened", responses=problems(EventsExpired))
async def list_events(
    caller: EventReader, services: Services, request: Request, after: After = None, limit: Limit = 20,
    types: Types = None, wait_seconds: Wait = 0,
) -> EventList:  # fmt: skip
    """The account's events, rising by number, without a gap. 410: those asked for are kept no longer.

    Keep `next_after` with what you make of the events, in one transaction, and none is lost or taken twice.
    """
    question = Question(after=after, types=None if types is None else types.split(","), limit=limit)
    aside = request.state.place.given_up
    return feed_view(await services.feed.read(caller.account_id, question, wait_seconds=wait_seconds, aside=aside))
