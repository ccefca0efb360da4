"""The control API of simulated Exchange: the hands of whoever runs an experiment. JSON, no authentication.

The one rule: it does only what a person, an administrator or bad luck could do to a real server; nothing here reaches
into what a client sees.
"""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, AwareDatetime, Field

from sandbox.exchange.control_bodies import Body
from sandbox.exchange.control_faults import create_faults_router
from sandbox.exchange.control_items import (
    Json,
    as_problem,
    copy_of,
    create_items_router,
    find_calendar,
    find_mailbox,
)
from sandbox.exchange.errors import Refusal
from sandbox.exchange.seed import seed_mailbox
from sandbox.exchange.versions import SERVERS
from sandbox.exchange.world import EVERYBODY, LEVELS, ExchangeWorld, Folder, Level, Mailbox
from sandbox.exchange.zones import known_ids, zone_of_iana
from sandbox.ledger import as_json
from sandbox.push_control import create_push_router


def _zone(name: str) -> str:
    try:
        zone_of_iana(name)
    except (KeyError, ValueError) as error:
        raise ValueError(f"unknown time zone {name}") from error
    return name


def _level(name: str) -> str:
    if name not in LEVELS:
        raise ValueError(f"unknown level {name}; known: {', '.join(LEVELS)}")
    return name


_SPANS = frozenset({"service_time", "sync_state_max_age", "heartbeat", "push_timeout", "push_backoff", "push_settle"})
TimeZone = Annotated[str, AfterValidator(_zone)]
# NTLM's password file is separated by colons and lines.
Password = Annotated[str, Field(pattern=r"^[^:\r\n]+$")]
Email = Annotated[str, Field(pattern=r"^[^@\s:]+@[^@\s:]+\.[^@\s:]+$")]


class NewAccount(Body):
    """`mailbox` false: an account of the directory only. `may_impersonate`: it has ApplicationImpersonation."""

    email: Email
    name: str
    password: Password = "sandbox-password"
    time_zone: TimeZone = "Europe/Stockholm"
    aliases: tuple[Email, ...] = ()
    mailbox: bool = True
    may_impersonate: bool = False


class AccountChange(Body):
    password: Password | None = None
    may_impersonate: bool | None = None
    enabled: bool | None = None
    forget_logons: bool = False


class NewCalendar(Body):
    name: str
    parent: str = "calendar"


class Share(Body):
    """`account` is an address, or `Default` for everybody else in the organisation."""

    account: str
    level: Annotated[str, AfterValidator(_level)]


class Knobs(Body):
    """The knobs of `sandbox.exchange.knobs.Knobs`; what is left out stays. Spans are in seconds.

    How often a push is tried its subscription says.
    """

    authentication: list[Literal["basic", "ntlm", "negotiate"]] | None = None
    lockout_threshold: int | None = None
    impersonation: bool | None = None
    max_concurrency: int | None = None
    service_time: float | None = None
    max_subscriptions: int | None = None
    max_streams: int | None = None
    heartbeat: float | None = None
    find_count_limit: int | None = None
    sync_changes_cap: int | None = None
    sync_state_max_age: float | None = None
    calendar_view_max_days: int | None = None
    free_busy_max_days: int | None = None
    free_busy_max_mailboxes: int | None = None
    max_request_bytes: int | None = None
    push_timeout: float | None = None
    push_backoff: float | None = None
    push_settle: float | None = None
    push_authority: str | None = None


class ClockChange(Body):
    """`advance` in seconds (negative: a skew); `freeze` stops time at an instant, `run` lets it go on."""

    advance: float | None = None
    freeze: AwareDatetime | None = None
    run: bool = False


class Seed(Body):
    profile: Literal["busy_professional"] = "busy_professional"
    seed: int = 1
    around: date
    with_damage: bool = False


class Version(Body):
    version: str


def create_control(world: ExchangeWorld) -> FastAPI:
    """The control API over `world`; mounted at /control/exchange by the sandbox."""
    app = FastAPI(title="Simulated Exchange: control", docs_url=None, redoc_url=None)
    app.include_router(_accounts(world))
    app.include_router(_calendars(world))
    app.include_router(create_items_router(world))
    app.include_router(create_faults_router(world))
    app.include_router(create_push_router(world.pusher))
    app.include_router(_machine(world))
    app.include_router(_journals(world))

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> JSONResponse:
        del request
        return JSONResponse(as_problem(error), status_code=409)

    return app


