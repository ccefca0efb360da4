"""Proposed times, as whoever got the mail sees them (R43)."""

from typing import Any

from fastapi import APIRouter

from app.errors import NotFound, PageTurnedOff
from app.ids import TimeProposalId
from app.routers.dependencies import PublicSession, Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead
from app.scheduling.proposals.schemas import PublicTimeProposal
from app.scheduling.proposals.views import public_proposal_view

router = APIRouter(prefix="/v1/public/time-proposals", tags=["Booking"], dependencies=[LimitedRead])
PUBLIC: dict[str, Any] = {"security": []}


@router.get(
    "/{proposal_id}",
    summary="Look at proposed times",
    responses=problems(NotFound, PageTurnedOff),
    openapi_extra=PUBLIC,
)
async def get_public_time_proposal(
    proposal_id: TimeProposalId, session: PublicSession, services: Services
) -> PublicTimeProposal:
    """Each time as it is now, open or taken, with the nearest open ones beside those that are taken; `grade` says which
    of them are booked, and which are asked for.
    """
    return public_proposal_view(await services.proposals.show(session, proposal_id))
