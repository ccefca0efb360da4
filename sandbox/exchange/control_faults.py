"""Faults by remote control. The one rule: a rule is checked when it is made, not when it should have fired."""

import re
from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sandbox.exchange.faults import KINDS
from sandbox.exchange.versions import SERVERS
from sandbox.exchange.world import ExchangeWorld
from sandbox.faults import Action, Match, Rule


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
    """Which requests. `operation` is a SOAP operation (`CreateItem`), `mailbox` the impersonated address, `account` who
    signed in; `nth` counts from 1 after `after` matches have passed. Requests that are not signed in never match.
    """

    model_config = ConfigDict(extra="forbid")
    operation: str | None = Field(default=None, pattern=r"^\w+$")
    mailbox: str | None = None
    path: Pattern = None
    query: Pattern = None
    account: str | None = None
    nth: int | None = Field(default=None, ge=1)
    after: int = Field(default=0, ge=0)


class ActionBody(BaseModel):
    """What happens: `kind` is an action on the wire or one of Exchange's (see sandbox/exchange/faults.py).

    `code` is the response code of `soap_fault`, `item_error` and `free_busy_error`, the version of
    `version_downgrade` and the error of `cas_error`; `back_off_ms` goes with `soap_fault` and `server_busy`.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Annotated[str, AfterValidator(_known)]
    ms: int = 0
    status: int = 503
    headers: dict[str, str] = {}
    body: str | None = None
    code: str | None = None
    back_off_ms: int | None = None
    retry_after: int | None = None
    retry_after_date: bool = False

    @model_validator(mode="after")
    def _names_a_version(self) -> Self:
        if self.kind == "version_downgrade" and self.code is not None and self.code not in SERVERS:
            raise ValueError(f"unknown version {self.code}; known: {', '.join(SERVERS)}")
        return self

    def action(self) -> Action:
        given = self.model_dump(exclude={"code", "back_off_ms"})
        given["body"] = self.code if self.code is not None else self.body
        given["ms"] = self.back_off_ms if self.back_off_ms is not None else self.ms
        return Action(**given)


class RuleBody(BaseModel):
    """`times` null: for ever."""

    model_config = ConfigDict(extra="forbid")
    match: MatchBody = MatchBody()
    action: ActionBody
    times: int | None = 1


def _match(body: MatchBody) -> Match:
    """The shared rule's match; operation and mailbox are found in the query the simulator writes for it."""
    parts = [body.query] if body.query else []
    if body.operation is not None:
        parts.append(rf"^op={body.operation}(&|$)")
    if body.mailbox is not None:
        parts.append(rf"(^|&)mailbox={re.escape(body.mailbox.lower())}(&|$)")
    query = "".join(f"(?=.*{part.removeprefix('^')})" for part in parts) or None
    return Match(path=body.path, query=query, account=body.account, nth=body.nth, after=body.after)


def create_faults_router(world: ExchangeWorld) -> APIRouter:
    router = APIRouter(prefix="/faults", tags=["faults"])

    @router.post("", status_code=201)
    async def add_fault(body: RuleBody) -> dict[str, Any]:
        return _show(world.faults.add(_match(body.match), body.action.action(), body.times))

    @router.get("")
    async def list_faults() -> list[dict[str, Any]]:
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
