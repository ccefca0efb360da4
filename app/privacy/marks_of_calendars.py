"""The columns about connections, calendars and what stands in them.

The one rule: `app/privacy/marks.py` says what the marks mean. When somebody is busy is personal, though
nobody is named.
"""

from collections.abc import Mapping
from typing import Final

from app.privacy.mark import Marked, marked

MARKS: Final[Mapping[str, Marked]] = {
    "connections": marked(
        "account_id id user_id provider status reason scopes purposes disconnected_at created_at updated_at",
        personal="subject email",
    ),
    "connection_authorizations": marked(
        "account_id id user_id provider client status code return_url disclosure_version connection_id expires_at "
        "created_at",
        personal="login_hint",
        secret="state_hash code_verifier",
    ),
    "connection_tokens": marked(
        "account_id connection_id expires_at version lease_until", secret="refresh_token access_token"
    ),
    "calendars": marked(
        "account_id id connection_id time_zone role is_primary checked inactive_reason unreachable_policy created_at",
        personal="provider_calendar_id name",
    ),
    "calendar_syncs": marked(
        "account_id calendar_id state generation dirty_seq synced_seq asked fence lease_until expanded_until "
        "last_started_at last_succeeded_at last_error failures failing_since not_before listed_at "
        "changed_at watched_until",
        secret="cursor",
    ),
    "task_calendars": marked("account_id connection_id calendar_id attempts last_error lease_until"),
    "push_channels": marked(
        "account_id id calendar_id whole_mailbox expires_at created_at",
        secret="channel_id resource_id secret_hash",
    ),
    "calendar_writes": marked(
        "account_id id booking_id engagement_id task_id calendar_id provider key ends_at invites comes_back "
        "desired_seq written_seq status event_id etag ical_uid extra_event_ids written_start written_end attempts "
        "last_error failing_since look_again_at fence lease_until created_at",
        personal="subject provider_calendar_id draft guest_response video_url",
    ),
    "drift_entries": marked(
        "account_id id host_id booking_id kind status reason resolution resolved_by booked_start booked_end "
        "observed_start observed_end event_ids detected_at resolved_at"
    ),
    "mirror_events": marked(
        "account_id calendar_id event_id series_id etag key generation",
        personal="starts_at ends_at start_date end_date busy",
    ),
    "mirror_addresses": marked("account_id calendar_id event_id", personal="address_hash"),
    "mirror_series": marked("account_id calendar_id series_id generation"),
    "calendar_changes": marked("account_id calendar_id event_id series_id topic seq changed_at attempts not_before"),
    "busy_months": marked("account_id calendar_id month", personal="busy tentative"),
    "reservations": marked("account_id id host_id booking_id hold_id during expires_at until"),
}
