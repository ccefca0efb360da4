"""Reading figures as a scraper does.

The one rule: the counters of a process outlive a test, so what a test has done is the difference of two scrapes.
"""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from app.telemetry.metrics import PREFIX, process_figures

Series = tuple[str, frozenset[tuple[str, str]]]


def read(scraped: str) -> dict[Series, float]:
    """Each series and its value."""
    return {
        (sample.name.removeprefix(f"{PREFIX}_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(scraped)
        for sample in family.samples
    }


def series(name: str, **labels: str) -> Series:
    """One of them, without the prefix."""
    return name, frozenset(labels.items())


class Meter:
    """What was counted in this process since it was made."""

    def __init__(self) -> None:
        self._before = read(process_figures().decode())

    def counted(self, name: str, **labels: str) -> float:
        """How much the series that have these labels, and maybe more, have grown together."""
        grown: Counter[str] = Counter()
        for (found, told), value in read(process_figures().decode()).items():
            if found == name and told >= frozenset(labels.items()):
                grown[found] += value - self._before.get((found, told), 0)  # type: ignore[assignment]
        return grown[name]
