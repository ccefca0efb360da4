"""A few open times, to be put into a mail (R43)."""

from fastapi import APIRouter, Response

from app.accounts.idempotency import keyed_request
from app.errors import (
    BookingUnavailable,
    CalendarNotConnected,
    CapabilityNotSupported,
    NotFound,
    OutsideBookingWindow,
    PageTurnedOff,
    SlotUnavailable,
)
from app.ids import encode_id
from app.routers.dependencies import IdempotencyKey, Services, Session, User
from app.routers.openapi_codes import problems
from app.scheduling.domains.repository import host_of
from app.scheduling.proposals.schemas import TimeProposal, TimeProposalCreate
from app.scheduling.proposals.views import proposal_view

router = APIRouter(prefix="/v1/time-proposals", tags=["Time proposals"])


@router.post(
    "",
    summary="Propose times",
    status_code=201,
    responses=problems(
        NotFound,
        PageTurnedOff,
        BookingUnavailable,
        CalendarNotConnected,
        CapabilityNotSupported,
        SlotUnavailable,
        OutsideBookingWindow,
    ),
)
async def create_time_proposal(
    body: TimeProposalCreate, session: Session, caller: User, services: Services, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TimeProposal:  # fmt: skip
    """Propose open times of one of your pages, named or chosen: links that open the page at each, and a text for a
    mail. Nothing is reserved; one time may stand in three open proposals. Not with Exchange (R24).
    """
    keyed = keyed_request(f"createTimeProposal {caller.user}", idempotency_key, body.model_dump_json().encode())
    proposed = await services.proposals.create(session, caller, body, keyed=keyed)
    response.headers["Location"] = f"/v1/public/time-proposals/{encode_id('prop', proposed.row.id)}"
    if proposed.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    host = await host_of(session, caller.user)
    return proposal_view(proposed, services.links.meeting(proposed.page.slug, host=host))
