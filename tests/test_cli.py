"""What the command line looks at before it starts."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import typer
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.calendar import utc_now
from app.cli import check_login
from app.database import APP_ROLE
from app.doctor.deployment import Deployment, Wishes
from app.doctor.findings import Code
from app.doctor.roles import examine_roles
from app.errors import ProviderUnavailable
from app.http import HttpClient
from app.readiness import Readiness
from app.settings import DatabaseSettings, Settings
from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from tests.support.database import migrate

MANUAL = Path("docs/running.md").read_text()
RECIPE = re.findall(r"^CREATE [^;]*;", MANUAL, re.MULTILINE)
POWERS = {"mighty": "SUPERUSER NOBYPASSRLS", "exempt": "NOSUPERUSER BYPASSRLS"}
WARNING = {"event": "database.login_too_powerful", "log_level": "warning"}


def settings_for(url: str) -> DatabaseSettings:
    return DatabaseSettings(_env_file=None, database_url=SecretStr(url))


async def warnings_of(url: str) -> list[dict[str, str]]:
    with capture_logs() as logged:
        await check_login(settings_for(url))
    return logged


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[EmbeddedPostgres]:
    """A server where an operator did what docs/running.md says."""
    with EmbeddedPostgres(durable=False) as running:
        operator = await asyncpg.connect(running.url())
        for statement in RECIPE:
            await operator.execute(statement.replace("…", running.password))
        for login, power in POWERS.items():
            await operator.execute(f"CREATE ROLE {login} LOGIN {power} PASSWORD '{running.password}'")
        await operator.close()
        yield running


@pytest.mark.parametrize("login", POWERS)
async def test_r53_a_login_that_can_pass_by_row_level_security_is_warned_of(
    server: EmbeddedPostgres, login: str
) -> None:
    assert await warnings_of(server.url("calendar_connect", login)) == [WARNING]


async def test_r53_the_logins_that_the_manual_makes_will_do(server: EmbeddedPostgres) -> None:
    owner, service = (server.url("calendar_connect", f"calendar_{name}") for name in ("owner", "service"))
    assert await warnings_of(owner) == []
    assert await warnings_of(service) == []
    await asyncio.to_thread(migrate, owner)
    own = await asyncpg.connect(service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await own.fetch("SELECT FROM users")
    await own.close()
    working = await asyncpg.connect(service, server_settings={"role": APP_ROLE})
    assert await working.fetch("SELECT FROM users") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await working.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
    await working.close()


async def test_a_login_that_may_only_make_roles_and_databases_makes_them_as_the_manual_says() -> None:
    """The most that managed PostgreSQL gives anybody."""
    [grant] = re.findall(r"`(GRANT calendar_owner TO [^`]*;)`", MANUAL)
    with EmbeddedPostgres(durable=False) as running:
        superuser = await asyncpg.connect(running.url())
        made = f"CREATE ROLE admin LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD '{running.password}'"
        await superuser.execute(made)
        await superuser.close()
        admin = await asyncpg.connect(running.url("postgres", "admin"))
        for statement in (*RECIPE[:-1], grant, RECIPE[-1]):
            await admin.execute(statement.replace("…", running.password))
        await admin.close()
        await asyncio.to_thread(migrate, running.url("calendar_connect", "calendar_owner"))
        async with Readiness(running.url("calendar_connect", "calendar_service")) as readiness:
            await readiness.check()


async def test_one_login_that_may_make_roles_migrates_and_the_service_works_by_it() -> None:
    """Whoever makes a role may hand it out, and may not be it before they have handed it to themselves."""
    with EmbeddedPostgres(durable=False) as running:
        superuser = await asyncpg.connect(running.url())
        made = f"CREATE ROLE solo LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD '{running.password}'"
        await superuser.execute(made)
        solo = await asyncpg.connect(running.url("postgres", "solo"))
        await solo.execute("CREATE DATABASE calendar_connect")
        await solo.close()
        url = running.url("calendar_connect", "solo")
        await asyncio.to_thread(migrate, url)
        async with Readiness(url) as readiness:
            await readiness.check()
        assert await roles_found(url) == {Code.LOGIN_OWNS_TABLES}
        await superuser.execute("GRANT calendar_app TO solo WITH SET FALSE GRANTED BY solo")
        assert await roles_found(url) == {Code.LOGIN_OWNS_TABLES, Code.ROLE_MISSING}
        with capture_logs() as logged, pytest.raises(ProviderUnavailable):
            async with Readiness(url) as readiness:
                await readiness.check()
        assert logged == [{"event": "database.role_refused", "log_level": "error", "role": APP_ROLE}]
        await superuser.close()


async def roles_found(url: str) -> set[Code]:
    """What the doctor says of the login."""
    async with HttpClient() as http:
        deployment = Deployment(url, None, Wishes(), utc_now, http)
        return {finding.code for finding in (await examine_roles(deployment)).findings}


async def test_a_database_that_is_not_there_yet_is_no_reason_not_to_start() -> None:
    assert await warnings_of(f"postgresql://nobody@127.0.0.1:{free_port()}/none") == []


def test_a_setting_that_is_left_empty_is_not_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALENDAR_CONNECT_SMTP_USERNAME", "")
    told = {name: getattr(settings, name) for name in Settings.model_fields if name != "smtp_username"}
    assert Settings(**told).smtp_username is None


@pytest.mark.parametrize(
    "url", ["postgresql://us:TOPSECRET/PW@127.0.0.1:1/x", "postgresql://us:TOPSECRET@h/x?sslmode=verify-full"]
)
async def test_p5_an_address_that_cannot_be_used_is_told_without_what_is_in_it(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(typer.Exit) as ended:
        await check_login(settings_for(url))
    told = capsys.readouterr()
    assert ended.value.exit_code == 2
    assert "setting DATABASE_URL cannot be used" in told.err
    assert "TOPSECRET" not in told.err + told.out
    assert ended.value.__suppress_context__
