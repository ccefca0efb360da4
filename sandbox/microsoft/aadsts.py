"""The refusals of the identity platform, in its words. The one rule: the AADSTS code is in the text and beside it.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from datetime import datetime
from typing import Any
from uuid import uuid4


class OAuthError(Exception):
    """A refusal of the token endpoint, or one to be sent back through the browser. `code` is the AADSTS number."""

    def __init__(self, error: str, code: int, text: str, status: int = 400, suberror: str | None = None) -> None:
        super().__init__(f"{error}: AADSTS{code}: {text}")
        self.error = error
        self.code = code
        self.status = status
        self.suberror = suberror
        self._text = text

    def description(self, *, now: datetime, trace: str, correlation: str) -> str:
        stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
        lines = (f"AADSTS{self.code}: {self._text}", f"Trace ID: {trace}", f"Correlation ID: {correlation}")
        return "\r\n".join((*lines, f"Timestamp: {stamp}"))

    def body(self, now: datetime) -> dict[str, Any]:
        trace, correlation = str(uuid4()), str(uuid4())
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": self.description(now=now, trace=trace, correlation=correlation),
            "error_codes": [self.code],
            "timestamp": f"{now:%Y-%m-%d %H:%M:%S}Z",
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        if self.suberror is not None:
            body["suberror"] = self.suberror
        return body

    def answer(self, now: datetime) -> dict[str, str]:
        """As query parameters of the redirect back to the client."""
        text = self.description(now=now, trace=str(uuid4()), correlation=str(uuid4()))
        return {
            "error": self.error,
            "error_description": text,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


# on the way to a consent ------------------------------------------------------------------------


def unknown_client(client_id: str) -> OAuthError:
    text = f"Application with identifier '{client_id}' was not found in the directory."
    return OAuthError("unauthorized_client", 700016, text)


def unknown_tenant(tenant: str) -> OAuthError:
    return OAuthError(
        "invalid_request", 90002, f"Tenant '{tenant}' not found. Check to make sure you have the correct one."
    )


def unknown_instance() -> OAuthError:
    return OAuthError("invalid_instance", 50049, "Unknown or invalid instance.")


def bad_redirect(redirect_uri: str, client_id: str) -> OAuthError:
    text = (
        f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for "
        f"the application '{client_id}'."
    )
    return OAuthError("invalid_request", 50011, text)


def missing(name: str) -> OAuthError:
    return OAuthError("invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


def malformed(name: str) -> OAuthError:
    return OAuthError("invalid_request", 9002313, f"Invalid request. Request is malformed or invalid: '{name}'.")


def bad_value(name: str, value: str) -> OAuthError:
    return OAuthError("invalid_request", 90023, f"Unsupported '{name}' value '{value}'.")


def bad_response_type(value: str) -> OAuthError:
    text = f"The provided value for the input parameter 'response_type' is not valid: '{value}'."
    return OAuthError("unsupported_response_type", 70005, text)


def unknown_scope(scope: str) -> OAuthError:
    text = (
        f"The application asked for scope '{scope}' that doesn't exist on the resource "
        "'00000003-0000-0000-c000-000000000000'. Contact the app vendor."
    )
    return OAuthError("invalid_client", 650053, text)


def wrong_tenant(email: str, tenant: str) -> OAuthError:
    text = (
        f"User account '{email}' from identity provider 'live.com' does not exist in tenant '{tenant}' and cannot "
        "access the application in that tenant. The account needs to be added as an external user first."
    )
    return OAuthError("access_denied", 50020, text)


def declined() -> OAuthError:
    return OAuthError("access_denied", 65004, "User declined to consent to access the app.")


def admin_needed() -> OAuthError:
    text = "The grant requires admin permission. Ask an admin to grant permission to this app before you can use it."
    return OAuthError("access_denied", 90094, text)


def not_consented(client_id: str, error: str = "consent_required") -> OAuthError:
    text = (
        f"The user or administrator has not consented to use the application with ID '{client_id}'. Send an "
        "interactive authorization request for this user and resource."
    )
    return OAuthError(error, 65001, text, suberror="consent_required")


def login_required() -> OAuthError:
    return OAuthError("login_required", 50058, "Session information is not sufficient for single-sign-on.")


def choose_account() -> OAuthError:
    text = "Either multiple user identities are available for the current request or selected account is not supported."
    return OAuthError("interaction_required", 16000, text)


# at the token endpoint ----------------------------------------------------------------------------


def no_tenant_named() -> OAuthError:
    text = "No tenant-identifying information found in either the request or implied by any provided credentials."
    return OAuthError("invalid_request", 50059, text)


def bad_app_scope(scope: str) -> OAuthError:
    text = (
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI)."
    )
    return OAuthError("invalid_scope", 1002012, text)


def no_secret() -> OAuthError:
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return OAuthError("invalid_client", 7000218, text, 401)


def bad_secret(client_id: str) -> OAuthError:
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'."
    )
    return OAuthError("invalid_client", 7000215, text, 401)


def bad_grant_type(value: str) -> OAuthError:
    return OAuthError("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{value}'.")


def malformed_code() -> OAuthError:
    text = "The provided value for the 'code' parameter is not valid. The code has expired or is malformed."
    return OAuthError("invalid_grant", 70000, text)


def expired_code() -> OAuthError:
    text = "The provided authorization code or refresh token has expired due to inactivity. Send a new request."
    return OAuthError("invalid_grant", 70008, text)


def redeemed_code() -> OAuthError:
    text = (
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh "
        "token."
    )
    return OAuthError("invalid_grant", 54005, text)


def other_reply_address() -> OAuthError:
    text = "The reply address does not match the reply address provided when requesting Authorization code."
    return OAuthError("invalid_client", 500112, text)


def bad_verifier() -> OAuthError:
    text = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
    return OAuthError("invalid_grant", 501481, text)


def bad_refresh_token() -> OAuthError:
    text = "Invalid request. Request is malformed or invalid."
    return OAuthError("invalid_grant", 9002313, text)


def inactive(issued: datetime, lifetime_days: int) -> OAuthError:
    text = (
        "The refresh token has expired due to inactivity. The token was issued on "
        f"{issued:%Y-%m-%dT%H:%M:%S.%f}Z and was inactive for {lifetime_days}.00:00:00."
    )
    return OAuthError("invalid_grant", 700082, text)


def revoked() -> OAuthError:
    text = "The provided grant has expired due to it being revoked, a fresh auth token is needed."
    return OAuthError("invalid_grant", 50173, text, suberror="bad_token")


def mfa_needed() -> OAuthError:
    text = (
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'."
    )
    return OAuthError("interaction_required", 50076, text, suberror="basic_action")


def disabled() -> OAuthError:
    return OAuthError("invalid_grant", 50057, "The user account is disabled.")


def unavailable() -> OAuthError:
    return OAuthError("temporarily_unavailable", 90033, "A transient error has occurred. Please try again.", 503)
