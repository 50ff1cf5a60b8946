"""A cluster's workers as an executor: Dask's, by the address of its scheduler, or as jobs that
dask-jobqueue asks a queue for.
"""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final

from tilewright.dse.sweep_crew import Crew
from tilewright.errors import ToolError
from tilewright.spec.sweep import SweepQueueSection

CONNECT_SECONDS: Final = 20
TASKS_PER_THREAD: Final = 2
"""One that runs and one that waits beside it: a worker is never idle, and few are lost with it."""
CLUSTERS: Final = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
    "local": "LocalCluster",
}
"""Classes of dask-jobqueue; `local` starts jobs on this machine."""
WITH_QUEUE_AND_TIME: Final = ("slurm", "pbs", "sge", "lsf", "oar", "moab")


@contextmanager
def cluster_crew(address: str, *, attempts: int = 3) -> Iterator[Crew]:
    """A crew on the workers of the Dask scheduler at `address` (`tcp://host:port`).

    What the sweep evaluates must be importable on the workers: the same packages there. Workers may
    come and go; tasks are lost with a worker and tried again.

    Raises:
        ToolError: Dask is not installed, or no scheduler answers.
    """
    distributed = _package("distributed", "sweeps on a cluster need Dask")
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ToolError(
            f"{address}: no scheduler answers: {error}",
            help="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        yield _crew_of(client, threads, attempts)


@contextmanager
def queue_crew(queue: SweepQueueSection, *, attempts: int = 3) -> Iterator[Crew]:
    """A crew on workers that are jobs of a queue. Work begins when the first of them does.

    Raises:
        ToolError: dask-jobqueue is not installed, or no job can be asked for.
    """
    distributed = _package("distributed", "sweeps on a cluster need Dask")
    need = "workers as jobs of a queue need dask-jobqueue"
    jobqueue = _package("dask_jobqueue.local" if queue.queue == "local" else "dask_jobqueue", need)
    keys: dict[str, Any] = {
        "cores": queue.cores,
        "processes": queue.cores,
        "memory": f"{queue.memory_bytes}B",
    }
    if queue.queue in WITH_QUEUE_AND_TIME:
        keys["walltime"] = queue.walltime
        keys |= {} if queue.partition is None else {"queue": queue.partition}
    try:
        cluster = getattr(jobqueue, CLUSTERS[queue.queue])(**keys)
        cluster.scale(jobs=queue.jobs)
    except (OSError, ValueError, RuntimeError) as error:
        raise ToolError(
            f"{queue.queue}: no jobs can be asked for: {error}",
            help="run it where the commands of the queue are",
        ) from error
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield _crew_of(client, queue.jobs * queue.cores, attempts)


def _package(name: str, need: str) -> Any:
    """The package; Ctrl-C stays ours: dask-jobqueue makes it the end of the process."""
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolError(need, help="pip install 'tilewright[cluster]'") from error
    finally:
        if is_main and handler is not None:
            signal.signal(signal.SIGINT, handler)


def _crew_of(client: Any, threads: int, attempts: int) -> Crew:
    executor: Executor = client.get_executor(pure=False)
    return Crew(
        start=lambda: executor,
        in_flight=max(TASKS_PER_THREAD * threads, 2),
        attempts=attempts,
        keeps_executor=True,
    )
