"""Texts as long as providers take them."""

from html import unescape

import pytest

from app.providers.texts import cut, escaped, length


@pytest.mark.parametrize(
    ("text", "shown"), [("short", "short"), ("12345", "12345"), ("123456", "1234…"), ("123 56", "123…")]
)
def test_a_title_ends_where_it_is_cut(text: str, shown: str) -> None:
    assert cut(text, 5) == shown


def test_length_is_counted_as_the_servers_count() -> None:
    assert (length("a"), length("é"), length("😀"), length("👨‍👩‍👧")) == (1, 1, 2, 8)
    assert cut("😀" * 3, 6) == "😀" * 3
    assert cut("😀" * 4, 6) == "😀😀…"
    assert escaped("😀" * 5000, 8000) == "😀" * 3999 + "…"
    assert length(escaped("<😀" * 3000, 8000)) <= 8000


def test_an_escaped_text_is_cut_between_characters() -> None:
    assert escaped("a<b", 6) == "a&lt;b"
    assert escaped("a<b&c", 10) == "a&lt;b…"
    for most in range(2, 60):
        shown = escaped("<&>x" * 20, most)
        assert len(shown) <= most
        assert unescape(shown).removesuffix("…") == ("<&>x" * 20)[: len(unescape(shown)) - 1]
