"""What the control API may turn. The one rule: the defaults are Google's, as far as Google tells them."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass
class Knobs:
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
