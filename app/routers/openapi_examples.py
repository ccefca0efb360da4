"""Examples for the API's document, made from its schemas. Pure.

The one rule: an example is true to its schema and says something. A text whose sample nobody wrote is an error; it
never becomes "string".
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_SAMPLES: Mapping[str, Any] = {
    "accept_label": "I accept",
    "account_created_at": "2021-03-01T08:00:00Z",
    "allowed_actions": ["update", "delete"],
    "authorization_url": "https://accounts.google.com/o/oauth2/v2/auth?client_id=calendar-connect",
    "booking_token": None,
    "all_day": False,
    "calendar_id": "cal_01k9qj5v3mfb9t2z8h4c6x7wdn",
    "cancel_until": "2026-12-01T07:00:00Z",
    "cancelled_at": None,
    "capabilities": ["calendar_sync"],
    "certificate": None,
    "consent_text": "I agree that my details are kept.",
    "created_at": "2026-11-20T10:15:00Z",
    "description": "Half an hour to get to know each other.",
    "domain_id": None,
    "duration_minutes": 30,
    "email": "ada@example.com",
    "end_at": "2026-12-01T08:30:00Z",
    "expires_at": "2026-12-04T08:00:00Z",
    "field_id": "company",
    "first_bookable_day": "2026-11-20",
    "first_day": "2026-12-01",
    "guests": ["grace@example.com"],
    "help": None,
    "host_name": "Ada Lovelace",
    "increment_minutes": None,
    "label": "Company",
    "lag_seconds": 12,
    "last_bookable_day": "2026-12-20",
    "last_day": "2026-12-31",
    "locale": "sv-SE",
    "max_availability_calendars": 50,
    "meeting_link": "https://meet.example.com/meetings/ada/intro",
    "meetings_url": "ada",
    "name": "Ada Lovelace",
    "next_cursor": None,
    "options": [],
    "paragraphs": ["Your calendar is read to find out when you are free."],
    "permissions": ["personal_email_access"],
    "reason": "Something came up.",
    "redirect_url": "https://example.com/thanks",
    "reschedule_until": "2026-12-01T07:00:00Z",
    "slug": "ada/intro",
    "start_at": "2026-12-01T08:00:00Z",
    "time_zone": "Europe/Stockholm",
    "title": "Ada Lovelace and Grace Hopper",
    "turned_off": False,
    "updated_at": "2026-11-20T10:15:00Z",
    "used": 1,
    "username": "EXAMPLE\\ada",
    "value": "Example",
    "version": 3,
    "video_url": None,
    "visitor_email": "grace@example.com",
    "visitor_name": "Grace Hopper",
    "visitor_time_zone": "America/New_York",
}
"""By property name: what a reader would expect to see."""

_NEVER_FAILED: Mapping[str, Any] = {
    "consecutive_failures": 0,
    "failing_since": None,
    "next_attempt_at": None,
    "previous_secret_until": None,
}

_CONFIRMED: Mapping[str, Any] = {"cancelled_by": None, "cancel_reason": None, "location": None}

_UNDECIDED: Mapping[str, Any] = {
    "clashes": None,
    "booking_id": None,
    "decided_by": None,
    "decided_at": None,
    "reason": None,
    "expires_at": "2026-12-01T08:00:00Z",
}

_MOVED: Mapping[str, Any] = {
    "resolution": None,
    "resolved_by": None,
    "resolved_at": None,
    "booked_start_at": "2026-12-01T08:00:00Z",
    "booked_end_at": "2026-12-01T08:30:00Z",
    "observed_start_at": "2026-12-01T13:00:00Z",
    "observed_end_at": "2026-12-01T13:30:00Z",
}

_MEETING: Mapping[str, Any] = {
    "source": "crm_record",
    "booking_id": None,
    "invite_status": "sent",
    "invite_reason": None,
    "calendar_event": {"status": "written", "error": None},
}

_VISITOR: Mapping[str, Any] = {
    "name": "Grace Hopper", "email": "grace@example.com", "guests": [], "hold_id": None, "hold_token": None,
}  # fmt: skip

_SAMPLES_OF: Mapping[str, Mapping[str, Any]] = {
    "AvailabilityCalendar": {
        "name": "Work",
        "inactive_reason": None,
        "remedy": None,
        "allowed_actions": ["update", "recheck"],
    },
    "Booking": _CONFIRMED,
    "BookedOnBehalf": _CONFIRMED,
    "BookingCreate": _VISITOR,
    "BookingOnBehalfCreate": _VISITOR,
    "BookingEventData": _CONFIRMED,
    "Calendar": {"name": "Work", "ineligible_reason": None},
    "CalendarEventState": {"status": "written", "error": None},
    "CalendarSyncState": {
        "name": "Work",
        "next_run_at": "2026-11-20T10:16:00Z",
        "channel_expires_at": None,
        "last_error": None,
        "consecutive_failures": 0,
        "pending_changes": False,
    },
    "CapabilityStatus": {"available": False, "reason_text": "No calendar is connected.", "remedy": "Connect one."},
    "ConnectField": {"label": "E-mail", "secret": False},
    "Connection": {
        "reason": None,
        "reason_text": None,
        "remedy": None,
        "capabilities": [],
        "allowed_actions": ["disconnect", "sync"],
    },
    "ConnectionAuthorization": {
        "code": None,
        "detail": None,
        "connection_id": None,
        "expires_at": "2026-11-20T10:25:00Z",
    },
    "ConnectionCreate": {"version": "Exchange2016"},
    "ConnectionCreated": {
        "provider": "exchange",
        "reason": None,
        "reason_text": None,
        "remedy": None,
        "capabilities": [],
    },
    "Disclosure": {"version": "2026-11-01", "language": "en", "title": "Connecting Google Calendar"},
    "Domain": {"status": "connected", "failure_reason": None, "remedy": None},
    "DriftEntry": _MOVED,
    "DriftEntryEventData": _MOVED,
    "Engagement": _MEETING,
    "EngagementContact": {"role": "attendee"},
    "EngagementEventData": _MEETING,
    "ExchangeDiscovery": {"required_fields": []},
    "ExchangeDiscoveryCreate": {"version": "Exchange2016"},
    "HoursOfDay": {"end": "17:00"},
    "Location": {"kind": "video", "text": None},
    "MeetingRequest": {**_UNDECIDED, "clashes": False, "allowed_actions": ["accept", "decline"], "alternatives": []},
    "MeetingRequestEventData": _UNDECIDED,
    "PageRule": {"rule": "minimum_notice"},
    "ProviderInfo": {"connect_fields": []},
    "PublicBooking": {
        "name": "Grace Hopper",
        "email": "grace@example.com",
        "guests": [],
        "location": None,
        "cancelled_by": None,
        "cancel_reason": None,
    },
    "PublicMeetingRequest": {
        "name": "Grace Hopper",
        "email": "grace@example.com",
        "guests": [],
        "booking_id": None,
        "reason": None,
        "expires_at": "2026-12-01T08:00:00Z",
    },
    "PublicSchedulingPage": {"name": "Intro", "durations_minutes": [30, 60], "max_guests": 3},
    "PublicProposedTime": {"booked": False},
    "PublicTimeProposal": {"booked": False},
    "ReportCalendar": {"name": "Work"},
    "ReportedTime": {"grade": None},
    "RequestedOnBehalf": {**_UNDECIDED, "allowed_actions": ["decline"], "alternatives": []},
    "RollingDays": {"days": 30},
    "RollingWeeks": {"weeks": 4},
    "SchedulingPage": {
        "name": "Intro",
        "turned_off": False,
        "durations_minutes": [30, 60],
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 15,
        "minimum_notice_minutes": 240,
        "date_overrides": [],
        "daily_limit": 4,
        "weekly_limit": None,
        "max_guests": 3,
        "reschedule_cutoff_minutes": 60,
        "cancel_cutoff_minutes": 60,
        "reminders_minutes_before": [1440, 60],
    },
    "SlotHold": {"expires_at": "2026-11-20T10:25:00Z"},
    "Task": {"completed_at": None, "calendar_event": {"status": "written", "reason": None}},
    "TaskEventData": {"completed_at": None},
    "TimeProposal": {"booking_id": None},
    "UserUpsert": {
        "legacy_connections": [
            {"provider": "google", "email": "ada@example.com", "purpose": "calendar"},
            {"provider": "office365", "email": "ada.meetings@example.com", "purpose": "meetings"},
        ]
    },
    "WebhookDelivery": {"status": "succeeded", "error": None},
    "WebhookEndpoint": {"status_reason": None, "description": "Bookings into the CRM", **_NEVER_FAILED},
    "WebhookEndpointCreate": {"description": "Bookings into the CRM"},
    "WebhookEndpointCreated": {"status_reason": None, "description": "Bookings into the CRM", **_NEVER_FAILED},
    "WebhookSecret": {"previous_secret_until": "2026-11-21T10:15:00Z"},
    "WeeklyHours": {"end": "17:00"},
}
"""By schema, where the property's name alone would mislead."""

