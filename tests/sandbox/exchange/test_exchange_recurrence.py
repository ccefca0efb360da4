"""Series: patterns, occurrences, exceptions and deletions, over clock changes."""

from datetime import date, timedelta

import pytest

from sandbox.exchange.recurrence import Recurrence
from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    create,
    delete,
    find,
    get,
    item_id,
    meeting,
    set_field,
    sync,
    update,
    view,
    weekly,
    zone_of,
)

MARCH = ("2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z")
STOCKHOLM = "W. Europe Standard Time"


def series(recurrence=None, *, start="2026-03-02T10:00:00", end="2026-03-02T11:00:00", zone=STOCKHOLM):
    return meeting(start, end, tail=(recurrence or weekly()) + zone_of(zone))


def made_series(exchange, item=None):
    return made(exchange, item or series())


def master(exchange, node):
    return exchange.soap(get(item_id(node, key=False)))


def occurrence(node, index):
    return f'<t:OccurrenceItemId RecurringMasterId="{node.get("Id")}" InstanceIndex="{index}"/>'


def starts(exchange, span=MARCH):
    return [node.text for node in exchange.soap(view(*span)).all("//t:Start")]


def test_a_series_keeps_its_clock_over_a_clock_change(exchange):
    made_series(exchange)
    found = starts(exchange)
    assert found[:5] == [
        "2026-03-02T09:00:00Z",
        "2026-03-09T09:00:00Z",
        "2026-03-16T09:00:00Z",
        "2026-03-23T09:00:00Z",
        "2026-03-30T08:00:00Z",
    ]
    assert len(found) == 8


def test_a_master_is_told_with_its_first_and_last_occurrence(exchange):
    answer = master(exchange, made_series(exchange))
    assert answer.text("//t:CalendarItemType") == "RecurringMaster"
    assert answer.text("//t:IsRecurring") == "false"
    assert answer.text("//t:FirstOccurrence/t:Start") == "2026-03-02T09:00:00Z"
    assert answer.text("//t:LastOccurrence/t:Start") == "2026-04-20T08:00:00Z"
    assert answer.text("//t:WeeklyRecurrence/t:DaysOfWeek") == "Monday"
    assert answer.text("//t:NumberedRecurrence/t:NumberOfOccurrences") == "8"
    assert answer.all("//t:ModifiedOccurrences | //t:DeletedOccurrences") == []


def test_a_listing_has_the_master_and_a_view_its_occurrences(exchange):
    item = made_series(exchange)
    assert [node.get("Id") for node in exchange.soap(find()).all("//t:ItemId")] == [item.get("Id")]
    rows = exchange.soap(view(*MARCH, "calendar:CalendarItemType", "calendar:IsRecurring"))
    assert {node.text for node in rows.all("//t:CalendarItemType")} == {"Occurrence"}
    assert {node.text for node in rows.all("//t:IsRecurring")} == {"true"}
    assert len({node.get("Id") for node in rows.all("//t:ItemId")}) == 8


def test_an_occurrence_is_reached_by_its_number_and_leads_to_its_master(exchange):
    item = made_series(exchange)
    second = exchange.soap(get(occurrence(item, 2)))
    assert second.text("//t:Start") == "2026-03-09T09:00:00Z"
    assert second.text("//t:OriginalStart") == second.text("//t:RecurrenceId") == "2026-03-09T09:00:00Z"
    found = second.one("//t:ItemId")
    back = exchange.soap(get(f'<t:RecurringMasterItemId OccurrenceId="{found.get("Id")}"/>'))
    assert back.one("//t:CalendarItem/t:ItemId").get("Id") == item.get("Id")
    assert back.text("//t:UID") == second.text("//t:UID")


@pytest.mark.parametrize(
    ("index", "code"),
    [
        (0, "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"),
        (9, "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"),
        (3, "ErrorCalendarOccurrenceIsDeletedFromRecurrence"),
    ],
)
def test_numbers_outside_and_deleted_ones_are_refused(exchange, index, code):
    item = made_series(exchange)
    assert exchange.soap(delete(occurrence(item, 3))).codes() == ["NoError"]
    assert exchange.soap(get(occurrence(item, index))).codes() == [code]
    assert exchange.soap(get(occurrence(item, 4))).text("//t:Start") == "2026-03-23T09:00:00Z", "numbers stay"


