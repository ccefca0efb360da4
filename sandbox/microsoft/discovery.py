"""What the identity platform tells of itself: its configuration, its keys, its clouds.

The one rule: every address in it is below wherever it is served, so a client that is given one finds all others. The
issuer alone is Microsoft's, as it stands in the tokens. https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

import json
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urlsplit

from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.microsoft import aadsts
from sandbox.microsoft.consent import signed_out_page
from sandbox.microsoft.scopes import IDENTITY
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import CONSUMERS, MicrosoftWorld

KEY_ID = "sandbox-microsoft"
_NO_STORE = {"cache-control": "no-store, no-cache", "pragma": "no-cache"}
_MICROSOFT = ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net")
_CLAIMS = "sub iss aud exp iat nbf name preferred_username nonce email oid tid ver"


def render(body: Json, status: int = 200) -> Response:
    content = json.dumps(body)
    return Response(content, status_code=status, media_type="application/json; charset=utf-8", headers=_NO_STORE)


class Discovery:
    """`is_tenant` knows the tenants there are."""

    def __init__(self, world: MicrosoftWorld, is_tenant: Callable[[str], bool]) -> None:
        self._world = world
        self._is_tenant = is_tenant

    @cached_property
    def key(self) -> RSAKey:
        """What identity tokens are signed with."""
        return RSAKey.generate_key(2048, parameters={"kid": KEY_ID, "use": "sig", "alg": "RS256"})

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/discovery/instance", self.instance, methods=["GET"]),
            Route("/{tenant}/discovery/v2.0/keys", self.keys, methods=["GET"]),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration, methods=["GET"]),
            Route("/{tenant}/oauth2/v2.0/logout", self.logout, methods=["GET"]),
        ]

    async def keys(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        return render({"keys": [self.key.as_dict(private=False)]})

    async def configuration(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        if not self._is_tenant(tenant):
            return render(aadsts.unknown_tenant(tenant).body(self._world.clock.now()), 400)
        root = _root(request)
        base = f"{root}/{tenant}"
        return render(
            {
                "issuer": f"https://login.microsoftonline.com/{self._told(tenant)}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "userinfo_endpoint": f"{root}/oidc/userinfo",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "response_types_supported": ["code"],
                "scopes_supported": sorted(IDENTITY),
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": _CLAIMS.split(),
                "request_uri_parameter_supported": False,
                "http_logout_supported": True,
                "cloud_instance_name": "microsoftonline.com",
                "msgraph_host": urlsplit(root).netloc,
            }
        )

    async def instance(self, request: Request) -> Response:
        """Whether an authority is one of Microsoft's: this one is, wherever it is served."""
        asked = urlsplit(request.query_params.get("authorization_endpoint", ""))
        here, host = request.url.netloc, request.url.hostname
        if request.query_params.get("api-version") not in {"1.0", "1.1"} or not asked.netloc:
            return render(aadsts.missing("authorization_endpoint").body(self._world.clock.now()), 400)
        if asked.hostname not in {host, *_MICROSOFT}:
            return render(aadsts.unknown_instance().body(self._world.clock.now()), 400)
        authority = asked.path.partition("/oauth2/")[0]
        found = f"{request.url.scheme}://{here}{authority}/v2.0/.well-known/openid-configuration"
        cloud = {"preferred_network": here, "preferred_cache": here, "aliases": [here]}
        return render({"tenant_discovery_endpoint": found, "api-version": "1.1", "metadata": [cloud]})

    async def logout(self, request: Request) -> Response:
        """Nobody stays signed in here, so there is only the way back."""
        back = request.query_params.get("post_logout_redirect_uri", "")
        if not any(client.allows(back) for client in self._world.grants.clients.values()):
            return signed_out_page()
        return RedirectResponse(back, status_code=302)

    def _told(self, tenant: str) -> str:
        """A tenant is told by its id, whatever name it was asked by."""
        name = tenant.lower()
        if name in {"common", "organizations"}:
            return "{tenantid}"
        people = self._world.accounts.values()
        found = (each.tenant for each in people if name == each.email.partition("@")[2])
        return CONSUMERS if name == "consumers" else next(found, name)


def _root(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
