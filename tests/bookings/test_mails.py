"""What visitors, guests and hosts are told about bookings, end to end (R30, R49)."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from icalendar import Calendar

from app.bare import bare_transaction, open_bare_pool
from app.database import transaction
from app.ids import decode_id, new_id
from app.models.outbound import Mail
from app.outbound.delivery import MOST_A_DAY
from app.queue import Payload
from tests.support.people import Person
from tests.support.visitors import fault, our_events, visit
from tests.support.world import World
from tests.telemetry.scrape import Meter

VERA = "vera@example.com"


@pytest.fixture(autouse=True)
async def empty_mailbox(sandbox):
    await sandbox.clear_mail_faults()
    await sandbox.delete_mails()
    yield
    await sandbox.clear_mail_faults()


async def work_on_mails(world: World, seconds: int = 5) -> None:
    await world.work(until=timedelta(seconds=seconds))


def event_of(mail: dict) -> Calendar:
    return Calendar.from_ical(mail["calendar"]["content"]).walk("VEVENT")[0]


async def mails_of(world: World) -> list[dict]:
    return await world.rows("SELECT * FROM mails ORDER BY id")


async def mail_jobs(world: World) -> list[UUID]:
    """The mails that have a job, each as often as it has one."""
    rows = await world.rows("SELECT payload FROM queue.pgqueuer WHERE entrypoint = 'send_mail' ORDER BY id")
    return [msgspec.json.decode(row["payload"], type=Payload).id for row in rows]


async def try_all_mails(world: World) -> None:
    """Run every job of a mail once, as workers do when all waits are over."""
    account_id = (await mails_of(world))[0]["account_id"]
    asked = await mail_jobs(world)
    await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'send_mail'")
    for mail_id in asked:
        await world.services.mail.run(account_id, mail_id)


async def booked_by(host: Person, **wish):
    page = await host.make_page(max_guests=3)
    return await visit(host, page, host.at(3, "15:00"), **wish)


async def waiting_for_one_reader(world: World) -> list[dict]:
    """A confirmation, and the cancellation that goes after it."""
    booking = await booked_by(await world.connected())
    await booking.cancel()
    return [row for row in await mails_of(world) if row["to_email"] == VERA]


async def test_confirmation_change_and_cancellation_reach_everybody(world):
    host = await world.connected(locale="sv")
    booked = await booked_by(host, guests=["gus@example.com"], language="de")
    await world.work()
    (event,) = await our_events(world, host)
    assert (await booked.reschedule(host.at(4, "16:00"))).status_code == 200
    await world.work()
    assert (await booked.cancel()).status_code == 200
    await world.work()

    to_visitor = await world.sandbox.mails(VERA)
    assert [mail["subject"].partition(":")[0] for mail in to_visitor] == ["Bestätigt", "Neue Zeit", "Abgesagt"]
    assert [mail["calendar"]["method"] for mail in to_visitor] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event_of(mail)["SEQUENCE"] for mail in to_visitor] == [0, 1, 2]
    assert {str(event_of(mail)["UID"]) for mail in to_visitor} == {event["iCalUID"]}
    assert event_of(to_visitor[1])["DTSTART"].dt == host.at(4, "16:00")
    assert ["#token=" in mail["text"] for mail in to_visitor] == [True, True, False]

    to_guest = await world.sandbox.mails("gus@example.com")
    assert [mail["calendar"]["method"] for mail in to_guest] == ["REQUEST", "REQUEST", "CANCEL"]
    assert not any("token" in mail["text"] + mail["html"] for mail in to_guest)

    to_host = await world.sandbox.mails(host.email)
    assert [mail["subject"].partition(":")[0] for mail in to_host] == ["Ny bokning", "Ny tid", "Avbokat"]
    assert all(mail["calendar"] is None and "token" not in mail["text"] for mail in to_host)
    assert "15:00" in to_host[0]["text"]
    assert "16:00" in to_host[1]["text"]
    assert all(row["letter"] is None and row["status"] == "sent" for row in await mails_of(world))


async def test_r56_whoever_is_invited_has_the_video_link_from_the_first_mail_on(world):
    host = await world.connected()
    page = await host.make_page(location={"kind": "video"}, max_guests=1)
    booked = await visit(host, page, host.at(3, "15:00"), guests=["gus@example.com"])
    await world.work()
    link = (await booked.read())["video_url"]
    file = await booked.api.get(f"{booked.path}/invite.ics", headers={"Booking-Token": booked.token})
    [event] = Calendar.from_ical(file.content).walk("VEVENT")
    assert event["LOCATION"] == link
    assert event["DTSTART"].params["TZID"] == "America/New_York", "the visitor's zone (R47)"
    assert (await booked.reschedule(host.at(4, "16:00"))).status_code == 200
    await world.work()
    for reader in (VERA, "gus@example.com"):
        mails = await world.sandbox.mails(reader)
        assert len(mails) == 2
        for mail in mails:
            assert event_of(mail)["LOCATION"] == link
            assert link in mail["text"]
    assert link in (await world.sandbox.mails(host.email))[0]["text"]


async def test_r46_r56_a_confirmation_waits_for_its_link_for_moments_only(world):
    host = await world.connected()
    page = await host.make_page(location={"kind": "video"})
    await fault(world, host, "backend_error", times=None, method="POST", path=".*/events.*")
    await visit(host, page, host.at(3, "15:00"))
    await world.work()
    assert await world.sandbox.mails(VERA) == [], "it is about to be known"
    world.clock.offset += timedelta(seconds=31)
    await work_on_mails(world, 31)
    [confirmed] = await world.sandbox.mails(VERA)
    assert "The link appears in the booking" in confirmed["text"]
    assert "LOCATION" not in event_of(confirmed)


async def test_r56_a_meeting_moved_in_the_calendar_keeps_its_video_link_in_the_invitation(world):
    host = await world.connected()
    page = await host.make_page(location={"kind": "video"})
    booked = await visit(host, page, host.at(3, "15:00"))
    await world.work()
    (event,) = await our_events(world, host)
    times = [{"dateTime": host.at(4, clock).isoformat()} for clock in ("16:00", "16:30")]
    await world.sandbox.patch_google_event(host.email, event["id"], {"start": times[0], "end": times[1]})
    await host.post(f"/v1/connections/{host.connection_id}/sync")
    await world.work()
    _, moved = await world.sandbox.mails(VERA)
    assert event_of(moved)["LOCATION"] == (await booked.read())["video_url"]


async def test_the_mail_goes_while_google_is_down(world):
    host = await world.connected()
    await fault(world, host, "backend_error", times=None, method="POST", path=".*/events.*")
    try:
        await booked_by(host)
        await world.work(rounds=3, until=timedelta())
    except AssertionError:
        pass  # the write goes on trying
    finally:
        await world.sandbox.clear_google_faults()
    assert len(await world.sandbox.mails(VERA)) == 1


async def test_the_event_is_written_while_the_mail_server_is_down(world):
    host = await world.connected()
    await world.sandbox.add_mail_fault("refuse_connection", times=2)
    await booked_by(host)
    await work_on_mails(world)
    assert len(await our_events(world, host)) == 1
    assert len(await world.sandbox.mails(VERA)) == 1
    assert sum(row["attempts"] for row in await mails_of(world)) == 4


async def test_r49_what_happened_first_is_told_first_however_long_it_waited(world):
    """A confirmation that a server's absence has held up would be the last word, after the cancellation."""
    host = await world.connected()
    await world.sandbox.add_mail_fault("refuse_connection", times=None)
    booking = await booked_by(host)
    confirmation, *_ = [row for row in await mails_of(world) if row["to_email"] == VERA]
    await world.services.mail.run(confirmation["account_id"], confirmation["id"])
    await booking.cancel()
    *_, cancellation = [row for row in await mails_of(world) if row["to_email"] == VERA]
    await world.services.mail.run(cancellation["account_id"], cancellation["id"])
    waiting = [row["status"] for row in await mails_of(world) if row["to_email"] == VERA]
    assert waiting == ["queued", "queued"]
    await world.sandbox.clear_mail_faults()
    await world.services.mail.run(cancellation["account_id"], cancellation["id"])  # its next try comes first
    assert [mail["calendar"]["method"] for mail in await world.sandbox.mails(VERA)] == ["REQUEST", "CANCEL"]
    await work_on_mails(world)
    assert len(await world.sandbox.mails(VERA)) == 2


