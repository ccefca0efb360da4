"""Erasing an account: nothing stays but its tombstone, nobody else notices, and no kill leaves it half done (R54)."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import transaction
from app.ids import decode_id
from app.models.directory import Directory
from app.privacy import account_erasure
from app.privacy.account_erasure import LOOK_AGAIN, PROVIDERS_HAVE
from app.queue import Enqueued, Job, enqueue
from tests.accounts.life import NAME, PHONE, TEXTS, VISITOR, come_back, found, live, rows_of, to_the_end
from tests.connections.test_disconnecting import revocations
from tests.support.gate import Gate
from tests.support.google import failing
from tests.support.people import Person
from tests.support.world import World, problem


async def checksums(world: World, account_id: UUID) -> dict[str, str]:
    """What every table holds of an account, to the byte."""
    sums = {}
    for table in await world.rows(TEXTS):
        if table["name"].startswith("public."):
            query = f"SELECT t::text AS row FROM {table['name']} t WHERE account_id = $1 ORDER BY 1"  # noqa: S608
            rows = await world.rows(query, account_id)
            sums[table["name"]] = hashlib.sha256(repr([row["row"] for row in rows]).encode()).hexdigest()
    return sums


async def test_r54_of_an_erased_account_nothing_is_left_but_its_tombstone(world: World) -> None:
    life = await live(world)
    assert {"users", "bookings", "mirror_events", "mails", "feed_events", "form_submissions"} <= set(
        await rows_of(world, life.account_id)
    )
    assert {"contacts", "bookings", "users", "mails"} <= set(await found(world, "canary"))
    await life.erase()
    assert await rows_of(world, life.account_id) == {"account_erasures": 1}
    assert await found(world, "canary", NAME, VISITOR, PHONE) == {}
    queued = await world.rows("SELECT convert_from(payload, 'UTF8') AS payload FROM queue.pgqueuer")
    assert [row for row in queued if str(life.account_id) in row["payload"]] == []
    [tombstone] = await world.rows("SELECT * FROM account_erasures")
    assert (tombstone["requested_by"], tombstone["stage"]) == ("user", "finished")
    assert tombstone["last_sequence"] > 0
    assert len(tombstone["last_seal"]) == 32
    assert life.host.user_id not in str(tombstone)


async def test_r15_r54_the_provider_is_told_and_events_stay(world: World) -> None:
    life = await live(world)
    before = {event["id"] for event in await world.sandbox.google_events(life.host.email)}
    await life.erase()
    assert await revocations(world, life.host) == [200]
    assert await world.sandbox.google_channels(life.host.email, alive=True) == []
    assert {event["id"] for event in await world.sandbox.google_events(life.host.email)} == before


async def test_r53_r54_another_account_does_not_notice(world: World) -> None:
    life, other = await live(world), await live(world, canary="neighbour")
    before = await checksums(world, other.account_id)
    assert len(set(before.values())) > 20
    await life.erase()
    assert await checksums(world, other.account_id) == before
    answer = await other.host.get(f"/v1/contacts/{other.contact['id']}")
    assert answer.json() == other.contact
    assert (await other.host.get("/v1/audit-log")).json()["items"]


async def test_r54_the_account_is_closed_with_the_request_and_unknown_in_the_end(world: World) -> None:
    life = await live(world)
    answer = await life.host.delete(f"/v1/account?confirm={life.host.account_id}")
    assert (answer.status_code, answer.headers["Location"]) == (202, "/v1/me")
    assert answer.json()["account_id"] == life.host.account_id
    problem(await life.host.get("/v1/me"), 401, "unauthenticated")
    service = await world.service(life.host.account_id)
    problem(await service.get("/v1/me"), 401, "unauthenticated")
    problem(await world.api.get(f"/v1/public/scheduling-pages/{life.page['id']}"), 404, "not_found")
    problem(await life.host.book(life.page["id"], life.host.at(9, "10:00").isoformat()), 404, "not_found")
    await to_the_end(world)
    problem(await life.host.get("/v1/me"), 401, "unauthenticated")
    assert await rows_of(world, life.account_id) == {"account_erasures": 1}, "an old token brings nobody back"
    await come_back(life.host)
    me = (await life.host.get("/v1/me")).json()
    assert (me["connection_limit"]["used"], me["account"]["id"]) == (0, life.host.account_id)
    problem(await life.host.get(f"/v1/contacts/{life.contact['id']}"), 404, "not_found")
    problem(await life.host.get(f"/v1/bookings/{life.booking['id']}"), 404, "not_found")
    booking_token = {"Booking-Token": life.booking["booking_token"]}
    by_link = await world.api.get(f"/v1/public/bookings/{life.booking['id']}", headers=booking_token)
    assert by_link.status_code in {401, 404}


async def test_r54_a_token_from_before_opens_nothing_either_when_the_account_has_begun_anew(world: World) -> None:
    person = await small(world)
    service = await world.service(person.account_id)
    former = [Person(world.api, world.sandbox, "", "", "", "", {}, headers=who.headers) for who in (person, service)]
    await person.delete(f"/v1/account?confirm={person.account_id}")
    await to_the_end(world)
    for beginning in (service, person):
        await come_back(beginning)
        for _ in range(2):
            assert (await beginning.get("/v1/me")).status_code != 401, "issued before the account's new row, and after"
        for old in former:
            problem(await old.get("/v1/me"), 401, "unauthenticated")


async def test_r54_with_the_request_nothing_is_found_but_what_is_named_for_later(world: World) -> None:
    """Also no kind of link that was thought of after the erasing."""
    person = await small(world)
    account_id = decode_id("acct", person.account_id)
    for kind in (*Directory, "thought_of_later"):
        await world.rows("INSERT INTO directory VALUES ($1, 'a key', $2, $2)", kind, account_id)
    await person.delete(f"/v1/account?confirm={person.account_id}")
    left = await world.rows("SELECT DISTINCT kind FROM directory WHERE account_id = $1", account_id)
    assert {row["kind"] for row in left} == {"booking", "meeting_request", "channel", "data_key"}
    await to_the_end(world)
    assert await world.rows("SELECT * FROM directory WHERE account_id = $1", account_id) == []


async def test_r38_r54_its_links_can_be_somebody_else_s_and_it_can_begin_anew(world: World) -> None:
    life = await live(world)
    await life.erase()
    stranger = await world.person()
    made = await stranger.make_page(slug=life.page["slug"])
    assert made["slug"] == life.page["slug"]
    await come_back(life.host)
    await life.host.connect()
    await world.work()
    again = await life.host.make_page()
    assert (await life.host.book(again["id"], life.host.at(9, "10:00").isoformat())).status_code == 201
    await world.work()
    await life.erase()
    assert await rows_of(world, life.account_id) == {"account_erasures": 2}


@pytest.mark.parametrize("stop_after", [1, 2, 3, 5, 7, 8, 9, 11, 20, 35, 50, 65, 80, 120])
async def test_r54_killed_anywhere_it_goes_on(world: World, monkeypatch: pytest.MonkeyPatch, stop_after: int) -> None:
    life = await small(world)
    await life.delete(f"/v1/account?confirm={life.account_id}")
    await kill_after(world, monkeypatch, stop_after)
    await to_the_end(world)
    assert await rows_of(world, decode_id("acct", life.account_id)) == {"account_erasures": 1}


@pytest.mark.parametrize("verb", ["_let_go_of_one", "_remember_log", "_delete_everything", "_delete_some"])
async def test_r54_a_worker_that_slept_while_another_finished_leaves_what_has_begun_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    person, account_id, erasure = await closed(world)
    gate = Gate.at(monkeypatch, verb, of=account_erasure.AccountErasures)
    sleeping = asyncio.create_task(world.services.account_erasures.run(account_id, erasure["id"]))
    await gate.wait()
    await to_the_end(world)
    await come_back(person)
    await person.make_page()
    await world.work()
    before = await checksums(world, account_id)
    await gate.open()
    await sleeping
    assert await checksums(world, account_id) == before
    assert (await person.get("/v1/me")).status_code == 200


async def test_r54_where_the_log_ended_is_remembered_by_the_first_of_two_workers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, account_id, erasure = await closed(world)
    gate = Gate.at(monkeypatch, "_remember_log", of=account_erasure.AccountErasures)
    sleeping = asyncio.create_task(world.services.account_erasures.run(account_id, erasure["id"]))
    await gate.wait()
    await world.work()
    query = "SELECT stage, last_sequence, last_seal FROM account_erasures"
    [before] = await world.rows(query)
    assert (before["stage"], before["last_sequence"] > 0) == ("looking_again", True)
    await gate.open()
    await sleeping
    assert await world.rows(query) == [before]
    await to_the_end(world)
    assert await rows_of(world, account_id) == {"account_erasures": 1}


async def closed(world: World) -> tuple[Person, UUID, dict[str, Any]]:
    """Somebody's account, its id, and its erasure, of which nothing is done yet and whose job waits."""
    person = await world.person(permissions=["account:erase"])
    await person.make_page()
    await person.delete(f"/v1/account?confirm={person.account_id}")
    [erasure] = await world.rows("SELECT * FROM account_erasures")
    return person, erasure["account_id"], erasure


