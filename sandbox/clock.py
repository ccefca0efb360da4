"""The time every simulator lives in. The one rule: nobody asks the operating system, so a test can move time."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time plus an offset, or a frozen instant. Always aware, always UTC."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._offset = timedelta()
        self._frozen_at = frozen_at

    def now(self) -> datetime:
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move time by a span; a negative one is a clock skew."""
        if self._frozen_at is not None:
            self._frozen_at += by
        else:
            self._offset += by

    def freeze(self, at: datetime | None = None) -> None:
        """Stop time at `at` (default: now)."""
        self._frozen_at = (at or self.now()).astimezone(UTC)

    def run(self) -> None:
        """Let a frozen clock run on from where it stands."""
        self._offset = self.now() - datetime.now(UTC)
        self._frozen_at = None

    def reset(self) -> None:
        self._offset = timedelta()
        self._frozen_at = None
