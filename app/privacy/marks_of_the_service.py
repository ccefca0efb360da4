"""The columns about accounts, pages, domains and webhooks, and those by which the service finds its way.

The one rule: `app/privacy/marks.py` says what the marks mean. What is found without knowing the account is never
personal.
"""

from collections.abc import Mapping
from typing import Final

from app.privacy.mark import Marked, marked

_DUE: Final = "account_id due_at"

MARKS: Final[Mapping[str, Marked]] = {
    "accounts": marked("account_id subscriptions opened_at created_at updated_at closed_at"),
    "account_exports": marked("account_id id status reading after parts records requested_at completed_at expires_at"),
    "account_export_parts": marked("account_id id export_id number", secret="content"),
    "account_erasures": marked(
        "account_id id requested_by requested_at stage deleted_rows last_sequence last_seal look_again_at finished_at"
    ),
    "data_keys": marked("account_id master_version", secret="wrapped"),
    "audit_entries": marked(
        "account_id id actor action subject_id data at sequence seal",
        subject_id="the id of what something was done to",
    ),
    "audit_chains": marked("account_id last_sequence last_seal"),
    "event_feeds": marked("account_id last_sequence pruned_through"),
    "webhook_endpoints": marked(
        "account_id id url description event_types status status_reason previous_secret_until delivered_through "
        "failures failing_since next_attempt_at slow fence lease_until version created_at updated_at",
        secret="secret previous_secret",
        previous_secret_until="a time",
        description="what the account calls an endpoint of its own; the CRM writes it, for itself",
    ),
    "webhook_deliveries": marked(
        "account_id id endpoint_id event_id event_type sequence attempt status status_code error duration_ms created_at"
    ),
    "calendar_settings": marked(
        "account_id user_id version calendar_sync task_sync scheduling_pages turned_off tentative_blocks "
        "default_page_id domain_id chat_page_id chat_enabled drift_policies auto_confirm_requests",
        personal="meetings_url",
        secret="widget_key",
    ),
    "scheduling_pages": marked(
        "account_id id owner_id type version team_since deleted_at created_at updated_at",
        personal="name slug configuration",
    ),
    "scheduling_page_members": marked("account_id page_id user_id position joined_at"),
    "time_proposals": marked(
        "account_id id owner_id page_id duration_minutes starts_at time_zone expires_at created_at"
    ),
    "domains": marked(
        "account_id id host token status failure_reason failures failing_since awaited_since points_here "
        "search_indexing version connected_at checked_at created_at updated_at",
        token="what a public DNS record has to say: whoever reads DNS reads it",
    ),
    "directory": marked("kind key account_id target_id"),
    "provider_grants": marked("connection_id account_id grant_hash"),
    "due_audits": marked(f"entry_id {_DUE}"),
    "due_calendars": marked(f"calendar_id synced_at {_DUE}"),
    "due_domains": marked(f"domain_id {_DUE}"),
    "due_events": marked(f"event_id {_DUE}"),
    "due_feeds": marked(_DUE),
    "due_holds": marked(f"hold_id {_DUE}"),
    "due_reminders": marked(f"booking_id minutes_before {_DUE}"),
    "due_requests": marked(f"request_id {_DUE}"),
    "due_watches": marked(f"calendar_id {_DUE}"),
    "due_webhooks": marked(f"endpoint_id {_DUE}"),
}
