"""Who may do what, written down by hand: the half of the matrix that the document does not tell.

The one rule: an operation that stands nowhere here belongs to a person and needs no permission; what it names is that
person's alone, unless its kind is the account's.
"""

from typing import Final

from app.accounts.principal import Permission

SERVICE: Final = {
    "upsertUser": Permission.USERS_WRITE,
    "deleteUser": Permission.USERS_WRITE,
    "createFormSubmission": Permission.FORMS_WRITE,
    "listEvents": Permission.EVENTS_READ,
    "listWebhookEndpoints": Permission.WEBHOOKS_WRITE,
    "createWebhookEndpoint": Permission.WEBHOOKS_WRITE,
    "getWebhookEndpoint": Permission.WEBHOOKS_WRITE,
    "updateWebhookEndpoint": Permission.WEBHOOKS_WRITE,
    "deleteWebhookEndpoint": Permission.WEBHOOKS_WRITE,
    "rotateWebhookSecret": Permission.WEBHOOKS_WRITE,
    "sendTestWebhook": Permission.WEBHOOKS_WRITE,
    "listWebhookDeliveries": Permission.WEBHOOKS_WRITE,
    "replayWebhooks": Permission.WEBHOOKS_WRITE,
}
"""A service alone, and what its token must carry."""

_BOOKINGS: Final = dict.fromkeys(
    (
        "listBookings",
        "createBooking",
        "getBooking",
        "listBookingSlots",
        "downloadBookingInvite",
        "rescheduleBooking",
        "cancelBooking",
        "markBookingNoShow",
        "listMeetingRequests",
        "getMeetingRequest",
        "acceptMeetingRequest",
        "declineMeetingRequest",
    ),
    Permission.BOOKINGS_WRITE,
)
_INBOXES: Final = dict.fromkeys(("listInboxes", "createInbox", "disconnectInbox"), Permission.USERS_WRITE)
PERSON_OR_SERVICE: Final = _BOOKINGS | _INBOXES
"""Any person for what is theirs; a service for all of the account, with this permission."""

WHOEVER_MAY: Final = {
    "listAuditLog": Permission.AUDIT_READ,
    "exportAccount": Permission.ACCOUNT_EXPORT,
    "eraseAccount": Permission.ACCOUNT_ERASE,
}
"""Persons and services alike, with this permission."""

PERSON_WHO_MAY: Final = dict.fromkeys(
    ("createConnectionAuthorization", "createConnection", "reauthorizeConnection", "discoverExchangeServer"),
    Permission.PERSONAL_EMAIL_ACCESS,
)
"""A person, with this permission."""

ANYBODY: Final = frozenset({"getMe", "listProviders", "getProviderDisclosure"})
"""Whoever has a good token."""

OF_THE_ACCOUNT: Final = frozenset({"cont", "dom", "usr", "eng", "acct"})
"""Kinds of which every user of the account may use every one."""

SEEN_BY_ALL: Final = frozenset({"updateEngagement", "cancelEngagement"})
"""Done by its owner alone to what every user of the account may look at: 403 to the others, who know it is there."""

IGNORED: Final = frozenset({"prop"})
"""Kinds that say where a wish comes from: one that leads nowhere, or elsewhere, is left out of account."""

OF_THE_WORLD: Final = frozenset({"provider", "slug", "widget_key", "prop"})
"""Kinds that lead anybody who has one to what it stands for: a visitor needs no more."""


def needs(operation_id: str) -> Permission | None:
    """What a token must carry, for whichever caller may."""
    for table in (SERVICE, WHOEVER_MAY, PERSON_WHO_MAY):
        if operation_id in table:
            return table[operation_id]
    return None


def rightful(operation_id: str) -> str:
    """Who calls it."""
    return "service" if operation_id in SERVICE else "owner"
