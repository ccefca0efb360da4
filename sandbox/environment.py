"""The service's settings for running against the sandbox, as environment variables.

The rule: secrets are random and made once per data directory; nothing secret is written in the code.
"""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.google.grants import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sandbox.identity import AUDIENCE
from sandbox.microsoft import grants as microsoft
from sandbox.ports import HOST

PREFIX = "CALENDAR_CONNECT_"
MAIL_FROM = "Calendar Connect <no-reply@example.com>"
APP_LINK = "calendar-connect://connected/"  # the mobile app's deep link
DOMAIN_TARGET = "pages.calendar-connect.example"  # what custom domains point at: nothing can point at an address


@dataclass(frozen=True)
class Secrets:
    """Keys of one deployment, base64."""

    master_key: str
    signing_key: str

    @classmethod
    def random(cls) -> "Secrets":
        """New ones."""
        return cls(*(base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2)))

    @classmethod
    def kept_in(cls, path: Path) -> "Secrets":
        """Those in the file, made on first use: what the database holds was sealed with them."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls.random()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(made), file)
        return made


def environment(
    *,
    database_url: str,
    public_url: str,
    sandbox_url: str,
    smtp_host: str,
    smtp_port: int,
    keys: Secrets,
    dns_address: str | None = None,
    front_end_url: str | None = None,
) -> dict[str, str]:
    """Everything the service reads. `public_url` is the API's own address, `sandbox_url` the simulators'.

    Without a `dns_address` the system's resolvers are asked; without a `front_end_url` links lead to the API itself.
    """
    identity, google = f"{sandbox_url}/identity", f"{sandbox_url}/google"
    settings = {
        "ISSUER": identity,
        "JWKS_URL": f"{identity}/.well-known/jwks.json",
        "AUDIENCE": AUDIENCE,
        "PUBLIC_URL": public_url,
        "BOOKING_BASE_URL": front_end_url or public_url,
        "CORS_ORIGINS": json.dumps([front_end_url] if front_end_url else []),
        "RETURN_URLS": json.dumps(
            [f"{sandbox_url}/dashboard", f"{sandbox_url}/", f"{front_end_url or public_url}/", APP_LINK]
        ),
        "GOOGLE_CLIENT_ID": SANDBOX_CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": SANDBOX_CLIENT_SECRET,
        "GOOGLE_AUTH_URL": f"{google}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": f"{google}/token",
        "GOOGLE_REVOKE_URL": f"{google}/revoke",
        "GOOGLE_USERINFO_URL": f"{google}/v1/userinfo",
        "GOOGLE_API_URL": f"{google}/calendar/v3",
        "OFFICE365_CLIENT_ID": microsoft.SANDBOX_CLIENT_ID,
        "OFFICE365_CLIENT_SECRET": microsoft.SANDBOX_CLIENT_SECRET,
        "OFFICE365_AUTHORITY_URL": f"{sandbox_url}/microsoft/common",
        "OFFICE365_API_URL": f"{sandbox_url}/microsoft/v1.0",
        "EXCHANGE_ALLOWED_HOSTS": json.dumps([HOST]),
        "PUSH_URL": public_url,
        "WEBHOOK_ALLOWED_HOSTS": json.dumps([HOST]),
        "DNS_RESOLVERS": json.dumps([dns_address] if dns_address else []),
        "DOMAIN_TARGET": DOMAIN_TARGET,
        "SMTP_HOST": smtp_host,
        "SMTP_PORT": str(smtp_port),
        "MAIL_FROM": MAIL_FROM,
        "MASTER_KEYS": json.dumps({"1": keys.master_key}),
        "SIGNING_KEY": keys.signing_key,
    }
    return {"DATABASE_URL": database_url, **{PREFIX + name: value for name, value in settings.items()}}
