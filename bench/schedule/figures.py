"""The bench `schedule`: every scenario, played and judged. The rule: this file only chooses."""

from collections.abc import Collection, Iterator

from bench.measure import Figure
from bench.schedule.play import Stage, figures_of, play, population_of, scenarios_for


def figures(stage: Stage, names: Collection[str] | None = None) -> Iterator[Figure]:
    """The figures of these scenarios, of all when none is named."""
    population = population_of(stage)
    for scenario in scenarios_for(population):
        if names is None or scenario.name in names:
            yield from figures_of(play(scenario, population, stage))
