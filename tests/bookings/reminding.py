"""What reminders leave behind: rows that say when, and mails.

The one rule: the clock is moved, and then the worker's own sweep and jobs do what is due.
"""

from datetime import UTC, datetime
from typing import Any

from tests.support.people import Person
from tests.support.world import World

VERA = "vera@example.com"


async def wait_until(world: World, moment: datetime) -> int:
    """It is that time, and what was due then is done; of how many bookings there was something to remind."""
    stand_at(world, moment)
    due = await world.services.reminders.sweep()
    await world.work()
    return due


def stand_at(world: World, moment: datetime) -> None:
    """It is that time, and nothing has happened yet."""
    world.clock.offset = moment - datetime.now(UTC)


async def waiting(world: World) -> list[tuple[datetime, list[int]]]:
    """When the next reminders are due, and which of each booking are left."""
    rows = await world.rows("SELECT due_at, minutes_before FROM due_reminders ORDER BY due_at")
    return [(row["due_at"], row["minutes_before"]) for row in rows]


async def kinds(world: World) -> list[str]:
    """Who was reminded, be it that the mail is on its way."""
    rows = await world.rows("SELECT kind FROM mails WHERE kind LIKE 'reminder%' ORDER BY kind")
    return [row["kind"].removeprefix("reminder_") for row in rows]


async def reminders(world: World, to: str) -> list[dict[str, Any]]:
    """The reminders that somebody got, the first first."""
    rows = await world.rows("SELECT id FROM mails WHERE kind LIKE 'reminder%' AND to_email = $1 ORDER BY id", to)
    got = await world.sandbox.mails(to)
    return [mail for row in rows for mail in got if str(row["id"]) in mail["message_id"]]


async def page_with(person: Person, *minutes: int, **changes: Any) -> dict[str, Any]:
    """A page that reminds so long before."""
    return await person.make_page(reminders_minutes_before=list(minutes), **changes)
