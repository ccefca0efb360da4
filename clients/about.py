"""What the packages say of themselves. The one rule: it is read from `pyproject.toml` and the API's document."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = ROOT / "openapi.client.json"
LICENCE: Final = ROOT / "LICENSE"
OUTPUT: Final = ROOT / "build" / "clients"
JOURNEYS: Final = Path(__file__).parent


class ClientsError(Exception):
    """A package could not be made or did not do what it should; the message says what."""


@dataclass(frozen=True, slots=True)
class About:
    """One API, one version, one licence, however many languages."""

    name: str
    """Of the packages, as a registry would list it."""
    version: str
    """The project's: a package is made from one state of it."""
    api_version: str
    """Of the API that the packages speak to."""
    description: str
    licence: str
    """SPDX."""

    @property
    def module(self) -> str:
        """The name as Python imports it."""
        return self.name.replace("-", "_")


def read_about(project: Path = ROOT / "pyproject.toml", document: Path = DOCUMENT) -> About:
    """Raises: ClientsError when project and document do not agree about the licence."""
    of_project: dict[str, Any] = tomllib.loads(project.read_text())["project"]
    of_api: dict[str, Any] = json.loads(document.read_text())["info"]
    if of_api["license"]["name"] != of_project["license"]:
        raise ClientsError(f"{of_project['license']} in {project.name}, {of_api['license']['name']} in {document.name}")
    return About(
        name=f"{of_project['name']}-client",
        version=of_project["version"],
        api_version=of_api["version"],
        description=f"A client of {of_api['title']}. {of_api['summary']}",
        licence=of_project["license"],
    )
