"""What callers of the API do about each problem: the words that the code does not hold.

The one rule: every code of the error tree has an entry, and nothing else has one; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Advice:
    """About one code: when it comes, and what the caller does then."""

    when: str
    do: str
    repeat: str = "no"
    """Whether the same request can succeed later without a change: `no`, `yes`, or when."""


_AGAIN: Final = "yes, after `Retry-After`"
_RECONNECT: Final = "Start a new connection authorization with `createConnectionAuthorization`."

REQUEST: Final[Mapping[str, Advice]] = {
    "malformed_request": Advice(
        "The body is not JSON, is not UTF-8, or holds something no database keeps, such as a NUL.",
        "Mend the client. What was sent is never echoed, so log it on your side.",
    ),
    "invalid_cursor": Advice(
        "`cursor` was made for another list or other filters, was cut, or was signed with a key that is no more.",
        "Drop it and read the list from its beginning.",
    ),
    "validation_failed": Advice(
        "The request can be read, but fields are missing, unknown or out of range.",
        "Show each entry of `errors` at the field its `pointer` names. `code` is stable, `detail` is for people.",
    ),
    "time_zone_unknown": Advice(
        "A time zone is not an IANA name.",
        "Send a name such as `Europe/Stockholm`. In a browser: `Intl.DateTimeFormat().resolvedOptions().timeZone`.",
    ),
    "idempotency_key_reused": Advice(
        "An `Idempotency-Key` came again within a day, with another body.",
        "Make a new key for every new wish, and keep it only for repeating the very same request.",
    ),
    "request_in_progress": Advice(
        "A request with the same `Idempotency-Key` is still running, or what it would change is locked for a moment.",
        "Repeat the same request, with the same key. Its answer is then the first one's.",
        _AGAIN,
    ),
    "payload_too_large": Advice("The body has more than 256 KiB.", "Send less."),
    "unsupported_media_type": Advice(
        "The body has another `Content-Type`, or none.", "Send `Content-Type: application/json`."
    ),
    "method_not_allowed": Advice("The address exists, the method does not.", "See the reference for what it answers."),
    "version_mismatch": Advice(
        "`If-Match` names a version that is not the current one: somebody changed it after you read it.",
        "Read it again, show what changed, and repeat the change with the new `ETag`.",
    ),
    "rate_limited": Advice(
        "Too many requests: of a network, for a page, or for a booking. `RateLimit-Policy` names the limit.",
        "Wait as long as `Retry-After` says. Behind proxies, look whether `TRUSTED_PROXIES` is right: "
        "otherwise all visitors share one limit.",
        _AGAIN,
    ),
    "overloaded": Advice(
        "The process has more requests under way than it can answer in time. Nothing of this one was begun.",
        "Repeat it after `Retry-After`. Whoever runs the service starts more API processes.",
        _AGAIN,
    ),
    "internal_error": Advice(
        "A mistake of the service.",
        "Repeat it later, with the same `Idempotency-Key`. Whoever runs the service finds it in the log by its "
        "`request_id`.",
        "perhaps",
    ),
}

WHO: Final[Mapping[str, Advice]] = {
    "unauthenticated": Advice(
        "There is no token, it cannot be read or verified, its user has left, or its account is being erased.",
        "Get a token from the CRM's issuer. `iss`, `aud`, `sub`, `exp` and `iat` are required.",
    ),
    "token_expired": Advice("The token's `exp` has passed.", "Get a new token and repeat the request."),
    "booking_token_invalid": Advice(
        "`Booking-Token` is missing or belongs to another booking.",
        "Read it from the fragment of the visitor's link (`#token=…`) and send it as a header, never in a URL.",
    ),
    "forbidden": Advice(
        "The caller is known, but may not do this: a permission is missing, it is for persons or for services only, or "
        "somebody else owns it.",
        "Do not repeat it. Hide what `allowed_actions` does not list.",
    ),
    "personal_email_access_required": Advice(
        "The person may not use a personal address in the CRM, and so connects no calendar.",
        "An administrator of the CRM grants the permission; the next token carries it.",
    ),
    "entitlement_required": Advice(
        "The person's seat or the account's subscription does not include this.",
        "Show what `entitlement` and `required_tiers` name. The CRM can tell of a new seat with `upsertUser`.",
    ),
    "not_found": Advice(
        "There is nothing under this id or path, or the caller may not see it. Both answer the same.",
        "Treat it as gone.",
    ),
}

CONNECTING: Final[Mapping[str, Advice]] = {
    "authorization_state_invalid": Advice(
        "The provider's callback came with a `state` that is unknown, used, or too old.", _RECONNECT
    ),
    "disclosure_not_accepted": Advice(
        "`disclosure_version` is not the version that is current.",
        "Read it with `getProviderDisclosure`, show it, and send its version when the person accepts.",
    ),
    "return_url_not_allowed": Advice(
        "`return_url` begins with none of the addresses in `RETURN_URLS`.",
        "Add its prefix to the setting, or leave `return_url` out.",
    ),
    "account_mismatch": Advice(
        "The account that came back from the provider is not the one that `login_hint` or the connection names.",
        f"{_RECONNECT} The person has to choose the right account at the provider.",
    ),
    "consent_denied": Advice("The person cancelled at the provider, or the provider refused.", _RECONNECT),
    "scopes_missing": Advice(
        "A scope that is indispensable was unticked.",
        f"{_RECONNECT} At Google every box has to stay ticked; [which scopes](../../connect/google.md#3-scopes).",
    ),
    "admin_consent_required": Advice(
        "The person's organisation lets only an administrator approve applications.",
        "Have the administrator grant it once for all: "
        "[admin consent](../../connect/microsoft-365.md#4-admin-consent). Then connect again.",
    ),
    "connection_limit_reached": Advice(
        "The person has a connected calendar account already.", "Disconnect it first, or reauthorize it."
    ),
    "already_connected": Advice(
        "The connection works, or the address is registered as an inbox.", "Nothing; read what is there."
    ),
    "inbox_is_shared": Advice(
        "The account's address is registered as an inbox that several people read.",
        "Connect the calendar of a personal inbox.",
    ),
    "exchange_credentials_invalid": Advice(
        "The server refused the password, or the mailbox is somebody else's.",
        "Ask for the password again. It was tried once: a second wrong one can lock the account.",
    ),
    "exchange_app_password_required": Advice(
        "The server says that the account signs in with two factors.",
        "The person makes an app password and enters that one: [Exchange](../../connect/exchange.md#passwords).",
    ),
    "exchange_version_unsupported": Advice(
        "The server is older than Exchange 2010 SP2.", "Update the server. There is no way around it."
    ),
    "exchange_url_required": Advice(
        "Autodiscover did not find the server.",
        "Ask for what `errors` points at, usually `ews_url`: [Exchange](../../connect/exchange.md#autodiscover).",
    ),
    "exchange_online_mailbox": Advice(
        "The mailbox is in Exchange Online, where EWS is being switched off.",
        "Connect it as the `provider` that the answer names, `office365`.",
    ),
    "office365_mailbox_missing": Advice(
        "The account's mailbox is not in Microsoft's cloud: it is on a server of the organisation, or there is none.",
        "Connect it as `exchange` where there is such a server. Else an administrator has to give it a mailbox.",
    ),
    "certificate_untrusted": Advice(
        "The server's certificate is expired, is for another name, or comes from an authority nobody trusts.",
        "Send the company's own authority as `certificate`: "
        "[private certificates](../../connect/exchange.md#private-certificates).",
    ),
    "address_not_allowed": Advice(
        "A URL leads to a private address, another port, or not to https. This is about Exchange servers and webhooks.",
        "Whoever runs the service can allow it: `EXCHANGE_ALLOWED_HOSTS`, `WEBHOOK_ALLOWED_HOSTS`.",
    ),
    "calendar_not_connected": Advice(
        "This needs a connected calendar that works.",
        "Lead the person to connecting. On a page: book, and the answer is a meeting request (202).",
    ),
    "capability_not_supported": Advice(
        "The connection, the provider, the person's seat or a setting does not allow this: see `capability`, `reason`.",
        "Read `capabilities` of the connection beforehand and hide what is not there.",
    ),
    "calendar_not_eligible": Advice(
        "The calendar cannot be checked for conflicts, because too little of it can be seen.",
        "`reason` says why; `listConnectionCalendars` tells it beforehand as `ineligible_reason`.",
    ),
    "primary_calendar_required": Advice(
        "The primary calendar was left out of those that are checked.", "Keep it: bookings land there."
    ),
    "provider_error": Advice(
        "The provider answered, and the answer makes no sense or is a refusal that nobody foresaw.",
        "Repeat it later. If it stays, the log of the service names the provider's code.",
        "perhaps",
    ),
    "provider_unavailable": Advice(
        "The provider, the database, or the issuer's keys cannot be reached.",
        "Repeat it after `Retry-After`. Nothing was changed.",
        _AGAIN,
    ),
    "provider_timeout": Advice(
        "The provider did not answer in time.", "Look whether it happened before you repeat it.", "after a look"
    ),
}

BOOKING: Final[Mapping[str, Advice]] = {
    "slot_unavailable": Advice(
        "Somebody else took the time, or the host's calendar shows something there by now.",
        "Offer `alternatives`, and read the slots again. Do not repeat the same time.",
    ),
    "booking_unavailable": Advice(
        "Nobody knows what is free, because a calendar cannot be read; or many want the same host in this moment.",
        "With `Retry-After` repeat it. Otherwise say that the host is unavailable, and offer "
        "`reportBookingAttempt` so that the host hears of it.",
        "yes, with `Retry-After`",
    ),
    "hold_expired": Advice(
        "The hold has lapsed, was released, or was booked.",
        "Offer `alternatives`; the time itself is one of them while it is free.",
    ),
    "outside_booking_window": Advice(
        "The time is too soon, too far ahead, or none that the page offers.", "Read the slots again."
    ),
    "consent_required": Advice(
        "The page asks for consent, and `consent` is not true or was given to another text.",
        "Read the page again, and show its consent text with a checkbox.",
    ),
    "page_turned_off": Advice(
        "The page's owner has switched scheduling pages off.", "Say so. The page comes back under the same address."
    ),
    "no_default_page": Advice(
        "The person has no scheduling page.", "Create one; the first becomes the default.", "after that"
    ),
    "cutoff_passed": Advice(
        "The visitor wants to move or cancel a meeting that has begun, or is too near by the page's rules.",
        "Tell the visitor to contact the host. `can_reschedule` and `can_cancel` say so beforehand.",
    ),
    "already_cancelled": Advice("The booking is cancelled.", "Show it as cancelled. A new time is a new booking."),
    "already_processed": Advice(
        "It was decided before: a request, a proposal, or a drift entry.", "Read it again and show how it ended."
    ),
    "booking_not_begun": Advice(
        "A booking is to be marked as missed or as completed before it has begun.",
        "Wait until its start.",
        "after its start",
    ),
}

OTHERS: Final[Mapping[str, Advice]] = {
    "slug_taken": Advice(
        "Another page has this address, on any domain. `conflicts_with_domain` names the account's own link.",
        "Choose another one; `getSlugAvailability` tells beforehand.",
    ),
    "default_page_in_use": Advice(
        "A person's default page is to be deleted.",
        "Make another page the default first. Who has only this one can turn it off: `turned_off` in their settings.",
    ),
    "chat_page_in_use": Advice(
        "The page that the person's chat offers is to be deleted.",
        "Choose another `chat_profile.page_id` with `updateCalendarSettings` first, or set `enabled` to `false`.",
    ),
    "domain_in_use": Advice("Somebody's pages are published on the domain.", "Have them choose another domain first."),
    "domain_exists": Advice("The account has this domain.", "Open that one; `listDomains` names it."),
    "domain_not_connected": Advice(
        "The domain has not been proved, or is proved no more.", "Set its DNS records and call `verifyDomain`."
    ),
    "contact_exists": Advice("Another contact of the account has the address.", "Change that one."),
    "domain_limit_reached": Advice("Twenty domains of the account are not connected.", "Connect or remove one."),
    "webhook_endpoint_limit_reached": Advice("The account has as many endpoints as it can.", "Remove one."),
    "events_expired": Advice(
        "The feed was asked for events older than `EVENT_RETENTION_DAYS`.",
        "Read the state anew, then go on from `oldest_sequence`.",
    ),
}

ADVICE: Final[Mapping[str, Advice]] = {**REQUEST, **WHO, **CONNECTING, **BOOKING, **OTHERS}
