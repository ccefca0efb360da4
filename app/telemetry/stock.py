"""Figures that stand in the database account by account, as they were found when they were last looked for.

The one rule: one worker has them at a time; who has none tells none, so that nothing old is taken for the truth.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.telemetry.metrics import PREFIX, REGISTRY


@dataclass(frozen=True, slots=True)
class Gauged:
    """One figure: what it is called, what it says, by what it is told apart."""

    name: str
    what: str
    labels: tuple[str, ...] = ()


CONNECTIONS: Final = Gauged("connections", "Connections, by state.", ("provider", "status"))
LAG: Final = Gauged("sync_lag_seconds_max", "How long ago the oldest mirror that can be read was true.", ("provider",))
LAG_P99: Final = Gauged("sync_lag_seconds_p99", "The same for 99 of 100 mirrors, rounded up.", ("provider",))
MIRRORS: Final = Gauged(
    "mirrors", "Mirrored calendars of working connections, by what their last run came to.", ("provider", "state")
)
WATCHES: Final = Gauged("watches", "Calendars that a provider watches for us, by when that ends.", ("provider", "ends"))
UNWRITTEN: Final = Gauged("calendar_writes_unfinished", "Events that are not in their calendar as wished.", ("state",))
FAILING: Final = Gauged("calendar_writes_failing_seconds_max", "How long the longest of them has been failing.")
DRIFT: Final = Gauged("drift_open", "Booked events that a person changed and nobody has decided on.", ("kind",))
UNSENT: Final = Gauged("mails_unsent", "Mails that are not sent yet.", ("state",))
UNSENT_AGE: Final = Gauged("mails_unsent_seconds_max", "How long the oldest of them has waited.")
TAKEN: Final = Gauged("stock_taken_timestamp_seconds", "When these figures were looked for.")

STOCK: Final = (CONNECTIONS, LAG, LAG_P99, MIRRORS, WATCHES, UNWRITTEN, FAILING, DRIFT, UNSENT, UNSENT_AGE, TAKEN)
"""All that is told of the stock."""

Figures = Mapping[Gauged, Mapping[tuple[str, ...], float]]


class _Shelf(Collector):
    """Where the figures lie between two looks."""

    def __init__(self) -> None:
        self._figures: Figures = {}

    def put(self, figures: Figures) -> None:
        """These are the figures from here on."""
        self._figures = figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """For the registry; called by the thread that answers a scrape."""
        return [_family(gauged, values) for gauged, values in self._figures.items()]

    def describe(self) -> Sequence[GaugeMetricFamily]:
        """The names, for the registry to see that nobody else has them."""
        return [_family(gauged, {}) for gauged in STOCK]


def _family(gauged: Gauged, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{gauged.name}", gauged.what, labels=gauged.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


_SHELF: Final = _Shelf()
REGISTRY.register(_SHELF)


def tell_stock(figures: Figures, *, taken_at: datetime) -> None:
    """What was found, from here on."""
    _SHELF.put({**figures, TAKEN: {(): taken_at.timestamp()}})


def forget_stock() -> None:
    """Somebody else looks, or nobody."""
    _SHELF.put({})
