"""The sections of an accelerator's machine: scratchpad, memory port, program, engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from .frozen import FrozenMapping
from .kinds import (
    Section,
    choice,
    identifier,
    power_of_two,
    require_mapping,
    size,
    text,
    truth,
    whole,
)
from .numbers import format_size, word_bytes_of
from .sections.base import AnySection, Conflict, HardwareSize, TemplateSection

MAX_ENGINES = 1
UNIT_NAMES = ("load", "store", "sequencer", "scratchpad")

EngineName = Annotated[str, identifier(reserved=UNIT_NAMES, without_vhdl=True)]
AnyTemplate = Annotated[TemplateSection, AnySection()]


class ScratchpadSection(Section):
    """The on-chip memory that software manages."""

    capacity_bytes: Annotated[int, size(256, 2**40)] = Field(
        default=64 * 1024,
        alias="capacity",
        description="Size of the scratchpad: banks x bytes of a word (lanes rounded up to a power "
        "of two) x a power of two of at least 2. Default 64KiB.",
    )
    banks: Annotated[int, whole(3, 64)] = Field(
        default=8,
        description="Banks, each with one read and one write port, 3 to 64 (activations, weights "
        "and results lie in different banks). Default 8.",
    )


class MemorySection(Section):
    """The AXI4 memory port and what the memory behind it does."""

    bytes_per_cycle: Annotated[int, power_of_two(1, 128)] = Field(
        default=16,
        description="Width of each data channel, a power of two, 1 to 128. With a board: what its "
        "memory can feed in each cycle of the clock. Default 16.",
    )
    latency_cycles: Annotated[int, whole(1, 10_000)] = Field(
        default=40,
        description="Cycles from an accepted read address to its first beat, as simulated and "
        "estimated. With a board: its memory's at the clock. Default 40.",
    )
    outstanding: Annotated[int, whole(1, 64)] = Field(
        default=8, description="Bursts under way at once, 1 to 64. Default 8."
    )
    board_memory: Annotated[str | None, text("the name of a memory of the board", 63)] = Field(
        default=None,
        description="Which of the board's memories is behind the port. Default: its first.",
    )
    address_bits: Annotated[int, whole(12, 64)] = Field(
        default=64,
        description="Bits of a byte address, 12 to 64; fewer take less logic. Default 64.",
    )
    alignment_bytes: Annotated[int, size(1, 4096)] = Field(
        default=4096,
        alias="alignment",
        description="Tensors begin at multiples of this size, a power of two up to 4KiB, at which "
        "bursts are cut: less packs a small memory closer. Default 4KiB.",
    )


class AcceleratorSection(Section):
    """The machine."""

    scratchpad: ScratchpadSection = Field(
        default=ScratchpadSection(), description="The on-chip memory that the program manages."
    )
    memory: MemorySection = Field(
        default=MemorySection(), description="The memory port and the memory behind it."
    )
    program: Annotated[Literal["rom", "ram"], choice("rom", "ram")] = Field(
        default="rom",
        description="rom: the program is part of the circuit, which is made for it. ram: it can be "
        "replaced over AXI4-Lite. Default rom.",
    )
    counters: Annotated[bool, truth()] = Field(
        default=True,
        description="Whether the hardware counts what each unit's cycles went to: about 3,000 LUTs "
        "that a small device may lack. Default true.",
    )
    fifos: Annotated[Literal["auto", "ram_blocks"], choice("auto", "ram_blocks")] = Field(
        default="auto",
        description="auto: synthesis decides where words wait between scratchpad, engine and "
        "memory. ram_blocks: in RAM blocks, for devices without memory in LUTs, as iCE40. The "
        "cycles are the same. Default auto.",
    )
    engines: Annotated[
        Mapping[EngineName, AnyTemplate],
        BeforeValidator(require_mapping),
        AfterValidator(FrozenMapping),
        PlainSerializer(dict),
    ] = Field(description="The engines by name; each is a template with its keys.")

    @property
    def lanes(self) -> int:
        """Elements of a scratchpad word: those of the widest engine."""
        return max((engine.word_lanes() or 1 for engine in self.engines.values()), default=1)

    @property
    def word_bytes(self) -> int:
        """Bytes of a word in memory and in `capacity`: `lanes` rounded up to a power of two."""
        return word_bytes_of(self.lanes)

    @property
    def port_bytes(self) -> int:
        """Width of the AXI data bus."""
        return min(self.memory.bytes_per_cycle, self.word_bytes)

    @property
    def scratchpad_words(self) -> int:
        """Words in all banks."""
        return self.scratchpad.capacity_bytes // self.word_bytes

    @property
    def bank_words(self) -> int:
        """Words (rows) of one bank, a power of two."""
        return self.scratchpad_words // self.scratchpad.banks

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between the machine's parts; paths are relative to the section."""
        if not self.engines:
            yield Conflict(path=("engines",), rule="must name an engine", value="none")
        if len(self.engines) > MAX_ENGINES:
            yield Conflict(
                path=("engines",),
                rule=f"must be {MAX_ENGINES} engine, more are not supported so far",
                value=f"{len(self.engines)}: {', '.join(self.engines)}",
            )
        for name, engine in self.engines.items():
            for conflict in (*engine.conflicts(), *engine.accelerator_conflicts()):
                yield conflict.under(("engines", name))
        alignment = self.memory.alignment_bytes
        if alignment & (alignment - 1) or alignment < self.word_bytes:
            yield Conflict(
                path=("memory", "alignment"),
                parties=(("memory", "alignment"), ("engines",)),
                rule=f"must be a power of two, at least the word's {self.word_bytes} bytes",
                value=format_size(alignment),
            )
        yield from self._scratchpad_conflicts()

    def _scratchpad_conflicts(self) -> Iterator[Conflict]:
        row_bytes = self.scratchpad.banks * self.word_bytes
        capacity_bytes = self.scratchpad.capacity_bytes
        nearest = row_bytes << max(1, (capacity_bytes // row_bytes).bit_length() - 1)
        if capacity_bytes == nearest:
            return
        yield Conflict(
            path=("scratchpad", "capacity"),
            parties=(("scratchpad", "capacity"), ("scratchpad", "banks"), ("engines",)),
            rule=f"must be banks {self.scratchpad.banks} x word of {self.word_bytes} bytes (lanes "
            f"{self.lanes}) x a power of two of at least 2",
            value=format_size(capacity_bytes),
            help=f"for example {format_size(nearest)}",
        )

    def hardware_size(self) -> HardwareSize:
        """What would be elaborated, estimated."""
        scratchpad = HardwareSize(memory_bits=8 * self.scratchpad.capacity_bytes)
        return sum((engine.size() for engine in self.engines.values()), scratchpad)
