"""Following the seals of an account's audit log, from the first entry to the last.

The one rule: it changes nothing, and says where the log is not what was sealed, as the log was at one moment: what is
sealed while it is read is no fault.
"""

from uuid import UUID

from app.accounts.audit_seals import broken_seals
from app.database import create_engine, create_sessions, transaction
from app.settings import DatabaseSettings


async def check_audit_log(settings: DatabaseSettings, account_id: UUID) -> list[int]:
    """The numbers of the entries whose seals do not hold."""
    engine = create_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        async with transaction(create_sessions(engine), account_id) as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return [sequence async for sequence in broken_seals(session, account_id)]
    finally:
        await engine.dispose()
