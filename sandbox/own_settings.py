"""Settings of one's own laid over the sandbox's: the way to a real provider from this machine, without a deployment.

The one rule: a provider that is brought along is asked at its own addresses, never at a simulator's.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from sandbox.environment import PREFIX

PUSH_URL = f"{PREFIX}PUSH_URL"
KNOWN = Path(__file__).parents[1] / ".env.example"
"""Every setting there is."""
SIMULATED = {
    "google": ("GOOGLE_AUTH_URL", "GOOGLE_TOKEN_URL", "GOOGLE_REVOKE_URL", "GOOGLE_USERINFO_URL", "GOOGLE_API_URL"),
    "office365": ("OFFICE365_AUTHORITY_URL", "OFFICE365_API_URL"),
}
"""What the sandbox sets to its own addresses. An empty setting is as good as none where no `.env` lies, as where the
sandbox's processes live: then the service's default holds."""


class OwnSettingsError(Exception):
    """The file cannot be meant; the message says why."""


def read_own_settings(file: Path) -> dict[str, str]:
    """The settings of a file, by their whole names; the database is the sandbox's own. Raises: OwnSettingsError."""
    if not file.is_file():
        raise OwnSettingsError(f"There is no file {file}.")
    given = {name: value for name, value in dotenv_values(file, interpolate=False).items() if value}
    known = set(re.findall(rf"^(?:# )?({PREFIX}[A-Z0-9_]+)=", KNOWN.read_text(), re.MULTILINE))
    strange = sorted(given.keys() - known)
    if strange:
        raise OwnSettingsError(
            f"{file} names what is no setting here (they begin with {PREFIX}): {', '.join(strange)}."
        )
    for provider in SIMULATED:
        client = {f"{PREFIX}{provider.upper()}_CLIENT_{half}" for half in ("ID", "SECRET")}
        if len(client & given.keys()) == 1:
            raise OwnSettingsError(
                f"{file} has half a client of {provider}: {' and '.join(sorted(client))} go together."
            )
    return given


def real_providers(own: Mapping[str, str]) -> list[str]:
    """The providers that somebody has brought a client for, by the word that stands in the callback's path."""
    return [name for name in SIMULATED if f"{PREFIX}{name.upper()}_CLIENT_ID" in own]


def laid_over(own: Mapping[str, str]) -> dict[str, str]:
    """What replaces the sandbox's settings. No real provider can push to this machine, so then all are polled."""
    real = real_providers(own)
    unset = [PREFIX + name for provider in real for name in SIMULATED[provider]] + [PUSH_URL] * bool(real)
    return {**dict.fromkeys(unset, ""), **own}
