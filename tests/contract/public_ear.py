"""A stranger's ear: every public exchange, and what it told that it should not have.

The one rule: what may be told is what the reader brought along or the page shows; everything else that looks like a
fact (a marked word, an id, an address, a provider's name, the time of somebody's event) is a leak.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx

from tests.contract.documented import OPERATIONS, Operation

FIRST_ERROR = 400
MARK = re.compile(r"canary-[a-z0-9]+(?:-[a-z0-9]+)*", re.IGNORECASE)
"""Every fact that is planted begins like that, so that no list of them can be incomplete."""
_ID = re.compile(r"\b([a-z]{3,5})_([0-7][0-9a-hjkmnp-tv-z]{25})\b")
_RAW_ID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_PROVIDERS = re.compile(r"google|gmail|office ?365|microsoft|outlook|exchange|\bgraph\b|\bews\b", re.IGNORECASE)
_STATES = re.compile(
    r"reauthoriz|revoked|access_lost|calendar_deleted|permission_|connection_removed|backing_off|last_known|free_?busy"
    r"|provider_unsupported|invalid_grant|forbidden|disconnected",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_PUBLIC_KINDS = {"page", "bkg", "mreq", "hold", "prop"}
_UID = re.compile(r"^UID:\S+$", re.MULTILINE)
_LINK = re.compile(r"^LOCATION:https://\S+$", re.MULTILINE)

PUBLIC = [operation for operation in OPERATIONS if operation.spec["security"] != [{"bearerAuth": []}]]
_PATHS = [(operation, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.path)))) for operation in PUBLIC]


@dataclass(slots=True)
class Reader:
    """Somebody who asks without being anybody: what they know, and what the page shows them.

    It counts what they know in the end: whoever is about to learn something looks around as another reader before.
    """

    facts: set[str] = field(default_factory=set)
    """Marked words that are their own, or that the page shows."""
    ids: set[str] = field(default_factory=set)
    """The ids they have got by a link or an answer, without their prefix."""

    def learns(self, *facts: str) -> "Reader":
        """The reader, who was shown these as well."""
        self.facts |= {fact.lower() for fact in facts}
        return self


@dataclass(frozen=True, slots=True)
class Exchange:
    """One public request and its answer, as its reader saw it."""

    scene: str
    operation: Operation
    reader: Reader
    status: int
    headers: dict[str, str]
    content: str

    @property
    def is_error(self) -> bool:
        return self.status >= FIRST_ERROR

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def body(self) -> Any:
        """The JSON answered; None when it is something else."""
        return json.loads(self.content) if self.media_type.endswith("json") else None

    def __str__(self) -> str:
        return f"{self.scene}: {self.operation.id} {self.status}"


@dataclass(slots=True)
class Ear:
    """Hears every public exchange of a client."""

    heard: list[Exchange] = field(default_factory=list)
    events: set[datetime] = field(default_factory=set)
    """When the hosts' own events begin and end."""
    senders: set[str] = field(default_factory=set)
    """The addresses that invitations come from."""
    _scene: str = ""
    reader: Reader = field(default_factory=Reader)
    """Who asks at the moment."""

    def listen(self, client: httpx.AsyncClient) -> None:
        """From now on, to everything the client is answered."""
        client.event_hooks = {"response": [self._hear]}

    @contextmanager
    def scene(self, name: str, reader: Reader) -> Iterator[None]:
        """What is asked inside is asked by this reader."""
        before = self._scene, self.reader
        self._scene, self.reader = name, reader
        try:
            yield
        finally:
            self._scene, self.reader = before

    async def _hear(self, response: httpx.Response) -> None:
        await response.aread()
        request = response.request
        operation = _operation_of(request)
        if operation is None:
            return
        said = " ".join([str(request.url), *request.headers.values(), request.content.decode(errors="replace")])
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.reader.ids |= {match[2] for match in _ID.finditer(said)}
        if response.status_code in {201, 202} and "id" in (made := response.json()):
            self.reader.ids.add(made["id"].rpartition("_")[2])
        self.heard.append(Exchange(self._scene, operation, self.reader, response.status_code, headers, response.text))

    def leaks(self, exchange: Exchange) -> list[str]:
        """What the exchange told that its reader could not know."""
        text = _plain(exchange)
        found = [f"the word {word}" for word in _words(text) if not self._may_read(exchange, word)]
        found += [f"the id {kind}_{rest}" for kind, rest in _ID.findall(text) if not _may_have(exchange, kind, rest)]
        own = exchange.headers.get("x-request-id", "")
        found += [f"the raw id {raw}" for raw in _RAW_ID.findall(text) if raw != own]
        found += [f"the address {one}" for one in _ADDRESS.findall(text) if not self._may_write_to(exchange, one)]
        found += [f"the provider {name}" for name in _PROVIDERS.findall(text)]
        found += [f"the state {state}" for state in _STATES.findall(text)]
        found += [f"the time {moment} of an event" for moment in _moments(text) if moment in self.events]
        return [f"{exchange}: {what}" for what in found]

    @staticmethod
    def _may_read(exchange: Exchange, word: str) -> bool:
        """A problem tells no fact at all, not even what the reader has just said."""
        return not exchange.is_error and word in exchange.reader.facts

    def _may_write_to(self, exchange: Exchange, address: str) -> bool:
        if address in self.senders:
            return exchange.media_type == "text/calendar"
        return not exchange.is_error and address.lower() in exchange.reader.facts


def _operation_of(request: httpx.Request) -> Operation | None:
    path = request.url.path
    found = (item for item, form in _PATHS if item.method == request.method and form.fullmatch(path))
    return next(found, None)


def _plain(exchange: Exchange) -> str:
    """All of an answer as text. Of a reader's own booking the video link and the event's UID are left out: they are
    the provider's, and what the visitor needs (R49, R56)."""
    content, body = exchange.content, exchange.body
    if exchange.media_type == "text/calendar":
        content = _LINK.sub("", _UID.sub("UID", content.replace("\r\n ", "").replace("\r\n", "\n")))
    elif isinstance(body, dict):
        if body.get("kind") == "booking":
            body["video_url"] = None
        content = json.dumps(body, ensure_ascii=False)
    headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers.items())
    return unquote(f"{headers}\n{content}")


def _words(text: str) -> set[str]:
    return {word.lower() for word in MARK.findall(text)}


def _moments(text: str) -> set[datetime]:
    return {datetime.fromisoformat(moment).astimezone(UTC) for moment in _MOMENT.findall(text)}


def _may_have(exchange: Exchange, kind: str, rest: str) -> bool:
    if exchange.operation.id == "completeConnectionAuthorization":
        return kind in {"auth", "conn"}  # whoever comes back with the state began it
    return kind in _PUBLIC_KINDS and rest in exchange.reader.ids
