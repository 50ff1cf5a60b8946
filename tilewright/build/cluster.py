"""A cluster's workers as an executor: Dask's, by the address of its scheduler, or as jobs that
dask-jobqueue asks a queue for.
"""

from __future__ import annotations

import importlib
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final

from tilewright.commands.contract import Progress, no_progress
from tilewright.dse.sweep_crew import Crew
from tilewright.errors import ToolError, UsageError
from tilewright.spec.sweep import SweepQueueSection

CONNECT_SECONDS: Final = 20
WORKER_SECONDS: Final = 60
"""For the first worker of a scheduler to come."""
POLL_SECONDS: Final = 0.2
SCHEMES: Final = ("tcp", "tls", "ws", "wss", "ucx")
"""Of addresses that Dask connects to from another process."""
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


def check_address(address: str) -> None:
    """The mistakes of a scheduler's address (`UsageError`); nothing is connected to."""
    scheme, separator, rest = address.partition("://")
    host, colon, port = rest.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    wrong = ""
    if not separator or scheme not in SCHEMES:
        wrong = f"begins with one of {', '.join(f'{name}://' for name in SCHEMES)}"
    elif not colon or not host.strip("[]") or (":" in host and not is_bracketed):
        wrong = "has a host and a port (an IPv6 host in brackets)"
    elif not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        wrong = "has a port of 1 to 65535"
    if wrong:
        raise UsageError(
            f"--cluster {address}: the address of a scheduler {wrong}",
            help="write it as `dask scheduler` prints it, such as tcp://HOST:8786",
        )


@contextmanager
def cluster_crew(
    address: str, *, attempts: int = 3, progress: Progress = no_progress
) -> Iterator[Crew]:
    """A crew on the workers of the Dask scheduler at `address` (`tcp://host:port`).

    What the sweep evaluates must be importable on the workers: the same packages there. Workers may
    come and go; tasks are lost with a worker and tried again. `progress` is told when the first one
    is waited for.

    Raises:
        UsageError: `address` is none.
        ToolError: Dask is not installed, no scheduler answers, or it has no workers.
    """
    check_address(address)
    distributed = _package("distributed", "sweeps on a cluster need Dask")
    try:
        client = _connected(distributed, address)
    except (OSError, ValueError, ImportError, RuntimeError, TypeError) as error:
        what = "no scheduler answers" if isinstance(error, OSError) else "Dask cannot connect"
        raise ToolError(
            f"{address}: {what}: {error}",
            help="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error
    with client:
        yield _crew_of(client, _threads_of(client, address, progress), attempts)


def _connected(distributed: Any, address: str) -> Any:
    """A client. One that did not connect is marked as closed: else its destructor waits for what
    never began, and says so with a traceback.
    """
    client = distributed.Client.__new__(distributed.Client)
    try:
        client.__init__(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except BaseException:
        client.status = "closed"
        raise
    return client


def _threads_of(client: Any, address: str, progress: Progress) -> int:
    """Of all workers, as soon as there is one."""
    end, has_told = time.monotonic() + WORKER_SECONDS, False
    while True:
        threads: int = sum(client.nthreads().values())
        if threads:
            return threads
        if not has_told:
            progress(f"waiting for workers of {address}")
            has_told = True
        if time.monotonic() >= end:
            raise ToolError(
                f"{address}: the scheduler has no workers, after {WORKER_SECONDS} s",
                help=f"start some with `dask worker {address}`",
            )
        time.sleep(POLL_SECONDS)


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
