"""The tree of everything that can go wrong and be said aloud.

    AppError                      carries `code` (stable, CONTRACT.md), `status_code`, `extra` members
    ├── MalformedRequest   400    InvalidCursor, AuthorizationStateInvalid
    ├── Unauthenticated    401    TokenExpired, BookingTokenInvalid
    ├── Forbidden          403    PersonalEmailAccessRequired, EntitlementRequired
    ├── NotFound           404    PageTurnedOff, NoDefaultPage
    ├── Conflict           409    one code each
    ├── EventsExpired      410
    ├── VersionMismatch    412
    ├── PayloadTooLarge    413
    ├── UnsupportedMediaType 415
    ├── Unprocessable      422    one code each; ValidationFailed carries `errors`
    ├── RateLimited        429    carries `retry_after` in seconds
    ├── Overloaded         503    carries `retry_after` in seconds
    └── UpstreamError      502    ProviderUnavailable 503, ProviderTimeout 504

The one rule: a message is never built from what a caller sent. Titles and details are looked up by code in the
reader's language (`app/i18n.py`); `values` fills the places in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: a JSON pointer (RFC 6901), a stable code and what to say about it."""

    pointer: str
    code: str
    values: Mapping[str, str | int] | None = None


def pointer_to(*parts: str | int) -> str:
    """The JSON pointer to a field (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


class AppError(Exception):
    """A refusal with a meaning: rendered as an RFC 9457 problem by `app/routers/problems.py`."""

    code: ClassVar[str] = "internal_error"
    status_code: ClassVar[int] = 500

    def __init__(
        self,
        *,
        detail: str | None = None,
        values: Mapping[str, str | int] | None = None,
        extra: Mapping[str, object] | None = None,
        retry_after: int | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        """`detail` names a variant of the message (`<code>.<detail>` in the catalogues), never the text itself."""
        super().__init__(self.code if detail is None else f"{self.code}.{detail}")
        self.detail = detail
        self.values = values or {}
        self.extra = extra or {}
        self.retry_after = retry_after
        self.errors = tuple(errors)


class MalformedRequest(AppError):
    code = "malformed_request"
    status_code = 400


class InvalidCursor(MalformedRequest):
    code = "invalid_cursor"


class AuthorizationStateInvalid(MalformedRequest):
    code = "authorization_state_invalid"


class Unauthenticated(AppError):
    code = "unauthenticated"
    status_code = 401


class TokenExpired(Unauthenticated):
    code = "token_expired"


class BookingTokenInvalid(Unauthenticated):
    code = "booking_token_invalid"


class Forbidden(AppError):
    code = "forbidden"
    status_code = 403


class PersonalEmailAccessRequired(Forbidden):
    code = "personal_email_access_required"


class EntitlementRequired(Forbidden):
    """Extra members: `entitlement` (what is missing) and `required_tiers`."""

    code = "entitlement_required"


class NotFound(AppError):
    code = "not_found"
    status_code = 404


class PageTurnedOff(NotFound):
    code = "page_turned_off"


class NoDefaultPage(NotFound):
    code = "no_default_page"


class MethodNotAllowed(AppError):
    code = "method_not_allowed"
    status_code = 405


class Conflict(AppError):
    """Two truths collide; the subclasses say which."""

    code = "already_processed"
    status_code = 409


class ConnectionLimitReached(Conflict):
    code = "connection_limit_reached"


class AlreadyConnected(Conflict):
    code = "already_connected"


class InboxIsShared(Conflict):
    """Several people read it, so its calendar is nobody's (R10)."""

    code = "inbox_is_shared"


class CalendarNotConnected(Conflict):
    code = "calendar_not_connected"


class CapabilityNotSupported(Conflict):
    """Extra members: `capability` and, when known, `provider`."""

    code = "capability_not_supported"


class SlotUnavailable(Conflict):
    """Extra member: `alternatives`, the nearest open slots."""

    code = "slot_unavailable"


class BookingUnavailable(Conflict):
    code = "booking_unavailable"


class HoldExpired(Conflict):
    """The slot is kept no more. Extra member: `alternatives`, the slot itself among them if it is still to be had."""

    code = "hold_expired"


class BookingNotBegun(Conflict):
    """Nobody has failed to come yet."""

    code = "booking_not_begun"


class SlugTaken(Conflict):
    """Extra member: `conflicts_with_domain`, the host of the link that has it, if that is the caller's account's."""

    code = "slug_taken"


