"""What the control API may turn. The one rule: the defaults are those of an Exchange 2010 SP2 out of the box."""

from dataclasses import dataclass, field
from datetime import timedelta

from sandbox.push import PushKnobs

MINUTE = 60


@dataclass
class Knobs(PushKnobs):
    """`service_time` is how long every call takes, so that calls can be on their way at the same time.

    `max_subscriptions` and `max_streams` are an account's (EWSMaxSubscriptions, HangingConnectionLimit); `heartbeat`
    is how often a stream says that nothing happened. A push is tried again for as long as its subscription says.
    """

    push_attempts: int = 13
    push_backoff: timedelta = timedelta(seconds=30)

    authentication: list[str] = field(default_factory=lambda: ["ntlm", "basic"])
    lockout_threshold: int | None = None
    impersonation: bool = True
    max_concurrency: int | None = 10
    service_time: timedelta = timedelta()
    max_subscriptions: int | None = 20
    max_streams: int | None = 3
    heartbeat: timedelta = timedelta(seconds=45)
    find_count_limit: int = 1000
    sync_changes_cap: int = 512
    sync_state_max_age: timedelta | None = None
    calendar_view_max_days: int = 731
    free_busy_max_days: int = 42
    free_busy_max_mailboxes: int = 100
    max_request_bytes: int = 35 * 1024 * 1024
