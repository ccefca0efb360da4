"""An invitation as another program gets it: its bytes checked, then read by `vobject`.

The one rule: what the standard forbids is refused here, before a forgiving reader can make sense of it.
"""

import base64
import re
from typing import Any

import vobject

from tests.support.world import World

_MOST_OCTETS = 75
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


def lines_of(content: bytes) -> list[str]:
    """The lines as they are on the wire: CRLF, 75 octets at most, no letter cut in two (RFC 5545 3.1)."""
    assert not _BARE.search(content)
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")[:-1]
    assert max(map(len, lines)) <= _MOST_OCTETS
    return [line.decode() for line in lines]


def event_in(content: bytes, *, method: str = "REQUEST") -> Any:
    """The one event of an invitation, as `vobject` reads it."""
    [calendar] = vobject.readComponents(content.decode())
    assert (calendar.name, calendar.version.value, calendar.method.value) == ("VCALENDAR", "2.0", method)
    [event] = [part for part in calendar.components() if part.name == "VEVENT"]
    return event


async def invitations(world: World, to: str) -> list[Any]:
    """The events of the invitations mailed to somebody, by their revision.

    The method is told twice and the calendar comes twice: as a part that programs act on, and as a file to open.
    """
    events = []
    for mail in await world.sandbox.mails(to):
        assert mail["defects"] == []
        part = mail["calendar"]
        if part is None:
            continue
        content = part["content"].encode()
        lines_of(content)
        [file] = mail["attachments"]
        assert (file["filename"], file["content_type"]) == ("invite.ics", "application/ics")
        assert base64.b64decode(file["content_base64"]) == content
        events.append(event_in(content, method=part["method"]))
    return sorted(events, key=lambda event: int(event.sequence.value))
