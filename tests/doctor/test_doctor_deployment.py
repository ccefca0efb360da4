"""The doctor beside a service that runs: nothing is found, and each breakage is found by its code."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from joserfc.jwk import ECKey
from pydantic import SecretBytes, SecretStr

from app.calendar import utc_now
from app.doctor import database, names
from app.doctor.deployment import Wishes
from app.doctor.examination import CHECKS
from app.doctor.findings import Code
from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.ports import free_port
from tests.doctor.stage import EMPTY, IDLE, OWNER, ROOT, STRANGER, Stage, saying, staged

JSON = {"Content-Type": "application/json"}
HEALTHY = (200, JSON, b'{"status": "ok"}')


@pytest.fixture(scope="module")
async def stage(
    settings: Settings, service_environment: dict[str, str], sandbox_addresses: dict[str, str]
) -> AsyncIterator[Stage]:
    async with staged(settings, service_environment, resolver=sandbox_addresses["dns_address"]) as made:
        yield made


def nowhere(scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{free_port()}"


async def run_doctor(environment: dict[str, str], directory: Path, *words: str) -> tuple[int, str]:
    """As an operator does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "doctor", *words),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_of_a_service_that_is_well_nothing_is_found(stage: Stage, tmp_path: Path) -> None:
    code, told = await run_doctor(dict(stage.environment), tmp_path, "--json")
    report = json.loads(told)
    assert (code, report["ok"], [check["findings"] for check in report["checks"]]) == (0, True, [[]] * len(CHECKS)), (
        told
    )
    assert [check["name"] for check in report["checks"]] == [check.name for check in CHECKS]
    assert all(check["looked_at"] for check in report["checks"])


async def test_what_is_found_is_told_with_what_to_do_and_can_be_accepted(stage: Stage, tmp_path: Path) -> None:
    broken = {**stage.environment, "CALENDAR_CONNECT_GOOGLE_CLIENT_SECRET": "an-old-one"}
    code, told = await run_doctor(broken, tmp_path)
    assert code == 1
    assert "provider_client_refused: google: invalid_client" in told
    assert "Correct the client's id and secret" in told
    assert "an-old-one" not in told
    code, told = await run_doctor(broken, tmp_path, "--accept", "provider_client_refused")
    assert code == 0
    assert "accepted providers" in told


async def test_without_settings_it_says_which_are_missing_and_cannot_run(tmp_path: Path) -> None:
    code, told = await run_doctor({}, tmp_path, "--json")
    report = json.loads(told)
    findings = [finding for check in report["checks"] for finding in check["findings"]]
    assert code == 2
    assert {"DATABASE_URL", "CALENDAR_CONNECT_MASTER_KEYS"} <= {finding["detail"] for finding in findings}
    assert {finding["code"] for finding in findings} == {"setting_missing"}
    assert not any(check["looked_at"] for check in report["checks"])


async def test_settings_without_their_prefix_are_told_though_none_can_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "PUBLIC_URL=https://calendar-api.example.com\nCALENDAR_CONNECT_PUSH_ULR=https://x.example\n"
    )
    code, told = await run_doctor({}, tmp_path)
    assert code == 2
    assert "setting_not_read: CALENDAR_CONNECT_PUBLIC_URL: it begins with CALENDAR_CONNECT_" not in told
    assert "setting_not_read: PUBLIC_URL: it begins with CALENDAR_CONNECT_" in told
    assert "setting_not_read: CALENDAR_CONNECT_PUSH_ULR: there is no such setting" in told


async def test_with_settings_that_cannot_be_read_it_looks_at_the_database(stage: Stage, tmp_path: Path) -> None:
    broken = {**stage.environment, "CALENDAR_CONNECT_MASTER_KEYS": "no JSON, and secret"}
    code, told = await run_doctor(broken, tmp_path, "--json")
    report = {check["name"]: check for check in json.loads(told)["checks"]}
    assert code == 1
    assert [finding["code"] for finding in report["settings"]["findings"]] == ["setting_unreadable"]
    assert {name for name, check in report.items() if check["looked_at"]} >= {"database", "roles", "migrations", "work"}
    assert "secret" not in told.replace("SECRET", "")


