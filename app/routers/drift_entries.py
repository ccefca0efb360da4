"""What people did to booked events in their calendars, and what was done about it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.bookings.drift import ledger
from app.bookings.drift.schemas import DriftEntry, DriftEntryList, DriftResolution, drift_view
from app.errors import AlreadyProcessed, NotFound, OutsideBookingWindow, RequestInProgress, SlotUnavailable
from app.ids import BookingId, DriftEntryId
from app.models.bookings import Booking
from app.routers.dependencies import Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/drift-entries", tags=["Drift"])
Status = Annotated[Literal["open", "resolved", "superseded"] | SkipJsonSchema[None], Query(description="Only these.")]
OfBooking = Annotated[BookingId | SkipJsonSchema[None], Query(description="Only those of this booking.")]


@router.get("", summary="List the drift of your bookings")
async def list_drift_entries(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, status: Status = None, booking_id: OfBooking = None,
) -> DriftEntryList:  # fmt: skip
    """Booked events that were moved, resized, deleted, declined or duplicated, and what was done; the newest first."""
    cursors = Cursor(request)
    rows = await ledger.list_entries(
        session, caller.user, status=status, booking_id=booking_id, after=cursors.read(cursor), limit=limit + 1,
        now=services.clock(),
    )  # fmt: skip
    views = [drift_view(*row) for row in rows[:limit]]
    return DriftEntryList(items=views, next_cursor=cursors.after(rows[limit - 1][0].id) if len(rows) > limit else None)


@router.post(
    "/{entry_id}/resolve",
    summary="Decide about drift",
    responses=problems(NotFound, AlreadyProcessed, RequestInProgress, SlotUnavailable, OutsideBookingWindow),
)
async def resolve_drift_entry(
    entry_id: DriftEntryId, body: DriftResolution, session: Session, caller: User, services: Services
) -> DriftEntry:
    """Have the booking follow the calendar, or the calendar put back as booked."""
    entry = await services.drift.resolve(session, caller, entry_id, body.resolution)
    return drift_view(entry, await session.get_one(Booking, (entry.account_id, entry.booking_id)))
