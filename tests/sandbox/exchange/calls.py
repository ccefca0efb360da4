"""Calls that tests of Exchange make again and again. The one rule: what is only the way to a test must succeed."""

from typing import Any

from tests.sandbox.exchange.live import Sandbox
from tests.sandbox.exchange.soap_bodies import create, meeting


def made(exchange: Sandbox, *items: str, **more: Any) -> Any:
    """The id of the only item made."""
    answer = exchange.soap(create(*(items or (meeting(),)), **more))
    assert answer.codes() == ["NoError"], answer.codes()
    return answer.one("//t:ItemId")
