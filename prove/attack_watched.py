"""A process of the service, as its command starts it, with every connection looked at before it is made.

    python -m prove.attack_watched serve …     python -m prove.attack_watched worker

The one rule: the service is not changed; uvloop and the resolver are, before it is imported. What was tried is written
to the file that `SEEN` names, a line each, at once.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop

from prove.attack_addresses import Name, names
from prove.attack_watch import Watch, WatchedLoop, Where, watching

SEEN: Final = "PROVE_ATTACK_SEEN"
PLANTED: Final = "planted.attack.example"
"""The operator's own host, private and allowed: the way there is seen, or nothing is."""
PLANTED_ADDRESS: Final = "10.1.2.3"
_PREFIX: Final = "CALENDAR_CONNECT_"


def ours(environment: Mapping[str, str]) -> frozenset[Where]:
    """What the process lives by, as it was told."""
    urls = [environment["DATABASE_URL"], environment[f"{_PREFIX}JWKS_URL"]]
    resolvers = [f"udp://{address}" for address in json.loads(environment[f"{_PREFIX}DNS_RESOLVERS"])]
    parts = [urlsplit(url) for url in [*urls, *resolvers]]
    mail = environment[f"{_PREFIX}SMTP_HOST"], int(environment[f"{_PREFIX}SMTP_PORT"])
    return frozenset([*((part.hostname or "", part.port or 0) for part in parts), mail])


def main() -> None:
    """Run the command."""
    path = Path(os.environ[SEEN])

    def tell(where: Where) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([sys.argv[1], *where]) + "\n")

    watch = Watch(ours(os.environ), {**names(), PLANTED: Name(((PLANTED_ADDRESS,),))}, tell=tell)
    uvloop.Loop = WatchedLoop  # type: ignore[misc]  # what `new_event_loop` makes one of
    with watching(watch):
        from app.cli import main as run  # noqa: PLC0415 - what it imports is to find the loop and the resolver changed

        run()


if __name__ == "__main__":
    main()
