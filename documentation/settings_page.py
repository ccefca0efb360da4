"""The page of all settings, from the fields of `app/settings.py` and the order of `.env.example`.

The one rule: name, default and meaning are the code's; a setting without a meaning is a mistake.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import PREFIX, Settings, variable
from documentation.markdown import page, table
from documentation.repository import ROOT

PATH: Final = "settings.md"
_WORDS: Final = {
    "google_client_id": "The OAuth client at Google; empty: Google is not offered.",
    "google_client_secret": "Its secret.",
    "google_auth_url": "Google's consent page.",
    "google_token_url": "Google's token endpoint.",
    "google_revoke_url": "Where grants are given back.",
    "google_userinfo_url": "Where Google says whose account it is.",
    "google_api_url": "The Calendar API.",
    "office365_client_id": "The app registration at Microsoft; empty: Office 365 is not offered.",
    "office365_client_secret": "Its client secret.",
    "office365_api_url": "Graph, with its version.",
    "exchange_timeout_seconds": "The longest that one request to an Exchange server takes.",
    "smtp_host": "The mail server.",
    "smtp_port": "Its port; 465 speaks TLS from the start.",
    "smtp_username": "Who we are to it; none: it asks nobody.",
    "smtp_password": "The password to that.",
    "log_level": "What is logged: this and what is graver.",
}
"""What the code leaves to the names of the fields."""


def settings_page() -> str:
    """The page."""
    return page(
        "# Settings",
        "Read once, from the environment or from a file `.env` in the working directory; the environment wins. Lists "
        "and maps are JSON. No secret has a default. [`.env.example`](../.env.example) is a file to begin with.",
        f"Elsewhere in this documentation the names stand without their prefix `{PREFIX}`.",
        "## Required",
        table(
            ("setting", "meaning"), ((f"`{name}`", meaning) for name, default, meaning in _rows() if default is None)
        ),
        "## Optional",
        table(
            ("setting", "default", "meaning"),
            ((f"`{name}`", default, meaning) for name, default, meaning in _rows() if default is not None),
        ),
        "## Of the container file alone",
        "`POSTGRES_PASSWORD`: [`compose.yaml`](../compose.yaml) makes its own `DATABASE_URL` from it.",
        "## Traces",
        "The standard variables of OpenTelemetry, `OTEL_EXPORTER_OTLP_ENDPOINT` first of all: "
        "[Traces](operations.md#traces).",
    )


def _rows() -> Iterator[tuple[str, str | None, str]]:
    """Name, default (None: it has none) and meaning, in the order of `.env.example`."""
    order = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    names = {variable(name): (name, field) for name, field in Settings.model_fields.items()}
    for written in order:
        if written in names:
            name, field = names[written]
            yield written, None if field.is_required() else _default(field), meaning(name, field)


def meaning(name: str, field: FieldInfo) -> str:
    """What a setting means. Raises: LookupError when nothing says it."""
    text = (field.description or _WORDS.get(name, "")).strip()
    if not text:
        raise LookupError(f"nothing says what the setting {name} means")
    return text


def _default(field: FieldInfo) -> str:
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value in (None, "", [], {}):
        return "none"
    return f"`{json.dumps(value) if isinstance(value, list) else value}`"
