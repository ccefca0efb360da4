"""Mails put in the queue: any mail of any feature, and those about connections and what failed there.

The one rule: a mail is a row and its job in the transaction of what it tells, so that neither comes without the other.
Whoever adds one asks for its job there.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.i18n import negotiate
from app.ids import new_id
from app.insertion import Rows
from app.models.accounts import User
from app.models.bookings import Booking
from app.models.connections import Connection
from app.models.outbound import Mail
from app.models.scheduling import CalendarSettings
from app.outbound.letters import BrokenLetter, Content, UnwrittenLetter, to_json
from app.queue import Enqueued, Job, enqueue

_UNWRITTEN = "event_unwritten"
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
    sync = await session.scalar(select(CalendarSettings.calendar_sync).where(CalendarSettings.user_id == user.id))
    content = BrokenLetter(
        language=negotiate(user.locale),
        provider=provider,
        email=connection.email,
        booked="meetings" in connection.purposes,
        synced="calendar" in connection.purposes and bool(sync),
    )
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


async def post_event_unwritten(
    session: AsyncSession, host: User, booking: Booking, *, removing: bool, error: str, unless_since: datetime
) -> None:
    """Tell the host that the booking's event is not as it should be, unless they were told since then."""
    told = await session.scalar(
        select(Mail.id)
        .where(Mail.subject_id == booking.id, Mail.kind == _UNWRITTEN, Mail.created_at >= unless_since)
        .limit(1)
    )
    if told is not None:
        return
    content = UnwrittenLetter(
        language=negotiate(host.locale),
        time_zone=host.time_zone,
        title=booking.title,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        removing=removing,
        error=error,
    )
    job = add_mail(
        session, host.account_id, content, kind=_UNWRITTEN, subject_id=booking.id, to=host.email, to_name=host.name
    )
    await session.flush()
    await enqueue(session, [job])
