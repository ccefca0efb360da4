"""What every column of the database holds: the one reviewed list, beside the models and not in them.

    plain     ids, codes, times, counts: says nothing of anybody by itself
    personal  says something of a person: a name, an address, a text, where or when somebody is
    secret    opens something: a key, a token, or the hash a token is found by; never leaves the service

An export is made from this list (plain and personal, never secret), and the tests of erasing plant a canary in
everything that is personal. It stands here, in one place, because it is read as a whole: whoever reviews what is held
about people reads this page, and not forty classes.

The one rule: a column that is not on the list fails a test, as does a name on the list without its column. A column
that looks personal by its name and is plain has its reason beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.privacy import marks_of_calendars, marks_of_people, marks_of_the_service
from app.privacy.mark import Marked


class Mark(StrEnum):
    """What a column holds."""

    PLAIN = "plain"
    PERSONAL = "personal"
    SECRET = "secret"


MARKS: Final[Mapping[str, Marked]] = {
    **marks_of_people.MARKS,
    **marks_of_calendars.MARKS,
    **marks_of_the_service.MARKS,
}
"""By table; those of the queue have its schema before their name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its mark."""

    table: str
    name: str
    mark: Mark


def columns() -> Iterator[Column]:
    """The whole list."""
    for table, marked in MARKS.items():
        for mark in Mark:
            for name in getattr(marked, mark):
                yield Column(table, name, mark)
