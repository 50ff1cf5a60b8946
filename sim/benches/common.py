"""Parts of cocotb benches: stream driver, sink, monitor, watchdog, reset.

For short protocol tests. Long runs use the SystemVerilog players of `tilewright.sim.regress`: here
every beat costs Python time. Signals are written at the falling edge and read when everything has
settled after it, so no bench depends on the order of events at the rising edge.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import FallingEdge, ReadOnly, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time

__all__ = [
    "CycleRecorder",
    "StreamDriver",
    "StreamMonitor",
    "StreamRuleError",
    "StreamSink",
    "check_words",
    "current_cycle",
    "reset",
    "run_with_limit",
    "start_clock",
]

PERIOD_NS = 10


class StreamRuleError(AssertionError):
    """A stream broke a rule: valid fell, or the payload changed, before the transfer."""


def current_cycle() -> int:
    """Cycles since the start of the simulation."""
    return int(get_sim_time(unit="ns") // PERIOD_NS)


def start_clock(dut: Any) -> None:
    """Drive `aclk` for ever, with a period of 10 ns."""
    Clock(dut.aclk, PERIOD_NS, unit="ns").start()


async def reset(dut: Any, num_cycles: int = 4) -> None:
    """Hold `aresetn` low for `num_cycles` rising edges."""
    dut.aresetn.value = 0
    for _ in range(num_cycles + 1):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1


async def run_with_limit(work: Any, limit_cycles: int, what: str) -> Any:
    """Wait for `work`, at most `limit_cycles` cycles: the watchdog of every bench."""
    try:
        return await with_timeout(work, limit_cycles * PERIOD_NS, "ns")
    except SimTimeoutError:
        raise AssertionError(f"{what}: not done after {limit_cycles} cycles") from None


def check_words(name: str, expected: Sequence[int], got: Sequence[int], seed: int) -> None:
    """Compare words bit for bit; the text of a failure names port, index, both words and seed."""
    for index, (want, have) in enumerate(zip(expected, got, strict=False)):
        if want != have:
            text = f"{name}[{index}]: expected {want:#x}, got {have:#x} (seed {seed})"
            raise AssertionError(text)
    if len(expected) != len(got):
        text = f"{name}: expected {len(expected)} words, got {len(got)} (seed {seed})"
        raise AssertionError(text)


@dataclass(kw_only=True)
class CycleRecorder:
    """First and last cycle with a transfer, counted from the start of the simulation."""

    count: int = 0
    first_cycle: int | None = None
    last_cycle: int | None = None

    def note(self) -> None:
        """A transfer happens in this cycle."""
        cycle = current_cycle()
        self.count += 1
        self.first_cycle = cycle if self.first_cycle is None else self.first_cycle
        self.last_cycle = cycle


@dataclass(kw_only=True)
class _Side:
    """The signals of one stream port, and what was transferred."""

    dut: Any
    prefix: str
    stalls: Iterable[bool] = ()
    times: CycleRecorder = field(default_factory=CycleRecorder)

    def __post_init__(self) -> None:
        self.clock = self.dut.aclk
        self.data = getattr(self.dut, f"{self.prefix}_tdata")
        self.valid = getattr(self.dut, f"{self.prefix}_tvalid")
        self.ready = getattr(self.dut, f"{self.prefix}_tready")

    async def _finish_cycle(self) -> bool:
        """From a falling edge to the next; whether a word was transferred between them."""
        await ReadOnly()  # ready may depend on valid within the cycle
        is_transfer = bool(int(self.valid.value) and int(self.ready.value))
        if is_transfer:
            self.times.note()
            self._keep()
        await FallingEdge(self.clock)
        return is_transfer

    def _keep(self) -> None:
        """Called for each transfer while the payload is there."""

    def _stalls(self) -> Iterator[bool]:
        yield from self.stalls
        while True:
            yield False


@dataclass(kw_only=True)
class StreamDriver(_Side):
    """Sends words into `s_axis_NAME` (`prefix`); `stalls`: cycles in which none is offered."""

    async def send(self, words: Sequence[int]) -> None:
        """Send all words, back to back where neither side stalls."""
        stalls = self._stalls()
        await FallingEdge(self.clock)
        for word in words:
            while next(stalls):
                await FallingEdge(self.clock)
            self.data.value = word
            self.valid.value = 1
            while not await self._finish_cycle():
                next(stalls)
            self.valid.value = 0


@dataclass(kw_only=True)
class StreamSink(_Side):
    """Takes words from `m_axis_NAME` (`prefix`); `stalls`: cycles in which it is not ready."""

    words: list[int] = field(default_factory=list)

    def _keep(self) -> None:
        self.words.append(int(self.data.value))

    async def receive(self, count: int) -> list[int]:
        """Take `count` words, then stop being ready; returns all words taken so far."""
        stalls = self._stalls()
        target = len(self.words) + count
        await FallingEdge(self.clock)
        while len(self.words) < target:
            self.ready.value = int(not next(stalls))
            await self._finish_cycle()
        self.ready.value = 0
        return self.words

    async def prove_empty(self, num_cycles: int = 32) -> None:
        """Be ready for `num_cycles` cycles: nothing more may come."""
        count = len(self.words)
        await FallingEdge(self.clock)
        self.ready.value = 1
        for _ in range(num_cycles):
            await self._finish_cycle()
        self.ready.value = 0
        surplus = self.words[count:]
        assert not surplus, f"{self.prefix}: words left over: {[hex(word) for word in surplus]}"


class StreamMonitor(_Side):
    """Watches a stream port for breaches of the stream rules; start it once, in the background."""

    def start(self) -> "Task[None]":
        """Watch until the test ends."""
        return cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        waiting: int | None = None
        while True:
            await FallingEdge(self.clock)
            await ReadOnly()
            if not int(self.dut.aresetn.value):
                waiting = None
                continue
            waiting = self._judge(waiting)

    def _judge(self, waiting: int | None) -> int | None:
        """The word that waits for its transfer after this cycle."""
        is_valid, word = bool(int(self.valid.value)), int(self.data.value)
        if waiting is not None and not is_valid:
            raise StreamRuleError(f"{self.prefix}: valid fell in cycle {current_cycle()}")
        if waiting is not None and word != waiting:
            text = f"{self.prefix}: payload changed in cycle {current_cycle()}"
            raise StreamRuleError(f"{text}: {waiting:#x} became {word:#x}")
        return word if is_valid and not int(self.ready.value) else None
