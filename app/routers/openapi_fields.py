"""What a field means wherever it stands, for the API's document.

The one rule: a docstring at the field wins; here is only what would read the same in every schema.
"""

from collections.abc import Mapping

DESCRIPTIONS: Mapping[str, str] = {
    "access_role": "What the connected account may do with the calendar.",
    "allowed_actions": "What the caller may do with it now.",
    "available": "Whether it can be done now.",
    "calendar_id": "The calendar.",
    "calendars": "One entry per mirrored calendar.",
    "cancelled_by": "Who cancelled; null while nobody did.",
    "capabilities": "What can be done, and what not and why.",
    "capability": "What it is about, a code.",
    "certificate": "The certification authority of the server, PEM.",
    "client": "Where the person is.",
    "connection_id": "The connection.",
    "consecutive_failures": "How many have failed one after another.",
    "created_at": "When it was made.",
    "end_at": "When it ends, exclusive.",
    "ews_url": "The server's address.",
    "expires_at": "When it lapses.",
    "field_id": "The question's id.",
    "id": "Its id; never used again for anything else.",
    "is_primary": "It is the account's primary calendar.",
    "items": "What was asked for.",
    "kind": "Which of the alternatives this is.",
    "language": "The language of the texts.",
    "last_run_at": "When the last run began: while `state` is `running`, the one under way; null before the first.",
    "last_success_at": "When the last run that went well ended; null before it.",
    "name": "What to call it.",
    "next_cursor": "Where to go on; null at the end.",
    "next_run_at": "When the next run is due; null when none is planned.",
    "page_id": "The scheduling page.",
    "paragraphs": "The text, paragraph by paragraph.",
    "password": "An app password where the account signs in with two factors.",
    "permissions": "What the caller's token permits.",
    "provider": "The calendar provider.",
    "required": "Whether it must be filled in.",
    "start_at": "When it begins.",
    "state": "What the sync is doing.",
    "status": "How it stands.",
    "title": "The heading.",
    "updated_at": "When it last changed.",
    "email": "The address.",
    "username": "The name to sign in with.",
    "version": "Which version it is.",
    "visitor_email": "The visitor's address.",
    "visitor_name": "The visitor's name.",
}
"""By property name."""
