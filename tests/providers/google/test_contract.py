"""Google passes the provider contract, at the simulated Google over real sockets."""

import pytest

from app.calendar import utc_now
from app.providers.google.oauth import SCOPES
from app.providers.google.provider import GoogleProvider
from tests.providers.contract import ProviderContract
from tests.providers.contract_setting import follower  # noqa: F401 - a fixture of the contract
from tests.providers.google.judged import JudgedHttp
from tests.providers.google.stage import ADA, GoogleStage, GrantTokens, google_settings, set_up
from tests.sandbox.google.live import REDIRECT, VERIFIER, running_sandbox


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def stage(sandbox):
    set_up(sandbox)
    async with JudgedHttp(timeout_seconds=5) as http:
        provider = GoogleProvider(google_settings(sandbox.base_url), http, clock=utc_now)
        code = sandbox.code(ADA, SCOPES)
        grant = await provider.exchange_code(code, code_verifier=VERIFIER, redirect_uri=REDIRECT)
        yield GoogleStage(sandbox, provider, provider.open(GrantTokens(provider, grant)))


class TestGoogle(ProviderContract):
    """All promises, kept by Google."""
