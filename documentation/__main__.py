"""Builds the documentation and looks whether it holds together: `python -m documentation [folder]`.

The one rule: one warning, one broken link, one file from elsewhere, and it fails.
"""

import logging
import sys
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, ConfigurationError

from documentation.links import findings
from documentation.repository import CONFIG, SITE


def main(site: Path = SITE) -> int:
    """0: built and whole. 1: it says why not."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        config = load_config(str(CONFIG), site_dir=str(site), strict=True)
        build(config)
    except (Abort, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    wrong = findings(site)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    pages = sum(1 for _ in site.rglob("*.html"))
    sys.stdout.write(f"Documentation: {pages} pages, {len(wrong)} findings, in {site}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
