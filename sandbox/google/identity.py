"""Who somebody is: id tokens, the keys that sign them, userinfo and tokeninfo.

The one rule: of a person is told what the token's scopes open, in every version's own words.
https://developers.google.com/identity/openid-connect/openid-connect
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.google import errors
from sandbox.google.errors import GoogleError, OAuthError, render_json
from sandbox.google.grants import AccessToken, Issued
from sandbox.google.times import Json
from sandbox.google.world import Account, GoogleWorld

ISSUER = "https://accounts.google.com"
AUTHORIZE_PATH = "/o/oauth2/v2/auth"
EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
PROFILE_SCOPE = "https://www.googleapis.com/auth/userinfo.profile"
_KEY_ID = "sandbox-google"
_CLAIMS = "aud email email_verified exp family_name given_name hd iat iss name picture sub"


class Identity:
    """The endpoints, over one world."""

    def __init__(self, world: GoogleWorld) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/oauth2/v1/certs", self.pem_certificates, methods=["GET"]),
            Route("/oauth2/v3/certs", self.certificates, methods=["GET"]),
            *(Route(path, self.userinfo, methods=["GET", "POST"]) for path in ("/v1/userinfo", "/oauth2/v3/userinfo")),
            *(Route(path, self.old_userinfo, methods=["GET"]) for path in ("/oauth2/v2/userinfo", "/userinfo/v2/me")),
            *(Route(path, self.tokeninfo, methods=["GET", "POST"]) for path in ("/tokeninfo", "/oauth2/v3/tokeninfo")),
            Route("/oauth2/v2/tokeninfo", self.old_tokeninfo, methods=["POST"]),
            Route("/.well-known/openid-configuration", self.configuration, methods=["GET"]),
        ]

    # keys and metadata --------------------------------------------------------------------

    @cached_property
    def _private_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _key(self) -> RSAKey:
        encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = self._private_key.private_bytes(encoding, shape, serialization.NoEncryption())
        return RSAKey.import_key(pem, {"kid": _KEY_ID, "use": "sig", "alg": "RS256"})

    @cached_property
    def _certificate(self) -> str:
        """The same key as the older clients read it: in a certificate."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=self._private_key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=365),
        )
        signed = builder.sign(self._private_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    async def certificates(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        return render_json({"keys": [self._key.as_dict(private=False)]})

    async def pem_certificates(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        return render_json({_KEY_ID: self._certificate})

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
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": _CLAIMS.split(),
                "code_challenge_methods_supported": ["plain", "S256"],
            }
        )

    # tokens about a person ----------------------------------------------------------------

    def id_token(self, issued: Issued) -> str:
        account = self._world.accounts[issued.grant.account]
        now = int(self._world.clock.now().timestamp())
        claims: Json = {
            "iss": ISSUER,
            "azp": issued.grant.client_id,
            "aud": issued.grant.client_id,
            "iat": now,
            "exp": now + 3600,
            "at_hash": _half_hash(issued.access_token),
            **_claims(account, issued.scopes),
        }
        if issued.nonce is not None:
            claims["nonce"] = issued.nonce
        return jwt.encode({"alg": "RS256", "kid": _KEY_ID, "typ": "JWT"}, claims, self._key)

    async def userinfo(self, request: Request) -> Response:
        token = self._token(request)
        if token is None:
            refusal = errors.invalid_credentials()
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return render_json(body, refusal.status, refusal.headers)
        return render_json(_claims(self._world.accounts[token.grant.account], token.scopes))

    async def old_userinfo(self, request: Request) -> Response:
        """Google's OAuth2 API v2, which calls things by other names and refuses as every API does."""
        token = self._token(request)
        try:
            if token is None:
                raise errors.invalid_credentials() if "authorization" in request.headers else errors.login_required()
            if not token.scopes & {"openid", EMAIL_SCOPE, PROFILE_SCOPE}:
                raise errors.insufficient_scope("google.identity.oauth2.OAuth2.UserInfo")
        except GoogleError as error:
            return render_json(error.body(), error.status, error.headers)
        told = _claims(self._world.accounts[token.grant.account], token.scopes)
        names = {"sub": "id", "email_verified": "verified_email"}
        return render_json({names.get(name, name): value for name, value in told.items()})

    def _token(self, request: Request) -> AccessToken | None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        given = value if scheme.lower() == "bearer" else request.query_params.get("access_token", "")
        return self._world.grants.find_access(given)

    async def tokeninfo(self, request: Request) -> Response:
        """What a token is good for. Every value is text."""
        form = await request.form()
        id_token = request.query_params.get("id_token") or form.get("id_token")
        if id_token:
            told = self._read_id_token(str(id_token))
        else:
            token = self._token(request) or self._world.grants.find_access(str(form.get("access_token", "")))
            told = self._describe(token) if token else None
        if told is None:
            return render_json(OAuthError("invalid_token", "Invalid Value").body(), 400)
        return render_json({name: _text(value) for name, value in told.items()})

    async def old_tokeninfo(self, request: Request) -> Response:
        """The same of an access token in the words of Google's OAuth2 API v2."""
        token = self._world.grants.find_access(request.query_params.get("access_token", ""))
        if token is None:
            return render_json(OAuthError("invalid_token", "Invalid Value").body(), 400)
        told = self._describe(token)
        words = {"issued_to": "azp", "audience": "aud", "user_id": "sub", "verified_email": "email_verified"}
        words |= {name: name for name in ("scope", "expires_in", "email", "access_type")}
        return render_json({word: told[name] for word, name in words.items() if name in told})

    def _describe(self, token: AccessToken) -> Json:
        now, told = self._world.clock.now(), _claims(self._world.accounts[token.grant.account], token.scopes)
        named = {"openid", EMAIL_SCOPE, PROFILE_SCOPE} & token.scopes
        person: Json = {name: told[name] for name in ("sub", "email", "email_verified") if name in told and named}
        return {
            "azp": token.grant.client_id,
            "aud": token.grant.client_id,
            "scope": " ".join(sorted(token.scopes)),
            "exp": int(token.expires_at.timestamp()),
            "expires_in": int((token.expires_at - now).total_seconds()),
            **person,
            "access_type": "offline" if token.offline else "online",
        }

    def _read_id_token(self, value: str) -> Json | None:
        try:
            read = jwt.decode(value, self._key, algorithms=["RS256"])
        except (JoseError, ValueError):
            return None
        if read.claims["exp"] <= self._world.clock.now().timestamp():
            return None
        return {**read.claims, **read.header}


def _claims(account: Account, scopes: frozenset[str]) -> Json:
    """What the scopes open, in OpenID Connect's words."""
    claims: Json = {"sub": account.sub}
    if EMAIL_SCOPE in scopes:
        claims |= {"email": account.email, "email_verified": True}
        if account.workspace:
            claims["hd"] = account.email.partition("@")[2]
    if PROFILE_SCOPE in scopes:
        given, _, family = account.name.partition(" ")
        claims |= {"name": account.name, "given_name": given}
        if family:
            claims["family_name"] = family
        claims["picture"] = f"https://lh3.googleusercontent.com/a/{account.sub}=s96-c"
    return claims


def _half_hash(access_token: str) -> str:
    """OpenID Connect Core 1.0, section 3.1.3.6."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
