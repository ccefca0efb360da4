"""Which calendars may be checked for conflicts (R29), and which can be read at all. Pure.

The one rule: a calendar that is not eligible says why, in a code of the contract.
"""

from enum import StrEnum

from app.calendar import AccessRole


class IneligibleReason(StrEnum):
    """Why a calendar cannot be ticked."""

    MISSING_EVENT_DETAILS_PERMISSION = "missing_event_details_permission"
    CONNECTION_INACTIVE = "connection_inactive"
    PROVIDER_UNSUPPORTED = "provider_unsupported"
    NOT_OWNED_OR_SHARED = "not_owned_or_shared"


class InactiveReason(StrEnum):
    """Why an availability calendar cannot be read any more (R30)."""

    ACCESS_LOST = "access_lost"
    CALENDAR_DELETED = "calendar_deleted"
    PERMISSION_REDUCED = "permission_reduced"
    CONNECTION_REMOVED = "connection_removed"


def ineligible_reason(
    role: AccessRole, *, primary: bool, connection_active: bool, additional_supported: bool, inactive: bool
) -> IneligibleReason | None:
    """None when the calendar may be ticked."""
    if not connection_active:
        return IneligibleReason.CONNECTION_INACTIVE
    if inactive:
        return IneligibleReason.NOT_OWNED_OR_SHARED
    if role is AccessRole.FREE_BUSY_READER:
        return IneligibleReason.MISSING_EVENT_DETAILS_PERMISSION
    if not primary and not additional_supported:
        return IneligibleReason.PROVIDER_UNSUPPORTED
    return None
