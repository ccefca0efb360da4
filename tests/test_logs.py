"""Logs hold no secret, whichever way it gets there (P5)."""

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.stdlib import ProcessorFormatter

from app.logs import configure_logs, redact
from app.settings import Settings
from tests.support.world import World

SECRET = "ya29.c.b0AXv0zTO-secret"


@pytest.fixture
def lines() -> Iterator[Any]:
    """The log as JSON, at the lowest level."""
    root = logging.getLogger()
    before = root.handlers[:]
    configure_logs("DEBUG", "json")
    stream = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    ours = root.handlers[:]

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    configure_logs("WARNING", "console")
    root.handlers[:] = [*root.handlers, *(handler for handler in before if handler not in ours)]


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "access_token",
        "refresh_token",
        "token",
        "client_secret",
        "password",
        "smtp_password",
        "cookie",
        "code",
        "code_verifier",
        "credentials",
        "email",
        "host_email",
        "mail",
        "email_address",
    ],
)
def test_p5_a_value_under_a_telling_name_is_hidden(name: str) -> None:
    assert redact(None, "", {name: SECRET, "event": "x"}) == {name: "***", "event": "x"}


@pytest.mark.parametrize(
    "name", ["status_code", "error", "route", "job", "account_id", "provider_code", "milliseconds"]
)
def test_an_ordinary_value_is_kept(name: str) -> None:
    assert redact(None, "", {name: "kept"}) == {name: "kept"}


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"GET /callback?state=x&code={SECRET}",
        f"POST /token refresh_token={SECRET}&grant_type=refresh_token",
        f"https://x/?access_token={SECRET}",
        f"client_secret={SECRET}",
        f"id_token={SECRET}",
        f"password={SECRET}",
        f"bearer {SECRET}",
        f"https://meet.example.com/bookings/bkg_1#token={SECRET}",
        f"code_verifier={SECRET}",
        f'{{"access_token": "{SECRET}", "expires_in": 3599}}',
        f'{{"id_token":"{SECRET}"}}',
        f"{{'password': '{SECRET}'}}",
        rf"{{\"refresh_token\": \"{SECRET}\"}}",
        rf'{{"client_secret": "quoted \" and {SECRET}"}}',
        f"""{{'password': "it's {SECRET}"}}""",
        f'"Booking-Token": "{SECRET}"',
        f"{SECRET}@example.com could not be reached",
        f"postgresql://login:{SECRET}@127.0.0.1/calendar_connect",
        f"login_hint={SECRET}%40example.com&prompt=consent",
        f"Key (email)=({SECRET}@example.com) already exists.",
        f"To: Ada <{SECRET}@sub.example.com>",
    ],
)
def test_p5_a_secret_inside_a_text_is_hidden(text: str) -> None:
    cleaned = redact(None, "", {"event": text, "exception": f"Traceback: {text}"})
    assert SECRET not in repr(cleaned)
    assert "***" in cleaned["event"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("mail to ada.lovelace+crm@example.com failed", "mail to *** failed"),
        ("login_hint=ada%40example.com&prompt=consent", "login_hint=***&prompt=consent"),
        ('{"access_token": "abc", "expires_in": 3599}', '{"access_token": "***", "expires_in": 3599}'),
        ("{'password': 'abc', 'host': 'x'}", "{'password': '***', 'host': 'x'}"),
        ("x @ y, @property and 12:00", "x @ y, @property and 12:00"),
        ("token and code are words", "token and code are words"),
    ],
)
def test_what_is_no_secret_in_a_text_is_kept(text: str, written: str) -> None:
    assert redact(None, "", {"event": text}) == {"event": written}


@given(text=st.text("abcdenorstk_./:{}+-09@%=\"' \n", max_size=40) | st.from_regex(r"[\w./:{}+-]*", fullmatch=True))
@example(text="bearer:token.code/secret{password}")
def test_p5_the_quick_path_lets_nothing_through_that_the_slow_one_would_hide(text: str) -> None:
    """A space in front takes a text off the quick path, and is no part of a secret."""
    assert redact(None, "", {"event": " " + text})["event"] == " " + redact(None, "", {"event": text})["event"]


