"""What the tests of all simulators share: a webhook."""

from collections.abc import Iterator

import pytest

from tests.sandbox.receiver import Receiver, receiving


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
