"""`HardwareConfig`: the parameters of every part of one accelerator. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tilewright.dataflow.program import Token
from tilewright.hw.lib.dma_params import AxiParams, LoadParams, StoreParams
from tilewright.hw.lib.memory_params import QueueParams, ScratchpadParams
from tilewright.hw.lib.params import CounterParams, StreamerParams, TokenParams
from tilewright.hw.systolic.params import SystolicParams

UNITS = ("load", "store", "array.a", "array.b", "array.core", "array.o")
STREAMERS = ("array.a", "array.b", "array.o")
CORE = "array.core"

UnitParams = LoadParams | StoreParams | StreamerParams | SystolicParams


class ConfigureError(ValueError):
    """A program does not fit the hardware; the text names the unit and what does not fit."""


@dataclass(frozen=True, kw_only=True)
class TokenWire:
    """A token, its counter, and which port of its producer and consumer it is wired to."""

    token: Token
    params: TokenParams
    producer_port: int
    consumer_port: int


@dataclass(frozen=True, kw_only=True)
class UnitConfig:
    """One unit: the parameters of its part, its queue, and the tokens of its ports, in order."""

    name: str
    params: UnitParams
    queue: QueueParams
    waits: tuple[str, ...]
    signals: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """Everything that `hw.top.Accelerator` needs, and nothing of how it was found."""

    name: str
    is_programmable: bool
    axi: AxiParams
    scratchpad: ScratchpadParams
    systolic: SystolicParams
    units: tuple[UnitConfig, ...]
    tokens: tuple[TokenWire, ...]
    spec_hash: int = 0
    has_counters: bool = True

    def unit(self, name: str) -> UnitConfig:
        """The unit of this name."""
        return next(unit for unit in self.units if unit.name == name)

    @property
    def num_counters(self) -> int:
        """Activity counters that can be read."""
        return CounterParams(num_units=len(self.units)).num_counters if self.has_counters else 0

    @cached_property
    def program_row_chunks(self) -> int:
        """32-bit chunks that a row takes in the program window: the widest command's, as 2**n."""
        chunks = max(unit.queue.chunks for unit in self.units)
        return 1 << (chunks - 1).bit_length()

    @cached_property
    def program_unit_rows(self) -> int:
        """Rows of the program window for each unit, a power of two."""
        return 1 << (max(unit.queue.depth for unit in self.units) - 1).bit_length()
