"""Google's OAuth 2 endpoints: consent, tokens, revocation. Who somebody is, is told by `identity`.

The one rule: an error that concerns the redirect address or the client is shown, every other one is redirected.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.google.consent import consent_page, error_page
from sandbox.google.errors import OAuthError, render_json
from sandbox.google.grants import Client, CodeTerms, Issued
from sandbox.google.identity import AUTHORIZE_PATH, EMAIL_SCOPE, PROFILE_SCOPE, Identity
from sandbox.google.surface import CALENDAR_SCOPES, IDENTITY_SCOPES
from sandbox.google.times import Json
from sandbox.google.world import Account, GoogleWorld

# The console's `client_secrets.json` names the older paths, and clients written for them still reach Google.
_OLD_AUTHORIZE_PATH = "/o/oauth2/auth"
_OLD_TOKEN_PATHS = ("/o/oauth2/token", "/oauth2/v3/token", "/oauth2/v4/token")
_OLD_REVOKE_PATH = "/o/oauth2/revoke"
_NAMES = (
    "access_type client_id code_challenge code_challenge_method enable_granular_consent hd include_granted_scopes "
    "login_hint nonce prompt redirect_uri response_mode response_type scope state"
)
_AUTHORIZE_PARAMETERS = frozenset(_NAMES.split())
# Asked for by the short name, these come back by the long one.
_ALIASES = {"email": EMAIL_SCOPE, "profile": PROFILE_SCOPE}
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
        self._identity = Identity(world)

    def routes(self) -> list[Route]:
        return [
            *(Route(path, self.authorize, methods=["GET"]) for path in (AUTHORIZE_PATH, _OLD_AUTHORIZE_PATH)),
            Route(f"{AUTHORIZE_PATH}/decision", self.decide, methods=["POST"]),
            *(Route(path, self.token, methods=["POST"]) for path in ("/token", *_OLD_TOKEN_PATHS)),
            *(Route(path, self.revoke, methods=["POST"]) for path in ("/revoke", _OLD_REVOKE_PATH)),
            *self._identity.routes(),
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
        scopes = _long(fields.get("scope", ""))
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
            return grants.refresh(client, _required(form, "refresh_token"), _long(str(form.get("scope", ""))))
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
            body["id_token"] = self._identity.id_token(issued)
        return body

    async def revoke(self, request: Request) -> Response:
        """The token may come in the body or the query; either kind ends the whole grant."""
        form = await request.form()
        value = str(form.get("token") or request.query_params.get("token") or "")
        if not value:
            return render_json(OAuthError("invalid_request", "Missing required parameter: token").body(), 400)
        if not self._world.grants.revoke(value):
            return render_json(OAuthError("invalid_token", "Token expired or revoked").body(), 400)
        return render_json({})


def _long(scopes: str) -> tuple[str, ...]:
    """Each scope once, by its long name."""
    return tuple(dict.fromkeys(_ALIASES.get(scope, scope) for scope in scopes.split()))


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
