"""The doors: whether what callers, browsers and providers are told to come to is the API.

The one rule: the doctor knocks as a stranger would, from where it runs. What only the outside can see (a firewall in
between, a certificate that only we trust) is not seen here.
"""

import asyncio
import ipaddress
import secrets
import socket
from typing import Final

import msgspec

from app.addresses import is_public
from app.calendar import ProviderName
from app.doctor.clients import redirect_uri
from app.doctor.deployment import Deployment, host_of
from app.doctor.findings import Code, Finding, Seen
from app.http import Answer, HttpError

_SECONDS: Final = 5.0
_OK, _ACCEPTED, _UNAVAILABLE = 200, 202, 503
_PROBLEM: Final = "application/problem+json"
_NOTIFICATIONS: Final = "/v1/provider-notifications/"


class _Health(msgspec.Struct):
    status: str


async def examine_doors(deployment: Deployment) -> Seen:
    """Knock at each."""
    settings = deployment.settings
    findings = await _front_door(deployment) or await _callbacks(deployment)
    if settings.push_url is not None:
        findings += await _push_door(deployment, settings.push_url.rstrip("/"))
    pushes = "polled alone" if settings.push_url is None else f"pushed to {host_of(settings.push_url)}"
    return Seen(f"the API at {host_of(settings.public_url)}, calendars {pushes}", tuple(findings))


async def _front_door(deployment: Deployment) -> list[Finding]:
    url = deployment.settings.public_url.rstrip("/")
    live, ready = await _knock(deployment, f"{url}/health/live"), await _knock(deployment, f"{url}/health/ready")
    if not _is_well(live):
        return [Finding(Code.PUBLIC_URL_NOT_OURS, f"GET /health/live at {host_of(url)}: {_told(live)}")]
    if isinstance(ready, Answer) and ready.status == _UNAVAILABLE:
        return [Finding(Code.API_NOT_READY, "GET /health/ready: HTTP 503")]
    return []


async def _callbacks(deployment: Deployment) -> list[Finding]:
    """Without a state the API says what is missing; whoever else stands there says something else."""
    settings, findings = deployment.settings, []
    clients = {
        ProviderName.GOOGLE: settings.google_client_id,
        ProviderName.OFFICE365: settings.office365_client_id,
    }
    for name in (name for name, client in clients.items() if client):
        url = redirect_uri(deployment, name)
        answer = await _knock(deployment, url)
        if isinstance(answer, str) or answer.headers.get("Content-Type", "") != _PROBLEM:
            findings.append(Finding(Code.CALLBACK_NOT_OURS, f"{url}: {_told(answer)}"))
    return findings


async def _push_door(deployment: Deployment, url: str) -> list[Finding]:
    findings = []
    if not deployment.is_sandbox and await _is_private(host_of(url)):
        findings.append(Finding(Code.PUSH_URL_PRIVATE, host_of(url)))
    settings, words = deployment.settings, secrets.token_urlsafe(16)
    if settings.office365_client_id:  # Microsoft's own handshake: what it says is said back
        answer = await _knock(deployment, f"{url}{_NOTIFICATIONS}office365?validationToken={words}", method="POST")
        ours = isinstance(answer, Answer) and answer.status == _OK and answer.content == words.encode()
    elif settings.google_client_id:
        answer = await _knock(deployment, f"{url}{_NOTIFICATIONS}google", method="POST")
        ours = isinstance(answer, Answer) and answer.status == _ACCEPTED
    else:
        return findings
    if not ours:
        findings.append(Finding(Code.PUSH_URL_NOT_OURS, f"POST {_NOTIFICATIONS} at {host_of(url)}: {_told(answer)}"))
    return findings


async def _knock(deployment: Deployment, url: str, *, method: str = "GET") -> Answer | str:
    try:
        return await deployment.http.send(method, url, timeout_seconds=_SECONDS)
    except HttpError as error:
        cause = error.__cause__
        return type(error).__name__ if cause is None else f"{type(error).__name__} ({type(cause).__name__})"


def _is_well(answer: Answer | str) -> bool:
    if isinstance(answer, str) or answer.status != _OK:
        return False
    try:
        return msgspec.json.decode(answer.content, type=_Health).status == "ok"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _told(answer: Answer | str) -> str:
    return answer if isinstance(answer, str) else f"HTTP {answer.status}, not what the API says"


async def _is_private(host: str) -> bool:
    """Whether any address of a host is one that the internet does not know; a name nobody knows is told elsewhere."""
    try:
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return False
    return any(not is_public(ipaddress.ip_address(str(row[4][0]).partition("%")[0])) for row in found)
