"""What a provider's failure is called to a person who is connecting. Pure.

The one rule: a failure that passes is told as one, by whichever way the person connects: another try is worth it.
"""

from app.errors import AppError, ProviderUnavailable, UpstreamError
from app.providers.base import ProviderError


def unavailable_or_upstream(failure: ProviderError) -> AppError:
    """A failure nobody but the provider can do anything about, in the contract's words."""
    return ProviderUnavailable() if failure.retryable else UpstreamError()
