"""Small things that grow: XML of an Exchange server and JSON of a provider, taken in by the service's own readers in a
process that may use little.

    python -m prove.attack_bombs NAME     says what became of it and what it took

The one rule: a bomb is refused as what cannot be read, or read as what it is; who needs more than the limits is ended
by the kernel.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from app.providers.ews.soap import Unreadable, parse_xml
from app.providers.google import wire as google
from app.providers.graph import wire as graph

CPU_SECONDS: Final = 10
MEMORY_BYTES: Final = 384 * 1024 * 1024
"""Beyond what the process has when it begins: ten times the longest answer that is taken at all."""
REFUSED: Final = "refused"
READ: Final = "read"


def _laughs(depth: int = 12) -> bytes:
    entities = ['<!ENTITY l0 "lol">', *(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, depth))]
    return f"<?xml version='1.0'?><!DOCTYPE x [{''.join(entities)}]><x>&l{depth - 1};</x>".encode()


def _quadratic() -> bytes:
    return b"<!DOCTYPE x [<!ENTITY a '" + b"a" * 200_000 + b"'>]><x>" + b"&a;" * 50_000 + b"</x>"


def _external(target: str, kind: str = "SYSTEM") -> bytes:
    return f"<!DOCTYPE x [<!ENTITY a {kind} '{target}'>]><x>&a;</x>".encode()


def _disguised(encoding: str) -> bytes:
    """The type is not to be seen in the bytes."""
    text = (
        f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"
    )
    return text.encode(encoding)


XML: Final[dict[str, Callable[[], bytes]]] = {
    "billion laughs": _laughs,
    "quadratic entities": _quadratic,
    "file entity": lambda: _external("file:///etc/passwd"),
    "web entity": lambda: _external("http://127.0.0.1:9/x"),
    "public entity": lambda: _external("x' 'https://127.0.0.1:9/x", "PUBLIC"),
    "parameter entity": lambda: b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><x/>",
    "type in UTF-16": lambda: _disguised("utf-16"),
    "type in UTF-32": lambda: _disguised("utf-32"),
    "type in EBCDIC": lambda: _disguised("cp037"),
    "include": lambda: b"<x xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='file:///etc/passwd'/></x>",
    "deep": lambda: b"<x>" * 1_000_000 + b"</x>" * 1_000_000,
    "attributes": lambda: b"<x " + b" ".join(b"a%d='1'" % at for at in range(300_000)) + b"/>",
    "one attribute": lambda: b"<x a='" + b"a" * 20_000_000 + b"'/>",
    "one text": lambda: b"<x>" + b"a" * 20_000_000 + b"</x>",
    "namespaces": lambda: b"<x " + b" ".join(b"xmlns:n%d='urn:%d'" % (at, at) for at in range(20_000)) + b"/>",
    "control characters": lambda: b"<x>" + b"\x01" * 5_000_000 + b"</x>",
    "character references": lambda: b"<x>" + b"&#1;" * 2_000_000 + b"</x>",
}
JSON: Final[dict[str, Callable[[], bytes]]] = {
    "arrays": lambda: b"[" * 2_000_000,
    "objects": lambda: b'{"items":' * 500_000,
    "items of items": lambda: b'{"items": [' + b'{"start": ' * 300_000,
    "number": lambda: b'{"items": [{"sequence": ' + b"9" * 2_000_000 + b"}]}",
    "exponent": lambda: b'{"items": [{"sequence": 1e999999999}]}',
    "name twice": lambda: b"{" + b",".join([b'"items": []'] * 500_000) + b"}",
    "escapes": lambda: b'{"items": [{"id": "' + b"\\u0000" * 2_000_000 + b'"}]}',
    "half surrogate": lambda: b'{"items": [{"id": "\\ud800"}]}',
}
NAMES: Final = (*(f"xml: {name}" for name in XML), *(f"json: {name}" for name in JSON))


def take_in(name: str) -> str:
    """Read one as the service would; what became of it."""
    kind, _, which = name.partition(": ")
    if kind == "xml":
        try:
            root = parse_xml(XML[which]())
        except Unreadable:
            return REFUSED
        text = "".join(str(part) for part in root.itertext())
        return "told a file's content" if "root:" in text else READ
    content = JSON[which]()
    outcomes = set()
    for page in (google.EventsPage, google.CalendarsPage, graph.EventsPage, graph.CalendarsPage):
        try:
            msgspec.json.decode(content, type=page)
            outcomes.add(READ)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            outcomes.add(REFUSED)
    return REFUSED if outcomes == {REFUSED} else READ


def limit() -> None:
    """From here on this process may use little."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, now + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def main(names: list[str]) -> None:
    """One line for each: a bomb that goes off takes the lines after it with it."""
    limit()
    for name in names:
        began = time.process_time()
        outcome = take_in(name)
        seconds = round(time.process_time() - began, 3)
        mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"bomb": name, "outcome": outcome, "cpu_seconds": seconds, "peak_mib": mebibytes}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(NAMES))
