"""The control API of the simulated Microsoft cloud: the hands of whoever runs an experiment. JSON, no authentication.

The one rule: it does only what a person, an administrator or bad luck could do to a real mailbox; nothing here reaches
into what a client sees.
"""

from datetime import date
from typing import Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.microsoft.control_events import create_events_router
from sandbox.microsoft.control_faults import create_faults_router
from sandbox.microsoft.control_machine import create_journals_router, create_machine_router
from sandbox.microsoft.control_push import create_subscriptions_router
from sandbox.microsoft.errors import GraphError
from sandbox.microsoft.grants import Trouble
from sandbox.microsoft.outlook import Outlook
from sandbox.microsoft.render import render_calendar
from sandbox.microsoft.seed import seed_account
from sandbox.microsoft.times import Json
from sandbox.microsoft.views import live_items
from sandbox.microsoft.world import Account, MicrosoftWorld
from sandbox.microsoft.zones import windows_name
from sandbox.push_control import create_push_router

RoleName = Literal[
    "none",
    "freeBusyRead",
    "limitedRead",
    "read",
    "write",
    "delegateWithoutPrivateEventAccess",
    "delegateWithPrivateEventAccess",
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAccount(Body):
    """`work` false: a personal Microsoft account. The zone may be told by a Windows or an IANA name."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    name: str
    time_zone: str = "W. Europe Standard Time"
    work: bool = True


class NewCalendar(Body):
    name: str
    color: str = "auto"


class NewName(Body):
    name: str


class Share(Body):
    account: str
    role: RoleName


class Seed(Body):
    profile: Literal["busy_professional"] = "busy_professional"
    seed: int = 1
    around: date


class TroubleBody(Body):
    """What befalls an account's grants; null ends it."""

    kind: Trouble | None


class AdminConsent(Body):
    required: bool


class RedirectUris(Body):
    redirect_uris: list[str]


def create_control(world: MicrosoftWorld) -> FastAPI:
    """The control API over `world`; mounted at /control/microsoft by the sandbox."""
    app = FastAPI(title="Simulated Microsoft: control", docs_url=None, redoc_url=None)
    app.include_router(_accounts(world))
    app.include_router(_calendars(world))
    app.include_router(create_events_router(world))
    app.include_router(create_faults_router(world))
    app.include_router(create_subscriptions_router(world))
    app.include_router(create_push_router(world.subscriptions.courier))
    app.include_router(_grants(world))
    app.include_router(_endings(world))
    app.include_router(create_machine_router(world))
    app.include_router(create_journals_router(world))

    @app.exception_handler(GraphError)
    async def refused(request: Request, error: GraphError) -> JSONResponse:
        del request
        return JSONResponse({"error": {"code": error.code, "message": error.message}}, status_code=error.status)

    return app


def get_account(world: MicrosoftWorld, email: str) -> Account:
    account = world.accounts.get(email.lower())
    if account is None:
        raise HTTPException(404, f"no simulated account {email}")
    return account


def _describe(account: Account) -> Json:
    return {
        "email": account.email,
        "name": account.name,
        "time_zone": account.time_zone,
        "work": account.work,
        "oid": account.oid,
        "tid": account.tenant,
        "calendars": [
            {
                **render_calendar(calendar, account),
                "role": calendar.role_of(account),
                "events": len(live_items(calendar)),
            }
            for calendar in account.calendars
        ],
    }


def _accounts(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.post("", status_code=201)
    async def create_account(body: NewAccount) -> Json:
        """A person with a mailbox and its default calendar. Repeating it changes nothing."""
        zone = windows_name(body.time_zone)
        if zone is None:
            raise HTTPException(422, f"unknown time zone {body.time_zone}")
        account = world.accounts.get(body.email.lower()) or world.create_account(
            body.email, name=body.name, time_zone=zone, work=body.work
        )
        return _describe(account)

    @router.get("")
    async def list_accounts() -> list[Json]:
        return [_describe(account) for account in world.accounts.values()]

    @router.get("/{email}")
    async def show_account(email: str) -> Json:
        return _describe(get_account(world, email))

    @router.post("/{email}/seed")
    async def seed(email: str, body: Seed) -> Json:
        """Fill the account with a working life around a date; the same seed gives the same events."""
        return seed_account(world, get_account(world, email), seed=body.seed, around=body.around)

    return router


def _calendars(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(prefix="/accounts/{email}/calendars", tags=["calendars"])

    @router.post("", status_code=201)
    async def create_calendar(email: str, body: NewCalendar) -> Json:
        """A further calendar of the person."""
        account = get_account(world, email)
        return render_calendar(world.create_calendar(account, name=body.name, color=body.color), account)

    @router.patch("/{calendar_id}")
    async def rename_calendar(email: str, calendar_id: str, body: NewName) -> Json:
        """The owner renames it."""
        account = get_account(world, email)
        calendar = Outlook(world, account).calendar(calendar_id)
        calendar.name, calendar.version = body.name, world.next_version()
        return render_calendar(calendar, account)

    @router.put("/{calendar_id}/access")
    async def share_calendar(email: str, calendar_id: str, body: Share) -> Json:
        """Set somebody's role. Answers with the calendar as that person sees it, or {} with role `none`."""
        calendar = Outlook(world, get_account(world, email)).calendar(calendar_id)
        other = get_account(world, body.account)
        world.share(calendar, other, body.role)
        return {} if body.role == "none" else render_calendar(calendar, other)

    @router.delete("/{calendar_id}", status_code=204)
    async def delete_calendar(email: str, calendar_id: str) -> Response:
        """The owner deletes it, for everybody."""
        calendar = Outlook(world, get_account(world, email)).calendar(calendar_id)
        if calendar.default:
            raise HTTPException(409, "the default calendar cannot be deleted")
        calendar.deleted = True
        return Response(status_code=204)

    @router.post("/{calendar_id}/expire-delta-tokens", status_code=204)
    async def expire_calendar_tokens(email: str, calendar_id: str) -> Response:
        """Every delta token of this calendar answers 410 SyncStateNotFound from now on."""
        Outlook(world, get_account(world, email)).calendar(calendar_id).generation += 1
        return Response(status_code=204)

    return router


def _grants(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(tags=["grants"])

    @router.post("/accounts/{email}/trouble")
    async def trouble(email: str, body: TroubleBody) -> Json:
        """Sessions revoked, consent removed, MFA demanded, account disabled: each has its own refusal."""
        account = get_account(world, email)
        return {"grants": world.grants.trouble_account(account.email, body.kind)}

    @router.get("/accounts/{email}/refresh-tokens")
    async def count_refresh_tokens(email: str) -> Json:
        """How many refresh tokens were given out: one more at every use."""
        return {"issued": world.grants.refresh_token_count(get_account(world, email).email)}

    @router.put("/tenants/{domain}/admin-consent")
    async def require_admin_consent(domain: str, body: AdminConsent) -> Json:
        """Whether the people of a domain need their administrator's consent to use an app."""
        tenants = {each.tenant for each in world.accounts.values() if each.email.endswith(f"@{domain.lower()}")}
        if not tenants:
            raise HTTPException(404, f"nobody of {domain}")
        if body.required:
            world.closed_tenants |= tenants
        else:
            world.closed_tenants -= tenants
        return {"domain": domain, "required": body.required}

    return router


def _endings(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(tags=["tokens"])

    @router.post("/expire-access-tokens")
    async def expire_access_tokens(account: str | None = None) -> Json:
        """Access tokens (of one account) end now; refresh tokens live."""
        return {"expired": world.grants.expire_access_tokens(account)}

    @router.post("/expire-delta-tokens", status_code=204)
    async def expire_delta_tokens(account: str | None = None) -> Response:
        """Delta tokens of all calendars (of one account) end now."""
        for person in world.accounts.values():
            if account in {None, person.email}:
                for calendar in person.calendars:
                    calendar.generation += 1
        return Response(status_code=204)

    @router.put("/clients/{client_id}/redirect-uris")
    async def register_redirects(client_id: str, body: RedirectUris) -> Json:
        """Add redirect addresses to an app registration. Loopback addresses need none."""
        client = world.grants.clients.get(client_id)
        if client is None:
            raise HTTPException(404, f"no client {client_id}")
        client.redirect_uris |= set(body.redirect_uris)
        return {"client_id": client.id, "redirect_uris": sorted(client.redirect_uris)}

    return router
