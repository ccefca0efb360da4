"""Scheduling pages as visitors see them: find one, read it, see its slots, book one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.accounts.idempotency import keyed_request
from app.bookings.answers import booking_result
from app.bookings.book import REFUSALS
from app.bookings.schemas import BookingCreate, BookingResult
from app.errors import (
    NoDefaultPage,
    NotFound,
    PageTurnedOff,
)
from app.ids import PageId
from app.routers.dependencies import IdempotencyKey, PublicSession, Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedBooking, LimitedRead
from app.routers.slot_query import FirstDay, LastDay, SlotMinutes, SlotZone
from app.scheduling.public import PublicAddresses, SlotQuery
from app.scheduling.schemas import PageLocation, PublicSchedulingPage, SlotList
from app.scheduling.views import public_page_view

router = APIRouter(prefix="/v1/public", tags=["Booking"])
PUBLIC: dict[str, Any] = {"security": []}


@router.get(
    "/resolve",
    summary="Find the page behind a URL",
    responses=problems(NotFound, NoDefaultPage),
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def resolve_scheduling_page_url(
    session: PublicSession,
    services: Services,
    host: Annotated[str, Query(min_length=1, max_length=253, description="The URL's host.")],
    path: Annotated[str, Query(min_length=1, max_length=500, description="The URL's path.")],
) -> PageLocation:
    """Which page a meeting link shows; a bare meetings URL shows its owner's default page.

    Every URL that was ever handed out is known: earlier slugs, the shared domain and those of the page's account.
    """
    address = await PublicAddresses(session, services.links).resolve(host, path)
    return PageLocation(page_id=address.page_id, meeting_link=address.link, moved=address.moved)


@router.get(
    "/scheduling-pages/{page_id}",
    summary="Read a page as a visitor",
    responses=problems(NotFound, PageTurnedOff),
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def get_public_scheduling_page(page_id: PageId, services: Services) -> PublicSchedulingPage:
    """What the page says, what it asks, and whether it can be booked at the moment."""
    return public_page_view(await services.pages.open(page_id), video=services.video_providers)


@router.get(
    "/scheduling-pages/{page_id}/slots",
    summary="List the bookable times",
    response_model=SlotList,
    responses=problems(NotFound, PageTurnedOff),
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def list_public_slots(
    page_id: PageId,
    services: Services,
    time_zone: SlotZone,
    first_day: FirstDay,
    last_day: LastDay,
    duration_minutes: SlotMinutes,
) -> Response:
    """The slots that begin on those days, rising. Empty while the host is unavailable."""
    query = SlotQuery(time_zone, first_day, last_day, duration_minutes)
    answer = await services.pages.slots(page_id, query)
    return Response(answer, media_type="application/json")


@router.post(
    "/scheduling-pages/{page_id}/bookings",
    summary="Book a time",
    status_code=201,
    responses=problems(*REFUSALS) | {202: {"model": BookingResult, "description": "A meeting request."}},
    dependencies=[LimitedBooking],
    openapi_extra=PUBLIC,
)
async def book_meeting(
    page_id: PageId, body: BookingCreate, request: Request, services: Services, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> BookingResult:  # fmt: skip
    """Book an offered slot (201), or ask for it: one graded `request_only`, as all are without a calendar (202).

    A slot that went answers 409 `slot_unavailable`. A hold that is no more answers 409 `hold_expired`, whether the slot
    went or not. Both name `alternatives`; of a lapsed hold the slot itself is one if it is still free.
    The end and the host are the server's to say.
    The answer's `booking_token` is what the visitor's links carry; it is told here only.
    """
    keyed = keyed_request(f"bookMeeting:{page_id}", idempotency_key, await request.body())
    outcome = await services.desk.book(page_id, body, keyed=keyed)
    result, response.status_code, headers = booking_result(
        outcome, services.tokens, fixed=services.fixed_providers, now=services.clock()
    )
    response.headers.update(headers)
    if outcome.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return result