async def test_p2_a_mail_has_one_job_however_many_wait_behind_it(world):
    """Each that waits tries those before it; if each try asked for another, a night without the server would be one of
    thousands of jobs a mail."""
    host = await world.connected()
    await world.sandbox.add_mail_fault("refuse_connection", times=None)
    booking = await booked_by(host)
    await try_all_mails(world)
    await booking.reschedule(host.at(4, "16:00"))
    await try_all_mails(world)
    await booking.cancel()
    for _ in range(4):
        await try_all_mails(world)
        assert sorted(await mail_jobs(world)) == [mail["id"] for mail in await mails_of(world)]
    tries = [mail["attempts"] for mail in await mails_of(world) if mail["to_email"] == VERA]
    assert tries[0] > 0
    assert tries[1:] == [0, 0], "who waits for another has not been tried"
    await world.sandbox.clear_mail_faults()
    await try_all_mails(world)
    assert [mail["calendar"]["method"] for mail in await world.sandbox.mails(VERA)] == ["REQUEST", "REQUEST", "CANCEL"]
    assert await mail_jobs(world) == []


async def test_p2_who_waits_for_another_looks_as_rarely_as_that_one_is_tried(world):
    first, last = await waiting_for_one_reader(world)
    held = "UPDATE mails SET attempts = 9, lease_until = now() + interval '1 minute' WHERE id = $1"
    await world.rows(held, first["id"])
    await world.rows("DELETE FROM queue.pgqueuer")
    await world.services.mail.run(last["account_id"], last["id"])
    (job,) = await world.rows("SELECT execute_after - now() AS wait FROM queue.pgqueuer ORDER BY id")
    assert timedelta(seconds=120) < job["wait"] <= timedelta(seconds=256)
    assert await mail_jobs(world) == [last["id"]]


