"""Where things stand in the repository, and the documents that pages are made from.

The one rule: everything is read from the tree this file stands in; nothing is fetched.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
SITE: Final = ROOT / "build" / "site"
CONFIG: Final = ROOT / "mkdocs.yml"

Document = dict[str, Any]


@cache
def api_document() -> Document:
    """`openapi.json`, with its webhooks."""
    document: Document = json.loads((ROOT / "openapi.json").read_text())
    return document
