"""What strangers and visitors do to pages in every state they can be in.

The one rule: each public operation is asked as it is meant to be, while what it must not tell lies next to it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.contract.public_ear import Reader
from tests.contract.public_stage import FORM, HIDDEN, PUBLIC, SHOWN, Guest, Stage
from tests.support.people import Person
from tests.support.visitors import Visit, fault, held

SETTINGS = "/v1/calendar-settings"
AVAILABILITY = "/v1/availability-calendars"
BUSY, FREE, LATER = "10:00", "14:00", "15:00"
EVENT = "10:07"
"""When the hosts' own event begins: no slot begins or ends then."""


@dataclass(slots=True)
class Shown:
    """A page, whose it is, and what else leads to it."""

    person: Person
    page: dict[str, Any]
    host: str | None
    """Whose name the page shows."""
    widget_key: str | None = None
    proposal_id: str | None = None

    @property
    def path(self) -> str:
        return f"{PUBLIC}/scheduling-pages/{self.page['id']}"

    @property
    def slug_path(self) -> str:
        return f"/meetings/{self.page['slug']}"


async def look_around(stage: Stage, shown: Shown, scene: str) -> None:
    """Everything that a stranger can look at and try, whatever state the page is in."""
    api, person, page = stage.api, shown.person, shown.page
    stranger = Guest("will", stage.reader(page, host=shown.host))
    with stage.ear.scene(scene, stranger.reader):
        for host in (stage.world.services.links.host, "nobody.example.com"):
            await api.get(f"{PUBLIC}/resolve", params={"host": host, "path": shown.slug_path})
        await api.get(shown.path)
        for day in (2, 3):
            await person.slot_list(page["id"], person.day(day))
        if shown.widget_key is not None:
            await api.get(f"{PUBLIC}/chat-widgets/{shown.widget_key}")
        if shown.proposal_id is not None:
            await api.get(f"{PUBLIC}/time-proposals/{shown.proposal_id}")
        await api.post(f"{shown.path}/booking-attempts")
        for clock in (BUSY, FREE):
            wish = {"start_at": person.at(3, clock).isoformat(), "duration_minutes": 30}
            hold = await api.post(f"{shown.path}/holds", json=wish)
            if hold.status_code == 201:
                token = {"Hold-Token": hold.json()["token"]}
                await api.delete(f"{PUBLIC}/holds/{hold.json()['id']}", headers=token)
    wisher = Guest("will", stage.reader(page))  # who may learn more by booking than somebody who only looks
    with stage.ear.scene(scene, wisher.reader):
        await stage.book(page, wisher.wish(person.at(3, BUSY)))
        await stage.book(page, wisher.wish(person.at(300, FREE)))


async def come_and_go(stage: Stage, shown: Shown, visitor: Guest, clock: str) -> None:
    """Book, look, take the invitation, move, cancel; and somebody else tries the same with a wrong token."""
    person, page = shown.person, shown.page
    wish = visitor.wish(person.at(3, clock))
    first = await stage.book(page, wish, **{"Idempotency-Key": visitor.name})
    assert first.status_code == 201, first.text
    again = await stage.book(page, wish, **{"Idempotency-Key": visitor.name})
    assert again.json() == first.json()
    visit = held(stage.api, again)
    await read(stage, visit)
    await stage.world.work()
    await read(stage, visit)
    other = Guest("will", stage.reader(page))
    with stage.ear.scene("somebody else's booking", other.reader):
        token = {"Booking-Token": "canary-guessed"}
        await stage.api.get(visit.path, headers=token)
        await stage.book(page, other.wish(person.at(3, clock)))
    await visit.reschedule(person.at(3, LATER), **{"If-Match": '"7"'})
    await visit.reschedule(person.at(3, BUSY))
    moved = await visit.reschedule(person.at(4, LATER))
    assert moved.status_code == 200, moved.text
    assert (await visit.cancel(**{"If-Match": '"7"'})).status_code == 412
    body = {"headers": {"Booking-Token": visit.token}, "json": visitor.reason}
    assert (await stage.api.post(f"{visit.path}/cancel", **body)).status_code == 200
    await visit.cancel()
    await visit.reschedule(person.at(3, clock))
    await read(stage, visit)


async def read(stage: Stage, visit: Visit) -> dict[str, Any]:
    """The booking, its invitation and the times it can have, by the visitor's token."""
    invite = await stage.api.get(f"{visit.path}/invite.ics", headers={"Booking-Token": visit.token})
    assert invite.status_code == 200, invite.text
    for zone, status in (("Asia/Tokyo", 200), ("Nowhere/At_All", 422)):
        days = {"time_zone": zone, "first_day": "2030-01-01", "last_day": "2030-01-01"}
        slots = await stage.api.get(f"{visit.path}/slots", params=days, headers={"Booking-Token": visit.token})
        assert slots.status_code == status, slots.text
    return await visit.read()


