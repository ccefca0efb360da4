"""The Python package. The one rule: what is tried is the wheel, as somebody would install it, not what lies around."""

import os
from pathlib import Path
from typing import Final

from clients.about import DOCUMENT, ROOT, About
from clients.package import accompany, begin, template
from clients.programs import python_tool, run

_CONFIG: Final = ROOT / "contract" / "python-client.yaml"


def generate(about: About, directory: Path) -> None:
    """The package's sources, ready for `python -m build`. Raises: ClientsError."""
    begin(directory)
    code = directory / about.module
    run(
        python_tool("openapi-python-client"), "generate", "--meta", "none", "--fail-on-warning", "--overwrite",
        "--path", str(DOCUMENT), "--output-path", str(code), "--config", str(_CONFIG),
    )  # fmt: skip
    (code / "py.typed").touch()  # https://peps.python.org/pep-0561/
    (directory / "pyproject.toml").write_text(template("python.toml", about))
    accompany(directory, "python.md", about)


def build(directory: Path) -> Path:
    """The wheel. uv's own backend builds it, so that nothing is fetched. Raises: ClientsError."""
    distributions = directory / "dist"
    run(python_tool("uv"), "build", "--offline", "--quiet", "--out-dir", str(distributions), str(directory))
    [wheel] = distributions.glob("*.whl")
    return wheel


def install(wheel: Path, place: Path) -> Path:
    """The wheel's content in an empty place; what it depends on is this environment's. Raises: ClientsError."""
    run(
        python_tool("uv"), "pip", "install", "--offline", "--quiet", "--no-deps", "--no-index",
        "--target", str(begin(place)), str(wheel),
    )  # fmt: skip
    return place


def check_types(script: Path, installed: Path) -> None:
    """What uses the package holds its types, strictly. Raises: ClientsError."""
    run(
        python_tool("mypy"), "--strict", "--config-file=", "--follow-imports=silent",
        f"--cache-dir={script.with_name('.types')}", str(script),
        environment={**os.environ, "MYPYPATH": str(installed)},
    )  # fmt: skip
