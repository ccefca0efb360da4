"""Times that GetUserAvailability suggests: how good they are, how many, and for whom."""

import pytest

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import availability, meeting

pytestmark = pytest.mark.usefixtures("bo")
ADA, BO = "ada@example.com", "bo@example.com"
MONDAY, TUESDAY = "2026-03-30T00:00:00", "2026-03-31T00:00:00"


def asking(*emails, options="", begin=MONDAY, end=TUESDAY, more=""):
    """Suggestions without free/busy; `more` stands behind the number of minutes."""
    whole = availability(*(emails or (ADA, BO)))
    window = (
        f"<t:DetailedSuggestionsWindow><t:StartTime>{begin}</t:StartTime><t:EndTime>{end}</t:EndTime>"
        "</t:DetailedSuggestionsWindow>"
    )
    asked = f"<t:SuggestionsViewOptions>{options}{more}{window if begin else ''}</t:SuggestionsViewOptions>"
    return whole[: whole.index("<t:FreeBusyViewOptions>")] + asked + "</m:GetUserAvailabilityRequest>"


def texts(answer, name):
    return [node.text for node in answer.all(f"//t:{name}")]


def times(answer):
    return [text[11:16] for text in texts(answer, "MeetingTime")]


def busy(exchange, begin, end, status="Busy"):
    tail = f"<t:LegacyFreeBusyStatus>{status}</t:LegacyFreeBusyStatus>"
    made(exchange, meeting(f"2026-03-30T{begin}:00+02:00", f"2026-03-30T{end}:00+02:00", extra=tail))


def test_free_times_of_the_working_day_come_first(exchange):
    busy(exchange, "08:00", "10:00")
    answer = exchange.soap(asking(ADA, options="<t:MaximumResultsByDay>3</t:MaximumResultsByDay>"))
    assert answer.codes() == ["NoError"]
    assert times(answer) == ["10:00", "10:30", "11:00"]
    assert texts(answer, "SuggestionQuality") == ["Excellent"] * 3
    assert texts(answer, "IsWorkTime") == ["true"] * 3
    assert (texts(answer, "Date"), texts(answer, "DayQuality")) == ([MONDAY], ["Excellent"])


def test_the_share_of_who_is_free_makes_the_quality(exchange):
    busy(exchange, "08:00", "17:00")
    half = exchange.soap(asking(options="<t:MaximumResultsByDay>1</t:MaximumResultsByDay>"))
    assert texts(half, "SuggestionQuality") == ["Fair"]
    assert texts(half, "BusyType") == ["Busy", "Free"]
    good = "<t:MaximumResultsByDay>1</t:MaximumResultsByDay>"
    better = exchange.soap(asking(options=good, more="<t:MinimumSuggestionQuality>Good</t:MinimumSuggestionQuality>"))
    assert (times(better), texts(better, "DayQuality")) == ([], ["Poor"])


def test_a_tentative_meeting_is_in_the_way_and_one_shown_free_is_not(exchange):
    busy(exchange, "08:00", "09:00", status="Free")
    busy(exchange, "09:00", "10:00", status="Tentative")
    answer = exchange.soap(asking(ADA, options="<t:MaximumResultsByDay>2</t:MaximumResultsByDay>"))
    assert times(answer) == ["08:00", "10:00"]


def test_times_outside_of_the_working_day_are_asked_for(exchange):
    busy(exchange, "08:00", "17:00")
    some = "<t:MaximumResultsByDay>4</t:MaximumResultsByDay>"
    late = "<t:MaximumNonWorkHourResultsByDay>2</t:MaximumNonWorkHourResultsByDay>"
    answer = exchange.soap(asking(ADA, options=some + late))
    assert (times(answer), texts(answer, "IsWorkTime")) == (["00:00", "00:30"], ["false", "false"])


def test_the_length_of_the_meeting_counts(exchange):
    busy(exchange, "09:00", "15:30")
    most = "<t:MaximumResultsByDay>48</t:MaximumResultsByDay>"
    long = "<t:MeetingDurationInMinutes>90</t:MeetingDurationInMinutes>"
    assert times(exchange.soap(asking(ADA, options=most, more=long))) == ["15:30"]


def test_who_is_not_known_is_told_in_the_place_they_were_asked(exchange):
    answer = exchange.soap(
        asking("nobody@example.com", ADA, options="<t:MaximumResultsByDay>1</t:MaximumResultsByDay>")
    )
    conflicts = answer.names("//t:AttendeeConflictDataArray/*")
    assert conflicts == ["UnknownAttendeeConflictData", "IndividualAttendeeConflictData"]


def test_each_day_of_the_window_is_told_and_there_is_no_work_on_a_weekend(exchange):
    answer = exchange.soap(asking(ADA, begin="2026-03-27T00:00:00", end=MONDAY))
    assert [text[:10] for text in texts(answer, "Date")] == ["2026-03-27", "2026-03-28", "2026-03-29"]
    assert {text[:10] for text in texts(answer, "MeetingTime")} == {"2026-03-27"}


def test_suggestions_stand_behind_free_busy(exchange):
    whole, asked = availability(ADA), asking(ADA)
    both = whole.replace("</m:GetUserAvailabilityRequest>", asked[asked.index("<t:SuggestionsViewOptions>") :])
    answer = exchange.soap(both)
    assert answer.codes() == ["NoError", "NoError"]
    assert answer.names("//m:GetUserAvailabilityResponse/*") == ["FreeBusyResponseArray", "SuggestionsResponse"]
    neither = asked[: asked.index("<t:SuggestionsViewOptions>")] + "</m:GetUserAvailabilityRequest>"
    assert exchange.soap(neither).codes() == ["ErrorInvalidRequest"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (asking(begin=""), "ErrorInvalidTimeInterval"),
        (asking(begin="2026-03-30T08:00:00"), "ErrorInvalidTimeInterval"),
        (asking(end=MONDAY), "ErrorInvalidTimeInterval"),
        (asking(end="2026-06-01T00:00:00"), "ErrorTimeIntervalTooBig"),
        (asking(options="<t:GoodThreshold>50</t:GoodThreshold>"), "ErrorInvalidParameter"),
        (asking(options="<t:MeetingDurationInMinutes>15</t:MeetingDurationInMinutes>"), "ErrorInvalidParameter"),
        (
            asking(options="<t:MinimumSuggestionQuality>Best</t:MinimumSuggestionQuality>"),
            "ErrorSchemaValidation",
        ),
    ],
)
def test_what_cannot_be_suggested_is_refused(exchange, body, code):
    assert exchange.soap(body).codes() == [code]
