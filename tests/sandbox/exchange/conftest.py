"""What the tests of the simulated Exchange share: a server, and the people who have a mailbox there.

The one rule: the server starts once for the folder, and every test finds nobody but Ada in it.
"""

from collections.abc import Iterator

import pytest

from tests.sandbox.exchange.live import ADA, BO, Sandbox, running_sandbox


@pytest.fixture(scope="package")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def exchange(server: Sandbox) -> Sandbox:
    server.control("POST", "/reset")
    server.account(ADA)
    return server


@pytest.fixture
def bo(exchange: Sandbox) -> None:
    """For the tests of meetings between two."""
    exchange.account(BO)
