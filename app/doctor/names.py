"""The names: whether every host that the settings name is known, and whether the resolvers of custom domains answer.

The one rule: an answer that there is no such record is an answer.
"""

import asyncio
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from app.doctor.deployment import Deployment, host_of
from app.doctor.findings import Code, Finding, Seen
from app.scheduling.domains.standing import Failure
from app.scheduling.domains.verification import DomainProver
from app.settings import Settings

_SECONDS: Final = 5.0
_NO_ANSWER: Final = frozenset({Failure.DNS_TIMEOUT, Failure.DNS_FAILED})


async def examine_names(deployment: Deployment) -> Seen:
    """Look up all of them at once."""
    settings = deployment.settings
    names = dict(_named(settings, in_sandbox=deployment.is_sandbox))
    known = await asyncio.gather(*(_is_known(host) for host in names.values()))
    findings = [
        Finding(Code.NAME_UNRESOLVED, f"{name}: {host}")
        for (name, host), found in zip(names.items(), known, strict=True)
        if not found
    ]
    findings += [
        Finding(Code.RESOLVER_SILENT, f"DNS_RESOLVERS: {resolver}")
        for resolver in settings.dns_resolvers
        if not await _answers(settings, resolver)
    ]
    return Seen(f"{len(set(names.values()))} names, {len(settings.dns_resolvers)} resolvers", tuple(findings))


def _named(settings: Settings, *, in_sandbox: bool) -> Iterator[tuple[str, str]]:
    urls = ["public_url", "booking_base_url", "issuer", "jwks_url", "push_url"]
    urls += ["google_token_url", "google_api_url"] if settings.google_client_id else []
    urls += ["office365_authority_url", "office365_api_url"] if settings.office365_client_id else []
    for name in urls:
        host = host_of(getattr(settings, name) or "")
        if host:
            yield name.upper(), host
    yield "SMTP_HOST", settings.smtp_host
    database = urlsplit(settings.database_url.get_secret_value()).hostname
    if database:
        yield "DATABASE_URL", database
    if settings.domain_target is not None and not in_sandbox:  # there it is a name of no domain
        yield "DOMAIN_TARGET", settings.domain_target


async def _is_known(host: str) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return False
    return True


async def _answers(settings: Settings, resolver: str) -> bool:
    target = settings.domain_target or host_of(settings.booking_base_url)
    try:
        prover = DomainProver([resolver], timeout_seconds=settings.dns_timeout_seconds, target=target)
    except ValueError:
        return False
    return (await prover.look(target, "")).failure not in _NO_ANSWER
