"""What is found is told by a stable code, with what to do; a check that fails stops no other."""

import asyncio
import base64
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import SecretBytes, SecretStr

from app.calendar import utc_now
from app.doctor.clocks import measure
from app.doctor.configuration import examine_settings, read_settings
from app.doctor.deployment import Deployment, NotExaminedError, Wishes
from app.doctor.examination import Check, Examination, Examined, examine_all
from app.doctor.findings import ADVICE, WARNINGS, Code, Finding, Seen, Severity, severity
from app.doctor.migrations import compared, placed
from app.doctor.report import as_json, as_lines, exit_code
from app.doctor.stray import found_among
from app.doctor.work import due_tables
from app.http import HttpClient
from app.models.base import Base
from app.settings import Settings
from tests.doctor.stage import ROOT

PAGE = (ROOT / "docs" / "doctor.md").read_text()
TESTS = "".join(path.read_text() for path in sorted((ROOT / "tests" / "doctor").glob("test_*.py")))
CREATED = datetime(2026, 11, 21, tzinfo=UTC)


def deployed(**changes: Any) -> Settings:
    """Settings with which nothing is wrong, of a deployment for people."""
    good: dict[str, Any] = {
        "database_url": SecretStr("postgresql://calendar_service:y7Gq2%21mX@db.example.com/calendar_connect"),
        "public_url": "https://calendar-api.example.com",
        "booking_base_url": "https://meet.example.com",
        "return_urls": ["https://crm.example.com/meetings", "calendar-connect://connected/"],
        "trusted_proxies": 1,
        "issuer": "https://crm.example.com",
        "jwks_url": "https://crm.example.com/.well-known/jwks.json",
        "master_keys": {1: SecretBytes(os.urandom(32))},
        "signing_key": SecretBytes(os.urandom(32)),
        "smtp_host": "smtp.example.com",
        "mail_from": "Example <no-reply@example.com>",
    }
    return Settings.model_construct(**{**good, **changes})


async def codes(settings: Settings) -> set[Code]:
    async with HttpClient() as http:
        seen = await examine_settings(Deployment(None, settings, Wishes(), utc_now, http))
    return {finding.code for finding in seen.findings}


async def test_of_good_settings_nothing_is_said() -> None:
    assert await codes(deployed()) == set()


KEY = SecretBytes(bytes(range(100, 132)))
WRONG: list[tuple[dict[str, Any], Code]] = [
    ({"public_url": "http://calendar-api.example.com"}, Code.SETTING_NOT_HTTPS),
    ({"return_urls": ["http://crm.example.com/"]}, Code.SETTING_NOT_HTTPS),
    ({"cors_origins": ["http://crm.example.com"]}, Code.SETTING_NOT_HTTPS),
    ({"google_client_id": "us", "google_client_secret": SecretStr("x"), "google_token_url": "http://g.example"},
     Code.SETTING_NOT_HTTPS),
    ({"jwks_url": "http://127.0.0.1:8001/keys"}, Code.SETTING_POINTS_HERE),
    ({"office365_client_id": "us", "office365_client_secret": SecretStr("x"),
      "office365_api_url": "http://localhost/v1.0"}, Code.SETTING_POINTS_HERE),
    ({"public_url": "https://calendar-api.example.com/?x=1"}, Code.SETTING_NOT_AN_ADDRESS),
    ({"booking_base_url": "meet.example.com"}, Code.SETTING_NOT_AN_ADDRESS),
    ({"push_url": "https://[broken"}, Code.SETTING_NOT_AN_ADDRESS),
    ({"mail_from": "Example"}, Code.SETTING_NOT_AN_ADDRESS),
    ({"signing_key": SecretBytes(bytes(64))}, Code.SECRET_WEAK),
    ({"signing_key": SecretBytes(b"correct horse battery staple, and then some")}, Code.SECRET_WEAK),
    ({"metrics_token": SecretStr("short")}, Code.SECRET_WEAK),
    ({"database_url": SecretStr("postgresql://us:password@db.example.com/x")}, Code.SECRET_WEAK),
    ({"database_url": SecretStr("postgresql://us:us@db.example.com/x")}, Code.SECRET_WEAK),
    ({"signing_key": KEY, "master_keys": {1: KEY}}, Code.SECRET_REUSED),
    ({"master_keys": {1: KEY, 2: KEY}}, Code.SECRET_REUSED),
    ({"webhook_allowed_hosts": ["0.0.0.0/0"]}, Code.ALLOWED_HOSTS_TOO_WIDE),
    ({"exchange_allowed_hosts": ["169.254.169.254"]}, Code.ALLOWED_HOSTS_TOO_WIDE),
    ({"exchange_allowed_hosts": ["localhost"]}, Code.ALLOWED_HOSTS_TOO_WIDE),
    ({"exchange_allowed_hosts": ["::/0"]}, Code.ALLOWED_HOSTS_TOO_WIDE),
    ({"trusted_proxies": 0}, Code.PROXIES_UNCOUNTED),
    ({"exchange_offered": False}, Code.NO_PROVIDER),
    ({"google_client_id": "us"}, Code.PROVIDER_SECRET_MISSING),
    ({"office365_client_id": "us"}, Code.PROVIDER_SECRET_MISSING),
    ({"smtp_username": "us", "smtp_start_tls": False}, Code.MAIL_PASSWORD_IN_CLEAR),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=[f"{code}-{'-'.join(changes)}" for changes, code in WRONG])
