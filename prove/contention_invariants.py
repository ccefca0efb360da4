"""What must hold in the tables, however many wanted the same time: asked of the database, as its owner sees it.

The one rule: each query answers the rows that must not be; what a crowd was promised is held against what is there.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app.ids import decode_id

Fetch = Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]

NEVER: Final = {
    "hosts engaged twice": """
        SELECT a.host_id, a.during FROM reservations a JOIN reservations b
            ON a.account_id = b.account_id AND a.host_id = b.host_id AND a.id < b.id AND a.during && b.during
    """,
    "bookings without the time of all their hosts, or with more": """
        SELECT b.id FROM bookings b LEFT JOIN reservations r ON r.booking_id = b.id
         GROUP BY b.id, b.status, b.co_hosts HAVING count(r.id)
            <> (CASE WHEN b.status = 'confirmed' THEN 1 + jsonb_array_length(b.co_hosts) ELSE 0 END)
    """,
    "reservations that do not cover their booking": """
        SELECT b.id FROM bookings b JOIN reservations r ON r.booking_id = b.id
         WHERE NOT r.during @> tstzrange(b.starts_at, b.ends_at)
    """,
}
_BOOKED: Final = "SELECT id, starts_at FROM bookings WHERE status = 'confirmed'"
DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
"""Sessions tell of theirs when they end, or are idle for a while."""


async def broken(fetch: Fetch) -> list[str]:
    """What is in the tables and must not be."""
    found = []
    for what, query in NEVER.items():
        found += [f"{what}: {dict(row)}" for row in await fetch(query)]
    return found


async def unkept(fetch: Fetch, promised: Mapping[str, datetime]) -> list[str]:
    """Bookings that were promised and are not there at their time, and those that nobody was promised."""
    there = {row["id"]: row["starts_at"] for row in await fetch(_BOOKED)}
    wanted = {decode_id("bkg", name): start for name, start in promised.items()}
    lost = [f"promised, and not there: {name} at {wanted[name]}" for name in wanted.keys() - there.keys()]
    extra = [f"there, and promised to nobody: {name} at {there[name]}" for name in there.keys() - wanted.keys()]
    moved = [name for name in wanted.keys() & there.keys() if wanted[name] != there[name]]
    return [*lost, *extra, *(f"promised for {wanted[name]}, and there at {there[name]}: {name}" for name in moved)]
