"""Bench helpers for Amaranth's own simulator: drivers, stalls, and a trace of every cycle.

For parts that are small enough; whole kernels and accelerators run under Verilator (`sim/regress`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.sim import Simulator

from .vectors import StallKind, StallPattern

STALLS: tuple[StallKind, ...] = ("none", "random", "one_in_four")


class Timeout(AssertionError):
    """The watchdog ended a simulation."""


def stalls(kind: StallKind, seed: int) -> Iterator[bool]:
    """For each cycle: stall now?"""
    return StallPattern(kind=kind, seed=seed).cycles()


@dataclass
class Trace:
    """What was watched, cycle by cycle; cycle 0 is the first after reset."""

    signals: dict[str, list[int]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[int]:
        return self.signals[name]

    @property
    def cycles(self) -> int:
        return len(next(iter(self.signals.values())))

    def when(self, name: str) -> list[int]:
        """Cycles in which a signal is not 0."""
        return [t for t, value in enumerate(self.signals[name]) if value]

    def transfers(self, port: str) -> list[tuple[int, int]]:
        """(cycle, payload) of each transfer of a watched stream."""
        valid, ready, payload = (self[f"{port}.{x}"] for x in ("valid", "ready", "payload"))
        return [(t, payload[t]) for t in range(self.cycles) if valid[t] and ready[t]]

    def times(self, port: str) -> list[int]:
        return [t for t, _ in self.transfers(port)]

    def payloads(self, port: str) -> list[int]:
        return [payload for _, payload in self.transfers(port)]

    def check_stream(self, port: str) -> None:
        """A word that waits stays, and stays the same."""
        valid, ready, payload = (self[f"{port}.{x}"] for x in ("valid", "ready", "payload"))
        for t in range(self.cycles - 1):
            if valid[t] and not ready[t]:
                assert valid[t + 1], f"{port}: valid withdrawn in cycle {t + 1}"
                assert payload[t + 1] == payload[t], f"{port}: payload changed in cycle {t + 1}"


async def put(
    ctx: Any, port: Any, words: Iterable[Any], stall: Iterator[bool] | None = None
) -> None:
    """Drive a stream input."""
    for word in words:
        while stall is not None and next(stall):
            await ctx.tick()
        ctx.set(port.valid, 1)
        ctx.set(port.payload, word)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
        ctx.set(port.valid, 0)


async def put_encoded(ctx: Any, port: Any, words: Iterable[int]) -> None:
    """Drive a stream whose payload is a layout with its bits."""
    for word in words:
        ctx.set(port.valid, 1)
        ctx.set(port.payload.as_value(), word)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
    ctx.set(port.valid, 0)


async def get(ctx: Any, port: Any, count: int, stall: Iterator[bool] | None = None) -> None:
    """Take `count` words of a stream output; see that `valid` does not depend on `ready`."""
    while count:
        ctx.set(port.ready, 1)
        with_ready = ctx.get(port.valid)
        ctx.set(port.ready, 0)
        assert ctx.get(port.valid) == with_ready, "valid depends on ready"
        ctx.set(port.ready, not (stall is not None and next(stall)))
        _, _, valid, ready = await ctx.tick().sample(port.valid, port.ready)
        count -= bool(valid and ready)
    ctx.set(port.ready, 0)


def simulate(
    dut: Module | Any,
    benches: Iterable[Callable[[Any], Any]],
    watch: dict[str, Any],
    *,
    streams: dict[str, Any] | None = None,
    limit_cycles: int = 5000,
    drain_cycles: int = 8,
) -> Trace:
    """Run until all benches are done, and `drain_cycles` more, watching signals and streams."""
    watched = dict(watch)
    for name, port in (streams or {}).items():
        watched |= {f"{name}.{x}": getattr(port, x) for x in ("valid", "ready", "payload")}
    trace = Trace({name: [] for name in watched})
    values = [Value.cast(value) for value in watched.values()]
    running = set(range(len(benches := list(benches))))

    async def sample(ctx: Any) -> None:
        left = drain_cycles
        while left:
            _, _, *row = await ctx.tick().sample(*values)
            for column, value in zip(trace.signals.values(), row, strict=True):
                column.append(int(value))
            if trace.cycles > limit_cycles:
                raise Timeout(f"not done after {limit_cycles} cycles: benches {sorted(running)}")
            left -= not running

    simulator = _simulator(dut)
    for number, bench in enumerate(benches):
        simulator.add_testbench(_finishing(number, bench, running), background=True)
    simulator.add_testbench(sample)
    simulator.run()
    for name in streams or {}:
        trace.check_stream(name)
    return trace


def _finishing(number: int, bench: Callable[[Any], Any], running: set[int]) -> Callable[[Any], Any]:
    """The bench, which leaves the set of running ones when it is done."""

    async def run(ctx: Any) -> None:
        await bench(ctx)
        running.discard(number)

    return run


def _simulator(dut: Module | Any) -> Simulator:
    top = Module()
    top.submodules.dut = dut
    top.d.sync += Signal(name="clocked").eq(1)  # a combinational DUT has no clock of its own
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    return simulator
