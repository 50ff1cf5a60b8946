"""The two forms of a spec: `KernelSpec` and `AcceleratorSpec`, frozen and with every default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PrivateAttr

from .frozen import FrozenMapping
from .kinds import (
    Section,
    choice,
    duration,
    identifier,
    mistake,
    power_of_two,
    relative_path,
    size,
    text,
    whole,
)
from .sections.base import AnySection, Conflict, HardwareSize, SpecContext, TemplateSection

FORMAT_VERSION = 1
ELEMENT_BITS = 8  # of an accelerator's words
MAX_ENGINES = 1
UNIT_NAMES = ("load", "store", "sequencer", "scratchpad")

EngineName = Annotated[str, identifier(reserved=UNIT_NAMES, without_vhdl=True)]
AnyTemplate = Annotated[TemplateSection, AnySection()]


def _require_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise mistake("must be a section of `name: value` lines")
    return value


class ScratchpadSection(Section):
    """The on-chip memory that software manages."""

    capacity_bytes: Annotated[int, size(256, 2**40)] = Field(
        default=64 * 1024,
        alias="capacity",
        description="Size of the scratchpad; a multiple of banks * word. Default 64KiB.",
    )
    banks: Annotated[int, whole(3, 64)] = Field(
        default=8,
        description="Banks, each with one read and one write port, 3 to 64 (activations, weights "
        "and results lie in different banks). Default 8.",
    )


class MemorySection(Section):
    """The AXI4 memory port and what the memory behind it does."""

    bytes_per_cycle: Annotated[int, power_of_two(1, 128)] = Field(
        default=16, description="Width of each data channel, a power of two, 1 to 128. Default 16."
    )
    latency_cycles: Annotated[int, whole(1, 10_000)] = Field(
        default=40,
        description="Cycles from an accepted read address to its first beat, as simulated and "
        "estimated. Default 40.",
    )
    outstanding: Annotated[int, whole(1, 64)] = Field(
        default=8, description="Bursts under way at once, 1 to 64. Default 8."
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
    engines: Annotated[
        Mapping[EngineName, AnyTemplate],
        BeforeValidator(_require_mapping),
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
        return 1 << (self.lanes - 1).bit_length()

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
        """Words (rows) of one bank."""
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
        yield from self._scratchpad_conflicts()

    def _scratchpad_conflicts(self) -> Iterator[Conflict]:
        row_bytes = self.scratchpad.banks * self.word_bytes
        capacity_bytes = self.scratchpad.capacity_bytes
        if capacity_bytes % row_bytes == 0 and capacity_bytes >= 2 * row_bytes:
            return
        lanes = tuple(("engines", name) for name in self.engines)
        nearest = max(2, round(capacity_bytes / row_bytes)) * row_bytes
        yield Conflict(
            path=("scratchpad", "capacity"),
            parties=(("scratchpad", "capacity"), ("scratchpad", "banks"), *lanes),
            rule=f"must be a multiple of {row_bytes}B and at least twice that: "
            f"{self.scratchpad.banks} banks of words of {self.word_bytes} bytes "
            f"({self.lanes} lanes)",
            help=f"the nearest is {nearest}B",
        )

    def hardware_size(self) -> HardwareSize:
        """What would be elaborated, estimated."""
        scratchpad = HardwareSize(memory_bits=8 * self.scratchpad.capacity_bytes)
        return sum((engine.size() for engine in self.engines.values()), scratchpad)


class ScheduleSection(Section):
    """What the schedule is chosen for."""

    objective: Annotated[Literal["bytes", "cycles"], choice("bytes", "cycles")] = Field(
        default="bytes",
        description="What to make small: bytes moved to and from memory, or cycles. Default bytes.",
    )
    time_limit_seconds: Annotated[float, duration(0.1, 24 * 3600.0)] = Field(
        default=10.0,
        alias="time_limit",
        description="Time the planner may take, 100ms to 24h. Default 10s.",
    )


def _default_batch(data: dict[str, Any]) -> int:
    samples: int = data["samples"]
    return max(n for n in range(1, 101) if samples % n == 0)


class VerifySection(Section):
    """What a simulation of an accelerator runs on."""

    inputs: Annotated[str, relative_path("an .npz file")] = Field(
        description="Path of an .npz file with the inputs, relative to this file."
    )
    arrays: Annotated[
        Mapping[str, Annotated[str, text("the name of an array in the file")]],
        BeforeValidator(_require_mapping),
        AfterValidator(FrozenMapping),
        PlainSerializer(dict),
    ] = Field(
        default_factory=lambda: FrozenMapping({}),
        description="For an input of the model the array in the file, where names differ.",
    )
    labels: Annotated[str | None, text("the name of an array in the file")] = Field(
        default=None, description="Array with the right classes, to count right answers."
    )
    samples: Annotated[int, whole(1, 1_000_000)] = Field(
        default=100, description="Samples to run, the first of the file. Default 100."
    )
    batch: Annotated[int, whole(1, 65_536)] = Field(
        default_factory=_default_batch,
        description="Samples that one start of the accelerator computes (M of its matmuls). "
        "Default: the largest divisor of samples up to 100.",
    )
    seed: Annotated[int, whole(0, 2**63 - 1)] = Field(
        default=1, description="Seed of everything random. Default 1."
    )

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between the keys."""
        if self.samples % self.batch:
            yield Conflict(
                path=("batch",),
                parties=(("batch",), ("samples",)),
                rule=f"must divide samples {self.samples}",
                help=f"for example {_default_batch({'samples': self.samples})}",
            )


