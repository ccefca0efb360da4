"""Mails about connections, put in the queue.

The one rule: a mail is a row and its job in the transaction of what it tells, so that neither comes without the other.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.i18n import negotiate
from app.ids import new_id
from app.insertion import Rows
from app.models.accounts import User
from app.models.connections import Connection
from app.models.outbound import Mail
from app.outbound.letters import BrokenLetter, Content, to_json
from app.queue import Enqueued, Job, enqueue

_PROVIDERS = {"google": "Google", "office365": "Office 365", "exchange": "Exchange"}


def add_mail(
    rows: Rows,
    account_id: UUID,
    content: Content,
    *,
    kind: str,
    subject_id: UUID,
    to: str,
    to_name: str | None,
    reply_to: str | None = None,
) -> Enqueued:
    """Keep a mail to be sent; the job that sends it, which the caller asks for when all is flushed."""
    mail = Mail(
        account_id=account_id,
        id=new_id(),
        subject_id=subject_id,
        kind=kind,
        to_email=to,
        to_name=to_name,
        reply_to=reply_to,
        letter=to_json(content),
    )
    rows.add(mail)
    return Enqueued(Job.SEND_MAIL, account_id, mail.id)


async def post_connection_broken(session: AsyncSession, user: User, connection: Connection) -> None:
    """Tell the person that the connection waits for them (R16)."""
    provider = _PROVIDERS.get(connection.provider, connection.provider)
    content = BrokenLetter(language=negotiate(user.locale), provider=provider, email=connection.email)
    job = add_mail(
        session,
        user.account_id,
        content,
        kind="connection_broken",
        subject_id=connection.id,
        to=user.email,
        to_name=user.name,
    )
    await session.flush()
    await enqueue(session, [job])
