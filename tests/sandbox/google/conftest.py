"""What the tests of the simulated Google share: a server, the people who are signed in, a webhook.

The one rule: the server starts once for the folder, and every test finds it empty.
"""

from collections.abc import Iterator

import pytest

from tests.sandbox.google.live import ADA, BO, Api, Sandbox, running_sandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="package")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def google(server: Sandbox) -> Sandbox:
    server.control("POST", "/reset")
    return server


@pytest.fixture
def ada(google: Sandbox) -> Api:
    return google.api(ADA)


@pytest.fixture
def bo(google: Sandbox) -> Api:
    return google.api(BO)


@pytest.fixture
def hook(google: Sandbox, hook: Receiver) -> Iterator[Receiver]:
    """When it closes, Google has nothing left to tell it."""
    yield hook
    google.control("POST", "/reset")
