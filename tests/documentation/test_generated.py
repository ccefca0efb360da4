"""Generated pages say what the code says, all of it."""

import re

import pytest

from app.routers.openapi import document_settings
from app.settings import Settings, variable
from documentation.advice import ADVICE, BOOKING, CONNECTING, OTHERS, REQUEST, WHO
from documentation.hooks import generated_pages
from documentation.problem_pages import page_of, problem_kinds
from documentation.reference import operations, tag_page
from documentation.repository import api_document
from documentation.settings_page import meaning, settings_page

REFERENCE = [f"reference/{name}.md" for name in ("index", "schemas", "event-types")]
REFERENCE += [tag_page(tag["name"]) for tag in api_document()["tags"]]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return generated_pages()


def test_every_code_has_advice_and_no_other_has() -> None:
    assert ADVICE.keys() == problem_kinds().keys()
    assert len(ADVICE) == sum(map(len, (REQUEST, WHO, CONNECTING, BOOKING, OTHERS))), "a code is told of twice"


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("slot_unavailable", ["alternatives"]),
        ("hold_expired", ["alternatives"]),
        ("version_mismatch", ["version"]),
        ("disclosure_not_accepted", ["version"]),
        ("entitlement_required", ["entitlement", "required_tiers"]),
        ("events_expired", ["oldest_sequence"]),
        ("not_found", []),
    ],
)
def test_a_code_s_page_names_its_members(pages: dict[str, str], code: str, members: list[str]) -> None:
    table = pages[page_of(code)].partition("## What it carries")[2].partition("##")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == members


@pytest.mark.parametrize("code", problem_kinds())
def test_a_code_s_page_says_when_what_and_in_five_languages(pages: dict[str, str], code: str) -> None:
    page = pages[page_of(code)]
    assert page.startswith(f"# {code}\n\n**{problem_kinds()[code].status_code}**")
    assert {"## When it comes", "## What to do", "## What people read"} <= set(page.splitlines())
    assert re.findall(r"^\| (English|Swedish|German|Italian|Polish) \|", page, re.MULTILINE) == [
        "English", "Swedish", "German", "Italian", "Polish",
    ]  # fmt: skip
    assert not re.search(r"\{[a-z_]+\}", page), "a place in a text was left open"


def test_every_setting_is_told_once_with_its_default() -> None:
    page = settings_page()
    told = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted(map(variable, Settings.model_fields))
    assert "| `CALENDAR_CONNECT_SYNC_POLL_SECONDS` | `60` |" in page
    required = page.partition("## Required")[2].partition("## Optional")[0]
    assert set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", required, re.MULTILINE)) == {
        variable(name) for name, field in Settings.model_fields.items() if field.is_required()
    }


def test_a_setting_that_nobody_explains_is_found() -> None:
    field = Settings.model_fields["sync_poll_seconds"]
    silent = type(field)(default=1)
    with pytest.raises(LookupError, match="brand_new"):
        meaning("brand_new", silent)


def test_no_secret_of_anybody_stands_on_the_page() -> None:
    page = settings_page()
    settings = document_settings()
    assert settings.signing_key.get_secret_value().hex() not in page
    assert "**********" not in page


def test_every_operation_schema_and_event_has_its_place(pages: dict[str, str]) -> None:
    document = api_document()
    for method, path, operation in operations(document):
        page = pages[tag_page(operation["tags"][0])]
        assert f"\n## {operation['operationId']}\n" in page
        assert f"`{method} {path}`" in page
    schemas = re.findall(r"^## (\w+)$", pages["reference/schemas.md"], re.MULTILINE)
    assert schemas == sorted(document["components"]["schemas"])
    events = re.findall(r"^## `(.+)`$", pages["reference/event-types.md"], re.MULTILINE)
    assert events == list(document["webhooks"])


@pytest.mark.parametrize("path", REFERENCE)
def test_no_schema_is_left_unsaid(pages: dict[str, str], path: str) -> None:
    assert "| anything |" not in pages[path]
    assert "](#)" not in pages[path]
