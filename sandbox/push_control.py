"""Deliveries and their faults by remote control, for any simulator. The one rule: the log is only read here."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.push import Courier, FaultKind, PushFault

SETTLED_WITHIN = timedelta(seconds=5)


class PushFaultBody(BaseModel):
    """`times` null: for ever. `watch` is the id of a channel or subscription; null: any. `ms` is for `delay`."""

    model_config = ConfigDict(extra="forbid")
    kind: FaultKind
    times: int | None = Field(default=1, ge=1)
    ms: int = Field(default=0, ge=0)
    watch: str | None = None

    @model_validator(mode="after")
    def _ends(self) -> "PushFaultBody":
        if self.kind == "reorder" and self.times is None:
            raise ValueError("how many notes to reorder must be said")
        return self


def create_push_router(courier: Courier) -> APIRouter:
    """What was sent and what shall go wrong."""
    router = APIRouter(prefix="/push", tags=["push"])
    _add_deliveries(router, courier)
    _add_faults(router, courier)
    return router


def _add_deliveries(router: APIRouter, courier: Courier) -> None:
    @router.get("/deliveries")
    async def deliveries(watch: str | None = None, since: int = 0, settled: bool = False) -> list[dict[str, Any]]:
        """Every attempt, oldest first; `settled` waits first until nothing is under way, five seconds at most."""
        if settled and not await courier.settle(SETTLED_WITHIN):
            raise HTTPException(504, "deliveries are still under way")
        found = [each for each in courier.attempts[since:] if watch is None or watch in each.watches]
        return [{**asdict(each), "at": each.at.isoformat()} for each in found]

    @router.delete("/deliveries")
    async def cancel() -> dict[str, int]:
        """End everything under way: what waits, what is late, what would be tried again."""
        return {"cancelled": courier.cancel()}


def _add_faults(router: APIRouter, courier: Courier) -> None:
    @router.post("/faults", status_code=201)
    async def add_fault(body: PushFaultBody) -> dict[str, Any]:
        return _show(courier.faults.add(body.kind, times=body.times, ms=body.ms, watch=body.watch))

    @router.get("/faults")
    async def list_faults() -> list[dict[str, Any]]:
        """The rules with how often each acted, and how many notes it holds back."""
        return [_show(rule) for rule in courier.faults.rules]

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> Response:
        """What was held back goes out."""
        courier.clear_faults()
        return Response(status_code=204)


def _show(rule: PushFault) -> dict[str, Any]:
    return {
        "id": rule.id,
        "kind": rule.kind,
        "times": rule.times,
        "ms": rule.ms,
        "watch": rule.watch,
        "fired": rule.fired,
        "held": len(rule.held),
    }
