"""The demo's round robin (R27): three hosts, one at each provider, and five visitors who read five languages (R51).

The one rule: whose turn it is follows from who has hosted least and waited longest, so the demo foretells it.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.demo_booking import list_slots, until_written
from sandbox.demo_company import DORA, EMMA, IDA, PAWEL, SVEN, Company, Visitor, book, make_page, until_read_again
from sandbox.demo_connecting import connect, wait_for_the_first_sync
from sandbox.demo_journey import MEETING, PATIENCE, Host, Json, expect

SPEAKS = {
    "en": ("Confirmed", "your"),
    "sv": ("Bekräftat", "ditt"),
    "de": ("Bestätigt", "ihr"),
    "it": ("Confermato", "tuo"),
    "pl": ("Potwierdzone", "twoje"),
}
"""By language: what a confirmation's subject begins with, and a word of its text that is in no other of them."""
ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Turn:
    """A booking and who got it."""

    visitor: Visitor
    booking: Json
    host: Host

    @property
    def why(self) -> Json:
        """As the booking tells it."""
        told: Json = self.booking["assignment"]
        return told


@dataclass
class RoundRobin:
    """Gerda's page, whose visitors meet whoever's turn it is."""

    company: Company
    turns: list[Turn] = field(default_factory=list)
    slots: list[Json] = field(default_factory=list)
    passed_over: Host | None = None

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "round_robin", "provider": ", ".join(host.house.provider for host in self.team)}

    @property
    def team(self) -> tuple[Host, Host, Host]:
        """Who hosts, the page's owner first."""
        return self.company.gerda, self.company.miriam, self.company.elin

    def start(self, number: int) -> str:
        """The time that this visitor wants: no two visitors meet, and none is so soon that it may lapse meanwhile."""
        start: str = self.slots[len(self.slots) * (number + 1) // 6]["start_at"]
        return start

    def counts(self, turn: Turn) -> dict[str, int]:
        """The meetings that each had hosted who was free, by provider."""
        providers = {host.user_id: host.house.provider for host in self.team}
        return {providers[each["user_id"]]: each["meetings"] for each in turn.why["candidates"]}


async def connect_a_team_at_three_providers(journey: RoundRobin) -> Json:
    """Each member connects their own calendar, wherever it is."""
    for host in journey.team:
        await connect(host)
    for host in journey.team:
        await wait_for_the_first_sync(host)
    return {"members": {host.house.provider: host.house.name for host in journey.team}}


async def make_a_round_robin_page(journey: RoundRobin) -> Json:
    """One page for all three; a time is offered while one of them is free."""
    owner, *others = journey.team
    page = await make_page(owner, "Showroom", type="round_robin", member_ids=[host.user_id for host in others])
    states = [member["status"] for member in page["members"]]
    expect(states == ["ready"] * 3, f"everybody can be booked: {states}")
    journey.slots = await list_slots(owner)
    return {"page_id": page["id"], "meeting_link": page["meeting_link"], "slots": len(journey.slots)}


async def give_everybody_a_turn(journey: RoundRobin) -> Json:
    """Three visitors meet three hosts: each time somebody who had hosted less than whoever hosted before."""
    for visitor in (EMMA, SVEN, DORA):
        await _book_next(journey, visitor)
    hosts = [turn.host.house.provider for turn in journey.turns]
    expect(len(set(hosts)) == 3, f"everybody has hosted once: {hosts}")
    for turn in journey.turns:
        counts = journey.counts(turn)
        expect(counts[turn.host.house.provider] == 0, f"who had not hosted yet: {counts}")
    return {"hosts": hosts, "rule": turn.why["rule"], "meetings_before": [journey.counts(t) for t in journey.turns]}


async def pass_over_who_is_busy(journey: RoundRobin) -> Json:
    """It is the turn of who hosted first; they have made an appointment at that time by hand, so the next is taken."""
    first, second, _ = (turn.host for turn in journey.turns)
    start = datetime.fromisoformat(journey.start(len(journey.turns)))
    await first.house.invite("dentist@example.org", "Dentist", (start, start + MEETING))
    await until_read_again(first)
    journey.passed_over = first
    turn = await _book_next(journey, IDA)
    counts = journey.counts(turn)
    expect(first.house.provider not in counts, f"who is busy is no candidate: {counts}")
    expect(turn.host is second, f"the next in turn hosts: {turn.host.house.name}")
    return {"busy": first.house.provider, **_told(journey, turn)}


async def make_up_for_the_turn_that_was_missed(journey: RoundRobin) -> Json:
    """Of those who have hosted least, who was passed over has waited longest."""
    turn = await _book_next(journey, PAWEL)
    expect(turn.host is journey.passed_over, f"who was passed over hosts: {turn.host.house.name}")
    counts = journey.counts(turn)
    expect(sorted(counts.values()) == [1, 1, 2], f"everybody was free, and the turns are counted: {counts}")
    return _told(journey, turn)


async def find_each_event_with_its_host_once(journey: RoundRobin) -> Json:
    """R46: every meeting stands in its host's own calendar, and in nobody else's."""
    for turn in journey.turns:
        await until_written(turn.host, turn.booking["id"])
    found = {}
    for host in journey.team:
        expected = sorted(datetime.fromisoformat(t.booking["start_at"]) for t in journey.turns if t.host is host)
        starts = sorted(event.start for event in await host.house.ours())
        expect(starts == expected, f"{host.house.provider} has its own meetings: {starts}")
        writes = await host.house.writes()
        expect(writes == ["insert"] * len(expected), f"each was written once: {writes}")
        found[host.house.provider] = len(starts)
    return {"events": found}


async def read_the_mails_in_five_languages(journey: RoundRobin) -> Json:
    """R49, R51: every visitor is told in their own language, subject and text."""
    subjects = {}
    for visitor in (turn.visitor for turn in journey.turns):
        mail = await journey.team[0].sandbox.wait_for_mail(visitor.email, timeout_seconds=PATIENCE)
        begins, _ = SPEAKS[visitor.language]
        expect(mail["subject"].startswith(f"{begins}: "), f"{visitor.language}: {mail['subject']}")
        expect(f'<html lang="{visitor.language}">' in mail["html"], f"{visitor.language}: readers' programs are told")
        spoken = languages_of(mail["text"])
        expect(spoken == {visitor.language}, f"{visitor.language} alone is spoken, not {sorted(spoken)}")
        subjects[visitor.language] = mail["subject"]
    expect(subjects.keys() == SPEAKS.keys(), f"all languages: {sorted(subjects)}")
    return {"subjects": subjects}


def languages_of(text: str) -> set[str]:
    """The languages that a text is in; addresses are in none."""
    words = set(re.findall(r"\w+", ADDRESS.sub("", text).lower()))
    return {language for language, (_, word) in SPEAKS.items() if word in words}


async def _book_next(journey: RoundRobin, visitor: Visitor) -> Turn:
    """The visitor books; who hosts it is read where the host reads it, as is why."""
    made = await book(journey.team[0], visitor, journey.start(len(journey.turns)))
    path = f"/v1/bookings/{made['id']}"
    for reader in journey.team:
        answer = await reader.api.get(path, headers=reader.headers)
        if answer.is_success and answer.json()["host_id"] == reader.user_id:
            journey.turns.append(Turn(visitor, answer.json(), reader))
            return journey.turns[-1]
    raise LookupError(f"nobody of the team hosts {made['id']}")


def _told(journey: RoundRobin, turn: Turn) -> Json:
    return {
        "host": turn.host.house.provider,
        "start_at": turn.booking["start_at"],
        "rule": turn.why["rule"],
        "meetings_before": journey.counts(turn),
    }


STEPS = (
    connect_a_team_at_three_providers,
    make_a_round_robin_page,
    give_everybody_a_turn,
    pass_over_who_is_busy,
    make_up_for_the_turn_that_was_missed,
    find_each_event_with_its_host_once,
    read_the_mails_in_five_languages,
)
