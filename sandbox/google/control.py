"""The control API of simulated Google: the hands of whoever runs an experiment. JSON, no authentication.

The one rule: it does only what a person, an administrator or bad luck could do to a real Google account; nothing here
reaches into what a client sees.
"""

from datetime import date, datetime, timedelta
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.google.control_events import create_events_router
from sandbox.google.control_faults import create_faults_router
from sandbox.google.control_push import create_channels_router
from sandbox.google.errors import GoogleError
from sandbox.google.seed import seed_account
from sandbox.google.times import Json, find_zone
from sandbox.google.world import Account, Calendar, GoogleWorld, Role
from sandbox.google.writes import complete_conferences
from sandbox.ledger import as_json
from sandbox.push_control import create_push_router

RoleName = Literal["none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAccount(Body):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    name: str
    time_zone: str = "Europe/Stockholm"
    workspace: bool = True


class NewCalendar(Body):
    summary: str
    time_zone: str | None = None
    role: RoleName = "owner"
    id: str | None = None


class CalendarChange(Body):
    """What the owner writes into the calendar's settings; what is left out stays."""

    summary: str | None = None
    description: str | None = None


class Share(Body):
    account: str
    role: RoleName


class Knobs(Body):
    """Every knob of `sandbox.google.knobs.Knobs` but `push_batch`: a message of Google's tells one thing. Spans are in
    seconds; what is left out stays.
    """

    strict: bool | None = None
    page_size_cap: int | None = None
    sync_token_max_age: float | None = None
    sync_token_max_changes: int | None = None
    updated_min_max_age: float | None = None
    free_busy_reader_lists: bool | None = None
    free_busy_max_span: float | None = None
    access_token_lifetime: float | None = None
    refresh_token_lifetime: float | None = None
    refresh_token_cap: int | None = None
    conferences_pending: bool | None = None
    push_timeout: float | None = None
    push_attempts: int | None = None
    push_backoff: float | None = None
    push_settle: float | None = None
    push_http_to_loopback: bool | None = None
    push_authority: str | None = None
    push_for_public_calendars: bool | None = None
    push_for_shared_calendars: bool | None = None
    channel_lifetime: float | None = None
    channel_lifetime_max: float | None = None


class ClockChange(Body):
    """`advance` in seconds (negative: a skew); `freeze` stops time at an instant, `run` lets it go on."""

    advance: float | None = None
    freeze: datetime | None = None
    run: bool = False


class Seed(Body):
    profile: Literal["busy_professional"] = "busy_professional"
    seed: int = 1
    around: date
    with_damage: bool = False


class RedirectUris(Body):
    redirect_uris: list[str]


def create_control(world: GoogleWorld) -> FastAPI:
    """The control API over `world`; mounted at /control/google by the sandbox."""
    app = FastAPI(title="Simulated Google: control", docs_url=None, redoc_url=None)
    app.include_router(_accounts(world))
    app.include_router(_calendars(world))
    app.include_router(create_events_router(world))
    app.include_router(create_faults_router(world))
    app.include_router(create_channels_router(world))
    app.include_router(create_push_router(world.channels.courier))
    app.include_router(_tokens(world))
    app.include_router(_machine(world))
    app.include_router(_journals(world))

    @app.exception_handler(GoogleError)
    async def refused(request: Request, error: GoogleError) -> JSONResponse:
        del request
        return JSONResponse(error.body(), status_code=error.status)

    return app


def get_account(world: GoogleWorld, email: str) -> Account:
    account = world.accounts.get(email.lower())
    if account is None:
        raise HTTPException(404, f"no simulated account {email}")
    return account


def get_calendar(world: GoogleWorld, calendar_id: str) -> Calendar:
    calendar = world.find_calendar(calendar_id)
    if calendar is None:
        raise HTTPException(404, f"no calendar {calendar_id}")
    return calendar


def _zone(name: str) -> str:
    if find_zone(name) is None:
        raise HTTPException(422, f"unknown time zone {name}")
    return name


def _describe(world: GoogleWorld, account: Account) -> Json:
    calendars = [world.calendars[entry.calendar_id] for entry in account.entries.values() if not entry.deleted]
    return {
        "email": account.email,
        "name": account.name,
        "time_zone": account.time_zone,
        "workspace": account.workspace,
        "sub": account.sub,
        "calendars": [
            {
                "id": calendar.id,
                "summary": calendar.summary,
                "time_zone": calendar.time_zone,
                "role": calendar.role_of(account.email),
                "primary": calendar.id == account.email,
                "events": sum(not event.cancelled for event in calendar.events.values()),
            }
            for calendar in calendars
        ],
    }


def _accounts(world: GoogleWorld) -> APIRouter:
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.post("", status_code=201)
    async def create_account(body: NewAccount) -> Json:
        """A person with a mailbox and a primary calendar whose id is the address. Repeating it changes nothing."""
        account = world.accounts.get(body.email.lower()) or world.create_account(
            body.email, name=body.name, time_zone=_zone(body.time_zone), workspace=body.workspace
        )
        return _describe(world, account)

    @router.get("")
    async def list_accounts() -> list[Json]:
        return [_describe(world, account) for account in world.accounts.values()]

    @router.get("/{email}")
    async def show_account(email: str) -> Json:
        return _describe(world, get_account(world, email))

    _add_calendars(router, world)
    return router


def _add_calendars(router: APIRouter, world: GoogleWorld) -> None:
    @router.post("/{email}/calendars", status_code=201)
    async def add_calendar(email: str, body: NewCalendar) -> Json:
        """A further calendar. With a role below owner it belongs to nobody simulated, say a calendar of holidays."""
        account = get_account(world, email)
        calendar = world.create_calendar(
            account,
            summary=body.summary,
            time_zone=_zone(body.time_zone or account.time_zone),
            calendar_id=body.id,
            role=body.role,
        )
        return {"id": calendar.id, "summary": calendar.summary, "time_zone": calendar.time_zone, "role": body.role}

    @router.delete("/{email}/calendar-list/{calendar_id}", status_code=204)
    async def unlist_calendar(email: str, calendar_id: str) -> Response:
        """The person takes a calendar off their list; whoever may read it still may."""
        world.unlist(get_account(world, email), get_calendar(world, calendar_id).id)
        return Response(status_code=204)

    @router.post("/{email}/seed", status_code=201)
    async def seed(email: str, body: Seed) -> Json:
        """Fill the account with a working life around a date; the same seed gives the same events."""
        return seed_account(
            world, get_account(world, email), seed=body.seed, around=body.around, with_damage=body.with_damage
        )


def _calendars(world: GoogleWorld) -> APIRouter:
    router = APIRouter(prefix="/calendars/{calendar_id}", tags=["calendars"])

    @router.put("/access", status_code=204)
    async def share(calendar_id: str, body: Share) -> Response:
        """Set, raise, lower or (`none`) take away somebody's role. Ends the calendar's sync tokens, as on Google."""
        role: Role = body.role
        world.share(get_calendar(world, calendar_id), get_account(world, body.account), role)
        return Response(status_code=204)

    @router.get("/access")
    async def show_access(calendar_id: str) -> dict[str, str]:
        return dict(get_calendar(world, calendar_id).access)

    @router.patch("")
    async def change_calendar(calendar_id: str, body: CalendarChange) -> Json:
        """The owner renames the calendar or writes its description anew."""
        calendar = get_calendar(world, calendar_id)
        for name in body.model_fields_set:
            setattr(calendar, name, getattr(body, name))
        world.calendar_changed(calendar)
        return {"id": calendar.id, "summary": calendar.summary, "description": calendar.description}

    @router.delete("", status_code=204)
    async def delete_calendar(calendar_id: str) -> Response:
        """The owner deletes the calendar: it is gone for everybody."""
        world.delete_calendar(get_calendar(world, calendar_id))
        return Response(status_code=204)

    @router.post("/expire-sync-tokens", status_code=204)
    async def expire_calendar_tokens(calendar_id: str) -> Response:
        """Every sync token of this calendar answers 410 fullSyncRequired from now on."""
        get_calendar(world, calendar_id).generation += 1
        return Response(status_code=204)

    return router


def _tokens(world: GoogleWorld) -> APIRouter:
    router = APIRouter(tags=["tokens"])

    @router.post("/accounts/{email}/revoke")
    async def revoke_grants(email: str) -> Json:
        """The person removes every app's access: refresh answers invalid_grant, calls answer 401."""
        return {"revoked": world.grants.revoke_account(get_account(world, email).email)}

    @router.post("/expire-access-tokens")
    async def expire_access_tokens(account: str | None = None) -> Json:
        """Access tokens (of one account) end now; refresh tokens live."""
        return {"expired": world.grants.expire_access_tokens(account)}

    @router.post("/expire-sync-tokens", status_code=204)
    async def expire_sync_tokens(account: str | None = None) -> Response:
        """Sync tokens of all calendars (of one account) and of calendar lists end now."""
        _expire_sync_tokens(world, account)
        return Response(status_code=204)

    @router.put("/clients/{client_id}/redirect-uris")
    async def register_redirects(client_id: str, body: RedirectUris) -> Json:
        """Add redirect addresses to an OAuth client. Loopback addresses need no registration."""
        client = world.grants.clients.get(client_id)
        if client is None:
            raise HTTPException(404, f"no client {client_id}")
        client.redirect_uris |= set(body.redirect_uris)
        return {"client_id": client.id, "redirect_uris": sorted(client.redirect_uris)}

    return router


def _expire_sync_tokens(world: GoogleWorld, account: str | None) -> None:
    for calendar in world.calendars.values():
        if account is None or account in calendar.access:
            calendar.generation += 1
    for person in world.accounts.values():
        if account in {None, person.email}:
            person.list_generation += 1


def _machine(world: GoogleWorld) -> APIRouter:
    router = APIRouter(tags=["machine"])

    @router.get("/knobs")
    async def show_knobs() -> Json:
        return {name: _plain(value) for name, value in vars(world.knobs).items()}

    @router.patch("/knobs")
    async def turn_knobs(body: Knobs) -> Json:
        """Turn some; null gives back "no limit" where a knob has one."""
        _turn(world, body)
        return await show_knobs()

    @router.get("/clock")
    async def show_clock() -> Json:
        return {"now": world.clock.now().isoformat()}

    @router.post("/clock")
    async def change_clock(body: ClockChange) -> Json:
        _change_clock(world, body)
        return await show_clock()

    @router.post("/reset", status_code=204)
    async def reset() -> Response:
        """Forget accounts, calendars, grants, faults, journals, knobs and clock."""
        world.reset()
        return Response(status_code=204)

    return router


def _turn(world: GoogleWorld, body: Knobs) -> None:
    for name, value in body.model_dump(exclude_unset=True).items():
        span = isinstance(getattr(world.knobs, name), timedelta) or name == "refresh_token_lifetime"
        setattr(world.knobs, name, timedelta(seconds=value) if span and value is not None else value)
    if not world.knobs.conferences_pending:
        complete_conferences(world)


def _change_clock(world: GoogleWorld, body: ClockChange) -> None:
    if body.freeze is not None:
        world.clock.freeze(body.freeze)
    if body.run:
        world.clock.run()
    if body.advance is not None:
        world.clock.advance(timedelta(seconds=body.advance))


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _journals(world: GoogleWorld) -> APIRouter:
    router = APIRouter(tags=["journals"])

    @router.get("/ledger")
    async def ledger(  # noqa: PLR0917 - query parameters
        account: str | None = None,
        calendar: str | None = None,
        actor: str | None = None,
        operation: str | None = None,
        event_id: str | None = None,
        since: int = 0,
    ) -> list[Json]:
        """Every write, oldest first. `actor`: api (a client), human (this API) or propagation (a guest's copy)."""
        entries = world.ledger.select(
            since=since, account=account, calendar=calendar, actor=actor, operation=operation, event_id=event_id
        )
        return as_json(entries)

    @router.get("/requests")
    async def requests(account: str | None = None, method: str | None = None, since: int = 0) -> list[Json]:
        """Every HTTP request, tokens redacted; `status` null where the connection was dropped."""
        return as_json(world.requests.select(since=since, account=account, method=method))

    @router.get("/outbox")
    async def outbox(
        to: str | None = None, kind: str | None = None, event_id: str | None = None, since: int = 0
    ) -> list[Json]:
        """Mails Google would have sent: invitation, update, cancellation, reply."""
        return as_json(world.outbox.select(since=since, to=to, kind=kind, event_id=event_id))

    return router
