"""The settings: whether they can be read, and whether what they say is safe outside the sandbox. Pure but for reading.

The one rule: a setting is told by its name, never by its value.
"""

import ipaddress
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from app.doctor.deployment import Deployment, host_of, is_loopback
from app.doctor.findings import Code, Finding, Seen
from app.settings import Settings, variable

Kind = TypeVar("Kind", bound=BaseSettings)

_RANDOM_BYTES_DIFFER: Final = 16
"""Of 32 random bytes about 30 are different; fewer than 16 are so once in 10^19 times."""
_SHORTEST_TOKEN: Final = 16
_GUESSES: Final = frozenset({"", "calendar_connect", "changeme", "password", "postgres", "secret"})
_CLOSED: Final = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")))
_ADDRESSES: Final = ("public_url", "booking_base_url", "issuer", "jwks_url", "push_url")
_OF_GOOGLE: Final = (
    "google_auth_url",
    "google_token_url",
    "google_revoke_url",
    "google_userinfo_url",
    "google_api_url",
)
_OF_MICROSOFT: Final = ("office365_authority_url", "office365_api_url")


def read_settings(kind: type[Kind]) -> tuple[Kind | None, tuple[Finding, ...]]:
    """The settings, or why they cannot be read."""
    try:
        return kind(), ()
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)
        return None, tuple(_unread(item["loc"], item["type"], item["msg"]) for item in told)
    except SettingsError as error:  # a list or a map that is no JSON; it names the field, and no value
        return None, (Finding(Code.SETTING_UNREADABLE, str(error)),)


def _unread(location: tuple[int | str, ...], kind: str, message: str) -> Finding:
    field, *deeper = map(str, location or ("",))
    name = ".".join([variable(field.lower()), *deeper]) if field else ""
    if kind == "missing":
        return Finding(Code.SETTING_MISSING, name)
    return Finding(Code.SETTING_UNREADABLE, f"{name}: {message}" if name else message)


async def examine_settings(deployment: Deployment) -> Seen:
    """Whether what they say can be meant."""
    settings = deployment.settings
    findings = [*_addresses(settings), *_providers(settings)]
    if not deployment.is_sandbox:
        findings += [*_exposed(settings), *_secrets(settings), *_networks(settings)]
    of_whom = "the sandbox" if deployment.is_sandbox else host_of(settings.public_url)
    return Seen(f"read; the deployment of {of_whom}", tuple(findings))


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    """The addresses that are in use, by the setting they stand in."""
    names = [*_ADDRESSES]
    names += _OF_GOOGLE if settings.google_client_id else ()
    names += _OF_MICROSOFT if settings.office365_client_id else ()
    for name in names:
        value: str | None = getattr(settings, name)
        if value is not None:
            yield name.upper(), value


def _addresses(settings: Settings) -> Iterator[Finding]:
    for name, url in _named(settings):
        if not _is_whole(url):
            yield Finding(Code.SETTING_NOT_AN_ADDRESS, name)
    mailbox = parseaddr(settings.mail_from)[1]
    if not all(mailbox.partition("@")):
        yield Finding(Code.SETTING_NOT_AN_ADDRESS, "MAIL_FROM")


def _is_whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        return False


def _providers(settings: Settings) -> Iterator[Finding]:
    clients = {
        "GOOGLE": (settings.google_client_id, settings.google_client_secret),
        "OFFICE365": (settings.office365_client_id, settings.office365_client_secret),
    }
    for name, (client, secret) in clients.items():
        if client and not secret.get_secret_value():
            yield Finding(Code.PROVIDER_SECRET_MISSING, f"{name}_CLIENT_SECRET")
    if not settings.exchange_offered and not any(client for client, _ in clients.values()):
        yield Finding(Code.NO_PROVIDER, "no client is set, and Exchange is not offered")


def _exposed(settings: Settings) -> Iterator[Finding]:
    for name, url in _named(settings):
        if is_loopback(url):
            yield Finding(Code.SETTING_POINTS_HERE, name)
        elif url.startswith("http://"):
            yield Finding(Code.SETTING_NOT_HTTPS, name)
    for name, urls in (("RETURN_URLS", settings.return_urls), ("CORS_ORIGINS", settings.cors_origins)):
        if any(url.startswith("http://") for url in urls):
            yield Finding(Code.SETTING_NOT_HTTPS, name)
    if settings.trusted_proxies == 0:
        yield Finding(Code.PROXIES_UNCOUNTED, "TRUSTED_PROXIES is 0, and the API itself speaks no TLS")
    if settings.smtp_username is not None and settings.smtp_start_tls is False and settings.smtp_port != 465:  # noqa: PLR2004 - TLS from the start
        yield Finding(Code.MAIL_PASSWORD_IN_CLEAR, "SMTP_START_TLS is false, and there is a password")


def _secrets(settings: Settings) -> Iterator[Finding]:
    keys = {f"MASTER_KEYS {version}": key.get_secret_value() for version, key in settings.master_keys.items()}
    keys["SIGNING_KEY"] = settings.signing_key.get_secret_value()
    for name, key in keys.items():
        if len(set(key)) < _RANDOM_BYTES_DIFFER or (key.isascii() and key.decode().isprintable()):
            yield Finding(Code.SECRET_WEAK, name)
    names = list(keys)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            if keys[name] == keys[other]:
                yield Finding(Code.SECRET_REUSED, f"{name} and {other}")
    if settings.metrics_token is not None and len(settings.metrics_token.get_secret_value()) < _SHORTEST_TOKEN:
        yield Finding(Code.SECRET_WEAK, "METRICS_TOKEN")
    database = urlsplit(settings.database_url.get_secret_value())
    if database.password is not None and database.password in {*_GUESSES, database.username}:
        yield Finding(Code.SECRET_WEAK, "the password in DATABASE_URL")


def _networks(settings: Settings) -> Iterator[Finding]:
    for name in ("exchange_allowed_hosts", "webhook_allowed_hosts"):
        for entry in getattr(settings, name):
            if _reaches_us(entry):
                yield Finding(Code.ALLOWED_HOSTS_TOO_WIDE, f"{name.upper()}: {entry}")


def _reaches_us(entry: str) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry.strip().lower().rstrip(".") == "localhost"
    return any(network.version == closed.version and network.overlaps(closed) for closed in _CLOSED)
