"""The identity platform's endpoints: consent and tokens.

The one rule: an error that concerns the app, its redirect address or the person's tenant is shown, every other one is
sent back. What a client sends beyond the known is passed over, as RFC 6749 (3.1) has it: MSAL sends its own telemetry.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.microsoft import aadsts
from sandbox.microsoft.aadsts import OAuthError
from sandbox.microsoft.consent import consent_page, error_page, posting_page
from sandbox.microsoft.discovery import KEY_ID, Discovery, render
from sandbox.microsoft.grants import Client, CodeTerms, Issued
from sandbox.microsoft.scopes import APPLICATION, asks_for_all, known, spelt, told
from sandbox.microsoft.times import Json
from sandbox.microsoft.world import CONSUMERS, Account, MicrosoftWorld

_NAMES = (
    "client_id code_challenge code_challenge_method domain_hint login_hint nonce prompt redirect_uri response_mode "
    "response_type scope state"
)
_AUTHORIZE_PARAMETERS = frozenset(_NAMES.split())
_PROMPTS = frozenset({"login", "none", "consent", "select_account"})


class Refused(Exception):
    """An authorization request that ends on a page."""

    def __init__(self, page: Response) -> None:
        super().__init__("refused")
        self.page = page


@dataclass(frozen=True)
class Authorization:
    """A checked authorization request."""

    tenant: str
    fields: Mapping[str, str]
    client: Client
    scopes: tuple[str, ...]

    @property
    def prompt(self) -> str | None:
        return self.fields.get("prompt")

    def terms(self) -> CodeTerms:
        return CodeTerms(
            redirect_uri=self.fields["redirect_uri"],
            scopes=frozenset(self.scopes),
            challenge=self.fields.get("code_challenge"),
            challenge_method=self.fields.get("code_challenge_method", "plain"),
            nonce=self.fields.get("nonce"),
        )

    def redirect(self, answer: Mapping[str, str]) -> Response:
        """Back to the client, with its state: by the address, or by a form that the browser posts."""
        state = {"state": self.fields["state"]} if "state" in self.fields else {}
        target = self.fields["redirect_uri"]
        if self.fields.get("response_mode") == "form_post":
            return posting_page(target, {**answer, **state})
        joint = "&" if urlsplit(target).query else "?"
        joint = "#" if self.fields.get("response_mode") == "fragment" else joint
        return RedirectResponse(f"{target}{joint}{urlencode({**answer, **state})}", status_code=302)


class OAuth:
    """The endpoints, over one world."""

    def __init__(self, world: MicrosoftWorld) -> None:
        self._world = world
        self._discovery = Discovery(world, self._is_tenant)

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/oauth2/v2.0/authorize", self.authorize, methods=["GET"]),
            Route("/{tenant}/oauth2/v2.0/authorize/decision", self.decide, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
            *self._discovery.routes(),
        ]

    # consent ------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        """Show the page, or redirect at once where nothing is left to ask."""
        tenant = request.path_params["tenant"]
        try:
            asked = self._check(tenant, _known_fields(request.query_params))
            self._check_redirectable(asked)
        except Refused as refused:
            return refused.page
        account = self._world.accounts.get(asked.fields.get("login_hint", "").lower())
        if account is not None and not self._belongs(account, tenant):
            account = None
        if account is not None and asked.prompt in {None, "none"} and self._consented(asked, account):
            return self._grant(asked, account)
        if asked.prompt == "none":
            return self._turn_away(asked, account)
        choosable = [each for each in self._world.accounts.values() if self._belongs(each, tenant)]
        if account is not None and asked.prompt != "select_account":
            choosable = [account]
        return consent_page(
            action=f"{request.scope.get('root_path', '')}/{tenant}/oauth2/v2.0/authorize/decision",
            client_id=asked.client.id,
            accounts=[(each.email, each.name) for each in choosable],
            chosen=account.email if account else None,
            scopes=asked.scopes,
            fields=asked.fields,
        )

    def _consented(self, asked: Authorization, account: Account) -> bool:
        grant = self._world.grants.find(account.email, asked.client.id)
        return grant is not None and set(asked.scopes) <= grant.scopes

    def _turn_away(self, asked: Authorization, account: Account | None) -> Response:
        """`prompt=none` where a person would have to do something."""
        error = aadsts.not_consented(asked.client.id) if account is not None else aadsts.login_required()
        if account is None and len(self._world.accounts) > 1:
            error = aadsts.choose_account()
        return asked.redirect(error.answer(self._world.clock.now()))

    async def decide(self, request: Request) -> Response:
        """The person pressed a button."""
        form = await request.form()
        tenant = request.path_params["tenant"]
        try:
            asked = self._check(tenant, _known_fields(form))
            self._check_redirectable(asked)
        except Refused as refused:
            return refused.page
        now = self._world.clock.now()
        if form.get("decision") != "allow":
            return asked.redirect(aadsts.declined().answer(now))
        account = self._world.accounts.get(str(form.get("account", "")).lower())
        if account is None:
            return error_page("AADSTS16000: Pick an account.")
        if not self._belongs(account, tenant):
            return error_page(str(aadsts.wrong_tenant(account.email, tenant)))
        if account.tenant in self._world.closed_tenants:
            return asked.redirect(aadsts.admin_needed().answer(now))
        return self._grant(asked, account)

    def _grant(self, asked: Authorization, account: Account) -> Response:
        code = self._world.grants.consent(account.email, asked.client.id, asked.terms())
        return asked.redirect({"code": code, "session_state": str(uuid4())})

    def _belongs(self, account: Account, tenant: str) -> bool:
        """Whether an account may sign in at this tenant's door."""
        name = tenant.lower()
        if name in {"common", account.tenant, account.email.partition("@")[2]}:
            return True
        return name == ("organizations" if account.work else "consumers")

    def _check(self, tenant: str, fields: dict[str, str]) -> Authorization:
        """What is wrong with the app or the address is never sent to the address."""
        client = self._world.grants.clients.get(fields.get("client_id", ""))
        if client is None:
            raise Refused(error_page(str(aadsts.unknown_client(fields.get("client_id", "")))))
        if not self._is_tenant(tenant):
            raise Refused(error_page(str(aadsts.unknown_tenant(tenant))))
        redirect_uri = fields.get("redirect_uri", "")
        if not client.allows(redirect_uri):
            raise Refused(error_page(str(aadsts.bad_redirect(redirect_uri, client.id))))
        scopes = tuple(dict.fromkeys(spelt(fields.get("scope", ""))))
        return Authorization(tenant, fields, client, scopes)

    def _is_tenant(self, tenant: str) -> bool:
        name = tenant.lower()
        if name in {"common", "organizations", "consumers", CONSUMERS}:
            return True
        people = self._world.accounts.values()
        return any(name in {person.tenant, person.email.partition("@")[2]} for person in people)

    def _check_redirectable(self, asked: Authorization) -> None:
        error = self._defect(asked)
        if error is not None:
            raise Refused(asked.redirect(error.answer(self._world.clock.now())))

    def _defect(self, asked: Authorization) -> OAuthError | None:
        fields = asked.fields
        if fields.get("response_type") != "code":
            return aadsts.bad_response_type(fields.get("response_type", ""))
        choices = {
            "response_mode": {"query", "fragment", "form_post"},
            "prompt": _PROMPTS,
            "code_challenge_method": {"S256", "plain"},
        }
        for name, allowed in choices.items():
            if name in fields and fields[name] not in allowed:
                return aadsts.bad_value(name, fields[name])
        bad = [scope for scope in asked.scopes if known(scope) is None]
        if bad:
            return aadsts.unknown_scope(bad[0])
        return aadsts.missing("scope") if not asked.scopes else None

    # tokens -------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        form = await request.form()
        try:
            if not self._is_tenant(request.path_params["tenant"]):
                raise aadsts.unknown_tenant(request.path_params["tenant"])
            client = self._world.grants.authenticate(*_credentials(request, form))
            issued = self._exchange(client, form, request.path_params["tenant"])
        except OAuthError as error:
            return render(error.body(self._world.clock.now()), error.status)
        body = self._token_body(issued)
        if form.get("client_info") == "1" and issued.grant.account:
            body["client_info"] = self._client_info(issued)
        return render(body)

    def _exchange(self, client: Client, form: FormData, tenant: str) -> Issued:
        grant_type = str(form.get("grant_type", ""))
        if grant_type == "authorization_code":
            verifier = form.get("code_verifier")
            return self._world.grants.redeem(
                client,
                _required(form, "code"),
                _required(form, "redirect_uri"),
                str(verifier) if verifier is not None else None,
            )
        if grant_type == "refresh_token":
            asked = str(form.get("scope", ""))
            wanted = frozenset() if asks_for_all(asked) else frozenset(_known(scope) for scope in asked.split())
            return self._world.grants.refresh(client, _required(form, "refresh_token"), wanted)
        if grant_type == "client_credentials":
            return self._issue_to_app(client, _required(form, "scope"), tenant)
        raise aadsts.bad_grant_type(grant_type) if grant_type else aadsts.missing("grant_type")

    def _issue_to_app(self, client: Client, scope: str, tenant: str) -> Issued:
        """Without a person, for one tenant; without its administrator's consent it may do nothing."""
        people = self._world.accounts.values()
        found = (each.tenant for each in people if tenant.lower() in {each.tenant, each.email.partition("@")[2]})
        home = next(found, CONSUMERS)
        if home == CONSUMERS:
            raise aadsts.no_tenant_named()
        if len(scope.split()) != 1 or not asks_for_all(scope):
            raise aadsts.bad_app_scope(scope)
        allowed = frozenset[str]() if home in self._world.closed_tenants else APPLICATION
        return self._world.grants.issue_to_app(client, home, allowed)

    def _token_body(self, issued: Issued) -> Json:
        seconds = int(issued.lifetime.total_seconds())
        body: Json = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": issued.access_token,
        }
        if issued.grant.account:
            body["scope"] = told(issued.scopes, as_uris=self._world.knobs.scopes_as_uris)
        if issued.refresh_token is not None:
            body["refresh_token"] = issued.refresh_token
        if "openid" in issued.scopes:
            body["id_token"] = self._id_token(issued)
        return body

    def _client_info(self, issued: Issued) -> str:
        """By what MSAL tells accounts apart."""
        account = self._world.accounts[issued.grant.account]
        told = json.dumps({"uid": account.oid, "utid": account.tenant}).encode()
        return base64.urlsafe_b64encode(told).decode().rstrip("=")

    def _id_token(self, issued: Issued) -> str:
        account = self._world.accounts[issued.grant.account]
        now = int(self._world.clock.now().timestamp())
        claims: Json = {
            "aud": issued.grant.client_id,
            "iss": f"https://login.microsoftonline.com/{account.tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "oid": account.oid,
            "tid": account.tenant,
            "sub": subject_of(account, issued.grant.client_id),
            "ver": "2.0",
        }
        if issued.scopes & {"profile"}:
            claims |= {"name": account.name, "preferred_username": account.email}
        if issued.scopes & {"email"}:
            claims["email"] = account.email
        if issued.nonce is not None:
            claims["nonce"] = issued.nonce
        return jwt.encode({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}, claims, self._discovery.key)


def subject_of(account: Account, client_id: str) -> str:
    """Who somebody is to one app; to another they are somebody else."""
    return f"{account.oid}.{client_id}"


def _known_fields(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(given[name]) for name in _AUTHORIZE_PARAMETERS if name in given}


def _credentials(request: Request, form: FormData) -> tuple[str, str]:
    """The app's id and secret: from the form, or from a Basic header, never from both (RFC 6749, 2.3.1)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return _required(form, "client_id"), str(form.get("client_secret", ""))
    try:
        client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise aadsts.malformed("authorization") from None
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise aadsts.malformed("authorization")
    return client_id, secret


def _required(form: FormData, name: str) -> str:
    value = form.get(name)
    if not value:
        raise aadsts.missing(name)
    return str(value)


def _known(scope: str) -> str:
    name = known(scope)
    if name is None:
        raise aadsts.unknown_scope(scope)
    return name
