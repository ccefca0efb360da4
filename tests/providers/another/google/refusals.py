"""How Google says no: the bodies of its error guide, in the older form and in the one with a status.

The one rule: which of the two forms comes is nobody's to choose; both are documented.
"""

import random
from typing import Any

from tests.providers.another.google.wire import Said

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        at: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        info: str | None = None,
    ) -> None:
        """`info`: what Google's infrastructure says of it, before Calendar is even asked (`google.api.ErrorReason`)."""
        super().__init__(message)
        self.info = info
        self.status, self.reason, self.message, self.domain, self.at = status, reason, message, domain, at
        self.headers = headers or {}

    def said(self, chance: random.Random) -> Said:
        one: dict[str, Any] = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.at:
            one |= {"locationType": self.at[0], "location": self.at[1]}
        error: dict[str, Any] = {"errors": [one], "code": self.status, "message": self.message}
        if self.status in _STATUS and (self.info or chance.random() < 0.5):
            detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "googleapis.com"}
            error |= {
                "status": _STATUS[self.status],
                "details": [detail | ({"reason": self.info} if self.info else {})],
            }
        return Said(self.status, {"error": error}, self.headers)


def invalid(message: str, reason: str = "invalid", *, at: str | None = None, domain: str = "global") -> Refused:
    return Refused(400, reason, message, domain=domain, at=("parameter", at) if at else None)


def not_found() -> Refused:
    return Refused(404, "notFound", "Not Found")


def deleted() -> Refused:
    return Refused(410, "deleted", "Resource has been deleted")


def full_sync_required() -> Refused:
    return Refused(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        at=("parameter", "syncToken"),
    )


def no_access(level: str) -> Refused:
    return Refused(403, "requiredAccessLevel", f"You need to have {level} access to this calendar.", domain="calendar")


def only_organizer() -> Refused:
    return Refused(
        403,
        "forbiddenForNonOrganizer",
        "Shared properties can only be changed by the organizer of the event.",
        domain="calendar",
    )


def bad_credentials() -> Refused:
    return Refused(
        401,
        "authError",
        "Invalid Credentials",
        at=("header", "Authorization"),
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def too_few_scopes() -> Refused:
    return Refused(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'},
    )
