"""What MkDocs calls while it builds: generated pages come in, links to sources are led to their copies.

The one rule: nothing generated is stored in the repository, so nothing generated can be out of date.
https://www.mkdocs.org/dev-guide/plugins/#events
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

from documentation import llms
from documentation.markdown import anchor
from documentation.named_operations import led_to_operations
from documentation.problem_pages import problem_pages
from documentation.reference import reference_pages
from documentation.repository import ROOT, api_document
from documentation.repository_files import led_to_files, linked_files, published_at
from documentation.settings_page import PATH as SETTINGS
from documentation.settings_page import settings_page

_TAGS_HERE = "reference/*"
_SHORT, _FULL = "llms.txt", "llms-full.txt"


@dataclass(slots=True)
class _Build:
    """What one build has seen; MkDocs calls functions, so it stands beside them."""

    texts: dict[str, llms.Text] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


_BUILD = _Build()


def generated_pages() -> dict[str, str]:
    """Every generated page by its path below `docs`."""
    document = api_document()
    return {SETTINGS: settings_page(), **problem_pages(document), **reference_pages(document)}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the API's tags where the navigation says."""
    _BUILD.texts.clear()
    _BUILD.sections.clear()
    tags = [{tag["name"]: f"reference/{anchor(tag['name'])}.md"} for tag in api_document()["tags"]]
    config.nav = _filled(config.nav, tags)
    return config


def _filled(items: Any, tags: list[dict[str, str]]) -> Any:
    if isinstance(items, list):
        return [entry for item in items for entry in (tags if item == _TAGS_HERE else [_filled(item, tags)])]
    if isinstance(items, dict):
        return {name: _filled(value, tags) for name, value in items.items()}
    return items


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated, and the sources that pages link to."""
    for path, content in generated_pages().items():
        files.append(File.generated(config, path, content=content))
    for name in (_SHORT, _FULL):
        files.append(File.generated(config, name, content=""))  # a place to link to; written when all pages are known
    wanted: set[str] = set()
    for file in files.documentation_pages():
        wanted |= linked_files(file.content_string, file.src_uri)
    for path in sorted(wanted):
        files.append(File.generated(config, published_at(path), abs_src_path=str(ROOT / path)))
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:  # noqa: ARG001 - what MkDocs gives
    """Note which section a page stands in."""
    for page in nav.pages:
        top = next(reversed(list(page.ancestors)), None)
        _BUILD.sections[page.file.src_uri] = top.title if isinstance(top, Section) else "Start"
    return nav


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - the same
    """Lead links that leave `docs` to the copies on the site, and operations to the reference."""
    path = page.file.src_uri
    section = _BUILD.sections.get(path, "Problems" if path.startswith("problems/") else "Decisions")
    title = next((line[2:] for line in markdown.splitlines() if line.startswith("# ")), path)
    _BUILD.texts[path] = llms.Text(page.file.dest_uri, section, title, markdown)
    return led_to_operations(api_document(), led_to_files(markdown, path), path)


def on_post_build(config: MkDocsConfig) -> None:
    """Write the plain texts."""
    order = [*_BUILD.sections, *sorted(_BUILD.texts.keys() - _BUILD.sections.keys())]
    texts = [_BUILD.texts[path] for path in order if path in _BUILD.texts]
    site = Path(config.site_dir)
    (site / _SHORT).write_text(llms.short(texts))
    (site / _FULL).write_text(llms.full(texts))
