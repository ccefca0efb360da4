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


def is_reduced(role: AccessRole, *, primary: bool) -> bool:
    """Whether it shows its times and nothing else, which is too little for all but the primary, checked in any case."""
    return role is AccessRole.FREE_BUSY_READER and not primary


def ineligible_reason(
    role: AccessRole, *, primary: bool, connection_active: bool, additional_supported: bool, inactive: bool
) -> IneligibleReason | None:
    """None when the calendar may be ticked."""
    if not connection_active:
        return IneligibleReason.CONNECTION_INACTIVE
    if role is AccessRole.FREE_BUSY_READER:  # before `inactive`: to share it as it was shared before is not enough
        return IneligibleReason.MISSING_EVENT_DETAILS_PERMISSION
    if inactive:
        return IneligibleReason.NOT_OWNED_OR_SHARED
    if not primary and not additional_supported:
        return IneligibleReason.PROVIDER_UNSUPPORTED
    return None