async def test_a_setting_that_cannot_be_meant_is_found(changes: dict[str, Any], code: Code) -> None:
    assert await codes(deployed(**changes)) == {code}


@pytest.mark.parametrize(
    "changes",
    [
        {"exchange_allowed_hosts": ["10.1.0.0/16", "exchange.example.com"]},
        {"smtp_username": "us", "smtp_start_tls": False, "smtp_port": 465},
        {"exchange_offered": False, "google_client_id": "us", "google_client_secret": SecretStr("x")},
        {"google_api_url": "http://127.0.0.1"},
    ],
)
async def test_what_is_meant_is_left_alone(changes: dict[str, Any]) -> None:
    assert await codes(deployed(**changes)) == set()


async def test_in_the_sandbox_less_is_asked() -> None:
    here = "http://127.0.0.1:8000"
    local = {"public_url": here, "booking_base_url": here, "issuer": here, "jwks_url": here, "trusted_proxies": 0}
    assert await codes(deployed(**local, signing_key=SecretBytes(bytes(32)))) == set()
    assert Code.SETTING_POINTS_HERE in await codes(deployed(**{**local, "issuer": "https://crm.example.com"}))


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path) -> pytest.MonkeyPatch:
    """An environment without a setting, and no file."""
    for name in list(os.environ):
        if name.startswith("CALENDAR_CONNECT_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MASTER_KEYS", "no JSON, hush", "master_keys"),
        ("MASTER_KEYS", '{"1": "hush!"}', "CALENDAR_CONNECT_MASTER_KEYS.1"),
        ("MASTER_KEYS", f'{{"1": "{base64.b64encode(b"hush").decode()}"}}', "every master key has 32 bytes"),
        ("DATABASE_POOL_SIZE", "hush", "CALENDAR_CONNECT_DATABASE_POOL_SIZE"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_shown(
    variables: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    key = base64.b64encode(os.urandom(32)).decode()
    whole = {"PUBLIC_URL": "https://a.example", "BOOKING_BASE_URL": "https://b.example", "RETURN_URLS": '["https://b.example"]',
             "ISSUER": "https://c.example", "JWKS_URL": "https://c.example", "SMTP_HOST": "d", "MAIL_FROM": "e@f.io",
             "MASTER_KEYS": f'{{"1": "{key}"}}', "SIGNING_KEY": key}  # fmt: skip
    variables.setenv("DATABASE_URL", "postgresql://us@db/x")
    for setting, text in whole.items():
        variables.setenv(f"CALENDAR_CONNECT_{setting}", text)
    assert read_settings(Settings)[1] == ()
    variables.setenv(f"CALENDAR_CONNECT_{name}", value)
    settings, [finding] = read_settings(Settings)
    assert settings is None
    assert finding.code == Code.SETTING_UNREADABLE
    assert told in finding.detail
    assert value not in finding.detail
    assert "hush" not in finding.detail


def test_what_is_missing_is_named_as_it_is_set(variables: pytest.MonkeyPatch) -> None:
    _, findings = read_settings(Settings)
    assert {finding.code for finding in findings} == {Code.SETTING_MISSING}
    assert {"DATABASE_URL", "CALENDAR_CONNECT_PUBLIC_URL"} <= {finding.detail for finding in findings}


def test_a_revision_is_placed_among_those_of_this_release() -> None:
    newest = max((ROOT / "migrations" / "versions").glob("*.py")).read_text()
    here, before = (
        re.findall(rf'^{name} = "(.+)"$', newest, re.MULTILINE)[0] for name in ("revision", "down_revision")
    )
    assert placed(here).findings == ()
    assert placed(before).findings == (Finding(Code.MIGRATIONS_BEHIND, f"missing: {here}"),)
    assert [finding.code for finding in placed("a-newer-one").findings] == [Code.MIGRATIONS_UNKNOWN]
    assert [finding.code for finding in placed(None).findings] == [Code.MIGRATIONS_MISSING]


def test_columns_that_are_missing_are_named_a_few_at_a_time() -> None:
    everything = {f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.columns}
    assert compared(everything).findings == ()
    [finding] = compared(everything - {"users.email"}).findings
    assert (finding.code, finding.detail) == (Code.MIGRATIONS_BEHIND, "missing: users.email")
    [finding] = compared(set()).findings
    assert finding.detail.endswith(f"and {len(everything) - 5} more")


def test_every_table_of_what_is_due_is_looked_at() -> None:
    assert set(due_tables()) == {name for name in Base.metadata.tables if name.startswith("due_")}
    assert len(due_tables()) >= 10


async def test_the_way_of_an_answer_is_no_drift() -> None:
    times = iter([CREATED, CREATED + timedelta(seconds=20)])

    async def ask() -> datetime:
        return CREATED + timedelta(seconds=19)

    slow = await measure(ask, lambda: next(times), timedelta())
    assert slow is not None
    assert (slow.by, slow.is_too_much) == (timedelta(seconds=9), False)
    quick = await measure(ask, lambda: CREATED, timedelta(seconds=1))
    assert quick is not None
    assert quick.is_too_much


async def test_a_check_that_fails_or_hangs_or_cannot_look_stops_no_other() -> None:
    async def hangs(_: Deployment) -> Seen:
        await asyncio.Event().wait()
        raise AssertionError

    async def fails(_: Deployment) -> Seen:
        raise ZeroDivisionError("with something secret")

    async def cannot(_: Deployment) -> Seen:
        raise NotExaminedError("nobody is there")

    async def looks(_: Deployment) -> Seen:
        return Seen("all is well")

    checks = [Check("hangs", hangs, 0.05), Check("fails", fails), Check("cannot", cannot), Check("looks", looks)]
    async with HttpClient() as http:
        done = await examine_all(Deployment(None, None, Wishes(), utc_now, http), checks)
    assert [examined.name for examined in done] == ["hangs", "fails", "cannot", "looks"]
    assert [[finding.code for finding in examined.findings] for examined in done] == [
        [Code.CHECK_TIMED_OUT],
        [Code.CHECK_FAILED],
        [],
        [],
    ]
    assert [examined.was_looked_at for examined in done] == [True, True, False, True]
    assert done[1].findings[0].detail == "fails: ZeroDivisionError"


WELL, BLIND = Examined("work", "fine"), Examined("work", "not looked at: no database", was_looked_at=False)
BAD = Examined(
    "mail", "no", (Finding(Code.MAIL_UNREACHABLE, "x:25: unreachable"), Finding(Code.MAIL_NOT_ENCRYPTED, "x"))
)


def test_the_exit_code_says_how_it_went() -> None:
    assert exit_code(Examination((WELL,)), accepted=()) == 0
    assert exit_code(Examination((WELL, BLIND)), accepted=()) == 0
    assert exit_code(Examination((WELL, BAD)), accepted=()) == 1
    assert exit_code(Examination((WELL, BAD)), accepted={Code.MAIL_UNREACHABLE}) == 1
    assert exit_code(Examination((WELL, BAD)), accepted={Code.MAIL_UNREACHABLE, Code.MAIL_NOT_ENCRYPTED}) == 0
    assert exit_code(Examination((BLIND,)), accepted=()) == 2


def test_a_name_that_nobody_reads_is_told_with_how_it_is_written() -> None:
    given = {"CALENDAR_CONNECT_ISSUER", "ISSUER", "TRUSTED_PROXIES", "CALENDAR_CONNECT_ISUER", "LOG_LEVEL", "PATH"}
    given |= {f"CALENDAR_CONNECT_{name}" for name in ("PORT", "SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_80_TCP_ADDR")}
    assert found_among(given | {"DATABASE_URL", "POSTGRES_PASSWORD"}) == (
        Finding(Code.SETTING_NOT_READ, "CALENDAR_CONNECT_ISUER: there is no such setting"),
        Finding(Code.SETTING_NOT_READ, "TRUSTED_PROXIES: it begins with CALENDAR_CONNECT_"),
    )


def test_advice_names_settings_as_they_are_written() -> None:
    uncounted = Finding(Code.PROXIES_UNCOUNTED, "TRUSTED_PROXIES is 0, DATABASE_URL is not meant")
    told = as_lines(Examination((Examined("settings", "read", (uncounted,)),)), accepted=())
    assert "Set CALENDAR_CONNECT_TRUSTED_PROXIES to" in told
    assert "proxies_uncounted: CALENDAR_CONNECT_TRUSTED_PROXIES is 0, DATABASE_URL is not" in told


def test_people_and_machines_are_told_the_same() -> None:
    seen = Examination((WELL, BLIND, BAD))
    lines = as_lines(seen, accepted={Code.MAIL_NOT_ENCRYPTED}).splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["ok", "work"], ["-", "work"], ["error", "mail"]]
    assert "           mail_unreachable: x:25: unreachable" in lines
    advice = ADVICE[Code.MAIL_UNREACHABLE].replace("SMTP_", "CALENDAR_CONNECT_SMTP_")
    assert f"           → {advice}" in lines
    assert lines[-1].startswith("1 finding.")
    only_warned = Examination((Examined("mail", "no", BAD.findings[1:]),))
    assert as_lines(only_warned, accepted=()).startswith("warning")
    told = msgspec.json.decode(as_json(seen, accepted={Code.MAIL_NOT_ENCRYPTED}))
    assert told["ok"] is False
    assert [finding["accepted"] for finding in told["checks"][2]["findings"]] == [False, True]
    assert told["checks"][2]["findings"][0] == {
        "code": "mail_unreachable",
        "severity": "error",
        "accepted": False,
        "detail": "x:25: unreachable",
        "advice": advice,
    }


def test_the_manual_shows_what_is_told() -> None:
    redirect = "https://calendar-api.example.com/v1/oauth/office365/callback"
    room = "room for 397 connections; 6 API and 4 worker processes may need 332"
    providers = f"google does not, office365 knows the client; redirect URI {redirect}, exchange needs no client"
    refused = Finding(Code.PROVIDER_CLIENT_REFUSED, "google: invalid_client")
    in_the_clear = Finding(Code.MAIL_NOT_ENCRYPTED, "smtp.example.com:587")
    checks = (
        Examined("database", f"PostgreSQL 17, {room}"),
        Examined("providers", providers, (refused,)),
        Examined("mail", "smtp.example.com:587 takes our sender, in the clear", (in_the_clear,)),
        Examined("keys", "not looked at: the database is not migrated", was_looked_at=False),
    )
    assert f"```text\n{as_lines(Examination(checks), accepted={Code.MAIL_NOT_ENCRYPTED})}\n```" in PAGE


def test_what_others_said_steers_no_terminal() -> None:
    rude = Finding(Code.ISSUER_MISMATCH, "ISSUER: the issuer calls it \x1b[2J\r\nok" + "!" * 10_000)
    lines = as_lines(Examination((Examined("issuer", "\x1b]0;x\x07", (rude,)),)), accepted=())
    assert not {sign for sign in lines if not sign.isprintable()} - {"\n"}
    assert len(lines) < 1000
    assert len(lines.splitlines()) == 5


def test_every_code_has_advice_an_entry_and_a_test() -> None:
    assert set(ADVICE) == set(Code)
    entries = dict(re.findall(r"^\| `([a-z_]+)` \| (error|warning) \| .+ \|$", PAGE, re.MULTILINE))
    assert entries == {code.value: severity(code).value for code in Code}
    assert set(WARNINGS) == {code for code in Code if severity(code) is Severity.WARNING}
    unseen = [code for code in Code if f"Code.{code.name}" not in TESTS]
    assert unseen == []
