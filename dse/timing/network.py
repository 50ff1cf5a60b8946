"""Timed processes that exchange tokens: a Kahn process network whose tokens are cycle numbers.

Every unit of the accelerator is a Python generator. It computes the cycle of each of its events
from the cycles of earlier ones (a max-plus recurrence) and, where it needs an event of another unit
that is not known yet, yields the `Channel` and the number of entries it needs. Because each channel
has one producer and one consumer, the result does not depend on the order in which the processes
are run (G. Kahn, "The semantics of a simple language for parallel programming", 1974), and a
network that stops before its processes end is a deadlock of the hardware whatever its timing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field


@dataclass(kw_only=True, eq=False)
class Channel:
    """The cycles at which the entries of a token, or of a FIFO's credits, became available.

    `times[i]` is the cycle in which entry *i* may be taken; it never decreases. `delay_cycles` lie
    between an entry's give and that.
    """

    name: str
    times: list[int] = field(default_factory=list)
    taken: int = 0
    delay_cycles: int = 0

    def give(self, cycle: int, count: int = 1) -> None:
        """Append `count` entries that are given in `cycle`."""
        self.times.extend((cycle + self.delay_cycles,) * count)

    def has(self, count: int) -> bool:
        """Whether `count` more entries are known."""
        return len(self.times) >= self.taken + count

    def take(self, count: int) -> int:
        """Take `count` known entries; the cycle at which the last of them was available."""
        self.taken += count
        return self.times[self.taken - 1]


Process = Generator[tuple[Channel, int], None, None]
"""A unit: yields (channel, total number of entries it needs there) while they are unknown."""


class Deadlock(Exception):
    """Some units wait for each other for ever; `waiting` maps each to the channel it waits for."""

    def __init__(self, waiting: Mapping[str, str]) -> None:
        self.waiting = dict(waiting)
        units = ", ".join(f"{unit} waits for {channel}" for unit, channel in self.waiting.items())
        super().__init__(f"the program can never finish: {units}")


def run_network(processes: Mapping[str, Process]) -> None:
    """Run all `processes` to their end.

    Raises:
        Deadlock: if some process waits for an entry that no process will give.
    """
    runnable = deque(processes)
    waiting: dict[str, tuple[Channel, int]] = {}
    while runnable:
        name = runnable.popleft()
        for channel, needed in processes[name]:
            if len(channel.times) < needed:
                waiting[name] = (channel, needed)
                break
        woken = [
            unit for unit, (channel, needed) in waiting.items() if len(channel.times) >= needed
        ]
        for unit in woken:
            del waiting[unit]
        runnable.extend(woken)
    if waiting:
        raise Deadlock({unit: channel.name for unit, (channel, _) in waiting.items()})
