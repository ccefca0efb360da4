"""Slots kept for a visitor while the form is filled in."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from app.accounts.idempotency import keyed_request
from app.bookings.hold_schemas import SlotHold, SlotHoldCreate
from app.bookings.views import hold_view
from app.errors import (
    BookingUnavailable,
    CalendarNotConnected,
    HoldExpired,
    NotFound,
    OutsideBookingWindow,
    PageTurnedOff,
    SlotUnavailable,
)
from app.ids import HoldId, PageId, encode_id
from app.routers.dependencies import IdempotencyKey, Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedHold, LimitedRead, client_network

router = APIRouter(prefix="/v1/public", tags=["Booking"])
PUBLIC: dict[str, Any] = {"security": []}
HoldToken = Annotated[str, Header(min_length=1, max_length=100, description="What `createSlotHold` told to keep.")]


@router.post(
    "/scheduling-pages/{page_id}/holds",
    summary="Keep a time for five minutes",
    status_code=201,
    responses=problems(
        NotFound,
        PageTurnedOff,
        BookingUnavailable,
        CalendarNotConnected,
        HoldExpired,
        SlotUnavailable,
        OutsideBookingWindow,
    ),
    dependencies=[LimitedHold],
    openapi_extra=PUBLIC,
)
async def create_slot_hold(
    page_id: PageId, body: SlotHoldCreate, request: Request, services: Services, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> SlotHold:  # fmt: skip
    """Keep an offered slot while the form is filled in (R48). Nobody else gets it until `expires_at`.

    Book it with `hold_id` and `hold_token`. Only a slot of grade `confirmable` is kept; one that is `request_only` is
    booked without a hold. A page without a calendar keeps nothing: 409 `calendar_not_connected`.
    Too many open holds of the page, or of one network, answer 429 until one of them lapses.
    """
    keyed = keyed_request(f"createSlotHold:{page_id}", idempotency_key, await request.body())
    network = client_network(request, services.settings.trusted_proxies)
    kept = await services.holds.keep(page_id, body, network=network, keyed=keyed)
    response.headers["Location"] = f"/v1/public/holds/{encode_id('hold', kept.hold.id)}"
    if kept.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return hold_view(kept.hold, token=kept.token)


@router.delete(
    "/holds/{hold_id}",
    summary="Let a kept time go",
    status_code=204,
    responses=problems(NotFound),
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def release_slot_hold(hold_id: HoldId, services: Services, hold_token: HoldToken) -> Response:
    """Somebody else may have the slot again. Done as well when the hold was booked or has lapsed."""
    await services.holds.release(hold_id, hold_token)
    return Response(status_code=204)
