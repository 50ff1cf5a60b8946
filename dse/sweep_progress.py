"""How far a sweep is: rate, time left, and the front so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .report.text import number_text

SECONDS_BETWEEN = 1.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A moment of a sweep, in designs. `resumed` of `done` came from the ledger.

    `rate` is designs evaluated per second since the start of this process; `seconds_left` is None
    before the first. `front` counts the designs on the front of those done; `best` has the best
    value of each objective on it.
    """

    done: int
    total: int
    resumed: int
    failed: int
    feasible: int
    front: int
    worker_deaths: int
    rate: float
    seconds_left: float | None
    best: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """One line for people."""
        left = "" if self.seconds_left is None else f", {time_text(self.seconds_left)} left"
        failed = f", {self.failed:,} failed" if self.failed else ""
        values = ", ".join(f"{name} {number_text(value)}" for name, value in self.best.items())
        return (
            f"{self.done:,}/{self.total:,} designs ({self.rate:.3g}/s{left}), "
            f"{self.feasible:,} feasible, front {self.front:,}"
            f"{f' (best {values})' if values else ''}{failed}"
        )


Report = Callable[[Progress], None]


@dataclass(kw_only=True)
class Meter:
    """Counts, and calls `report` at most once per `seconds_between`."""

    total: int
    report: Report | None = None
    seconds_between: float = SECONDS_BETWEEN
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    resumed: int = 0
    _started: float = field(default=0.0, init=False)
    _told: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def is_due(self, *, is_last: bool = False) -> bool:
        """Whether a report is asked for, and it is time for one."""
        since = None if self._told is None else self.clock() - self._told
        return self.report is not None and (
            is_last or since is None or since >= self.seconds_between
        )

    def tell(
        self,
        *,
        failed: int,
        feasible: int,
        front: int,
        deaths: int = 0,
        best: Mapping[str, float] | None = None,
    ) -> None:
        """Report."""
        assert self.report is not None
        self._told = self.clock()
        new = self.done - self.resumed
        rate = new / max(self._told - self._started, 1e-9)
        self.report(
            Progress(
                done=self.done,
                total=self.total,
                resumed=self.resumed,
                failed=failed,
                feasible=feasible,
                front=front,
                worker_deaths=deaths,
                rate=rate,
                seconds_left=(self.total - self.done) / rate if new else None,
                best=best or {},
            )
        )


def time_text(seconds: float) -> str:
    """`12 s`, `3 min`, `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
