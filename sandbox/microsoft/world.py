"""Everything the simulated Microsoft cloud remembers: people, calendars, events, change logs. No HTTP.

The one rule: every change to an event goes through `MicrosoftWorld.commit`, which numbers it, stamps it and logs it; a
delta token is a position in that log.
"""

import base64
import hashlib
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from sandbox.clock import Clock
from sandbox.faults import FaultPlan
from sandbox.ledger import ActorKind, Journal, LedgerEntry, Mail, Operation, RequestRecord
from sandbox.microsoft.attachments import Attachment
from sandbox.microsoft.grants import Grants
from sandbox.microsoft.ids import default_group, folder_id, guid_of, read_event_id, token_of
from sandbox.microsoft.knobs import Knobs
from sandbox.microsoft.subscriptions import ChangeType, Subscriptions, Touch
from sandbox.microsoft.times import Json, Span

Role = Literal[
    "none",
    "freeBusyRead",
    "limitedRead",
    "read",
    "write",
    "delegateWithoutPrivateEventAccess",
    "delegateWithPrivateEventAccess",
    "owner",
]
ROLES: tuple[Role, ...] = (
    "none",
    "freeBusyRead",
    "limitedRead",
    "read",
    "write",
    "delegateWithoutPrivateEventAccess",
    "delegateWithPrivateEventAccess",
    "owner",
)
# All people with a Microsoft account of their own are in this tenant.
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
# The categories of a new mailbox.
_CATEGORIES: tuple[Json, ...] = tuple(
    {"id": guid_of(name), "displayName": f"{name} category", "color": f"preset{number}"}
    for name, number in (("Red", 0), ("Orange", 1), ("Yellow", 3), ("Green", 4), ("Blue", 7), ("Purple", 8))
)
_CHANGES: Mapping[Operation, ChangeType] = {"insert": "created", "update": "updated", "delete": "deleted"}


def rank(role: Role) -> int:
    """Roles in the order of what they allow."""
    return ROLES.index(role)


@dataclass(frozen=True)
class Actor:
    """Who changes something: a client through the API, or the person in Outlook."""

    account: str
    kind: ActorKind
    request_id: str | None = None


@dataclass
class Deviation:
    """How one occurrence differs from its series: some fields, and its span if it was moved.

    An extension or attachment that is None is the series' and was deleted here.
    """

    fields: Json = field(default_factory=dict)
    span: Span | None = None
    properties: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    extensions: dict[str, Json | None] = field(default_factory=dict)
    attachments: dict[str, Attachment | None] = field(default_factory=dict)


@dataclass
class Item:
    """An event or a series in one mailbox. `fields` is Graph's resource without what depends on the reader.

    `deviations` and `cancelled` are those of a series, by the day of the occurrence. `uid` is the same in the mailboxes
    of all who take part. `intended_show_as` is what the time becomes once an invitation is accepted.
    """

    token: bytes
    uid: str
    fields: Json
    span: Span
    created: datetime
    modified: datetime
    recurrence: Json | None = None
    deviations: dict[date, Deviation] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    extensions: dict[str, Json] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    intended_show_as: str = "busy"
    deleted: bool = False
    version: int = 0
    ordinal: int = 0

    @property
    def is_organizer(self) -> bool:
        return bool(self.fields.get("isOrganizer", True))


@dataclass(frozen=True)
class Change:
    """A line of a calendar's log."""

    item: Item
    at: datetime


@dataclass
class Calendar:
    token: bytes
    name: str
    owner: "Account"
    default: bool = False
    color: str = "auto"
    hex_color: str = ""
    deleted: bool = False
    generation: int = 141
    version: int = 1
    access: dict[str, Role] = field(default_factory=dict)
    items: dict[bytes, Item] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)

    def id_for(self, reader: "Account") -> str:
        """A calendar that is shared appears in the other mailbox under an id of that mailbox."""
        return folder_id(reader.mailbox, self.token)

    def role_of(self, account: "Account") -> Role:
        return "owner" if account is self.owner else self.access.get(account.email, "none")


@dataclass
class Group:
    """Calendars that stand together in a person's list; those that are in no other are in the default one."""

    token: bytes
    name: str
    version: int
    default: bool = False


@dataclass(frozen=True)
class Transaction:
    """What a client created under one `transactionId`."""

    fingerprint: str
    calendar: Calendar
    item: Item


@dataclass
class Upload:
    """A big file on its way to an event; `described` is what its session was opened with."""

    calendar: Calendar
    item: Item
    day: date | None
    described: Json
    expires_at: datetime
    actor: Actor
    content: bytearray = field(default_factory=bytearray)

    @property
    def item_size(self) -> int:
        return int(self.described["size"])


@dataclass
class Account:
    """A person with a mailbox. `work` is False for a personal Microsoft account."""

    email: str
    name: str
    time_zone: str
    work: bool
    tenant: str
    oid: str
    mailbox: str
    listed: list[Calendar] = field(default_factory=list)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    in_flight: int = 0
    recent: deque[float] = field(default_factory=deque)
    groups: list[Group] = field(default_factory=list)
    grouped: dict[bytes, bytes] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    categories: list[Json] = field(default_factory=lambda: [dict(each) for each in _CATEGORIES])

    @property
    def default(self) -> Calendar:
        return next(calendar for calendar in self.listed if calendar.default and calendar.owner is self)

    def group_of(self, calendar: Calendar) -> Group:
        """`grouped` holds the calendars that are in a group of the person's own making."""
        token = self.grouped.get(calendar.token)
        return next((each for each in self.groups if each.token == token), self.groups[0])

    @property
    def calendars(self) -> list[Calendar]:
        """What the person sees: own calendars and those others share."""
        return [calendar for calendar in self.listed if not calendar.deleted and calendar.role_of(self) != "none"]


