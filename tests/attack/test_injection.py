"""What visitors and hosts type, all the way into mails, invitations and answers.

The one rule: what arrives is read again by other code than wrote it: the headers, properties and elements it has are
those that every mail of its kind has.
"""

from collections import Counter
from html.parser import HTMLParser
from typing import Any

from prove.attack_texts import MARK, TEXTS
from tests.support.people import ALWAYS_OPEN, Person
from tests.support.visitors import Visit, held
from tests.support.world import World

FIELD = {"id": "company", "label": "Company", "kind": "long_text", "required": False}


class Elements(HTMLParser):
    """The elements of a page, and where its links and sources lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [f"{name}={value}" for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.tags["comment"] += 1


def properties(ics: str) -> list[str]:
    """The names of an iCalendar object's lines and their parameters, unfolded as RFC 5545 3.1 has it."""
    lines = ics.replace("\r\n ", "").replace("\r\n\t", "").split("\r\n")
    names = []
    for line in filter(None, lines):
        head, quoted = "", False
        for character in line:
            quoted ^= character == '"'
            if character == ":" and not quoted:
                break
            head += "" if quoted or character == '"' else character
        names.append(";".join(part.partition("=")[0] for part in head.split(";")))
    return names


def shape(mail: dict[str, Any]) -> tuple[Any, ...]:
    """All of a mail that is not text, nor whom it is for."""
    page = Elements()
    page.feed(mail["html"])
    assert len(mail["envelope_to"]) == 1
    assert not [told for told in page.attributes if MARK in told], mail["html"]
    assert mail["defects"] == []
    calendar = mail["calendar"] and properties(mail["calendar"]["content"])
    headers = sorted(name for name, _ in mail["headers"])
    return tuple(headers), tuple(sorted(page.tags.items())), tuple(calendar or ())


async def book_as(person: Person, page: dict[str, Any], number: int, text: str) -> Visit | None:
    """Book as somebody of this name, with an address and a guest of their own; None: it is no name."""
    answer = await person.book(
        page["id"], person.at(3 + number // 24, f"{number % 24:02}:00").isoformat(), name=text,
        answers={"company": text}, email=f"v{number}@example.com", guests=[f"g{number}@example.com"],
    )  # fmt: skip
    assert answer.status_code in {201, 422}, answer.text
    return held(person.api, answer) if answer.status_code == 201 else None


async def test_nothing_typed_changes_the_shape_of_a_mail(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(form_fields=[FIELD], max_guests=3)
    plain = await book_as(person, page, 0, "Vera Visitor")
    assert plain is not None
    await world.sandbox.delete_mails()
    await world.work()
    booked = Counter(map(shape, await world.sandbox.mails()))
    await world.sandbox.delete_mails()
    await plain.api.post(f"{plain.path}/cancel", json={"reason": "Ill"}, headers={"Booking-Token": plain.token})
    await world.work()
    cancelled = Counter(map(shape, await world.sandbox.mails()))
    assert (booked.total(), cancelled.total()) == (3, 3), "visitor, host and guest"
    await world.sandbox.delete_mails()
    taken = [(await book_as(person, page, number, text), text) for number, text in enumerate(TEXTS, 1)]
    reached = [(visit, text) for visit, text in taken if visit is not None]
    assert len(reached) >= len(TEXTS) // 2, "most are names that somebody might have"
    await world.work()
    mails = await world.sandbox.mails()
    assert Counter(map(shape, mails)) == Counter({each: many * len(reached) for each, many in booked.items()})
    assert {mail["envelope_to"][0] for mail in mails} <= addresses(person, len(TEXTS))
    await world.sandbox.delete_mails()
    for visit, text in reached[::5]:
        await visit.api.post(f"{visit.path}/cancel", json={"reason": text}, headers={"Booking-Token": visit.token})
    await world.work()
    told = Counter(map(shape, await world.sandbox.mails()))
    assert told == Counter({each: many * len(reached[::5]) for each, many in cancelled.items()})


def addresses(person: Person, many: int) -> set[str]:
    return {person.email} | {f"{who}{number}@example.com" for who in "vg" for number in range(many + 1)}


async def test_nothing_a_host_types_changes_the_shape_of_a_mail_or_a_file(world: World) -> None:
    person = await world.connected()
    await world.sandbox.delete_mails()
    files: list[tuple[str, ...]] = []
    for number, text in enumerate(["Intro call", *TEXTS]):
        made = await person.post("/v1/scheduling-pages", _page(person, text))
        assert made.status_code in {201, 422}, made.text
        if made.status_code == 201:
            booked = await book_as(person, made.json(), number, "Vera Visitor")
            assert booked is not None
            file = await world.api.get(f"{booked.path}/invite.ics", headers={"Booking-Token": booked.token})
            assert MARK not in str(file.headers)
            files.append(tuple(properties(file.text)))
    assert len(files) > len(TEXTS) // 2
    assert len(set(files)) == 1, "the first is of a page with an ordinary name"
    await world.work()
    shapes = Counter(map(shape, await world.sandbox.mails()))
    assert set(shapes.values()) == {len(files)}, "each kind of mail once for each page"
    assert len(shapes) == 3


def _page(person: Person, text: str) -> dict[str, Any]:
    return {
        "type": "personal",
        "name": text,
        "description": text,
        "time_zone": person.time_zone,
        "durations_minutes": [30],
        "weekly_hours": ALWAYS_OPEN,
        "max_guests": 3,
        "form_fields": [FIELD],
        "minimum_notice_minutes": 0,
        "booking_window": {"kind": "rolling_days", "days": 60},
    }


async def test_no_header_says_where_links_lead(world: World) -> None:
    """Poisoned: who asks for a mail to somebody else does not choose the host of its links."""
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.delete_mails()
    names = ("Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Host", "X-Original-URL", "X-Rewrite-URL")
    poison = dict.fromkeys(names, "evil.example") | {"Forwarded": "host=evil.example;proto=gopher"}
    answer = await person.book(page["id"], person.at(3, "10:00").isoformat(), poison)
    assert answer.status_code == 201, answer.text
    assert "evil.example" not in answer.text + str(answer.headers)
    await world.work()
    mails = await world.sandbox.mails()
    assert len(mails) == 2
    assert "evil.example" not in str(mails)
    assert world.services.settings.booking_base_url in mails[0]["html"] + mails[1]["html"]
    missing = await world.api.get("/v1/nowhere", headers=poison)
    assert "evil.example" not in missing.text + str(missing.headers)
