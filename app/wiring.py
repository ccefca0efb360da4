"""How the parts of the service are put together, group by group.

The one rule: a group is made from the ground and from groups before it, and nothing here is opened or started.
"""

from dataclasses import dataclass
from typing import TypedDict
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.audit_seals import AuditSeals
from app.accounts.entitlements import Entitlement
from app.addresses import Guard
from app.bookings.blocked import BlockedAttempts
from app.bookings.blocked_post import BlockedPost
from app.bookings.book import BookingDesk
from app.bookings.change import BookingChanges
from app.bookings.connection_ready import ConnectionReady
from app.bookings.drift.effects import DriftEffects
from app.bookings.drift.following import BookingFollower
from app.bookings.drift.resolving import DriftResolver
from app.bookings.holds import SlotHolds
from app.bookings.host_queues import HostQueues
from app.bookings.live_check import LiveCheck
from app.bookings.post import BookingPost
from app.bookings.reminders import Reminders
from app.bookings.requests.answering import MeetingRequests
from app.bookings.requests.confirming import RequestConfirmer
from app.bookings.requests.expiry import RequestExpiry
from app.bookings.tokens import BookingTokens
from app.calendar import Clock, ProviderName
from app.calendar_writes.writer import EventWriter
from app.connections.access import CalendarAccess
from app.connections.authorization import Authorizations
from app.connections.closing import ConnectionCloser
from app.connections.credentials import CredentialConnections
from app.connections.overview import Overview
from app.connections.refresh import CalendarRefresher
from app.crm.contacts import Contacts
from app.crm.following import MeetingFollower
from app.crm.leaving import remember_events
from app.crm.matching import Matching
from app.crm.meetings import Meetings
from app.crm.permits import CrmPermits
from app.crm.recording import BookingRecorder, MeetingRecorder
from app.crm.task_following import TaskFollower, TaskRecorder
from app.crm.task_placing import TaskPlacer
from app.crm.tasks import Tasks
from app.crm.write_recording import WriteRecorder
from app.events.courier import Courier
from app.events.endpoints import WebhookEndpoints
from app.events.lanes import Lanes
from app.events.posting import WebhookPost
from app.events.pruning import Pruner
from app.events.reading import FeedReader
from app.events.sequencer import Sequencer
from app.events.signals import FeedSignals
from app.events.trial import WebhookTrial
from app.http import HttpClient
from app.outbound.delivery import MailDelivery
from app.outbound.links import Links
from app.outbound.mailer import Mailer
from app.privacy.account_erasure import AccountErasures
from app.privacy.account_export import AccountExports
from app.privacy.contact_erasure import ContactErasures, forget_late
from app.privacy.contact_export import ContactExports
from app.privacy.retention import FORGOTTEN
from app.providers.base import Provider
from app.scheduling.availability_calendars import CalendarRecheck
from app.scheduling.domains.checks import DomainChecks
from app.scheduling.domains.service import Domains
from app.scheduling.domains.verification import DomainProver
from app.scheduling.prefill import Prefill
from app.scheduling.proposals.service import TimeProposals
from app.scheduling.public import PublicPages
from app.scheduling.reader import PageReader
from app.scheduling.settings import Allowed, SettingsEditor
from app.scheduling.team import Team
from app.settings import Settings
from app.sync.changes import Follow, Topic
from app.sync.engine import SyncEngine
from app.sync.following import Follower
from app.sync.people import AddressBook
from app.sync.signals import SignalInbox
from app.sync.watches import Watcher
from app.vault import Vault


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else stands on."""

    settings: Settings
    clock: Clock
    sessions: async_sessionmaker[AsyncSession]
    vault: Vault
    providers: dict[ProviderName, Provider]
    access: CalendarAccess
    overview: Overview
    people: AddressBook
    sequencer: Sequencer
    follower: Follower
    writer: EventWriter


def ground(
    settings: Settings,
    clock: Clock,
    sessions: async_sessionmaker[AsyncSession],
    providers: dict[ProviderName, Provider],
) -> Ground:
    vault = Vault(settings.master_keys)
    access, sequencer = CalendarAccess(sessions, vault, providers, clock), Sequencer(sessions, clock)
    overview = Overview(providers, task_sync_seat=Entitlement("task_sync", tuple(settings.task_sync_tiers)))
    return Ground(
        settings=settings,
        clock=clock,
        sessions=sessions,
        vault=vault,
        providers=providers,
        access=access,
        overview=overview,
        people=AddressBook(vault),
        sequencer=sequencer,
        follower=Follower(sessions, access, sequencer, clock),
        writer=EventWriter(sessions, access, clock, CrmPermits(overview), horizon_days=settings.sync_horizon_days),
    )


class Connections(TypedDict):
    """What makes, heals and ends connections."""

    authorizations: Authorizations
    credentials: CredentialConnections
    closer: ConnectionCloser
    refresher: CalendarRefresher
    recheck: CalendarRecheck


def connections(on: Ground) -> Connections:
    urls, seat = on.settings.return_urls, Entitlement("mobile_connect", tuple(on.settings.mobile_connect_tiers))
    refresher = CalendarRefresher(on.sessions, on.access, on.clock)
    return Connections(
        authorizations=Authorizations(
            on.sessions,
            on.vault,
            on.providers,
            on.clock,
            public_url=on.settings.public_url,
            return_urls=urls,
            mobile_seat=seat,
        ),
        credentials=CredentialConnections(
            on.sessions, on.vault, on.providers, on.clock, return_urls=urls, mobile_seat=seat
        ),
        closer=ConnectionCloser(on.sessions, on.vault, on.providers, on.access, on.clock, remember=remember_events),
        refresher=refresher,
        recheck=CalendarRecheck(on.sessions, refresher),
    )


def followers(booking: "Booking", crm: "Crm") -> dict[Topic, Follow]:
    return {
        Topic.BOOKING: booking["booking_follower"].run,
        Topic.MEETING: crm["meeting_follower"].run,
        Topic.TASK: crm["task_follower"].run,
    }


class Sync(TypedDict):
    """What keeps the mirrors true."""

    followers: dict[Topic, Follow]
    sync: SyncEngine
    watcher: Watcher
    signals: SignalInbox


def sync(on: Ground, followers: dict[Topic, Follow]) -> Sync:
    return Sync(
        followers=followers,
        sync=SyncEngine(
            on.sessions,
            on.access,
            on.people,
            on.clock,
            horizon_days=on.settings.sync_horizon_days,
            poll_seconds=on.settings.sync_poll_seconds,
            push_poll_seconds=on.settings.push_poll_seconds,
            followers=followers,
        ),
        watcher=Watcher(on.sessions, on.access, on.clock, push_url=on.settings.push_url),
        signals=SignalInbox(on.sessions, on.clock),
    )


class Pages(TypedDict):
    """What pages are made of, and where they are found."""

    settings_editor: SettingsEditor
    domains: Domains
    domain_checks: DomainChecks
    domain_target: str
    team: Team
    pages: PublicPages
    proposals: TimeProposals
    prefill: Prefill
    links: Links


def pages(on: Ground, reader: PageReader) -> Pages:
    links = Links(on.settings.booking_base_url)
    target = on.settings.domain_target or links.host
    prover = DomainProver(on.settings.dns_resolvers, timeout_seconds=on.settings.dns_timeout_seconds, target=target)
    checks = DomainChecks(on.sessions, prover, on.clock, subscription=_allowed(on.settings).custom_domain)
    return Pages(
        settings_editor=SettingsEditor(on.overview, links, on.clock, allowed=_allowed(on.settings)),
        domain_target=target,
        domains=_domains(on, checks, ours={links.host, target}),
        domain_checks=checks,
        team=Team(Entitlement("team_pages", tuple(on.settings.team_pages_tiers))),
        pages=PublicPages(reader, on.clock),
        proposals=TimeProposals(on.overview, on.clock),
        prefill=Prefill(on.vault, on.people, on.clock),
        links=links,
    )


class Booking(TypedDict):
    """What takes bookings, and tells of them."""

    tokens: BookingTokens
    desk: BookingDesk
    blocked_attempts: BlockedAttempts
    requests: MeetingRequests
    request_expiry: RequestExpiry
    request_confirmer: RequestConfirmer
    reminders: Reminders
    holds: SlotHolds
    changes: BookingChanges
    mail: MailDelivery
    connection_ready: ConnectionReady
    booking_follower: BookingFollower
    drift: DriftResolver


def booking(on: Ground, links: Links, reader: PageReader, pool: asyncpg.Pool) -> Booking:
    tokens, queues, clock = BookingTokens(on.settings.signing_key), HostQueues(), on.clock
    post = BookingPost(links, on.providers, sender=on.settings.mail_from)
    live, effects = _live_check(on), DriftEffects(post, clock)
    blocked = BlockedAttempts(on.sessions, reader, BlockedPost(links), clock)
    requests = MeetingRequests(on.sessions, reader, live, post, on.providers, clock=clock, queues=queues)
    follower = BookingFollower(on.sessions, on.follower, effects, on.providers, clock)
    return Booking(
        tokens=tokens,
        desk=BookingDesk(
            on.sessions,
            pool,
            reader,
            live,
            post,
            blocked_attempts=blocked,
            queues=queues,
            tokens=tokens,
            providers=on.providers,
            clock=clock,
        ),
        blocked_attempts=blocked,
        requests=requests,
        request_expiry=RequestExpiry(on.sessions, post, clock),
        request_confirmer=RequestConfirmer(on.sessions, requests, clock),
        reminders=Reminders(on.sessions, post, clock),
        holds=SlotHolds(on.sessions, pool, reader, queues=queues, tokens=tokens, clock=clock),
        changes=BookingChanges(on.sessions, pool, live, post, on.providers, clock=clock, queues=queues),
        mail=_mail(on, links, tokens),
        connection_ready=ConnectionReady(on.sessions, clock),
        booking_follower=follower,
        drift=DriftResolver(follower, effects, clock),
    )


def _allowed(settings: Settings) -> Allowed:
    return Allowed(
        meetings_url=Entitlement("meetings_url", tuple(settings.meetings_url_tiers)),
        default_page=Entitlement("default_page", tuple(settings.default_page_tiers)),
        custom_domain=Entitlement("custom_domain", tuple(settings.custom_domain_tiers)),
    )


def _domains(on: Ground, checks: DomainChecks, *, ours: set[str]) -> Domains:
    public = urlsplit(on.settings.public_url).hostname or ""
    return Domains(checks, on.clock, subscription=_allowed(on.settings).custom_domain, ours=ours | {public} - {""})


def _live_check(on: Ground) -> LiveCheck:
    return LiveCheck(
        on.sessions,
        on.access,
        on.clock,
        timeout_seconds=on.settings.live_check_seconds,
        mirror_trusted_seconds=on.settings.mirror_trusted_seconds,
    )


class Events(TypedDict):
    """What tells the CRM."""

    feed: FeedReader
    sequencer: Sequencer
    audit_seals: AuditSeals
    pruner: Pruner
    webhooks: WebhookEndpoints
    courier: Courier
    webhook_trial: WebhookTrial


def events(on: Ground, guard: Guard, outside: HttpClient, signals: FeedSignals) -> Events:
    lanes, post = Lanes(), WebhookPost(outside, on.clock)
    return Events(
        feed=FeedReader(on.sessions, signals),
        sequencer=on.sequencer,
        audit_seals=AuditSeals(on.sessions, on.clock),
        pruner=Pruner(on.sessions, on.clock, retention_days=on.settings.event_retention_days, also=FORGOTTEN),
        webhooks=WebhookEndpoints(on.vault, guard, on.clock),
        courier=Courier(on.sessions, on.vault, post, lanes, on.clock),
        webhook_trial=WebhookTrial(on.sessions, on.vault, post, lanes, on.clock),
    )


class Crm(TypedDict):
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


def crm(on: Ground) -> Crm:
    recorder = MeetingRecorder(on.sessions, on.clock)
    placer = TaskPlacer(on.sessions, on.access, on.overview, on.clock)
    return Crm(
        contacts=Contacts(on.people, on.clock),
        meetings=Meetings(on.sessions, on.overview, on.writer, recorder, on.clock, people=on.people),
        meeting_follower=MeetingFollower(on.follower, on.people, on.providers, on.clock),
        matching=Matching(on.sessions, on.clock),
        booking_recorder=BookingRecorder(on.sessions, on.people, on.clock, forget=forget_late),
        write_recorder=WriteRecorder(recorder, TaskRecorder(on.sessions, placer)),
        tasks=Tasks(on.overview, on.clock),
        task_placer=placer,
        task_follower=TaskFollower(on.follower, on.overview, on.clock),
    )


class Privacy(TypedDict):
    """What takes out and erases what is held of accounts and of contacts."""

    account_exports: AccountExports
    account_erasures: AccountErasures
    contact_exports: ContactExports
    contact_erasures: ContactErasures


def privacy(on: Ground, contacts: Contacts) -> Privacy:
    return Privacy(
        account_exports=AccountExports(on.sessions, on.vault, on.clock),
        account_erasures=AccountErasures(on.sessions, on.overview, on.clock),
        contact_exports=ContactExports(on.vault, contacts, on.people, on.clock),
        contact_erasures=ContactErasures(contacts, on.people, on.clock),
    )


def _mail(on: Ground, links: Links, tokens: BookingTokens) -> MailDelivery:
    return MailDelivery(
        on.sessions,
        mailer(on.settings),
        on.clock,
        booking_url=lambda booking_id, action: links.booking(booking_id, tokens.token(booking_id), action),
        request_url=lambda request_id, action: links.meeting_request(request_id, tokens.token(request_id), action),
        settings_url=links.calendar_settings(),
    )


def mailer(settings: Settings) -> Mailer:
    password = settings.smtp_password
    return Mailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        start_tls=settings.smtp_start_tls,
        sender=settings.mail_from,
    )
