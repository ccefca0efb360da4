"""The demo's proposed times (R43): a few open times in an e-mail, each with a link that books it while it is open.

The one rule: nothing is reserved; what a link finds is what is open at that moment.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from sandbox.demo_company import DORA, PAWEL, Company, Visitor, book, find_event, make_page, refuse, resolve
from sandbox.demo_journey import Host, Json, expect


@dataclass
class Proposal:
    """Miriam's mail to Paweł, who reads Polish."""

    company: Company
    proposed: Json = field(default_factory=dict)

    @property
    def miriam(self) -> Host:
        """Who proposes."""
        return self.company.miriam

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "proposed_times", "provider": self.miriam.house.provider}

    @property
    def links(self) -> list[str]:
        """The link of each proposed time, rising."""
        return [time["link"] for time in self.proposed["times"]]


async def insert_times_into_a_mail(journey: Proposal) -> Json:
    """Three open times, spread over days, as text and HTML in the page's language and the recipient's zone."""
    page = await make_page(journey.miriam, "Konsultacja", language="pl")
    body = _proposal(page["id"], PAWEL)
    journey.proposed = await journey.miriam.send("POST", "/v1/time-proposals", body, status=201)
    times = journey.proposed["times"]
    expect(len(times) == 3, f"three times, not {len(times)}")
    for time in times:
        expect(time["link"].startswith(page["meeting_link"]), "each link opens the page")
        expect(time["link"] in journey.proposed["text"], "the text has the link")
        expect(time["link"].replace("&", "&amp;") in journey.proposed["html"], "the HTML has it, too")
    days = {datetime.fromisoformat(time["start_at"]).date() for time in times}
    expect(len(days) == 3, "the times are spread over days")
    return {"proposal_id": journey.proposed["id"], "text": journey.proposed["text"].splitlines()}


async def see_a_proposed_time_go(journey: Proposal) -> Json:
    """Somebody else books one of the times by the page itself; whoever opens the mail then sees what is near."""
    taken = journey.proposed["times"][1]["start_at"]
    await book(journey.miriam, DORA, taken)
    shown = (await journey.miriam.call("GET", f"/v1/public/time-proposals/{journey.proposed['id']}")).json()
    states = [time["status"] for time in shown["times"]]
    expect(states == ["open", "taken", "open"], f"one of them has gone: {states}")
    near = [time["start_at"] for time in shown["times"][1]["nearest"]]
    expect(near and taken not in near, f"near times are shown in its place: {near}")
    return {"taken": taken, "statuses": states, "nearest": near}


async def follow_the_link_of_the_time_that_has_gone(journey: Proposal) -> Json:
    """Who tries all the same is answered with alternatives."""
    wanted = await _follow(journey, journey.links[1])
    refused = await refuse(journey.miriam, PAWEL, wanted, code="slot_unavailable")
    expect(refused["alternatives"], "there are alternatives")
    return {"code": refused["code"], "alternatives": [each["start_at"] for each in refused["alternatives"]]}


async def book_by_the_link_of_an_open_time(journey: Proposal) -> Json:
    """The link names the page and the time; the booking is one like any other."""
    wanted = await _follow(journey, journey.links[0])
    booking = await book(journey.miriam, PAWEL, wanted)
    expect(booking["start_at"] == wanted, "it is at the proposed time")
    return {"booking_id": booking["id"], "start_at": wanted, **await find_event(journey.miriam, booking)}


async def see_exchange_propose_none(journey: Proposal) -> Json:
    """R24: times of an Exchange calendar cannot be inserted, and the refusal says so."""
    elin = journey.company.elin
    refused = await elin.send("POST", "/v1/time-proposals", _proposal(elin.page_id, PAWEL), status=409)
    told = refused["code"], refused["capability"]
    expect(told == ("capability_not_supported", "proposed_times"), f"R24: {refused}")
    return {"rule": "R24", **{name: refused[name] for name in ("code", "capability", "detail")}}


def _proposal(page_id: str, reader: Visitor) -> Json:
    """Not before tomorrow: no time lapses while the demo runs."""
    earliest = datetime.now(UTC) + timedelta(days=1)
    return {
        "page_id": page_id,
        "duration_minutes": 30,
        "time_zone": reader.time_zone,
        "times": {"kind": "chosen", "count": 3, "earliest": earliest.isoformat()},
    }


async def _follow(journey: Proposal, link: str) -> str:
    """What a front end makes of a link: the page it shows, which must be Miriam's, and the start it names."""
    found = await resolve(journey.miriam, link)
    expect(found["page_id"] == journey.miriam.page_id, f"the link shows the page: {found}")
    return parse_qs(urlsplit(link).query)["start_at"][0]


STEPS = (
    insert_times_into_a_mail,
    see_a_proposed_time_go,
    follow_the_link_of_the_time_that_has_gone,
    book_by_the_link_of_an_open_time,
    see_exchange_propose_none,
)
