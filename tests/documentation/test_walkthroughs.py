"""What the documentation has its readers type is typed, line by line, against the service."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.documentation.pages import blocks, marked
from tests.documentation.served import BASH, CURL, Shell, served
from tests.events.crm import crm_of
from tests.events.receiver import receiving
from tests.support.world import World

pytestmark = pytest.mark.skipif(not (BASH and CURL), reason="readers have bash and curl")


async def test_the_quick_start_leads_from_a_token_to_an_invitation(world: World, tmp_path: Path) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "token").write_text(f"{person.token}\n")
    steps = [(mark, code) for mark, code in marked("quick-start.md") if mark.startswith("run: quick start")]
    before = [code for mark, code in steps if not mark.endswith("connected")]
    async with served(world) as api:
        shell = Shell(tmp_path, api, (await world.sandbox.addresses())["http_url"])
        said = [await shell.run(code) for code in before]
        returned = await person.consent(said[-1].strip())
        assert returned.status_code == 303, returned.text
        after = []
        for _, code in steps[len(before) :]:
            await world.work()
            after.append(await shell.run(code))
    connections, _, booked, mails = after
    assert json.loads(connections)["items"][0]["email"] == person.email
    assert booked.splitlines()[0] == "booking"
    assert "grace@example.com" in mails


async def test_the_page_on_booking_books_moves_and_cancels(world: World, tmp_path: Path) -> None:
    person = await world.connected()
    asked = [{"id": "company", "label": "Company", "kind": "text", "required": True}]
    asked += [{"id": "newsletter", "label": "Newsletter?", "kind": "checkbox", "required": False}]
    page = await person.make_page(form_fields=asked, max_guests=1, consent_text="We keep your name.")
    async with served(world) as api:
        shell = Shell(tmp_path, api, "", {"LINK": page["meeting_link"], "API": api})
        said = [await shell.run(block) for block in blocks("booking.md", "run: booking")]
    assert "booking" in said[4].split()
    assert "true" in said[5].lower()
    moved, ended = said[6].split()
    assert ended == "cancelled"
    [row] = await world.rows("SELECT status, starts_at, guests, language FROM bookings ORDER BY id")
    assert row["status"] == "cancelled", "the repetition made no second one"
    assert (row["guests"], row["language"]) == (["jean@example.com"], "sv")
    assert row["starts_at"] == datetime.fromisoformat(moved)


async def test_an_endpoint_is_made_and_hears_of_itself(world: World, tmp_path: Path) -> None:
    crm = await crm_of(world)
    async with receiving() as receiver, served(world) as api:
        given = {"CRM_TOKEN": crm.person.token, "RECEIVER": receiver.url, "API": api}
        await Shell(tmp_path, api, "", given).run(blocks("webhooks.md", "run: webhooks")[0])
        await world.work()
        [message] = await receiver.until(1)
    assert message.event["type"] == "webhook_endpoint.test"
