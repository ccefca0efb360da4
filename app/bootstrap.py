"""The composition root: everything the service is made of, opened and closed in one place.

The one rule: what API and worker have in common is opened here and nowhere else, and `wiring` puts the features
together from it; main, worker and tests take both from here. The worker's queue, and a command that runs alone, open
what only they need.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app import wiring
from app.accounts.audit_seals import AuditSeals
from app.accounts.tokens import TokenVerifier
from app.addresses import Guard
from app.bare import open_bare_pool
from app.bookings.blocked import BlockedAttempts
from app.bookings.book import BookingDesk
from app.bookings.change import BookingChanges
from app.bookings.connection_ready import ConnectionReady
from app.bookings.drift.following import BookingFollower
from app.bookings.drift.resolving import DriftResolver
from app.bookings.holds import SlotHolds
from app.bookings.reminders import Reminders
from app.bookings.requests.answering import MeetingRequests
from app.bookings.requests.confirming import RequestConfirmer
from app.bookings.requests.expiry import RequestExpiry
from app.bookings.tokens import BookingTokens
from app.calendar import Clock, ProviderName, utc_now
from app.calendar_writes.writer import EventWriter
from app.connections.authorization import Authorizations
from app.connections.closing import ConnectionCloser
from app.connections.credentials import CredentialConnections
from app.connections.overview import Overview
from app.connections.refresh import CalendarRefresher
from app.crm.contacts import Contacts
from app.crm.following import MeetingFollower
from app.crm.matching import Matching
from app.crm.meetings import Meetings
from app.crm.recording import BookingRecorder
from app.crm.task_following import TaskFollower
from app.crm.task_placing import TaskPlacer
from app.crm.tasks import Tasks
from app.crm.write_recording import WriteRecorder
from app.database import create_engine, create_sessions
from app.events.courier import Courier
from app.events.endpoints import WebhookEndpoints
from app.events.posting import DEADLINE_SECONDS
from app.events.pruning import Pruner
from app.events.reading import FeedReader
from app.events.sequencer import Sequencer
from app.events.signals import FeedSignals
from app.events.trial import WebhookTrial
from app.http import HttpClient
from app.outbound.delivery import MailDelivery
from app.outbound.links import Links
from app.privacy.account_erasure import AccountErasures
from app.privacy.account_export import AccountExports
from app.privacy.contact_erasure import ContactErasures
from app.privacy.contact_export import ContactExports
from app.providers.base import Provider
from app.providers.registry import open_providers
from app.readiness import Readiness
from app.scheduling.availability_calendars import CalendarRecheck
from app.scheduling.domains.checks import DomainChecks
from app.scheduling.domains.service import Domains
from app.scheduling.prefill import Prefill
from app.scheduling.proposals.service import TimeProposals
from app.scheduling.public import PublicPages
from app.scheduling.reader import PageReader
from app.scheduling.settings import SettingsEditor
from app.scheduling.team import Team
from app.settings import Settings
from app.sync.changes import Follow, Topic
from app.sync.engine import SyncEngine
from app.sync.signals import SignalInbox
from app.sync.stock import StockTaker
from app.sync.watches import Watcher
from app.telemetry.holdings import tell_holdings

_BOOKING_CONNECTIONS = 10
"""Visitors wait for each other here, under a host's lock, and nobody else for them."""


@dataclass(frozen=True, slots=True)
class Services:
    """What routers and jobs may use."""

    settings: Settings
    clock: Clock
    engine: AsyncEngine
    readiness: Readiness
    sessions: async_sessionmaker[AsyncSession]
    verifier: TokenVerifier
    providers: dict[ProviderName, Provider]
    overview: Overview
    authorizations: Authorizations
    credentials: CredentialConnections
    settings_editor: SettingsEditor
    domains: Domains
    domain_checks: DomainChecks
    domain_target: str
    """The host that custom domains point at."""
    team: Team
    pages: PublicPages
    proposals: TimeProposals
    prefill: Prefill
    links: Links
    tokens: BookingTokens
    desk: BookingDesk
    blocked_attempts: BlockedAttempts
    requests: MeetingRequests
    request_expiry: RequestExpiry
    request_confirmer: RequestConfirmer
    reminders: Reminders
    recheck: CalendarRecheck
    holds: SlotHolds
    changes: BookingChanges
    followers: dict[Topic, Follow]
    sync: SyncEngine
    watcher: Watcher
    signals: SignalInbox
    stock: StockTaker
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
    feed: FeedReader
    sequencer: Sequencer
    audit_seals: AuditSeals
    pruner: Pruner
    webhooks: WebhookEndpoints
    courier: Courier
    webhook_trial: WebhookTrial
    account_exports: AccountExports
    account_erasures: AccountErasures
    contact_exports: ContactExports
    contact_erasures: ContactErasures

    @property
    def fixed_providers(self) -> frozenset[str]:
        """Those whose events cannot be changed from here (R24)."""
        return frozenset(name for name, provider in self.providers.items() if not provider.features.event_update)

    @property
    def video_providers(self) -> frozenset[str]:
        """Those that make the link of a video call (R56)."""
        return frozenset(name for name, provider in self.providers.items() if provider.features.video)


@asynccontextmanager
async def open_services(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Services]:
    """Everything, opened; closed again at the end, in the opposite order."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        engine = create_engine(url, pool_size=settings.database_pool_size)
        stack.push_async_callback(engine.dispose)
        reads = await stack.enter_async_context(open_bare_pool(url, name="reads", size=settings.database_pool_size))
        writes = await stack.enter_async_context(open_bare_pool(url, name="bookings", size=_BOOKING_CONNECTIONS))
        stack.enter_context(tell_holdings(engine, reads=reads, bookings=writes))
        http = await stack.enter_async_context(HttpClient())
        providers = await stack.enter_async_context(open_providers(settings, clock))
        signals = await stack.enter_async_context(FeedSignals(url))
        guard = Guard(settings.webhook_allowed_hosts)
        outside = await stack.enter_async_context(HttpClient(timeout_seconds=DEADLINE_SECONDS, guard=guard))
        ground, reader = wiring.ground(settings, clock, create_sessions(engine), providers), PageReader(reads)
        pages, crm = wiring.pages(ground, reader), wiring.crm(ground)
        booking = wiring.booking(ground, pages["links"], reader, writes)
        yield Services(
            settings=settings,
            clock=clock,
            engine=engine,
            readiness=await stack.enter_async_context(Readiness(url)),
            sessions=ground.sessions,
            verifier=TokenVerifier(
                http, jwks_url=settings.jwks_url, issuer=settings.issuer, audience=settings.audience
            ),
            providers=providers,
            overview=ground.overview,
            writer=ground.writer,
            stock=await stack.enter_async_context(aclosing(StockTaker(url, ground.sessions, clock))),
            **wiring.connections(ground),
            **wiring.sync(ground, wiring.followers(booking, crm)),
            **pages,
            **booking,
            **crm,
            **wiring.events(ground, guard, outside, signals),
            **wiring.privacy(ground, crm["contacts"]),
        )