async def small(world: World) -> Person:
    """An account in which a little has happened."""
    person = await world.connected(permissions=["personal_email_access", "account:erase"])
    page = await person.make_page()
    for hour in ("10:00", "11:00", "12:00"):
        assert (await person.book(page["id"], person.at(3, hour).isoformat())).status_code == 201
    await world.work()
    return person


async def kill_after(world: World, monkeypatch: pytest.MonkeyPatch, transactions: int) -> None:
    """Run the job, two rows at a time, and have it end without a word when it opens its next transaction but so many.

    A job that was killed comes back; here it is asked for again.
    """
    [erasure] = await world.rows("SELECT account_id, id FROM account_erasures WHERE finished_at IS NULL")
    await world.rows("DELETE FROM queue.pgqueuer WHERE entrypoint = 'erase_account'")  # it is run by hand
    opened = 0

    def counting(*arguments: object) -> object:
        nonlocal opened
        opened += 1
        if opened > transactions:
            raise InterruptedError
        return transaction(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(account_erasure, "_AT_ONCE", 2)
    with monkeypatch.context() as patched, pytest.raises(InterruptedError):  # noqa: PT012 - wherever it ends
        patched.setattr(account_erasure, "transaction", counting)
        while True:
            await world.services.account_erasures.run(erasure["account_id"], erasure["id"])
            await world.work()
            world.clock.offset += LOOK_AGAIN
    async with transaction(world.services.sessions, erasure["account_id"]) as session:
        await enqueue(session, [Enqueued(Job.ERASE_ACCOUNT, erasure["account_id"], erasure["id"])])


async def test_r54_a_provider_that_cannot_be_reached_keeps_nothing_for_long(world: World) -> None:
    person = await small(world)
    await person.delete(f"/v1/account?confirm={person.account_id}")
    async with failing(world.sandbox, "unavailable", path="/revoke$"):
        await world.work()
        assert [row["stage"] for row in await world.rows("SELECT stage FROM account_erasures")] == ["disconnecting"]
        assert len(await world.rows("SELECT * FROM data_keys")) == 1, "to be told with"
        world.clock.offset = PROVIDERS_HAVE + timedelta(seconds=1)
        await world.work(until=timedelta(seconds=20))
        assert await world.rows("SELECT * FROM data_keys") == []
        await to_the_end(world)
    assert await rows_of(world, decode_id("acct", person.account_id)) == {"account_erasures": 1}


async def test_r54_the_key_goes_before_anything_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life = await live(world)
    sealed = await world.rows("SELECT account_id, id, content FROM form_submissions")
    before = await world.rows("SELECT count(*) AS n FROM bookings")
    await life.host.delete(f"/v1/account?confirm={life.host.account_id}")

    async def stop(*arguments: object) -> int:
        raise InterruptedError

    monkeypatch.setattr(account_erasure.AccountErasures, "_delete_some", stop)
    with pytest.raises(InterruptedError):
        await to_the_end(world)
    assert await world.rows("SELECT count(*) AS n FROM bookings") == before
    assert sealed, "what a backup would still hold"
    assert await world.rows("SELECT * FROM data_keys WHERE account_id = $1", life.account_id) == []


async def test_r54_what_was_under_way_when_it_began_is_found_by_the_last_look(world: World) -> None:
    person = await small(world)
    account_id = decode_id("acct", person.account_id)
    await person.delete(f"/v1/account?confirm={person.account_id}")
    await world.work(until=timedelta(seconds=30))
    assert [row["stage"] for row in await world.rows("SELECT stage FROM account_erasures")] == ["looking_again"]
    problem(await person.get("/v1/me"), 401, "unauthenticated")
    await world.services.audit_seals.run(account_id, account_id)  # a job that had been taken before it was cancelled
    assert "audit_chains" in await rows_of(world, account_id)
    await to_the_end(world)
    assert await rows_of(world, account_id) == {"account_erasures": 1}


async def test_r53_who_may_not_erase_it_does_not_and_nobody_by_accident(world: World) -> None:
    person = await small(world)
    colleague = await world.person(account_id=person.account_id)
    problem(await colleague.delete(f"/v1/account?confirm={person.account_id}"), 403, "forbidden")
    other = await world.person(permissions=["account:erase"])
    for query in ("", f"?confirm={other.account_id}", "?confirm=yes"):
        problem(await person.delete(f"/v1/account{query}"), 422, "validation_failed")
    assert await world.rows("SELECT * FROM account_erasures") == []
    assert (await person.get("/v1/me")).status_code == 200


async def test_r54_the_audit_log_goes_with_its_account_alone(world: World) -> None:
    one, two = await small(world), await small(world)
    await one.delete(f"/v1/account?confirm={one.account_id}")
    for person, refused in ((two, True), (one, False)):
        async with transaction(world.services.sessions, decode_id("acct", person.account_id)) as session:
            if not refused:
                assert (await session.execute(text("SELECT erase_audit_entries(1)"))).scalar() == 1
                continue
            with pytest.raises(DBAPIError, match="with their account alone"):
                async with session.begin_nested():
                    await session.execute(text("SELECT erase_audit_entries(1)"))
    async with transaction(world.services.sessions, decode_id("acct", one.account_id)) as session:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with session.begin_nested():
                await session.execute(text("DELETE FROM account_erasures"))


async def test_r53_r54_its_jobs_are_called_off_and_nobody_else_s(world: World) -> None:
    person, other = await small(world), await small(world)
    for account in (person.account_id, other.account_id):
        account_id = decode_id("acct", account)
        async with transaction(world.services.sessions, account_id) as session:
            late = Enqueued(Job.PRUNE_EVENTS, account_id, account_id, delay=timedelta(days=1))
            await enqueue(session, [late])
    await person.delete(f"/v1/account?confirm={person.account_id}")
    await to_the_end(world)
    left = await world.rows("SELECT convert_from(payload, 'UTF8') AS payload FROM queue.pgqueuer")
    assert len(left) == 1
    assert str(decode_id("acct", other.account_id)) in left[0]["payload"]
