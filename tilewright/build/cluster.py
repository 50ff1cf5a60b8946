"""A cluster's workers as an executor: Dask's, by the address of its scheduler."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final

from tilewright.dse.sweep_crew import Crew
from tilewright.errors import ToolError

CONNECT_SECONDS: Final = 20
TASKS_PER_THREAD: Final = 2
"""One that runs and one that waits beside it: a worker is never idle, and few are lost with it."""


@contextmanager
def cluster_crew(address: str, *, attempts: int = 3) -> Iterator[Crew]:
    """A crew on the workers of the Dask scheduler at `address` (`tcp://host:port`).

    What the sweep evaluates must be importable on the workers: the same packages there. Workers may
    come and go; tasks are lost with a worker and tried again.

    Raises:
        ToolError: Dask is not installed, or no scheduler answers.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise ToolError(
            "sweeps on a cluster need Dask", help="pip install 'tilewright[cluster]'"
        ) from error
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ToolError(
            f"{address}: no scheduler answers: {error}",
            help="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        executor: Executor = client.get_executor(pure=False)
        yield Crew(
            start=lambda: executor,
            in_flight=max(TASKS_PER_THREAD * threads, 2),
            attempts=attempts,
            keeps_executor=True,
        )
