"""What every package has beside its code. The one rule: a directory is made anew, so that nothing old is packed."""

import re
import shutil
from pathlib import Path
from string import Template
from typing import Final

from clients.about import LICENCE, About
from clients.regions import filled

_TEMPLATES: Final = Path(__file__).parent / "templates"
_MARKERS: Final = re.compile(r"<!-- from .*? -->\n")


def begin(directory: Path) -> Path:
    """An empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def template(name: str, about: About) -> str:
    """A template with the facts filled in."""
    facts = {field: getattr(about, field) for field in (*about.__dataclass_fields__, "module")}
    return Template((_TEMPLATES / name).read_text()).substitute(facts)


def accompany(directory: Path, readme: str, about: About) -> None:
    """Put a README, whose examples are regions of the journey, and the licence beside the code."""
    text = filled(template(readme, about))
    (directory / "README.md").write_text(_MARKERS.sub("", text))
    shutil.copyfile(LICENCE, directory / LICENCE.name)
