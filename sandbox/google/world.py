"""Everything simulated Google remembers: accounts, calendars, events, change logs. No HTTP.

The one rule: every change to an event goes through `GoogleWorld.commit`, which numbers it, stamps it and logs it; a
sync token is a position in that log.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sandbox.clock import Clock
from sandbox.faults import FaultPlan
from sandbox.google.channels import Channels, access_to, events_of, list_of
from sandbox.google.grants import Grants
from sandbox.google.knobs import Knobs
from sandbox.google.recurrence import Schedule
from sandbox.google.times import Json, duration, millis, read_when
from sandbox.ledger import ActorKind, Journal, LedgerEntry, Mail, Operation, RequestRecord

Role = Literal["none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner"]
ROLES: tuple[Role, ...] = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")


@dataclass(frozen=True)
class Actor:
    """Who changes something: a client through the API, or the person in Google's own user interface."""

    account: str
    kind: ActorKind
    request_id: str | None = None
    send_updates: str = "none"


@dataclass
class Event:
    """One copy of an event on one calendar. `fields` is Google's resource without what depends on the reader."""

    fields: Json
    ordinal: int = 0
    version: int = 0

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def cancelled(self) -> bool:
        return self.fields.get("status") == "cancelled"

    @property
    def series_id(self) -> str | None:
        return self.fields.get("recurringEventId")

    @property
    def recurring(self) -> bool:
        return bool(self.fields.get("recurrence"))

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    @property
    def updated(self) -> datetime:
        return datetime.fromisoformat(self.fields["updated"])

    def schedule(self) -> Schedule | None:
        """When it happens, or None for an event whose times are damaged."""
        start, end = read_when(self.fields.get("start")), read_when(self.fields.get("end"))
        if start is None or end is None or start.all_day != end.all_day or duration(start, end) < timedelta():
            return None
        return Schedule(start, duration(start, end), tuple(self.fields.get("recurrence", ())))


@dataclass(frozen=True)
class Change:
    """A line of a calendar's log. `before` is the earlier schedule, kept when times or recurrence changed."""

    event_id: str
    at: datetime
    before: Schedule | None = None


@dataclass
class Calendar:
    id: str
    summary: str
    time_zone: str
    owner: str
    description: str | None = None
    location: str | None = None
    created_by_app: bool = False
    deleted: bool = False
    generation: int = 1
    # People by address, and rules by id for whoever else there is: everybody, a domain, a group, a stranger.
    access: dict[str, Role] = field(default_factory=dict)
    rules: dict[str, Role] = field(default_factory=dict)
    access_log: list[str] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    version: int = 1
    updated: datetime = datetime(2020, 1, 1, tzinfo=UTC)

    @property
    def primary(self) -> bool:
        return self.id == self.owner

    def role_of(self, email: str) -> Role:
        """The most that any rule gives a person."""
        widely = (self.rules.get(rule_id, "none") for rule_id in ("default", f"domain:{email.partition('@')[2]}"))
        return max((self.access.get(email, "none"), *widely), key=rank)


@dataclass
class ListEntry:
    """A calendar on somebody's list, with what that person set for it."""

    calendar_id: str
    settings: Json = field(default_factory=dict)
    deleted: bool = False
    version: int = 1


@dataclass
class Account:
    email: str
    name: str
    time_zone: str
    workspace: bool
    sub: str
    entries: dict[str, ListEntry] = field(default_factory=dict)
    list_changes: list[Change] = field(default_factory=list)
    list_generation: int = 1