OF_SETTINGS: dict[str, tuple[str, dict[str, Any], Code]] = {
    "google's secret is wrong": (
        *("providers", {"google_client_secret": SecretStr("wrong")}),
        Code.PROVIDER_CLIENT_REFUSED,
    ),
    "microsoft does not know the client": (
        *("providers", {"office365_client_id": "00000000-0000-0000-0000-000000000000"}),
        Code.PROVIDER_CLIENT_REFUSED,
    ),
    "nobody is at google's address": ("providers", {"google_token_url": nowhere()}, Code.PROVIDER_UNREACHABLE),
    "nobody is at the issuer's": ("issuer", {"jwks_url": nowhere()}, Code.ISSUER_UNREACHABLE),
    "nobody is at the public address": ("doors", {"public_url": nowhere()}, Code.PUBLIC_URL_NOT_OURS),
    "nobody is where pushes go": ("doors", {"push_url": nowhere()}, Code.PUSH_URL_NOT_OURS),
    "pushes go to a private address": ("doors", {"issuer": "https://issuer.example.com"}, Code.PUSH_URL_PRIVATE),
    "a name is known to nobody": ("names", {"smtp_host": "nobody.invalid"}, Code.NAME_UNRESOLVED),
    "a resolver says nothing": (
        *("names", {"dns_resolvers": [f"127.0.0.1:{free_port()}"], "dns_timeout_seconds": 0.2}),
        Code.RESOLVER_SILENT,
    ),
    "a resolver is none": ("names", {"dns_resolvers": ["nobody"]}, Code.RESOLVER_SILENT),
    "no mail server is there": ("mail", {"smtp_port": free_port()}, Code.MAIL_UNREACHABLE),
    "the mail server has no TLS and there is a password": (
        *("mail", {"smtp_username": "us", "smtp_password": SecretStr("a password")}),
        Code.MAIL_TLS_FAILED,
    ),
    "no database is there": (
        *("database", {"database_url": SecretStr(f"postgresql://us:a-password@127.0.0.1:{free_port()}/x")}),
        Code.DATABASE_UNREACHABLE,
    ),
    "the database's address is none": (
        *("database", {"database_url": SecretStr("mysql://us:a-password@127.0.0.1/x")}),
        Code.SETTING_UNREADABLE,
    ),
}


@pytest.mark.parametrize("breakage", OF_SETTINGS)
async def test_a_wrong_setting_is_found_by_its_effect(stage: Stage, breakage: str) -> None:
    name, changes, code = OF_SETTINGS[breakage]
    assert await stage.codes(name, **changes) == {code}


async def test_an_issuer_that_calls_itself_otherwise_is_found(stage: Stage) -> None:
    assert await stage.codes("issuer", issuer=f"{stage.settings.issuer}/") == {Code.ISSUER_MISMATCH}


async def test_an_issuer_without_good_keys_is_found(stage: Stage, sandbox: Sandbox) -> None:
    for mode, code in (("garbage", Code.ISSUER_KEYS_UNREADABLE), ("unavailable", Code.ISSUER_UNREACHABLE)):
        await sandbox.break_keys(mode)
        assert await stage.codes("issuer") == {code}
    await sandbox.heal_keys()
    for keys, code in (
        ([], Code.ISSUER_KEYS_UNUSABLE),
        ([{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}], Code.ISSUER_KEYS_UNUSABLE),
        ([ECKey.generate_key("P-384").as_dict(private=False)], Code.ISSUER_KEYS_UNUSABLE),
    ):
        async with saying({"/keys": (200, JSON, json.dumps({"keys": keys}).encode())}) as url:
            assert await stage.codes("issuer", jwks_url=f"{url}/keys", issuer=url) == {code}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((400, JSON, b'{"error": "redirect_uri_mismatch"}'), Code.PROVIDER_REDIRECT_REFUSED),
        ((429, JSON, b'{"error": "rate_limit_exceeded"}'), Code.PROVIDER_UNREACHABLE),
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in to this network</html>"), Code.PROVIDER_ANSWER_ODD),
        ((200, JSON, b'{"access_token": "a-token", "expires_in": 3600}'), Code.PROVIDER_ANSWER_ODD),
    ],
)
async def test_what_a_token_endpoint_says_is_understood(stage: Stage, said: Any, code: Code) -> None:
    async with saying({"/token": said}) as url:
        assert await stage.codes("providers", google_token_url=f"{url}/token") == {code}


async def test_an_api_that_is_not_ready_or_not_ours_is_found(stage: Stage) -> None:
    no_push = {"push_url": None}
    async with saying({"/health/live": HEALTHY, "/health/ready": (503, JSON, b"{}")}) as url:
        assert await stage.codes("doors", public_url=url, **no_push) == {Code.API_NOT_READY}
    async with saying({"/health/live": HEALTHY, "/health/ready": HEALTHY}) as url:
        assert await stage.codes("doors", public_url=url, **no_push) == {Code.CALLBACK_NOT_OURS}
    async with saying({"/health/live": (200, {}, b"<html>")}) as url:
        assert await stage.codes("doors", public_url=url, **no_push) == {Code.PUBLIC_URL_NOT_OURS}
    microsoft_hears_nothing = {"office365_client_id": "", "push_url": nowhere()}
    assert await stage.codes("doors", **microsoft_hears_nothing) == {Code.PUSH_URL_NOT_OURS}
    assert await stage.codes("doors", office365_client_id="") == set()