def test_a_long_text_is_cleaned_in_no_time() -> None:
    began = time.perf_counter()
    for text in ("a" * 200_000, "a%40" * 50_000, '"' * 200_000, '"token' + "\\" * 200_000, "bearer " * 30_000):
        redact(None, "", {"event": f"! {text}"})
    assert time.perf_counter() - began < 2


def test_p5_the_log_of_libraries_and_of_exceptions_is_cleaned_too(lines: Any) -> None:
    logging.getLogger("somebody.elses").warning("calling with Bearer %s", SECRET)
    structlog.get_logger("ours").warning("sync.failed", token=SECRET, note=f"code={SECRET}")
    try:
        int(f"refresh_token={SECRET}")
    except ValueError:
        structlog.get_logger("ours").exception("request.failed")
    written = lines()
    assert [line["event"] for line in written] == ["calling with Bearer ***", "sync.failed", "request.failed"]
    assert SECRET not in json.dumps(written)
    assert "ValueError" in written[2]["exception"]
    assert all(line["timestamp"] and line["level"] and line["logger"] for line in written)


def test_p5_a_secret_deep_inside_a_value_is_hidden(lines: Any) -> None:
    structlog.get_logger("ours").warning(
        "odd", headers={"Authorization": SECRET}, parts=[f"code={SECRET}"], pair=("x", {"password": SECRET})
    )
    assert len(lines()) == 1
    assert SECRET not in json.dumps(lines())


async def test_p5_libraries_that_log_urls_are_kept_quiet(lines: Any, world: World) -> None:
    async with httpx.AsyncClient() as http:
        await http.get(f"{world.sandbox.http_url}/health", params={"code": SECRET})
    assert SECRET not in json.dumps(lines())
    for name in ("httpx", "httpcore", "exchangelib", "uvicorn.access"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name


async def test_p5_connecting_and_syncing_at_debug_level_writes_no_secret(lines: Any, world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    started = (await person.start_connecting()).json()
    await person.consent(started["authorization_url"])
    await world.work()
    await world.sandbox.revoke_google(person.email)
    await world.services.sync.run(
        *[(await world.rows("SELECT * FROM calendar_syncs"))[0][n] for n in ("account_id", "calendar_id")]
    )
    log = json.dumps(lines())
    state = httpx.URL(started["authorization_url"]).params["state"]
    for secret in (person.token, state, "ya29.", "1//0", "4/0A", person.email):
        assert secret not in log
    assert '"route": "/v1/oauth/{provider}/callback"' in log
    assert "sync.failed" in log


async def test_a_request_is_one_line_with_its_route_and_never_its_query(lines: Any, world: World) -> None:
    person = await world.person()
    await world.api.get("/v1/me?secret=hunter2", headers=person.headers | {"X-Request-Id": "my-request-1"})
    requests = [line for line in lines() if line["event"] == "request"]
    assert len(requests) == 1
    line = requests[0]
    assert (line["method"], line["route"], line["status"], line["request_id"]) == ("GET", "/v1/me", 200, "my-request-1")
    assert line["milliseconds"] > 0
    assert "hunter2" not in json.dumps(line)


def test_p5_settings_do_not_show_their_secrets(settings: Settings) -> None:
    shown = f"{settings!r} {settings}"
    secrets = [
        settings.google_client_secret.get_secret_value(),
        settings.database_url.get_secret_value(),
        repr(settings.signing_key.get_secret_value()),
    ]
    assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_a_log_that_nobody_looks_at_has_no_colours(
    lines: Any, environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configure_logs("INFO", "console")
    [handler] = [each for each in logging.getLogger().handlers if isinstance(each.formatter, ProcessorFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := io.StringIO())
    logging.getLogger("x").info("told")
    assert "told" in stream.getvalue()
    assert ("\x1b[" in stream.getvalue()) is coloured