async def personal(stage: Stage) -> Shown:
    """A page that says everything it can, of somebody with a life; and one of theirs that is nobody's business."""
    ada = await stage.host("ada", locale="sv")
    await stage.live(ada, ada.at(3, EVENT))
    page = await ada.make_page(**SHOWN | {"location": {"kind": "video"}})
    await ada.make_page(**HIDDEN)
    shown = await offered(stage, Shown(ada, page, "ada"))
    visitor = Guest("vera", stage.reader(page))
    await look_around(stage, shown, "a personal page")
    with stage.ear.scene("a personal booking", visitor.reader):
        await come_and_go(stage, shown, visitor, FREE)
    placed = await ada.make_page(**SHOWN | {"name": "At ours", "location": {"kind": "address", "text": "Main Street"}})
    neighbour = Guest("nina", stage.reader(placed, host="ada"))
    with stage.ear.scene("a booking by a hold", neighbour.reader):
        await stage.api.get(f"{PUBLIC}/scheduling-pages/{placed['id']}")
        wish = neighbour.wish(ada.at(3, LATER))
        asked = {"start_at": wish["start_at"], "duration_minutes": 30}
        hold = await stage.api.post(f"{PUBLIC}/scheduling-pages/{placed['id']}/holds", json=asked)
        wrong = await stage.book(placed, wish | {"hold_id": hold.json()["id"], "hold_token": "canary-guessed"})
        assert (hold.status_code, wrong.status_code) == (201, 422)
        booked = await stage.book(placed, wish | {"hold_id": hold.json()["id"], "hold_token": hold.json()["token"]})
        await read(stage, held(stage.api, booked))
    await look_around(stage, shown, "a page that somebody has booked")
    return shown


async def offered(stage: Stage, shown: Shown) -> Shown:
    """The page stands in a chat; and three times of it in a mail: open, booked by the mail, booked otherwise."""
    person, page = shown.person, shown.page
    profile = {"chat_profile": {"enabled": True, "page_id": page["id"]}}
    shown.widget_key = (await person.patch(SETTINGS, profile)).json()["chat_profile"]["widget_key"]
    times = {"kind": "given", "start_at": [person.at(3, clock).isoformat() for clock in (FREE, "16:00", "18:00")]}
    zone = {"time_zone": "America/New_York", "duration_minutes": 30}
    made = await person.post("/v1/time-proposals", {"page_id": page["id"], "times": times} | zone)
    assert made.status_code == 201, made.text
    shown.proposal_id = made.json()["id"]
    early = Guest("zoe", stage.reader(page, host=shown.host))
    with stage.ear.scene("a proposed time", early.reader):
        wish = early.wish(person.at(3, "16:00"), proposal_id=shown.proposal_id)
        assert [(await stage.book(page, wish)).status_code for _ in range(2)] == [201, 409]
        assert (await stage.book(page, early.wish(person.at(3, "18:00")))).status_code == 201
    return shown


async def together(stage: Stage) -> None:
    """A group and a round robin of Eva and Ben: of the members nobody is named but who comes."""
    eva = await stage.host("eva")
    ben = await stage.host("ben", account_id=eva.account_id)
    await stage.live(ben, ben.at(3, EVENT))
    for kind, host in (("group", "eva"), ("round_robin", None)):
        page = await eva.make_page(**SHOWN | {"type": kind, "member_ids": [ben.user_id], "name": "Team"})
        await look_around(stage, Shown(eva, page, host), f"a {kind} page")
        for name, clock in (("vera", FREE), ("nina", "17:00")):  # by turns
            visitor = Guest(name, stage.reader(page))
            with stage.ear.scene(f"a {kind} booking", visitor.reader):
                await come_and_go(stage, Shown(eva, page, host), visitor, clock)
            await stage.world.work()


async def offline(stage: Stage) -> None:
    """Without a calendar: requests, withdrawn, declined, accepted."""
    dan = await stage.host("dan", provider=None)
    await dan.make_page(**HIDDEN)
    shown = Shown(dan, await dan.make_page(**SHOWN), "dan")
    await look_around(stage, shown, "an offline page")
    asked: dict[str, dict[str, Any]] = {}
    visitors = {name: Guest(name, stage.reader(shown.page, host="dan")) for name in ("uma", "nina", "vera")}
    for name, visitor in visitors.items():
        with stage.ear.scene("a request", visitor.reader):
            answer = await stage.book(shown.page, visitor.wish(dan.at(3, FREE)))
            assert answer.status_code == 202, answer.text
            asked[name] = answer.json()
            await follow(stage, asked[name])
            await stage.book(shown.page, visitor.wish(dan.at(3, FREE)))  # once is enough
    for _ in range(2):
        with stage.ear.scene("a request withdrawn", visitors["uma"].reader):
            await follow(stage, asked["uma"], withdraw=visitors["uma"].reason)
    words = {"reason": "Next week is better."}
    assert (await dan.post(f"/v1/meeting-requests/{asked['nina']['id']}/decline", words)).status_code == 200
    await stage.connect(dan)
    await stage.live(dan, dan.at(3, EVENT))
    assert (await dan.post(f"/v1/meeting-requests/{asked['vera']['id']}/accept")).status_code == 200
    for name, visitor in visitors.items():
        with stage.ear.scene("a request answered", visitor.reader):
            await follow(stage, asked[name])
    with stage.ear.scene("a request accepted", visitors["vera"].reader):
        booking = asked["vera"]["id"].replace("mreq_", "bkg_")
        await read(stage, Visit(stage.api, booking, asked["vera"]["booking_token"], shown.page["id"], dan.at(3, FREE)))


