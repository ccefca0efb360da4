"""Deny by default: an application with an unguarded route does not start. And what each guard turns callers away with.

The one rule: a route asks who calls, or asks for a visitor's token, or says aloud that it is public.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.errors import AppError, BookingTokenInvalid, Forbidden, RateLimited, TokenExpired, Unauthenticated
from app.routers.dependencies import (
    account_eraser,
    account_exporter,
    audit_reader,
    authenticate,
    booking_writer,
    event_reader,
    form_writer,
    inbox_keeper,
    person,
    user_writer,
    visitor_token,
    webhook_writer,
)
from app.routers.rate_limits import LIMITS

_GUARDS = {authenticate, visitor_token}
_CHOOSY = {
    person, account_eraser, account_exporter, audit_reader, booking_writer, user_writer, event_reader, form_writer,
    inbox_keeper, webhook_writer,
}  # fmt: skip
"""They turn callers away whose token is good (403)."""
_RAISES: Final[Mapping[object, Collection[type[AppError]]]] = {
    authenticate: (Unauthenticated, TokenExpired),
    visitor_token: (BookingTokenInvalid,),
    **dict.fromkeys(_CHOOSY, (Forbidden,)),
    **dict.fromkeys((limit.dependency for limit in LIMITS), (RateLimited,)),
}
_PUBLIC: dict[str, Any] = {"security": []}


def check_guards(app: FastAPI) -> None:
    """Raises: RuntimeError, naming the first route that nothing guards."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            raise RuntimeError(f"{context.path} is no operation of the API")  # noqa: TRY004 - a mistake of ours
        if not _asks(route, _GUARDS) and route.openapi_extra != _PUBLIC:
            raise RuntimeError(f"{route.name} is neither guarded nor declared public")


def refusals_of_guards(app: FastAPI) -> Mapping[str, Collection[type[AppError]]]:
    """What the guards of each operation raise, by its id."""
    return {
        context.unique_id: {kind for call in _calls(context.original_route.dependant) for kind in _RAISES.get(call, ())}
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }


def _asks(route: APIRoute, guards: Collection[object]) -> bool:
    return any(call in guards for call in _calls(route.dependant))


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
