"""R27: what a page of several people offers, against the minute-by-minute reference told of each of them.

The one rule: a group is one host whose time is everybody's taken together; a round robin is the union of its hosts.
"""

from dataclasses import fields
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.availability import PageTime, PageType, Seating
from app.scheduling.host_time import Host, HostTime
from app.scheduling.slots.offering import SlotRules
from app.timespan import merge, pack
from tests.scheduling import reference
from tests.scheduling.test_slots_reference import questions, tried


class Seats(Seating):
    """A seating of such a page."""

    def rules(self, duration_minutes: int) -> SlotRules:
        assert duration_minutes == Page.given.duration_minutes
        return Page.given


class Page(PageTime):
    """A page whose rules are given instead of read."""

    given: SlotRules

    def _seating(self, hosts: tuple[HostTime, ...]) -> Seats:
        return Seats(**{each.name: getattr(self, each.name) for each in fields(self)} | {"hosts": hosts})


def host(told: dict[str, Any], *, bookable: bool) -> HostTime:
    """Somebody with this taken; of somebody who is not bookable nothing may count."""
    who = Host(uuid4(), None, "host@example.com", "en", "UTC", active=True)
    return HostTime(
        host=who,
        destination=None,
        connected=True,
        readable=bookable,
        asks_only=False,
        known_until=None,
        tentative_blocks=True,
        packed=[pack(told["busy"])] if bookable else [],
        reserved=merge(told["reserved"]) if bookable else merge([]),
        watched_document=None,
    )


def page(kind: str, hosts: list[HostTime], booked_starts: list[int]) -> PageTime:
    return Page(
        account_id=uuid4(),
        page_id=uuid4(),
        name="Demo",
        slug="demo",
        type=PageType(kind),
        version=1,
        document="",
        turned_off=False,
        booked_starts=tuple(booked_starts),
        hosts=tuple(hosts),
    )


HOUR = 3600
some = st.lists(st.tuples(st.integers(-2 * HOUR, 30 * HOUR), st.integers(0, 9 * HOUR)), max_size=4)
"""Spans, from the beginning of what is asked on: start and length."""


@tried(200)
@given(questions(most_busy=4), st.lists(st.tuples(some, some, st.booleans()), min_size=1, max_size=3))
def test_r27_a_team_offers_what_the_reference_says(question, others) -> None:
    rules, told = question
    Page.given, first = rules, told["between"][0]
    taken = [({"busy": told["busy"], "reserved": told["reserved"]}, True)]
    for busy, reserved, bookable in others:
        spans = {"busy": busy, "reserved": reserved}.items()
        near = {name: [(first + at, first + at + length) for at, length in given_] for name, given_ in spans}
        taken.append((near, bookable))
    hosts = [host(one, bookable=bookable) for one, bookable in taken]
    rest = {name: told[name] for name in ("booked_starts", "now", "between")}
    asked = {"now": told["now"], "between": told["between"]}

    alone = [set(reference.offered(rules, **one, **rest)) for one, bookable in taken if bookable]
    by_turns = page("round_robin", hosts, told["booked_starts"])
    assert list(by_turns.offered(rules.duration_minutes, **asked)) == sorted(set().union(*alone))

    everybody = {name: [span for one, _ in taken for span in one[name]] for name in ("busy", "reserved")}
    together = reference.offered(rules, **everybody, **rest) if all(bookable for _, bookable in taken) else []
    group = page("group", hosts, told["booked_starts"])
    assert list(group.offered(rules.duration_minutes, **asked)) == together
