"""Faults by remote control. The one rule: a rule is checked when it is made, not when it should have fired."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sandbox.faults import Action, Match, Rule
from sandbox.microsoft.faults import KINDS
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import MicrosoftWorld


def _pattern(value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"not a pattern: {error}") from error
    return value


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind}; known: {', '.join(sorted(KINDS))}")
    return kind


Pattern = Annotated[str | None, AfterValidator(_pattern)]


class MatchBody(BaseModel):
    """Which requests: patterns are searched for, `nth` counts from 1 after `after` matches have passed."""

    model_config = ConfigDict(extra="forbid")
    method: str | None = None
    path: Pattern = None
    query: Pattern = None
    account: str | None = None
    nth: int | None = Field(default=None, ge=1)
    after: int = Field(default=0, ge=0)


class ActionBody(BaseModel):
    """What happens: `kind` is an action on the wire or one of Microsoft's refusals (see `sandbox.microsoft.faults`)."""

    model_config = ConfigDict(extra="forbid")
    kind: Annotated[str, AfterValidator(_known)]
    ms: int = 0
    status: int = 503
    headers: dict[str, str] = {}
    body: str | None = None
    retry_after: int | None = None
    retry_after_date: bool = False


class RuleBody(BaseModel):
    """`times` null: for ever."""

    model_config = ConfigDict(extra="forbid")
    match: MatchBody = MatchBody()
    action: ActionBody
    times: int | None = 1


def create_faults_router(world: MicrosoftWorld) -> APIRouter:
    router = APIRouter(prefix="/faults", tags=["faults"])

    @router.post("", status_code=201)
    async def add_fault(body: RuleBody) -> Json:
        rule = world.faults.add(
            Match(**body.match.model_dump()), Action(**body.action.model_dump(mode="python")), body.times
        )
        return _show(rule)

    @router.get("")
    async def list_faults() -> list[Json]:
        """The rules, with how many requests each has seen and how often it acted."""
        return [_show(rule) for rule in world.faults.rules]

    @router.delete("", status_code=204)
    async def clear_faults() -> Response:
        world.faults.clear()
        return Response(status_code=204)

    @router.delete("/{rule_id}", status_code=204)
    async def remove_fault(rule_id: int) -> Response:
        if not world.faults.remove(rule_id):
            raise HTTPException(404, f"no rule {rule_id}")
        return Response(status_code=204)

    return router


def _show(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "match": vars(rule.match),
        "action": vars(rule.action),
        "times": rule.times,
        "seen": rule.seen,
        "fired": rule.fired,
    }
