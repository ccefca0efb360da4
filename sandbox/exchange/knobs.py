"""What the control API may turn. The one rule: the defaults are those of an Exchange 2010 SP2 out of the box."""

from dataclasses import dataclass, field
from datetime import timedelta

MINUTE = 60


@dataclass
class Knobs:
    """`service_time` is how long every call takes, so that calls can be on their way at the same time."""

    authentication: list[str] = field(default_factory=lambda: ["ntlm", "basic"])
    lockout_threshold: int | None = None
    impersonation: bool = True
    max_concurrency: int | None = 10
    service_time: timedelta = timedelta()
    find_count_limit: int = 1000
    sync_changes_cap: int = 512
    sync_state_max_age: timedelta | None = None
    calendar_view_max_days: int = 731
    free_busy_max_days: int = 42
    free_busy_max_mailboxes: int = 100
    max_request_bytes: int = 35 * 1024 * 1024
