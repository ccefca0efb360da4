"""Real providers beside the sandbox: what is brought along is asked at its own addresses, all else stays simulated."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.settings import Settings
from sandbox.__main__ import cli
from sandbox.environment import Secrets, environment
from sandbox.own_settings import OwnSettingsError, laid_over, read_own_settings, real_providers

SANDBOX = "http://127.0.0.1:9100"
GOOGLE = {"CALENDAR_CONNECT_GOOGLE_CLIENT_ID": "mine", "CALENDAR_CONNECT_GOOGLE_CLIENT_SECRET": "hush"}
OFFICE365 = {"CALENDAR_CONNECT_OFFICE365_CLIENT_ID": "mine", "CALENDAR_CONNECT_OFFICE365_CLIENT_SECRET": "hush"}


def settings_with(own: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the service reads when the sandbox starts it so."""
    simulated = environment(
        database_url="postgresql://127.0.0.1/x",
        public_url="http://127.0.0.1:8000",
        sandbox_url=SANDBOX,
        smtp_host="127.0.0.1",
        smtp_port=9125,
        keys=Secrets.random(),
    )
    for name, value in {**simulated, **laid_over(own)}.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def addresses(settings: Settings, provider: str) -> set[str]:
    fields = (name for name in Settings.model_fields if name.startswith(provider) and name.endswith("_url"))
    return {getattr(settings, name) for name in fields}


def test_without_settings_of_ones_own_every_provider_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with({}, monkeypatch)
    simulated = addresses(settings, "google") | addresses(settings, "office365")
    assert len(simulated) == 7
    assert all(address.startswith(SANDBOX) for address in simulated)
    assert settings.push_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("own", "real", "simulated"), [(GOOGLE, "google", "office365"), (OFFICE365, "office365", "google")]
)
def test_a_client_of_ones_own_is_asked_at_the_providers_addresses(
    own: dict[str, str], real: str, simulated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(own, monkeypatch)
    assert real_providers(own) == [real]
    assert getattr(settings, f"{real}_client_id") == "mine"
    assert all(address.startswith("https://") for address in addresses(settings, real))
    assert all(address.startswith(SANDBOX) for address in addresses(settings, simulated))
    assert settings.push_url is None, "nobody outside can push to this machine"


def test_what_the_file_says_goes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tunnel = "https://tunnel.example.com"
    other = {"CALENDAR_CONNECT_GOOGLE_API_URL": "https://google.example.com", "CALENDAR_CONNECT_PUSH_URL": tunnel}
    settings = settings_with(GOOGLE | other, monkeypatch)
    assert settings.google_api_url == "https://google.example.com"
    assert settings.push_url == tunnel


def test_a_file_is_read_as_the_service_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    file.write_text("# mine\nCALENDAR_CONNECT_MAIL_FROM='a b'\nCALENDAR_CONNECT_PUSH_URL=\n")
    assert read_own_settings(file) == {"CALENDAR_CONNECT_MAIL_FROM": "a b"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("GOOGLE_CLIENT_ID=a", r"begin with CALENDAR_CONNECT_.*: GOOGLE_CLIENT_ID\."),
        ("CALENDAR_CONNECT_GOOGLE_CLIENTID=a", r": CALENDAR_CONNECT_GOOGLE_CLIENTID\."),
        ("DATABASE_URL=a", r": DATABASE_URL\."),
        ("CALENDAR_CONNECT_GOOGLE_CLIENT_ID=a", r"half a client of google: .*_ID and .*_SECRET go"),
        ("CALENDAR_CONNECT_OFFICE365_CLIENT_SECRET=a", r"half a client of office365"),
    ],
)
def test_what_cannot_be_meant_is_not_passed_over(line: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    file.write_text(f"{line}\n")
    with pytest.raises(OwnSettingsError, match=told):
        read_own_settings(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = CliRunner().invoke(cli, ["run", "--settings", str(tmp_path / "none.env")])
    assert ended.exit_code == 1
    assert f"There is no file {tmp_path / 'none.env'}." in ended.output
