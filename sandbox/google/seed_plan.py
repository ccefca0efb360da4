"""The events of a busy professional's year, as bodies in Google's shape. No world, no clock.

The one rule: every kind of event a calendar client has to read appears at least once.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random

from sandbox.google.times import Json

PLACES = ("Room Birch", "Room Oak", "Café Nova", "Online", "Kungsgatan 12, Stockholm", "Client site")
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


def timed(summary: str, day: date, at: time, minutes: int, zone: str, **more: object) -> Json:
    begin = datetime.combine(day, at)
    end = begin + timedelta(minutes=minutes)
    return {
        "summary": summary,
        "start": {"dateTime": begin.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
        **more,
    }


def all_day(summary: str, day: date, days: int = 1, **more: object) -> Json:
    return {
        "summary": summary,
        "start": {"date": day.isoformat()},
        "end": {"date": (day + timedelta(days=days)).isoformat()},
        **more,
    }


def _guests(random: Random, count: int) -> list[Json]:
    people = [f"{name}@example.com" for name in random.sample(_COLLEAGUES, min(count, len(_COLLEAGUES)))]
    responses = ("accepted", "accepted", "needsAction", "tentative", "declined")
    return [{"email": email, "responseStatus": random.choice(responses)} for email in people]


def _on(first: date, weekday: int) -> date:
    """The first such weekday (Monday is 0) on or after a day."""
    return first + timedelta(days=(weekday - first.weekday()) % 7)


def series(random: Random, first: date, home: str) -> Iterator[Json]:
    """Recurring meetings, told in the zone of whoever called them; all of them cross a clock change somewhere."""
    yield from _weekly(random, first, home)
    yield from _bounded(random, first)
    yield from _habits(first, home)


def _weekly(random: Random, first: date, home: str) -> Iterator[Json]:
    """Endless meetings with colleagues and partners."""
    yield timed(
        "Stand-up",
        _on(first, 0),
        time(9, 15),
        15,
        home,
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"],
        attendees=_guests(random, 5),
    )
    weekly = (
        ("Team weekly", 1, time(10), 60, home, 6),
        ("1:1 Cleo", 2, time(14), 30, home, 1),
        ("1:1 Dag", 3, time(14), 30, home, 1),
        ("New York sync", 1, time(10), 45, "America/New_York", 3),
        ("Supplier call Cairo", 3, time(11), 60, "Africa/Cairo", 2),
    )
    for summary, weekday, at, minutes, zone, guests in weekly:
        people = _guests(random, guests)
        rule = ["RRULE:FREQ=WEEKLY"]
        yield timed(summary, _on(first, weekday), at, minutes, zone, recurrence=rule, attendees=people)


def _bounded(random: Random, first: date) -> Iterator[Json]:
    """Series with an end: by date, by count, with a hole."""
    until = f"{first + timedelta(days=240):%Y%m%d}T215959Z"
    yield timed(
        "Handover Bengaluru",
        _on(first, 0),
        time(15, 30),
        30,
        "Asia/Kolkata",
        recurrence=[f"RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL={until}"],
        attendees=_guests(random, 2),
    )
    auckland = _on(first, 4)
    hole = f"EXDATE;TZID=Pacific/Auckland:{auckland + timedelta(days=14):%Y%m%d}T090000"
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=20"
    yield timed("Auckland catch-up", auckland, time(9), 45, "Pacific/Auckland", recurrence=[rule, hole])


def _habits(first: date, home: str) -> Iterator[Json]:
    """What the person does alone: monthly duties, lunch, sport, a day that stays free."""
    monthly = (
        ("Board update", _on(first, 3), time(16), 90, "RRULE:FREQ=MONTHLY;BYDAY=2TH"),
        ("Payroll check", first.replace(day=25), time(8, 30), 15, "RRULE:FREQ=MONTHLY;BYMONTHDAY=25"),
    )
    for summary, day, at, minutes, rule in monthly:
        yield timed(summary, day, at, minutes, home, recurrence=[rule])
    daily = ["RRULE:FREQ=DAILY"]
    yield timed("Lunch", _on(first, 0), time(12), 45, home, recurrence=daily, transparency="transparent")
    sport = ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR"]
    yield timed("Gym", _on(first, 0), time(7), 60, home, recurrence=sport, visibility="private", status="tentative")
    fortnightly = ["RRULE:FREQ=WEEKLY;INTERVAL=2"]
    yield all_day("Sprint review day", _on(first, 4), recurrence=fortnightly, transparency="transparent")


def meetings(random: Random, first: date, last: date, home: str) -> Iterator[Json]:
    """One to three single meetings a working day, and an all-hands with a crowd."""
    day = first
    while day < last:
        for _ in range(random.choice((1, 1, 2, 2, 3)) if day.weekday() < 5 else 0):
            yield _meeting(random, day, home)
        day += timedelta(days=1)
    crowd = [{"email": f"colleague{number}@example.com"} for number in range(80)]
    yield timed(
        "All hands",
        _on(first + timedelta(days=100), 2),
        time(15),
        60,
        home,
        attendees=crowd,
        guestsCanSeeOtherGuests=False,
    )


def _meeting(random: Random, day: date, home: str) -> Json:
    at = time(random.randint(8, 16), random.choice((0, 0, 15, 30)))
    body = timed(random.choice(_TOPICS), day, at, random.choice((25, 30, 50, 60, 90)), home)
    chance = random.random()
    if chance < 0.5:
        body["attendees"] = [*_guests(random, random.randint(1, 5)), {"email": random.choice(_OUTSIDERS)}]
        body["location"] = random.choice(PLACES)
    elif chance < 0.58:
        body |= {"visibility": "private", "summary": "Dentist"}
    elif chance < 0.66:
        body |= {"transparency": "transparent", "summary": f"Optional: {body['summary']}"}
    elif chance < 0.74:
        body |= {"status": "tentative", "summary": f"Hold: {body['summary']}"}
    elif chance < 0.8:
        body["conferenceData"] = {"createRequest": {"requestId": f"seed-{day}-{at}"}}
    return body


def time_off(around: date) -> Iterator[Json]:
    """All-day events that do block time, and one that lasts over midnight."""
    yield all_day("Vacation", around + timedelta(days=28), 12, transparency="opaque")
    yield all_day("Conference in Cairo", around + timedelta(days=60), 3, transparency="opaque", location="Cairo")
    yield all_day("Move house", around - timedelta(days=40), 1, transparency="opaque")
    yield timed("Night train to Luleå", around + timedelta(days=10), time(21, 10), 700, "Europe/Stockholm")
    yield timed(
        "Flight to New York (SK 903)",
        around + timedelta(days=17),
        time(10, 40),
        525,
        "Europe/Stockholm",
        eventType="fromGmail",
    )


def birthdays(around: date) -> Iterator[Json]:
    for name, month, day in (("Bo", 2, 3), ("Cleo", 5, 29), ("Dag", 8, 14), ("Eva", 12, 24), ("Finn", 1, 31)):
        yield all_day(
            f"{name}'s birthday",
            date(around.year - 1, month, day),
            recurrence=["RRULE:FREQ=YEARLY"],
            eventType="birthday",
            visibility="private",
            transparency="transparent",
            birthdayProperties={"type": "birthday"},
        )


def status_events(random: Random, first: date, last: date, home: str) -> Iterator[Json]:
    """Out of office, focus time and where the person works: only Workspace has them."""
    yield timed(
        "Focus time",
        _on(first, 2),
        time(13),
        120,
        home,
        eventType="focusTime",
        recurrence=["RRULE:FREQ=WEEKLY"],
        focusTimeProperties={"autoDeclineMode": "declineOnlyNewConflictingInvitations", "chatStatus": "doNotDisturb"},
    )
    for offset in (33, 120, 205):
        yield timed(
            "Out of office",
            first + timedelta(days=offset),
            time(0),
            random.choice((1, 2, 5)) * 1440,
            home,
            eventType="outOfOffice",
            outOfOfficeProperties={"autoDeclineMode": "declineNone", "declineMessage": "Away"},
        )
    day = _on(first, 0)
    while day < last:
        for offset, place in ((1, "homeOffice"), (3, "officeLocation")):
            yield all_day(
                "Home" if place == "homeOffice" else "Stockholm office",
                day + timedelta(days=offset),
                eventType="workingLocation",
                visibility="public",
                transparency="transparent",
                workingLocationProperties={
                    "type": place,
                    place: {} if place == "homeOffice" else {"label": "Stockholm office"},
                },
            )
        day += timedelta(days=7)


def invitations(random: Random, first: date, last: date, home: str, guest: str) -> Iterator[Json]:
    """What others sent: accepted, declined, undecided and unanswered; the person is only a guest."""
    answers = ("accepted", "declined", "tentative", "needsAction")
    zones = (home, "America/New_York", "Asia/Kolkata", "Africa/Cairo", "Pacific/Auckland")
    for number in range(30):
        day = first + timedelta(days=random.randrange((last - first).days))
        organizer = random.choice(_OUTSIDERS)
        yield timed(
            f"{random.choice(_TOPICS)} ({organizer.partition('@')[0]})",
            day,
            time(random.randint(8, 17)),
            45,
            zones[number % len(zones)],
            organizer={"email": organizer},
            attendees=[
                {"email": organizer, "responseStatus": "accepted"},
                {"email": guest, "responseStatus": answers[number % len(answers)]},
            ],
        )


def project_events(random: Random, first: date, last: date) -> Iterator[Json]:
    day = _on(first, 2)
    while day < last:
        yield timed(f"Atlas: {random.choice(_TOPICS)}", day, time(13), 60, "America/New_York")
        day += timedelta(days=7)
    yield all_day("Atlas code freeze", first + timedelta(days=110), 5, transparency="transparent")


def holidays(year: int) -> Iterator[Json]:
    """Public holidays: all day, and they leave one free."""
    fixed = (
        ("New Year's Day", 1, 1),
        ("Epiphany", 1, 6),
        ("May Day", 5, 1),
        ("National Day", 6, 6),
        ("Christmas Eve", 12, 24),
        ("Christmas Day", 12, 25),
        ("Boxing Day", 12, 26),
        ("New Year's Eve", 12, 31),
    )
    for each in (year - 1, year, year + 1):
        for name, month, day in fixed:
            yield all_day(name, date(each, month, day), transparency="transparent", visibility="public")


def damaged(around: date) -> Iterator[Json]:
    """What Google should not serve and sometimes does."""
    yield timed(
        "Broken rule", around, time(11), 30, "Europe/Stockholm", recurrence=["RRULE:FREQ=WEEKLY;BYDAY=XX;UNTIL=never"]
    )
    yield {
        "summary": "Broken dates",
        "start": {"date": (around + timedelta(days=2)).isoformat()},
        "end": {"date": around.isoformat()},
    }
