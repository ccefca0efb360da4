"""Knobs, clock and journals by remote control. The one rule: journals are read here and never written."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sandbox.ledger import as_json
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import MicrosoftWorld


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Knobs(Body):
    """Every knob of `sandbox.microsoft.knobs.Knobs`; what is left out stays. Spans are in seconds."""

    strict: bool | None = None
    page_size_cap: int | None = None
    delta_token_max_age: float | None = None
    delta_token_max_changes: int | None = None
    repeat_across_pages: bool | None = None
    keep_declined_events: bool | None = None
    access_token_lifetime: float | None = None
    refresh_token_lifetime: float | None = None
    revoke_old_refresh_tokens: bool | None = None
    scopes_as_uris: bool | None = None
    mailbox_concurrency: int | None = None
    requests_per_ten_minutes: int | None = None
    retry_after: int | None = None
    service_time: float | None = None
    push_timeout: float | None = None
    push_attempts: int | None = None
    push_backoff: float | None = None
    push_settle: float | None = None
    push_batch: int | None = None
    push_http_to_loopback: bool | None = None
    push_authority: str | None = None
    validation_timeout: float | None = None
    subscription_lifetime_min: float | None = None
    subscription_lifetime_max: float | None = None
    subscriptions_per_mailbox: int | None = None


class ClockChange(Body):
    """`advance` in seconds (negative: a skew); `freeze` stops time at an instant, `run` lets it go on."""

    advance: float | None = None
    freeze: datetime | None = None
    run: bool = False


def create_machine_router(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(tags=["machine"])

    @router.get("/knobs")
    async def show_knobs() -> Json:
        return {name: _plain(value) for name, value in vars(world.knobs).items()}

    @router.patch("/knobs")
    async def turn_knobs(body: Knobs) -> Json:
        """Turn some; null gives back "no limit" where a knob has one."""
        for name, value in body.model_dump(exclude_unset=True).items():
            span = isinstance(getattr(world.knobs, name), timedelta)
            setattr(world.knobs, name, timedelta(seconds=value) if span else value)
        return await show_knobs()

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
        """Forget accounts, calendars, grants, faults, journals, knobs and clock."""
        world.reset()
        return Response(status_code=204)

    return router


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def create_journals_router(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(tags=["journals"])

    @router.get("/ledger")
    async def ledger(  # noqa: PLR0917 - query parameters
        account: str | None = None,
        calendar: str | None = None,
        actor: str | None = None,
        operation: str | None = None,
        event_id: str | None = None,
        transaction: str | None = None,
        since: int = 0,
    ) -> list[Json]:
        """Every write, oldest first. `actor`: api (a client), human (this API) or propagation (a guest's copy).

        Ids of events are immutable ids. `key` holds the `transactionId` and the extended properties.
        """
        entries = world.ledger.select(
            since=since, account=account, calendar=calendar, actor=actor, operation=operation, event_id=event_id
        )
        if transaction is not None:
            entries = [entry for entry in entries if entry.key.get("transactionId") == transaction]
        return as_json(entries)

    @router.get("/requests")
    async def requests(account: str | None = None, method: str | None = None, since: int = 0) -> list[Json]:
        """Every HTTP request, tokens redacted; `status` null where the connection was dropped."""
        return as_json(world.requests.select(since=since, account=account, method=method))

    @router.get("/outbox")
    async def outbox(
        to: str | None = None, kind: str | None = None, event_id: str | None = None, since: int = 0
    ) -> list[Json]:
        """Mails Exchange would have sent: invitation, update, cancellation, reply."""
        return as_json(world.outbox.select(since=since, to=to, kind=kind, event_id=event_id))

    return router
