"""`Machine`: what the planner knows of the hardware it plans for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tilewright.spec.numbers import word_bytes_of

from .checks import at_least, distinct, not_empty
from .serial import frozen_mapping

ELEMENT_BITS = 8
DATAFLOWS = ("output_stationary", "weight_stationary")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine by `name`; `kind` is its template, `params` its sizes and choices.

    A `systolic` engine has `rows`, `cols`, `lanes`, `dataflow`, `param_sets` (sets of parameters of
    `cols` channels that it holds), `accumulator_rows` (weight stationary only).
    """

    name: str
    kind: str
    params: Mapping[str, int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        not_empty("kind", self.kind)
        object.__setattr__(self, "params", frozen_mapping(self.params))

    def integer(self, name: str) -> int:
        """A parameter that must be an integer of at least 1."""
        value = self.params.get(name)
        if type(value) is not int or value < 1:
            raise ValueError(f"engine {self.name}: {name} must be at least 1, got {value!r}")
        return value

    def text(self, name: str) -> str:
        """A parameter that must be a word."""
        value = self.params.get(name)
        if not isinstance(value, str):
            raise ValueError(f"engine {self.name}: {name} must be a word, got {value!r}")
        return value


@dataclass(frozen=True, kw_only=True)
class Scratchpad:
    """`banks` banks of `words_per_bank` words; word address = bank * words_per_bank + row."""

    banks: int
    words_per_bank: int
    word_bits: int

    def __post_init__(self) -> None:
        for name in ("banks", "words_per_bank", "word_bits"):
            at_least(f"scratchpad.{name}", getattr(self, name), 1)
        if self.words_per_bank & (self.words_per_bank - 1):
            raise ValueError(
                f"scratchpad.words_per_bank: must be a power of two, got {self.words_per_bank}"
            )

    @property
    def capacity_bytes(self) -> int:
        return self.banks * self.words_per_bank * self.word_bits // 8


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The memory port: independent read and write channels, fixed latency to the first beat.

    `alignment_bytes`: tensors begin at multiples of it, a power of two.
    """

    bytes_per_cycle: int
    latency_cycles: int
    outstanding_bursts: int = 8
    max_burst_beats: int = 64
    alignment_bytes: int = 4096

    def __post_init__(self) -> None:
        for name in ("bytes_per_cycle", "outstanding_bursts", "max_burst_beats", "alignment_bytes"):
            at_least(f"memory.{name}", getattr(self, name), 1)
        at_least("memory.latency_cycles", self.latency_cycles, 0)
        if self.bytes_per_cycle & (self.bytes_per_cycle - 1):
            raise ValueError(
                f"memory.bytes_per_cycle: must be a power of two, got {self.bytes_per_cycle}"
            )


@dataclass(frozen=True, kw_only=True)
class Link:
    """An engine-to-engine stream that a schedule may use."""

    producer: str
    consumer: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Engines, scratchpad, memory port and the links that may be built."""

    engines: tuple[Engine, ...]
    scratchpad: Scratchpad
    memory: Memory
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        distinct("engines", (engine.name for engine in self.engines))
        names = {engine.name for engine in self.engines}
        for link in self.links:
            unknown = {link.producer, link.consumer} - names
            if unknown:
                raise ValueError(f"links: no engine {', '.join(sorted(unknown))}")

    def engine(self, name: str) -> Engine:
        """The engine of this name."""
        return next(engine for engine in self.engines if engine.name == name)

    @property
    def lanes(self) -> int:
        """Elements in a word."""
        return self.scratchpad.word_bits // ELEMENT_BITS

    @property
    def word_bytes(self) -> int:
        """Bytes that a word takes in memory: `lanes` rounded up to a power of two."""
        return word_bytes_of(self.lanes)

    @property
    def port_bytes(self) -> int:
        """Bytes of a beat."""
        return min(self.memory.bytes_per_cycle, self.word_bytes)

    @property
    def beats_per_word(self) -> int:
        return self.word_bytes // self.port_bytes
