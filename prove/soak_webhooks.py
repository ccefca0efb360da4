"""The CRM of each account: it is sent everything that happens there, and counts.

The one rule: what was sent is held against the feed's own numbers: each of them, once at least, in their order.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from prove.lines import Line
from prove.soak_vitals import BATTERY
from prove.stage import Stage
from sandbox.demo_journey import Host
from sandbox.webhook_receiver import WebhookReceiver, receiving

_PATIENCE: Final = 60.0  # seconds
_SHOWN: Final = 5
_BEHIND: Final = """
SELECT e.id FROM webhook_endpoints e JOIN event_feeds f USING (account_id) WHERE e.delivered_through < f.last_sequence
"""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An account's endpoint, and what it was sent."""

    account_id: str
    receiver: WebhookReceiver

    def wrong(self) -> Iterator[str]:
        """Numbers that came late or never, and messages that were not to be believed."""
        numbers = [delivery.event["sequence"] for delivery in self.receiver.taken]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
            yield f"{self.account_id} was sent {len(numbers)} events, not each in its turn"
        if self.receiver.refused:
            yield f"{self.account_id} did not believe {len(self.receiver.refused)} messages"


@contextmanager
def open_receivers(count: int) -> Iterator[list[WebhookReceiver]]:
    """So many, each at an address of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(receiving()) for _ in range(count)]


async def subscribe(host: Host, receiver: WebhookReceiver) -> Subscriber:
    """The host's account has its events sent there."""
    account = str((await host.read("/v1/me"))["account"]["id"])
    token = await host.sandbox.issue_token(service=True, account_id=account, permissions=["webhooks:write"])
    body = {"url": receiver.url, "description": "A CRM"}
    headers = {"Authorization": f"Bearer {token}"}
    made = await host.call("POST", "/v1/webhook-endpoints", body, status=201, headers=headers)
    receiver.trust(made.json()["secret"])
    return Subscriber(account, receiver)


async def all_told(stage: Stage, subscribers: Sequence[Subscriber]) -> Line:
    """Once all is done nobody is behind, and nothing was left out."""

    async def nobody_behind() -> bool:
        return not await stage.fetch(_BEHIND)

    waited = await stage.wait_until(nobody_behind, seconds=_PATIENCE)
    wrong = [what for subscriber in subscribers for what in subscriber.wrong()]
    sent = sum(len(subscriber.receiver.taken) for subscriber in subscribers)
    figures = {"sent": sent, "repeats": sum(each.receiver.repeats for each in subscribers), "seconds": waited}
    good = waited is not None and sent > 0 and not wrong
    return Line(BATTERY, "webhooks have told everything, in order", good, {**figures, "wrong": wrong[:_SHOWN]})
