"""The flow of `tilewright synth`: a spec to area, clock and bitstream on a device."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.boards import Board, Device, load_board, load_board_file, load_device, overuse
from tilewright.build.files import write_file
from tilewright.build.synth import Family, Stage, SynthLimits, Target, synthesise
from tilewright.build.synth.result import StageTime, Synthesis
from tilewright.catalog import find_template
from tilewright.commands.contract import Progress, no_progress
from tilewright.errors import UsageError
from tilewright.spec import KernelSpec, Spec, spec_hash

from .synth_report import SynthResult, used_of

__all__ = ["SynthOptions", "synth"]

DEFAULT_FREQUENCY_HZ = 100_000_000


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """What the command line says. One of `board` and `family`, or the spec's board.

    board : a name, or the path of a table file. freq_hz : the clock to aim at (default: the spec's,
    else the board's, else 100 MHz).
    """

    board: str | None = None
    family: Family | None = None
    to: Stage = "synth"
    freq_hz: int | None = None
    seed: int = 1
    limits: SynthLimits | None = None


def synth(
    spec: Spec, out: Path | None, *, options: SynthOptions, progress: Progress = no_progress
) -> SynthResult:
    """Synthesise a spec's design; results stay in `out` (default: `out/NAME_synth/DEVICE`).

    Raises:
        UsageError: no device, or one that the family's tools cannot do what is asked for.
        SpecError, TilewrightError: the spec's design cannot be made.
        ToolError, ProcessError, OutputError: as `build.synth.synthesise`.
    """
    board = _board(spec, options)
    target = _target(spec, board, options)
    place = board.name if board is not None else target.family
    folder = out if out is not None else Path("out") / f"{spec.name}_synth" / place
    progress("generate")
    started = time.monotonic()
    source = folder / f"{spec.name}.v"
    write_file(source, design_verilog(spec))
    seconds = round(time.monotonic() - started, 3)
    result = synthesise(
        source,
        spec.name,
        target,
        folder,
        to=options.to,
        seed=options.seed,
        limits=options.limits,
        progress=progress,
    )
    generated = StageTime(name="generate", seconds=seconds, was_resumed=False)
    result = replace(result, stages=(generated, *result.stages))
    return _judged(spec, result, folder, _device(board, result.target), board)


def design_verilog(spec: Spec) -> str:
    """The Verilog of the spec's kernel or accelerator, as `generate` writes it."""
    if isinstance(spec, KernelSpec):
        from tilewright.build.verilog import emit

        template = find_template(spec.kernel.template)
        params = template.load("cases").params_of(spec.kernel)
        return emit(template.load("kernel")(params), spec.name, spec_sha256=spec_hash(spec))
    from tilewright.build.accelerator_files import accelerator_verilog

    from .design import make_design

    batch = spec.verify.batch if spec.verify is not None else 1
    return accelerator_verilog(make_design(spec, batch=batch))


def _board(spec: Spec, options: SynthOptions) -> Board | None:
    """The command line's board, else the spec's, unless a family was asked for."""
    if options.board is not None:
        if options.family is not None:
            raise UsageError("synth: --board or --family, not both: a board has its own family")
        if options.board.endswith(".yaml"):
            return load_board_file(Path(options.board))
        return load_board(options.board)
    if options.family is not None or spec.board is None:
        return None
    return load_board_file(spec.board_path) if spec.board_path else load_board(spec.board)


def _target(spec: Spec, board: Board | None, options: SynthOptions) -> Target:
    frequency = options.freq_hz or spec.clock_hz
    if board is None:
        if options.family is None:
            help = "--board NAME or --family NAME, or `board: NAME` in the spec"
            raise UsageError("synth: for which device?", help=help)
        return Target(family=options.family, freq_hz=frequency or DEFAULT_FREQUENCY_HZ)
    return board_target(board, frequency or board.clock.frequency_hz, to=options.to)


def board_target(board: Board, freq_hz: float, *, to: Stage) -> Target:
    """The board's FPGA, out of context.

    Raises:
        UsageError: if there are no open tools for what is asked for.
    """
    if board.device.family == "versal":
        raise UsageError(
            f"{board.name}: yosys knows no {board.device.name}",
            help="`tilewright synth --family xcup` gives figures of the generation before",
        )
    if board.flow != "open" and to != "synth":
        raise UsageError(
            f"{board.name}: there is no open place and route for {board.device.name}",
            help="--to synth also writes a project for Vivado",
        )
    return Target(
        family=board.device.family,  # type: ignore[arg-type]
        device=board.device.name,
        package=board.package,
        speed=board.speed,
        part=board.part,
        freq_hz=freq_hz,
    )


def _device(board: Board | None, target: Target) -> Device | None:
    if board is not None:
        return board.device
    return load_device(target.device) if target.device is not None else None


def _judged(
    spec: Spec, result: Synthesis, folder: Path, device: Device | None, board: Board | None
) -> SynthResult:
    """Whether it fits, and what would make it smaller."""
    excess = overuse(device, used_of(result.total)) if device is not None else ()
    place = board.title if board is not None else result.target.family
    what = "out of context" if result.target.out_of_context else "with the board's pins"
    return SynthResult(
        name=spec.name,
        where=f"synthesis for {place}, {what}",
        synthesis=result,
        folder=str(folder),
        device=device,
        excess=excess,
        help=_shrink_help(spec, [one.resource for one in excess]),
    )


def _shrink_help(spec: Spec, resources: list[str]) -> str:
    """The keys of the spec that make smaller what is too large."""
    if not resources:
        return ""
    if isinstance(spec, KernelSpec):
        section, where = spec.kernel, "kernel"
    else:
        name, section = next(iter(spec.accelerator.engines.items()))
        where = f"accelerator.engines.{name}"
    helps = []
    if any(name in ("lut", "ff", "dsp") for name in resources):
        helps.append(f"make {section.logic_keys} of {where} smaller")
    if any(name in ("ram_blocks", "large_ram_blocks") for name in resources):
        if isinstance(spec, KernelSpec):
            helps.append(f"make {section.memory_keys} of {where} smaller")
        else:
            helps.append("make accelerator.scratchpad.capacity smaller")
    return "; ".join(helps)
