"""Every figure the service exports: as code declares it, and as the table of docs/operations.md has it."""

from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from app.sync import gauges
from app.telemetry import metrics
from app.telemetry.metrics import PREFIX
from app.telemetry.stock import STOCK


@dataclass(frozen=True, slots=True)
class Exported:
    """One figure."""

    name: str
    kind: str
    labels: tuple[str, ...]
    source: str
    """Who tells it: every `process`, whoever asks the `database`, the `worker` that takes stock."""
    what: str

    @property
    def series(self) -> set[str]:
        """As Prometheus stores it."""
        return {f"{self.name}_{end}" for end in ("bucket", "sum", "count")} if self.kind == "histogram" else {self.name}


def catalogue() -> list[Exported]:
    counted = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    told = [_counted(value) for value in counted]
    read = [value for value in vars(gauges).values() if isinstance(value, gauges.Gauged)]
    told += [Exported(f"{PREFIX}_{item.name}", "gauge", item.labels, "database", item.what) for item in read]
    told += [Exported(f"{PREFIX}_{item.name}", "gauge", item.labels, "worker", item.what) for item in STOCK]
    return sorted(told, key=lambda item: item.name)


def _counted(value: Counter | Gauge | Histogram) -> Exported:
    kind = type(value).__name__.lower()
    name = f"{value._name}_total" if kind == "counter" else value._name
    return Exported(name, kind, tuple(value._labelnames), "process", value._documentation)


def table() -> str:
    """What docs/operations.md holds."""
    head = "| figure | kind | told apart by | told by | what |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{item.name}` | {item.kind} | {' '.join(f'`{label}`' for label in item.labels) or '-'} | {item.source} "
        f"| {item.what} |\n"
        for item in catalogue()
    )