class KernelVerifySection(Section):
    """What a simulation of a kernel runs on."""

    samples: Annotated[int, whole(1, 1_000_000)] = Field(
        default=10, description="Random commands to run. Default 10."
    )
    seed: Annotated[int, whole(0, 2**63 - 1)] = Field(
        default=1, description="Seed of everything random. Default 1."
    )


class _SpecBase(Section):
    tilewright: Annotated[Literal[1], whole(FORMAT_VERSION, FORMAT_VERSION)] = Field(
        description="Version of this format: 1."
    )
    name: Annotated[str, identifier()] = Field(
        description="Name of the design and of its files: a lower-case letter, then at most 62 "
        "of a-z, 0-9 and _; no keyword of Verilog, SystemVerilog, VHDL or C."
    )
    _directory: Path | None = PrivateAttr(default=None)

    def model_post_init(self, context: object) -> None:
        if isinstance(context, SpecContext):
            self._directory = context.directory

    @property
    def directory(self) -> Path:
        """Where the paths in the spec start: the folder of its file, else the current one."""
        return self._directory if self._directory is not None else Path()


class KernelSpec(_SpecBase):
    """One template with stream ports."""

    kernel: AnyTemplate = Field(description="The template and its keys.")
    verify: KernelVerifySection = Field(
        default=KernelVerifySection(), description="What a simulation runs on."
    )

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between keys, as paths from the top of the spec."""
        for conflict in self.kernel.conflicts():
            yield conflict.under(("kernel",))

    def hardware_size(self) -> HardwareSize:
        """What would be elaborated, estimated."""
        return self.kernel.size()


class AcceleratorSpec(_SpecBase):
    """A complete machine for a model."""

    model: Annotated[str, relative_path("a model")] = Field(
        description="Path of the quantised model (.onnx), relative to this file."
    )
    board: Annotated[str | None, text("the name of a board")] = Field(
        default=None, description="A board: sets limits, memory and clock."
    )
    accelerator: AcceleratorSection = Field(description="The machine.")
    schedule: ScheduleSection = Field(
        default=ScheduleSection(), description="What the schedule is chosen for."
    )
    verify: VerifySection | None = Field(default=None, description="What a simulation runs on.")

    @property
    def model_path(self) -> Path:
        """The model's file."""
        return self.directory / self.model

    @property
    def inputs_path(self) -> Path | None:
        """The file with the inputs for verification."""
        return None if self.verify is None else self.directory / self.verify.inputs

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between keys, as paths from the top of the spec."""
        for conflict in self.accelerator.conflicts():
            yield conflict.under(("accelerator",))
        if self.verify is not None:
            for conflict in self.verify.conflicts():
                yield conflict.under(("verify",))

    def hardware_size(self) -> HardwareSize:
        """What would be elaborated, estimated."""
        return self.accelerator.hardware_size()


Spec = KernelSpec | AcceleratorSpec