def _describe(mailbox: Mailbox) -> Json:
    calendars = [folder for folder in mailbox.folders.values() if folder.is_calendar]
    return {
        "email": mailbox.email,
        "name": mailbox.name,
        "aliases": list(mailbox.aliases),
        "time_zone": mailbox.zone.id,
        "mailbox": mailbox.enabled,
        "may_impersonate": mailbox.may_impersonate,
        "logons": mailbox.logons,
        "failed_logons": mailbox.failed_logons,
        "calendars": [_describe_calendar(folder) for folder in calendars],
    }


def _describe_calendar(folder: Folder) -> Json:
    bin_ = folder.mailbox.distinguished("deleteditems")
    return {
        "id": folder.id,
        "name": folder.name,
        "primary": folder.distinguished == "calendar",
        "in_bin": bin_ is not None and folder.parent == bin_.number,
        "items": len(folder.items),
        "permissions": dict(folder.permissions),
    }


def _accounts(world: ExchangeWorld) -> APIRouter:
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.post("", status_code=201)
    async def create_account(body: NewAccount) -> Json:
        """A person with a mailbox and a calendar. Repeating it changes nothing."""
        mailbox = world.mailboxes.get(body.email.lower()) or world.create_mailbox(
            body.email,
            name=body.name,
            password=body.password,
            time_zone=body.time_zone,
            aliases=body.aliases,
            enabled=body.mailbox,
            may_impersonate=body.may_impersonate,
        )
        return _describe(mailbox)

    @router.get("")
    async def list_accounts() -> list[Json]:
        return [_describe(mailbox) for mailbox in world.mailboxes.values()]

    @router.get("/{email}")
    async def show_account(email: str) -> Json:
        """With how often the account signed in, and how often with a wrong password."""
        return _describe(find_mailbox(world, email))

    _add_administration(router, world)
    return router


def _add_administration(router: APIRouter, world: ExchangeWorld) -> None:
    @router.patch("/{email}")
    async def change_account(email: str, body: AccountChange) -> Json:
        """What an administrator does: a new password, impersonation, a mailbox disabled or enabled again."""
        mailbox = find_mailbox(world, email)
        for name in ("password", "may_impersonate", "enabled"):
            if getattr(body, name) is not None:
                setattr(mailbox, name, getattr(body, name))
        if body.forget_logons:
            mailbox.logons = mailbox.failed_logons = 0
        return _describe(mailbox)

    @router.post("/{email}/seed", status_code=201)
    async def seed(email: str, body: Seed) -> Json:
        """Fill the mailbox with a working life around a date; the same seed gives the same items."""
        mailbox = find_mailbox(world, email)
        return seed_mailbox(world, mailbox, seed=body.seed, around=body.around, with_damage=body.with_damage)

    @router.get("/{email}/copy")
    async def show_copy(email: str, uid: str) -> Json:
        """The person's own copy of a meeting."""
        return copy_of(world, email, uid)


def _calendars(world: ExchangeWorld) -> APIRouter:
    router = APIRouter(prefix="/accounts/{email}/calendars", tags=["calendars"])

    @router.post("", status_code=201)
    async def add_calendar(email: str, body: NewCalendar) -> Json:
        mailbox = find_mailbox(world, email)
        parent = find_calendar(mailbox, body.parent)
        return _describe_calendar(world.create_folder(mailbox, body.name, "IPF.Appointment", parent.number))

    @router.put("/permissions", status_code=204)
    async def share(email: str, body: Share, calendar: str = "calendar") -> Response:
        """Set, raise, lower or (`None`) take away what somebody may do with a calendar."""
        folder = find_calendar(find_mailbox(world, email), calendar)
        level: Level = body.level  # type: ignore[assignment]
        folder.permissions[body.account if body.account == EVERYBODY else body.account.lower()] = level
        return Response(status_code=204)

    @router.delete("", status_code=204)
    async def delete_calendar(email: str, calendar: str, to_bin: bool = False) -> Response:
        """For good; or `to_bin`, as Outlook does it: the folder keeps its id and what is on it."""
        folder = find_calendar(find_mailbox(world, email), calendar)
        if folder.distinguished is not None:
            raise HTTPException(409, "a mailbox keeps its own calendar")
        bin_ = folder.mailbox.distinguished("deleteditems")
        if to_bin and bin_ is not None:
            world.move_folder(folder, bin_)
        else:
            world.delete_folder(folder)
        return Response(status_code=204)

    @router.patch("")
    async def rename_calendar(email: str, calendar: str, name: str) -> Json:
        folder = find_calendar(find_mailbox(world, email), calendar)
        folder.name = name
        world.touch_folder(folder)
        return _describe_calendar(folder)

    return router