_WHOLE: Mapping[str, Mapping[str, Any]] = {
    "CalendarSettingsUpdate": {"calendar_sync": True, "meetings_url": "ada", "domain_id": None},
    "ConnectionUpdate": {"password": "correct horse battery staple", "username": "EXAMPLE\\ada"},
    "SchedulingPageCreate": {
        "type": "personal",
        "name": "Intro",
        "slug": "intro",
        "durations_minutes": [30, 60],
        "buffer_after_minutes": 15,
        "booking_window": {"kind": "rolling_days", "days": 30},
    },
    "SchedulingPageUpdate": {"durations_minutes": [30], "daily_limit": 4, "consent_text": None},
    "WebhookEndpointUpdate": {"event_types": ["booking.created", "booking.cancelled"], "status": "active"},
}
"""By schema, where most properties may be absent and usually are."""

_FORMATS: Mapping[str, str] = {
    "date": "2026-12-01",
    "date-time": "2026-11-20T10:15:00Z",
    "password": "correct horse battery staple",
}


class Examples:
    """Makes examples of a document's schemas."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def of(self, schema: Schema, *, owner: str = "", name: str = "") -> Any:
        """One value that the schema allows. Raises: LookupError for a text without a sample."""
        known = _SAMPLES_OF.get(owner, {})
        if name in known:
            return known[name]
        for key in ("const", "enum", "examples"):
            if key in schema:
                return schema[key] if key == "const" else schema[key][0]
        if "$ref" in schema:
            return self._component(schema)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema and not self._has_sample(name, schema):
                return self.of(schema[key][0], owner=owner, name=name)
        return self._plain(schema, owner, name)

    def variants(self, schema: Schema) -> Mapping[str, Any]:
        """An example for each member of a union, by its discriminator; empty for anything else."""
        target = self._schemas[component_name(schema)] if "$ref" in schema else schema
        mapping = target.get("discriminator", {}).get("mapping", {})
        return {tag: self._component({"$ref": reference}) for tag, reference in mapping.items()}

    @staticmethod
    def _has_sample(name: str, schema: Schema) -> bool:
        plain = all("$ref" not in option for option in schema.get("anyOf", ()))
        return name in _SAMPLES and plain

    def _component(self, schema: Schema) -> Any:
        name = component_name(schema)
        return dict(_WHOLE[name]) if name in _WHOLE else self.of(self._schemas[name], owner=name)

    def _plain(self, schema: Schema, owner: str, name: str) -> Any:
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            return {key: self.of(value, owner=owner, name=key) for key, value in properties.items()}
        if name in _SAMPLES and not _is_reference_list(schema):
            return _SAMPLES[name]
        if kind == "array":
            return [self.of(schema["items"], owner=owner, name=name)]
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        if kind == "boolean":
            return True
        if (sample := _FORMATS.get(schema.get("format", ""))) is not None:
            return sample
        raise LookupError(f"no sample for {owner}.{name}: add `examples` to the field")


def component_name(reference: Schema) -> str:
    """`{"$ref": "#/components/schemas/User"}` → `User`."""
    return str(reference["$ref"]).rpartition("/")[2]


def _is_reference_list(schema: Schema) -> bool:
    return schema.get("type") == "array" and "$ref" in schema.get("items", {})
