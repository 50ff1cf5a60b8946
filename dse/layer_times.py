"""A list of layers on one design, timed by the closed form: when each runs, and by cause. Pure.

The numbers are those of `block_timing.cycles_of`, looked at more closely. Layers run one after the
other, so ends of layers are sums, rounded to whole cycles; the last is the design's `cycles`. The
causes are those of `waterfall`, by the same questions asked of the closed form: what goes if memory
costs nothing is `memory`, what stays if control costs nothing as well is `fill`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.streaming_sizes import Numbers, Ops, ceil_div

from .block_counts import array_steps
from .block_cycles import Phases, Port, Work, op_phases, start_cycles
from .block_latencies import HARDWARE, Latencies, latencies
from .block_layout import Layout, port_of
from .block_timing import FIRST_LAYER, cycles_of, work_of_design
from .waterfall import Waterfall

NO_TIME = Port(
    beats_per_word=np.zeros((1, 1)),
    burst_words=np.ones((1, 1)),
    latency_cycles=np.zeros((1, 1)),
    outstanding_bursts=np.full((1, 1), np.inf),
)
"""A memory that moves everything in no time."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """Cycles of each distinct op, of one of its runs; `start` is what the first op of all takes
    more. `phases`: the parts of `ops`.
    """

    ops: Numbers
    start: float
    phases: Phases = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """A layer in the whole run: cycles [start, end) of all its `repeats`, and their causes."""

    start: int
    end: int
    waterfall: Waterfall


class LayerTimes:
    """The times of one design, the only one of `layout`. `places`: by layer its op among those of
    `layout`; `repeats`: by layer how often it runs.
    """

    def __init__(self, layout: Layout, places: NDArray[np.intp], repeats: Sequence[int]) -> None:
        self.layout, self.places = layout, places
        self.repeats = np.array(repeats, np.float64)
        self.machine: Machine = layout.machine(0)
        self.work: Work = work_of_design(layout, 0)
        self.cycles = int(cycles_of(layout)[0])
        self.times = self._times(layout.port(np.zeros(1, np.intp)))

    def layers(self) -> tuple[LayerTime, ...]:
        """One for each layer."""
        free = latencies(has_memory=False)
        without_memory = self._of_layers(self._times(NO_TIME, free))
        alone = latencies(has_memory=False, has_control=False)
        array_alone = self._of_layers(self._times(NO_TIME, alone))
        own = self._of_layers(self.times)
        ends = np.rint(np.cumsum(own)).astype(np.int64)
        ends[-1] = self.cycles
        starts = np.concatenate([[0], ends[:-1]])
        ideal = ceil_div(self._macs(), self._peak()) * self.repeats
        steps = array_steps(self.layout.arrays, self.layout.ops, self.layout.tiling)[0]
        work = steps[self.places] * self.repeats
        found = []
        for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            gap = end - start - int(work[place])
            memory = min(gap, max(0, round(own[place] - without_memory[place])))
            fill = min(max(0, round(array_alone[place] - work[place])), gap - memory)
            parts = Waterfall(
                ideal=int(ideal[place]),
                mapping=int(work[place] - ideal[place]),
                fill=fill,
                memory=memory,
                control=gap - memory - fill,
            )
            found.append(LayerTime(start=start, end=end, waterfall=parts))
        return tuple(found)

    def with_machine(self, machine: Machine) -> int:
        """Cycles of the same schedule behind the memory port of another machine."""
        port = port_of(
            word_bytes=np.array([float(machine.word_bytes)]),
            port_bytes=np.array([float(machine.port_bytes)]),
            latency_cycles=np.array([float(machine.memory.latency_cycles)]),
            outstanding=np.array([float(machine.memory.outstanding_bursts)]),
        )
        return round(float(self._of_layers(self._times(port)).sum()))

    def without_memory(self) -> int:
        """Cycles of the same schedule with a memory that moves everything in no time."""
        found = self._of_layers(self._times(NO_TIME, latencies(has_memory=False)))
        return round(float(found.sum()))

    def _times(self, port: Port, chosen: Latencies = HARDWARE) -> Times:
        phases = op_phases(self.work, port, chosen)
        start = start_cycles(self.work.at(FIRST_LAYER), port, chosen)
        return Times(ops=phases.cycles[0], start=float(start[0, 0]), phases=phases)

    def _of_layers(self, times: Times) -> Numbers:
        found: Numbers = times.ops[self.places] * self.repeats
        found[0] += times.start
        return found

    def _macs(self) -> Numbers:
        ops: Ops = self.layout.ops.at(self.places)
        return ops.M * ops.K * ops.N

    def _peak(self) -> float:
        return float(self.layout.engine("rows")[0] * self.layout.engine("cols")[0])
