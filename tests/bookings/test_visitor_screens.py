"""What a visitor's own screens are about (R34): what, with whom, and what was said when it ended.

The one rule: a visitor reads no more than the page and the mails have told them.
"""

from tests.accounts.test_users import USER
from tests.bookings.requesting import ask, decline
from tests.bookings.test_requests_team import two
from tests.support.visitors import held
from tests.support.world import World


async def test_r26_a_request_says_what_it_is_about_and_who_is_asked(world: World) -> None:
    person = await world.person()
    service = await world.service(person.account_id)
    await service.put(f"/v1/users/{person.user_id}", USER | {"email": person.email})
    await person.make_page(name="The default page stays")
    page = await person.make_page(name="Intro")
    made = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    assert (made["title"], made["host_name"]) == ("Intro", "Ada Lovelace")
    asked = await ask(person, page, 3, "11:00")
    shown = (await asked.get()).json()
    assert (shown["title"], shown["host_name"]) == ("Intro", "Ada Lovelace")
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    withdrawn = (await asked.withdraw(reason="Ill")).json()
    assert (withdrawn["title"], withdrawn["host_name"], withdrawn["reason"]) == ("Intro", "Ada Lovelace", "Ill")


async def test_r27_a_round_robins_request_names_nobody_as_its_page_does(world: World) -> None:
    owner, _, page = await two(world, "round_robin")
    asked = await ask(owner, page, 3, "10:00")
    await decline(owner, asked, reason="Too far away")
    shown = (await asked.get()).json()
    assert (shown["title"], shown["host_name"], shown["reason"]) == (page["name"], None, "Too far away")


async def test_r47_a_visitor_reads_why_the_host_has_cancelled(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    visit = held(world.api, await person.book(page["id"], person.at(3, "12:00").isoformat()))
    assert (await visit.read())["cancel_reason"] is None
    await person.post(f"/v1/bookings/{visit.id}/cancel", {"reason": "Ill"})
    shown = await visit.read()
    assert (shown["status"], shown["cancelled_by"], shown["cancel_reason"]) == ("cancelled", "host", "Ill")
