"""What the tests of the simulated Microsoft share: a server, the people who are signed in, a webhook.

The one rule: the server starts once for the folder, and every test finds it empty.
"""

from collections.abc import Iterator

import pytest

from tests.sandbox.microsoft.live import ADA, BO, Api, Sandbox, running_sandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="package")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def ms(server: Sandbox) -> Sandbox:
    server.control("POST", "/reset")
    return server


@pytest.fixture
def ada(ms: Sandbox) -> Api:
    return ms.api(ADA)


@pytest.fixture
def bo(ms: Sandbox) -> Api:
    return ms.api(BO)


@pytest.fixture
def hook(ms: Sandbox, hook: Receiver) -> Iterator[Receiver]:
    """When it closes, Microsoft has nothing left to tell it."""
    yield hook
    ms.control("POST", "/reset")
