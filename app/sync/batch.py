"""What a run has learnt so far and not saved yet. Pure.

The one rule: what was read last about an id wins. An event that became a series, or a series that became an event,
leaves nothing behind of what it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.calendar import Change, Event, Removed, SeriesTouched, Unreadable, Upsert


@dataclass(slots=True)
class Batch:
    """Changes folded together."""

    events: dict[str, Event] = field(default_factory=dict)
    """Single events as they are now."""
    gone: set[str] = field(default_factory=set)
    """Events or whole series that are no more."""
    kept: set[str] = field(default_factory=set)
    """Events that cannot be read now: they stay as they are known."""
    touched: set[str] = field(default_factory=set)
    """Series whose instances must be read anew."""
    series: dict[str, list[Event]] = field(default_factory=dict)
    """Series and all their instances inside the horizon."""
    untold: set[str] = field(default_factory=set)
    """What we had written ourselves when the run began, and no listing has told of yet."""

    def add(self, changes: Iterable[Change]) -> None:
        """Fold in changes, in the provider's order."""
        for change in changes:
            match change:
                case Upsert(event):
                    self._forget(event.id)
                    self.events[event.id] = event
                case Removed(gone):
                    self._forget(gone)
                    self.gone.add(gone)
                case SeriesTouched(series):
                    self._forget(series)
                    self.touched.add(series)
                case Unreadable(kept):
                    self.gone.discard(kept)
                    self.untold.discard(kept)
                    self.kept.add(kept)

    def look_at(self, event_id: str, event: Event | None) -> None:
        """Fold in what a look at one event shows; of a date of a series the whole series is read."""
        if event is None or event.cancelled:
            self.add([Removed(event_id)])
        else:
            self.add([Upsert(event) if event.series_id is None else SeriesTouched(event.series_id)])

    def _forget(self, event_id: str) -> None:
        self.events.pop(event_id, None)
        self.gone.discard(event_id)
        self.kept.discard(event_id)
        self.touched.discard(event_id)
        self.untold.discard(event_id)

    @property
    def rows(self) -> int:
        """How much there is to save."""
        return len(self.events) + len(self.gone) + sum(map(len, self.series.values()))

    def saved(self) -> None:
        """Empty again, but for the series still to be read."""
        self.events.clear()
        self.gone.clear()
        self.kept.clear()
        self.series.clear()