def _machine(world: ExchangeWorld) -> APIRouter:
    router = APIRouter(tags=["machine"])

    @router.get("/version")
    async def show_version() -> Json:
        build = ".".join(str(part) for part in world.server.build)
        return {"version": world.server.schema, "build": build, "known": list(SERVERS)}

    @router.put("/version")
    async def change_version(body: Version) -> Json:
        """Another version of the server answers from now on, as after an upgrade or behind a load balancer."""
        if body.version not in SERVERS:
            raise HTTPException(422, f"unknown version {body.version}; known: {', '.join(SERVERS)}")
        world.server = SERVERS[body.version]
        return await show_version()

    @router.post("/expire-sync-states", status_code=204)
    async def expire_sync_states(account: str | None = None) -> Response:
        """Sync states (of one account) answer ErrorInvalidSyncStateData from now on, as after a mailbox was moved."""
        for mailbox in world.mailboxes.values():
            if account is None or mailbox is world.find_mailbox(account):
                mailbox.sync_generation += 1
        return Response(status_code=204)

    @router.post("/forget-subscriptions", status_code=204)
    async def forget_subscriptions(account: str | None = None) -> Response:
        """Subscriptions (of one account) are not found any more, as after a restart of the web service."""
        world.subscriptions.forget(account.lower() if account is not None else None)
        return Response(status_code=204)

    @router.get("/time-zones")
    async def show_zones() -> dict[str, str]:
        """The Windows names this server knows, and the IANA zone behind each."""
        return known_ids()

    _add_knobs(router, world)
    _add_clock(router, world)
    return router


def _add_knobs(router: APIRouter, world: ExchangeWorld) -> None:
    @router.get("/knobs")
    async def show_knobs() -> Json:
        return {name: _plain(value) for name, value in vars(world.knobs).items()}

    @router.patch("/knobs")
    async def turn_knobs(body: Knobs) -> Json:
        """Turn some; null gives back "no limit" where a knob has one."""
        for name, value in body.model_dump(exclude_unset=True).items():
            span = name in _SPANS and value is not None
            setattr(world.knobs, name, timedelta(seconds=value) if span else value)
        return await show_knobs()


def _add_clock(router: APIRouter, world: ExchangeWorld) -> None:
    @router.get("/clock")
    async def show_clock() -> Json:
        return {"now": world.clock.now().isoformat()}

    @router.post("/clock")
    async def change_clock(body: ClockChange) -> Json:
        if body.freeze is not None:
            world.clock.freeze(body.freeze)
        if body.run:
            world.clock.run()
        if body.advance is not None:
            world.clock.advance(timedelta(seconds=body.advance))
        return await show_clock()

    @router.post("/reset", status_code=204)
    async def reset() -> Response:
        """Forget accounts, items, faults, journals, knobs, version and clock."""
        world.reset()
        return Response(status_code=204)


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _journals(world: ExchangeWorld) -> APIRouter:
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
    async def requests(account: str | None = None, since: int = 0) -> list[Json]:
        """Every HTTP request, with its operation; `status` null where the connection was dropped."""
        return as_json(world.requests.select(since=since, account=account))

    @router.get("/outbox")
    async def outbox(
        to: str | None = None, kind: str | None = None, event_id: str | None = None, since: int = 0
    ) -> list[Json]:
        """Mails Exchange would have sent: invitation, update, cancellation, reply."""
        return as_json(world.outbox.select(since=since, to=to, kind=kind, event_id=event_id))

    return router
