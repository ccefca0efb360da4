"""The TypeScript package. The one rule: what is tried is what `npm pack` made, installed by npm, compiled strictly."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from clients.about import DOCUMENT, JOURNEYS, ROOT, About, ClientsError
from clients.package import accompany, begin
from clients.programs import installed, node_tool, run

_ENGINES: Final = {"node": ">=20.19"}
_STRICT: Final = {
    "target": "ES2022",
    "module": "NodeNext",
    "lib": ["ES2022", "DOM", "DOM.Iterable"],
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "skipLibCheck": True,  # those of the DOM and of Node are theirs to check; ours is compiled from its sources
}
_NPM: Final = ("--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error")


def generate(about: About, directory: Path) -> None:
    """The package's sources and, compiled, its modules with their types; ready for `npm pack`. Raises: ClientsError."""
    begin(directory)
    write_json(directory / "openapi-ts.config.json", _generator(directory))
    run(node_tool("openapi-ts"), "--file", str(directory / "openapi-ts.config.json"), cwd=directory)
    (directory / "openapi-ts.config.json").unlink()
    write_json(directory / "package.json", manifest(about))
    write_json(directory / "tsconfig.json", _compiler("src", "dist", declaration=True, types=[]))
    accompany(directory, "typescript.md", about)
    run(node_tool("tsc"), "--project", str(directory))


def _generator(directory: Path) -> dict[str, Any]:
    """Node finds modules by their whole names only."""
    return {
        "input": str(DOCUMENT),
        "output": {"path": str(directory / "src"), "importFileExtension": ".js"},
        "logs": {"file": False, "level": "silent"},
        "plugins": ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript"],
    }


def manifest(about: About) -> dict[str, Any]:
    """`package.json`."""
    return {
        "name": about.name,
        "version": about.version,
        "description": about.description,
        "license": about.licence,
        "type": "module",
        "engines": _ENGINES,
        "exports": {
            ".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"},
            "./client": {"types": "./dist/client/index.d.ts", "default": "./dist/client/index.js"},
        },
        "files": ["dist", "src"],
        "sideEffects": False,
    }


def _compiler(sources: str, output: str, **more: Any) -> dict[str, Any]:
    options = _STRICT | {"rootDir": sources, "outDir": output} | more
    return {"compilerOptions": options, "include": [sources]}


def build(directory: Path) -> Path:
    """What would be published. Raises: ClientsError."""
    told = json.loads(run(installed("npm"), "pack", "--json", *_NPM, cwd=directory))
    return directory / str(told[0]["filename"])


def install(tarball: Path, place: Path) -> Path:
    """A project that uses the package: the journey, compiled; its `journey.js`. Raises: ClientsError."""
    begin(place)
    write_json(place / "package.json", {"name": "journey", "private": True, "type": "module"})
    run(installed("npm"), "install", *_NPM, str(tarball), cwd=place)
    (place / "src").mkdir()
    shutil.copyfile(JOURNEYS / "journey.ts", place / "src" / "journey.ts")
    types = ROOT / "contract" / "node_modules" / "@types"
    write_json(place / "tsconfig.json", _compiler("src", "dist", types=["node"], typeRoots=[str(types)]))
    run(node_tool("tsc"), "--project", str(place))
    compiled = place / "dist" / "journey.js"
    if not compiled.exists():
        raise ClientsError("the journey was not compiled")
    return compiled


def write_json(path: Path, content: dict[str, Any]) -> None:
    """As npm would."""
    path.write_text(json.dumps(content, indent=2) + "\n")
