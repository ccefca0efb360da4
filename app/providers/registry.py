"""The providers there are: the only file that names a concrete one.

The one rule: every one is there, for people may be connected to it; one without credentials is not offered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.calendar import Clock, ProviderName
from app.http import HttpClient
from app.providers.base import Provider
from app.providers.ews.provider import ExchangeProvider, ExchangeSettings
from app.providers.google.oauth import GoogleSettings
from app.providers.google.provider import GoogleProvider
from app.providers.graph.oauth import Office365Settings
from app.providers.graph.provider import Office365Provider
from app.settings import Settings


@asynccontextmanager
async def open_providers(settings: Settings, clock: Clock) -> AsyncIterator[dict[ProviderName, Provider]]:
    """All providers, each with connections of its own."""
    async with (
        HttpClient() as to_google,
        HttpClient() as to_microsoft,
        ExchangeProvider(_exchange(settings), clock=clock) as exchange,
    ):
        yield {
            ProviderName.GOOGLE: GoogleProvider(_google(settings), to_google, clock=clock),
            ProviderName.OFFICE365: Office365Provider(_office365(settings), to_microsoft, clock=clock),
            ProviderName.EXCHANGE: exchange,
        }


def _google(settings: Settings) -> GoogleSettings:
    return GoogleSettings(
        client_id=settings.google_client_id,
        client_secret=settings.google_client_secret.get_secret_value(),
        auth_url=settings.google_auth_url,
        token_url=settings.google_token_url,
        revoke_url=settings.google_revoke_url,
        userinfo_url=settings.google_userinfo_url,
        api_url=settings.google_api_url,
    )


def _office365(settings: Settings) -> Office365Settings:
    return Office365Settings(
        client_id=settings.office365_client_id,
        client_secret=settings.office365_client_secret.get_secret_value(),
        authority_url=settings.office365_authority_url,
        api_url=settings.office365_api_url,
        horizon_days=settings.sync_horizon_days,
    )


def _exchange(settings: Settings) -> ExchangeSettings:
    return ExchangeSettings(
        offered=settings.exchange_offered,
        full_sync=settings.exchange_full_sync,
        allowed_hosts=settings.exchange_allowed_hosts,
        timeout_seconds=settings.exchange_timeout_seconds,
        threads=settings.exchange_threads,
    )
