"""The bookings of hosts, of those whose pages they were made on, and of services that book."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.accounts.idempotency import keyed_request
from app.bookings.answers import on_behalf_result
from app.bookings.book import REFUSALS as BOOK_REFUSALS
from app.bookings.change import CANCEL_REFUSALS, MOVE_REFUSALS, ByHost
from app.bookings.event import owner_of_event
from app.bookings.invite import invite_of
from app.bookings.listing import BookingsAsked, Order, find_bookings
from app.bookings.movable import movable_among
from app.bookings.no_show import mark_no_show
from app.bookings.offer import page_time_of_booking
from app.bookings.on_behalf import book_on_behalf
from app.bookings.ownership import Held, get_own_booking
from app.bookings.reschedule_slots import list_moves
from app.bookings.schemas import (
    Booking,
    BookingCancel,
    BookingList,
    BookingOnBehalfCreate,
    BookingReschedule,
    OnBehalfResult,
)
from app.bookings.views import booking_view, host_can_move
from app.calendar_writes.service import find_write, writes_of
from app.database import transaction
from app.errors import (
    AlreadyCancelled,
    BookingNotBegun,
    NotFound,
)
from app.ids import BookingId
from app.models import bookings as rows
from app.models.calendar_writes import CalendarWrite
from app.routers.dependencies import BookingWriter, IdempotencyKey, IfMatch, Services, Session
from app.routers.invite_file import INVITE_FILE, invite_file
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.routers.slot_query import FirstDay, LastDay, SlotZone
from app.scheduling.schemas import SlotList
from app.written_times import Instant

Cancel = Annotated[BookingCancel | SkipJsonSchema[None], Body()]
router = APIRouter(prefix="/v1/bookings", tags=["Bookings"])
Status = Annotated[
    Literal["confirmed", "cancelled", "no_show"] | SkipJsonSchema[None], Query(description="Only these.")
]
From = Annotated[Instant | SkipJsonSchema[None], Query(description="Only those that start at or after this.")]
InOrder = Annotated[Order, Query(description="As they were made, as they begin, or the last to begin first.")]
Before = Annotated[Instant | SkipJsonSchema[None], Query(description="Only those that start before this.")]


async def _held(booking_id: BookingId, caller: BookingWriter, services: Services) -> Held:
    async with transaction(services.sessions, caller.account_id) as session:
        return await get_own_booking(session, caller, booking_id)


HeldBooking = Annotated[Held, Depends(_held)]
"""What is to be moved: whoever moves it reads it anew, under its lock."""


@router.get("", summary="List your bookings")
async def list_bookings(
    request: Request, session: Session, caller: BookingWriter, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, status: Status = None,
    starts_from: From = None, starts_before: Before = None, order: InOrder = "created_at",
) -> BookingList:  # fmt: skip
    """The bookings the caller hosts, and those of the pages the caller has made, whoever hosts them.

    A service token needs `bookings:write`, and sees all of the account. In the order of their starts, one that is moved
    while you go through the list may be met twice, or not at all.
    """
    cursors, fixed, now = Cursor(request), services.fixed_providers, services.clock()
    asked = BookingsAsked(status, starts_from, starts_before, order, cursors.read_timed(cursor))
    found = await find_bookings(session, caller.user_id, asked, limit=limit + 1)
    rows, more = found[:limit], len(found) > limit
    writes = await writes_of(session, [owner_of_event(row.id) for row in rows])
    movable = await movable_among(session, rows)
    views = [booking_view(row, writes.get(row.id), fixed=fixed, now=now, movable=row.id in movable) for row in rows]
    onward = cursors.after_timed(rows[-1].starts_at, rows[-1].id) if more else None
    return BookingList(items=views, next_cursor=onward)


@router.post(
    "",
    summary="Book for a visitor",
    status_code=201,
    responses=problems(*BOOK_REFUSALS) | {202: {"model": OnBehalfResult, "description": "A meeting request."}},
)
async def create_booking(
    body: BookingOnBehalfCreate, request: Request, caller: BookingWriter, services: Services, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> OnBehalfResult:  # fmt: skip
    """Book a slot of one's own page for somebody (201), or ask for it while there is no calendar (202); R50.

    A service token needs `bookings:write` and may book any page of its account. It is a booking like any other: what
    a visitor could not book cannot be booked here, and the visitor gets the same mails. Whoever a round robin gave it
    to, the caller can read it and change it.
    """
    keyed = keyed_request(f"createBooking:{caller.actor}", idempotency_key, await request.body())
    outcome = await book_on_behalf(services.sessions, services.desk, caller, body, keyed=keyed)
    result, response.status_code, headers = on_behalf_result(
        outcome, fixed=services.fixed_providers, now=services.clock()
    )
    response.headers.update(headers)
    if outcome.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return result


@router.get("/{booking_id}", summary="Read a booking", responses=problems(NotFound))
async def get_booking(
    booking_id: BookingId, session: Session, caller: BookingWriter, services: Services, response: Response
) -> Booking:
    """A booking the caller hosts, or one of a page the caller has made; for a service, any of the account."""
    held = await get_own_booking(session, caller, booking_id)
    movable = bool(await movable_among(session, [held.booking]))
    return _view(services, response, held.booking, held.write, movable=movable)


@router.get(
    "/{booking_id}/slots",
    summary="List the other times a booking can have",
    response_model=SlotList,
    responses=problems(NotFound),
)
async def list_booking_slots(
    booking_id: BookingId, session: Session, caller: BookingWriter, services: Services,
    time_zone: SlotZone, first_day: FirstDay, last_day: LastDay,
) -> Response:  # fmt: skip
    """Where the booking can be moved to on those days, rising; none once it cannot. Who may read it may ask."""
    held, now = await get_own_booking(session, caller, booking_id), services.clock()
    movable = host_can_move(held.booking, held.write, fixed=services.fixed_providers, now=now)
    answer = await list_moves(session, held.booking, time_zone, (first_day, last_day), now=now, movable=movable)
    return Response(answer, media_type="application/json")


@router.get(
    "/{booking_id}/invite.ics",
    summary="Download the invitation to a booking",
    response_class=Response,
    responses=problems(NotFound) | INVITE_FILE,
)
async def download_booking_invite(
    booking_id: BookingId, session: Session, caller: BookingWriter, services: Services
) -> Response:
    """The booking as an iCalendar file, as those read it who host it. It names no link of the visitor's. Who may read
    the booking may have it.
    """
    held = await get_own_booking(session, caller, booking_id)
    page = await page_time_of_booking(session, held.booking)
    sender = services.settings.mail_from
    return invite_file(invite_of(held.booking, page, held.write, sender=sender, for_hosts=True))


@router.post(
    "/{booking_id}/reschedule",
    summary="Move a booking",
    responses=problems(*MOVE_REFUSALS),
)
async def reschedule_booking(
    body: BookingReschedule, held: HeldBooking, caller: BookingWriter, services: Services,
    if_match: IfMatch, response: Response,
) -> Booking:  # fmt: skip
    """Move the booking to another offered slot of the same length. The visitor is told. Who may read it may move it."""
    changed = await services.changes.reschedule(
        held, to=body.start_at, by=ByHost(caller.user_id), reason=body.reason, if_match=if_match
    )
    return _view(services, response, changed.booking, changed.write, movable=changed.page.takes_moves)


@router.post(
    "/{booking_id}/cancel",
    summary="Cancel a booking",
    responses=problems(*CANCEL_REFUSALS),
)
async def cancel_booking(
    booking_id: BookingId, caller: BookingWriter, services: Services, if_match: IfMatch, response: Response,
    body: Cancel = None,
) -> Booking:  # fmt: skip
    """End the booking. The event is removed and the visitor is told. Who may read it may end it."""
    changed = await services.changes.cancel(
        caller.account_id,
        booking_id,
        by=ByHost(caller.user_id),
        reason=body.reason if body else None,
        if_match=if_match,
    )
    return _view(services, response, changed.booking, changed.write)


@router.post(
    "/{booking_id}/no-show",
    summary="Say that nobody came",
    responses=problems(NotFound, AlreadyCancelled, BookingNotBegun),
)
async def mark_booking_no_show(
    booking_id: BookingId,
    session: Session,
    caller: BookingWriter,
    services: Services,
    if_match: IfMatch,
    response: Response,
) -> Booking:
    """Of a booking that has begun: its visitor did not come. Nobody is mailed; the timeline shows it."""
    row = await mark_no_show(session, caller, booking_id, if_match=if_match, clock=services.clock)
    return _view(services, response, row, await find_write(session, owner_of_event(row.id)))


def _view(
    services: Services, response: Response, row: rows.Booking, write: CalendarWrite | None, *, movable: bool = True
) -> Booking:
    response.headers["ETag"] = f'"{row.version}"'
    return booking_view(row, write, fixed=services.fixed_providers, now=services.clock(), movable=movable)
