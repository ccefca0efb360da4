"""A visitor's own meeting request, by the token that its answer and its mail carry. State changes by POST only."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from pydantic.json_schema import SkipJsonSchema

from app.bookings.schemas import MeetingRequestWithdraw, PublicMeetingRequest
from app.bookings.views import public_request_view
from app.bookings.visitor import Asked, get_visitor_request
from app.database import transaction
from app.errors import AlreadyProcessed, NotFound
from app.ids import MeetingRequestId
from app.routers.dependencies import BookingToken, Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead

Withdraw = Annotated[MeetingRequestWithdraw | SkipJsonSchema[None], Body()]
router = APIRouter(prefix="/v1/public/meeting-requests", tags=["Booking"], dependencies=[LimitedRead])


async def _own(request_id: MeetingRequestId, services: Services, token: BookingToken) -> Asked:
    async with transaction(services.sessions, None) as session:
        return await get_visitor_request(session, services.tokens, request_id, token, now=services.clock())


Own = Annotated[Asked, Depends(_own)]


async def _limit_change(request: Request, own: Own) -> None:
    """After the token was checked, as of a booking."""
    request.app.state.rate_limits.count_change(request, own.request.id)


@router.get("/{request_id}", summary="Read your meeting request")
async def get_public_meeting_request(own: Own, services: Services) -> PublicMeetingRequest:
    """What became of the request. Once accepted, `booking_id` is the booking that the same token opens."""
    return public_request_view(own.request, own.page, now=services.clock())


@router.post(
    "/{request_id}/withdraw",
    summary="Withdraw your meeting request",
    responses=problems(NotFound, AlreadyProcessed),
    dependencies=[Depends(_limit_change)],
)
async def withdraw_meeting_request(own: Own, services: Services, body: Withdraw = None) -> PublicMeetingRequest:
    """Ask for it no more, while it still waits for an answer. The host is told."""
    asked, reason = own.request, body.reason if body else None
    row = await services.requests.withdraw(asked.account_id, asked.id, reason=reason)
    return public_request_view(row, own.page, now=services.clock())
