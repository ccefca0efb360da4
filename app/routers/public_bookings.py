"""A visitor's own booking, by the token of its link. State changes by POST only: mail scanners prefetch links."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.bookings.change import CANCEL_REFUSALS, MOVE_REFUSALS, ByVisitor, Changed
from app.bookings.invite import invite_of
from app.bookings.ownership import Held
from app.bookings.reschedule_slots import list_moves
from app.bookings.schemas import BookingCancel, BookingReschedule, PublicBooking
from app.bookings.views import public_booking_view, visitor_can_move
from app.bookings.visitor import get_held_booking, get_visitor_booking
from app.database import transaction
from app.errors import (
    NotFound,
)
from app.ids import BookingId
from app.routers.dependencies import BookingToken, IfMatch, Services
from app.routers.invite_file import INVITE_FILE, invite_file
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead
from app.routers.slot_query import FirstDay, LastDay, SlotZone
from app.scheduling.schemas import SlotList

Cancel = Annotated[BookingCancel | SkipJsonSchema[None], Body()]
router = APIRouter(prefix="/v1/public/bookings", tags=["Booking"], dependencies=[LimitedRead])


async def _own(booking_id: BookingId, services: Services, token: BookingToken) -> Changed:
    async with transaction(services.sessions, None) as session:
        return await get_visitor_booking(session, services.tokens, booking_id, token, now=services.clock())


async def _held(booking_id: BookingId, services: Services, token: BookingToken) -> Held:
    async with transaction(services.sessions, None) as session:
        return await get_held_booking(session, services.tokens, booking_id, token, now=services.clock())


Own = Annotated[Changed, Depends(_own)]
HeldBooking = Annotated[Held, Depends(_held)]
"""What is to be changed: whoever changes it reads it anew, under its lock."""


async def _limit_change(request: Request, held: HeldBooking) -> None:
    """After the token was checked: who does not hold it cannot use up what its holder has left."""
    request.app.state.rate_limits.count_change(request, held.booking.id)


LimitedChange = Depends(_limit_change)


@router.get("/{booking_id}", summary="Read your booking", responses=problems(NotFound))
async def get_public_booking(own: Own, services: Services, response: Response) -> PublicBooking:
    """The booking, and whether it may still be changed."""
    return _view(services, response, own)


@router.get(
    "/{booking_id}/slots",
    summary="List the other times it can have",
    response_model=SlotList,
    responses=problems(NotFound),
)
async def list_public_booking_slots(
    own: Own, services: Services, time_zone: SlotZone, first_day: FirstDay, last_day: LastDay
) -> Response:
    """Where the booking can be moved to on those days, rising: slots of its own length, also where its page has none
    of that length any more, or is gone. Its own time is no obstacle. None unless the booking can be rescheduled.
    """
    now, days = services.clock(), (first_day, last_day)
    movable = visitor_can_move(own.booking, own.page, own.write, fixed=services.fixed_providers, now=now)
    async with transaction(services.sessions, own.booking.account_id) as session:
        answer = await list_moves(session, own.booking, time_zone, days, now=now, movable=movable)
    return Response(answer, media_type="application/json")


@router.post(
    "/{booking_id}/reschedule",
    summary="Choose another time",
    responses=problems(*MOVE_REFUSALS),
    dependencies=[LimitedChange],
)
async def reschedule_public_booking(
    body: BookingReschedule, held: HeldBooking, services: Services, if_match: IfMatch, response: Response
) -> PublicBooking:
    """Move the booking to another offered slot of the same length. The event moves; a new invitation is mailed."""
    changed = await services.changes.reschedule(
        held, to=body.start_at, by=ByVisitor(), reason=body.reason, if_match=if_match
    )
    return _view(services, response, changed)


@router.post(
    "/{booking_id}/cancel",
    summary="Cancel your booking",
    responses=problems(*CANCEL_REFUSALS),
    dependencies=[LimitedChange],
)
async def cancel_public_booking(
    held: HeldBooking, services: Services, if_match: IfMatch, response: Response, body: Cancel = None
) -> PublicBooking:
    """End the booking. The event is removed and both sides are told."""
    changed = await services.changes.cancel(
        held.booking.account_id,
        held.booking.id,
        by=ByVisitor(),
        reason=body.reason if body else None,
        if_match=if_match,
    )
    return _view(services, response, changed)


@router.get(
    "/{booking_id}/invite.ics",
    summary="Download the invitation",
    response_class=Response,
    responses=problems(NotFound) | INVITE_FILE,
)
async def download_public_invite(own: Own, services: Services) -> Response:
    """The booking as an iCalendar file: a request, or a cancellation once it is cancelled."""
    return invite_file(invite_of(own.booking, own.page, own.write, sender=services.settings.mail_from))


def _view(services: Services, response: Response, own: Changed) -> PublicBooking:
    response.headers["ETag"] = f'"{own.booking.version}"'
    return public_booking_view(own.booking, own.page, own.write, fixed=services.fixed_providers, now=services.clock())
