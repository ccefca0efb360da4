"""Those who meet are reminded of it (R49).

The one rule: each reminder comes once, to everybody in their own words and time, and never of a meeting that is not to
come any more.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.bookings.post import BookingPost
from app.bookings.reminders import Reminders
from app.i18n import Language, format_start
from app.ids import decode_id, new_id
from app.outbound.links import Links
from tests.bookings.reminding import VERA, kinds, page_with, reminders, stand_at, wait_until, waiting
from tests.support.teams import colleagues, team_page
from tests.support.visitors import visit
from tests.support.world import World, problem

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERYBODY = ["guest", "host", "visitor"]
WORDS = {
    Language.EN: ("Reminder", "Your meeting is coming up"),
    Language.SV: ("Påminnelse", "Ditt möte närmar sig"),
    Language.DE: ("Erinnerung", "Ihr Termin steht bevor"),
    Language.IT: ("Promemoria", "Il tuo appuntamento si avvicina"),
    Language.PL: ("Przypomnienie", "Zbliża się Twoje spotkanie"),
}


async def test_r49_everybody_is_reminded_in_their_own_language_and_zone(world: World) -> None:
    host = await world.connected(locale="sv")
    page = await page_with(host, 60, 1440, max_guests=3)
    booked = await visit(host, page, host.at(3, "15:00"), guests=["gus@example.com"], language="de")
    assert await wait_until(world, booked.start_at - DAY - 5 * MINUTE) == 0
    assert await kinds(world) == []
    assert await wait_until(world, booked.start_at - DAY) == 1
    assert await kinds(world) == EVERYBODY
    [to_vera], [to_gus] = await reminders(world, VERA), await reminders(world, "gus@example.com")
    [to_host] = await reminders(world, host.email)
    in_new_york = format_start(Language.DE, booked.start_at, "America/New_York")
    assert f"{booked.start_at.astimezone(ZoneInfo('America/New_York')):%H:%M}" in in_new_york
    assert to_vera["subject"] == to_gus["subject"] == f"Erinnerung: Intro call, {in_new_york}"
    assert "Der Termin steht bevor" in to_gus["text"]
    in_stockholm = format_start(Language.SV, booked.start_at, "Europe/Stockholm")
    assert to_host["subject"] == f"Påminnelse: Vera Visitor, {in_stockholm}"
    assert "15:00" in to_host["text"]
    assert [mail["calendar"] for mail in (to_vera, to_gus, to_host)] == [None] * 3, "nothing has changed"
    for action in ("reschedule", "cancel"):
        assert f"/bookings/{booked.id}/{action}#token={booked.token}" in to_vera["text"]
    assert not any("token" in mail["text"] + mail["html"] for mail in (to_gus, to_host))


async def test_r49_a_mail_has_no_link_that_comes_too_late(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 60, cancel_cutoff_minutes=1440, reschedule_cutoff_minutes=30)
    booked = await visit(host, page, host.at(3, "15:00"))
    await world.work()
    confirmed = (await world.sandbox.mails(VERA))[-1]
    assert all(f"/bookings/{booked.id}/{action}" in confirmed["text"] for action in ("reschedule", "cancel"))
    await wait_until(world, booked.start_at - HOUR)
    [reminder] = await reminders(world, VERA)
    assert f"/bookings/{booked.id}/reschedule" in reminder["text"]
    assert f"/bookings/{booked.id}/cancel" not in reminder["text"] + reminder["html"]


async def test_r49_there_are_up_to_three_reminders_each_told_once(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 2880, 1440, 60), host.at(4, "10:00"))
    before = (await host.get(f"/v1/bookings/{booked.id}")).json()
    for number, ahead in enumerate((2 * DAY, DAY, HOUR), start=1):
        assert await wait_until(world, booked.start_at - ahead) == 1
        assert await wait_until(world, booked.start_at - ahead + 10 * MINUTE) == 0
        assert len(await reminders(world, VERA)) == len(await reminders(world, host.email)) == number
    assert await waiting(world) == []
    after = (await host.get(f"/v1/bookings/{booked.id}")).json()
    assert after["version"] == before["version"], "the booking is as it was"
    [stored] = await world.rows("SELECT sequence FROM bookings")
    assert stored["sequence"] == 0


async def test_r49_reminders_are_written_in_five_languages(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 1440)
    booked = {
        language: await visit(host, page, host.at(3, f"1{hour}:00"), email=f"{language}@example.com", language=language)
        for hour, language in enumerate(Language)
    }
    assert await wait_until(world, host.at(2, "15:00")) == len(Language)
    for language, booking in booked.items():
        [mail] = await reminders(world, f"{language}@example.com")
        word, heading = WORDS[language]
        start = format_start(language, booking.start_at, "America/New_York")
        assert mail["subject"] == f"{word}: Intro call, {start}"
        assert mail["text"].startswith(heading)
        assert heading in mail["html"]


async def test_r49_what_is_past_when_it_is_booked_is_not_reminded_of(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 20160, 1440, 60)
    booked = await visit(host, page, host.at(3, "10:00"))
    assert await waiting(world) == [(booked.start_at - DAY, [1440, 60])]
    stand_at(world, host.at(4, "9:45"))
    await visit(host, page, host.at(4, "10:00"))
    assert len(await waiting(world)) == 1, "there is nothing to remind of a quarter of an hour before"


async def test_r49_of_reminders_that_are_overdue_one_is_sent(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 1440, 120, 60), host.at(3, "10:00"))
    assert await wait_until(world, booked.start_at - 90 * MINUTE) == 1
    assert await kinds(world) == ["host", "visitor"], "two were due"
    assert await waiting(world) == [(booked.start_at - HOUR, [60])]
    other = await visit(host, await page_with(host, 180, 30), host.at(5, "10:00"))
    assert await wait_until(world, other.start_at - MINUTE) == 2
    assert Counter(await kinds(world)) == {"host": 2, "visitor": 2}, "and none of what is over"
    assert await waiting(world) == []


async def test_r49_once_a_meeting_has_begun_nobody_is_reminded_of_it(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    assert await wait_until(world, booked.start_at) == 1
    assert (await kinds(world), await waiting(world)) == ([], [])


@pytest.mark.parametrize("more", [[], [30]])
async def test_r49_a_reminder_is_sent_once_by_however_many_workers(world: World, more: list[int]) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60, *more), host.at(3, "10:00"))
    stand_at(world, booked.start_at - HOUR)
    account, booking = decode_id("acct", host.account_id), decode_id("bkg", booked.id)
    run, sweep = world.services.reminders.run, world.services.reminders.sweep
    await asyncio.gather(*(run(account, booking) for _ in range(5)), *(sweep() for _ in range(3)))
    await world.work()
    assert await kinds(world) == ["host", "visitor"]
    assert len(await reminders(world, VERA)) == 1


class DyingPost(BookingPost):
    """A process that ends before the commit."""

    def reminded(self, *letters, **more):
        super().reminded(*letters, **more)
        raise RuntimeError("killed")


async def test_r49_a_crash_loses_no_reminder_and_doubles_none(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    services = world.services
    post = DyingPost(Links("https://book.example.com"), services.providers, sender="a@example.com")
    stand_at(world, booked.start_at - HOUR)
    assert await services.reminders.sweep() == 1
    [job] = await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'remind' RETURNING id")
    assert job, "the worker took it, and its process ends"
    with pytest.raises(RuntimeError, match="killed"):
        await Reminders(services.sessions, post, world.clock).run(
            decode_id("acct", host.account_id), decode_id("bkg", booked.id)
        )
    assert await kinds(world) == []
    assert await wait_until(world, booked.start_at - 57 * MINUTE) == 0
    assert await wait_until(world, booked.start_at - 54 * MINUTE) == 1, "what was taken comes up again"
    assert await kinds(world) == ["host", "visitor"]
    await services.reminders.run(decode_id("acct", host.account_id), decode_id("bkg", booked.id))
    assert await kinds(world) == ["host", "visitor"], "a job that is run again finds nothing to do"


async def test_r49_what_is_taken_off_between_sweep_and_job_is_not_reminded_of(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 60)
    cancelled, moved = [await visit(host, page, host.at(3, clock)) for clock in ("10:30", "11:00")]
    stand_at(world, moved.start_at - HOUR)
    assert await world.services.reminders.sweep() == 2
    assert (await cancelled.cancel()).status_code == 200
    assert (await moved.reschedule(host.at(4, "11:00"))).status_code == 200
    await world.work()
    assert await kinds(world) == []
    assert await waiting(world) == [(host.at(4, "10:00"), [60])]


@pytest.mark.parametrize("what", ["cancelled", "moved", "begun"])
async def test_r49_a_reminder_that_waits_for_the_mail_server_is_not_sent_when_it_is_no_longer_true(
    world: World, what: str
) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    await world.work()
    stand_at(world, booked.start_at - HOUR)
    await world.services.reminders.run(decode_id("acct", host.account_id), decode_id("bkg", booked.id))
    match what:
        case "cancelled":
            assert (await booked.cancel()).status_code == 200
        case "moved":
            assert (await booked.reschedule(host.at(4, "10:00"))).status_code == 200
        case _:
            stand_at(world, booked.start_at + MINUTE)
    await world.work()
    rows = await world.rows("SELECT status, last_error, letter FROM mails WHERE kind LIKE 'reminder%'")
    assert [(row["status"], row["last_error"], row["letter"]) for row in rows] == [("failed", "out_of_date", None)] * 2
    assert await reminders(world, VERA) == []


async def test_r49_a_page_that_is_gone_or_turned_off_still_reminds_of_what_stands(world: World) -> None:
    host, other = await world.connected(), await world.connected()
    gone, off = await page_with(host, 60), await page_with(other, 60)
    first = await visit(host, gone, host.at(3, "10:00"))
    await visit(other, off, other.at(3, "10:00"), email="olga@example.com")
    assert (await host.delete(f"/v1/scheduling-pages/{gone['id']}")).status_code == 204
    assert (await other.patch("/v1/calendar-settings", {"turned_off": True})).status_code == 200
    assert await wait_until(world, first.start_at - HOUR) == 2, "of both accounts"
    for somebody in (VERA, host.email, "olga@example.com", other.email):
        assert len(await reminders(world, somebody)) == 1, somebody
    rows = await world.rows(
        "SELECT m.account_id = b.account_id AS own FROM mails m JOIN bookings b ON b.id = m.subject_id"
    )
    assert {row["own"] for row in rows} == {True}


async def test_r49_all_hosts_are_reminded_but_those_who_have_left(world: World) -> None:
    people = await colleagues(world, 3)
    booked = await visit(
        people[0], await team_page(people, "group", reminders_minutes_before=[60]), people[0].at(3, "10:00")
    )
    service = await world.service(people[0].account_id)
    assert (await service.delete(f"/v1/users/{people[1].user_id}")).status_code == 204
    assert await wait_until(world, booked.start_at - HOUR) == 1
    got = [len(await reminders(world, somebody)) for somebody in (VERA, *(person.email for person in people))]
    assert got == [1, 1, 0, 1]


async def test_r49_a_visitor_is_reminded_also_when_the_only_host_has_left(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    service = await world.service(host.account_id)
    assert (await service.delete(f"/v1/users/{host.user_id}")).status_code == 204
    assert await wait_until(world, booked.start_at - HOUR) == 1
    assert await kinds(world) == ["visitor"], "the meeting stands until somebody cancels it"


async def test_r56_a_reminder_of_a_video_meeting_has_its_link(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60, location={"kind": "video"}), host.at(3, "10:00"))
    await world.work()
    link = (await booked.read())["video_url"]
    assert link
    await wait_until(world, booked.start_at - HOUR)
    for somebody in (VERA, host.email):
        [mail] = await reminders(world, somebody)
        assert link in mail["text"], somebody


async def test_r49_a_job_of_a_booking_that_is_over_or_gone_does_nothing(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    account, booking = decode_id("acct", host.account_id), decode_id("bkg", booked.id)
    run = world.services.reminders.run
    await run(account, booking)
    assert await waiting(world) == [(booked.start_at - HOUR, [60])], "it has time left"
    stand_at(world, booked.start_at + MINUTE)
    assert (await host.post(f"/v1/bookings/{booked.id}/no-show", None)).status_code == 200
    await run(account, booking)
    await run(account, new_id())
    assert (await kinds(world), await waiting(world)) == ([], [])


async def test_r49_a_booking_that_is_cancelled_is_not_reminded_of_whatever_is_due(world: World) -> None:
    host = await world.connected()
    booked = await visit(host, await page_with(host, 60), host.at(3, "10:00"))
    [row] = await world.rows("SELECT booking_id, account_id, due_at, minutes_before FROM due_reminders")
    assert (await booked.cancel()).status_code == 200
    back = "INSERT INTO due_reminders (booking_id, account_id, due_at, minutes_before) VALUES ($1, $2, $3, $4)"
    await world.rows(back, *row.values())
    assert await wait_until(world, booked.start_at - HOUR) == 1
    assert (await kinds(world), await waiting(world)) == ([], [])


async def test_r49_a_page_says_when_and_only_to_its_owner(world: World) -> None:
    host = await world.person()
    page = await host.make_page()
    path = f"/v1/scheduling-pages/{page['id']}"
    assert page["reminders_minutes_before"] == []
    saved = (await host.patch(path, {"reminders_minutes_before": [5, 20160, 60]})).json()
    assert saved["reminders_minutes_before"] == [20160, 60, 5], "longest first"
    assert (await host.patch(path, {"name": "Other"})).json()["reminders_minutes_before"] == [20160, 60, 5]
    public = (await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")).json()
    assert "reminders_minutes_before" not in public
    refused = [([4], "/0", "out_of_range"), ([20161], "/0", "out_of_range"), ([60, 60], "", "not_allowed"),
               ([5, 6, 7, 8], "", "too_long"), (["an hour"], "/0", "invalid"), (60, "", "invalid")]  # fmt: skip
    for wish, where, code in refused:
        answer = problem(await host.patch(path, {"reminders_minutes_before": wish}), 422, "validation_failed")
        said = [(error["pointer"], error["code"]) for error in answer["errors"]]
        assert said == [(f"/reminders_minutes_before{where}", code)], wish
    colleague, stranger = await world.person(account_id=host.account_id), await world.person()
    for caller in (colleague, stranger):
        problem(await caller.patch(path, {"reminders_minutes_before": [5]}), 404, "not_found")
    cleared = (await host.patch(path, {"reminders_minutes_before": None})).json()
    assert cleared["reminders_minutes_before"] == []


async def test_r49_what_the_page_says_counts_for_what_is_booked_or_moved_from_then_on(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 1440)
    path = f"/v1/scheduling-pages/{page['id']}"
    stays, moves = [await visit(host, page, host.at(3, clock)) for clock in ("10:00", "11:00")]
    await host.patch(path, {"reminders_minutes_before": [60]})
    late = await visit(host, page, host.at(3, "12:00"))
    assert (await moves.reschedule(host.at(4, "11:00"))).status_code == 200
    expected = [(stays.start_at - DAY, [1440]), (late.start_at - HOUR, [60]), (host.at(4, "10:00"), [60])]
    assert await waiting(world) == expected
    await host.patch(path, {"reminders_minutes_before": []})
    assert (await stays.reschedule(host.at(5, "10:00"))).status_code == 200
    assert await waiting(world) == expected[1:]


async def test_r49_a_day_before_is_twenty_four_hours_before_also_when_the_clocks_change(world: World) -> None:
    host = await world.connected()
    page = await page_with(host, 1440, booking_window={"kind": "rolling_days", "days": 365})
    zone = ZoneInfo("Europe/Stockholm")
    begins = next(
        noon
        for days in range(1, 250)
        if (noon := host.at(days, "12:00")).utcoffset() != host.at(days - 1, "12:00").utcoffset()
    )
    booked = await visit(host, page, begins)
    [(due_at, _)] = await waiting(world)
    assert booked.start_at - due_at == DAY
    assert due_at.astimezone(zone).hour in {11, 13}, "by the wall's clock it is an hour more or less"
