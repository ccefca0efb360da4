"""Appointments asked for while the host had no calendar (R26)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.bookings import repository
from app.bookings.change import ByHost
from app.bookings.ownership import get_own_request
from app.bookings.requests.standing import look_at
from app.bookings.schemas import MeetingRequest, MeetingRequestDecline, MeetingRequestList
from app.bookings.views import request_view
from app.errors import AlreadyProcessed, BookingUnavailable, CalendarNotConnected, NotFound, SlotUnavailable
from app.ids import MeetingRequestId
from app.models import bookings as rows
from app.routers.dependencies import BookingWriter, Services, Session
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

Decline = Annotated[MeetingRequestDecline | SkipJsonSchema[None], Body()]
router = APIRouter(prefix="/v1/meeting-requests", tags=["Bookings"])
Status = Annotated[
    Literal["pending", "accepted", "declined", "withdrawn", "expired"] | SkipJsonSchema[None],
    Query(description="Only these."),
]


@router.get("", summary="List your meeting requests")
async def list_meeting_requests(
    request: Request, session: Session, caller: BookingWriter, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, status: Status = None,
) -> MeetingRequestList:  # fmt: skip
    """What visitors asked the caller for, or on the pages the caller has made, while it could not be booked at once;
    oldest first. A service token needs `bookings:write`, and sees all of the account.
    """
    cursors, now = Cursor(request), services.clock()
    found = await repository.list_requests(
        session, caller.user_id, status=status, now=now, after=cursors.read(cursor), limit=limit + 1
    )
    views = [request_view(await look_at(session, row, now=now), now=now) for row in found[:limit]]
    return MeetingRequestList(
        items=views, next_cursor=cursors.after(found[limit - 1].id) if len(found) > limit else None
    )


@router.get("/{request_id}", summary="Read a meeting request", responses=problems(NotFound))
async def get_meeting_request(
    request_id: MeetingRequestId, session: Session, caller: BookingWriter, services: Services
) -> MeetingRequest:
    """A request that was made of the caller, or on a page the caller has made; for a service, any of the account.

    `clashes` tells whether its time is taken since a calendar is there."""
    return await _view(session, await get_own_request(session, caller, request_id), services)


@router.post(
    "/{request_id}/accept",
    summary="Accept a meeting request",
    responses=problems(NotFound, AlreadyProcessed, BookingUnavailable, CalendarNotConnected, SlotUnavailable),
)
async def accept_meeting_request(
    request_id: MeetingRequestId, session: Session, caller: BookingWriter, services: Services
) -> MeetingRequest:
    """Book what was asked for: it needs a calendar, and the time to be free. The visitor is told, and invited.

    The page's hours and limits do not count here, only what is taken: then it answers 409 `slot_unavailable` with
    `alternatives`. The booking has the id in `booking_id`.
    """
    # `session` has sent nothing yet, so it holds no connection while a provider is asked.
    row = await services.requests.accept(caller.account_id, request_id, by=ByHost(caller.user_id))
    return await _view(session, row, services)


@router.post(
    "/{request_id}/decline", summary="Decline a meeting request", responses=problems(NotFound, AlreadyProcessed)
)
async def decline_meeting_request(
    request_id: MeetingRequestId,
    session: Session,
    caller: BookingWriter,
    services: Services,
    body: Decline = None,
) -> MeetingRequest:
    """Refuse what was asked for. The visitor is told, with the reason, and where to choose another time."""
    row = await services.requests.decline(
        caller.account_id, request_id, by=ByHost(caller.user_id), reason=body.reason if body else None
    )
    return await _view(session, row, services)


async def _view(session: Session, row: rows.MeetingRequest, services: Services) -> MeetingRequest:
    now = services.clock()
    return request_view(await look_at(session, row, now=now), now=now)
