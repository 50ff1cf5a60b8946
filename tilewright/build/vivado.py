"""A Vivado project for a board that no open tool places: a script and its constraints, to be run by
whoever has Vivado. It is not run here.

Nothing is known of the result before: the script writes reports of utilisation and timing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tilewright.boards import Board
from tilewright.build.files import write_file
from tilewright.build.synth.constraints import PinOf
from tilewright.build.tcl import Block, Call, Command, Variable, Word, script
from tilewright.errors import UsageError

__all__ = ["OUT_OF_CONTEXT_CLOCK", "vivado_script", "write_vivado_project", "xdc_text"]

OUT_OF_CONTEXT_CLOCK: Final = "aclk"
"""The clock port of every generated kernel and accelerator."""
PROJECT_FOLDER: Final = "project"
JOBS: Final = "4"
_TOP: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_MEMORY_FILES: Final = (".hex", ".mem")
_PULLS: Final = {"up": "PULLUP", "down": "PULLDOWN"}
_HERE: Final = Variable("here")


def write_vivado_project(
    folder: Path,
    board: Board,
    top: str,
    sources: Sequence[Path],
    clock_hz: int,
    *,
    pins: Sequence[PinOf] = (),
) -> tuple[Path, ...]:
    """Writes `TOP.tcl` and `TOP.xdc` into `folder`, and the sources that are not there yet.

    Without `pins` the design is out of context: placed and routed alone, its clock port `aclk`
    aiming at `clock_hz`, for utilisation and timing. With them it goes to the board's pins, and the
    script makes a bitstream; the clock's port has its frequency in `pins`.

    Returns:
        Every file that the project needs, the script first.

    Raises:
        UsageError: if `top` is no plain name, a source is missing or two have one name, or pins are
            given for a board whose clock is a differential pair or comes from its processor.
        OutputError: if the files cannot be written.
    """
    if not _TOP.fullmatch(top):
        raise UsageError(f"top module: not a plain name: {top!r}")
    if pins and (board.clock.pin_n or not board.clock.pin):
        raise UsageError(
            f"{board.name}: its clock needs a buffer or a processor that the design lacks",
            help="leave the pins out: the project is made out of context",
        )
    files = [_collected(source, folder) for source in sources]
    if len({path.name for path in files}) != len(files):
        raise UsageError(f"{top}: two sources have one name")
    constraints, tcl = folder / f"{top}.xdc", folder / f"{top}.tcl"
    write_file(constraints, xdc_text(board, clock_hz, pins))
    names = [path.name for path in files]
    write_file(tcl, vivado_script(board, top, names, is_out_of_context=not pins))
    return (tcl, constraints, *files)


def _collected(source: Path, folder: Path) -> Path:
    """The source beside the script, which names nothing outside its own folder."""
    if not source.is_file():
        raise UsageError(f"{source}: a source of the project is missing")
    target = folder / source.name
    if source.resolve() != target.resolve():
        write_file(target, source.read_bytes())
    return target


def xdc_text(board: Board, clock_hz: int, pins: Sequence[PinOf] = ()) -> str:
    """The constraints, which are Tcl, too: clock, and each port's pin and standard."""
    if not pins:
        return script([
            "Out of context: the clock alone; the other ports lead to other logic.",
            _clock(OUT_OF_CONTEXT_CLOCK, clock_hz),
        ])  # fmt: skip
    lines: list[Command | str] = [f"Pins: {board.source}"]
    for one in pins:
        words = ["PACKAGE_PIN", one.pin]
        words += ["IOSTANDARD", one.io_standard] if one.io_standard else []
        words += ["PULLTYPE", _PULLS[one.pull]] if one.pull else []
        lines.append(Command("set_property", "-dict", " ".join(words), _port(one.port)))
        if one.clock_hz is not None:
            lines.append(_clock(one.port, one.clock_hz))
    if board.device.name.startswith("XC7A"):  # a Zynq is configured by its processor
        design = Call("current_design")
        lines.append(Command("set_property", "CFGBVS", "VCCO", design))
        lines.append(Command("set_property", "CONFIG_VOLTAGE", "3.3", design))
    return script(lines)


def _clock(port: str, clock_hz: int) -> Command:
    period_ns = f"{1e9 / clock_hz:.3f}"
    return Command("create_clock", "-name", port, "-period", period_ns, _port(port))


def _port(name: str) -> Call:
    return Call("get_ports", name)


def vivado_script(
    board: Board, top: str, sources: Sequence[str], *, is_out_of_context: bool = True
) -> str:
    """The script: project, sources, synthesis, place and route, reports, perhaps a bitstream."""
    what = "out of context" if is_out_of_context else "with the board's pins"
    last_step = [] if is_out_of_context else ["-to_step", "write_bitstream"]
    project = Command(
        "create_project", "-force", top, _file(PROJECT_FOLDER), "-part", board.part
    )  # fmt: skip
    return script([
        f"{top} for {board.title}, {what}.",
        f"To run it: vivado -mode batch -source {top}.tcl",
        Command("set", "here", Call("file", "dirname", Call("file", "normalize",
                                                            Call("info", "script")))),
        project,
        Command("set_property", "target_language", "Verilog", Call("current_project")),
        *_source_commands(sources),
        Command("add_files", "-fileset", "constrs_1", "-norecurse", _files(f"{top}.xdc")),
        Command("set_property", "top", top, Call("current_fileset")),
        "",
        *_run("synth_1", _synthesis_options(is_out_of_context), []),
        *_reports(top, "synth"),
        Command("close_design"),
        "",
        *_run("impl_1", [], last_step),
        *_reports(top, "impl"),
    ])  # fmt: skip


def _source_commands(sources: Sequence[str]) -> list[Command]:
    commands = []
    for name in sources:
        commands.append(Command("add_files", "-norecurse", _files(name)))
        if Path(name).suffix in _MEMORY_FILES:
            found = Call("get_files", _files(name))
            commands.append(
                Command("set_property", "file_type", "Memory Initialization Files", found)
            )
    return commands


def _synthesis_options(is_out_of_context: bool) -> list[Command]:
    if not is_out_of_context:
        return []
    run = Call("get_runs", "synth_1")
    name, value = "STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS", "-mode out_of_context"
    return [Command("set_property", "-name", name, "-value", value, "-objects", run)]


def _run(name: str, options: Sequence[Command], last_step: Sequence[str]) -> list[Command]:
    """Starts a run, waits for it and stops the script if it failed."""
    progress = Call("get_property", "PROGRESS", Call("get_runs", name))
    failed = Call("string", "compare", progress, "100%")
    return [
        *options,
        Command("launch_runs", name, *last_step, "-jobs", JOBS),
        Command("wait_on_run", name),
        Command("if", failed, Block(Command("error", f"run {name} failed"))),
        Command("open_run", name),
    ]


def _reports(top: str, stage: str) -> list[Command]:
    utilisation = _file(f"{top}_{stage}_utilization.txt")
    timing = _file(f"{top}_{stage}_timing.txt")
    return [
        Command("report_utilization", "-hierarchical", "-file", utilisation),
        Command("report_timing_summary", "-max_paths", "10", "-file", timing),
    ]


def _file(name: str) -> Word:
    """A file beside the script."""
    return Call("file", "join", _HERE, name)


def _files(name: str) -> Word:
    """The same where Vivado wants a list of files: a space in a path would make two of one."""
    return Call("list", _file(name))