class DefaultPageInUse(Conflict):
    code = "default_page_in_use"


class ChatPageInUse(Conflict):
    """The person's chat offers it."""

    code = "chat_page_in_use"


class DomainInUse(Conflict):
    """Somebody of the account publishes on it."""

    code = "domain_in_use"


class DomainExists(Conflict):
    """The account has it already."""

    code = "domain_exists"


class AlreadyCancelled(Conflict):
    code = "already_cancelled"


class AlreadyProcessed(Conflict):
    code = "already_processed"


class PrimaryCalendarRequired(Conflict):
    code = "primary_calendar_required"


class RequestInProgress(Conflict):
    code = "request_in_progress"


class ContactExists(Conflict):
    """The address is another contact's."""

    code = "contact_exists"


class DomainLimitReached(Conflict):
    code = "domain_limit_reached"


class WebhookEndpointLimitReached(Conflict):
    code = "webhook_endpoint_limit_reached"


class EventsExpired(AppError):
    """They were there and are no longer kept. Extra member: `oldest_sequence`, the first that is."""

    code = "events_expired"
    status_code = 410


class VersionMismatch(AppError):
    """Extra member: `version`, the current one."""

    code = "version_mismatch"
    status_code = 412


def require_version(wanted: int | None, version: int) -> None:
    """`wanted` is what the caller has read; None: whichever it is. Raises: VersionMismatch."""
    if wanted is not None and wanted != version:
        raise VersionMismatch(extra={"version": version})


class PayloadTooLarge(AppError):
    code = "payload_too_large"
    status_code = 413


class UnsupportedMediaType(AppError):
    code = "unsupported_media_type"
    status_code = 415


class Unprocessable(AppError):
    """Understood, well formed, and still not acceptable."""

    code = "validation_failed"
    status_code = 422


class ValidationFailed(Unprocessable):
    """Carries `errors`, one per field."""

    code = "validation_failed"


class DisclosureNotAccepted(Unprocessable):
    """Extra member: `version`, the disclosure to accept."""

    code = "disclosure_not_accepted"


class CalendarNotEligible(Unprocessable):
    code = "calendar_not_eligible"


class TimeZoneUnknown(Unprocessable):
    code = "time_zone_unknown"


class OutsideBookingWindow(Unprocessable):
    code = "outside_booking_window"


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"


class ConsentRequired(Unprocessable):
    code = "consent_required"


class DomainNotConnected(Unprocessable):
    code = "domain_not_connected"


class ReturnUrlNotAllowed(Unprocessable):
    code = "return_url_not_allowed"


class AccountMismatch(Unprocessable):
    code = "account_mismatch"


class ConsentDenied(Unprocessable):
    code = "consent_denied"


class ScopesMissing(Unprocessable):
    code = "scopes_missing"


class AdminConsentRequired(Unprocessable):
    """Only an administrator of the person's organisation can allow it."""

    code = "admin_consent_required"


class ExchangeCredentialsInvalid(Unprocessable):
    code = "exchange_credentials_invalid"


class ExchangeAppPasswordRequired(Unprocessable):
    code = "exchange_app_password_required"


class ExchangeVersionUnsupported(Unprocessable):
    code = "exchange_version_unsupported"


class ExchangeUrlRequired(Unprocessable):
    """Carries `errors`, one per field that the server needs."""

    code = "exchange_url_required"


class ExchangeOnlineMailbox(Unprocessable):
    """Extra member: `provider`, the one to connect instead."""

    code = "exchange_online_mailbox"


class Office365MailboxMissing(Unprocessable):
    code = "office365_mailbox_missing"


class CertificateUntrusted(Unprocessable):
    code = "certificate_untrusted"


class AddressNotAllowed(Unprocessable):
    code = "address_not_allowed"


class CutoffPassed(Unprocessable):
    code = "cutoff_passed"


class RateLimited(AppError):
    code = "rate_limited"
    status_code = 429


class InternalError(AppError):
    code = "internal_error"
    status_code = 500


class Overloaded(AppError):
    """The process has as much to do as it takes on; nothing of the request has happened."""

    code = "overloaded"
    status_code = 503


class UpstreamError(AppError):
    code = "provider_error"
    status_code = 502


class ProviderUnavailable(UpstreamError):
    code = "provider_unavailable"
    status_code = 503


class ProviderTimeout(UpstreamError):
    code = "provider_timeout"
    status_code = 504
