"""Sending mails: the job `send_mail`.

    claim [transaction]  lease, attempts + 1
    send  [none open]    over SMTP
    save  [transaction]  sent and erased, or asked for again later, or given up

The one rule: a mail is sent again only when the server has not said that it took it. Its Message-ID is made of its id,
so that a copy sent because the server's word was lost can be told from a second mail. What somebody is told of a thing
comes in the order in which it happened: after a cancellation no confirmation may arrive. Only a mail's own job asks for
itself again; another job that sends what waits before its mail leaves that mail's job as it is.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.failpoints import Failpoint, reached
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.models.outbound import Mail
from app.outbound.letters import AppointmentLetter, BrokenLetter, Content, Occasion, Reader, compose, from_json
from app.outbound.mailer import SEND_SECONDS, Mailer, MailError
from app.queue import Enqueued, Job, enqueue
from app.telemetry.metrics import MAIL_SECONDS, MAILS, timed
from app.telemetry.traces import span
from app.waits import doubled, jittered

LEASE: Final = timedelta(seconds=SEND_SECONDS * 2)
_FIRST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(minutes=15)
_GIVE_UP_AFTER: Final = timedelta(days=2)
_FEWEST_TRIES: Final = 40
"""Hours, by `back_off`, also where those behind it try it too: what waited because nobody was there to send it is not
given up for its age."""
MOST_A_DAY: Final = 50
"""Mails to one visitor or guest, over all pages of an account."""
_OF_WHAT_IS_BOOKED: Final = {Occasion.CONFIRMED, Occasion.ACCEPTED, Occasion.RESCHEDULED, Occasion.RESTORED}
_WAITS_FOR_VIDEO: Final = timedelta(seconds=30)
"""So long what tells of a video call waits for its link; then it goes without."""
_STRANGERS: Final = ("_visitor", "_guest")

log = structlog.get_logger(__name__)

VisitorUrl = Callable[[UUID, str], str]
"""Where a visitor does something to what is theirs: `reschedule` or `cancel` a booking, `withdraw` a request."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A mail that is ours to send until the lease ends."""

    mail: Mail
    content: Content
    attempt: int
    own: bool
    """By the mail's own job, not by that of one that waits behind it."""


