"""The deployment on one machine: compose.yaml says what the image, the settings and the manual say."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml

from app.cli import SERVING, cli
from app.doctor.database import connections_needed
from app.outbound.mailer import SEND_SECONDS
from app.routers.openapi import document_settings
from app.settings import Settings
from tests.deployment.manifests import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "worker", "migrate")
KNOWN = {
    *("build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck"),
    *("image", "init", "logging", "ports", "profiles", "read_only", "restart", "security_opt", "shm_size"),
    *("stop_grace_period", "tmpfs", "volumes"),
}
"""What a service may say, of https://github.com/compose-spec/compose-spec/blob/main/05-services.md."""
ROLES = (ROOT / "deploy" / "compose" / "roles.sh").read_text()


def test_nothing_is_said_that_compose_does_not_know() -> None:
    assert set(COMPOSE) == {"x-service", "services", "volumes"}
    assert set(SERVICES) == {*OURS, "database", "mail"}
    for name, service in SERVICES.items():
        assert set(service) <= KNOWN, name
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file(), mount


def test_the_service_runs_the_image_with_the_settings_and_nothing_it_does_not_need() -> None:
    commands = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]
    known = {"DATABASE_URL", *(f"CALENDAR_CONNECT_{name.upper()}" for name in Settings.model_fields)}
    for name in OURS:
        service = SERVICES[name]
        assert set(service.get("command", ["serve"])) <= commands
        assert set(service["environment"]) <= known
        assert (service["image"], service["build"], service["env_file"]) == ("calendar-connect", ".", ".env")
        assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])  # noqa: S108
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "command" not in SERVICES["api"], "the image's own"
    assert "healthcheck" not in SERVICES["api"], "the image's own"


def test_what_is_set_in_the_file_is_set_for_all_or_for_this_machine_alone() -> None:
    """What stands here wins over .env: nothing an operator decides may."""
    assert set(SERVICES["api"]["environment"]) == {"DATABASE_URL", "CALENDAR_CONNECT_LOG_FORMAT"}


@pytest.mark.parametrize(
    ("service", "login"), [("api", "calendar_service"), ("worker", "calendar_service"), ("migrate", "calendar_owner")]
)
def test_each_has_the_login_it_needs(service: str, login: str) -> None:
    url = urlsplit(re.sub(r"\$\{[^}]*\}", "x", SERVICES[service]["environment"]["DATABASE_URL"]))
    assert (url.scheme, url.username, url.hostname, url.path) == ("postgresql", login, "database", "/calendar_connect")


def test_the_roles_are_those_of_the_manual() -> None:
    manual = re.findall(r"^CREATE [^;]*;", (ROOT / "docs" / "running.md").read_text(), re.MULTILINE)
    made = re.findall(r"^CREATE [^;]*;", ROLES, re.MULTILINE)
    assert len(made) == 4
    assert [statement.replace(":'password'", "'…'") for statement in made] == manual


def test_nobody_starts_before_what_they_need() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("api", "worker"):
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES["migrate"]["restart"] == "no"


def test_there_is_time_to_end_what_runs() -> None:
    seconds = {name: int(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in ("api", "worker")}
    assert seconds["api"] > SERVING["timeout_graceful_shutdown"]
    assert seconds["worker"] > SEND_SECONDS


def test_the_database_has_room_for_both_processes_and_for_whoever_looks_after_them() -> None:
    [room] = [int(word.partition("=")[2]) for word in SERVICES["database"]["command"] if "max_connections=" in word]
    settings = document_settings().model_copy(update={"metrics_port": 9100})
    assert connections_needed(settings, api=1, workers=1) + 10 <= room - 3, "three are its superuser's"


def test_nothing_is_open_to_the_network() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "ports" not in SERVICES["database"]


def test_mails_are_caught_only_where_somebody_wants_that() -> None:
    assert SERVICES["mail"]["profiles"] == ["trial"]
    assert not any("profiles" in SERVICES[name] for name in (*OURS, "database"))