async def test_clocks_that_differ_are_found_and_slow_answers_are_no_drift(stage: Stage) -> None:
    def late() -> datetime:
        return utc_now() + timedelta(seconds=30)

    findings = (await stage.told("clocks", clock=late)).findings
    assert {finding.code for finding in findings} == {Code.CLOCK_DRIFTS}
    assert len(findings) == 4, "the database, the issuer and both providers"
    past = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    async with saying({"/keys": (200, {"Date": past}, b"")}) as url:
        [finding] = (await stage.told("clocks", jwks_url=f"{url}/keys")).findings
    assert finding.detail.startswith("the issuer is -")


async def test_the_login_and_its_role_are_judged(stage: Stage) -> None:
    assert await stage.codes("roles", database_url=SecretStr(stage.operator_url)) == {Code.LOGIN_TOO_POWERFUL}
    assert await stage.codes("roles", database_url=stage.url(login=OWNER)) == {Code.LOGIN_OWNS_TABLES}
    assert await stage.codes("roles", database_url=stage.url(login=STRANGER)) == {Code.ROLE_MISSING}
    await stage.operate("ALTER ROLE calendar_app BYPASSRLS")
    try:
        assert await stage.codes("roles") == {Code.ROLE_EXEMPT}
    finally:
        await stage.operate("ALTER ROLE calendar_app NOBYPASSRLS")
    assert not (await stage.told("work", database_url=stage.url(login=STRANGER))).was_looked_at


