"""Lists and change tracking: pages behind links that only their maker can read.

The one rule: a list may be cut anywhere, an empty page is a page, and whoever follows the links to the end has
everything at least once.
"""

from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from tests.providers.another.graph.forms import Forms, Wish
from tests.providers.another.graph.mailbox import Mailbox, Window
from tests.providers.another.graph.rules import Refusal

Row = dict[str, Any]


@dataclass(frozen=True)
class _Round:
    """What a delta link remembers."""

    calendar: str
    window: Window
    seen: int


class Tracking:
    """The `delta` function over the views of a mailbox."""

    def __init__(self, mailbox: Mailbox, forms: Forms, die: Random) -> None:
        self._mailbox = mailbox
        self._forms = forms
        self._die = die
        self._rounds: dict[str, _Round] = {}
        self._rest: dict[str, tuple[list[list[Row]], _Round]] = {}
        self.expired: Refusal | None = None
        """With what links that were given out so far are refused."""
        self.empty_pages = 0
        """How many pages without rows come before any other."""
        self.partial: frozenset[str] | None = None
        """Of what changed, only these members are told."""

    def expire(self, status: int, code: str, **headers: str) -> None:
        """Everything that was remembered is forgotten."""
        self._rounds.clear()
        self._rest.clear()
        self.expired = Refusal(status, code, "The sync state generation is not found; generation=149.", **headers)

    def first(self, calendar: str, window: Window, wish: Wish, url: str) -> Row:
        """A round from the beginning."""
        here = _Round(calendar, window, len(self._mailbox.log))
        rows = [self._forms.gone(self._mailbox.new_id(), wish)]
        for item in self._mailbox.items.values():
            if item.calendar == calendar and any(part.touches(window) for part in item.parts()):
                rows += self._told(item.id, window, wish)
        return self._page(self._cut(rows, wish), here, url)

    def more(self, token: str, wish: Wish, url: str) -> Row:
        """The next page, or the next round."""
        if token in self._rest:
            return self._page(*self._rest[token], url)
        last = self._rounds.get(token)
        if last is None:
            raise self.expired or Refusal(400, "BadRequest", "Badly formed token.")
        here = _Round(last.calendar, last.window, len(self._mailbox.log))
        rows: list[Row] = []
        for item_id, item in self._mailbox.changed(last.calendar, last.seen, last.window):
            told = self._told(item_id, last.window, wish) if item else [self._forms.gone(item_id, wish)]
            rows += [_part(row, self.partial) for row in told] if self.partial else told
        return self._page(self._cut(rows, wish), here, url)

    def _told(self, item_id: str, window: Window, wish: Wish) -> list[Row]:
        item = self._mailbox.items[item_id]
        rows = [self._forms.event(item, None, wish)]
        if item.type == "seriesMaster":
            dates = [date for date in item.parts() if date.touches(window)]
            rows += [
                self._forms.stub(date, wish) if date.type == "occurrence" else self._forms.event(date, item, wish)
                for date in dates
            ]
        if self._die.random() < 0.3:
            rows.append(rows[0])
        return rows

    def _cut(self, rows: list[Row], wish: Wish) -> list[list[Row]]:
        """Pages of any size up to what was asked for, empty ones among them; the same row may come again."""
        pages: list[list[Row]] = [[] for _ in range(self.empty_pages)] or [[]]
        while rows:
            size = self._die.randint(0, min(3, wish.page))
            pages.append(rows[:size])
            rows = rows[size:]
        return pages

    def _page(self, pages: list[list[Row]], here: _Round, url: str) -> Row:
        page: Row = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(event)"}
        token = self._token()
        if len(pages) > 1:
            self._rest[token] = pages[1:], here
            link = {"@odata.nextLink": f"{url}?$skiptoken={quote(token, safe='')}"}
        else:
            self._rounds[token] = here
            link = {"@odata.deltaLink": f"{url}?$deltatoken={quote(token, safe='')}"}
        return self._forms.shuffled(page | link | {"value": pages[0]})

    def _token(self) -> str:
        return f"R0usmc+M{len(self._rest) + len(self._rounds)} a/7&b=%{self._die.randbytes(9).hex()}=="


def _part(row: Row, members: frozenset[str]) -> Row:
    """The least that is promised of a row: its id, and what was updated."""
    return {word: value for word, value in row.items() if word in members | {"id", "@odata.etag", "@removed"}}
