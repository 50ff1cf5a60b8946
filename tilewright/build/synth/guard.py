"""What a worker does to itself before its work: a limit on memory, an end with its parent."""

import contextlib
import ctypes
import signal
import sys
from typing import Final

__all__ = ["guard"]

_SET_PARENT_DEATH_SIGNAL: Final = 1  # prctl(2), PR_SET_PDEATHSIG


def guard(memory_bytes: int) -> None:
    """Limit this process's private writable memory, and end it when its parent is killed.

    Address space (`RLIMIT_AS`) is no measure here: a WebAssembly runtime reserves gigabytes that it
    never touches. `RLIMIT_DATA` counts what can be written. Both hold on Linux only.
    """
    if sys.platform != "linux":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY:  # only root could go beyond the system's own limit
        memory_bytes = min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
