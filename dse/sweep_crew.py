"""Work on an executor whose workers may die: started again, tried again, then told as failed.

If a worker of a process pool dies, the pool breaks and every task under way is lost, whoever's
fault it was. Those tasks are then run one at a time: a pool that breaks now was broken by the only
task in it. So a task is blamed only for what it did alone, and after `attempts` such deaths it
counts as failed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import dataclass, field
from typing import Any, Protocol

LOST_NAMES = ("KilledWorker", "FutureCancelledError", "CommClosedError")
"""Dask's words for a task whose worker died; its classes are not needed for that."""
MOST_REFUSALS = 6
FIRST_PAUSE_SECONDS = 0.02
"""Executors in a row that take no work, and the pause after the first; each next one is twice as
long: 1.3 s in all."""


class CrewError(RuntimeError):
    """Work cannot be sent to workers at all: a fault of the set-up, not of one task."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of work: `function(*arguments)` in a worker."""

    number: int
    arguments: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a task: what its function returned, or how its workers died."""

    task: Task
    value: Any = None
    lost: str | None = None
    attempts: int = 1


class StartExecutor(Protocol):
    """Makes an executor; called again after one broke."""

    def __call__(self) -> Executor:
        """A new executor."""


@dataclass(kw_only=True)
class Crew:
    """Runs tasks, at most `in_flight` at once. `start` makes an executor, and a new one after it
    broke; `keeps_executor`: it is somebody else's, and is not shut down.
    """

    start: StartExecutor
    in_flight: int = 4
    attempts: int = 3
    tick_seconds: float = 0.5
    keeps_executor: bool = False
    deaths: int = 0
    _executor: Executor | None = field(default=None, init=False)

    def run(
        self, function: Callable[..., Any], tasks: Iterable[Task]
    ) -> Generator[tuple[Outcome, ...], None, None]:
        """Outcomes as they come, none after each `tick_seconds` without one; each task once.

        Closing the iterator (Ctrl-C does) ends the workers; what was under way is dropped.
        """
        state = _Queue(tasks=iter(tasks))
        has_ended = False
        try:
            while self._submit(function, state):
                done, _ = wait(
                    state.running, timeout=self.tick_seconds, return_when=FIRST_COMPLETED
                )
                yield tuple(self._outcomes(state, done))
            has_ended = True
        finally:
            if not has_ended:
                for future in state.running:
                    future.cancel()
                self.stop(is_hurried=True)

    def stop(self, *, is_hurried: bool = False) -> None:
        """End the executor; hurried: without waiting for what is under way."""
        executor, self._executor = self._executor, None
        if executor is None or self.keeps_executor:
            return
        stop_now = getattr(executor, "stop_now", None)
        if is_hurried and stop_now is not None:
            stop_now()
        executor.shutdown(wait=not is_hurried, cancel_futures=True)

    def _submit(self, function: Callable[..., Any], state: _Queue) -> bool:
        """Send out what there is room for; whether anything is under way."""
        while len(state.running) < (1 if state.suspects else self.in_flight):
            task = state.next_task(is_alone=not state.running)
            if task is None:
                break
            try:  # the server of a pool may have died, or what keeps the names of its locks
                if self._executor is None:
                    self._executor = self.start()
                future = self._executor.submit(function, *task.arguments)
            except (BrokenExecutor, OSError, EOFError) as error:
                self._never_began(state, task, error)
                break
            state.refusals = 0
            state.running[future] = task
        return bool(state.running or state.suspects) or state.has_more

    def _never_began(self, state: _Queue, task: Task, error: Exception) -> None:
        """The executor was broken before it took the task; not for ever, though. A server that was
        just killed may refuse the next executor, too, until its end is known.
        """
        state.suspects.appendleft(task)
        if not state.running:
            state.refusals += 1
            if state.refusals > MOST_REFUSALS:
                raise CrewError(f"workers die before they begin: {error}") from error
            self._renew(state)
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (state.refusals - 1))

    def _outcomes(self, state: _Queue, done: Iterable[Future[Any]]) -> Iterator[Outcome]:
        was_alone = len(state.running) == 1 and state.is_suspect_alone
        is_broken = False
        for future in done:
            task = state.running.pop(future)
            error = _error_of(future)
            if error is None:
                yield Outcome(task=task, value=future.result(), attempts=state.tries(task) + 1)
            elif isinstance(error, BrokenExecutor):
                is_broken = True
                yield from self._lost(state, task, is_blamed=was_alone, error=error)
            elif isinstance(error, CancelledError) or type(error).__name__ in LOST_NAMES:
                yield from self._lost(state, task, is_blamed=True, error=error)
            else:
                raise CrewError(
                    f"work cannot be sent to workers: {type(error).__name__}: {error}"
                ) from error
        if is_broken:
            self._renew(state)

    def _lost(
        self, state: _Queue, task: Task, *, is_blamed: bool, error: BaseException
    ) -> Iterator[Outcome]:
        tries = state.tries(task) + is_blamed
        state.tried[task.number] = tries
        if tries >= self.attempts:
            text = f"its worker died {tries} times: {type(error).__name__}"
            yield Outcome(task=task, lost=text, attempts=tries)
        else:
            state.suspects.append(task)

    def _renew(self, state: _Queue) -> None:
        """Another executor; all that was under way is suspect."""
        self.deaths += 1
        state.suspects.extend(state.running.values())
        state.running.clear()
        self.stop(is_hurried=True)


@dataclass(kw_only=True)
class _Queue:
    """Tasks to come, under way, and those whose worker may die of them."""

    tasks: Iterator[Task]
    running: dict[Future[Any], Task] = field(default_factory=dict)
    suspects: deque[Task] = field(default_factory=deque)
    tried: dict[int, int] = field(default_factory=dict)
    refusals: int = 0
    is_suspect_alone: bool = False
    has_more: bool = True

    def next_task(self, *, is_alone: bool) -> Task | None:
        """The next one: a suspect if there is any, and only when nothing else runs."""
        if self.suspects:
            if not is_alone:
                return None
            self.is_suspect_alone = True
            return self.suspects.popleft()
        if self.is_suspect_alone and not is_alone:  # the last suspect still runs
            return None
        self.is_suspect_alone = False
        task = next(self.tasks, None)
        self.has_more = task is not None
        return task

    def tries(self, task: Task) -> int:
        """How often it killed its worker, as far as is known."""
        return self.tried.get(task.number, 0)


def _error_of(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error
