"""What the tests of the sandbox share: all simulators in one, a webhook, a place for a database.

The one rule: what a test leaves behind in them no other test may see.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.server import Addresses, serve
from tests.sandbox.receiver import Receiver, receiving


@pytest.fixture(scope="package")
async def addresses() -> AsyncIterator[Addresses]:
    """Of a sandbox in this process, started once for the folder."""
    async with serve() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def data_directory() -> Iterator[Path]:
    """One that any user can reach: pytest's own are 0700, which sends root's database elsewhere."""
    with tempfile.TemporaryDirectory(prefix="test-sandbox-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"
