"""Our clients at Google and Microsoft: whether they are known there.

A code that nobody gave is taken to the token endpoint. A known client hears that the code is not good, an unknown one
that it is not known itself. The one rule: no person's grant is touched, and none is made.
"""

import secrets
from typing import Final

from app.calendar import ProviderName
from app.doctor.deployment import Deployment
from app.doctor.findings import Code, Finding, Seen
from app.providers.base import (
    ConsentRefused,
    InvalidRequest,
    Misconfigured,
    Provider,
    ProviderError,
    RateLimited,
    SupportsOAuth,
    Transient,
)
from app.providers.registry import open_providers

_REDIRECT_REFUSED: Final = "redirect_uri_mismatch"


async def examine_clients(deployment: Deployment) -> Seen:
    """Ask both for a token that they will not give."""
    said: list[str] = []
    findings: list[Finding] = []
    async with open_providers(deployment.settings, deployment.clock) as providers:
        for name, provider in providers.items():
            if not provider.offered:
                continue
            known, finding = await _of(name, provider, redirect_uri(deployment, name))
            said.append(known)
            findings += [] if finding is None else [finding]
    return Seen(", ".join(said) or "no provider is offered", tuple(findings))


def redirect_uri(deployment: Deployment, name: ProviderName) -> str:
    """What has to be registered at the provider, to the letter."""
    return f"{deployment.settings.public_url.rstrip('/')}/v1/oauth/{name.value}/callback"


async def _of(name: ProviderName, provider: Provider, redirect: str) -> tuple[str, Finding | None]:
    if not isinstance(provider, SupportsOAuth):
        return f"{name.value} needs no client", None
    try:
        await provider.exchange_code(
            f"nobody-gave-this-{secrets.token_urlsafe(16)}",
            code_verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect,
        )
    except (ConsentRefused, InvalidRequest):  # the code is not good: what it was made for
        return f"{name.value} knows the client; redirect URI {redirect}", None
    except ProviderError as error:
        return f"{name.value} does not", _meaning(name, error, redirect)
    return f"{name.value} took a code that nobody gave", Finding(Code.PROVIDER_ANSWER_ODD, f"{name.value}: a token")


def _meaning(name: ProviderName, error: ProviderError, redirect: str) -> Finding:
    code = f"{name.value}: {error.provider_code or type(error).__name__}"
    if isinstance(error, Misconfigured) and error.provider_code == _REDIRECT_REFUSED:
        return Finding(Code.PROVIDER_REDIRECT_REFUSED, f"{name.value}: {redirect}")
    if isinstance(error, Misconfigured):
        return Finding(Code.PROVIDER_CLIENT_REFUSED, code)
    if isinstance(error, Transient | RateLimited):
        return Finding(Code.PROVIDER_UNREACHABLE, code)
    return Finding(Code.PROVIDER_ANSWER_ODD, code)
