"""Limits: per network; for bookings per page and network besides; per booking for what is done to it; per caller for
passwords.

The one rule: a limit holds to the one, and nobody passes who could not be counted. The counters are kept per process:
a deployment of n processes allows n times as much, which its proxy may lower.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import Depends, Request

from app.accounts.principal import Principal
from app.errors import RateLimited
from app.routers.dependencies import Caller
from app.routers.moving_windows import Count, MovingWindow
from app.settings import Settings

_MINUTE: Final = 60
_DAY: Final = 86_400
_LONGEST_ID: Final = 40
"""Characters of a path that are remembered: more than an id has."""
_WITH_PORT = re.compile(r"\[(?P<six>[^\[\]]+)\](:[0-9]+)?|(?P<four>[0-9.]+):[0-9]+")
"""How some proxies write whom they speak for: `192.0.2.1:40000`, `[2001:db8::1]:40000`."""


class RateLimits:
    """The counters of one process."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.trusted_proxies
        self._reads = MovingWindow(settings.reads_per_minute, _MINUTE)
        self._bookings = MovingWindow(settings.bookings_per_minute, _MINUTE)
        self._sign_ins = MovingWindow(settings.sign_ins_per_minute, _MINUTE)
        self._lookups = MovingWindow(settings.lookups_per_minute, _MINUTE)
        self._domain_checks = MovingWindow(settings.domain_checks_per_minute, _MINUTE)
        self._changes = (
            MovingWindow(settings.changes_per_minute, _MINUTE),
            MovingWindow(settings.changes_per_day, _DAY),
        )

    def count_read(self, request: Request) -> None:
        """Raises: RateLimited."""
        _count(request, [self._reads], client_network(request, self._proxies))

    def count_booking(self, request: Request) -> None:
        """Raises: RateLimited."""
        self._count_at_page(request, "booking")

    def count_hold(self, request: Request) -> None:
        """Apart from bookings: who looks at many times can still book one. Raises: RateLimited."""
        self._count_at_page(request, "hold")

    def _count_at_page(self, request: Request, what: str) -> None:
        """At all pages together, as many as may be read; and at this one, whose id nobody has looked at yet."""
        network = client_network(request, self._proxies)
        _count(request, [self._reads], what, network)
        _count(request, [self._bookings], what, request.path_params["page_id"][:_LONGEST_ID], network)

    def count_change(self, request: Request, booking_id: UUID) -> None:
        """From wherever it comes: each change is mailed to everybody who is invited. Raises: RateLimited."""
        _count(request, self._changes, booking_id.hex)

    def count_sign_in(self, request: Request, caller: Principal) -> None:
        """Passwords that a caller has us try: nobody shall guess with our hands. Raises: RateLimited."""
        _count(request, [self._sign_ins], caller.account_id.hex, caller.actor)

    def count_lookup(self, request: Request, caller: Principal) -> None:
        """Questions that a caller has us ask a provider, whose server may be slow. Raises: RateLimited."""
        _count(request, [self._lookups], caller.account_id.hex, caller.actor)

    def count_domain_check(self, request: Request, caller: Principal) -> None:
        """Names that an account has us ask DNS for. Raises: RateLimited."""
        _count(request, [self._domain_checks], caller.account_id.hex)


def _count(request: Request, windows: Sequence[MovingWindow], *keys: str) -> None:
    """Count in each window; the answer tells of the one that is full, or has the least left."""
    least: int | None = None
    for window in windows:
        count = window.hit("/".join(keys))
        if least is None or count.remaining < least or not count.allowed:
            least = count.remaining
            request.state.answer_headers = _told(window, count)
        if not count.allowed:
            raise RateLimited(retry_after=count.frees_in)


def _told(window: MovingWindow, count: Count) -> dict[str, str]:
    """As in draft-ietf-httpapi-ratelimit-headers; `Envelope` puts them on whatever is answered."""
    return {
        "RateLimit-Policy": f'"default";q={window.amount};w={window.seconds}',
        "RateLimit": f'"default";r={count.remaining};t={count.frees_in}',
    }


def client_network(request: Request, proxies: int) -> str:
    """Who calls: the address that many hops from the right; an IPv6 one by its /64, which one person holds."""
    lines = request.headers.getlist("X-Forwarded-For")  # a proxy may add a line instead of a word
    forwarded = [part.strip() for part in ",".join(lines).split(",") if part.strip()]
    direct = request.client.host if request.client is not None else "unknown"
    return _network(forwarded[-proxies] if 0 < proxies <= len(forwarded) else direct)


def _network(address: str) -> str:
    with_port = _WITH_PORT.fullmatch(address)
    try:
        parsed = ipaddress.ip_address(address if with_port is None else with_port["six"] or with_port["four"])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # what a socket for both says of IPv4: one /64 would hold everybody
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


async def _limit_read(request: Request) -> None:
    request.app.state.rate_limits.count_read(request)


async def _limit_booking(request: Request) -> None:
    request.app.state.rate_limits.count_booking(request)


async def _limit_hold(request: Request) -> None:
    request.app.state.rate_limits.count_hold(request)


async def _limit_sign_in(request: Request, caller: Caller) -> None:
    request.app.state.rate_limits.count_sign_in(request, caller)


async def _limit_lookup(request: Request, caller: Caller) -> None:
    request.app.state.rate_limits.count_lookup(request, caller)


async def _limit_domain_check(request: Request, caller: Caller) -> None:
    request.app.state.rate_limits.count_domain_check(request, caller)


LimitedRead = Depends(_limit_read)
LimitedBooking = Depends(_limit_booking)
LimitedHold = Depends(_limit_hold)
LimitedSignIn = Depends(_limit_sign_in)
LimitedLookup = Depends(_limit_lookup)
LimitedDomainCheck = Depends(_limit_domain_check)
LIMITS: Final = (LimitedRead, LimitedBooking, LimitedHold, LimitedSignIn, LimitedLookup, LimitedDomainCheck)
"""Those of a booking's changes come behind `LimitedRead`."""
