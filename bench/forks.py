"""Work done in a process of its own, each time a fresh one.

The one rule: every sample begins alike. A process that has worked before has warm caches, and memory it keeps.

The processes are forked from one that has imported everything and done nothing: no sample waits for imports.
"""

import asyncio
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Final, TypeVar

from bench.load import BenchError

_LONGEST_SECONDS: Final = 300.0
_END_SECONDS: Final = 5.0

P = TypeVar("P")
R = TypeVar("R")


class Forks:
    """Runs functions of modules that were imported before."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(modules))

    async def run(self, work: Callable[[P], R], plan: P) -> R:
        """The result of the work. Raises: BenchError, with the trace of what went wrong."""
        return await asyncio.to_thread(self._run, work, plan)

    def _run(self, work: Callable[[P], R], plan: P) -> R:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_child, args=(theirs, work, plan), daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(_LONGEST_SECONDS):
                raise BenchError(f"{work.__name__} took longer than {_LONGEST_SECONDS:.0f} s")
            result, trace = ours.recv()
        except EOFError:
            raise BenchError(f"{work.__name__} died") from None
        finally:
            ours.close()
            process.join(_END_SECONDS)
            process.kill()
        if trace is not None:
            raise BenchError(f"{work.__name__} failed:\n{trace}")
        found: R = result
        return found


def _child(pipe: Connection, work: Callable[[P], R], plan: P) -> None:
    try:
        pipe.send((work(plan), None))
    except Exception:  # noqa: BLE001  told to whoever asked
        pipe.send((None, traceback.format_exc()))
