"""Generates a Python client from openapi.client.json and uses it: `python -m contract.python_client`.

The one rule: no warning while generating, no module that does not import, no example that the client cannot read.
"""

import importlib
import json
import pkgutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "openapi.client.json"
OUTPUT = ROOT / "build" / "python-client"
CONFIG = ROOT / "contract" / "python-client.yaml"
PACKAGE = "calendar_connect_client"


def main() -> int:
    """0: the client works. 1: the generator complained."""
    done = subprocess.run(_generator(), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        sys.stdout.write(done.stdout + done.stderr)
        return 1
    sys.path.insert(0, str(OUTPUT))
    warnings.simplefilter("error")
    modules = list(import_all(PACKAGE))
    read = sum(_read(name, example) for name, example in examples(json.loads(DOCUMENT.read_text())))
    sys.stdout.write(f"Python client: {len(modules)} modules imported, {read} examples read\n")
    return 0


def _generator() -> list[str]:
    return [
        str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--overwrite", "--fail-on-warning",
        "--path", str(DOCUMENT), "--output-path", str(OUTPUT), "--config", str(CONFIG),
    ]  # fmt: skip


def import_all(package: str) -> Iterator[str]:
    """Import every module of a package; answers their names."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        importlib.import_module(module.name)
        yield module.name


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The example of every request and answer that has a named schema: the schema's name, the value."""
    for item in document["paths"].values():
        for operation in item.values():
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media_type in part.get("content", {}).values():
                    reference = media_type.get("schema", {}).get("$ref")
                    if reference is not None and "example" in media_type:
                        yield reference.rpartition("/")[2], media_type["example"]


def _read(schema: str, example: Any) -> bool:
    """Read an example with the client's model and write it again: nothing is lost on the way."""
    model = getattr(importlib.import_module(f"{PACKAGE}.models"), schema)
    written = model.from_dict(example).to_dict()
    if written.keys() != example.keys():
        raise AssertionError(f"{schema}: the client lost {sorted(example.keys() ^ written.keys())}")
    return True


if __name__ == "__main__":
    sys.exit(main())
