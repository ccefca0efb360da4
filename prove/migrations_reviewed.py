"""Reviewed: what migrations do to rows that were there before them, each with its reason.

The one rule: an entry that no run meets any more fails the run; so the list says what is, and nothing else.
What is written here is over: a new migration has to do without.
"""

from typing import Final

Reviewed = dict[str, dict[str, str]]

UP: Final[Reviewed] = {
    "0002": {"public.calendar_writes -": "what is left of bookings that are gone has nothing to be written"},
    "0005": {
        "public.calendar_syncs.cursor": "everything is listed once more, for who takes part was not kept before",
        "public.mirror_events.etag": "what is listed counts as changed, for nobody has followed it yet",
    },
    "0006": {"queue.pgqueuer_log -": "only failures are kept"},
}
"""By revision: `table.column` that it changes, `table -` where it deletes rows."""

DOWN: Final[Reviewed] = {
    "0002": {
        "public.calendar_writes -": "a write without a calendar was not possible before",
        "public.connection_tokens -": "a secret that does not expire was not possible before",
    },
    "0005": {"public.calendar_writes -": "the events of meetings and tasks are unknown to the release before"},
    "0008": {"public.mirror_events.generation": "an event that no listing has told of was marked otherwise"},
    "0011": {"public.directory -": "no domains, no way to find them"},
    "0013": {"public.reservations -": "holds are unknown to the release before, so is the time they take"},
    "0014": {"public.directory -": "proposals and widgets are unknown to the release before"},
    "0015": {
        "public.scheduling_pages.configuration": "so are reminders, and a page's document with them would be refused"
    },
}
"""What a downgrade loses of the tables and columns that stay."""

FORGETFUL: Final = {
    "0002": "lifts no forced row-level security: for a plain owner its UPDATE, DELETE and INSERT … SELECT see no rows",
    "0003": "the same: no calendar that was there is given a watch",
}
"""Migrations that landed before any database held data, and do their work on rows only by BYPASSRLS."""

STOPPING: Final = {
    "0002": "adds a foreign key that is looked over, and changes every write, in one transaction",
    "0005": "changes every event of the mirror and every write under the locks of ALTER TABLE",
}
"""Migrations that keep the service waiting for longer than half a second where tables are big: landed before anybody
had such tables. Nothing is added here."""

BREAKING: Final[Reviewed] = {
    "0005": {"public.calendar_writes: NotNullViolationError": "a write has to say when its event ends"},
    "0018": {
        "public.audit_entries: InsufficientPrivilegeError": "no release ever changed or removed an entry of the log"
    },
}
"""Statements of the release before that a migration has fail: how what is told of them begins, and why."""
