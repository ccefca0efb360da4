"""Operations that a page names by their id: on the site each leads to the reference, and shows its request.

The one rule: what is a link already, a heading or a block of code stays as it is written.
"""

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from documentation.reference import FOLDER, operation_links, operations
from documentation.repository import Document

_SKIPPED: Final = r"^( *)```.*?^\1```$|^#[^\n]*$|\[[^\]]*\]\([^)]*\)"
_NAMED: Final = re.compile(rf"{_SKIPPED}|`(?P<id>[a-z]+(?:[A-Z][a-z0-9]*)+)`", re.MULTILINE | re.DOTALL)


def led_to_operations(document: Document, markdown: str, page: str) -> str:
    """A page's text, its operations linked; `page` is its path below `docs`."""
    base = f"{posixpath.relpath(FOLDER, posixpath.dirname(page) or '.')}/"
    links = operation_links(document, base)
    requests = {operation["operationId"]: f"{method} {path}" for method, path, operation in operations(document)}
    return _NAMED.sub(lambda found: _linked(found, links, requests), markdown)


def _linked(found: re.Match[str], links: Mapping[str, str], requests: Mapping[str, str]) -> str:
    name = found["id"]
    return f'[`{name}`]({links[name]} "{requests[name]}")' if name in links else found[0]
