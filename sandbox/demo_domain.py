"""The demo's custom domain (R36-R39): proved in DNS, chosen, and every link follows; old links go on leading there.

The one rule: whose the domain is, is what the DNS server says, which answers real questions over UDP.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sandbox.demo_company import Company, make_page, resolve
from sandbox.demo_journey import HOST_ZONE, Host, Json, expect

DOMAIN = "meet.example.org"
CLOSED, OPEN = "User-agent: *\nDisallow: /meetings*\n", "User-agent: *\nDisallow:\n"


@dataclass
class OwnDomain:
    """Elin's links, on the shared domain and on the company's own."""

    company: Company
    domain: Json = field(default_factory=dict)
    page: Json = field(default_factory=dict)

    @property
    def elin(self) -> Host:
        """Whose links they are."""
        return self.company.elin

    @property
    def label(self) -> Json:
        """What is on each of the journey's lines."""
        return {"journey": "custom_domain", "provider": self.elin.house.provider}


async def add_a_domain(journey: OwnDomain) -> Json:
    """R37: the answer says which records prove it; while they are missing it is not connected."""
    body = {"name": DOMAIN, "search_indexing": False}
    journey.domain = await journey.elin.send("POST", "/v1/domains", body, status=201)
    checked = await _verify(journey)
    expect(checked["status"] != "connected", f"it is not connected: {checked}")
    expect(checked["failure_reason"] == "record_missing", f"since the record is missing: {checked}")
    early = {"domain_id": journey.domain["id"]}
    refused = await journey.elin.send("PATCH", "/v1/calendar-settings", early, status=422)
    expect(refused["code"] == "domain_not_connected", "it cannot be chosen yet")
    told = {name: checked[name] for name in ("status", "failure_reason", "remedy")}
    return {"domain": DOMAIN, **told, "choosing": refused["code"]}


async def prove_it_in_dns(journey: OwnDomain) -> Json:
    """Whoever keeps the domain's DNS sets the records, and the next check finds them."""
    for record in journey.domain["records"]:
        dot = "." if record["type"] == "CNAME" else ""
        await journey.elin.sandbox.set_dns(record["name"], record["type"], record["value"] + dot)
    checked = await _verify(journey)
    expect((checked["status"], checked["points_here"]) == ("connected", True), f"connected: {checked}")
    asked = [(question["name"], question["type"]) for question in await journey.elin.sandbox.dns_questions()]
    for record in journey.domain["records"]:
        expect((record["name"], record["type"]) in asked, f"the DNS server was asked for it: {record['name']}")
    return {"status": checked["status"], "records": {each["type"]: each["name"] for each in checked["records"]}}


async def read_robots_by_host(journey: OwnDomain) -> Json:
    """R39: the company wants its pages out of search engines, on its own host only."""
    own, shared = await _robots(journey, DOMAIN), await _robots(journey, None)
    expect((own, shared) == (CLOSED, OPEN), f"each host has its own: {own!r}, {shared!r}")
    return {DOMAIN: own, "the shared host": shared}


async def move_the_links_to_the_domain(journey: OwnDomain) -> Json:
    """R37: choosing the domain changes all of a person's links at once; templates insert the default one (R36)."""
    for name in ("Utbildning", "Support"):
        page = await make_page(journey.elin, name)
    journey.page = page
    before = await _links(journey)
    expect(not any(link.startswith(f"https://{DOMAIN}/") for link in before), "the links are on the shared domain")
    await journey.elin.send("PATCH", "/v1/calendar-settings", {"domain_id": journey.domain["id"]})
    after = await _links(journey)
    moved = [f"https://{DOMAIN}{urlsplit(link).path}" for link in before]
    expect(after == moved, f"all links have moved: {after}")
    default = await journey.elin.read("/v1/meeting-links/default")
    expect(default["meeting_link"] in after, "so has the default one")
    return {"before": before, "after": after, "default": default["meeting_link"]}


async def follow_an_old_link(journey: OwnDomain) -> Json:
    """R37: a link that was handed out before leads to the same page, which has moved; the new one leads there, too."""
    old, [new] = journey.page["meeting_link"], (await _links(journey))[-1:]
    found = {link: await resolve(journey.elin, link) for link in (old, new)}
    for link, told in found.items():
        expect((told["page_id"], told["meeting_link"]) == (journey.page["id"], new), f"{link} leads there: {told}")
    expect((found[old]["moved"], found[new]["moved"]) == (True, False), f"the old one has moved: {found}")
    return {"asked": old, "moved": True, "meeting_link": new}


async def find_the_slug_taken_on_every_domain(journey: OwnDomain) -> Json:
    """R38: a colleague whose links are on the shared domain cannot have the slug; they learn where it is."""
    gerda, slug = journey.company.gerda, journey.page["slug"]
    found = await gerda.read(f"/v1/slugs/{slug}")
    expect((found["available"], found["conflicts_with_domain"]) == (False, DOMAIN), f"it is taken: {found}")
    body = {"type": "personal", "name": "Support", "slug": slug, "time_zone": HOST_ZONE, "durations_minutes": [30]}
    refused = await gerda.send("POST", "/v1/scheduling-pages", body, status=409)
    expect(refused["code"] == "slug_taken", f"the code says so: {json.dumps(refused)}")
    return {"slug": slug, "conflicts_with_domain": DOMAIN, "code": refused["code"]}


async def _verify(journey: OwnDomain) -> Json:
    checked: Json = await journey.elin.send("POST", f"/v1/domains/{journey.domain['id']}/verify")
    return checked


async def _robots(journey: OwnDomain, host: str | None) -> str:
    """As a crawler gets it that comes by this host; None: by the service's own address."""
    headers = {"Host": host} if host else None
    return (await journey.elin.call("GET", "/robots.txt", headers=headers)).text


async def _links(journey: OwnDomain) -> list[str]:
    """All of Elin's links, the oldest page first."""
    return [item["meeting_link"] for item in (await journey.elin.read("/v1/meeting-links"))["items"]]


STEPS = (
    add_a_domain,
    prove_it_in_dns,
    read_robots_by_host,
    move_the_links_to_the_domain,
    follow_an_old_link,
    find_the_slug_taken_on_every_domain,
)
