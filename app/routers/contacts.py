"""The people the account knows, and their timelines."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.accounts.idempotency import keyed_request
from app.crm import repository
from app.crm.meetings import Told, read_all
from app.crm.schemas import (
    Contact,
    ContactCreate,
    ContactList,
    ContactMeetingCreate,
    ContactUpdate,
    Engagement,
    EngagementList,
)
from app.crm.views import contact_view, engagement_view
from app.errors import ContactExists, NotFound
from app.ids import ContactId, encode_id
from app.models import crm as rows
from app.privacy.contact_schemas import ContactExport
from app.routers.dependencies import IdempotencyKey, IfMatch, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.scheduling.configuration import Email

router = APIRouter(prefix="/v1/contacts", tags=["Contacts"])
ByEmail = Annotated[Email | SkipJsonSchema[None], Query(description="Only the one with this address.")]


@router.get("", summary="List the contacts")
async def list_contacts(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, email: ByEmail = None,
) -> ContactList:  # fmt: skip
    """The account's contacts, the oldest first."""
    cursors = Cursor(request)
    found = await services.contacts.find(session, caller, email=email, after=cursors.read(cursor), limit=limit + 1)
    views = [contact_view(row) for row in found[:limit]]
    return ContactList(items=views, next_cursor=cursors.after(found[limit - 1].id) if len(found) > limit else None)


@router.post("", summary="Add a contact", status_code=201, responses=problems(ContactExists))
async def create_contact(
    body: ContactCreate, session: Session, caller: User, services: Services, response: Response
) -> Contact:
    """Have the account know somebody. Meetings with them that stand in synced calendars come to their timeline."""
    row = await services.contacts.create(session, caller, body)
    response.headers["Location"] = f"/v1/contacts/{encode_id('cont', row.id)}"
    return _view(response, row)


@router.get("/{contact_id}", summary="Read a contact", responses=problems(NotFound))
async def get_contact(
    contact_id: ContactId, session: Session, caller: User, services: Services, response: Response
) -> Contact:
    """One of the account's contacts."""
    return _view(response, await services.contacts.get(session, contact_id))


@router.patch("/{contact_id}", summary="Change a contact", responses=problems(NotFound, ContactExists))
async def update_contact(
    contact_id: ContactId, body: ContactUpdate, session: Session, caller: User, services: Services,
    if_match: IfMatch, response: Response,
) -> Contact:  # fmt: skip
    """Change what is given. With another address, meetings that name it are looked for."""
    return _view(response, await services.contacts.update(session, caller, contact_id, body, if_match=if_match))


@router.delete("/{contact_id}", summary="Erase a contact", status_code=204, responses=problems(NotFound))
async def delete_contact(
    contact_id: ContactId, session: Session, caller: User, services: Services, if_match: IfMatch
) -> Response:
    """Erase the person: meetings with nobody else we know, what they have booked, asked for and submitted but for the
    host's time, mails, and what the feed told of them. Events stay in their owners' calendars.
    """
    await services.contact_erasures.erase(session, caller, contact_id, if_match=if_match)
    return Response(status_code=204)


@router.get("/{contact_id}/export", summary="Take out a contact", responses=problems(NotFound))
async def export_contact_data(
    contact_id: ContactId, session: Session, caller: User, services: Services
) -> ContactExport:
    """Everything held about a contact: who they are, meetings, tasks, bookings, forms, mails, what the CRM was told.
    Of others only what the contact had been told themselves. That it was asked for stands in the audit log.
    """
    return await services.contact_exports.export(session, caller, contact_id)


@router.get("/{contact_id}/engagements", summary="Read a timeline", responses=problems(NotFound))
async def list_contact_engagements(
    contact_id: ContactId, request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> EngagementList:  # fmt: skip
    """Every meeting of the account with the contact, the one that was noted last first: not in the order of
    their times.
    """
    await services.contacts.get(session, contact_id)
    cursors = Cursor(request)
    found = await repository.list_engagements(
        session, owner_id=None, contact_id=contact_id, source=None, after=cursors.read(cursor), limit=limit + 1
    )
    told = await read_all(session, services.overview, caller.user, found[:limit])
    views = [engagement_of(item, caller.user, services) for item in told]
    return EngagementList(items=views, next_cursor=cursors.after(found[limit - 1].id) if len(found) > limit else None)


@router.post("/{contact_id}/meetings", summary="Make a meeting", status_code=201, responses=problems(NotFound))
async def create_contact_meeting(
    contact_id: ContactId, body: ContactMeetingCreate, caller: User, services: Services, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Engagement:  # fmt: skip
    """Record a meeting with the contact. With calendar sync on it becomes an event and its guests are invited;
    `invite_status` and `invite_reason` say whether, and why not.
    """
    keyed = keyed_request(
        f"createContactMeeting {caller.user} {contact_id}", idempotency_key, body.model_dump_json().encode()
    )
    told = await services.meetings.create(caller, contact_id, body, keyed=keyed)
    response.headers["Location"] = f"/v1/engagements/{encode_id('eng', told.row.id)}"
    response.headers["ETag"] = f'"{told.row.version}"'
    if told.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return engagement_of(told, caller.user, services)


def engagement_of(told: Told, reader: UUID, services: Services) -> Engagement:
    """An engagement, as this user sees it."""
    return engagement_view(
        told.row,
        told.participants,
        told.write,
        reader=reader,
        now=services.clock(),
        out_of_reach=told.out_of_reach,
        stalled=told.stalled,
    )


def _view(response: Response, row: rows.Contact) -> Contact:
    response.headers["ETag"] = f'"{row.version}"'
    return contact_view(row)
