"""An event that its person makes last a whole day, at any provider.

The one rule: it is done as the provider's own calendar does it, and the day is one of the person's zone.
"""

from datetime import date, timedelta
from typing import Any

from tests.support.calendar_hands import CalendarHands
from tests.support.people import Person


async def make_all_day(hands: CalendarHands, person: Person, event_id: str, day: date) -> None:
    """The person makes an event last the whole of a day."""
    days, sandbox = {"start": day, "end": day + timedelta(days=1)}, hands.sandbox
    event: dict[str, Any]
    match hands.provider:
        case "google":
            event = {
                bound: {"date": each.isoformat(), "dateTime": None, "timeZone": None} for bound, each in days.items()
            }
            await sandbox.patch_google_event(person.email, event_id, event)
        case "office365":
            event = {
                bound: {"dateTime": f"{each}T00:00:00", "timeZone": person.time_zone} for bound, each in days.items()
            }
            await sandbox.microsoft.edit_event(person.email, event_id, {"isAllDay": True, **event})
        case "exchange":
            event = {bound: f"{each}T00:00:00" for bound, each in days.items()}
            event |= {"all_day": True, "zone": person.time_zone}
            await sandbox.exchange.change_item(person.email, event_id, event)
