"""What the control API may turn. The one rule: the defaults are Microsoft's, as far as Microsoft tells them."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.push import PushKnobs


@dataclass
class Knobs(PushKnobs):
    strict: bool = True
    page_size_cap: int | None = None
    # "Not fixed, depends on internal cache": any age is a guess, so clients must bear any.
    delta_token_max_age: timedelta = timedelta(days=28)
    delta_token_max_changes: int | None = None
    repeat_across_pages: bool = False
    # "Save declined events" is off unless the person turns it on: a declined meeting goes to Deleted Items (MC684218).
    keep_declined_events: bool = False
    access_token_lifetime: timedelta = timedelta(seconds=3599)
    refresh_token_lifetime: timedelta = timedelta(days=90)
    revoke_old_refresh_tokens: bool = False
    scopes_as_uris: bool = False
    mailbox_concurrency: int | None = 4
    requests_per_ten_minutes: int | None = 10_000
    retry_after: int | None = 1
    # How long every call takes; without it no two calls are ever under way at once.
    service_time: timedelta = timedelta()
    # "If Microsoft Graph doesn't receive a 2xx class code within 3 seconds"; retries go on for four hours there.
    push_timeout: timedelta = timedelta(seconds=3)
    push_batch: int = 50
    validation_timeout: timedelta = timedelta(seconds=10)
    subscription_lifetime_min: timedelta = timedelta(minutes=45)
    # "10,080 minutes (under seven days)" for Outlook events; it was 4230 for years.
    subscription_lifetime_max: timedelta = timedelta(minutes=10_080)
    subscriptions_per_mailbox: int = 1000
