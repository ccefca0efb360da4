"""What the documents show is what is run; what a journey tells is judged."""

import json
import re
from pathlib import Path

import pytest

from clients import regions
from clients.about import ROOT, ClientsError, read_about
from clients.package import accompany
from clients.programs import node_tool, run
from clients.trying import STEPS, judge

EMAIL = "ada@example.com"
TOLD = {
    "signed in": EMAIL,
    "open": "http://provider.example/consent",
    "connected": "conn_1",
    "page": "page_1",
    "free times": "160",
    "booked": "bkg_1",
    "repeated": "bkg_1",
    "taken": "5 other times are offered",
    "booked instead": "bkg_2",
    "moved": "bkg_1",
    "cancelled": "bkg_1",
    "listed": "bkg_1 cancelled, bkg_2 confirmed",
    "refused": "correct /email (invalid)",
}


@pytest.mark.parametrize("document", regions.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_show_the_code_that_is_run(document: Path) -> None:
    assert document.read_text() == regions.filled(document.read_text()), "run `python -m clients.regions`"


def test_the_page_shows_every_region_of_both_journeys() -> None:
    shown = set(regions.named((ROOT / "docs" / "clients.md").read_text()))
    for journey in ("clients/journey.py", "clients/journey.ts"):
        mark = re.compile(r"^\s*(?:#|// #) ?region (\S+)$", re.MULTILINE)
        named = mark.findall((ROOT / journey).read_text())
        assert len(named) >= 10
        assert {(journey, name) for name in named} <= shown


def test_a_block_is_replaced_by_its_region_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("before\n    # region one\n    x = 1\n\n    y = 2\n    # endregion\nafter\n")
    (tmp_path / "b.ts").write_text("// #region two\nconst z = 3;\n// #endregion\n")
    first = "<!-- from a.py: one -->\n```python\nold\n```\n"
    markdown = f"text\n\n{first}\n```python\nkept\n```\n<!-- from b.ts: two -->\n```ts\n```\n"
    assert regions.filled(markdown, tmp_path) == (
        "text\n\n<!-- from a.py: one -->\n```python\nx = 1\n\ny = 2\n```\n\n```python\nkept\n```\n"
        "<!-- from b.ts: two -->\n```ts\nconst z = 3;\n```\n"
    )
    with pytest.raises(ClientsError, match=r"a\.py has no region two"):
        regions.filled(markdown.replace("a.py: one", "a.py: two"), tmp_path)


def test_a_readme_has_its_examples_and_no_marker(tmp_path: Path) -> None:
    for readme, example in (("python.md", "next_cursor is None"), ("typescript.md", "part.next_cursor")):
        accompany(tmp_path, readme, read_about())
        text = (tmp_path / "README.md").read_text()
        assert example in text
        assert "<!--" not in text
        assert "$" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert (tmp_path / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_licence_that_the_document_does_not_name_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"info": {"license": {"name": "MIT"}, "version": "1.0.0"}}))
    with pytest.raises(ClientsError, match=r"Apache-2\.0 in pyproject\.toml, MIT in document\.json"):
        read_about(document=document)


def test_what_a_whole_journey_tells_is_right() -> None:
    judge(TOLD, EMAIL)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("signed in", "eve@example.com"),
        ("repeated", "bkg_3"),
        ("booked instead", "bkg_1"),
        ("moved", "bkg_2"),
        ("cancelled", "bkg_2"),
        ("listed", "bkg_1 cancelled"),
        ("refused", "tell the person"),
        ("taken", ""),
    ],
)
def test_what_cannot_be_is_not_believed(step: str, what: str) -> None:
    with pytest.raises(ClientsError, match="the journey told"):
        judge(TOLD | {step: what}, EMAIL)


def test_one_booking_is_not_two() -> None:
    once = {"booked instead": "bkg_1", "listed": "bkg_1 cancelled, bkg_1 confirmed"}
    with pytest.raises(ClientsError, match="the journey told"):
        judge(TOLD | once, EMAIL)


@pytest.mark.parametrize("missing", STEPS)
def test_a_step_that_is_left_out_is_missed(missing: str) -> None:
    with pytest.raises(ClientsError, match="instead of something of"):
        judge({step: what for step, what in TOLD.items() if step != missing}, EMAIL)


def test_a_tool_that_fails_is_quoted() -> None:
    with pytest.raises(ClientsError, match=r"sh ended with 3:\nwhy"):
        run("/bin/sh", "-c", "echo why; exit 3")
    with pytest.raises(ClientsError, match=r"no-such-tool is missing: `make check-typescript` installs it"):
        node_tool("no-such-tool")