def test_a_changed_occurrence_is_an_exception_of_its_master(exchange):
    item = made_series(exchange)
    changes = (
        set_field("item:Subject", "<t:Subject>Moved</t:Subject>"),
        set_field("calendar:Start", "<t:Start>2026-03-10T09:00:00Z</t:Start>"),
        set_field("calendar:End", "<t:End>2026-03-10T09:30:00Z</t:End>"),
    )
    changed = exchange.soap(update(occurrence(item, 2), *changes, resolution="AlwaysOverwrite"))
    shown = exchange.soap(get(item_id(changed.one("//t:ItemId"))))
    assert shown.text("//t:CalendarItemType") == "Exception"
    assert shown.text("//t:OriginalStart") == "2026-03-09T09:00:00Z"
    assert shown.text("//t:Start") == "2026-03-10T09:00:00Z"
    told = master(exchange, item)
    assert told.text("//t:ModifiedOccurrences/t:Occurrence/t:Start") == "2026-03-10T09:00:00Z"
    assert told.text("//t:ModifiedOccurrences/t:Occurrence/t:OriginalStart") == "2026-03-09T09:00:00Z"
    assert told.text("//t:Subject") == "Meeting"
    rows = exchange.soap(view("2026-03-09T00:00:00Z", "2026-03-11T00:00:00Z"))
    assert [node.text for node in rows.all("//t:Subject")] == ["Moved"]


def test_a_deleted_occurrence_is_told_by_its_master_and_changes_it(exchange):
    item = made_series(exchange)
    before = exchange.soap(sync()).text("//m:SyncState")
    first = exchange.soap(view(*MARCH)).all("//t:ItemId")[0]
    assert exchange.soap(delete(item_id(first))).codes() == ["NoError"]
    told = master(exchange, item)
    assert told.text("//t:DeletedOccurrence/t:Start") == "2026-03-02T09:00:00Z"
    assert told.text("//t:FirstOccurrence/t:Start") == "2026-03-09T09:00:00Z"
    assert "2026-03-02T09:00:00Z" not in starts(exchange)
    assert exchange.soap(get(item_id(first))).codes() == ["ErrorItemNotFound"]
    changes = exchange.soap(sync(before))
    assert changes.one("//t:Update//t:ItemId").get("Id") == item.get("Id"), "the whole series is what changed"


def test_an_occurrence_may_not_pass_its_neighbours(exchange):
    item = made_series(exchange)
    for day in ("2026-03-16", "2026-03-17", "2026-03-02"):
        changes = (
            set_field("calendar:End", f"<t:End>{day}T16:00:00Z</t:End>"),
            set_field("calendar:Start", f"<t:Start>{day}T15:00:00Z</t:Start>"),
        )
        refused = exchange.soap(update(occurrence(item, 2), *changes, resolution="AlwaysOverwrite"))
        assert refused.codes() == ["ErrorOccurrenceCrossingBoundary"]


def test_another_pattern_forgets_exceptions(exchange):
    item = made_series(exchange)
    exchange.soap(
        update(occurrence(item, 2), set_field("item:Subject", "<t:Subject>x</t:Subject>"), resolution="AlwaysOverwrite")
    )
    exchange.soap(delete(occurrence(item, 3)))
    changed = exchange.soap(
        update(
            item_id(item, key=False),
            set_field("calendar:Recurrence", weekly("Tuesday", start="2026-03-03")),
            resolution="AlwaysOverwrite",
        )
    )
    assert changed.codes() == ["NoError"]
    told = master(exchange, item)
    assert told.all("//t:ModifiedOccurrences | //t:DeletedOccurrences") == []
    assert starts(exchange)[0] == "2026-03-03T09:00:00Z"


def test_moving_a_series_moves_all_of_it(exchange):
    item = made_series(exchange)
    changes = (
        set_field("calendar:Start", "<t:Start>2026-03-02T12:00:00Z</t:Start>"),
        set_field("calendar:End", "<t:End>2026-03-02T12:30:00Z</t:End>"),
    )
    assert exchange.soap(update(item_id(item), *changes)).codes() == ["NoError"]
    assert starts(exchange)[-1] == "2026-04-20T11:00:00Z"


def test_an_occurrence_cannot_move_to_another_folder_nor_recur(exchange):
    item = made_series(exchange)
    bin_ = '<m:ToFolderId><t:DistinguishedFolderId Id="deleteditems"/></m:ToFolderId>'
    moved = exchange.soap(f"<m:MoveItem>{bin_}<m:ItemIds>{occurrence(item, 2)}</m:ItemIds></m:MoveItem>")
    assert moved.codes() == ["ErrorCalendarCannotMoveOrCopyOccurrence"]
    recurring = update(occurrence(item, 2), set_field("calendar:Recurrence", weekly()), resolution="AlwaysOverwrite")
    assert exchange.soap(recurring).codes() == ["ErrorInvalidPropertySet"]


def test_a_series_starts_on_its_first_occurrence(exchange):
    item = made_series(exchange, series(weekly("Wednesday", start="2026-03-02")))
    answer = master(exchange, item)
    assert answer.text("//t:CalendarItem/t:Start") == "2026-03-04T09:00:00Z"
    assert answer.text("//t:NumberedRecurrence/t:StartDate") == "2026-03-04"


