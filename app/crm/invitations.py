"""Whether a meeting made on a contact's record becomes an event, and why not (R19, R21, R24). Pure.

The one rule: every "no" has a reason, and the answer says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.connections.capabilities import Capability, CapabilityState, Reason


class NotSent(StrEnum):
    """Why nobody is invited."""

    INTEGRATION_SOURCE = "integration_source"
    NO_CONNECTION = "no_connection"
    PROVIDER_UNSUPPORTED = "provider_unsupported"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    CALENDAR_SYNC_OFF = "calendar_sync_off"
    ALREADY_OVER = "already_over"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides."""

    integration: bool
    connected: bool
    states: Sequence[CapabilityState]
    calendar_sync: bool
    over: bool


_MISSING = {
    Reason.NO_CONNECTION: NotSent.NO_CONNECTION,
    Reason.PROVIDER_UNSUPPORTED: NotSent.PROVIDER_UNSUPPORTED,
    Reason.SCOPE_NOT_GRANTED: NotSent.SCOPE_NOT_GRANTED,
}
"""A connection that waits for its person gets the event when it is healed: that is no reason."""


def why_not(this: Circumstances) -> NotSent | None:
    """The first reason in the order in which a person would mend them; None: it becomes an event."""
    if this.integration:
        return NotSent.INTEGRATION_SOURCE
    if not this.connected:
        return NotSent.NO_CONNECTION
    state = next(item for item in this.states if item.capability is Capability.CRM_MEETINGS)
    if state.reason in _MISSING:
        return _MISSING[state.reason]
    if not this.calendar_sync:
        return NotSent.CALENDAR_SYNC_OFF
    return NotSent.ALREADY_OVER if this.over else None