class MailDelivery:
    """Runs `send_mail`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        mailer: Mailer,
        clock: Clock,
        *,
        booking_url: VisitorUrl,
        request_url: VisitorUrl,
        settings_url: str,
    ) -> None:
        self._sessions = sessions
        self._mailer = mailer
        self._clock = clock
        self._booking_url = booking_url
        self._request_url = request_url
        self._settings_url = settings_url

    async def run(self, account_id: UUID, mail_id: UUID) -> None:
        """Send the mail, and before it whatever its reader has not yet been told of the same thing."""
        async with transaction(self._sessions, account_id) as session:
            mail = await session.get(Mail, (account_id, mail_id))
            earlier = [] if mail is None else await _earlier(session, mail)
        for each in earlier:
            await self._deliver(account_id, each.id, own=False)
        await self._deliver(account_id, mail_id, own=True)

    async def _deliver(self, account_id: UUID, mail_id: UUID, *, own: bool) -> None:
        """Send it, unless it is sent, or somebody else is at it, or at one that goes before it."""
        claimed = await self._claim(account_id, mail_id, own=own)
        if claimed is None:
            return
        mail = claimed.mail
        reached(Failpoint.MAIL_BEFORE_SENT)
        try:
            letter = compose(self._with_links(claimed.content))
            with span("mail.send", SpanKind.CLIENT), timed(MAIL_SECONDS):
                await self._mailer.send(
                    letter,
                    to=mail.to_email,
                    to_name=mail.to_name,
                    reply_to=mail.reply_to,
                    message_id=f"<{mail_id}@calendar-connect>",
                )
        except MailError as error:
            await self._failed(claimed, error)
        else:
            reached(Failpoint.MAIL_AFTER_SENT)
            MAILS.labels("sent").inc()
            await self._sent(claimed)

    def _with_links(self, content: Content) -> Content:
        """The letter with the links it shall have: they are as the deployment is now, and some carry a token."""
        if isinstance(content, BrokenLetter):
            return replace(content, settings_url=self._settings_url)
        if not isinstance(content, AppointmentLetter):
            return content
        if content.occasion is Occasion.REQUESTED and content.reader is Reader.HOST:
            return replace(content, settings_url=self._settings_url)
        if content.request_id is not None:
            return replace(content, withdraw_url=self._request_url(content.request_id, "withdraw"))
        if content.booking_id is None:
            return content
        now, booking_id = self._clock(), content.booking_id
        if content.reschedule_until is None or content.reschedule_until > now:
            content = replace(content, reschedule_url=self._booking_url(booking_id, "reschedule"))
        if content.cancel_until is None or content.cancel_until > now:
            content = replace(content, cancel_url=self._booking_url(booking_id, "cancel"))
        return content

    async def _claim(self, account_id: UUID, mail_id: UUID, *, own: bool) -> _Claimed | None:
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            mail = await _lock(session, mail_id)
            if mail is None or mail.status != "queued" or mail.letter is None:
                return None
            wait = await _wait(session, mail, now)
            content = await _with_video(session, mail, _as_of(from_json(mail.letter), now), now)
            if wait is not None or content is None:
                if own:
                    if wait is None:  # a look for the link of a video call: rarer each time, but not beyond its end
                        mail.attempts += 1
                        wait = min(_until_next_try(mail), mail.created_at + _WAITS_FOR_VIDEO - now)
                    await enqueue(session, [_again(mail, wait)])
                return None
            if (reason := await _why_not(session, mail, content, now)) is not None:
                mail.status, mail.letter, mail.last_error = "failed", None, reason
                MAILS.labels(reason).inc()
                log.warning("mail.not_sent", kind=mail.kind, reason=reason)
                return None
            mail.attempts += 1
            mail.lease_until = now + LEASE
            return _Claimed(mail, content, mail.attempts, own)

    async def _sent(self, claimed: _Claimed) -> None:
        async with transaction(self._sessions, claimed.mail.account_id) as session:
            mail = await _lock(session, claimed.mail.id)
            if mail is None:
                return
            mail.status, mail.sent_at = "sent", self._clock()
            mail.letter = mail.last_error = mail.lease_until = None
        log.info("mail.sent", kind=claimed.mail.kind, attempt=claimed.attempt)

    async def _failed(self, claimed: _Claimed, error: MailError) -> None:
        age = self._clock() - claimed.mail.created_at
        tired = age > _GIVE_UP_AFTER and claimed.attempt >= _FEWEST_TRIES
        last = tired or not error.retryable
        MAILS.labels(_outcome(error, tired=tired)).inc()
        async with transaction(self._sessions, claimed.mail.account_id) as session:
            mail = await _lock(session, claimed.mail.id)
            if mail is None or mail.status != "queued" or mail.attempts != claimed.attempt:
                return  # the lease ran out, and what happens next is another's to say
            mail.last_error, mail.lease_until = error.code, None
            if last:
                mail.status, mail.letter = "failed", None
            elif claimed.own:
                await enqueue(session, [_again(mail)])
        log.warning("mail.failed", kind=claimed.mail.kind, attempt=claimed.attempt, error=error.code, given_up=last)


def _outcome(error: MailError, *, tired: bool) -> str:
    """What a try that failed is counted as; `tired`: there is none after it."""
    if not error.retryable:
        return "refused"
    return "given_up" if tired else "ambiguous" if error.ambiguous else "deferred"


def back_off(attempt: int, *, chance: float) -> timedelta:
    """How long to wait after this many attempts: one second, doubling to a quarter of an hour, half of it by chance."""
    return jittered(doubled(_FIRST_WAIT, _LONGEST_WAIT, attempt - 1), chance)


def _again(mail: Mail, wait: timedelta | None = None) -> Enqueued:
    """The mail's job once more; after as long as it has been tried, unless there is something to wait for."""
    return Enqueued(Job.SEND_MAIL, mail.account_id, mail.id, delay=wait or _until_next_try(mail))


def _until_next_try(mail: Mail) -> timedelta:
    return back_off(max(mail.attempts, 1), chance=random.random())  # noqa: S311 - jitter


