"""What the control API may turn. The one rule: the defaults are Google's, as far as Google tells them."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.push import PushKnobs


@dataclass
class Knobs(PushKnobs):
    strict: bool = True
    page_size_cap: int | None = None
    sync_token_max_age: timedelta = timedelta(days=28)
    sync_token_max_changes: int | None = None
    updated_min_max_age: timedelta = timedelta(days=28)
    free_busy_reader_lists: bool = True
    free_busy_max_span: timedelta = timedelta(days=90)
    access_token_lifetime: timedelta = timedelta(seconds=3599)
    refresh_token_lifetime: timedelta | None = None
    refresh_token_cap: int = 100
    # Conferences are made asynchronously: while this is set, those asked for stay `pending`.
    conferences_pending: bool = False
    channel_lifetime: timedelta = timedelta(days=7)
    channel_lifetime_max: timedelta = timedelta(days=30)
    # Calendars of nobody in particular (holidays, birthdays) and those of other people.
    push_for_public_calendars: bool = False
    push_for_shared_calendars: bool = True