def test_ids_of_single_items_are_no_masters(exchange):
    single = made(exchange, meeting())
    assert exchange.soap(get(occurrence(single, 1))).codes() == ["ErrorCalendarCannotUseIdForRecurringMasterId"]
    wrong = f'<t:RecurringMasterItemId OccurrenceId="{single.get("Id")}"/>'
    assert exchange.soap(get(wrong)).codes() == ["ErrorCalendarCannotUseIdForOccurrenceId"]


END = "<t:EndDateRecurrence><t:StartDate>2026-03-02</t:StartDate><t:EndDate>{}</t:EndDate></t:EndDateRecurrence>"


@pytest.mark.parametrize(
    ("recurrence", "code"),
    [
        (weekly("Weekday"), "ErrorCalendarInvalidDayForWeeklyRecurrence"),
        (weekly(interval=0), "ErrorCalendarInvalidPropertyValue"),
        (weekly(count=0), "ErrorCalendarInvalidPropertyValue"),
        (weekly(start="2026-02-30"), "ErrorCalendarInvalidRecurrence"),
        (
            (
                "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
                f"{END.format('2026-03-01')}</t:Recurrence>"
            ),
            "ErrorRecurrenceHasNoOccurrence",
        ),
    ],
)
def test_patterns_that_cannot_be_are_refused(exchange, recurrence, code):
    assert exchange.soap(create(series(recurrence))).codes() == [code]


JANUARY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("recurrence", "days"),
    [
        (Recurrence("DailyRecurrence", JANUARY, 3), ["2026-01-01", "2026-01-04", "2026-01-07"]),
        (Recurrence("AbsoluteMonthlyRecurrence", JANUARY, day_of_month=31), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (
            Recurrence("RelativeMonthlyRecurrence", JANUARY, days=("Weekday",), index="Last"),
            ["2026-01-30", "2026-02-27", "2026-03-31"],
        ),
        (
            Recurrence("RelativeMonthlyRecurrence", JANUARY, 2, ("Thursday",), index="Second"),
            ["2026-01-08", "2026-03-12", "2026-05-14"],
        ),
        (
            Recurrence("AbsoluteYearlyRecurrence", JANUARY, day_of_month=29, month=2),
            ["2026-02-28", "2027-02-28", "2028-02-29"],
        ),
        (
            Recurrence("RelativeYearlyRecurrence", JANUARY, days=("WeekendDay",), index="First", month=8),
            ["2026-08-01", "2027-08-01", "2028-08-05"],
        ),
        (
            Recurrence("WeeklyRecurrence", date(2026, 1, 4), 2, ("Sunday", "Monday"), first_day="Sunday"),
            ["2026-01-04", "2026-01-05", "2026-01-18"],
        ),
        (
            Recurrence("WeeklyRecurrence", date(2026, 1, 4), 2, ("Sunday", "Monday"), first_day="Monday"),
            ["2026-01-04", "2026-01-12", "2026-01-18"],
        ),
    ],
)
def test_patterns_fall_on_the_days_outlook_gives_them(recurrence, days):
    found = recurrence.days_from()
    assert [str(next(found)) for _ in days] == days


def test_a_series_in_each_pattern_comes_back_as_it_was_made(exchange):
    for pattern in (
        "<t:DailyRecurrence><t:Interval>2</t:Interval></t:DailyRecurrence>",
        (
            "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth>"
            "</t:AbsoluteMonthlyRecurrence>"
        ),
        (
            "<t:RelativeMonthlyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek>"
            "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>"
        ),
        "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>2</t:DayOfMonth><t:Month>March</t:Month></t:AbsoluteYearlyRecurrence>",
        (
            "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Monday</t:DaysOfWeek><t:DayOfWeekIndex>First</t:DayOfWeekIndex>"
            "<t:Month>March</t:Month></t:RelativeYearlyRecurrence>"
        ),
    ):
        span = "<t:NoEndRecurrence><t:StartDate>2026-03-02</t:StartDate></t:NoEndRecurrence>"
        answer = master(exchange, made_series(exchange, series(f"<t:Recurrence>{pattern}{span}</t:Recurrence>")))
        told = answer.one("//t:Recurrence")[0]
        sent = [(part.split(">")[0], part.split(">")[1].split("<")[0]) for part in pattern.split("<t:")[2:]]
        assert [(node.tag.rpartition("}")[2], node.text) for node in told] == sent
        assert answer.all("//t:LastOccurrence") == []


def test_a_view_far_off_finds_the_endless_series(exchange):
    endless = (
        weekly()
        .replace("NumberedRecurrence", "NoEndRecurrence")
        .replace("<t:NumberOfOccurrences>8</t:NumberOfOccurrences>", "")
    )
    made_series(exchange, series(endless))
    begin = date(2036, 6, 2)
    span = (f"{begin}T00:00:00Z", f"{begin + timedelta(days=14)}T00:00:00Z")
    assert starts(exchange, span) == ["2036-06-02T08:00:00Z", "2036-06-09T08:00:00Z"]
