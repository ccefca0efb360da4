"""What a person can do with a connection: provider ∩ granted scopes ∩ the person's seat (R18). Pure.

The one rule: every "no" has a reason and a remedy, both codes, so that no client hard-codes plans or providers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Seat
from app.errors import CapabilityNotSupported
from app.providers.base import Features


class Capability(StrEnum):
    """The capabilities of the contract."""

    CALENDAR_SYNC = "calendar_sync"
    TASK_SYNC = "task_sync"
    ADDITIONAL_AVAILABILITY_CALENDARS = "additional_availability_calendars"
    EVENT_CANCEL = "event_cancel"
    EVENT_RESCHEDULE = "event_reschedule"
    CRM_MEETINGS = "crm_meetings"
    PROPOSED_TIMES = "proposed_times"


class Reason(StrEnum):
    """Why a capability is missing."""

    NO_CONNECTION = "no_connection"
    REAUTHORIZATION_REQUIRED = "reauthorization_required"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    PROVIDER_UNSUPPORTED = "provider_unsupported"
    SEAT_REQUIRED = "seat_required"


@dataclass(frozen=True, slots=True)
class CapabilityState:
    """Whether the person can, and if not, why and what would help (the reason's remedy has the same code)."""

    capability: Capability
    reason: Reason | None = None

    @property
    def available(self) -> bool:
        """Whether the person can."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Link:
    """The connection as far as capabilities care."""

    features: Features
    active: bool
    can_write: bool
    can_make_calendars: bool = True


def capabilities(link: Link | None, seats: Sequence[Seat], task_sync_seat: Entitlement) -> tuple[CapabilityState, ...]:
    """The state of every capability, in the contract's order."""
    return tuple(
        CapabilityState(capability, _reason(capability, link, seats, task_sync_seat)) for capability in Capability
    )


def require(capability: Capability, states: Sequence[CapabilityState]) -> None:
    """Raises: CapabilityNotSupported, naming the capability and the reason."""
    state = next(item for item in states if item.capability is capability)
    if state.reason is not None:
        raise CapabilityNotSupported(
            detail=state.reason, extra={"capability": capability.value, "reason": state.reason.value}
        )


def supported(capability: Capability, features: Features) -> bool:
    """Whether the provider can, in this deployment."""
    match capability:
        case Capability.CALENDAR_SYNC | Capability.CRM_MEETINGS:
            return features.two_way_sync
        case Capability.TASK_SYNC:
            return features.task_sync
        case Capability.ADDITIONAL_AVAILABILITY_CALENDARS:
            return features.additional_availability_calendars
        case Capability.EVENT_CANCEL | Capability.EVENT_RESCHEDULE:
            return features.event_update
        case Capability.PROPOSED_TIMES:
            return features.proposed_times


def _reason(
    capability: Capability, link: Link | None, seats: Sequence[Seat], task_sync_seat: Entitlement
) -> Reason | None:
    if link is None:
        return Reason.NO_CONNECTION
    if not supported(capability, link.features):
        return Reason.PROVIDER_UNSUPPORTED
    if not link.active:
        return Reason.REAUTHORIZATION_REQUIRED
    if not _granted(capability, link):
        return Reason.SCOPE_NOT_GRANTED
    if capability is Capability.TASK_SYNC and not task_sync_seat.met_by(seats):
        return Reason.SEAT_REQUIRED
    return None


def _granted(capability: Capability, link: Link) -> bool:
    if capability is Capability.ADDITIONAL_AVAILABILITY_CALENDARS:
        return True
    return link.can_write and (link.can_make_calendars or capability is not Capability.TASK_SYNC)
