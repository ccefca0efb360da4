"""Where the documentation says that something stands, it stands."""

import re

import pytest

from documentation.repository import ROOT
from tests.documentation.pages import places, written_pages

PLACES = [(page, *place) for page in written_pages() for place in places(page)]


def test_places_are_told() -> None:
    assert len(PLACES) > 15


@pytest.mark.parametrize(("page", "file", "name"), PLACES)
def test_a_named_place_is_there(page: str, file: str, name: str) -> None:
    defined = rf"^(?:(?:async )?def|class) {name}\b|^{name}(?:: Final)? ="
    assert re.search(defined, (ROOT / file).read_text(), re.MULTILINE), f"{page}: {file} has no {name}"
