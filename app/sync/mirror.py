"""The mirror's SQL: events and instances in, busy months out.

The one rule: whoever changes a mirrored event packs the months it touched again, in the same transaction; a full
listing packs them all at its end, because until then it removes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import AllDay, Event, Timed, When
from app.models.connections import Calendar
from app.models.mirror import BusyMonth, MirrorEvent, MirrorSeries
from app.sync.batch import Batch
from app.sync.busy import Blocking, level_of, month_bounds, month_spans, months_of, zone_or_utc
from app.sync.changes import ChangeLog, Known
from app.timespan import pack

_UPSERT = """
INSERT INTO mirror_events (account_id, calendar_id, event_id, series_id, starts_at, ends_at, start_date, end_date,
                           busy, etag, key, generation)
SELECT $1, $2, u.event_id, u.series_id, u.starts_at, u.ends_at, u.start_date, u.end_date, u.busy, u.etag, u.key, $3
FROM unnest($4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::date[], $9::date[], $10::smallint[],
            $11::text[], $12::text[])
     AS u(event_id, series_id, starts_at, ends_at, start_date, end_date, busy, etag, key)
ON CONFLICT (account_id, calendar_id, event_id) DO UPDATE SET
    series_id = excluded.series_id, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    start_date = excluded.start_date, end_date = excluded.end_date, busy = excluded.busy, etag = excluded.etag,
    key = excluded.key, generation = excluded.generation
"""
_REMOVE = """
WITH gone AS (
    DELETE FROM mirror_events
     WHERE account_id = $1 AND calendar_id = $2 AND (event_id = ANY ($4::text[]) OR series_id = ANY ($3::text[]))),
forgotten AS (
    DELETE FROM mirror_series WHERE account_id = $1 AND calendar_id = $2 AND series_id = ANY ($3::text[]))
SELECT starts_at, ends_at, start_date, end_date, busy, event_id, etag, key, series_id FROM mirror_events
 WHERE account_id = $1 AND calendar_id = $2 AND (event_id = ANY ($3::text[]) OR series_id = ANY ($3::text[]))
"""
"""All parts of the statement see the snapshot from before it: the SELECT still returns the rows that are deleted."""
_KEEP = """
UPDATE mirror_events SET generation = $3
 WHERE account_id = $1 AND calendar_id = $2 AND (event_id = ANY ($4::text[]) OR series_id = ANY ($4::text[]))
"""
_BLOCKING = """
SELECT m.month, e.busy = 1 AS tentative,
       coalesce(array_agg(floor(date_part('epoch', e.starts_at))::bigint) FILTER (WHERE e.starts_at < e.ends_at), '{}'),
       coalesce(array_agg(ceil(date_part('epoch', e.ends_at))::bigint) FILTER (WHERE e.starts_at < e.ends_at), '{}'),
       coalesce(array_agg(e.start_date) FILTER (WHERE e.start_date IS NOT NULL), '{}'),
       coalesce(array_agg(e.end_date) FILTER (WHERE e.start_date IS NOT NULL), '{}')
  FROM unnest($3::date[], $4::timestamptz[], $5::timestamptz[]) AS m(month, first, last)
  JOIN mirror_events e ON e.account_id = $1 AND e.calendar_id = $2 AND e.busy > 0
   AND ((e.starts_at < m.last AND e.ends_at > m.first)
        OR (e.start_date <= (m.last + interval '1 day')::date AND e.end_date >= (m.first - interval '1 day')::date))
  LEFT JOIN calendar_writes w ON w.account_id = e.account_id AND w.calendar_id = e.calendar_id AND w.key = e.key
   AND w.booking_id IS NOT NULL AND w.written_start = e.starts_at AND w.written_end = e.ends_at
 WHERE w.id IS NULL
 GROUP BY m.month, tentative
"""
"""Column by column: a row for each event would take as long to read as the event took to come."""
_PACK = """
INSERT INTO busy_months (account_id, calendar_id, month, busy, tentative)
SELECT $1, $2, u.month, u.busy, u.tentative
  FROM unnest($3::date[], $4::bytea[], $5::bytea[]) AS u(month, busy, tentative)
ON CONFLICT (account_id, calendar_id, month) DO UPDATE SET busy = excluded.busy, tentative = excluded.tentative
"""
BEHIND: Final = timedelta(days=35)
"""How far a mirror looks back. Months are packed as far as they lie in its horizon, so everybody who packs has one."""
_MONTHS_AT_ONCE = 3
"""A calendar of a working life is packed a few months at a time: its events are never all in memory."""
_DAY = timedelta(days=1)

_UNTOLD = "SELECT event_id FROM mirror_events WHERE account_id = $1 AND calendar_id = $2 AND generation < 0"
UNTOLD: Final = -1
"""The generation of what we have written ourselves: no listing has told of it yet."""


def is_past(start: datetime) -> ColumnElement[bool]:
    """An event lies behind the horizon's start, whatever its zone, and is none of ours."""
    day = start.date() - _DAY
    timed = and_(MirrorEvent.starts_at < start, MirrorEvent.ends_at < start)
    return and_(MirrorEvent.key.is_(None), or_(timed, and_(MirrorEvent.start_date < day, MirrorEvent.end_date < day)))


