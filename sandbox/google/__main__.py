"""`python -m sandbox.google`: Google alone, at the root of an address of its own.

The one rule: it adds no behaviour. It is for clients that can be told another host but no path on it, as Node's.
"""

from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Clock
from sandbox.google.app import create_google
from sandbox.google.control import create_control
from sandbox.google.world import GoogleWorld
from sandbox.ports import HOST


def create_alone() -> Starlette:
    """Google, and its control API at the address it has everywhere."""
    world = GoogleWorld(Clock())
    return Starlette(routes=[Mount("/control/google", create_control(world)), Mount("/", create_google(world))])


def serve(port: Annotated[int, typer.Option(help="0 is a free one, which is then told.")] = 0) -> None:
    """Run simulated Google until Ctrl-C."""
    uvicorn.run(create_alone(), host=HOST, port=port, access_log=False)


if __name__ == "__main__":
    typer.run(serve)
