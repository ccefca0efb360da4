"""The columns about people: users, contacts, visitors, and what is said to and of them.

The one rule: `app/privacy/marks.py` says what the marks mean.
"""

from collections.abc import Mapping
from typing import Final

from app.privacy.mark import Marked, marked

_APPOINTMENT: Final = (
    "account_id id page_id host_id status starts_at ends_at language consent_text proposal_id created_at updated_at"
)
_VISITOR: Final = "visitor_name visitor_email visitor_time_zone guests answers"

MARKS: Final[Mapping[str, Marked]] = {
    "users": marked(
        "account_id id locale time_zone permissions seats connection_limit_used active updated_at",
        personal="email name",
    ),
    "disclosure_acceptances": marked("account_id id user_id provider version language accepted_at"),
    "inboxes": marked("account_id id kind user_id connection_id created_at disconnected_at", personal="email address"),
    "contacts": marked("account_id id source version created_at updated_at", personal="email address_hash name phone"),
    "erased_contacts": marked("account_id erased_at", personal="address_hash"),
    "engagements": marked(
        "account_id id owner_id source booking_id booking_version calendar_id event_id starts_at ends_at all_day "
        "time_zone outcome organized invite_status invite_reason version cancelled_at created_at updated_at",
        personal="title description location video_url",
    ),
    "engagement_contacts": marked("account_id engagement_id contact_id role", personal="response"),
    "tasks": marked(
        "account_id id owner_id contact_id due_at duration_minutes status completed_at unplaced deleted_at version "
        "created_at updated_at",
        personal="title notes",
    ),
    "bookings": marked(
        f"{_APPOINTMENT} ical_uid sequence version assignment cancelled_by cancelled_at",
        personal=f"{_VISITOR} title location video_url co_hosts cancel_reason",
        secret="token_hash",
    ),
    "booking_users": marked("account_id booking_id user_id starts_at"),
    "meeting_requests": marked(
        f"{_APPOINTMENT} clashes expires_at decided_by decided_at", personal=f"{_VISITOR} reason", secret="token_hash"
    ),
    "slot_holds": marked(
        "account_id id page_id starts_at ends_at expires_at created_at", personal="network_hash", secret="token_hash"
    ),
    "form_submissions": marked("account_id id submitted_at", personal="address_hash content"),
    "visitor_tokens": marked("account_id submission_id expires_at created_at", personal="content", secret="token_hash"),
    "mails": marked(
        "account_id id subject_id kind status attempts lease_until last_error sent_at created_at",
        personal="to_email reader to_name reply_to letter",
        subject_id="the id of what the mail is about",
    ),
    "feed_events": marked(
        "account_id id arrival sequence type subject_id occurred_at numbered_at",
        personal="data",
        subject_id="the id of what the event is about",
    ),
    "idempotent_answers": marked(
        "account_id scope status_code subject_id created_at",
        personal="request_hash",
        secret="key",
        subject_id="the id of what was made",
    ),
}
