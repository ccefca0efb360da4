"""Drawings of who says what to whom."""

import re
from xml.etree import ElementTree as ET

import pytest

from documentation.sequence import NotADrawingError, draw, fence, read
from tests.documentation.pages import text

SOURCE = """
participants: visitor | service | provider
visitor -> service: book <this> & "that"
note service: one transaction
service --> provider: the event
"""


def test_a_drawing_says_everything_in_words_too() -> None:
    root = ET.fromstring(draw(read(SOURCE)))  # noqa: S314 - our own
    space = {"s": "http://www.w3.org/2000/svg"}
    description = root.findtext("s:desc", "", space)
    assert description == (
        'visitor to service: book <this> & "that"; service: one transaction; service to provider (later): the event'
    )
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["visitor", "service", "provider", 'book <this> & "that"', "one transaction", "the event"]
    assert root.get("role") == "img"


def test_colours_are_the_page_s() -> None:
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', draw(read(SOURCE)))) == {"currentColor", "none"}


@pytest.mark.parametrize(
    "source",
    [
        "visitor -> service: x",
        "participants: a | b\na -> c: x",
        "participants: a | b\na says x",
        "participants: a\nnote b: x",
    ],
)
def test_what_is_no_drawing_is_refused(source: str) -> None:
    with pytest.raises(NotADrawingError):
        read(source)


def test_both_journeys_are_drawn_each_with_a_mark_of_its_own() -> None:
    sources = re.findall(r"^```sequence\n(.*?)^```$", text("architecture.md"), re.MULTILINE | re.DOTALL)
    drawings = [fence(source) for source in sources]
    assert len(drawings) == 2
    ids = [re.findall(r' id="([^"]+)"', drawing) for drawing in drawings]
    assert len({one for found in ids for one in found}) == 2
