"""Designs of a block as kinds: those that share a tiling, an engine, a scratchpad, a port."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.streaming import Tiling, tile
from tilewright.dataflow.streaming_sizes import Arrays, Flags, Numbers, Ops
from tilewright.dataflow.systolic_machine import MAX_BURST_BEATS, machine_of_section
from tilewright.hw.lib.dma_params import PAGE_BYTES
from tilewright.hw.systolic import closed, closed_ws
from tilewright.hw.systolic.params import SystolicParams, engine_params
from tilewright.hw.unit_params import PROGRAMMABLE_BOUND_BITS

from tilewright.spec.numbers import word_bytes_of

from .block_columns import Indices, Kinds, kinds_of
from .block_cycles import Port
from .block_machines import Machines


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Designs for a list of ops."""

    machines: Machines
    ops: Ops = field(repr=False)

    def engine(self, name: str) -> Numbers:
        """A number of each design's engine."""
        values = [getattr(engine, name) for engine in self.machines.engines]
        return np.array(values, np.float64)[self.machines.engine_of]

    def scratchpad(self, name: str) -> Numbers:
        """A number of each design's scratchpad."""
        values = [getattr(section, name) for section in self.machines.scratchpads]
        return np.array(values, np.float64)[self.machines.scratchpad_of]

    def memory(self, name: str) -> Numbers:
        """A number of each design's memory port."""
        values = [getattr(section, name) for section in self.machines.memories]
        return np.array(values, np.float64)[self.machines.memory_of]

    @cached_property
    def is_weight_stationary(self) -> Flags:
        """Whether each design's engine is."""
        found = [e.dataflow == "weight_stationary" for e in self.machines.engines]
        return np.array(found, np.bool_)[self.machines.engine_of]

    @cached_property
    def word_bytes(self) -> Numbers:
        """Of each design's words in memory."""
        values = [word_bytes_of(engine.lanes) for engine in self.machines.engines]
        return np.array(values, np.float64)[self.machines.engine_of]

    @cached_property
    def port_bytes(self) -> Numbers:
        """Of each design's beats."""
        return np.minimum(self.memory("bytes_per_cycle"), self.word_bytes)

    @cached_property
    def words_per_bank(self) -> Numbers:
        """Of each design's scratchpad."""
        return self.scratchpad("capacity_bytes") / self.word_bytes / self.scratchpad("banks")

    @cached_property
    def tilings(self) -> Kinds:
        """Designs with the same sizes, whose ops are tiled in the same way."""
        depth = np.where(self.is_weight_stationary, self.engine("accumulator_rows"), 0)
        sides = [self.engine(name).astype(np.int64) for name in ("rows", "cols", "lanes")]
        beats = (self.word_bytes / self.port_bytes).astype(np.int64)
        columns = [*sides, depth.astype(np.int64), self.is_weight_stationary, beats,
                   self.machines.scratchpad_of]  # fmt: skip
        return kinds_of(columns, len(depth))

    @cached_property
    def arrays(self) -> Arrays:
        """The machines of `tilings`."""
        first = self.tilings.first[:, None]
        return Arrays(
            **{name: self.engine(name)[first] for name in
               ("rows", "cols", "lanes", "accumulator_rows")},
            word_bytes=self.word_bytes[first],
            beats_per_word=(self.word_bytes / self.port_bytes)[first],
            banks=self.scratchpad("banks")[first],
            words_per_bank=self.words_per_bank[first],
            is_weight_stationary=self.is_weight_stationary[first],
        )  # fmt: skip

    @cached_property
    def tiling(self) -> Tiling:
        """Of `tilings`."""
        return tile(self.arrays, self.ops)

    def machine(self, design: int) -> Machine:
        """One design as the `Machine` that one is planned for."""
        return machine_of_section(self.machines.section(design))

    @cached_property
    def kernels(self) -> list[SystolicParams]:
        """Parameters of each engine, for programs of any size."""
        _, first = np.unique(self.machines.engine_of, return_index=True)
        engines = (self.machine(int(design)).engines[0] for design in first)
        return [engine_params(e.params, bound_bits=PROGRAMMABLE_BOUND_BITS) for e in engines]

    @cached_property
    def tile_costs(self) -> closed.TileCosts:
        """The law of each engine; of weight-stationary ones nobody asks for it."""
        return closed.costs_of(self.kernels)

    @cached_property
    def pass_costs(self) -> closed_ws.PassCosts:
        """The law of each engine; of output-stationary ones nobody asks for it."""
        return closed_ws.costs_of(self.kernels)

    def port(self, designs: Indices) -> Port:
        """Memory ports of some designs, along axis 0."""
        return port_of(
            word_bytes=self.word_bytes[designs],
            port_bytes=self.port_bytes[designs],
            latency_cycles=self.memory("latency_cycles")[designs],
            outstanding=self.memory("outstanding")[designs],
        )


def port_of(
    *, word_bytes: Numbers, port_bytes: Numbers, latency_cycles: Numbers, outstanding: Numbers
) -> Port:
    """Ports by their words and beats in bytes, latency in cycles, and bursts under way."""
    beats = word_bytes / port_bytes
    burst = np.maximum(1, np.floor(MAX_BURST_BEATS / beats))
    columns = {
        "beats_per_word": beats,
        "burst_words": np.minimum(burst, PAGE_BYTES / word_bytes),
        "latency_cycles": latency_cycles,
        "outstanding_bursts": outstanding,
    }
    return Port(**{name: column[:, None] for name, column in columns.items()})