@asynccontextmanager
async def in_session(world, account_id):
    """As most of the service writes."""
    async with transaction(world.services.sessions, account_id) as session:
        await session.connection()
        yield session


@asynccontextmanager
async def on_bare_connection(world, account_id):
    """As bookings are made."""
    async with (
        open_bare_pool(world.database_url, name="test", size=1) as pool,
        bare_transaction(pool, account_id) as work,
    ):
        yield work
        await work.save([])


@pytest.mark.parametrize("unit_of_work", [in_session, on_bare_connection])
async def test_r49_what_was_written_last_is_told_last_whatever_its_transaction_had_waited_for(world, unit_of_work):
    """A transaction that waits for its host's turn began before the one it waits for."""
    account_id = decode_id("acct", (await world.connected()).account_id)
    names = ["while_it_waited", "after_it_waited"]
    mails = [Mail(account_id=account_id, id=new_id(), subject_id=new_id(), kind=name, to_email=VERA) for name in names]
    async with unit_of_work(world, account_id) as waiting:
        async with unit_of_work(world, account_id) as other:
            other.add(mails[0])
        waiting.add(mails[1])
    rows = await world.rows("SELECT kind FROM mails ORDER BY created_at")
    assert [row["kind"] for row in rows] == names


async def test_r49_a_mail_does_not_overtake_one_that_somebody_is_sending(world):
    first, last = await waiting_for_one_reader(world)
    held = "UPDATE mails SET attempts = 1, lease_until = now() + $2::interval WHERE id = $1"
    await world.rows(held, first["id"], timedelta(minutes=1))
    await world.services.mail.run(last["account_id"], last["id"])
    assert await world.sandbox.mails(VERA) == []
    await world.rows(held, first["id"], timedelta(minutes=-1))  # whoever held it has died
    await world.services.mail.run(last["account_id"], last["id"])
    assert [mail["calendar"]["method"] for mail in await world.sandbox.mails(VERA)] == ["REQUEST", "CANCEL"]


async def test_a_refused_recipient_is_given_up_and_forgotten(world):
    host = await world.connected()
    await world.sandbox.add_mail_fault("reject_recipient", recipient=VERA)
    await booked_by(host)
    await work_on_mails(world)
    (refused,) = [row for row in await mails_of(world) if row["to_email"] == VERA]
    assert (refused["status"], refused["last_error"], refused["letter"]) == ("failed", "smtp_550", None)
    assert refused["attempts"] == 1


