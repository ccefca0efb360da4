"""SyncFolderItems and SyncFolderHierarchy. The one rule: a sync state is a position in a log, opaque and signed.

A first run lists what is stored, newest first, as Exchange does since 2010 SP2. It is "without calendaring logic": a
series is one item, whatever happened to its occurrences. Later runs tell what changed since, each object once.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.exchange.call import Call, Located, answer
from sandbox.exchange.errors import Refusal
from sandbox.exchange.folders import render_folder
from sandbox.exchange.getting import show
from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.shapes import Shape
from sandbox.exchange.world import Change, Folder, Mailbox

_ON_ERROR = (element("m:SyncState"), element("m:IncludesLastItemInRange", "true"))
_ON_ERROR_FOLDERS = (element("m:SyncState"), element("m:IncludesLastFolderInRange", "true"))


@dataclass(frozen=True)
class SyncState:
    """`since` and `until` are positions in the log; a run in progress has told all rows at `below` and after.

    `first`: the run lists what is stored, and `below` is an item's number; else `below` is a position in the log.
    """

    scope: str
    generation: int
    at: float
    since: int = 0
    until: int = 0
    below: int | None = None
    first: bool = False

    def text(self, secret: bytes) -> str:
        payload = json.dumps(asdict(self), separators=(",", ":")).encode()
        return base64.b64encode(_signature(payload, secret) + payload).decode()


@dataclass(frozen=True)
class Row:
    """What became of one object, and where it stands in the order of the run."""

    number: int
    position: int
    created: bool
    gone_id: str | None


def _signature(payload: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, payload, hashlib.sha256).digest()


def _read_state(call: Call, text: str, scope: str, generation: int) -> SyncState:
    """A state this server gave out for this folder and still honours. Raises Refusal."""
    state = _open_state(text, call.world.secret)
    age = call.world.knobs.sync_state_max_age
    if (
        state is None
        or state.scope != scope
        or state.generation != generation
        or (age is not None and call.world.clock.now().timestamp() - state.at > age.total_seconds())
    ):
        raise Refusal("ErrorInvalidSyncStateData")
    return state


def _open_state(text: str, secret: bytes) -> SyncState | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(raw[:32], _signature(raw[32:], secret)):
        return None
    values: dict[str, Any] = json.loads(raw[32:])
    return SyncState(**values)


# items ------------------------------------------------------------------------------------------


def sync_items(call: Call) -> Markup:
    def run() -> list[Markup]:
        named = call.body.find("m:SyncFolderId")
        assert named is not None
        folder = call.folder(named.children[0], missing="ErrorSyncFolderNotFound")
        return _sync_items(call, folder)

    return answer(call, "SyncFolderItems", [run], on_error=_ON_ERROR)


def _sync_items(call: Call, folder: Folder) -> list[Markup]:
    most = min(int(call.body.text_of("m:MaxChangesReturned") or 1), call.world.knobs.sync_changes_cap)
    state = _state_of(call, folder)
    rows = _first_rows(folder, state) if state.first else _changed_rows(folder.changes, state)
    page = rows[:most]
    complete = len(rows) <= most
    ignored = {node.attributes["Id"] for node in call.body.find("m:Ignore") or ()}
    changes = [_change(call, folder, row) for row in _bent(call, page) if not _is_ignored(folder, row, ignored)]
    return [
        element("m:SyncState", _next(call, state, page, complete=complete).text(call.world.secret)),
        element("m:IncludesLastItemInRange", boolean(complete)),
        element("m:Changes", *changes),
    ]


def _state_of(call: Call, folder: Folder) -> SyncState:
    """Where this run is: the state that came, or a new run from its end."""
    generation = folder.mailbox.sync_generation
    now = call.world.clock.now().timestamp()
    text = call.body.text_of("m:SyncState")
    end = len(folder.changes)
    if call.fault is not None and call.fault.kind == "replay_changes":
        return SyncState(folder.id, generation, now, until=end, first=True)
    if not text:
        return SyncState(folder.id, generation, now, until=end, first=True)
    state = _read_state(call, text, folder.id, generation)
    if state.below is None:
        return SyncState(folder.id, generation, now, since=state.until, until=end)
    return state


def _next(call: Call, state: SyncState, page: "list[Row]", *, complete: bool) -> SyncState:
    now = call.world.clock.now().timestamp()
    if complete or not page:
        return SyncState(state.scope, state.generation, now, since=state.until, until=state.until)
    return SyncState(
        state.scope, state.generation, now, state.since, state.until, below=page[-1].position, first=state.first
    )


def _first_rows(folder: Folder, state: SyncState) -> list[Row]:
    """What is stored, by the order it came in. What came after the run began is left to the next one."""
    later = {change.number for change in folder.changes[state.until :] if change.kind == "create"}
    numbers = (number for number in folder.items if number not in later)
    below = state.below
    kept = (number for number in numbers if below is None or number < below)
    return [Row(number, number, created=True, gone_id=None) for number in sorted(kept, reverse=True)]


def _changed_rows(log: list[Change], state: SyncState) -> list[Row]:
    """Each object that changed between two positions, once, the latest first."""
    first: dict[int, Change] = {}
    last: dict[int, tuple[int, Change]] = {}
    for position in range(state.since, state.until):
        change = log[position]
        first.setdefault(change.number, change)
        last[change.number] = (position, change)
    rows = []
    for number, (position, change) in last.items():
        created = first[number].kind == "create"
        gone = change.kind == "delete"
        if not (created and gone) and (state.below is None or position < state.below):
            rows.append(Row(number, position, created, change.id if gone else None))
    return sorted(rows, key=lambda row: row.position, reverse=True)


def _bent(call: Call, rows: list[Row]) -> Iterable[Row]:
    """The rows as a fault rule has them."""
    kind = call.fault.kind if call.fault is not None else None
    if kind == "empty_page":
        return []
    if kind == "duplicate":
        return [*rows, *rows[:1]]
    return reversed(rows) if kind == "reordered" else rows


def _is_ignored(folder: Folder, row: Row, ignored: set[str]) -> bool:
    item = folder.items.get(row.number)
    return (row.gone_id or (folder.item_id(item) if item is not None else "")) in ignored


def _change(call: Call, folder: Folder, row: Row) -> Markup:
    item = folder.items.get(row.number)
    if item is None:  # gone, now or meanwhile
        gone = row.gone_id or next(change.id for change in reversed(folder.changes) if change.number == row.number)
        return element("t:Delete", element("t:ItemId", Id=gone))
    shape = call.shape("m:ItemShape", "sync")
    shown = show(call, Located(folder, View(item), None), shape)
    return element("t:Create" if row.created else "t:Update", shown)


# folders ----------------------------------------------------------------------------------------


def sync_hierarchy(call: Call) -> Markup:
    def run() -> list[Markup]:
        named = call.body.find("m:SyncFolderId")
        root = call.folder(named.children[0], missing="ErrorSyncFolderNotFound") if named is not None else None
        return _sync_hierarchy(call, root)

    return answer(call, "SyncFolderHierarchy", [run], on_error=_ON_ERROR_FOLDERS)


def _sync_hierarchy(call: Call, root: Folder | None) -> list[Markup]:
    mailbox = root.mailbox if root is not None else call.mailbox
    scope = f"hierarchy {root.id if root is not None else mailbox.guid}"
    text = call.body.text_of("m:SyncState")
    since = 0
    if text:
        since = _read_state(call, text, scope, mailbox.sync_generation).until
    now = call.world.clock.now()
    state = SyncState(scope, mailbox.sync_generation, now.timestamp(), since, len(mailbox.folder_changes))
    shape = call.shape("m:FolderShape", "folder")
    rows = reversed(_changed_rows(mailbox.folder_changes, state))
    changes = (_folder_change(call, mailbox, row, shape, root) for row in rows)
    return [
        element("m:SyncState", state.text(call.world.secret)),
        element("m:IncludesLastFolderInRange", "true"),
        element("m:Changes", *(change for change in changes if change is not None)),
    ]


def _folder_change(call: Call, mailbox: Mailbox, row: Row, shape: Shape, root: Folder | None) -> Markup | None:
    folder = mailbox.folders.get(row.number)
    if folder is None:
        return element("t:Delete", element("t:FolderId", Id=row.gone_id)) if row.gone_id is not None else None
    if folder.distinguished == "root" or (root is not None and folder not in mailbox.below(root)):
        return None
    shown = render_folder(folder, shape, call.rights(folder))
    return element("t:Create" if row.created else "t:Update", shown)
