"""What the contract suite needs of a provider's test set-up: the person, bad luck, and a look at the other side.

The one rule: nothing here goes through the session under test; what the person does, the person does in the
provider's own interface.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Busy, Timed, When
from app.providers.base import CalendarSession, Provider

HOME = ZoneInfo("Europe/Berlin")
"""Where the person lives: one of the cities Windows names its zones after, for zones come back under such a name."""


class Fault(StrEnum):
    """What befalls the next request of a kind."""

    LOST_ANSWER = "lost answer"
    """It is done, and the answer never comes."""
    LOST_REQUEST = "lost request"
    """The connection breaks before anything is done."""
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    """With a wait of seven seconds."""
    LOGIN_PAGE = "login page"
    """A portal answers in the provider's stead, with success and HTML."""
    TRUNCATED = "truncated"


class Stage(Protocol):
    """One connected person at a simulated provider."""

    @property
    def provider(self) -> Provider: ...
    @property
    def session(self) -> CalendarSession: ...
    @property
    def calendar_id(self) -> str:
        """The person's primary calendar; its zone is `HOME`."""
        ...

    @property
    def shared_calendar_id(self) -> str:
        """Somebody else's calendar that the person can read."""
        ...

    def add(
        self,
        when: When,
        *,
        busy: Busy = Busy.BUSY,
        weeks: int = 0,
        title: str = "Private",
        guests: Sequence[str] = (),
        private: bool = False,
    ) -> str:
        """The person adds an event, or with `weeks` a weekly series of so many dates, in local time; its id."""
        ...

    def free(self, event_id: str) -> None:
        """The person makes an event block no time."""
        ...

    def copy(self, event_id: str) -> str:
        """The person copies an event on its calendar, whatever programs marked it with; the id of the copy."""
        ...

    def add_to_shared(self, when: When) -> None:
        """Somebody adds an event to the shared calendar."""
        ...

    def invite(self, when: When) -> str:
        """Somebody else invites the person; the id in the person's calendar."""
        ...

    def move(self, event_id: str, when: Timed) -> None:
        """The person moves an event, a whole series (`when` is its first date) or one date of it."""
        ...

    def make_all_day(self, event_id: str, days: AllDay) -> None:
        """The person makes an event last whole days."""
        ...

    def make_single(self, series_id: str) -> None:
        """The person turns a series into its first date alone."""
        ...

    def delete(self, event_id: str) -> None:
        """The person deletes an event, a series or one date of it."""
        ...

    def answers_as_seen_by_organizer(self, event_id: str) -> dict[str, str]:
        """Guests' answers on the organizer's side, by address, in the provider's own words."""
        ...

    def guest_answers(self, event_id: str, email: str, answer: str) -> None:
        """A guest from outside answers an invitation of the person's."""
        ...

    def own_calendars(self) -> dict[str, str]:
        """The names of the person's own calendars, by id."""
        ...

    def rename_calendar(self, calendar_id: str, name: str) -> None:
        """The person renames a calendar."""
        ...

    def delete_calendar(self, calendar_id: str) -> None:
        """The person deletes a calendar."""
        ...

    def live_events(self) -> Sequence[str]:
        """Ids of what stands in the person's primary calendar, series by their master."""
        ...

    def mailed(self, event_id: str) -> Sequence[str]:
        """Whom the provider has mailed about an event."""
        ...

    def page_size(self, rows: int) -> None:
        """The provider sends no more rows at once."""
        ...

    def strike(self, fault: Fault, *, write: bool) -> None:
        """The next write, or the next read, is struck."""
        ...

    def strike_busy(self) -> None:
        """The next free/busy answer has no times for any calendar."""
        ...

    def expire_cursors(self) -> None: ...
    def expire_access_token(self) -> None: ...
    def revoke(self) -> None:
        """The person takes back the grant."""
        ...

    def unshare(self) -> None:
        """The shared calendar is taken away from the person."""
        ...