class _Blocks(NamedTuple):
    """What of an event decides which time is busy, in its row's columns."""

    starts_at: datetime | None
    ends_at: datetime | None
    start_date: date | None
    end_date: date | None
    level: int
    key: str | None
    """One of ours blocks nothing where it stands as we wrote it."""


class Mirror:
    """One calendar's mirror, inside the caller's transaction."""

    def __init__(
        self,
        session: AsyncSession,
        calendar: Calendar,
        *,
        generation: int,
        horizon: Timed,
        changes: ChangeLog | None = None,
    ) -> None:
        """Months outside the horizon are not packed: nothing is ever offered there. No `changes`: what we do ourselves
        is no news to anybody.
        """
        self._session = session
        self._calendar = calendar
        self._generation = generation
        self._horizon = horizon
        self._changes = changes
        self._zone = zone_or_utc(calendar.time_zone)
        self._months: set[date] = set()
        self.differs = False
        """Something that blocks, or could, is not as it stood."""

    async def save(self, batch: Batch) -> None:
        """Take over what a run has learnt."""
        if batch.kept:
            await self._keep(batch.kept)
        if not (batch.events or batch.gone or batch.series):
            return
        stood = await self._remove(batch)
        instances = [event for events in batch.series.values() for event in events]
        events = list({event.id: event for event in (*batch.events.values(), *instances)}.values())
        await self._upsert(events)
        await self._remember_series(batch.series.keys())
        self._touch_differing(stood, {event.id: _blocks(event) for event in events})
        if self._changes is not None:
            await self._changes.note({event_id: known for event_id, (known, _) in stood.items()}, events)

    async def untold(self) -> set[str]:
        """What we wrote ourselves and no listing has told of yet."""
        return {row.event_id for row in await self._ask(_UNTOLD)}

    async def sweep(self) -> None:
        """Remove whatever a finished full listing did not see. Our own writes (`UNTOLD`) are spared: it may have begun
        before them.
        """
        seen_before = and_(MirrorEvent.generation < self._generation, MirrorEvent.generation != UNTOLD)
        stale = and_(self._mine(MirrorEvent), seen_before)
        before = await self._note_months(stale)
        self.differs = self.differs or bool(before)
        await self._session.execute(delete(MirrorEvent).where(stale))
        if self._changes is not None:
            await self._changes.note(before, [])
        await self._session.execute(
            delete(MirrorSeries).where(self._mine(MirrorSeries), MirrorSeries.generation < self._generation)
        )

    async def forget_past(self) -> None:
        """Remove what lies behind the horizon: nothing is offered there. That is no news: the events still stand, and
        one that is edited is told of again. Our own stay: whether one stands there is what tells it from its copies.
        """
        start = self._horizon.start
        events = delete(MirrorEvent).where(self._mine(MirrorEvent), is_past(start)).cte("past")
        months = delete(BusyMonth).where(self._mine(BusyMonth), BusyMonth.month < start.date().replace(day=1))
        await self._session.execute(months.add_cte(events), execution_options={"synchronize_session": False})

    async def known_series(self) -> set[str]:
        """Every series we have expanded."""
        return set((await self._session.scalars(select(MirrorSeries.series_id).where(self._mine(MirrorSeries)))).all())

    async def pack(self) -> None:
        """Pack the touched months again."""
        months = sorted(self._months)
        for first in range(0, len(months), _MONTHS_AT_ONCE):
            some = months[first : first + _MONTHS_AT_ONCE]
            blocking = await self._blocking(some)
            spans = [month_spans(month, blocking[month, False], blocking[month, True], self._zone) for month in some]
            packed = [pack(span.busy) for span in spans], [pack(span.tentative) for span in spans]
            await self._ask(_PACK, some, *packed)
        self._months.clear()

    def touch(self, when: When) -> None:
        """These months are to be packed again."""
        start, end = _widest(when)
        self._months.update(months_of(max(start, self._horizon.start), min(end, self._horizon.end)))

    def _touch_differing(self, stood: Mapping[str, tuple[Known, _Blocks]], stand: Mapping[str, _Blocks]) -> None:
        """Most edits are of titles, texts and answers, and pack nothing. What we write ourselves is always packed: how
        far our writes are decides what of them blocks, and is saved with it.
        """
        for event_id in stood.keys() | stand.keys():
            before, now = stood[event_id][1] if event_id in stood else None, stand.get(event_id)
            self.differs = self.differs or before != now
            if before != now or self._changes is None:
                for blocks in filter(None, (before, now)):
                    self.touch(_when(*blocks[:4]))

    async def _remove(self, batch: Batch) -> dict[str, tuple[Known, _Blocks]]:
        """Remove events and whole series; an event that is only updated keeps its row. What stood there before."""
        ids = [*batch.events, *batch.gone, *batch.series]
        rows = await self._ask(_REMOVE, ids, [*batch.gone, *batch.series])
        return {row.event_id: (_known(row), _blocked_by(row)) for row in rows}

    async def _keep(self, event_ids: Collection[str]) -> None:
        """They were listed: a sweep leaves them. One that was a series keeps its dates."""
        await self._ask(_KEEP, self._generation, list(event_ids))

    async def _ask(self, statement: str, *values: object) -> Sequence[Any]:
        """Ids go as one array: as so many parameters they would make a plan that compares each with each."""
        connection = await self._session.connection()
        result = await connection.exec_driver_sql(statement, (self._calendar.account_id, self._calendar.id, *values))
        return result.all() if result.returns_rows else ()

    async def _upsert(self, events: list[Event]) -> None:
        if not events:
            return
        starts, ends, first_days, last_days = zip(*(_columns(event.when) for event in events), strict=True)
        connection = await self._session.connection()
        await connection.exec_driver_sql(
            _UPSERT,
            (
                self._calendar.account_id,
                self._calendar.id,
                self._generation,
                [event.id for event in events],
                [event.series_id for event in events],
                list(starts),
                list(ends),
                list(first_days),
                list(last_days),
                [int(level_of(event.busy)) for event in events],
                [event.etag for event in events],
                [event.key for event in events],
            ),
        )

    async def _remember_series(self, series: Iterable[str]) -> None:
        rows = [
            {
                "account_id": self._calendar.account_id,
                "calendar_id": self._calendar.id,
                "series_id": series_id,
                "generation": self._generation,
            }
            for series_id in series
        ]
        if rows:
            await self._session.execute(insert(MirrorSeries), rows)

    async def _note_months(self, condition: ColumnElement[bool]) -> dict[str, Known]:
        times = (MirrorEvent.starts_at, MirrorEvent.ends_at, MirrorEvent.start_date, MirrorEvent.end_date)
        columns = (*times, MirrorEvent.event_id, MirrorEvent.etag, MirrorEvent.key, MirrorEvent.series_id)
        rows = (await self._session.execute(select(*columns).where(condition))).all()
        for row in rows:
            self.touch(_when(*row[:4]))
        return {row.event_id: _known(row) for row in rows}

    async def _blocking(self, months: Sequence[date]) -> defaultdict[tuple[date, bool], Blocking]:
        """What blocks time, by month and whether tentatively. An event of ours that stands where we wrote it is
        the reservation's affair.

        That is so in the calendar it was written to alone: a colleague who watches it has no reservation.
        """
        bounds = [[datetime.fromtimestamp(second, UTC) for second in month_bounds(month)] for month in months]
        rows = await self._ask(_BLOCKING, months, [first for first, _ in bounds], [last for _, last in bounds])
        blocking = defaultdict[tuple[date, bool], Blocking](Blocking)
        for month, tentative, starts, ends, first_days, last_days in rows:
            blocking[month, tentative] = Blocking(starts, ends, list(map(AllDay, first_days, last_days)))
        return blocking

    def _mine(self, table: type[MirrorEvent] | type[MirrorSeries] | type[BusyMonth]) -> ColumnElement[bool]:
        return and_(table.account_id == self._calendar.account_id, table.calendar_id == self._calendar.id)


def _known(row: Any) -> Known:
    return Known(row.event_id, row.etag, row.key, row.series_id)


def _blocked_by(row: Any) -> _Blocks:
    return _Blocks(row.starts_at, row.ends_at, row.start_date, row.end_date, row.busy, row.key)


def _blocks(event: Event) -> _Blocks:
    return _Blocks(*_columns(event.when), int(level_of(event.busy)), event.key)


def _columns(when: When) -> tuple[datetime | None, datetime | None, date | None, date | None]:
    if isinstance(when, AllDay):
        return None, None, when.start, when.end
    return when.start, when.end, None, None


def _when(start: datetime | None, end: datetime | None, first_day: date | None, last_day: date | None) -> When:
    if start is not None and end is not None:
        return Timed(start, end)
    assert first_day is not None
    assert last_day is not None
    return AllDay(first_day, last_day)


def _widest(when: When) -> tuple[datetime, datetime]:
    """Instants around the span; a civil day may begin or end up to a day off UTC's, inside what a date can say."""
    if isinstance(when, Timed):
        return when.start, when.end
    first, last = max(when.start, date.min + _DAY) - _DAY, min(when.end, date.max - _DAY) + _DAY
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC)
