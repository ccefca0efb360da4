"""As whom a call is made. The one rule: an app without a person is nobody's `me`, and stays in its tenant.

There it may do what each mailbox's owner may, as far as its permissions go.
https://learn.microsoft.com/graph/auth-v2-service
"""

from collections.abc import Mapping

from starlette.requests import Request

from sandbox.microsoft import errors
from sandbox.microsoft.bodies import parse_json, read_bytes
from sandbox.microsoft.grants import AccessToken
from sandbox.microsoft.paths import path_below, read_path
from sandbox.microsoft.world import Account, MicrosoftWorld


async def acting_account(
    world: MicrosoftWorld, token: AccessToken, params: Mapping[str, str], request: Request
) -> Account:
    """The person of a token; for an app the one whose mailbox or subscription is named. Raises GraphError."""
    if token.tenant is None:
        return world.accounts[token.grant.account]
    path = path_below(request.scope, "/v1.0/")
    if path.partition("/")[0].lower() == "me":
        raise errors.delegated_only()
    user = params.get("user")
    if "subscription" in params:
        held = world.subscriptions.find(params["subscription"])
        user = held.account if held is not None and held.tenant == token.tenant else None
        if user is None:
            raise errors.subscription_not_found()
    elif user is None and request.method == "POST":
        user = await _watched(request)
    return _within(world, token.tenant, user)


async def _watched(request: Request) -> str:
    """Whose mailbox a new subscription watches. An app cannot say `me` here either."""
    body = parse_json(await read_bytes(request))
    resource = body.get("resource") if isinstance(body, dict) else None
    segments = [segment.text for segment in read_path(str(resource or ""))]
    if len(segments) < 2 or segments[0].lower() != "users":
        raise errors.delegated_only()
    return segments[1]


def _within(world: MicrosoftWorld, tenant: str, user: str | None) -> Account:
    """Somebody of the tenant; where nobody is named anybody."""
    if user is None:
        found = next((each for each in world.accounts.values() if each.tenant == tenant), None)
    else:
        found = world.find_account(user)
    if found is None or found.tenant != tenant:
        raise errors.user_not_found(user or "")
    return found
