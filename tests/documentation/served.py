"""The service on a real socket, for what the documentation has its readers type into a shell.

The one rule: blocks are run as they are written; only the two addresses of `make run` are put right.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

import uvicorn

from app.cli import SERVING
from tests.support.world import World

BASH = shutil.which("bash") or ""
CURL = shutil.which("curl") or ""
_API, _SANDBOX = "http://127.0.0.1:8000", "http://127.0.0.1:9100"


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The world's API on a free port of this machine; where it is."""
    server = uvicorn.Server(uvicorn.Config(world.app, host="127.0.0.1", port=0, lifespan="off", **SERVING))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@dataclass(slots=True)
class Shell:
    """A reader's terminal: what one block sets, the next one has."""

    directory: Path
    api: str
    sandbox: str
    given: Mapping[str, str] = field(default_factory=dict)

    async def run(self, block: str) -> str:
        """What a block prints. Every line of it has to succeed."""
        state = self.directory / "state"
        sets = "".join(f"{name}={quote(value)}\n" for name, value in self.given.items())
        before = f". {quote(str(state))}" if state.exists() else sets
        after = f"{{ declare -p | grep -E '^declare -- [A-Z]+='; declare -f; }} > {quote(str(state))}"
        script = f"set -euo pipefail\n{before}\n{self._here(block)}\n{after}\n"
        process = await asyncio.create_subprocess_exec(
            BASH, "-c", script, cwd=self.directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(120):
            said, complained = await process.communicate()
        assert process.returncode == 0, f"{block}\n--- said\n{said.decode()}\n--- complained\n{complained.decode()}"
        return said.decode()

    def _here(self, block: str) -> str:
        return block.replace(_API, self.api).replace(_SANDBOX, self.sandbox)
