"""Pages one ahead of who takes them in."""

import asyncio
from contextlib import aclosing

import pytest

from app.calendar import SyncPage
from app.sync.reading import pages_ahead


class Book:
    """Pages named by their number; each waits until it may come."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.asked: list[int] = []
        self.given_up: list[int] = []
        self.turned: dict[int, asyncio.Event] = {}
        self.torn: int | None = None

    def turn(self, number: int) -> None:
        self.turned.setdefault(number, asyncio.Event()).set()

    async def read(self, position: bytes | None) -> SyncPage:
        number = 0 if position is None else int(position)
        self.asked.append(number)
        try:
            await self.turned.setdefault(number, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.given_up.append(number)
            raise
        if number == self.torn:
            raise LookupError(f"page {number}")
        last = number == self.pages - 1
        return SyncPage((), None if last else str(number + 1).encode(), b"cursor" if last else None)


async def _soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_next_page_comes_while_this_one_is_taken_in_and_never_two() -> None:
    book, seen = Book(3), []
    book.turn(0)
    async with aclosing(pages_ahead(book.read)) as pages:
        async for page in pages:
            seen.append(page)
            book.turn(len(seen))
            await _soon()
            assert book.asked == list(range(min(3, len(seen) + 1)))
    assert [page.cursor for page in seen] == [None, None, b"cursor"]


async def _take(book: Book, taken: list[SyncPage], *, most: int = 9) -> None:
    async with aclosing(pages_ahead(book.read)) as pages:
        async for page in pages:
            await _soon()
            taken.append(page)
            if len(taken) == most:
                raise ZeroDivisionError


async def test_a_page_that_fails_does_so_once_the_one_before_is_taken_in() -> None:
    book, taken = Book(3), list[SyncPage]()
    book.torn = 1
    book.turn(0)
    book.turn(1)
    with pytest.raises(LookupError, match="page 1"):
        await _take(book, taken)
    assert len(taken) == 1


@pytest.mark.parametrize("torn", [None, 1], ids=["under way", "failed"])
async def test_who_stops_reading_gives_up_what_is_on_its_way(
    torn: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book(3)
    book.torn = torn
    book.turn(0)
    if torn is not None:
        book.turn(torn)
    with pytest.raises(ZeroDivisionError):
        await _take(book, [], most=1)
    assert (book.asked, book.given_up) == ([0, 1], [] if torn else [1])
    await _soon()
    assert not caplog.records, "nobody is told of a failure that nobody waits for"
