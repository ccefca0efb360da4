"""Limits on the public surface: per address, and per page and address for bookings.

The one rule: counters that cannot be read refuse writes. They are kept per process: a deployment of n processes allows
n times as much, which its proxy may lower.
"""

import ipaddress

from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.errors import RateLimited
from app.settings import Settings


class RateLimits:
    """The counters of one process."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._proxies = settings.trusted_proxies
        self._reads = RateLimitItemPerMinute(settings.reads_per_minute)
        self._bookings = RateLimitItemPerMinute(settings.bookings_per_minute)

    async def count_read(self, request: Request) -> None:
        """Raises: RateLimited."""
        await self._count(request, self._reads, "read", client_network(request, self._proxies))

    async def count_booking(self, request: Request) -> None:
        """Raises: RateLimited."""
        page = str(request.path_params.get("page_id", ""))
        await self._count(request, self._bookings, "booking", page, client_network(request, self._proxies))

    @staticmethod
    def _told(limit: RateLimitItemPerMinute, remaining: int) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers; `Envelope` puts them on whatever is answered."""
        return {
            "RateLimit-Policy": f'"default";q={limit.amount};w=60',
            "RateLimit": f'"default";r={max(0, remaining)};t=60',
        }

    async def _count(self, request: Request, limit: RateLimitItemPerMinute, *keys: str) -> None:
        allowed = await self._limiter.hit(limit, *keys)
        window = await self._limiter.get_window_stats(limit, *keys)
        request.state.answer_headers = self._told(limit, window.remaining)
        if not allowed:
            raise RateLimited(retry_after=60)


def client_network(request: Request, proxies: int) -> str:
    """Who calls: the address that many hops from the right; an IPv6 one by its /64, which one person holds."""
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    direct = request.client.host if request.client is not None else "unknown"
    address = forwarded[-proxies] if 0 < proxies <= len(forwarded) else direct
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


async def _limit_read(request: Request) -> None:
    await request.app.state.rate_limits.count_read(request)


async def _limit_booking(request: Request) -> None:
    await request.app.state.rate_limits.count_booking(request)


LimitedRead = Depends(_limit_read)
LimitedBooking = Depends(_limit_booking)
