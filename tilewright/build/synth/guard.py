"""What a worker does to itself before its work: a limit on memory, an end with its parent."""

import contextlib
import ctypes
import os
import signal
import sys
from typing import Final

__all__ = ["guard"]

_SET_PARENT_DEATH_SIGNAL: Final = 1  # prctl(2), PR_SET_PDEATHSIG
_TOLD: Final = signal.SIGUSR1
_NOT_FOR_THE_WATCHER: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def guard(memory_bytes: int) -> None:
    """Limit this process's private writable memory, and end it when its parent is killed, with
    everything that it started.

    Address space (`RLIMIT_AS`) is no measure here: a WebAssembly runtime reserves gigabytes that it
    never touches. `RLIMIT_DATA` counts what can be written. All of it holds on Linux only.
    """
    if sys.platform != "linux":
        return
    import resource

    if os.getpgrp() == os.getpid():  # a group of our own: see `process.run`
        _watch_group()
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY:  # only root could go beyond the system's own limit
        memory_bytes = min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    _at_end_of_parent(signal.SIGKILL)


def _at_end_of_parent(number: signal.Signals) -> None:
    """Ask the system to send us a signal when the process that started us ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, number)


def _watch_group() -> None:
    """Start a process that ends our group when we are gone.

    The signal of `_at_end_of_parent` reaches this process only, not what it started. No thread and
    no handler of Python would do: a tool may keep the interpreter for its whole time.
    """
    worker = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, [_TOLD])  # before anything can send it
    if os.fork():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [_TOLD])
        return
    try:
        for number in _NOT_FOR_THE_WATCHER:
            signal.signal(number, signal.SIG_IGN)
        _at_end_of_parent(_TOLD)
        if os.getppid() == worker:
            signal.sigwait([_TOLD])
        os.killpg(worker, signal.SIGKILL)
    finally:
        os._exit(0)
