"""A person's connections: look at them, have them synced, let them go."""

from fastapi import APIRouter, Response

from app.calendar import ProviderName
from app.connections import repository, service
from app.connections.schemas import CalendarList, Connection, ConnectionList, ConnectionSync
from app.connections.views import calendar_view, connection_view, sync_view
from app.ids import ConnectionId
from app.routers.dependencies import ReaderLanguage, Services, Session, User
from app.routers.openapi import problems

router = APIRouter(prefix="/v1/connections", tags=["Connections"])


@router.get("", summary="List your connections", responses=problems(401))
async def list_connections(
    session: Session, caller: User, services: Services, language: ReaderLanguage
) -> ConnectionList:
    """The caller's connections, oldest first: usually one."""
    rows = await repository.list_connections(session, caller.user)
    views = [connection_view(row, services.overview.of(row, caller.seats), language) for row in rows]
    return ConnectionList(items=views, next_cursor=None)


@router.get("/{connection_id}", summary="Read a connection", responses=problems(401, 404))
async def get_connection(
    connection_id: ConnectionId, session: Session, caller: User, services: Services, language: ReaderLanguage
) -> Connection:
    """One of the caller's connections: its state, what it can do, and what may be done with it."""
    row = await service.get_connection(session, caller, connection_id)
    return connection_view(row, services.overview.of(row, caller.seats), language)


@router.delete("/{connection_id}", summary="Disconnect", status_code=204, responses=problems(401, 404))
async def disconnect_connection(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> Response:
    """Let go of the calendar. Pages fall back to offline mode at once; booked events stay in the calendar."""
    await service.disconnect(session, caller, connection_id, now=services.clock())
    return Response(status_code=204)


@router.get("/{connection_id}/calendars", summary="List a connection's calendars", responses=problems(401, 404))
async def list_connection_calendars(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> CalendarList:
    """Every calendar the account can reach, and whether it may be checked for conflicts."""
    row = await service.get_connection(session, caller, connection_id)
    features = services.overview.features(ProviderName(row.provider))
    calendars = await repository.list_calendars(session, row.id)
    return CalendarList(items=[calendar_view(item, row, features) for item in calendars], next_cursor=None)


@router.get("/{connection_id}/sync", summary="Read how true the mirror is", responses=problems(401, 404))
async def get_connection_sync(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> ConnectionSync:
    """Per calendar: state, lag, last and next run, last error."""
    row = await service.get_connection(session, caller, connection_id)
    return await _sync_state(session, row.id, services)


@router.post("/{connection_id}/sync", summary="Sync now", status_code=202, responses=problems(401, 404, 409))
async def start_connection_sync(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> ConnectionSync:
    """Have every mirrored calendar looked at now; answers the state before that."""
    await service.request_sync(session, caller, connection_id, now=services.clock())
    return await _sync_state(session, connection_id, services)


async def _sync_state(session: Session, connection_id: ConnectionId, services: Services) -> ConnectionSync:
    rows = await repository.list_calendar_syncs(session, connection_id)
    due = await repository.due_times(session, [calendar.id for calendar, _ in rows])
    return sync_view(connection_id, rows, due, now=services.clock())