async def _wait(session: AsyncSession, mail: Mail, now: datetime) -> timedelta | None:
    """How long others keep the mail from being sent: who is sending it, or one that goes before it; None: nobody."""
    if mail.lease_until is not None and mail.lease_until > now:
        return mail.lease_until - now + timedelta(seconds=1)
    earlier = await _earlier(session, mail)
    return _until_next_try(earlier[0]) if earlier else None


async def _earlier(session: AsyncSession, mail: Mail) -> Sequence[Mail]:
    """What waits to be told to the same reader of the same thing, and was written before; the oldest first."""
    query = select(Mail).where(
        Mail.account_id == mail.account_id,
        Mail.subject_id == mail.subject_id,
        _to_the_same(mail),
        Mail.status == "queued",
        tuple_(Mail.created_at, Mail.id) < (mail.created_at, mail.id),
    )
    return (await session.scalars(query.order_by(Mail.created_at, Mail.id))).all()


def _to_the_same(mail: Mail) -> ColumnElement[bool]:
    """To its reader, however their address is spelt."""
    return Mail.reader == mail.to_email.lower()


def _as_of(content: Content, now: datetime) -> Content:
    """The letter as it is still true: to what is over nobody is invited, and no link to it will come."""
    if not isinstance(content, AppointmentLetter) or content.occasion not in _OF_WHAT_IS_BOOKED:
        return content
    return replace(content, invite=None, video=False) if content.ends_at <= now else content


async def _with_video(session: AsyncSession, mail: Mail, content: Content, now: datetime) -> Content | None:
    """The letter with the link of its video call, which the provider makes; None: that is about to happen."""
    if not isinstance(content, AppointmentLetter) or content.occasion not in _OF_WHAT_IS_BOOKED:
        return content
    if not content.video or content.location is not None:
        return content
    found = await session.execute(
        select(CalendarWrite.video_url, CalendarWrite.written_seq < CalendarWrite.desired_seq, CalendarWrite.status)
        .where(CalendarWrite.booking_id == mail.subject_id)
    )  # fmt: skip
    url, unwritten, status = found.one_or_none() or (None, False, None)
    if url is None:
        if status not in {"failed", None} and now - mail.created_at < _WAITS_FOR_VIDEO:
            return None
        return content if unwritten else replace(content, video=False)  # the event stands, and its provider made none
    invite = None if content.invite is None else replace(content.invite, location=url)
    return replace(content, location=url, invite=invite)


async def _why_not(session: AsyncSession, mail: Mail, content: Content, now: datetime) -> str | None:
    """Why the mail shall not be sent at all; None: it shall."""
    if not mail.to_email:
        return "recipient_erased"
    if await _has_enough(session, mail, now):
        return "recipient_limit"
    return "out_of_date" if await _is_out_of_date(session, mail.subject_id, content, now) else None


async def _is_out_of_date(session: AsyncSession, subject_id: UUID, content: Content, now: datetime) -> bool:
    """Whether it reminds of a meeting that has begun while the mail waited, or that was moved or cancelled; or asks
    somebody to one that is over, or tells them that it takes place.
    """
    if not isinstance(content, AppointmentLetter):
        return False
    if content.occasion is not Occasion.REMINDER:
        asks = content.occasion in _OF_WHAT_IS_BOOKED and content.reader is Reader.GUEST
        return content.ends_at <= now and (asks or content.occasion is Occasion.RESTORED)
    begins = await session.scalar(
        select(Booking.starts_at).where(Booking.id == subject_id, Booking.status == "confirmed")
    )
    return begins is None or begins != content.starts_at or begins <= now


async def _has_enough(session: AsyncSession, mail: Mail, now: datetime) -> bool:
    """Whether a stranger got so many within a day that somebody must be misusing a page; hosts chose to be told."""
    if not mail.kind.endswith(_STRANGERS):
        return False
    sent = await session.scalar(
        select(func.count()).where(
            _to_the_same(mail),
            Mail.sent_at > now - timedelta(days=1),
            or_(*(Mail.kind.endswith(reader, autoescape=True) for reader in _STRANGERS)),
        )
    )
    return (sent or 0) >= MOST_A_DAY


async def _lock(session: AsyncSession, mail_id: UUID) -> Mail | None:
    mail: Mail | None = await session.scalar(select(Mail).where(Mail.id == mail_id).with_for_update())
    return mail
