"""Taking out an account: everything but secrets, part by part, whatever happens while it is written (R54)."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.ids import decode_id
from app.privacy import account_export
from app.privacy.account_export import KEPT
from app.privacy.exported import LEFT_OUT, exported_tables
from app.privacy.marks import Mark, columns
from app.queue import Payload
from tests.accounts.life import NAME, PHONE, VISITOR, live, rows_of
from tests.support.people import Person
from tests.support.world import World, problem

EXPORT = "/v1/account/export"


async def administrator(world: World, person: Person) -> Person:
    return await world.person(account_id=person.account_id, permissions=["account:export"])


async def whole(person: Person) -> list[dict[str, Any]]:
    """The export that is ready, part by part."""
    records: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await person.get(EXPORT, **cursor)
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body["status"] == "ready", body
        records += body["records"]
        if body["next_cursor"] is None:
            assert len(records) == body["record_count"]
            return records
        cursor = {"cursor": body["next_cursor"]}


async def exported(world: World, person: Person) -> list[dict[str, Any]]:
    asked = await person.get(EXPORT)
    assert (asked.status_code, asked.headers["Location"]) == (202, EXPORT)
    assert (asked.json()["status"], asked.json()["records"]) == ("building", [])
    await world.work()
    return await whole(person)


async def test_r54_everything_an_account_holds_is_in_its_export(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_export, "_ROWS_A_PART", 7)
    life = await live(world)
    counts = await rows_of(world, life.account_id)
    before = {kind: counts[kind] for kind in counts.keys() - LEFT_OUT.keys()}
    records = await exported(world, life.host)
    told: dict[str, int] = {}
    for record in records:
        told[record["kind"]] = told.get(record["kind"], 0) + 1
    grown = {"audit_entries"}  # it was written down that it was asked for
    assert {kind: told[kind] for kind in told.keys() - grown} == {kind: before[kind] for kind in before.keys() - grown}
    assert len(before) > 20
    text = json.dumps(records, ensure_ascii=False)
    for word in (NAME, VISITOR.partition("@")[0], PHONE, "a canary answer", "Submitted canary", "Notes canary"):
        assert word in text, word
    [account] = [record["data"] for record in records if record["kind"] == "accounts"]
    assert account["account_id"] == life.host.account_id
    booked = [record["data"] for record in records if record["kind"] == "bookings"]
    assert life.booking["id"] in {row["id"] for row in booked}
    assert all(row["starts_at"].endswith("Z") for row in booked)


async def test_p5_r54_no_secret_is_in_it(world: World) -> None:
    life = await live(world)
    secrets = []
    for column in columns():
        if column.mark is Mark.SECRET:
            query = f"SELECT {column.name} AS value FROM {column.table} WHERE {column.name} IS NOT NULL"  # noqa: S608
            secrets += [row["value"] for row in await world.rows(query)]
    assert len(secrets) > 8
    text = json.dumps(await exported(world, life.host))
    for secret in secrets:
        for form in [base64.b64encode(secret).decode(), secret.hex()] if isinstance(secret, bytes) else [secret]:
            assert len(form) < 8 or form not in text, form
    parts = await world.rows("SELECT content FROM account_export_parts")
    assert parts
    assert all(b"canary" not in row["content"] for row in parts), "sealed while it is kept"


async def test_r54_killed_while_it_is_written_it_goes_on_and_tells_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_export, "_ROWS_A_PART", 5)
    life = await live(world)
    await life.host.get(EXPORT)
    [export] = await world.rows("SELECT account_id, id FROM account_exports")
    exports = world.services.account_exports
    add = exports._add_part
    for lives in (0, 1, 2, 3):
        left = lives

        async def add_or_die(*arguments: Any) -> None:
            nonlocal left
            await add(*arguments)
            if left == 0:
                raise InterruptedError
            left -= 1

        monkeypatch.setattr(exports, "_add_part", add_or_die)
        with pytest.raises(InterruptedError):
            await exports.run(export["account_id"], export["id"])
        assert (await life.host.get(EXPORT)).json()["status"] == "building"
    monkeypatch.setattr(exports, "_add_part", add)
    await world.work()
    records = await whole(life.host)
    keys = [
        (table.name, tuple(str(record["data"][column.name]) for column in table.primary_key))
        for table in exported_tables()
        for record in records
        if record["kind"] == table.name
    ]
    assert len(keys) == len(set(keys)) == len(records)
    assert {"mirror_addresses", "engagement_contacts", "users"} <= {kind for kind, _ in keys}


async def test_r54_an_export_lapses_and_the_next_request_makes_a_new_one(world: World) -> None:
    person = await world.person(permissions=["account:export"])
    await exported(world, person)
    first = (await person.get(EXPORT)).json()
    world.clock.offset = KEPT + timedelta(minutes=1)
    second = (await person.get(EXPORT)).json()
    assert (second["status"], second["completed_at"]) == ("building", None)
    assert second["requested_at"] > first["expires_at"]
    await world.rows("UPDATE queue.pgqueuer SET execute_after = now()")  # the day is over for the database, too
    await world.work()
    kept = await world.rows("SELECT status, requested_at FROM account_exports")
    assert len(kept) == 1, "what has lapsed is removed"
    assert len(await world.rows("SELECT DISTINCT export_id FROM account_export_parts")) == 1


async def test_r54_a_worker_whose_clock_is_behind_does_not_keep_an_export_for_ever(world: World) -> None:
    """The job comes by the database's clock; whether the export has lapsed is seen on the worker's own."""
    person = await world.person(permissions=["account:export"])
    await exported(world, person)
    world.clock.offset = KEPT - timedelta(hours=1)
    [job] = await world.rows("DELETE FROM queue.pgqueuer RETURNING payload")
    payload = msgspec.json.decode(job["payload"], type=Payload)
    await world.services.account_exports.run(payload.account_id, payload.id)
    assert len(await world.rows("SELECT id FROM account_exports")) == 1
    [again] = await world.rows("SELECT execute_after - now() AS wait FROM queue.pgqueuer")
    assert timedelta(minutes=50) < again["wait"] < timedelta(minutes=61)
    world.clock.offset = KEPT + timedelta(seconds=1)
    await world.work(until=timedelta(hours=2))
    for table in ("account_exports", "account_export_parts", "queue.pgqueuer"):
        assert await world.rows(f"SELECT id FROM {table}") == [], table  # noqa: S608 - ours


async def test_r54_a_cursor_is_good_for_its_export_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_export, "_ROWS_A_PART", 1)
    person = await world.person(permissions=["account:export"])
    await exported(world, person)
    cursor = (await person.get(EXPORT)).json()["next_cursor"]
    assert cursor is not None
    problem(await person.get(EXPORT, cursor="nonsense"), 400, "invalid_cursor")
    world.clock.offset = KEPT + timedelta(minutes=1)
    problem(await person.get(EXPORT, cursor=cursor), 400, "invalid_cursor")
    await person.get(EXPORT)
    problem(await person.get(EXPORT, cursor=cursor), 400, "invalid_cursor")


async def test_r53_r54_it_is_for_whom_it_is_for_and_written_down(world: World) -> None:
    life = await live(world)
    plain = await world.person(account_id=life.host.account_id)
    problem(await plain.get(EXPORT), 403, "forbidden")
    stranger = await world.person(permissions=["account:export"])
    records = await exported(world, stranger)
    assert {record["kind"] for record in records} <= {"accounts", "users", "audit_entries"}
    admin = await administrator(world, life.host)
    await exported(world, admin)
    log = (await life.host.get("/v1/audit-log", subject_id=life.host.account_id)).json()["items"]
    assert [entry["action"] for entry in log] == ["account.export_requested", "account.exported"]
    assert {entry["actor"]["user_id"] for entry in log} == {admin.user_id}


async def test_r54_two_who_ask_at_once_get_one_export(world: World) -> None:
    person = await world.person(permissions=["account:export"])
    answers = await asyncio.gather(*(person.get(EXPORT) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await world.rows("SELECT * FROM account_exports")) == 1


async def test_r54_of_very_many_rows_it_holds_a_part_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.connected(permissions=["personal_email_access", "account:export"])
    [calendar] = await world.rows("SELECT id FROM calendars")
    await world.rows(
        "INSERT INTO mirror_events (account_id, calendar_id, event_id, busy, generation) "
        "SELECT $1, $2, 'many-' || n, 2, 1 FROM generate_series(1, 2500) n",
        decode_id("acct", person.account_id),
        calendar["id"],
    )
    held: list[int] = []
    exports = world.services.account_exports
    add = exports._add_part

    async def measured(session: Any, export: Any, records: list[Any]) -> None:
        held.append(len(records))
        await add(session, export, records)

    monkeypatch.setattr(exports, "_add_part", measured)
    records = await exported(world, person)
    assert len([record for record in records if record["data"].get("event_id", "").startswith("many-")]) == 2500
    assert max(held) == 100
    assert len(held) == len(await world.rows("SELECT * FROM account_export_parts"))
