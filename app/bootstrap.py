"""The composition root: everything the service is made of, opened and closed in one place.

The one rule: nothing else constructs a dependency; main, worker and tests take them from here.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.accounts.entitlements import Entitlement
from app.accounts.tokens import TokenVerifier
from app.addresses import Guard
from app.bare import open_bare_pool
from app.bookings.book import BookingDesk
from app.bookings.change import BookingChanges
from app.bookings.drift_effects import DriftEffects
from app.bookings.following import BookingFollower
from app.bookings.live_check import LiveCheck
from app.bookings.post import BookingPost
from app.bookings.reconnect import ConnectionReady
from app.bookings.resolving import DriftResolver
from app.bookings.tokens import BookingTokens
from app.calendar import Clock, ProviderName, utc_now
from app.calendar_writes.writer import EventWriter
from app.connections.access import CalendarAccess
from app.connections.authorization import Authorizations
from app.connections.credentials import CredentialConnections
from app.connections.jobs import ConnectionCloser
from app.connections.overview import Overview
from app.connections.refresh import CalendarRefresher
from app.crm.contacts import Contacts
from app.crm.following import MeetingFollower
from app.crm.matching import Matching
from app.crm.meetings import Meetings
from app.crm.recording import BookingRecorder, WriteRecorder
from app.crm.task_following import TaskFollower, TaskRecorder
from app.crm.task_placing import TaskPlacer
from app.crm.tasks import Tasks
from app.database import create_engine, create_sessions
from app.events.courier import Courier
from app.events.endpoints import WebhookEndpoints
from app.events.lanes import Lanes
from app.events.posting import DEADLINE_SECONDS, WebhookPost
from app.events.pruning import Pruner
from app.events.reading import FeedReader
from app.events.sequencer import Sequencer
from app.events.signals import FeedSignals
from app.events.trial import WebhookTrial
from app.http import HttpClient
from app.outbound.delivery import MailDelivery
from app.outbound.links import Links
from app.outbound.mailer import Mailer
from app.providers.base import Provider
from app.providers.registry import open_providers
from app.scheduling.public import PublicPages
from app.scheduling.reader import PageReader
from app.scheduling.settings import SettingsEditor
from app.settings import Settings
from app.sync.engine import SyncEngine
from app.sync.following import Follower
from app.sync.people import AddressBook
from app.sync.signals import SignalInbox
from app.sync.watches import Watcher
from app.vault import Vault

_BOOKING_CONNECTIONS = 10
"""Visitors wait for each other here, under a host's lock, and nobody else for them."""


@dataclass(frozen=True, slots=True)
class Services:
    """What routers and jobs may use."""

    settings: Settings
    clock: Clock
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    verifier: TokenVerifier
    providers: dict[ProviderName, Provider]
    overview: Overview
    authorizations: Authorizations
    credentials: CredentialConnections
    settings_editor: SettingsEditor
    pages: PublicPages
    links: Links
    tokens: BookingTokens
    desk: BookingDesk
    changes: BookingChanges
    sync: SyncEngine
    watcher: Watcher
    signals: SignalInbox
    writer: EventWriter
    mail: MailDelivery
    closer: ConnectionCloser
    refresher: CalendarRefresher
    connection_ready: ConnectionReady
    booking_follower: BookingFollower
    drift: DriftResolver
    contacts: Contacts
    meetings: Meetings
    meeting_follower: MeetingFollower
    matching: Matching
    booking_recorder: BookingRecorder
    write_recorder: WriteRecorder
    tasks: Tasks
    task_placer: TaskPlacer
    task_follower: TaskFollower
    task_recorder: TaskRecorder
    feed: FeedReader
    sequencer: Sequencer
    pruner: Pruner
    webhooks: WebhookEndpoints
    courier: Courier
    webhook_trial: WebhookTrial

    async def record_write(self, account_id: UUID, write_id: UUID) -> None:
        """Runs `record_write`: whatever the event is the event of shows what became of it."""
        await self.write_recorder.run(account_id, write_id)
        await self.task_recorder.run(account_id, write_id)


