"""Everything simulated Exchange remembers: mailboxes, folders, items, change logs. No HTTP, no XML.

The one rule: every change to an item goes through `ExchangeWorld.commit`, which numbers it, stamps it and logs it; a
sync state is a position in that log.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.clock import Clock
from sandbox.exchange.absence_settings import OofSettings
from sandbox.exchange.delegate_settings import Delegates
from sandbox.exchange.events import Event, EventKind, EventTable, Subject
from sandbox.exchange.ids import StoreId, change_key
from sandbox.exchange.items import Item, PropertyPath
from sandbox.exchange.knobs import Knobs
from sandbox.exchange.pushing import Pusher
from sandbox.exchange.subscriptions import Subscriptions
from sandbox.exchange.versions import DEFAULT_SERVER, SERVERS, ServerVersion
from sandbox.exchange.zones import Zone, zone_of_iana
from sandbox.faults import FaultPlan
from sandbox.ledger import ActorKind, Journal, LedgerEntry, Mail, Operation, RequestRecord

Level = Literal[
    "None", "FreeBusyTimeOnly", "FreeBusyTimeAndSubjectAndLocation", "Reviewer", "Author", "Editor", "Owner"
]
LEVELS: tuple[Level, ...] = (
    "None",
    "FreeBusyTimeOnly",
    "FreeBusyTimeAndSubjectAndLocation",
    "Reviewer",
    "Author",
    "Editor",
    "Owner",
)
EVERYBODY = "Default"
ChangeKind = Literal["create", "update", "delete"]
_NAMESPACE = uuid.UUID("6f2f1d1e-3c06-4b1b-9d7a-6b7f0a7f5b10")

# The folders of a new mailbox: distinguished name, display name, class, parent.
_FOLDERS = (
    ("root", "", "", None),
    ("msgfolderroot", "Top of Information Store", "IPF.Note", "root"),
    ("searchfolders", "Finder", "IPF.Note", "root"),
    ("calendar", "Calendar", "IPF.Appointment", "msgfolderroot"),
    ("contacts", "Contacts", "IPF.Contact", "msgfolderroot"),
    ("deleteditems", "Deleted Items", "IPF.Note", "msgfolderroot"),
    ("drafts", "Drafts", "IPF.Note", "msgfolderroot"),
    ("inbox", "Inbox", "IPF.Note", "msgfolderroot"),
    ("journal", "Journal", "IPF.Journal", "msgfolderroot"),
    ("junkemail", "Junk E-Mail", "IPF.Note", "msgfolderroot"),
    ("notes", "Notes", "IPF.StickyNote", "msgfolderroot"),
    ("outbox", "Outbox", "IPF.Note", "msgfolderroot"),
    ("sentitems", "Sent Items", "IPF.Note", "msgfolderroot"),
    ("tasks", "Tasks", "IPF.Task", "msgfolderroot"),
)
_EVENTS: dict[Operation, EventKind] = {
    "insert": "CreatedEvent",
    "update": "ModifiedEvent",
    "delete": "DeletedEvent",
}
# What else changes when a person is busy.
_BUSY = frozenset(
    {"Start", "End", "IsAllDayEvent", "LegacyFreeBusyStatus", "Recurrence", "DeletedOccurrences", "MyResponseType"}
)


@dataclass(frozen=True)
class Actor:
    """Who changes something: a client through the web service, or the person in Outlook."""

    account: str
    kind: ActorKind
    request_id: str | None = None


@dataclass(frozen=True)
class Change:
    """A line of a log: which object, what became of it, and the id it had then."""

    number: int
    kind: ChangeKind
    id: str
    at: datetime


@dataclass
class Folder:
    """`permissions` by address; `Default` is everybody else in the organisation."""

    number: int
    mailbox: "Mailbox"
    name: str
    folder_class: str
    parent: int | None
    distinguished: str | None = None
    version: int = 1
    items: dict[int, Item] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    permissions: dict[str, Level] = field(default_factory=lambda: {EVERYBODY: "None"})
    properties: dict[PropertyPath, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_calendar(self) -> bool:
        return self.folder_class.split(".")[:2] == ["IPF", "Appointment"]

    @property
    def id(self) -> str:
        return StoreId(self.mailbox.guid, self.number).text()

    @property
    def change_key(self) -> str:
        return change_key(self.mailbox.guid, self.version, folder=True)

    @property
    def above(self) -> "Folder | None":
        return self.mailbox.folders.get(self.parent) if self.parent is not None else None

    @property
    def subject(self) -> Subject:
        """The folder as an event names it; the root is its own parent."""
        return Subject(self.id, (self.above or self).id, is_folder=True)

    def item_id(self, item: Item, original: datetime | None = None) -> str:
        return StoreId(self.mailbox.guid, self.number, item.number, original).text()

    def item_key(self, item: Item) -> str:
        return change_key(self.mailbox.guid, item.version)

    def level(self, email: str) -> Level:
        """What an address may do here."""
        if email == self.mailbox.email:
            return "Owner"
        return self.permissions.get(email, self.permissions.get(EVERYBODY, "None"))


@dataclass
class Mailbox:
    """A person with an account of the directory. `enabled` False: an account that has no mailbox of its own."""

    email: str
    name: str
    password: str
    guid: uuid.UUID
    zone: Zone
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    may_impersonate: bool = False
    failed_logons: int = 0
    logons: int = 0
    folders: dict[int, Folder] = field(default_factory=dict)
    folder_changes: list[Change] = field(default_factory=list)
    sync_generation: int = 1
    oof: OofSettings = field(default_factory=OofSettings)
    delegates: Delegates = field(default_factory=Delegates)
    events: EventTable = field(init=False)

    def __post_init__(self) -> None:
        self.events = EventTable(self.guid)

    def addresses(self) -> frozenset[str]:
        return frozenset({self.email, *self.aliases})

    def distinguished(self, name: str) -> Folder | None:
        return next((folder for folder in self.folders.values() if folder.distinguished == name), None)

    @property
    def calendar(self) -> Folder:
        folder = self.distinguished("calendar")
        assert folder is not None
        return folder

    def children(self, folder: Folder) -> list[Folder]:
        """The folders right below one, by name."""
        below = (each for each in self.folders.values() if each.parent == folder.number)
        return sorted(below, key=lambda each: each.name.casefold())

    def below(self, folder: Folder) -> list[Folder]:
        """All folders below one, each behind its parent."""
        return [each for child in self.children(folder) for each in (child, *self.below(child))]


class ExchangeWorld:
    """The state shared by the simulator and its control API. One event loop, so no locks."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.secret = secrets.token_bytes(32)
        self.faults = FaultPlan()
        self.ledger: Journal[LedgerEntry] = Journal()
        self.requests: Journal[RequestRecord] = Journal()
        self.outbox: Journal[Mail] = Journal()
        self.subscriptions = Subscriptions(clock, self.secret)
        self.pusher = Pusher(clock, self.subscriptions, knobs=lambda: self.knobs, version=lambda: self.server.schema)
        self.logon_generation = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything; also undo the clock, the knobs, the version and the faults."""
        self.mailboxes: dict[str, Mailbox] = {}
        self.knobs = Knobs()
        self.server: ServerVersion = SERVERS[DEFAULT_SERVER]
        self.logon_generation += 1
        self.in_flight: dict[str, int] = {}
        self._number = 0x10000
        self._version = 0
        self.faults.clear()
        self.subscriptions.forget()
        self.pusher.reset()
        self.clock.reset()
        for journal in (self.ledger, self.requests, self.outbox):
            journal.clear()

    async def aclose(self) -> None:
        """End all notifications under way; whoever serves the world calls it at the end."""
        self.subscriptions.forget()
        await self.pusher.aclose()

    # mailboxes and folders ------------------------------------------------------------------

    def create_mailbox(
        self,
        email: str,
        *,
        name: str,
        password: str,
        time_zone: str,
        aliases: tuple[str, ...] = (),
        enabled: bool = True,
        may_impersonate: bool = False,
    ) -> Mailbox:
        """`time_zone` is an IANA name that Windows has too (else KeyError)."""
        email = email.lower()
        mailbox = Mailbox(
            email=email,
            name=name,
            password=password,
            guid=uuid.uuid5(_NAMESPACE, email),
            zone=zone_of_iana(time_zone),
            aliases=tuple(alias.lower() for alias in aliases),
            enabled=enabled,
            may_impersonate=may_impersonate,
        )
        self.mailboxes[email] = mailbox
        if enabled:
            self._furnish(mailbox)
        return mailbox

    def _furnish(self, mailbox: Mailbox) -> None:
        numbers: dict[str, int] = {}
        for distinguished, name, folder_class, parent in _FOLDERS:
            folder = self.create_folder(
                mailbox, name, folder_class, numbers[parent] if parent is not None else None, distinguished
            )
            numbers[distinguished] = folder.number
        mailbox.calendar.permissions[EVERYBODY] = "FreeBusyTimeOnly"

    def create_folder(
        self, mailbox: Mailbox, name: str, folder_class: str, parent: int | None, distinguished: str | None = None
    ) -> Folder:
        folder = Folder(self.next_number(), mailbox, name, folder_class, parent, distinguished)
        folder.version = self.next_version()
        mailbox.folders[folder.number] = folder
        mailbox.folder_changes.append(Change(folder.number, "create", folder.id, self.clock.now()))
        self._tell("CreatedEvent", folder, folder.subject, folder.above)
        return folder

    def delete_folder(self, folder: Folder) -> None:
        """A folder with all that is in it and below it."""
        mailbox = folder.mailbox
        for each in (*reversed(mailbox.below(folder)), folder):
            gone, above = each.subject, each.above
            del mailbox.folders[each.number]
            mailbox.folder_changes.append(Change(each.number, "delete", each.id, self.clock.now()))
            self._tell("DeletedEvent", folder, gone, above)

    def move_folder(self, folder: Folder, target: Folder) -> None:
        """Put a folder below another one of its mailbox."""
        old, above = folder.subject, folder.above
        folder.parent = target.number
        self._note_folder(folder)
        self._tell("MovedEvent", folder, folder.subject, above, target, old=old)

    def touch_folder(self, folder: Folder) -> None:
        """Note that a folder's own properties changed."""
        self._note_folder(folder)
        self._tell("ModifiedEvent", folder, folder.subject)

    def _note_folder(self, folder: Folder) -> None:
        folder.version = self.next_version()
        folder.mailbox.folder_changes.append(Change(folder.number, "update", folder.id, self.clock.now()))

    def find_mailbox(self, address: str) -> Mailbox | None:
        """By primary address or alias; None for everybody outside."""
        address = address.lower()
        found = self.mailboxes.get(address)
        return found or next((one for one in self.mailboxes.values() if address in one.aliases), None)

    def mailbox_of(self, guid: uuid.UUID) -> Mailbox | None:
        return next((one for one in self.mailboxes.values() if one.guid == guid), None)

    # items ------------------------------------------------------------------------------------

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def next_version(self) -> int:
        self._version += 1
        return self._version

    def commit(
        self, folder: Folder, item: Item, operation: Operation, actor: Actor, *, changed: tuple[str, ...] = ()
    ) -> None:
        """Store an item (or take it away), stamp it and write the folder's log and the ledger."""
        self._store(folder, item, operation, actor, changed)
        subject = Subject(folder.item_id(item), folder.id)
        self._tell(_EVENTS[operation], folder, subject, folder)
        if operation != "update" or not _BUSY.isdisjoint(changed):
            self._tell_busy(folder, item, subject)

    def commit_move(self, source: Folder, target: Folder, item: Item, moved: Item, actor: Actor) -> None:
        """Store that `item` of one folder is `moved` of another now."""
        old = Subject(source.item_id(item), source.id)
        self._store(source, item, "delete", actor, ())
        self._store(target, moved, "insert", actor, ())
        subject = Subject(target.item_id(moved), target.id)
        self._tell("MovedEvent", target, subject, source, target, old=old)
        self._tell_busy(source, item, old)
        self._tell_busy(target, moved, subject)

    def commit_copy(self, source: Folder, target: Folder, item: Item, copied: Item, actor: Actor) -> None:
        """Store that `copied` is in a folder beside `item` of another, or the same, one."""
        old = Subject(source.item_id(item), source.id)
        self._store(target, copied, "insert", actor, ())
        subject = Subject(target.item_id(copied), target.id)
        self._tell("CopiedEvent", target, subject, target, old=old)
        self._tell_busy(target, copied, subject)

    def _store(self, folder: Folder, item: Item, operation: Operation, actor: Actor, changed: tuple[str, ...]) -> None:
        now = self.clock.now()
        item.version = self.next_version()
        item.modified = now
        item.values["LastModifiedName"] = self._name(actor.account)
        if operation == "delete":
            folder.items.pop(item.number, None)
            kind: ChangeKind = "delete"
        else:
            kind = "update" if item.number in folder.items else "create"
            folder.items[item.number] = item
        folder.changes.append(Change(item.number, kind, folder.item_id(item), now))
        self._enter(folder, item, operation, actor, changed)

    def _tell(
        self, kind: EventKind, folder: Folder, subject: Subject, *around: Folder | None, old: Subject | None = None
    ) -> None:
        """Enter an event, and that the folders around it are not as they were."""
        now = self.clock.now()
        touched = (Event("ModifiedEvent", one.subject, now) for one in around if one is not None)
        folder.mailbox.events.add(Event(kind, subject, now, old), *touched)

    def _tell_busy(self, folder: Folder, item: Item, subject: Subject) -> None:
        """A mailbox's times are those of its own calendar."""
        if folder.distinguished == "calendar" and item.values.get("LegacyFreeBusyStatus") != "Free":
            folder.mailbox.events.add(Event("FreeBusyChangedEvent", subject, self.clock.now()))

    def _name(self, email: str) -> str:
        mailbox = self.mailboxes.get(email)
        return mailbox.name if mailbox is not None else email

    def _enter(self, folder: Folder, item: Item, operation: Operation, actor: Actor, changed: tuple[str, ...]) -> None:
        marks = {
            str(path.name): str(value)
            for path, value in item.values.items()
            if isinstance(path, PropertyPath) and path.name is not None
        }
        self.ledger.append(
            lambda seq: LedgerEntry(
                seq=seq,
                at=self.clock.now(),
                actor=actor.kind,
                operation=operation,
                account=actor.account,
                calendar=folder.id,
                event_id=folder.item_id(item),
                key=marks,
                request_id=actor.request_id,
                fields=changed,
            )
        )
