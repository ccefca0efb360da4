"""Values that nobody else would write, what they look like when they are encoded, and where they are found. Pure, but
for reading the database.

The one rule: a canary has one place; wherever else it is found, in whatever coat, something has leaked.
"""

import base64
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from sandbox.identity import new_id

_SHORTEST: Final = 12
_TABLES: Final = """
SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY schemaname, tablename
"""


@dataclass(frozen=True, slots=True)
class Canary:
    """A value by the name of the field it was put into."""

    name: str
    value: str
    secret: bool
    """Else it is personal: in its own columns it stands in the clear."""

    def __post_init__(self) -> None:
        if len(self.value) < _SHORTEST:
            raise ValueError(f"{self.name} is too short to be told from chance")


@dataclass(slots=True)
class Flock:
    """All canaries of a run."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    _forms: list[tuple[bytes, str]] = field(default_factory=list)
    _folded: list[tuple[bytes, str]] = field(default_factory=list)

    def add(self, name: str, value: str, *, secret: bool = True) -> str:
        """Look for this value from now on, by the first name it was given; several may have the same name."""
        if value in self.canaries:
            return value
        canary = Canary(name, value, secret)
        self.canaries[value] = canary
        self._forms += [(form, name) for form in _packed(value.encode())]
        self._folded += [(form.lower(), name) for form in _plain(value)]
        return value

    def text(self, name: str) -> str:
        """A new personal text."""
        return self.add(name, f"Cnry{name.replace('_', '')}{secrets.token_hex(6)}", secret=False)

    def secret(self, name: str) -> str:
        """A new secret."""
        return self.add(name, f"Cnry{name.replace('_', '')}{secrets.token_hex(12)}")

    def email(self, name: str) -> str:
        """A new address; its first part is looked for, for the rest is everybody's."""
        local = f"cnry{name.replace('_', '')}{secrets.token_hex(6)}"
        self.add(name, local, secret=False)
        return f"{local}@example.com"

    def user_id(self) -> str:
        """A caller's id, which is no canary: ids are told."""
        return new_id("usr")

    @property
    def secrets(self) -> set[str]:
        """The names of the secrets."""
        return {canary.name for canary in self.canaries.values() if canary.secret}

    def found_in(self, content: bytes) -> set[str]:
        """The names of the canaries that are in there, in any coat."""
        folded = content.lower()
        plain = {name for form, name in self._folded if form in folded}
        return plain | {name for form, name in self._forms if form in content}


def _plain(value: str) -> Iterator[bytes]:
    """Coats in which the case of letters does not matter: as it is, in JSON, in a URL, in HTML, in hex."""
    raw = value.encode()
    yield raw
    yield json.dumps(value)[1:-1].encode()
    yield json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02x}" for byte in raw).encode()
    yield value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&#34;").replace("'", "&#39;").encode()
    yield raw.hex().encode()


def _packed(raw: bytes) -> Iterator[bytes]:
    """In base64, wherever it begins in what was packed, without the characters that its neighbours have a part in."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        whole = coded[(before * 8 + 5) // 6 : len(coded) - (1 if (before + len(raw)) % 3 else 0)]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


async def columns_with(database_url: str, flock: Flock) -> dict[str, set[str]]:
    """By canary: the columns (`table.column`) of the whole database that hold it, as the owner sees them."""
    found: dict[str, set[str]] = defaultdict(set)
    connection = await asyncpg.connect(database_url)
    try:
        for schema, table in await connection.fetch(_TABLES):
            for row in await connection.fetch(f'SELECT * FROM "{schema}"."{table}"'):  # noqa: S608 - the catalogue's
                for column, value in row.items():
                    for name in flock.found_in(_bytes(value)):
                        found[name].add(f"{table}.{column}")
    finally:
        await connection.close()
    return dict(found)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def strays(found: Mapping[str, Iterable[str]], allowed: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """What was found where it may not be, by canary. `allowed` gives a reason for each column."""
    out = {name: set(columns) - set(allowed.get(name, ())) for name, columns in found.items()}
    return {name: columns for name, columns in out.items() if columns}
