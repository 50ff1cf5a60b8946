"""Parameters of the memory port and of the two DMA engines, without any hardware."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .params import (
    AddressSpace,
    CommandFormat,
    Field,
    LoopParams,
    address_fields,
    loop_fields,
    require,
    token_fields,
)

PAGE_BYTES = 4096
"""No burst may cross a multiple of this (AXI4, section A3.4.1)."""

MAX_BURST_BEATS = 256
"""Longest incrementing burst of AXI4."""

SIGNAL_KINDS = ("read", "response")
"""When a store signal is given: the words have left the scratchpad, or memory has answered."""


def is_power_of_two(value: int) -> bool:
    """Whether `value` is 1, 2, 4, 8 ..."""
    return value > 0 and value & (value - 1) == 0


@dataclass(frozen=True, kw_only=True)
class AxiParams:
    """Widths of an AXI4 port.

    Parameters
    ----------
    address_bits : byte address, 12..64
    data_bytes : bytes per beat, a power of two, 1..128
    id_bits : transaction identifier; all transactions use identifier 0
    """

    address_bits: int = 64
    data_bytes: int = 16
    id_bits: int = 1

    def __post_init__(self) -> None:
        if not 12 <= self.address_bits <= 64:
            raise ValueError(f"address_bits: must be 12..64, got {self.address_bits}")
        if not is_power_of_two(self.data_bytes) or self.data_bytes > 128:
            raise ValueError(f"data_bytes: must be a power of two, 1..128, got {self.data_bytes}")
        if not 1 <= self.id_bits <= 32:
            raise ValueError(f"id_bits: must be 1..32, got {self.id_bits}")

    @property
    def size_log2(self) -> int:
        """`AxSIZE` of a full-width beat."""
        return self.data_bytes.bit_length() - 1


@dataclass(frozen=True, kw_only=True)
class DmaParams(ABC):
    """What both DMA engines have in common.

    Parameters
    ----------
    num_loops : loops over runs
    bound_bits : width of a loop's `last_d`
    run_bits : width of `run_last`
    local_address_bits : scratchpad word address
    memory_address_bits : word offset from the base register
    word_bits : payload of a scratchpad word
    word_bytes : bytes that a word takes in memory, a power of two
    axi : the memory port
    outstanding : bursts under way at most
    max_burst_beats : longest burst; a whole word always goes into one burst
    num_waits : token ports that are waited for before a run
    token_bits : width of a wait's or signal's count
    lane_bits : width that a mask bit of the scratchpad's write port stands for
    initial_command : as in `LoopParams`
    """

    num_loops: int
    bound_bits: int
    run_bits: int
    local_address_bits: int
    memory_address_bits: int
    word_bits: int
    word_bytes: int
    axi: AxiParams
    outstanding: int = 8
    max_burst_beats: int = 16
    num_waits: int
    token_bits: int
    lane_bits: int = 8
    initial_command: int = 0

    def __post_init__(self) -> None:
        for name in ("run_bits", "local_address_bits", "memory_address_bits", "token_bits"):
            require(name, getattr(self, name), 1)
        require("outstanding", self.outstanding, 1)
        if not is_power_of_two(self.word_bytes) or self.word_bytes > PAGE_BYTES:
            raise ValueError(f"word_bytes: a power of two up to 4096, got {self.word_bytes}")
        if not 1 <= self.word_bits <= 8 * self.word_bytes:
            raise ValueError(f"word_bits: 1..{8 * self.word_bytes}, got {self.word_bits}")
        if self.word_bytes % self.axi.data_bytes or self.beats_per_word > MAX_BURST_BEATS:
            raise ValueError(
                f"word_bytes: 1..{MAX_BURST_BEATS} beats of {self.axi.data_bytes} bytes, "
                f"got {self.word_bytes}"
            )
        if not 1 <= self.max_burst_beats <= MAX_BURST_BEATS:
            raise ValueError(f"max_burst_beats: 1..{MAX_BURST_BEATS}, got {self.max_burst_beats}")

    @property
    def beats_per_word(self) -> int:
        return self.word_bytes // self.axi.data_bytes

    @property
    def beats_per_word_log2(self) -> int:
        return self.beats_per_word.bit_length() - 1

    @property
    def page_words(self) -> int:
        """Words between two addresses that no burst may cross."""
        return PAGE_BYTES // self.word_bytes

    @property
    def burst_words(self) -> int:
        """Words in the longest burst."""
        return min(max(1, self.max_burst_beats // self.beats_per_word), self.page_words)

    @property
    def spaces(self) -> tuple[AddressSpace, ...]:
        return (
            AddressSpace(name="memory", bits=self.memory_address_bits),
            AddressSpace(name="local", bits=self.local_address_bits),
        )

    @property
    def word_bytes_log2(self) -> int:
        return self.word_bytes.bit_length() - 1

    @property
    def burst_last_bits(self) -> int:
        """Width of a burst's words - 1."""
        return max(1, (self.burst_words - 1).bit_length())

    @abstractmethod
    def count_signals(self) -> int:
        """Number of signal ports."""

    @property
    def has_target(self) -> bool:
        """Whether commands have a field `target`."""
        return False

    @property
    def command_format(self) -> CommandFormat:
        """Fields: last, run, memory and local base and jumps, waits, signals, maybe target."""
        loops = self.num_loops
        return CommandFormat(
            fields=(
                *loop_fields(loops, self.bound_bits),
                Field(name="run_last", bits=self.run_bits),
                *(f for s in self.spaces for f in address_fields(s.name, loops, s.bits)),
                *token_fields(self.num_waits, self.count_signals(), loops, self.token_bits),
                *((Field(name="target", bits=1),) if self.has_target else ()),
            )
        )

    @property
    def loop_params(self) -> LoopParams:
        return LoopParams(
            num_loops=self.num_loops,
            bound_bits=self.bound_bits,
            spaces=self.spaces,
            command_format=self.command_format,
            initial_command=self.initial_command,
        )


@dataclass(frozen=True, kw_only=True)
class LoadParams(DmaParams):
    """Parameters of `LoadDMA`: those of both engines, and

    Parameters
    ----------
    num_signals : token ports that are signalled after a run was written
    has_parameters : whether the parameter stream, `target` 1, exists
    """

    num_signals: int
    has_parameters: bool = True

    def count_signals(self) -> int:
        return self.num_signals

    @property
    def has_target(self) -> bool:
        return self.has_parameters


@dataclass(frozen=True, kw_only=True)
class StoreParams(DmaParams):
    """Parameters of `StoreDMA`: those of both engines, and

    Parameters
    ----------
    signal_kinds : one of `SIGNAL_KINDS` for each signal port
    credits : words requested from the scratchpad and not yet sent; read latency + 2 for full rate
    has_ram_words : whether the FIFO of these words lies in a RAM block
    """

    signal_kinds: tuple[str, ...]
    credits: int = 8
    has_ram_words: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require("credits", self.credits, 1)
        wrong = [kind for kind in self.signal_kinds if kind not in SIGNAL_KINDS]
        if wrong:
            raise ValueError(f"signal_kinds: each one of {SIGNAL_KINDS}, got {wrong}")

    @property
    def num_signals(self) -> int:
        return len(self.signal_kinds)

    def count_signals(self) -> int:
        return self.num_signals