class MicrosoftWorld:
    """The state shared by the simulator and its control API. One event loop, so no locks."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.secret = secrets.token_bytes(32)
        self.faults = FaultPlan()
        self.ledger: Journal[LedgerEntry] = Journal()
        self.requests: Journal[RequestRecord] = Journal()
        self.outbox: Journal[Mail] = Journal()
        self.subscriptions = Subscriptions(clock, lambda: self.knobs)
        self.reset()

    def reset(self) -> None:
        """Forget everything; also undo the clock, the knobs and the faults."""
        self.accounts: dict[str, Account] = {}
        self.knobs = Knobs()
        self.grants = Grants(self.clock, self.knobs)
        self.closed_tenants: set[str] = set()
        self.uploads: dict[str, Upload] = {}
        self._version = 0
        self._ordinal = 0
        self.faults.clear()
        self.subscriptions.reset()
        self.clock.reset()
        for journal in (self.ledger, self.requests, self.outbox):
            journal.clear()

    async def aclose(self) -> None:
        """End all notifications under way; whoever serves the world calls it at the end."""
        await self.subscriptions.courier.aclose()

    # people and calendars -----------------------------------------------------------------

    def create_account(self, email: str, *, name: str, time_zone: str, work: bool = True) -> Account:
        email = email.lower()
        domain = email.partition("@")[2]
        account = Account(
            email=email,
            name=name,
            time_zone=time_zone,
            work=work,
            tenant=guid_of(domain) if work else CONSUMERS,
            oid=guid_of(f"{email} oid"),
            mailbox=guid_of(f"{email} mailbox"),
        )
        self.accounts[email] = account
        self.create_calendar(account, name="Calendar", default=True)
        account.groups.append(Group(default_group(account.mailbox), "My Calendars", 1, default=True))
        return account

    def create_calendar(self, owner: Account, *, name: str, default: bool = False, color: str = "auto") -> Calendar:
        number = sum(calendar.owner is owner for calendar in owner.listed)
        calendar = Calendar(token_of(f"{owner.email} {name} {number}"), name, owner, default=default, color=color)
        calendar.version = self.next_version()
        owner.listed.append(calendar)
        return calendar

    def share(self, calendar: Calendar, account: Account, role: Role) -> None:
        """Set somebody's role. A change of access ends the delta tokens of the calendar."""
        calendar.access[account.email] = role
        if calendar not in account.listed and role != "none":
            account.listed.append(calendar)
        calendar.generation += 1

    def find_account(self, user: str) -> Account | None:
        """By address or by object id."""
        found = self.accounts.get(user.lower())
        return found or next((each for each in self.accounts.values() if each.oid == user.lower()), None)

    # events -------------------------------------------------------------------------------

    def next_version(self) -> int:
        self._version += 1
        return self._version

    def new_token(self) -> bytes:
        return secrets.token_bytes(16)

    def place(self, calendar: Calendar, item: Item) -> None:
        """Put an item that is new to it on a calendar."""
        self._ordinal += 1
        item.ordinal = self._ordinal
        calendar.items[item.token] = item

    def commit(
        self,
        calendar: Calendar,
        item: Item,
        operation: Operation,
        actor: Actor,
        *,
        event_id: str,
        changed: tuple[str, ...] = (),
    ) -> None:
        """Stamp an item and write the change log and the ledger."""
        now = self.clock.now()
        item.version = self.next_version()
        item.modified = now
        if item.token not in calendar.items:
            self.place(calendar, item)
        calendar.changes.append(Change(item, now))
        if self.subscriptions.watch(calendar.owner.email):
            self._announce(calendar, item, operation, event_id)
        key: dict[str, str] = dict(item.properties)
        if item.fields.get("transactionId"):
            key["transactionId"] = item.fields["transactionId"]
        self.ledger.append(
            lambda seq: LedgerEntry(
                seq=seq,
                at=now,
                actor=actor.kind,
                operation=operation,
                account=actor.account,
                calendar=calendar.id_for(calendar.owner),
                event_id=event_id,
                key=key,
                request_id=actor.request_id,
                fields=changed,
            )
        )

    def _announce(self, calendar: Calendar, item: Item, operation: Operation, event_id: str) -> None:
        """Tell the subscriptions. An occurrence that goes is an update of its series: the item stays."""
        where = read_event_id(event_id)
        assert where is not None
        occurrence_gone = operation == "delete" and where.day is not None
        change: ChangeType = "updated" if occurrence_gone else _CHANGES[operation]
        day = None if occurrence_gone else where.day
        etag = etag_of(calendar.owner.mailbox, item.version)
        self.subscriptions.changed(calendar.owner.email, Touch(change, replace(where, day=day), calendar.token, etag))


def change_key(mailbox: str, version: int) -> str:
    """Exchange's change key: the mailbox's replica and a growing number."""
    replica = hashlib.sha256(mailbox.encode()).digest()[:16]
    return base64.b64encode(replica + version.to_bytes(6, "big")).decode()


def etag_of(mailbox: str, version: int) -> str:
    return f'W/"{change_key(mailbox, version)}"'
