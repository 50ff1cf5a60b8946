"""The flow of `tilewright synth`: a spec to area, clock and bitstream on a device."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tilewright.advice import Savings, advice
from tilewright.board_of_spec import (
    check_board_top,
    chosen_board,
    clock_of,
    model_family,
    too_large,
)
from tilewright.boards import Board, Device, load_device, overuse
from tilewright.build.files import write_file
from tilewright.build.synth import Family, Stage, SynthLimits, Target, synthesise
from tilewright.build.synth.constraints import constraints_text
from tilewright.build.synth.place_route import DEFAULT_PLACER, Placer
from tilewright.build.synth.result import StageTime, Synthesis
from tilewright.build.synth.stages import locked
from tilewright.build.vivado import write_vivado_project
from tilewright.catalog import find_template
from tilewright.commands.contract import Progress, no_progress
from tilewright.errors import UsageError
from tilewright.spec import AcceleratorSpec, KernelSpec, Spec, spec_hash

from .synth_report import ProjectResult, SynthResult, used_of

__all__ = ["SynthOptions", "design_verilog", "synth"]

DEFAULT_FREQUENCY_HZ = 100_000_000
VIVADO = "vivado"


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """What the command line says. One of `board` and `family`, or the spec's board.

    board : a name, or the path of a table file. freq_hz : the clock to aim at (default: the spec's,
    else the board's, else 100 MHz). seeds, placer : of place and route; `placer` for ECP5 only.
    keeps_registers : equal registers of one bit are not merged.
    """

    board: str | None = None
    family: Family | None = None
    to: Stage = "synth"
    freq_hz: int | None = None
    seed: int = 1
    seeds: int = 1
    placer: Placer | None = None
    keeps_registers: bool = False
    limits: SynthLimits | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is synthesised: text of all modules, the top one, and for which target."""

    verilog: str
    top: str
    target: Target
    constraints: str | None = None


def synth(
    spec: Spec, out: Path | None, *, options: SynthOptions, progress: Progress = no_progress
) -> SynthResult | ProjectResult:
    """Synthesise a spec's design; results stay in `out` (default: `out/NAME_synth/DEVICE`).

    Raises:
        UsageError: no device, or one whose tools cannot do what is asked for.
        SpecError, TilewrightError: the spec's design cannot be made.
        ToolError, ProcessError, OutputError: as `build.synth.synthesise`.
    """
    spec, board = _spec_and_board(spec, options)
    _check_board(spec, board, options)
    place = board.name if board is not None else options.family
    folder = out if out is not None else Path("out") / f"{spec.name}_synth" / str(place)
    progress("generate")
    started = time.monotonic()
    source = _source(spec, board, options)
    generated = StageTime(
        name="generate", seconds=round(time.monotonic() - started, 3), was_resumed=False
    )
    with locked(folder):
        result = _synth(spec, board, source, folder, options, progress)
    if isinstance(result, ProjectResult):
        return result
    stages = (generated, *result.synthesis.stages)
    return replace(result, synthesis=replace(result.synthesis, stages=stages))


def _synth(
    spec: Spec,
    board: Board | None,
    source: Source,
    folder: Path,
    options: SynthOptions,
    progress: Progress,
) -> SynthResult | ProjectResult:
    """In a folder that nobody else works in."""
    path = folder / f"{spec.name}.v"
    write_file(path, source.verilog)
    files = _vivado(spec, board, path, folder, options)
    if board is not None and board.device.family == "versal":
        return _project_only(spec, board, folder, files)
    result = synthesise(
        path,
        source.top,
        source.target,
        folder,
        to=options.to,
        constraints=source.constraints,
        seed=options.seed,
        seeds=options.seeds,
        placer=options.placer or DEFAULT_PLACER,
        keeps_registers=options.keeps_registers,
        limits=options.limits,
        progress=progress,
        goes_on=lambda found: not _excess(found, board),
        holds_lock=True,
    )
    return _judged(spec, result, board, folder, files)


def design_verilog(spec: Spec, board: Board | None = None) -> str:
    """The Verilog of the spec's kernel or accelerator, as `generate` writes it; `board` as in
    `make_design`.
    """
    if isinstance(spec, KernelSpec):
        from tilewright.build.verilog import emit

        template = find_template(spec.kernel.template)
        params = template.load("cases").params_of(spec.kernel)
        return emit(template.load("kernel")(params), spec.name, spec_sha256=spec_hash(spec))
    from tilewright.build.accelerator_files import accelerator_verilog

    from .design import make_design

    return accelerator_verilog(make_design(spec, board=board))


def _spec_and_board(spec: Spec, options: SynthOptions) -> tuple[Spec, Board | None]:
    """The command line's board, else the spec's, unless a family was asked for."""
    if options.family is None:
        spec, board = chosen_board(spec, options.board)
        if board is None:
            help = "--board NAME or --family NAME, or `board: NAME` in the spec"
            raise UsageError("synth: for which device?", help=help)
        return spec, board
    if options.board is not None:
        raise UsageError("synth: --board or --family, not both: a board has its own family")
    return spec, None


def _check_board(spec: Spec, board: Board | None, options: SynthOptions) -> None:
    """Whether the board's tools go as far as was asked for."""
    if options.to == "synth":
        if options.placer is not None or options.seeds != 1:
            raise UsageError("synth: --placer and --seeds are of place and route", help="--to pnr")
        return
    family = board.device.family if board is not None else options.family
    if options.placer is not None and family != "ecp5":
        where = f"{board.name} has {family}" if board is not None else f"got {family}"
        raise UsageError(f"synth: --placer {options.placer}: for ECP5 only, {where}")
    if board is not None and board.flow != "open":
        raise UsageError(
            f"{board.name}: there is no open place and route for {board.device.name}",
            help="--to synth also writes a project for Vivado",
        )
    if board is None and options.family is not None:
        _ = Target(family=options.family).placed  # refuses a family that nothing places
    if options.to == "bitstream" and (board is None or isinstance(spec, KernelSpec)):
        what = "a kernel" if isinstance(spec, KernelSpec) else "a design without a board"
        raise UsageError(
            f"synth: {what} has no pins, so no bitstream",
            help="--to pnr places it out of context; --board gives an accelerator its pins",
        )


def _source(spec: Spec, board: Board | None, options: SynthOptions) -> Source:
    """The design alone, or with the board's top around it if it is placed for a board."""
    if board is not None and options.to != "synth" and isinstance(spec, AcceleratorSpec):
        return _board_source(spec, board, options)
    freq_hz = options.freq_hz or clock_of(spec, board) or DEFAULT_FREQUENCY_HZ
    if board is None:
        assert options.family is not None
        target = Target(family=options.family, freq_hz=freq_hz)
    elif board.device.family == "versal":
        target = Target(family="xcup", freq_hz=freq_hz)  # the text is the same
    else:
        target = board_target(board, freq_hz)
    return Source(verilog=design_verilog(spec, board), top=spec.name, target=target)


def _board_source(spec: AcceleratorSpec, board: Board, options: SynthOptions) -> Source:
    from tilewright.build.board_files import board_design

    from .design import make_design

    check_board_top(spec, board)
    if options.freq_hz not in (None, board.clock.frequency_hz):
        raise UsageError(
            f"--freq: on {board.name} the design runs on the oscillator, there is no PLL",
            help="--family places the design out of context for any clock",
        )
    whole = board_design(make_design(spec, board=board), board)
    target = board_target(board, board.clock.frequency_hz, is_out_of_context=False)
    pins = constraints_text(target.family, whole.pins)
    return Source(verilog=whole.whole_verilog, top=whole.top, target=target, constraints=pins)


def board_target(board: Board, freq_hz: float, *, is_out_of_context: bool = True) -> Target:
    """The board's FPGA."""
    return Target(
        family=board.device.family,  # type: ignore[arg-type]  # versal never comes here
        device=board.device.name,
        package=board.package,
        speed=board.speed,
        part=board.part,
        freq_hz=freq_hz,
        out_of_context=is_out_of_context,
    )


def _vivado(
    spec: Spec, board: Board | None, source: Path, folder: Path, options: SynthOptions
) -> dict[str, str]:
    """A project for boards that no open tool places."""
    if board is None or board.flow != VIVADO:
        return {}
    clock_hz = options.freq_hz or clock_of(spec, board) or DEFAULT_FREQUENCY_HZ
    paths = write_vivado_project(folder / VIVADO, board, spec.name, [source], clock_hz)
    return {f"vivado {path.suffix.removeprefix('.')}": str(path) for path in paths}


def _project_only(
    spec: Spec, board: Board, folder: Path, files: Mapping[str, str]
) -> ProjectResult:
    """Yosys knows no Versal: the project is all that there is."""
    return ProjectResult(
        name=spec.name, board=board.title, folder=str(folder), files=files,
        note=f"no figures: yosys knows no {board.device.name}",
    )  # fmt: skip


def _excess(result: Synthesis, board: Board | None) -> bool:
    device = _device(board, result.target)
    return device is not None and bool(overuse(device, used_of(result.total)))


def _device(board: Board | None, target: Target) -> Device | None:
    if board is not None:
        return board.device
    return load_device(target.device) if target.device is not None else None


def _judged(
    spec: Spec, result: Synthesis, board: Board | None, folder: Path, files: Mapping[str, str]
) -> SynthResult:
    """Whether it fits, and what would make it smaller."""
    device, used = _device(board, result.target), used_of(result.total)
    excess = overuse(device, used) if device is not None else ()
    savings = _savings(spec, board, result.target) if excess else None
    if board is not None:
        messages = [found.render(color=False) for found in too_large(spec, board, used, savings)]
    else:
        messages = [f"{e}\n  help: {advice(spec, e.resource, savings)}" for e in excess]
    place = board.title if board is not None else result.target.device or result.target.family
    what = "out of context" if result.target.out_of_context else "with the board's pins"
    return SynthResult(
        name=spec.name, where=f"synthesis for {place}, {what}", synthesis=result,
        folder=str(folder), device=device, excess=excess, messages=messages, extra_files=files,
    )  # fmt: skip


def _savings(spec: Spec, board: Board | None, target: Target) -> Savings | None:
    """What changes would save of a design that does not fit."""
    if isinstance(spec, KernelSpec):
        return None
    from .design import make_design
    from .resources import top_of
    from .savings import savings_of

    design = make_design(spec, board=board)
    device = _device(board, target)
    family = target.family if device is None else model_family(device)
    top = None if target.out_of_context or board is None else top_of(spec, design, board)
    return savings_of(design, family, top)
