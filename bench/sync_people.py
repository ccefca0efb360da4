"""People with a connected calendar at a canned provider, for the engine to sync.

The one rule: they come to be by the service's own code, but for the consent, which no canned provider could give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import save_account, save_user
from app.calendar import AccessRole, CalendarRef, Identity, ProviderName
from app.connections.establish import Candidate, Consent, establish
from app.database import transaction
from app.ids import new_id
from app.models.connections import Calendar
from app.providers.base import Grant
from app.providers.ews.login import Login, Scheme
from app.vault import Vault
from bench.canned_events import ZONE
from bench.canned_exchange import PATH
from bench.sync_subject import Mirrored

_VALID: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CannedServer:
    """Where a canned provider listens."""

    provider: ProviderName
    url: str
    authority: str | None
    """PEM, where it speaks TLS."""


class PeopleMaker:
    """Makes people, each in an account of their own, with one calendar."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault

    async def connect(self, server: CannedServer, names: Sequence[str]) -> list[Mirrored]:
        """Somebody for each of these calendars, which are to be mirrored."""
        return [await self._connect(server, name) for name in names]

    async def _connect(self, server: CannedServer, name: str) -> Mirrored:
        account_id, user_id, now = new_id(), new_id(), datetime.now(UTC)
        email = f"{user_id.hex}@example.com"
        candidate = Candidate(account_id=account_id, user_id=user_id, provider=server.provider.value, email=email)
        consent = Consent(
            grant=_grant(server, email, now),
            identity=Identity(user_id.hex, email),
            calendars=(CalendarRef(name, "Calendar", ZONE, AccessRole.OWNER, primary=True),),
            two_way_sync=True,
        )
        known = {
            "name": "Canned",
            "locale": "en",
            "time_zone": ZONE,
            "permissions": ["personal_email_access"],
            "seats": [],
            "updated_at": now,
        }
        async with transaction(self._sessions, account_id) as session:
            await save_account(session, account_id, subscriptions=[], opened_at=now, at=now)
            await save_user(session, account_id, user_id, email=email, **known)
            await establish(session, self._vault, candidate, consent, now=now)
            calendar = (await session.scalars(select(Calendar))).one()
        return Mirrored(account_id, calendar.id, name)


def _grant(server: CannedServer, email: str, now: datetime) -> Grant:
    if server.provider is not ProviderName.EXCHANGE:
        return Grant("canned", now + _VALID, "canned", frozenset())
    login = Login(
        url=f"{server.url}{PATH}",
        username=email,
        password="canned",
        email=email,
        version="15.1.2507.6",
        scheme=Scheme.BASIC,
        certificate=server.authority,
    )
    return Grant(login.secret(), None, None, frozenset())
