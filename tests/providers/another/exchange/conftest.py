"""What the tests of another Exchange share: its fixtures stand beside the stage they set.

The one rule: see `stage`.
"""

from tests.providers.another.exchange.stage import ada, exchange, provider, session

__all__ = ["ada", "exchange", "provider", "session"]
