"""One story that leaves nothing out: every step there is, and the ways of failing that have hurt others.

The one rule: it is told before any other, at every provider, whatever Hypothesis draws.
"""

from tests.sync.machine.people import (
    AddDays,
    AddSeries,
    AddSingle,
    Block,
    BlockDate,
    CallOff,
    Delete,
    DeleteDate,
    Invite,
    MakeSingle,
    Moment,
    Move,
    MoveDate,
    MoveInvitation,
    MoveSeries,
    Respond,
    TouchOurs,
)
from tests.sync.machine.service import (
    AllAtOnce,
    Book,
    Cancel,
    ExpireAccess,
    ForgetCursors,
    Overtaken,
    PageSize,
    Reckon,
    Reschedule,
    Slot,
    Step,
    Struck,
    Sync,
    SyncDies,
    TimePasses,
    Work,
    WriterDies,
)
from tests.sync.machine.side import Answer, Level, Mishap, Rule, Target

_WEEKLY = Rule(weekly=True, interval=1, count=None)
_DAILY = Rule(weekly=False, interval=1, count=8)

_ALONE: list[Step] = [
    AddSingle(Moment(150, 40), 60, Level.BUSY),
    Sync(),
    Delete(0),
    ForgetCursors(),
    Reckon(),
]
_A_CALENDAR: list[Step] = [
    AddSingle(Moment(2, 40), 60, Level.BUSY),
    AddSingle(Moment(3, 80, 1), 1500, Level.TENTATIVE),
    AddDays(5, 2, Level.BUSY),
    AddSeries(Moment(1, 36), 30, _WEEKLY, Level.BUSY),
    AddSeries(Moment(8, 56, 1), 60, _DAILY, Level.AWAY),
    Invite(Moment(4, 44), 30),
    Work(),
    Book(Slot(1, 20)),
    Book(Slot(2, 30)),
    Work(),
]
_HANDS: list[Step] = [
    MoveDate(1, 1, 60),
    DeleteDate(3),
    BlockDate(2, Level.FREE),
    Sync(),
    Move(0, Moment(9, 30), 30),
    Block(1, Level.FREE),
    Respond(0, Answer.DECLINED),
    TouchOurs(0, Moment(4, 8)),
    Sync(),
    MoveInvitation(0, Moment(6, 70), 120),
    MoveSeries(1, Moment(10, 30), 15, _DAILY),
    Sync(),
    CallOff(0),
    MakeSingle(0),
    Reschedule(0, Slot(3, 4)),
    Reckon(),
]
_LOST_CURSORS: list[Step] = [
    AddSeries(Moment(2, 60), 60, _WEEKLY, Level.BUSY),
    Sync(),
    Delete(0),
    DeleteDate(0),
    ForgetCursors(),
    Struck(Mishap.UNAVAILABLE, Target.CHANGES, Sync(), nth=2),
    Sync(),
    PageSize(2),
    AddSingle(Moment(7, 50), 30, Level.BUSY),
    AddSingle(Moment(7, 60), 30, Level.BUSY),
    Delete(2),
    Struck(Mishap.CURSOR_GONE, Target.CHANGES, Sync(), nth=2),
    Sync(),
    DeleteDate(1),
    Struck(Mishap.TRUNCATED, Target.DATES, Sync()),
    Sync(),
]
_DEATHS: list[Step] = [
    MoveDate(0, 5, 30),
    Delete(1),
    SyncDies(1),
    TimePasses(1),
    Sync(),
    Delete(0),
    AddSingle(Moment(11, 20), 60, Level.BUSY),
    Overtaken(1, Move(-1, Moment(12, 70), 30)),
    Overtaken(2, MoveDate(2, 24, 60)),
    Book(Slot(6, 12)),
    WriterDies(1),
    ExpireAccess(),
    Book(Slot(9, 13)),
    AllAtOnce(2),
    Struck(Mishap.LOST_ANSWER, Target.WRITES, Book(Slot(10, 40))),
    Book(Slot(10, 42)),
    Struck(Mishap.LOST_ANSWER, Target.WRITES, Work()),
    Cancel(1),
    Reckon(),
    Sync(),
]
TOUR: list[Step] = [*_ALONE, *_A_CALENDAR, *_HANDS, *_LOST_CURSORS, *_DEATHS]
