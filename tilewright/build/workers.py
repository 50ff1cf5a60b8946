"""Worker processes of a sweep on this machine: they end with the sweep, however it ends.

Workers start from a clean server process (`forkserver`), not as copies of ours: they inherit no
lock and no thread. Ctrl-C is the driver's affair. A worker that is asked to end, or whose driver
was killed, leaves its task by an exception, so that tools which it has started end, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from types import FrameType
from typing import Any, Final

from tilewright.errors import UsageError

GRACE_SECONDS: Final = 5.0
MAX_WORKERS: Final = 1024
PRELOADED: Final = ("__main__", "tilewright.dse.sweep", __name__)
EXIT_ASKED: Final = 128 + signal.SIGTERM


class LocalPool(ProcessPoolExecutor):
    """`num_workers` processes; see the module.

    The functions and arguments of its tasks must be importable: module-level functions, plain data.
    A program that uses it guards its own start with `if __name__ == "__main__":`.
    """

    def __init__(self, num_workers: int, *, preloaded: Sequence[str] = ()) -> None:
        """`preloaded`: modules that the server imports once, for all workers."""
        if not 1 <= num_workers <= MAX_WORKERS:
            raise UsageError(f"there are 1 to {MAX_WORKERS} workers, got {num_workers}")
        context = get_context("forkserver")
        # A worker that died is soon replaced.
        context.set_forkserver_preload([*PRELOADED, *preloaded])
        super().__init__(num_workers, mp_context=context, initializer=prepare_worker)

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """As `Executor.submit`."""
        return super().submit(run_task, fn, *arguments, **named)

    def stop_now(self) -> None:
        """Ask all workers to end, also those that are busy."""
        for process in list((self._processes or {}).values()):
            process.terminate()


class AskedToEnd(BaseException):
    """Leaves a task; no kind of error that one would catch."""


_is_busy = False


def run_task(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """A task, in a worker. The pool would swallow what ends it, and wait for the next task."""
    global _is_busy
    try:
        _is_busy = True
        return function(*arguments, **named)
    except AskedToEnd:
        os._exit(EXIT_ASKED)
    finally:
        _is_busy = False


def prepare_worker() -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_watch_driver, name="watch driver", daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    threading.Thread(target=_end_at_last, name="end at last", daemon=True).start()
    if _is_busy:
        raise AskedToEnd
    sys.exit(EXIT_ASKED)


def _end_at_last() -> None:
    """Whatever keeps the worker from ending: an exception that was swallowed, a queue."""
    threading.Event().wait(GRACE_SECONDS)
    os._exit(EXIT_ASKED)


def _watch_driver() -> None:
    """End with the driver, whose death closes the pipe behind `sentinel`."""
    driver = parent_process()
    assert driver is not None
    connection.wait([driver.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    _end_at_last()  # in compiled code no signal is seen