async def follow(stage: Stage, request: dict[str, Any], *, withdraw: dict[str, str] | None = None) -> None:
    """What a visitor does with the link to a meeting request."""
    path, token = f"{PUBLIC}/meeting-requests/{request['id']}", {"Booking-Token": request["booking_token"]}
    if withdraw is not None:
        await stage.api.post(f"{path}/withdraw", json=withdraw, headers=token)
    assert (await stage.api.get(path, headers=token)).status_code == 200
    await stage.api.get(path, headers={"Booking-Token": "canary-guessed"})


async def out_of_reach(stage: Stage, shown: Shown) -> None:
    """A calendar is lost, whatever its person makes of that; then the grant, then the connection, then the page."""
    ada = shown.person
    await stage.lose(ada)
    [lost] = [item for item in (await ada.get(AVAILABILITY)).json()["items"] if item["status"] == "inactive"]
    for policy in ("block", "request_only", "last_known", "ignore", None):
        changed = await ada.patch(f"{AVAILABILITY}/{lost['calendar_id']}", {"unreachable_policy": policy})
        assert changed.status_code == 200, changed.text
        await look_around(stage, shown, f"a lost calendar, {policy or 'again block'}")
        asker = Guest("uma", stage.reader(shown.page, host="ada"))
        with stage.ear.scene(f"a wish while a calendar is lost, {policy}", asker.reader):
            answer = await stage.book(shown.page, asker.wish(ada.at(6, FREE)))
            assert (answer.status_code == 202) == (policy == "request_only"), answer.text
    await stage.lose(ada, back=True)
    await stage.world.sandbox.revoke_google(ada.email)
    await ada.post(f"/v1/connections/{ada.connection_id}/sync")
    await stage.world.work()
    await look_around(stage, shown, "a revoked grant")
    assert (await ada.patch(SETTINGS, {"turned_off": True})).status_code == 200
    await look_around(stage, shown, "pages turned off")
    await ada.patch(SETTINGS, {"turned_off": False})
    await ada.delete(f"/v1/connections/{ada.connection_id}")
    await look_around(stage, shown, "a calendar disconnected")
    await ada.delete(f"/v1/scheduling-pages/{shown.page['id']}")
    await look_around(stage, shown, "a page deleted")


async def elsewhere(stage: Stage) -> None:
    """Calendars of the other providers, and an event that could not be written."""
    for name, provider in (("eli", "exchange"), ("mia", "office365"), ("gus", "google")):
        host = await stage.host(name, provider=provider)
        page = await host.make_page(**SHOWN | {"location": {"kind": "video"}})
        await look_around(stage, Shown(host, page, name), f"a page of {provider}")
        visitor = Guest("vera", stage.reader(page, host=name))
        if provider == "google":
            await fault(stage.world, host, "forbidden", times=None, method="POST", path="/events$")
        with stage.ear.scene(f"a booking at {provider}", visitor.reader):
            visit = held(stage.api, await stage.book(page, visitor.wish(host.at(3, FREE))))
            await stage.world.work(until=timedelta())
            await read(stage, visit)
            await visit.reschedule(host.at(4, LATER))
            await visit.cancel()
            await read(stage, visit)
    assert await stage.world.rows("SELECT FROM calendar_writes WHERE last_error IS NOT NULL"), (
        "there is something to hide"
    )
    await stage.world.sandbox.clear_google_faults()


async def known_visitor(stage: Stage) -> None:
    """A form that knows its visitor, on a domain of the account's own; and who asks for nothing of a person's."""
    fay = await stage.host("fay", provider=None)
    domain = await stage.web.connected(fay, f"meet-{stage.tag}.example.com")
    await stage.web.choose(fay, domain)
    page = await fay.make_page(form_fields=FORM)
    crm = await stage.world.person(account_id=fay.account_id)
    await crm.refresh_token(service=True, sub="service:forms", permissions=["forms:write"])
    for name in ("vera", "will"):
        content = {"company": f"canary-{name}-answer", "secret": "canary-not-asked"}
        said = {"email": f"canary-{name}@example.com", "name": f"Canary-{name}", "answers": content}
        token = (await crm.post("/v1/form-submissions", said)).json()["visitor_token"]
        with stage.ear.scene("a known visitor", Guest(name, stage.reader(page)).reader):
            path, place = f"{PUBLIC}/scheduling-pages/{page['id']}/prefill", {"host": domain["host"]}
            assert (await stage.api.get(path, params=place, headers={"Visitor-Token": token})).status_code == 200
            await stage.api.get(path, params={"host": "example.org"}, headers={"Visitor-Token": token})
            await stage.api.get(path, params=place, headers={"Visitor-Token": "canary-guessed"})
    with stage.ear.scene("crawlers", Reader()):
        for host in (domain["host"], "example.org"):
            await stage.web.robots(host)
        for path in ("/health/live", "/health/ready"):
            await stage.api.get(path)
