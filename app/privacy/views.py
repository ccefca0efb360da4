"""From what was read to answers about exports. Pure.

The one rule: as everywhere, every field is there.
"""

from app.privacy import schemas
from app.privacy.account_export import Reading


def account_export_view(reading: Reading, *, next_cursor: str | None) -> schemas.AccountExport:
    """An account's export, and a part of it."""
    export = reading.export
    return schemas.AccountExport.model_validate(
        {
            "status": export.status,
            "requested_at": export.requested_at,
            "completed_at": export.completed_at,
            "expires_at": export.expires_at,
            "record_count": export.records,
            "records": reading.records,
            "next_cursor": next_cursor,
        }
    )
