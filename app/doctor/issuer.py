"""The issuer of tokens: whether its keys are there, and are ones that tokens can be verified with.

The one rule: no token is asked for. What the issuer says of itself is compared with the settings, where it says it.
"""

from typing import Any, Final

import msgspec

from app.accounts.published_keys import PublishedKeys
from app.accounts.tokens import ALGORITHMS
from app.doctor.deployment import Deployment, host_of
from app.doctor.findings import Code, Finding, Seen
from app.http import HttpError
from app.settings import Settings

_SECONDS: Final = 5.0
_OK: Final = 200
_DISCOVERY: Final = "/.well-known/openid-configuration"


class _Keys(msgspec.Struct):
    keys: list[Any]


class _Discovery(msgspec.Struct):
    issuer: str | None = None
    jwks_uri: str | None = None


async def examine_issuer(deployment: Deployment) -> Seen:
    """Fetch the keys as the API does, and what the issuer says of itself."""
    settings = deployment.settings
    try:
        answer = await deployment.http.send("GET", settings.jwks_url, timeout_seconds=_SECONDS)
    except HttpError as error:
        return _unreachable(settings, type(error).__name__)
    if answer.status != _OK:
        return _unreachable(settings, f"HTTP {answer.status}")
    facts, findings = _read(answer.content)
    return Seen(facts, (*findings, *await _mismatches(deployment)))


def _unreachable(settings: Settings, why: str) -> Seen:
    return Seen("no keys", (Finding(Code.ISSUER_UNREACHABLE, f"{host_of(settings.jwks_url)}: {why}"),))


def _read(content: bytes) -> tuple[str, list[Finding]]:
    try:
        shown = len(msgspec.json.decode(content, type=_Keys).keys)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return "no keys", [Finding(Code.ISSUER_KEYS_UNREADABLE, type(error).__name__)]
    try:
        usable = len(PublishedKeys.read(content))
    except ValueError:
        return "no keys", [Finding(Code.ISSUER_KEYS_UNUSABLE, f"none of {shown} keys is for {', '.join(ALGORITHMS)}")]
    return f"{usable} of {shown} keys can verify a token", []


async def _mismatches(deployment: Deployment) -> list[Finding]:
    """Nobody has to offer discovery, and we do not use it; what it says has to be true all the same."""
    settings = deployment.settings
    try:
        url = settings.issuer.rstrip("/") + _DISCOVERY
        answer = await deployment.http.send("GET", url, timeout_seconds=_SECONDS)
        told = msgspec.json.decode(answer.content, type=_Discovery) if answer.status == _OK else _Discovery()
    except (HttpError, msgspec.DecodeError, UnicodeDecodeError):
        return []
    said = {"ISSUER": (told.issuer, settings.issuer), "JWKS_URL": (told.jwks_uri, settings.jwks_url)}
    return [
        Finding(Code.ISSUER_MISMATCH, f"{name}: the issuer calls it {theirs}")
        for name, (theirs, ours) in said.items()
        if theirs is not None and theirs != ours
    ]