async def test_a_database_that_will_not_do_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = SecretStr(stage.url().get_secret_value().replace("@", "x@"))
    assert await stage.codes("database", database_url=wrong) == {Code.DATABASE_REFUSED}
    assert await stage.codes("database", database_url=stage.url(database="nobodys")) == {Code.DATABASE_REFUSED}
    crowd = Wishes(api_processes=10, worker_processes=10)
    assert await stage.codes("database", wishes=crowd) == {Code.DATABASE_CONNECTIONS_SHORT}
    assert await stage.codes("database", wishes=crowd, database_pool_size=1) == {Code.DATABASE_CONNECTIONS_SHORT}
    assert await stage.codes("database", wishes=Wishes(5, 5), database_pool_size=1) == set()
    monkeypatch.setattr(database, "OLDEST", 99)
    monkeypatch.setattr(database, "_SAFE_WAY", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert await stage.codes("database") == {Code.DATABASE_TOO_OLD, Code.DATABASE_NOT_ENCRYPTED}


async def test_a_database_that_was_never_migrated_is_found_once(stage: Stage) -> None:
    empty = stage.elsewhere(EMPTY)
    assert await empty.codes("migrations") == {Code.MIGRATIONS_MISSING}
    assert [(await empty.told(name)).was_looked_at for name in ("work", "keys")] == [False, False]


async def test_where_the_revision_may_be_read_it_is_told(stage: Stage) -> None:
    owner = SecretStr(stage.operator_url)
    examined = await stage.told("migrations", database_url=owner)
    assert examined.findings == ()
    assert "the newest of this release" in examined.facts
    idle = stage.elsewhere(IDLE)
    await stage.operate("ALTER TABLE users RENAME COLUMN email TO mail", database=IDLE)
    try:
        [finding] = (await idle.told("migrations")).findings
    finally:
        await stage.operate("ALTER TABLE users RENAME COLUMN mail TO email", database=IDLE)
    assert (finding.code, finding.detail) == (Code.MIGRATIONS_BEHIND, "missing: users.email")


async def test_work_that_nobody_does_is_found(stage: Stage) -> None:
    idle = stage.elsewhere(IDLE)
    assert await idle.codes("work") == {Code.WORKER_SILENT}
    job = "INSERT INTO queue.pgqueuer (priority, entrypoint, status, {0}) VALUES (0, 'sync_calendar', {1})"
    for columns, values, code in (
        ("execute_after", "'queued', now() - interval '10 minutes'", Code.QUEUE_OLD),
        ("attempts", "'queued', 7", Code.QUEUE_FAILING),
        ("heartbeat", "'picked', now() - interval '10 minutes'", Code.QUEUE_ABANDONED),
    ):
        await stage.operate(job.format(columns, values), database=IDLE)
        assert await idle.codes("work") == {Code.WORKER_SILENT, code}
        await stage.operate("DELETE FROM queue.pgqueuer", database=IDLE)
    late = "INSERT INTO due_feeds (account_id, due_at) VALUES (gen_random_uuid(), now() - interval '1 hour')"
    await stage.operate(late, database=IDLE)
    assert await idle.codes("work") == {Code.WORKER_SILENT, Code.WORK_OVERDUE}
    await stage.operate("DELETE FROM due_feeds", database=IDLE)


async def test_data_keys_that_do_not_open_are_counted(stage: Stage) -> None:
    idle, ours = stage.elsewhere(IDLE), stage.settings.master_keys
    other = SecretBytes(os.urandom(32))
    await stage.operate("DELETE FROM data_keys", "DELETE FROM directory WHERE kind = 'data_key'", database=IDLE)
    await stage.seal_something()
    await stage.seal_something()
    examined = await idle.told("keys")
    assert (examined.facts, examined.findings) == ("2 data keys looked at", ())
    for keys in ({2: other}, {1: other}):
        [finding] = (await idle.told("keys", master_keys=keys)).findings
        assert finding.code == Code.KEYS_UNREADABLE
        assert finding.detail == "2 data keys wrapped under master key 1 do not open"
    [finding] = (await idle.told("keys", master_keys={**ours, 2: other})).findings
    assert finding.code == Code.KEYS_NOT_ROTATED


async def test_the_doctor_writes_nothing(stage: Stage) -> None:
    idle = stage.elsewhere(IDLE)
    checks = ("database", "roles", "migrations", "keys", "work", "clocks")
    before = [await idle.told(name) for name in checks]
    await stage.operate(f"ALTER DATABASE {IDLE} SET default_transaction_read_only = on", database="postgres")
    try:
        after = [await idle.told(name) for name in checks]
    finally:
        await stage.operate(f"ALTER DATABASE {IDLE} RESET default_transaction_read_only", database="postgres")
    assert [(seen.was_looked_at, seen.findings) for seen in after] == [(True, seen.findings) for seen in before]


class _Choosy:
    """A mail server with a list of one; it dislikes a sender."""

    async def handle_MAIL(self, _server, _session, envelope, address: str, _options) -> str:  # noqa: N802 - the library's name
        envelope.mail_from = address
        return "550 We do not know you" if address.startswith("stranger") else "250 OK"


@asynccontextmanager
async def choosy_server(address: str) -> AsyncIterator[int]:
    def opened() -> SMTP:
        def known(*who: Any) -> AuthResult:
            return AuthResult(success=who[-1].password == b"the password", handled=False)

        return SMTP(_Choosy(), hostname="mail.example.com", authenticator=known, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(opened, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_what_a_mail_server_refuses_is_told_apart(stage: Stage) -> None:
    async with choosy_server("127.0.0.2") as port:
        ours = {"smtp_host": "127.0.0.2", "smtp_port": port, "smtp_start_tls": False, "smtp_username": "us"}
        assert await stage.codes("mail", **ours, smtp_password=SecretStr("the password")) == set()
        wrong = await stage.codes("mail", **ours, smtp_password=SecretStr("another password"))
        assert wrong == {Code.MAIL_LOGIN_REFUSED}
        right = {**ours, "smtp_password": SecretStr("the password")}
        assert await stage.codes("mail", **right, mail_from="stranger@example.com") == {Code.MAIL_SENDER_REFUSED}
        assert await stage.codes("mail", **right, issuer="https://x.example") == {Code.MAIL_NOT_ENCRYPTED}


async def test_a_mail_is_sent_when_it_is_asked_for_and_only_then(stage: Stage, sandbox: Sandbox) -> None:
    address = f"operator-{uuid4().hex}@example.com"
    wishes = Wishes(test_mail_to=address)
    assert await stage.codes("mail") == set()
    assert await sandbox.mails(to=address) == []
    assert await stage.codes("mail", wishes=wishes) == set()
    assert [mail["subject"] for mail in await sandbox.mails(to=address)] == ["A mail from calendar-connect doctor"]
    await sandbox.add_mail_fault("reject_recipient", recipient=address, code=550)
    [finding] = (await stage.told("mail", wishes=wishes)).findings
    assert (finding.code, finding.detail) == (Code.MAIL_TEST_REFUSED, "smtp_550")


async def test_outside_the_sandbox_the_target_of_domains_has_to_be_known(stage: Stage) -> None:
    outside = stage.settings.model_copy(update={"issuer": "https://issuer.example.com", "domain_target": "x.invalid"})
    named = dict(names._named(outside, in_sandbox=False))
    assert named["DOMAIN_TARGET"] == "x.invalid"
    assert "DOMAIN_TARGET" not in dict(names._named(outside, in_sandbox=True))
