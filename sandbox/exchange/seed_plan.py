"""The items of a busy professional's year, as values. No world, no clock.

The one rule: every kind of item a calendar client has to read from Exchange appears at least once.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sandbox.exchange.items import Attendee, Values
from sandbox.exchange.recurrence import Recurrence
from sandbox.exchange.zones import Zone, zone_of_iana

PLACES = ("Room Birch", "Room Oak", "Café Nova", "Online", "Kungsgatan 12, Stockholm", "Client site")
WORKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_TOPICS = (
    "Contract review",
    "Pipeline review",
    "Interview",
    "Demo",
    "Budget",
    "Workshop",
    "Customer call",
    "Retrospective",
    "Design review",
    "Coffee chat",
    "Onboarding",
    "Incident review",
)
_COLLEAGUES = ("bo", "cleo", "dag", "eva", "finn", "gun", "hugo", "ida", "jon", "kim", "lars", "mia")
_OUTSIDERS = ("anna@client.example", "raj@supplier.example", "nour@agency.example", "ngaio@partner.example")
_RESPONSES = ("Accept", "Accept", "Unknown", "Tentative", "Decline")


def timed(subject: str, day: date, at: time, minutes: int, zone: Zone, **more: Any) -> Values:
    begin = datetime.combine(day, at)
    values: Values = {
        "Subject": subject,
        "Start": zone.to_utc(begin),
        "End": zone.to_utc(begin + timedelta(minutes=minutes)),
        "StartTimeZone": zone,
        "EndTimeZone": zone,
    }
    values.update(more)
    return values


def all_day(subject: str, day: date, zone: Zone, days: int = 1, **more: Any) -> Values:
    whole = {"IsAllDayEvent": True, "LegacyFreeBusyStatus": "Free", **more}
    return timed(subject, day, time(), days * 1440, zone, **whole)


def _guests(random: Random, count: int) -> tuple[Attendee, ...]:
    people = random.sample(_COLLEAGUES, min(count, len(_COLLEAGUES)))
    return tuple(Attendee(f"{name}@example.com", name.title(), random.choice(_RESPONSES)) for name in people)


def _on(first: date, weekday: int) -> date:
    """The first such weekday (Monday is 0) on or after a day."""
    return first + timedelta(days=(weekday - first.weekday()) % 7)


def _weekly(day: date, *days: str, interval: int = 1, end: date | None = None, count: int | None = None) -> Recurrence:
    return Recurrence("WeeklyRecurrence", day, interval, days, end=end, count=count)


def series(random: Random, first: date, home: Zone) -> Iterator[Values]:
    """Recurring meetings, told in the zone of whoever called them; all of them cross a clock change somewhere."""
    yield from _endless(random, first, home)
    yield from _bounded(random, first)
    yield from _habits(first, home)


def _endless(random: Random, first: date, home: Zone) -> Iterator[Values]:
    """Meetings with colleagues and partners that have no end."""
    monday = _on(first, 0)
    guests = _guests(random, 5)
    yield timed(
        "Stand-up", monday, time(9, 15), 15, home, Recurrence=_weekly(monday, *WORKDAYS), RequiredAttendees=guests
    )
    weekly = (
        ("Team weekly", 1, time(10), 60, home, 6),
        ("1:1 Cleo", 2, time(14), 30, home, 1),
        ("1:1 Dag", 3, time(14), 30, home, 1),
        ("New York sync", 1, time(10), 45, zone_of_iana("America/New_York"), 3),
        ("Supplier call Cairo", 3, time(11), 60, zone_of_iana("Africa/Cairo"), 2),
    )
    for subject, weekday, at, minutes, zone, count in weekly:
        day = _on(first, weekday)
        rule = _weekly(day, WORKDAYS[weekday])
        yield timed(subject, day, at, minutes, zone, Recurrence=rule, RequiredAttendees=_guests(random, count))


def _bounded(random: Random, first: date) -> Iterator[Values]:
    """Series with an end: by date and by count."""
    monday, friday = _on(first, 0), _on(first, 4)
    until = _weekly(monday, "Monday", "Thursday", end=first + timedelta(days=240))
    kolkata, auckland = zone_of_iana("Asia/Kolkata"), zone_of_iana("Pacific/Auckland")
    guests = _guests(random, 2)
    yield timed("Handover Bengaluru", monday, time(15, 30), 30, kolkata, Recurrence=until, RequiredAttendees=guests)
    counted = _weekly(friday, "Friday", interval=2, count=20)
    yield timed("Auckland catch-up", friday, time(9), 45, auckland, Recurrence=counted)


def _habits(first: date, home: Zone) -> Iterator[Values]:
    """What the person does alone: monthly duties, lunch, sport, a yearly day that stays free."""
    monday = _on(first, 0)
    second_thursday = Recurrence("RelativeMonthlyRecurrence", first, 1, ("Thursday",), index="Second")
    yield timed("Board update", _on(first, 3), time(16), 90, home, Recurrence=second_thursday)
    last_workday = Recurrence("RelativeMonthlyRecurrence", first, 1, ("Weekday",), index="Last")
    yield timed("Close the month", first, time(15), 60, home, Recurrence=last_workday)
    thirty_first = Recurrence("AbsoluteMonthlyRecurrence", first, 1, day_of_month=31)
    yield timed("Payroll check", first, time(8, 30), 15, home, Recurrence=thirty_first)
    lunch = Recurrence("DailyRecurrence", monday)
    yield timed("Lunch", monday, time(12), 45, home, Recurrence=lunch, LegacyFreeBusyStatus="Free")
    sport = _weekly(monday, "Monday", "Wednesday", "Friday")
    yield timed(
        "Gym", monday, time(7), 60, home, Recurrence=sport, Sensitivity="Private", LegacyFreeBusyStatus="Tentative"
    )
    office = _weekly(_on(first, 4), "Friday")
    yield all_day("Working from home", _on(first, 4), home, Recurrence=office, LegacyFreeBusyStatus="WorkingElsewhere")
    birthday = Recurrence("AbsoluteYearlyRecurrence", date(first.year - 1, 2, 28), day_of_month=29, month=2)
    yield all_day("Bo's birthday", date(first.year - 1, 2, 28), home, Recurrence=birthday, Sensitivity="Personal")
    midsummer = Recurrence(
        "RelativeYearlyRecurrence", date(first.year - 1, 6, 1), days=("Friday",), index="Third", month=6
    )
    yield all_day("Midsummer", date(first.year - 1, 6, 1), home, Recurrence=midsummer, LegacyFreeBusyStatus="OOF")


def meetings(random: Random, first: date, last: date, home: Zone) -> Iterator[Values]:
    """One to three single meetings a working day, and an all-hands with a crowd."""
    day = first
    while day < last:
        for _ in range(random.choice((1, 2, 2, 2, 3)) if day.weekday() < 5 else 0):
            yield _meeting(random, day, home)
        day += timedelta(days=1)
    crowd = tuple(Attendee(f"colleague{number}@example.com", f"Colleague {number}") for number in range(80))
    yield timed("All hands", _on(first + timedelta(days=100), 2), time(15), 60, home, OptionalAttendees=crowd)


def _meeting(random: Random, day: date, home: Zone) -> Values:
    at = time(random.randint(8, 16), random.choice((0, 0, 15, 30)))
    values = timed(random.choice(_TOPICS), day, at, random.choice((25, 30, 50, 60, 90)), home)
    chance = random.random()
    if chance < 0.5:
        outsider = random.choice(_OUTSIDERS)
        values["RequiredAttendees"] = (*_guests(random, random.randint(1, 5)), Attendee(outsider, outsider))
        values["Location"] = random.choice(PLACES)
    elif chance < 0.58:
        values |= {"Sensitivity": "Private", "Subject": "Dentist"}
    elif chance < 0.66:
        values |= {"LegacyFreeBusyStatus": "Free", "Subject": f"Optional: {values['Subject']}"}
    elif chance < 0.74:
        values |= {"LegacyFreeBusyStatus": "Tentative", "Subject": f"Hold: {values['Subject']}"}
    elif chance < 0.8:
        values |= {"Categories": ("Red category", "Customers"), "Importance": "High"}
    return values


def time_off(around: date, home: Zone) -> Iterator[Values]:
    """Days away, and what lasts over midnight."""
    away: dict[str, Any] = {"LegacyFreeBusyStatus": "OOF"}
    yield all_day("Vacation", around + timedelta(days=28), home, 12, **away)
    cairo = zone_of_iana("Africa/Cairo")
    yield all_day("Conference in Cairo", around + timedelta(days=60), cairo, 3, Location="Cairo", **away)
    yield all_day("Move house", around - timedelta(days=40), home, **away)
    yield timed("Night train to Luleå", around + timedelta(days=10), time(21, 10), 700, home, **away)
    for offset in (33, 120, 205):
        elsewhere = {"LegacyFreeBusyStatus": "WorkingElsewhere"}
        yield timed("Malmö office", around + timedelta(days=offset), time(8), 540, home, **elsewhere)


def invitations(random: Random, first: date, last: date, home: Zone, guest: Attendee) -> Iterator[tuple[Values, str]]:
    """What others sent, with the answer: accepted, declined, undecided and unanswered; the person is only a guest."""
    zones = (home, *(zone_of_iana(name) for name in ("America/New_York", "Asia/Kolkata", "Africa/Cairo")))
    answers = ("Accept", "Decline", "Tentative", "NoResponseReceived")
    for number in range(32):
        day = first + timedelta(days=random.randrange((last - first).days))
        organizer = random.choice(_OUTSIDERS)
        topic = f"{random.choice(_TOPICS)} ({organizer.partition('@')[0]})"
        values = timed(topic, day, time(random.randint(8, 17)), 45, zones[number % len(zones)])
        values |= {"Organizer": (organizer, organizer), "RequiredAttendees": (guest,)}
        yield values, answers[number % len(answers)]


def project_items(random: Random, first: date, last: date) -> Iterator[Values]:
    zone = zone_of_iana("America/New_York")
    day = _on(first, 2)
    while day < last:
        yield timed(f"Atlas: {random.choice(_TOPICS)}", day, time(13), 60, zone)
        day += timedelta(days=7)
    yield all_day("Atlas code freeze", first + timedelta(days=110), zone, 5)


def damaged(around: date, home: Zone) -> Iterator[Values]:
    """What Exchange serves although no client can make sense of it: zones without a known name, a body of junk."""
    for number, name in enumerate(("tzone://Microsoft/Custom", "Customized Time Zone", "(UTC+01:00) Somewhere")):
        zone = Zone(name, home.rules)
        yield timed(f"Odd zone {number}", around + timedelta(days=number), time(11), 30, zone)
    yield timed("No end to speak of", around, time(23, 59), 0, home)
    junk = ("HTML", "<html><body>" + "\x0b\x00&nbsp;<o:p></o:p>" * 40)
    yield timed("Odd body \x07", around + timedelta(days=1), time(12), 30, home, Body=junk)
