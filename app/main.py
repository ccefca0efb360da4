"""The API process: one FastAPI application over one set of services.

The one rule: importing this file does nothing; `create_app` builds, the lifespan opens and closes.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from app.bootstrap import Services, open_services
from app.memory import settle
from app.routers import (
    account,
    audit_log,
    availability_calendars,
    booking_attempts,
    bookings,
    calendar_settings,
    chat_widgets,
    connection_authorizations,
    connections,
    contacts,
    domains,
    drift_entries,
    engagements,
    events,
    exchange_discoveries,
    form_submissions,
    health,
    inboxes,
    me,
    meeting_links,
    meeting_requests,
    metrics,
    provider_notifications,
    providers,
    public_bookings,
    public_holds,
    public_meeting_requests,
    public_pages,
    public_time_proposals,
    robots,
    scheduling_pages,
    slugs,
    tasks,
    time_proposals,
    users,
    webhook_endpoints,
)
from app.routers.admission import Admission, Door
from app.routers.cors import CrossOrigin
from app.routers.guards import check_guards
from app.routers.middleware import Envelope
from app.routers.openapi import describe
from app.routers.operation_ids import operation_id
from app.routers.problems import add_problem_handlers
from app.routers.rate_limits import RateLimits
from app.routers.turning_away import TurningAway
from app.settings import Settings

ROUTERS = (
    public_pages,
    provider_notifications,
    public_bookings,
    public_holds,
    events,
    bookings,
    me,
    account,
    providers,
    connection_authorizations,
    connections,
    exchange_discoveries,
    inboxes,
    calendar_settings,
    scheduling_pages,
    slugs,
    meeting_links,
    domains,
    robots,
    time_proposals,
    public_time_proposals,
    form_submissions,
    chat_widgets,
    booking_attempts,
    meeting_requests,
    public_meeting_requests,
    availability_calendars,
    drift_entries,
    contacts,
    engagements,
    tasks,
    users,
    webhook_endpoints,
    audit_log,
    health,
    metrics,
)
"""Those asked most come first: a request's route is looked for in this order."""


def create_app(settings: Settings) -> FastAPI:
    """The application; its services open with its lifespan."""
    app = FastAPI(
        title="calendar-connect",
        version="1.0.0",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings),
        generate_unique_id_function=operation_id,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.problem_base = (settings.problem_base_url or f"{settings.public_url.rstrip('/')}/problems").rstrip("/")
    app.state.rate_limits = RateLimits(settings)
    for module in ROUTERS:
        app.include_router(module.router)
    check_guards(app)
    add_problem_handlers(app)
    door = Door(at_once=settings.requests_at_once)
    app.add_middleware(Admission, door=door)
    app.add_middleware(Envelope)
    app.add_middleware(TurningAway, door=door)
    app.add_middleware(CrossOrigin, origins=settings.cors_origins)  # outermost: a browser may read every refusal
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            attach(app, services)
            settle()
            yield

    return lifespan


def attach(app: FastAPI, services: Services) -> None:
    """Give the application its services."""
    app.state.services = services
