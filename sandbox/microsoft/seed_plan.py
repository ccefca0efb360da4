"""The events of a busy professional's year, as bodies in Graph's shape. No world, no clock.

The one rule: every kind of event a calendar client has to read appears at least once.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sandbox.microsoft.zones import CUSTOM

Json = dict[str, Any]
PLACES = ("Room Birch", "Room Oak", "Café Nova", "Microsoft Teams Meeting", "Kungsgatan 12, Stockholm", "Client site")
ZONES = ("Eastern Standard Time", "India Standard Time", "Egypt Standard Time", "New Zealand Standard Time")
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
_WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def timed(subject: str, day: date, at: time, minutes: int, zone: str, **more: object) -> Json:
    begin = datetime.combine(day, at)
    end = begin + timedelta(minutes=minutes)
    return {
        "subject": subject,
        "start": {"dateTime": begin.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
        **more,
    }


def all_day(subject: str, day: date, zone: str, days: int = 1, **more: object) -> Json:
    body = timed(subject, day, time(), days * 1440, zone, **more)
    return {**body, "isAllDay": True}


def recurring(first: date, pattern: Json, **limits: object) -> Json:
    return {"pattern": {"interval": 1, **pattern}, "range": {"type": "noEnd", "startDate": str(first), **limits}}


def _guest(email: str, response: str) -> Json:
    name = email.partition("@")[0].title()
    return {"emailAddress": {"name": name, "address": email}, "type": "required", "status": {"response": response}}


def _guests(random: Random, count: int) -> list[Json]:
    answers = ("accepted", "accepted", "none", "tentativelyAccepted", "declined")
    people = random.sample(_COLLEAGUES, min(count, len(_COLLEAGUES)))
    return [_guest(f"{name}@contoso.example", random.choice(answers)) for name in people]


def _on(first: date, weekday: int) -> date:
    """The first such weekday (Monday is 0) on or after a day."""
    return first + timedelta(days=(weekday - first.weekday()) % 7)


def _weekly(day: date, *more: str, interval: int = 1) -> Json:
    days = list(more) or [_WEEK[day.weekday()]]
    return {"type": "weekly", "interval": interval, "daysOfWeek": days, "firstDayOfWeek": "monday"}


def series(random: Random, first: date, home: str) -> Iterator[Json]:
    """Recurring meetings, told in the zone of whoever called them; all of them cross a clock change somewhere."""
    monday = _on(first, 0)
    yield timed(
        "Stand-up",
        monday,
        time(9, 15),
        15,
        home,
        recurrence=recurring(monday, _weekly(monday, *_WORKDAYS)),
        attendees=_guests(random, 5),
        isOnlineMeeting=True,
        onlineMeetingProvider="teamsForBusiness",
    )
    weekly = (
        ("Team weekly", 1, time(10), 60, home, 6),
        ("1:1 Cleo", 2, time(14), 30, home, 1),
        ("1:1 Dag", 3, time(14), 30, home, 1),
        ("New York sync", 1, time(10), 45, "Eastern Standard Time", 3),
        ("Supplier call Cairo", 3, time(11), 60, "Egypt Standard Time", 2),
    )
    for subject, weekday, at, minutes, zone, guests in weekly:
        day, people = _on(first, weekday), _guests(random, guests)
        yield timed(subject, day, at, minutes, zone, recurrence=recurring(day, _weekly(day)), attendees=people)
    yield from _bounded(random, first)
    yield from _habits(first, home)


def _bounded(random: Random, first: date) -> Iterator[Json]:
    """Series with an end, by date and by count, and one in a zone nobody can look up."""
    monday, friday, tuesday = _on(first, 0), _on(first, 4), _on(first, 1)
    until = {"type": "endDate", "endDate": str(first + timedelta(days=240))}
    yield timed(
        "Handover Bengaluru",
        monday,
        time(15, 30),
        30,
        "India Standard Time",
        recurrence=recurring(monday, _weekly(monday, "monday", "thursday"), **until),
        attendees=_guests(random, 2),
    )
    twenty = {"type": "numbered", "numberOfOccurrences": 20}
    pattern = _weekly(friday, interval=2)
    zone = "New Zealand Standard Time"
    yield timed("Auckland catch-up", friday, time(9), 45, zone, recurrence=recurring(friday, pattern, **twenty))
    yield timed(
        "Legacy planning",
        tuesday,
        time(8),
        30,
        "Egypt Standard Time",
        recurrence=recurring(tuesday, _weekly(tuesday)),
        originalStartTimeZone=CUSTOM,
    )


def _habits(first: date, home: str) -> Iterator[Json]:
    """What the person does alone: duties of months and years, lunch, sport, a day that stays free."""
    monday, thursday, friday = _on(first, 0), _on(first, 3), _on(first, 4)
    second_thursday = {"type": "relativeMonthly", "daysOfWeek": ["thursday"], "index": "second"}
    yield timed("Board update", thursday, time(16), 90, home, recurrence=recurring(thursday, second_thursday))
    payday = first.replace(day=25)
    monthly = {"type": "absoluteMonthly", "dayOfMonth": 25}
    yield timed("Payroll check", payday, time(8, 30), 15, home, recurrence=recurring(payday, monthly))
    daily = recurring(monday, {"type": "daily"})
    yield timed("Lunch", monday, time(12), 45, home, recurrence=daily, showAs="free")
    sport = recurring(monday, _weekly(monday, "monday", "wednesday", "friday"))
    yield timed("Gym", monday, time(7), 60, home, recurrence=sport, sensitivity="private", showAs="tentative")
    fortnightly = recurring(friday, _weekly(friday, interval=2))
    yield all_day("Sprint review day", friday, home, recurrence=fortnightly, showAs="free")
    for name, month, day in (("Bo", 2, 3), ("Cleo", 5, 29), ("Dag", 8, 14), ("Eva", 12, 24), ("Finn", 1, 31)):
        born = date(first.year, month, day)
        yearly = recurring(born, {"type": "absoluteYearly", "dayOfMonth": day, "month": month})
        yield all_day(f"{name}'s birthday", born, home, recurrence=yearly, showAs="free", categories=["Birthday"])
    thanks = date(first.year, 11, 1)
    relative = {"type": "relativeYearly", "daysOfWeek": ["thursday"], "index": "fourth", "month": 11}
    yield all_day(
        "Thanksgiving (US office closed)", thanks, home, recurrence=recurring(thanks, relative), showAs="free"
    )


def meetings(random: Random, first: date, last: date, home: str) -> Iterator[Json]:
    """One to three single meetings a working day, and an all-hands with a crowd."""
    day = first
    while day < last:
        for _ in range(random.choice((1, 1, 2, 2, 3)) if day.weekday() < 5 else 0):
            yield _meeting(random, day, home)
        day += timedelta(days=1)
    crowd = [_guest(f"colleague{number}@contoso.example", "none") for number in range(80)]
    day = _on(first + timedelta(days=100), 2)
    yield timed("All hands", day, time(15), 60, home, attendees=crowd, hideAttendees=True)


def _meeting(random: Random, day: date, home: str) -> Json:
    at = time(random.randint(8, 16), random.choice((0, 0, 15, 30)))
    body = timed(random.choice(_TOPICS), day, at, random.choice((25, 30, 50, 60, 90)), home)
    chance = random.random()
    if chance < 0.5:
        body["attendees"] = [*_guests(random, random.randint(1, 5)), _guest(random.choice(_OUTSIDERS), "accepted")]
        body["location"] = {"displayName": random.choice(PLACES)}
    elif chance < 0.58:
        body |= {"sensitivity": "private", "subject": "Dentist"}
    elif chance < 0.66:
        body |= {"showAs": "free", "subject": f"Optional: {body['subject']}"}
    elif chance < 0.74:
        body |= {"showAs": "tentative", "subject": f"Hold: {body['subject']}"}
    elif chance < 0.8:
        body |= {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
    return body


def time_off(around: date, home: str) -> Iterator[Json]:
    """All-day events that do block time, one over midnight, and two told in other zones."""
    yield all_day("Vacation", around + timedelta(days=28), home, 12, showAs="oof")
    yield all_day("Conference in Cairo", around + timedelta(days=60), "Egypt Standard Time", 3, showAs="busy")
    yield all_day("Move house", around - timedelta(days=40), home, 1, showAs="oof")
    yield timed("Night train to Luleå", around + timedelta(days=10), time(21, 10), 700, home)
    yield timed("Flight to New York", around + timedelta(days=17), time(10, 40), 525, "UTC", showAs="busy")
    yield timed("Out of office", around + timedelta(days=33), time(), 2 * 1440, home, showAs="oof")


def where_i_work(first: date, last: date, home: str) -> Iterator[Json]:
    """Days at home: shown as working elsewhere, which blocks nothing."""
    day = _on(first, 1)
    while day < last:
        yield all_day("Home office", day, home, showAs="workingElsewhere")
        day += timedelta(days=14)


def invitations(random: Random, first: date, last: date, home: str) -> Iterator[Json]:
    """What others sent: accepted, declined, undecided and unanswered; the person is only a guest."""
    answers = ("accepted", "declined", "tentativelyAccepted", "notResponded")
    zones = (home, *ZONES)
    for number in range(30):
        day = first + timedelta(days=random.randrange((last - first).days))
        organizer = random.choice(_OUTSIDERS)
        name = organizer.partition("@")[0].title()
        yield timed(
            f"{random.choice(_TOPICS)} ({name})",
            day,
            time(random.randint(8, 17)),
            45,
            zones[number % len(zones)],
            organizer={"emailAddress": {"name": name, "address": organizer}},
            responseStatus={"response": answers[number % len(answers)]},
            attendees=[_guest(organizer, "none")],
        )


def project_events(random: Random, first: date, last: date) -> Iterator[Json]:
    day = _on(first, 2)
    while day < last:
        yield timed(f"Atlas: {random.choice(_TOPICS)}", day, time(13), 60, "Eastern Standard Time")
        day += timedelta(days=7)
    yield all_day("Atlas code freeze", first + timedelta(days=110), "Eastern Standard Time", 5, showAs="free")