@asynccontextmanager
async def open_services(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Services]:
    """Everything, opened; closed again at the end, in the opposite order."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        engine = create_engine(url, pool_size=settings.database_pool_size)
        stack.push_async_callback(engine.dispose)
        reads = await stack.enter_async_context(open_bare_pool(url, name="reads", size=settings.database_pool_size))
        writes = await stack.enter_async_context(open_bare_pool(url, name="bookings", size=_BOOKING_CONNECTIONS))
        http = await stack.enter_async_context(HttpClient())
        providers = await stack.enter_async_context(open_providers(settings, clock))
        signals = await stack.enter_async_context(FeedSignals(url))
        guard = Guard(settings.webhook_allowed_hosts)
        outside = await stack.enter_async_context(HttpClient(timeout_seconds=DEADLINE_SECONDS, guard=guard))
        events = _events(settings, clock, engine, outside, signals)
        yield _assemble(settings, clock, engine, http, providers, events=events, reads=reads, bookings=writes)


def _assemble(
    settings: Settings,
    clock: Clock,
    engine: AsyncEngine,
    http: HttpClient,
    providers: dict[ProviderName, Provider],
    *,
    events: "_Events",
    reads: asyncpg.Pool,
    bookings: asyncpg.Pool,
) -> Services:
    sessions, vault, reader = create_sessions(engine), Vault(settings.master_keys), PageReader(reads)
    access, people = CalendarAccess(sessions, vault, providers, clock), AddressBook(vault)
    links, tokens = Links(settings.booking_base_url), BookingTokens(settings.signing_key)
    post = BookingPost(links, providers, sender=settings.mail_from)
    live = _live_check(settings, sessions, access, clock)
    overview = Overview(providers, task_sync_seat=Entitlement("task_sync", tuple(settings.task_sync_tiers)))
    meetings_url_seat = Entitlement("meetings_url", tuple(settings.meetings_url_tiers))
    effects, follower = DriftEffects(post, clock), Follower(sessions, access, clock)
    booking_follower = BookingFollower(follower, effects, providers, clock)
    horizon = settings.sync_horizon_days
    writer = EventWriter(sessions, access, clock, horizon_days=horizon)
    return Services(
        settings=settings,
        clock=clock,
        engine=engine,
        sessions=sessions,
        verifier=TokenVerifier(http, jwks_url=settings.jwks_url, issuer=settings.issuer, audience=settings.audience),
        providers=providers,
        overview=overview,
        authorizations=Authorizations(
            sessions, vault, providers, clock, public_url=settings.public_url, **_connecting(settings)
        ),
        credentials=CredentialConnections(sessions, vault, providers, clock, **_connecting(settings)),
        settings_editor=SettingsEditor(overview, clock, meetings_url_seat=meetings_url_seat),
        pages=PublicPages(reader),
        links=links,
        tokens=tokens,
        desk=BookingDesk(sessions, bookings, reader, live, post, tokens=tokens, providers=providers, clock=clock),
        changes=BookingChanges(sessions, live, post, providers, clock),
        sync=SyncEngine(
            sessions,
            access,
            people,
            clock,
            horizon_days=horizon,
            poll_seconds=settings.sync_poll_seconds,
            push_poll_seconds=settings.push_poll_seconds,
        ),
        watcher=Watcher(sessions, access, clock, push_url=settings.push_url),
        signals=SignalInbox(sessions, clock),
        writer=writer,
        mail=_mail(settings, sessions, clock, links, tokens),
        closer=ConnectionCloser(sessions, vault, providers, access, clock),
        refresher=CalendarRefresher(sessions, access, clock),
        connection_ready=ConnectionReady(sessions, clock),
        booking_follower=booking_follower,
        drift=DriftResolver(booking_follower, effects, clock),
        **events,
        **_crm(
            sessions,
            access,
            overview,
            people=people,
            follower=follower,
            writer=writer,
            providers=providers,
            clock=clock,
        ),
    )


def _live_check(
    settings: Settings, sessions: async_sessionmaker[AsyncSession], access: CalendarAccess, clock: Clock
) -> LiveCheck:
    return LiveCheck(
        sessions,
        access,
        clock,
        timeout_seconds=settings.live_check_seconds,
        mirror_trusted_seconds=settings.mirror_trusted_seconds,
    )


class _Events(TypedDict):
    """What tells the CRM."""

    feed: FeedReader
    sequencer: Sequencer
    pruner: Pruner
    webhooks: WebhookEndpoints
    courier: Courier
    webhook_trial: WebhookTrial


def _events(
    settings: Settings, clock: Clock, engine: AsyncEngine, outside: HttpClient, signals: FeedSignals
) -> _Events:
    sessions, vault, guard = create_sessions(engine), Vault(settings.master_keys), Guard(settings.webhook_allowed_hosts)
    lanes, post = Lanes(), WebhookPost(outside, clock)
    return _Events(
        feed=FeedReader(sessions, signals),
        sequencer=Sequencer(sessions, clock),
        pruner=Pruner(sessions, clock, retention_days=settings.event_retention_days),
        webhooks=WebhookEndpoints(vault, guard, clock),
        courier=Courier(sessions, vault, post, lanes, clock),
        webhook_trial=WebhookTrial(sessions, vault, post, lanes, clock),
    )


class _Crm(TypedDict):
    """What keeps calendars and the CRM in step."""

    contacts: Contacts
    meetings: Meetings
    meeting_follower: MeetingFollower
    matching: Matching
    booking_recorder: BookingRecorder
    write_recorder: WriteRecorder
    tasks: Tasks
    task_placer: TaskPlacer
    task_follower: TaskFollower
    task_recorder: TaskRecorder


def _crm(
    sessions: async_sessionmaker[AsyncSession],
    access: CalendarAccess,
    overview: Overview,
    *,
    people: AddressBook,
    follower: Follower,
    writer: EventWriter,
    providers: dict[ProviderName, Provider],
    clock: Clock,
) -> _Crm:
    recorder, placer = WriteRecorder(sessions, clock), TaskPlacer(sessions, access, overview, clock)
    return _Crm(
        contacts=Contacts(people, clock),
        meetings=Meetings(sessions, overview, writer, recorder, clock, people=people),
        meeting_follower=MeetingFollower(follower, people, providers, clock),
        matching=Matching(sessions, clock),
        booking_recorder=BookingRecorder(sessions, people, clock),
        write_recorder=recorder,
        tasks=Tasks(overview, clock),
        task_placer=placer,
        task_follower=TaskFollower(follower, providers, clock),
        task_recorder=TaskRecorder(sessions, placer),
    )


class _Connecting(TypedDict):
    """What every way to connect obeys."""

    return_urls: Sequence[str]
    mobile_seat: Entitlement


def _connecting(settings: Settings) -> _Connecting:
    seat = Entitlement("mobile_connect", tuple(settings.task_sync_tiers))
    return _Connecting(return_urls=settings.return_urls, mobile_seat=seat)


def _mail(
    settings: Settings,
    sessions: async_sessionmaker[AsyncSession],
    clock: Clock,
    links: Links,
    tokens: BookingTokens,
) -> MailDelivery:
    return MailDelivery(
        sessions,
        _mailer(settings),
        clock,
        booking_url=lambda booking_id, action: links.booking(booking_id, tokens.token(booking_id), action),
        settings_url=links.calendar_settings(),
    )


def _mailer(settings: Settings) -> Mailer:
    password = settings.smtp_password
    return Mailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        start_tls=settings.smtp_start_tls,
        sender=settings.mail_from,
    )
