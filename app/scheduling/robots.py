"""`robots.txt` of a host (R39; RFC 9309).

The one rule: indexing is on unless somebody of the host's account has turned it off; for unknown hosts too. A domain
that was taken away shows its meetings to who has a link, and to no index.
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import enter_account
from app.scheduling.domains import repository as domain_repository
from app.scheduling.domains.names import host_in

EVERYTHING: Final = "User-agent: *\nDisallow:\n"
NO_MEETINGS: Final = "User-agent: *\nDisallow: /meetings*\n"


async def robots_txt(session: AsyncSession, host: str) -> str:
    """The rules for a `Host` header."""
    entry = await domain_repository.whose_host(session, host_in(host))
    if entry is None:
        return EVERYTHING
    await enter_account(session, entry.account_id)
    domain = await domain_repository.find_domain(session, entry.target_id)
    return EVERYTHING if domain is not None and domain.search_indexing else NO_MEETINGS