class GoogleWorld:
    """The state shared by the simulator and its control API. One event loop, so no locks."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.secret = secrets.token_bytes(32)
        self.faults = FaultPlan()
        self.ledger: Journal[LedgerEntry] = Journal()
        self.requests: Journal[RequestRecord] = Journal()
        self.outbox: Journal[Mail] = Journal()
        self.channels = Channels(clock, lambda: self.knobs)
        self.reset()

    def reset(self) -> None:
        """Forget everything; also undo the clock, the knobs and the faults."""
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.knobs = Knobs()
        self.grants = Grants(self.clock, self.knobs)
        self._version = 0
        self._ordinal = 0
        self.faults.clear()
        self.channels.reset()
        self.clock.reset()
        for journal in (self.ledger, self.requests, self.outbox):
            journal.clear()

    async def aclose(self) -> None:
        """End all notifications under way; whoever serves the world calls it at the end."""
        await self.channels.courier.aclose()

    # accounts and calendars ---------------------------------------------------------------

    def create_account(self, email: str, *, name: str, time_zone: str, workspace: bool = True) -> Account:
        email = email.lower()
        sub = str(10**20 + int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big"))
        account = Account(email=email, name=name, time_zone=time_zone, workspace=workspace, sub=sub)
        self.accounts[email] = account
        self.create_calendar(account, summary=email, time_zone=time_zone, calendar_id=email)
        for calendar in self.calendars.values():
            role = calendar.rules.pop(f"user:{email}", None)
            if role is not None and not calendar.deleted:  # shared with a stranger, who is one no longer
                self.share(calendar, account, role)
        return account

    def create_calendar(
        self,
        owner: Account,
        *,
        summary: str,
        time_zone: str,
        calendar_id: str | None = None,
        role: Role = "owner",
        created_by_app: bool = False,
    ) -> Calendar:
        """A calendar on `owner`'s list. With a lesser `role` it is somebody else's, say a calendar of holidays."""
        if calendar_id is None:
            digest = hashlib.sha256(f"{owner.email} {summary} {len(self.calendars)}".encode()).hexdigest()
            calendar_id = f"c_{digest}@group.calendar.google.com"
        calendar = Calendar(
            id=calendar_id,
            summary=summary,
            time_zone=time_zone,
            owner=owner.email if role == "owner" else "",
            created_by_app=created_by_app,
            updated=self.clock.now(),
        )
        self.calendars[calendar_id] = calendar
        self.share(calendar, owner, role)
        return calendar

    def share(self, calendar: Calendar, account: Account, role: Role) -> None:
        """Set somebody's role. A change of access ends the sync tokens of the calendar, as on Google."""
        if role == "none":
            calendar.access.pop(account.email, None)
        else:
            calendar.access[account.email] = role
            self.list_calendar(account, calendar.id)
        self._access_changed(calendar, f"user:{account.email}", [account])

    def share_with(self, calendar: Calendar, rule_id: str, role: Role) -> None:
        """Set the role of everybody, a domain, a group or a stranger. Nobody's list changes, but of who is left out."""
        if role == "none":
            calendar.rules.pop(rule_id, None)
        else:
            calendar.rules[rule_id] = role
        self._access_changed(calendar, rule_id, self.accounts.values())

    def _access_changed(self, calendar: Calendar, rule_id: str, concerned: Iterable[Account]) -> None:
        for account in concerned:
            if calendar.role_of(account.email) == "none":
                self.unlist(account, calendar.id)
                self.channels.vanished(events_of(calendar.id), account.email)
                self.channels.vanished(access_to(calendar.id), account.email)
        calendar.access_log.append(rule_id)
        calendar.generation += 1
        self.channels.changed(access_to(calendar.id))

    def delete_calendar(self, calendar: Calendar) -> None:
        calendar.deleted = True
        for account in self.accounts.values():
            self.unlist(account, calendar.id)
        self.channels.vanished(events_of(calendar.id))
        self.channels.vanished(access_to(calendar.id))

    def list_calendar(self, account: Account, calendar_id: str) -> ListEntry:
        """Put a calendar on a list, or mark its line as changed."""
        entry = account.entries.setdefault(calendar_id, ListEntry(calendar_id, {"selected": True}))
        entry.deleted = False
        entry.version = self.next_version()
        account.list_changes.append(Change(calendar_id, self.clock.now()))
        self.channels.changed(list_of(account.email))
        return entry

    def calendar_changed(self, calendar: Calendar) -> None:
        """Note that a calendar's own fields changed: it is a change of every list it is on."""
        calendar.version += 1
        for account in self.accounts.values():
            entry = account.entries.get(calendar.id)
            if entry is not None and not entry.deleted:
                self.list_calendar(account, calendar.id)

    def unlist(self, account: Account, calendar_id: str) -> None:
        entry = account.entries.get(calendar_id)
        if entry is not None and not entry.deleted:
            entry.deleted = True
            entry.version = self.next_version()
            account.list_changes.append(Change(calendar_id, self.clock.now()))
            self.channels.changed(list_of(account.email))

    def find_calendar(self, calendar_id: str) -> Calendar | None:
        calendar = self.calendars.get(calendar_id) or self.calendars.get(calendar_id.lower())
        return None if calendar is None or calendar.deleted else calendar

    def primary(self, email: str) -> Calendar | None:
        """The primary calendar of a simulated account, or None for anybody else's address."""
        account = self.accounts.get(email.lower())
        return self.calendars[account.email] if account else None

    # events -------------------------------------------------------------------------------

    def next_version(self) -> int:
        """A number that always grows and, like Google's etags, tells the time in half microseconds."""
        self._version = max(self._version + 1, int(self.clock.now().timestamp() * 1_000_000) * 2)
        return self._version

    def new_event_id(self) -> str:
        return base64.b32hexencode(secrets.token_bytes(16)).decode().lower().rstrip("=")

    def commit(
        self,
        calendar: Calendar,
        event: Event,
        operation: Operation,
        actor: Actor,
        *,
        before: Schedule | None = None,
        changed: tuple[str, ...] = (),
    ) -> None:
        """Store an event, stamp it and write the change log and the ledger."""
        now = self.clock.now()
        event.version = self.next_version()
        if changed != ("reminders",):  # "changing reminders does not also change the updated property"
            event.fields["updated"] = millis(now)
        event.fields.setdefault("created", millis(now.replace(microsecond=0)))
        if event.id not in calendar.events:
            self._ordinal += 1
            event.ordinal = self._ordinal
        calendar.events[event.id] = event
        calendar.changes.append(Change(event.id, now, before))
        calendar.updated = now
        self.channels.changed(events_of(calendar.id))
        private: Mapping[str, str] = event.fields.get("extendedProperties", {}).get("private", {})
        self.ledger.append(
            lambda seq: LedgerEntry(
                seq=seq,
                at=now,
                actor=actor.kind,
                operation=operation,
                account=actor.account,
                calendar=calendar.id,
                event_id=event.id,
                key=dict(private),
                request_id=actor.request_id,
                fields=changed,
            )
        )


def rank(role: Any) -> int:
    """Roles in the order of what they allow."""
    return ROLES.index(role)
