"""The two forms of a spec: `KernelSpec` and `AcceleratorSpec`, frozen and with every default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PrivateAttr

from .diagnostics import Diagnostic, SpecError
from .frozen import FrozenMapping
from .kinds import (
    Kind,
    Section,
    choice,
    duration,
    frequency,
    identifier,
    relative_path,
    require_mapping,
    text,
    whole,
)
from .machine import AcceleratorSection, AnyTemplate
from .messages import conflict_diagnostic
from .sections.base import Conflict, HardwareSize, SpecContext
from .source import Document
from .sweep import SweepSection

FORMAT_VERSION = 1
BOARD_SUFFIX = ".yaml"
MODEL_HELP = "`model`: Path of the quantised model (.onnx), relative to this file."


def board_reference() -> Kind:
    """The name of a board, or the path of a table."""
    name, path = text("the name of a board"), relative_path("a board's table")

    def convert(value: object) -> str:
        is_path = isinstance(value, str) and value.endswith(BOARD_SUFFIX)
        return str((path if is_path else name).convert(value))

    return Kind(convert, name.schema)


class ScheduleSection(Section):
    """What the schedule is chosen for."""

    objective: Annotated[Literal["bytes", "cycles"], choice("bytes", "cycles")] = Field(
        default="cycles",
        description="What to make small. bytes: activations and weights stay in the scratchpad as "
        "the planner decides, spilled and reloaded only where they must. cycles: every op's "
        "operands stream from memory past the array. Default cycles.",
    )
    time_limit_seconds: Annotated[float, duration(0.1, 24 * 3600.0)] = Field(
        default=10.0,
        alias="time_limit",
        description="Time the planner may take (objective bytes), 100ms to 24h. Default 10s.",
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
        BeforeValidator(require_mapping),
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


class _Text:
    """The text that a spec was read from: where it was written does not change what it says, so
    all are equal."""

    def __init__(self, document: Document | None) -> None:
        self.document = document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text)

    def __hash__(self) -> int:
        return 0


class _SpecBase(Section):
    tilewright: Annotated[Literal[1], whole(FORMAT_VERSION, FORMAT_VERSION)] = Field(
        description="Version of this format: 1."
    )
    name: Annotated[str, identifier()] = Field(
        description="Name of the design and of its files: a lower-case letter, then at most 62 "
        "of a-z, 0-9 and _; no keyword of Verilog, SystemVerilog, VHDL or C."
    )
    board: Annotated[str | None, board_reference()] = Field(
        default=None,
        description="A board, by its name or by the path of its table (.yaml), relative to this "
        "file: sets limits, the memory's numbers and the clock.",
    )
    clock_hz: Annotated[int | None, frequency(1_000, 2_000_000_000)] = Field(
        default=None,
        alias="clock",
        description="Clock of the design, for seconds beside cycles and for place and route. "
        "Default: the board's oscillator, if there is a board.",
    )
    _directory: Path | None = PrivateAttr(default=None)
    _text: _Text = PrivateAttr(default_factory=lambda: _Text(None))

    def model_post_init(self, context: object) -> None:
        if isinstance(context, SpecContext):
            self._directory = context.directory
            self._text = _Text(context.document)

    def located(self, conflict: Conflict) -> Diagnostic:
        """A rule that a later stage finds broken as a message at its key, where that is known."""
        document = self._text.document or Document(file=self.name)
        return conflict_diagnostic(conflict, document)

    @property
    def written(self) -> tuple[str, dict[str, Any]]:
        """The file that the spec was read from and its plain data, where that is known; else its
        name and all its keys.
        """
        document = self._text.document
        if document is not None and isinstance(document.data, dict):
            return document.file, document.data
        return self.name, self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def board_path(self) -> Path | None:
        """The board's table, where the spec names a file."""
        is_file = self.board is not None and self.board.endswith(BOARD_SUFFIX)
        return self.directory / str(self.board) if is_file else None

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
        default="",
        description="Path of the quantised model (.onnx), relative to this file. Default: none, "
        "which is for sweeps of a workload alone.",
    )
    accelerator: AcceleratorSection = Field(description="The machine.")
    schedule: ScheduleSection = Field(
        default=ScheduleSection(), description="What the schedule is chosen for."
    )
    verify: VerifySection | None = Field(default=None, description="What a simulation runs on.")
    sweep: SweepSection | None = Field(
        default=None, description="Keys to vary, for `tilewright sweep`: this spec in many forms."
    )

    @property
    def model_path(self) -> Path:
        """The model's file.

        Raises:
            SpecError: there is none: the spec is one for sweeps of a workload.
        """
        if not self.model:
            rule = "is missing: only a sweep of a workload has no use for it"
            conflict = Conflict(path=("model",), rule=rule, help=MODEL_HELP)
            raise SpecError([self.located(conflict)])
        return self.directory / self.model

    @property
    def inputs_path(self) -> Path | None:
        """The file with the inputs for verification."""
        return None if self.verify is None else self.directory / self.verify.inputs

    @property
    def batch(self) -> int:
        """Samples that one start computes; 1 where nothing says how many."""
        return 1 if self.verify is None else self.verify.batch

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between keys, as paths from the top of the spec."""
        if not self.model and (self.sweep is None or self.sweep.workload is None):
            yield Conflict(path=("model",), rule="is missing", help=MODEL_HELP)
        for conflict in self.accelerator.conflicts():
            yield conflict.under(("accelerator",))
        yield from self._schedule_conflicts()
        if self.verify is not None:
            for conflict in self.verify.conflicts():
                yield conflict.under(("verify",))

    def _schedule_conflicts(self) -> Iterator[Conflict]:
        if self.schedule.objective != "bytes":
            return
        for name, engine in self.accelerator.engines.items():
            if getattr(engine, "dataflow", "") == "weight_stationary":
                dataflow = ("accelerator", "engines", name, "dataflow")
                yield Conflict(
                    path=("schedule", "objective"),
                    parties=(("schedule", "objective"), dataflow),
                    rule="not yet with dataflow weight_stationary",
                    help="choose objective cycles, or dataflow output_stationary",
                )

    def hardware_size(self) -> HardwareSize:
        """What would be elaborated, estimated."""
        return self.accelerator.hardware_size()


Spec = KernelSpec | AcceleratorSpec