async def test_p2_a_mail_is_not_given_up_for_the_days_in_which_nobody_tried(world):
    """All workers were down from Friday to Monday, and the server has too much to do when they come back."""
    meter = Meter()
    host = await world.connected()
    page = await host.make_page()
    await visit(host, page, host.at(8, "15:00"))
    world.clock.offset = timedelta(days=3)
    await world.sandbox.add_mail_fault("reject_data", code=451, recipient=VERA, times=None)
    for _ in range(39):
        await try_all_mails(world)
    (waiting,) = [row for row in await mails_of(world) if row["to_email"] == VERA]
    assert (waiting["status"], waiting["attempts"]) == ("queued", 39)
    assert waiting["letter"] is not None
    assert meter.counted("mails_total", outcome="given_up") == 0
    await try_all_mails(world)
    (given_up,) = [row for row in await mails_of(world) if row["to_email"] == VERA]
    assert (given_up["status"], given_up["last_error"], given_up["letter"]) == ("failed", "smtp_451", None)
    assert meter.counted("mails_total", outcome="given_up") == 1
    assert await mail_jobs(world) == []


async def test_r49_nobody_is_invited_to_what_was_over_before_a_mail_could_go(world):
    host = await world.connected()
    page = await host.make_page(location={"kind": "video"}, max_guests=1)
    booked = await visit(host, page, host.at(3, "15:00"), guests=["gus@example.com"])
    world.clock.offset = timedelta(days=5)
    await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'write_event'")
    await world.work()
    (to_visitor,) = await world.sandbox.mails(VERA)
    assert to_visitor["calendar"] is None
    assert "/bookings/" not in to_visitor["text"], "it can be changed no more"
    assert "link" not in to_visitor["text"], "none will come"
    assert await world.sandbox.mails("gus@example.com") == []
    world.clock.offset = timedelta()
    assert (await booked.cancel()).status_code == 200
    await world.work()
    (_, told) = await world.sandbox.mails(VERA)
    assert told["calendar"]["method"] == "CANCEL"


async def test_a_lost_word_makes_a_copy_with_the_same_message_id(world):
    host = await world.connected()
    await world.sandbox.add_mail_fault("drop_before_reply", recipient=VERA)
    await booked_by(host)
    await work_on_mails(world)
    copies = await world.sandbox.mails(VERA)
    assert len(copies) == 2
    assert len({mail["message_id"] for mail in copies}) == 1


async def test_two_workers_do_not_send_the_same_mail(world):
    host = await world.connected()
    await booked_by(host)
    rows = [row for row in await mails_of(world) if row["to_email"] == VERA]
    assert {column.name for column in Mail.__table__.columns} >= {"lease_until"}
    run = world.services.mail.run
    await asyncio.gather(*(run(rows[0]["account_id"], rows[0]["id"]) for _ in range(5)))
    await work_on_mails(world)
    assert len(await world.sandbox.mails(VERA)) == 1


async def test_a_blocked_attempt_names_the_calendar_once_an_hour(world):
    host = await world.connected()
    page = await host.make_page()
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost', name = 'Team calendar'")
    for _ in range(3):
        refused = await host.book(page["id"], host.at(3, "15:00").isoformat())
        assert refused.json()["code"] == "booking_unavailable", refused.text
    await work_on_mails(world)
    (mail,) = await world.sandbox.mails(host.email)
    assert "Team calendar" in mail["text"]
    assert "regain access" in mail["text"]
    assert "remove the inactive calendar" not in mail["text"], "the primary stays"
    world.clock.offset = timedelta(hours=2)
    await host.book(page["id"], host.at(3, "15:00").isoformat())
    await work_on_mails(world)
    assert len(await world.sandbox.mails(host.email)) == 2


@pytest.mark.parametrize("spelling", [VERA, "Vera@Example.com"])
async def test_a_stranger_is_not_mailed_more_than_fifty_times_a_day(world, spelling):
    host = await world.connected()
    async with transaction(world.services.sessions, decode_id("acct", host.account_id)) as session:
        for _ in range(MOST_A_DAY):
            session.add(
                Mail(
                    account_id=decode_id("acct", host.account_id),
                    id=new_id(),
                    subject_id=new_id(),
                    kind="confirmed_visitor",
                    to_email=spelling,
                    status="sent",
                    sent_at=world.clock(),
                )
            )
    await booked_by(host)
    await world.work()
    mails = {mail["kind"]: mail for mail in (await mails_of(world))[MOST_A_DAY:]}
    assert mails["confirmed_visitor"]["last_error"] == "recipient_limit"
    assert (mails["confirmed_visitor"]["status"], mails["confirmed_visitor"]["letter"]) == ("failed", None)
    assert mails["confirmed_host"]["status"] == "sent"
    assert await world.sandbox.mails(VERA) == []
