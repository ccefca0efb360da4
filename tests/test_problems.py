"""Every error is a problem: coded, localised, echoing nothing; and what every answer carries (CONTRACT)."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from app.ids import encode_id, new_id
from app.main import create_app
from app.routers.middleware import MAX_BODY_BYTES
from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.postgres import EmbeddedPostgres
from tests.support.database import migrate
from tests.support.world import World, open_world, problem

FRONT_END = "https://crm.example.com"
PAGES = "/v1/scheduling-pages"
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


UNKNOWN = ["/", "/nope", "/v1", "/v1/me/", "/v1/nope", "/openapi.json/x", "/docs", "/%2e%2e/etc"]


async def test_an_unknown_path_is_a_problem(world: World) -> None:
    for path in UNKNOWN:
        body = problem(await world.api.get(path), 404, "not_found")
        assert body["type"].endswith("/problems/not_found")
        assert body["instance"] == f"urn:request:{body['request_id']}"


@pytest.mark.parametrize(("method", "path", "allow"), [("POST", "/v1/me", "GET"), ("PUT", "/v1/connections", "GET")])
async def test_another_method_is_a_problem_that_says_which_are_allowed(
    world: World, method: str, path: str, allow: str
) -> None:
    answer = await world.api.request(method, path, json={})
    problem(answer, 405, "method_not_allowed")
    assert allow in answer.headers["Allow"]


async def test_a_body_that_is_too_large_is_refused_by_its_header_and_by_its_bytes(world: World) -> None:
    person = await world.person()
    headers = person.headers | {"Content-Type": "application/json"}
    large = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'
    problem(await world.api.post(PAGES, content=large, headers=headers), 413, "payload_too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    problem(await world.api.post(PAGES, content=pieces(), headers=headers), 413, "payload_too_large")
    assert await world.rows("SELECT * FROM scheduling_pages") == []


OTHER_MEDIA = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]


async def test_another_media_type_is_refused(world: World) -> None:
    for media in OTHER_MEDIA:
        person = await world.person()
        headers = person.headers | {"Content-Type": media}
        problem(await world.api.post(PAGES, content=b"{}", headers=headers), 415, "unsupported_media_type")
        fine = person.headers | {"Content-Type": "Application/JSON; charset=utf-8"}
        problem(await world.api.post(PAGES, content=b"{}", headers=fine), 422, "validation_failed")


MALFORMED = [b"{", b'{"a": }', b"\xff\xfe{}", b"'a'", b"[" * 100_000]


async def test_malformed_json_is_refused(world: World) -> None:
    for content in MALFORMED:
        person = await world.person()
        headers = person.headers | {"Content-Type": "application/json"}
        problem(await world.api.post(PAGES, content=content, headers=headers), 400, "malformed_request")


NO_LENGTHS = ["abc", "-1", "²", "1e3"]


async def test_a_length_that_is_no_number_is_refused(world: World) -> None:
    for length in NO_LENGTHS:
        headers = {"Content-Length": length.encode("latin-1"), "Content-Type": "application/json"}
        problem(await world.api.get("/v1/me", headers=headers), 400, "malformed_request")


SECRET = "hunter2-do-not-echo"


WITH_SECRETS = [
    (PAGES, {"name": {"x": SECRET}}),
    (PAGES, {"unknown": SECRET}),
    (PAGES, [SECRET]),
    (PAGES, SECRET),
    (PAGES, {"type": SECRET, "name": "x" * 5000 + SECRET, "durations_minutes": [SECRET]}),
    ("/v1/connection-authorizations", {"provider": SECRET, "client": SECRET, "disclosure_version": 1}),
    (
        "/v1/connection-authorizations",
        {"provider": "google", "client": "web", "disclosure_version": SECRET, "return_url": f"https://{SECRET}/"},
    ),
]


async def test_p5_what_was_sent_is_never_echoed(world: World) -> None:
    for path, body in WITH_SECRETS:
        person = await world.person()
        answer = await person.post(path, body)
        assert answer.status_code == 422, answer.text
        assert SECRET not in answer.text
        assert SECRET not in repr(answer.headers)
        for error in answer.json()["errors"]:
            assert error.keys() == {"pointer", "code", "detail"}
            assert error["detail"]


async def test_p5_what_was_asked_is_never_echoed(world: World) -> None:
    person = await world.person()
    for answer in (
        await person.get("/v1/bookings", limit=SECRET),
        await person.get("/v1/bookings", cursor=SECRET),
        await person.get(f"/v1/connections/{SECRET}"),
        await person.get(f"/v1/{SECRET}"),
    ):
        assert answer.status_code in {400, 404, 422}
        assert SECRET not in answer.text


async def test_a_field_is_named_by_a_json_pointer_and_a_code(world: World) -> None:
    person = await world.person()
    body = {"type": "personal", "name": "", "durations_minutes": ["x"], "a/b~c": 1}
    refused = problem(await person.post(PAGES, body), 422, "validation_failed")
    found = {error["pointer"]: error["code"] for error in refused["errors"]}
    assert found["/name"] == "too_short"
    assert found["/durations_minutes/0"] == "invalid"
    assert found["/a~1b~0c"] == "unknown_field"


NAIVE = ["2026-12-01T10:00:00", "2026-12-01", "tomorrow", "2026-12-01T10:00:00 Europe/Rome"]


async def test_a_naive_time_is_refused(world: World) -> None:
    for moment in NAIVE:
        person = await world.person()
        page = await person.make_page()
        refused = problem(await person.book(page["id"], moment), 422, "validation_failed")
        assert refused["errors"][0]["pointer"] == "/start_at"
        assert moment not in json.dumps(refused)


UNKNOWN_ZONES = ["Mars/Olympus", "UTC+2", "", "../../etc/passwd", "Factory"]


async def test_an_unknown_time_zone_has_its_own_code(world: World) -> None:
    for zone in UNKNOWN_ZONES:
        person = await world.person()
        page = await person.make_page()
        answer = await person.slot_list(page["id"], person.day(3), time_zone=zone)
        assert answer.status_code == 422
        if zone:
            problem(answer, 422, "time_zone_unknown")


FOREIGN_CURSORS = ["x", "a" * 52, "é", "0" * 52, "=", "%00", "ae======"]


async def test_a_cursor_that_is_not_ours_is_refused(world: World) -> None:
    for cursor in FOREIGN_CURSORS:
        person = await world.person()
        problem(await person.get("/v1/bookings", cursor=cursor), 400, "invalid_cursor")


async def test_a_cursor_is_good_for_its_list_its_filter_and_its_caller_only(world: World) -> None:
    person = await world.person()
    for number in range(3):
        await person.make_page(name=f"Page {number}")
    first = (await person.get(PAGES, limit=2)).json()
    cursor = first["next_cursor"]
    rest = (await person.get(PAGES, limit=2, cursor=cursor)).json()
    assert len(rest["items"]) == 1
    assert rest["next_cursor"] is None
    assert {item["id"] for item in first["items"]}.isdisjoint(item["id"] for item in rest["items"])
    problem(await person.get("/v1/bookings", cursor=cursor), 400, "invalid_cursor")
    colleague = await world.person(account_id=person.account_id)
    problem(await colleague.get(PAGES, limit=2, cursor=cursor), 400, "invalid_cursor")
    changed = ("b" if cursor[5] == "a" else "a").join([cursor[:5], cursor[6:]])
    problem(await person.get(PAGES, limit=2, cursor=changed), 400, "invalid_cursor")


@pytest.mark.parametrize("text", ["\\u0000", "Ada\\u0000", "\\ud800", "\\udc00x"])
async def test_a_text_that_cannot_be_stored_is_the_callers_mistake(world: World, text: str) -> None:
    service = await world.person()
    await service.refresh_token(service=True, sub="service:crm", permissions=["users:write"])
    body = """{"email": "ada@example.com", "name": "%s", "locale": "en", "time_zone": "UTC", "permissions": [],
               "seats": [], "subscriptions": []}"""
    json_type = {"Content-Type": "application/json"}
    path = f"/v1/users/{encode_id('usr', new_id())}"
    answer = await world.api.put(path, content=body % text, headers=service.headers | json_type)
    problem(answer, 422, "validation_failed")
    assert (await world.api.put(path, content=body % "Ada", headers=service.headers | json_type)).status_code == 200
    person = await world.person()
    page = await person.make_page()
    visit = {
        "start_at": person.at(3, "10:00").isoformat(),
        "duration_minutes": 30,
        "name": "VERA",
        "email": "vera@example.com",
        "time_zone": "UTC",
        "answers": [{"field": "VERA", "value": ["VERA"]}],
    }
    content = json.dumps(visit).replace("VERA", text)
    booked = await world.api.post(
        f"/v1/public/scheduling-pages/{page['id']}/bookings", content=content, headers=json_type
    )
    problem(booked, 422, "validation_failed")
    asked = await world.api.get("/v1/public/resolve?host=a%00b&path=/meetings/%00")
    assert asked.status_code in {400, 404, 422}, asked.text


async def test_a_request_id_is_taken_over_when_it_is_harmless_and_made_otherwise(world: World) -> None:
    for asked, kept in (
        ("my-request-0001", True),
        ("a" * 64, True),
        ("short", True),
        ("", False),
        ("a" * 65, False),
        ("with blank 1", False),
        ("<script>alert</script>", False),
    ):
        answer = await world.api.get("/health/live", headers={"X-Request-Id": asked})
        assert (answer.headers["X-Request-Id"] == asked) is kept, asked
    one, two = [(await world.api.get("/nope")).json()["request_id"] for _ in range(2)]
    assert one != two


async def test_every_answer_carries_safe_headers_and_private_ones_are_not_stored(world: World) -> None:
    person = await world.person()
    answers = [
        await person.get("/v1/me"),
        await world.api.get("/nope"),
        await world.api.get("/health/live"),
        await world.api.post(PAGES, content=b"x" * 300_000),
        await person.post("/v1/me"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SAFE} == SAFE
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["X-Request-Id"]
        assert "server" not in answer.headers
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[1].headers["Cache-Control"] == "no-store"


@pytest.fixture
async def with_front_end(settings: Settings, sandbox: Sandbox, world: World) -> AsyncIterator[World]:
    """The service with one front end of another origin."""
    changed = settings.model_copy(update={"cors_origins": [FRONT_END]})
    async with open_world(changed, sandbox) as opened:
        yield opened


async def preflight(api: httpx.AsyncClient, path: str, origin: str, method: str = "POST") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-match",
    }
    return await api.options(path, headers=headers)


async def test_a_browser_may_call_private_operations_from_the_front_end_only(with_front_end: World) -> None:
    api = with_front_end.api
    person = await with_front_end.person()
    allowed = await preflight(api, PAGES, FRONT_END)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == FRONT_END
    for origin in ("https://evil.example", f"{FRONT_END}.evil.example", "null", "http://crm.example.com"):
        refused = await preflight(api, PAGES, origin)
        problem(refused, 403, "forbidden")
        assert "Access-Control-Allow-Origin" not in refused.headers
    assert allowed.headers["X-Request-Id"]
    named = await api.options(
        PAGES, headers={"Origin": FRONT_END, "Access-Control-Request-Method": "TRACE", "X-Request-Id": "my-preflight"}
    )
    assert problem(named, 403, "forbidden")["request_id"] == "my-preflight"
    answer = await api.get("/v1/me", headers=person.headers | {"Origin": FRONT_END})
    assert answer.headers["Access-Control-Allow-Origin"] == FRONT_END
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"ETag", "Location", "Retry-After", "X-Request-Id", "RateLimit", "Idempotent-Replayed"} <= exposed
    stranger = await api.get("/v1/me", headers=person.headers | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_a_browser_may_call_public_operations_from_anywhere(with_front_end: World) -> None:
    api = with_front_end.api
    person = await with_front_end.person()
    page = await person.make_page()
    path = f"/v1/public/scheduling-pages/{page['id']}"
    assert (await preflight(api, f"{path}/bookings", "https://anybody.example")).status_code == 200
    answer = await api.get(path, headers={"Origin": "https://anybody.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_browser_can_read_problems_too(with_front_end: World) -> None:
    api = with_front_end.api
    origin = {"Origin": FRONT_END}
    for answer in (
        await api.get("/v1/me", headers=origin),
        await api.get("/v1/nope", headers=origin),
        await api.post("/v1/me", headers=origin),
        await api.post(PAGES, json={}, headers=origin),
    ):
        assert answer.status_code >= 400
        assert answer.headers["Access-Control-Allow-Origin"] == FRONT_END


async def test_a_browser_can_read_the_problems_of_the_outermost_layer_too(with_front_end: World) -> None:
    api = with_front_end.api
    too_large = await api.post(PAGES, content=b"x" * 300_000, headers={"Origin": FRONT_END})
    assert (too_large.status_code, too_large.headers.get("Access-Control-Allow-Origin")) == (413, FRONT_END)


@pytest.fixture
def broken(world: World) -> FastAPI:
    """The application with an endpoint that fails in a way nobody foresaw."""
    app: FastAPI = world.app

    @app.get("/test/broken")
    async def fail() -> None:
        raise RuntimeError(f"password={SECRET} of a users row")

    return app


async def test_p5_a_mistake_of_ours_is_a_problem_without_details(world: World, broken: FastAPI) -> None:
    answer = await world.api.get("/test/broken")
    body = problem(answer, 500, "internal_error")
    for word in (SECRET, "users row", "RuntimeError", "Traceback", "broken"):
        assert word not in answer.text
    assert body["errors"] == []
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE


FAILING = """
CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'it fails' USING ERRCODE = '{}'; END $$
"""


async def test_a_database_that_is_gone_is_503_and_comes_back_without_a_restart(
    settings: Settings, sandbox: Sandbox
) -> None:
    with EmbeddedPostgres(durable=True) as server:
        url = make_url(server.url()).render_as_string(hide_password=False)
        await asyncio.to_thread(migrate, url)
        changed = settings.model_copy(update={"database_url": type(settings.database_url)(url)})
        async with open_world(changed, sandbox) as world:
            person = await world.person()
            assert (await person.get("/v1/me")).status_code == 200
            await asyncio.to_thread(server.crash)
            for path in ("/v1/me", "/health/ready", "/v1/connections"):
                answer = await person.get(path)
                problem(answer, 503, "provider_unavailable")
                assert int(answer.headers["Retry-After"]) > 0
                assert str(server.port) not in answer.text.replace(answer.json()["type"], "")
            assert (await world.api.get("/health/live")).status_code == 200
            await asyncio.to_thread(server.start)
            for _ in range(100):
                if (await person.get("/health/ready")).status_code == 200:
                    break
                await asyncio.sleep(0.05)
            assert (await person.get("/v1/me")).status_code == 200


async def test_a_database_that_is_not_migrated_is_not_ready(
    settings: Settings, sandbox: Sandbox, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE DATABASE not_migrated")
        url = make_url(database_url).set(database="not_migrated").render_as_string(hide_password=False)
        changed = settings.model_copy(update={"database_url": type(settings.database_url)(url)})
        async with open_world(changed, sandbox) as world:
            assert (await world.api.get("/health/live")).status_code == 200
            assert (await world.api.get("/health/ready")).status_code >= 500
        await connection.execute("DROP DATABASE not_migrated WITH (FORCE)")
    finally:
        await connection.close()


def test_importing_and_building_the_application_opens_nothing(settings: Settings) -> None:
    assert not hasattr(create_app(settings).state, "services")


@pytest.mark.parametrize("table", ["bookings", "contacts"])
@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("53100", 503, "provider_unavailable"),
        ("57014", 503, "provider_unavailable"),
        ("40001", 409, "request_in_progress"),
        ("55P03", 409, "request_in_progress"),
    ],
    ids=["a full disk", "a statement that takes too long", "a race", "a lock"],
)
async def test_what_fails_in_the_database_says_whether_to_wait_or_to_come_again(
    world: World, table: str, state: str, status: int, code: str
) -> None:
    """On either kind of connection, and what was asked for can be had once it is over."""
    person = await world.connected()
    page = await person.make_page()
    deeds = {
        "bookings": lambda: person.book(page["id"], person.at(3, "10:00").isoformat()),
        "contacts": lambda: person.post("/v1/contacts", {"email": "vera@example.com"}),
    }
    await world.rows(FAILING.format(state))
    await world.rows(f"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION fail()")
    try:
        answer = await deeds[table]()
        problem(answer, status, code)
        assert answer.headers["Retry-After"]
    finally:
        await world.rows(f"DROP TRIGGER fail ON {table}")
    assert (await deeds[table]()).is_success
