"""What an account's export is made of: every table and column that is marked, but secrets. Pure.

The one rule: what is left out has its reason here; a new table is in the export without anybody thinking of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, Table

from app.models.all_tables import every_table
from app.privacy.marks import MARKS

LEFT_OUT: Final[Mapping[str, str]] = {
    "account_exports": "the export itself",
    "account_export_parts": "the export itself",
    "busy_months": "mirror_events, counted together",
    "calendar_changes": "what still has to be looked at: how we work, not what we hold",
    "connection_tokens": "secrets alone",
    "data_keys": "secrets alone",
    "directory": "how requests find the account: repeats ids and slugs",
    "due_audits": "when we do what: repeats ids",
    "due_calendars": "when we do what: repeats ids",
    "due_domains": "when we do what: repeats ids",
    "due_events": "when we do what: repeats ids",
    "due_feeds": "when we do what: repeats ids",
    "due_holds": "when we do what: repeats ids",
    "due_reminders": "when we do what: repeats ids",
    "due_requests": "when we do what: repeats ids",
    "due_watches": "when we do what: repeats ids",
    "due_webhooks": "when we do what: repeats ids",
    "idempotent_answers": "hashes of requests, for two days at most: what they made is told where it stands",
    "provider_grants": "a hash of connections' subjects",
    "push_channels": "secrets, and when they lapse",
    "visitor_tokens": "secrets, and when they lapse; what they open is in form_submissions",
}
"""Why a table is not in it."""


def exported_tables() -> list[Table]:
    """In the order they are read."""
    return [table for table in every_table() if table.name not in LEFT_OUT]


def exported_columns(table: Table) -> Sequence[Column[Any]]:
    """All that are not secret."""
    marks = MARKS[table.name]
    shown = {*marks.plain, *marks.personal}
    return [column for column in table.columns if column.name in shown]
