"""The check of the built site finds what it is there to find."""

from pathlib import Path

import pytest

from documentation.links import findings

GOOD = '<html><body><h1 id="top">A</h1><a href="other.html#place">x</a><a href="https://example.com/">y</a><a href="http://127.0.0.1:1">z</a></body></html>'
OTHER = '<html><body><p id="place">B</p><a href="#place">x</a><a href="folder">y</a></body></html>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "other.html").write_text(OTHER)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text(
        '<a href="../index.html#top">x</a><link rel="canonical" href="https://x.y">'
    )
    (tmp_path / "site.css").write_text("a { background: url(data:image/png;base64,xx) }")
    return tmp_path


def test_a_whole_site_has_no_findings(site: Path) -> None:
    assert findings(site) == []


@pytest.mark.parametrize(
    ("html", "finding"),
    [
        ('<a href="gone.html">', "index.html: nothing is there: gone.html"),
        ('<a href="other.html#gone">', "index.html: no such place on the page: other.html#gone"),
        ('<a href="#gone">', "index.html: no such place on the page: #gone"),
        ('<a href="../outside.html">', "index.html: nothing is there: ../outside.html"),
        ('<a href="http://example.com">', "index.html: a link that is not https: http://example.com"),
        ('<a href="javascript:x()">', "index.html: a link that is not https: javascript:x()"),
        (
            '<script src="https://cdn.example.com/x.js">',
            "index.html: fetched from elsewhere: https://cdn.example.com/x.js",
        ),
        (
            '<link rel="stylesheet" href="//fonts.example.com">',
            "index.html: fetched from elsewhere: //fonts.example.com",
        ),
        ('<link rel="preconnect" href="https://f.example">', "index.html: fetched from elsewhere: https://f.example"),
        ('<img src="gone.png">', "index.html: nothing is there to fetch: gone.png"),
        ('<pre class="mermaid">', "index.html: fetched from elsewhere: https://unpkg.com/mermaid"),
    ],
)
def test_what_is_wrong_is_found(site: Path, html: str, finding: str) -> None:
    (site / "index.html").write_text(html)
    found = [line for line in findings(site) if line.startswith("index.html")]
    assert found == [finding]


@pytest.mark.parametrize(
    "rule", ['@import "https://fonts.example.com/a.css";', "a { src: url(//fonts.example.com/a) }"]
)
def test_a_style_that_fetches_is_found(site: Path, rule: str) -> None:
    (site / "site.css").write_text(rule)
    assert findings(site) == ["site.css: fetches from elsewhere"]
