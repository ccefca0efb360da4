"""Google's OAuth 2 endpoints: consent, tokens, revocation, identity.

The one rule: an error that concerns the redirect address or the client is shown, every other one is redirected.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.google import errors
from sandbox.google.consent import consent_page, error_page
from sandbox.google.errors import OAuthError, render_json
from sandbox.google.grants import Client, CodeTerms, Issued
from sandbox.google.surface import CALENDAR_SCOPES, IDENTITY_SCOPES
from sandbox.google.times import Json
from sandbox.google.world import Account, GoogleWorld

ISSUER = "https://accounts.google.com"
AUTHORIZE_PATH = "/o/oauth2/v2/auth"
_NAMES = (
    "access_type client_id code_challenge code_challenge_method enable_granular_consent hd include_granted_scopes "
    "login_hint nonce prompt redirect_uri response_mode response_type scope state"
)
_AUTHORIZE_PARAMETERS = frozenset(_NAMES.split())
# Asked for by the short name, these come back by the long one.
_ALIASES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_NO_STORE = {"cache-control": "no-cache, no-store, max-age=0, must-revalidate", "pragma": "no-cache"}


class Refused(Exception):
    """An authorization request that ends on a page."""

    def __init__(self, page: Response) -> None:
        super().__init__("refused")
        self.page = page


@dataclass(frozen=True)
class Authorization:
    """A checked authorization request."""

    fields: Mapping[str, str]
    client: Client
    scopes: tuple[str, ...]

    @property
    def prompts(self) -> frozenset[str]:
        return frozenset(self.fields.get("prompt", "").split())

    @property
    def include_granted(self) -> bool:
        return self.fields.get("include_granted_scopes") == "true"

    def terms(self, scopes: frozenset[str]) -> CodeTerms:
        return CodeTerms(
            redirect_uri=self.fields["redirect_uri"],
            scopes=scopes,
            offline=self.fields.get("access_type") == "offline",
            challenge=self.fields.get("code_challenge"),
            challenge_method=self.fields.get("code_challenge_method", "plain"),
            nonce=self.fields.get("nonce"),
        )

    def redirect(self, answer: Mapping[str, str]) -> Response:
        """Back to the client, with its state."""
        state = {"state": self.fields["state"]} if "state" in self.fields else {}
        target = self.fields["redirect_uri"]
        joint = "&" if urlsplit(target).query else "?"
        return RedirectResponse(f"{target}{joint}{urlencode({**state, **answer})}", status_code=302)


class OAuth:
    """The endpoints, over one world."""

    def __init__(self, world: GoogleWorld) -> None:
        self._world = world

    @cached_property
    def _key(self) -> RSAKey:
        return RSAKey.generate_key(2048, parameters={"kid": "sandbox-google", "use": "sig", "alg": "RS256"})

    def routes(self) -> list[Route]:
        return [
            Route(AUTHORIZE_PATH, self.authorize, methods=["GET"]),
            Route(f"{AUTHORIZE_PATH}/decision", self.decide, methods=["POST"]),
            Route("/token", self.token, methods=["POST"]),
            Route("/revoke", self.revoke, methods=["POST"]),
            Route("/oauth2/v3/certs", self.certificates, methods=["GET"]),
            Route("/v1/userinfo", self.userinfo, methods=["GET", "POST"]),
            Route("/oauth2/v3/userinfo", self.userinfo, methods=["GET", "POST"]),
            Route("/.well-known/openid-configuration", self.configuration, methods=["GET"]),
        ]

    # consent ------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        """Show the consent screen, or redirect at once where nothing is left to ask."""
        try:
            asked = self._check(dict(request.query_params))
        except Refused as refused:
            return refused.page
        account = self._world.accounts.get(asked.fields.get("login_hint", "").lower())
        if account is not None and self._consented(asked, account):
            return self._grant(asked, account, frozenset(asked.scopes), consented=False)
        if "none" in asked.prompts:
            return asked.redirect({"error": "interaction_required" if account else "login_required"})
        choosable = list(self._world.accounts.values())
        if account is not None and "select_account" not in asked.prompts:
            choosable = [account]
        return consent_page(
            action=f"{request.scope.get('root_path', '')}{AUTHORIZE_PATH}/decision",
            client_id=asked.client.id,
            accounts=[(each.email, each.name) for each in choosable],
            chosen=account.email if account else None,
            scopes=asked.scopes,
            fields=asked.fields,
        )

    def _consented(self, asked: Authorization, account: Account) -> bool:
        grant = self._world.grants.find(account.email, asked.client.id)
        quiet = not asked.prompts & {"consent", "select_account"}
        return quiet and grant is not None and set(asked.scopes) <= grant.scopes

    async def decide(self, request: Request) -> Response:
        """The person pressed a button. `granted_scope` holds the ticked boxes."""
        form = await request.form()
        try:
            asked = self._check({name: str(form[name]) for name in _AUTHORIZE_PARAMETERS if name in form})
        except Refused as refused:
            return refused.page
        if form.get("decision") != "allow":
            return asked.redirect({"error": "access_denied"})
        account = self._world.accounts.get(str(form.get("account", "")).lower())
        if account is None:
            return error_page("invalid_request", "Choose an account.")
        ticked = {str(scope) for scope in form.getlist("granted_scope")} | IDENTITY_SCOPES
        return self._grant(asked, account, frozenset(asked.scopes) & ticked, consented=True)

    def _grant(self, asked: Authorization, account: Account, scopes: frozenset[str], *, consented: bool) -> Response:
        if not scopes:
            return asked.redirect({"error": "access_denied"})
        code = self._world.grants.consent(
            account.email,
            asked.client.id,
            asked.terms(scopes),
            consented=consented,
            include_granted=asked.include_granted,
        )
        answer = {"code": code, "scope": " ".join(sorted(scopes)), "authuser": "0", "prompt": "consent"}
        if account.workspace:
            answer["hd"] = account.email.partition("@")[2]
        return asked.redirect(answer)

    def _check(self, fields: dict[str, str]) -> Authorization:
        client = self._world.grants.clients.get(fields.get("client_id", ""))
        if client is None:
            raise Refused(error_page("invalid_client", "The OAuth client was not found."))
        if not client.allows(fields.get("redirect_uri", "")):
            raise Refused(error_page("redirect_uri_mismatch", "The redirect URI does not match the registered ones."))
        scopes = tuple(dict.fromkeys(_ALIASES.get(scope, scope) for scope in fields.get("scope", "").split()))
        asked = Authorization(fields, client, scopes)
        unknown = sorted(fields.keys() - _AUTHORIZE_PARAMETERS)
        if unknown and self._world.knobs.strict:
            raise Refused(error_page("invalid_request", f"Parameter not allowed for this message type: {unknown[0]}"))
        if fields.get("response_type") != "code":
            raise Refused(error_page("unsupported_response_type", "Only the code flow is simulated."))
        bad = [scope for scope in scopes if scope not in CALENDAR_SCOPES and scope not in IDENTITY_SCOPES]
        if bad or not scopes:
            raise Refused(error_page("invalid_scope", f"Some requested scopes were invalid. {bad}"))
        if fields.get("code_challenge_method", "plain") not in {"S256", "plain"}:
            raise Refused(error_page("invalid_request", "Invalid code_challenge_method."))
        return asked

    # tokens -------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        form = await request.form()
        try:
            client = self._world.grants.authenticate(*_client_credentials(request, form))
            issued = self._exchange(client, form)
        except OAuthError as error:
            return render_json(error.body(), error.status, _NO_STORE)
        return render_json(self._token_body(issued), 200, _NO_STORE)

    def _exchange(self, client: Client, form: FormData) -> Issued:
        grant_type = form.get("grant_type")
        grants = self._world.grants
        if grant_type == "authorization_code":
            verifier = form.get("code_verifier")
            return grants.redeem(
                client,
                _required(form, "code"),
                _required(form, "redirect_uri"),
                str(verifier) if verifier is not None else None,
            )
        if grant_type == "refresh_token":
            return grants.refresh(client, _required(form, "refresh_token"), str(form.get("scope", "")).split())
        raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {grant_type or ''}")

    def _token_body(self, issued: Issued) -> Json:
        body: Json = {
            "access_token": issued.access_token,
            "expires_in": int(issued.lifetime.total_seconds()),
            "scope": " ".join(sorted(issued.scopes)),
            "token_type": "Bearer",
        }
        if issued.refresh_token is not None:
            body["refresh_token"] = issued.refresh_token
            lifetime = self._world.knobs.refresh_token_lifetime
            if lifetime is not None:
                body["refresh_token_expires_in"] = int(lifetime.total_seconds())
        if "openid" in issued.scopes:
            body["id_token"] = self._id_token(issued)
        return body

    def _id_token(self, issued: Issued) -> str:
        account = self._world.accounts[issued.grant.account]
        now = int(self._world.clock.now().timestamp())
        claims: Json = {
            "iss": ISSUER,
            "azp": issued.grant.client_id,
            "aud": issued.grant.client_id,
            "iat": now,
            "exp": now + 3600,
            **_identity(account, issued.scopes),
        }
        if issued.nonce is not None:
            claims["nonce"] = issued.nonce
        return jwt.encode({"alg": "RS256", "kid": "sandbox-google"}, claims, self._key)

    async def revoke(self, request: Request) -> Response:
        """The token may come in the body or the query; either kind ends the whole grant."""
        form = await request.form()
        value = str(form.get("token") or request.query_params.get("token") or "")
        if not value:
            return render_json(OAuthError("invalid_request", "Missing required parameter: token").body(), 400)
        if not self._world.grants.revoke(value):
            return render_json(OAuthError("invalid_token", "Token expired or revoked").body(), 400)
        return render_json({})

    # identity -----------------------------------------------------------------------------

    async def userinfo(self, request: Request) -> Response:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._world.grants.find_access(value) if scheme.lower() == "bearer" else None
        if token is None:
            refusal = errors.invalid_credentials()
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return render_json(body, refusal.status, refusal.headers)
        return render_json(_identity(self._world.accounts[token.grant.account], token.scopes))

    async def certificates(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        return render_json({"keys": [self._key.as_dict(private=False)]})

    async def configuration(self, request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        return render_json(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{base}{AUTHORIZE_PATH}",
                "token_endpoint": f"{base}/token",
                "userinfo_endpoint": f"{base}/v1/userinfo",
                "revocation_endpoint": f"{base}/revoke",
                "jwks_uri": f"{base}/oauth2/v3/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "code_challenge_methods_supported": ["plain", "S256"],
            }
        )


def _identity(account: Account, scopes: frozenset[str]) -> Json:
    """The claims the scopes open, OpenID Connect style."""
    claims: Json = {"sub": account.sub}
    if _ALIASES["email"] in scopes:
        claims |= {"email": account.email, "email_verified": True}
        if account.workspace:
            claims["hd"] = account.email.partition("@")[2]
    if _ALIASES["profile"] in scopes:
        claims["name"] = account.name
    return claims


def _client_credentials(request: Request, form: FormData) -> tuple[str, str]:
    """From the body or from a Basic header; both are allowed."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise OAuthError("invalid_client", "Unauthorized", 401) from None
        return client_id, secret
    if not form.get("client_id"):
        raise OAuthError("invalid_request", "Could not determine client ID from request.")
    return str(form["client_id"]), str(form.get("client_secret", ""))


def _required(form: FormData, name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"Missing required parameter: {name}")
    return str(value)
