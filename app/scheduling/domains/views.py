"""From rows to answers about domains. Pure.

The one rule: the records that are shown are the very ones that are looked for.
"""

from collections.abc import Sequence

from app.i18n import Language, translate
from app.models.domains import Domain
from app.scheduling.domains import schemas
from app.scheduling.domains.checks import proof
from app.scheduling.domains.names import PROOF_LABEL, readable


def domain_view(domain: Domain, *, target: str, language: Language, actions: Sequence[str]) -> schemas.Domain:
    """A domain, as the caller sees it. `target` is the host that domains point at."""
    reason = domain.failure_reason
    return schemas.Domain.model_validate(
        {
            "id": domain.id,
            "name": readable(domain.host),
            "host": domain.host,
            "status": domain.status,
            "failure_reason": reason,
            "remedy": None if reason is None else translate(language, f"remedy.domain.{reason}"),
            "points_here": domain.points_here,
            "search_indexing": domain.search_indexing,
            "records": [
                {"type": "TXT", "name": f"{PROOF_LABEL}.{domain.host}", "value": proof(domain)},
                {"type": "CNAME", "name": domain.host, "value": target},
            ],
            "allowed_actions": list(actions),
            "version": domain.version,
            "connected_at": domain.connected_at,
            "checked_at": domain.checked_at,
            "created_at": domain.created_at,
            "updated_at": domain.updated_at,
        }
    )
