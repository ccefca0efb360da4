"""Notifications on their way to webhooks: what waits, what goes out, what came of it. No provider's words in here.

The one rule: who has something to tell never waits for it to arrive, and nothing outlives the courier. Every message
is a task that `reset` or `aclose` ends, every attempt has a time limit and a connection of its own.

A note waits in its lane for a moment, so that a burst becomes one note (`coalesces`) or one message (`push_batch`).
Then faults have their way with it. Messages of one lane go out in order unless a fault or a retry says otherwise.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

FaultKind = Literal["drop", "duplicate", "delay", "reorder", "forge", "after_stop", "refuse_handshake"]
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ADDRESS_MAX = 2048
# For plain HTTP: httpx wants a context, and reading the machine's authorities takes longer than a message.
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class PushKnobs:
    """How notifications are sent; each provider's knobs have these among them.

    `push_backoff` doubles after each attempt. `push_authority` is a PEM certificate trusted beside the machine's own.
    """

    push_timeout: timedelta = timedelta(seconds=10)
    push_attempts: int = 4
    push_backoff: timedelta = timedelta(milliseconds=50)
    push_settle: timedelta = timedelta(milliseconds=4)
    push_batch: int = 1
    push_http_to_loopback: bool = True
    push_authority: str | None = None


@dataclass(frozen=True)
class Note:
    """Something to tell about one watch. `secret` is what the receiver knows the sender by.

    One that `coalesces` is dropped while another of its watch waits. `wanted` is asked before it goes out and before
    each retry.
    """

    watch: str
    lane: str
    url: str
    kind: str
    content: Mapping[str, Any]
    secret: str | None = None
    coalesces: bool = False
    wanted: Callable[[], bool] = field(default=lambda: True, compare=False)
    faults: tuple[FaultKind, ...] = ()


@dataclass(frozen=True)
class Message:
    """What goes over the wire."""

    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What came back; `status` is None where nothing did, and `error` says why."""

    status: int | None
    ms: float
    content_type: str = ""
    text: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One line of the log. `number` counts the attempts of a message from 1; 0: a fault swallowed it unsent."""

    seq: int
    at: datetime
    watches: tuple[str, ...]
    kinds: tuple[str, ...]
    url: str
    number: int
    status: int | None
    ms: float
    error: str | None = None
    faults: tuple[FaultKind, ...] = ()


@dataclass
class PushFault:
    """What befalls the next `times` notes (of one watch); None: all of them. `ms` is for `delay`."""

    id: int
    kind: FaultKind
    times: int | None = 1
    ms: int = 0
    watch: str | None = None
    fired: int = 0
    held: list[Note] = field(default_factory=list)


class PushFaults:
    """The faults in force; of each kind the first that fits is used up first."""

    def __init__(self) -> None:
        self.rules: list[PushFault] = []
        self._next_id = 1

    def add(self, kind: FaultKind, *, times: int | None = 1, ms: int = 0, watch: str | None = None) -> PushFault:
        """Raises ValueError for a `reorder` without an end: it would hold its notes for ever."""
        if kind == "reorder" and times is None:
            raise ValueError("how many notes to reorder must be said")
        rule = PushFault(self._next_id, kind, times, ms, watch)
        self._next_id += 1
        self.rules.append(rule)
        return rule

    def claim(self, kind: FaultKind, watch: str) -> PushFault | None:
        """The rule that acts on a note, counted."""
        for rule in self.rules:
            fits = rule.kind == kind and rule.watch in {None, watch}
            if fits and (rule.times is None or rule.fired < rule.times):
                rule.fired += 1
                return rule
        return None


class Courier:
    """Takes notes and sees them delivered. Used from one event loop.

    `render` makes one message of the notes that go out together; `retries` says of a status (None: no answer) whether
    the provider would try again.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        knobs: Callable[[], PushKnobs],
        render: Callable[[Sequence[Note]], Message],
        retries: Callable[[int | None], bool],
    ) -> None:
        self.faults = PushFaults()
        self.attempts: list[Attempt] = []
        self._now = now
        self._knobs = knobs
        self._render = render
        self._retries = retries
        self._waiting: dict[str, list[Note]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._trusts: tuple[str | None, ssl.SSLContext] | None = None

    # taking and ending ------------------------------------------------------------------------

    def submit(self, note: Note) -> None:
        """Take a note; returns at once."""
        waiting = self._waiting.get(note.lane)
        if waiting is None:
            self._waiting[note.lane] = [note]
            self._start(self._flush(note.lane))
        elif not (note.coalesces and any(other.coalesces and other.watch == note.watch for other in waiting)):
            waiting.append(note)

    def clear_faults(self) -> None:
        """No faults any more; what was held back to be reordered goes out as it came."""
        held = [note for rule in self.faults.rules for note in rule.held]
        self.faults.rules.clear()
        if held:
            self._start(self._deliver_each(held))

    def cancel(self) -> int:
        """End everything under way; returns how many tasks that were. The log stays."""
        ended = [task for task in self._tasks if not task.done()]
        for task in ended:
            task.cancel()
        self._waiting.clear()
        return len(ended)

    def reset(self) -> None:
        """Forget everything, faults and log as well."""
        self.cancel()
        self.faults.rules.clear()
        self.attempts.clear()
        self._turns.clear()

    async def aclose(self) -> None:
        """End everything under way and see it ended: no socket stays open."""
        tasks = list(self._tasks)
        self.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self, within: timedelta) -> bool:
        """Wait until nothing is under way, but no longer than `within`; whether that is so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                while self._tasks:
                    await asyncio.wait(tuple(self._tasks))
                    await asyncio.sleep(0)  # done is not yet discarded
        return not self._tasks

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # from the lane to the wire ----------------------------------------------------------------

    async def _flush(self, lane: str) -> None:
        await asyncio.sleep(self._knobs().push_settle.total_seconds())
        ready: list[Note] = []
        for note in self._waiting.pop(lane, []):
            if note.wanted():
                ready += self._bend(note)
        size = max(self._knobs().push_batch, 1)
        for begin in range(0, len(ready), size):
            self._start(self._deliver(ready[begin : begin + size]))

    def _bend(self, note: Note) -> list[Note]:
        """What faults leave of a note to be sent now; the rest is lost, late or held."""
        claim = self.faults.claim
        if claim("drop", note.watch):
            self._record([note], number=0, fault="drop")
            return []
        if claim("forge", note.watch):
            note = replace(note, secret=f"forged-{secrets.token_hex(8)}", faults=(*note.faults, "forge"))
        copies = [note]
        if claim("duplicate", note.watch):
            copies *= 2
            self._mark(copies, "duplicate")
        late, held = claim("delay", note.watch), claim("reorder", note.watch)
        if held is not None:
            self._hold(held, copies)
            return []
        if late is not None:
            self._mark(copies, "delay")
            self._start(self._deliver_each(copies, after=late.ms / 1000))
            return []
        for again in copies[1:]:  # a message of its own, as a repeated one is
            self._start(self._deliver([again]))
        return copies[:1]

    def _mark(self, notes: list[Note], fault: FaultKind) -> None:
        notes[:] = [replace(note, faults=(*note.faults, fault)) for note in notes]

    def _hold(self, rule: PushFault, notes: list[Note]) -> None:
        """Keep notes back until the rule has all of its own, then send them from last to first."""
        self._mark(notes, "reorder")
        rule.held += notes
        if rule.fired == rule.times:
            self._start(self._deliver_each(rule.held[::-1]))
            rule.held = []

    async def _deliver_each(self, notes: list[Note], *, after: float = 0) -> None:
        await asyncio.sleep(after)
        for note in notes:
            await self._deliver([note])

    async def _deliver(self, notes: list[Note]) -> None:
        """One message, with its retries; the lane is free while a retry waits."""
        knobs, url, lane = self._knobs(), notes[0].url, notes[0].lane
        for number in range(1, knobs.push_attempts + 1):
            if number > 1:
                await asyncio.sleep(knobs.push_backoff.total_seconds() * 2 ** (number - 2))
                notes = [note for note in notes if note.wanted()]
                if not notes:
                    return
            async with self._turns.setdefault(lane, asyncio.Lock()):
                reply = await self.post(url, self._render(notes), knobs.push_timeout)
                self._record(notes, number=number, reply=reply)
            if not self._retries(reply.status):
                return

    # the wire ---------------------------------------------------------------------------------

    async def post(self, url: str, message: Message, within: timedelta) -> Reply:
        """One POST on a connection of its own; no redirects, no proxies. Never raises for what the receiver does."""
        began = time.perf_counter()
        try:
            trust = self._trust() if urlsplit(url).scheme == "https" else _TRUSTS_NOBODY
            async with (
                asyncio.timeout(within.total_seconds()),
                httpx.AsyncClient(verify=trust, trust_env=False, timeout=None) as http,  # noqa: S113 - the line above
            ):
                answer = await http.post(url, headers=dict(message.headers), content=message.body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # a timeout and bad TLS are OSErrors
            return Reply(None, _since(began), error=f"{type(error).__name__}: {error}".rstrip(": "))
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(answer.status_code, _since(began), kind, answer.text)

    def record_handshake(self, watch: str, url: str, reply: Reply | None) -> None:
        """Log a validation request; None: a fault refused it unsent."""
        note = Note(watch, url, url, "validation", {})
        if reply is None:
            self._record([note], number=0, fault="refuse_handshake")
        else:
            self._record([note], number=1, reply=reply)

    def _trust(self) -> ssl.SSLContext:
        """The machine's authorities and the knob's; kept, since reading them is slow."""
        authority = self._knobs().push_authority
        if self._trusts is None or self._trusts[0] != authority:
            context = ssl.create_default_context()
            if authority:
                context.load_verify_locations(cadata=authority)
            self._trusts = authority, context
        return self._trusts[1]

    def _record(
        self, notes: Sequence[Note], *, number: int, reply: Reply | None = None, fault: FaultKind | None = None
    ) -> None:
        faults = {name: None for note in notes for name in note.faults} | ({fault: None} if fault else {})
        attempt = Attempt(
            seq=len(self.attempts) + 1,
            at=self._now(),
            watches=tuple(note.watch for note in notes),
            kinds=tuple(note.kind for note in notes),
            url=notes[0].url,
            number=number,
            status=reply.status if reply else None,
            ms=round(reply.ms, 3) if reply else 0.0,
            error=reply.error if reply else None,
            faults=tuple(faults),
        )
        self.attempts.append(attempt)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def judge_address(url: str, *, http_to_loopback: bool) -> Literal["good", "not_https", "invalid"]:
    """Whether a webhook may be there: HTTPS only, or plain HTTP on this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "invalid"
    if not host or parts.scheme not in {"http", "https"} or len(url) > _ADDRESS_MAX or not url.isprintable():
        return "invalid"
    if parts.scheme == "https" or (http_to_loopback and host in _LOOPBACK):
        return "good"
    return "not_https"
