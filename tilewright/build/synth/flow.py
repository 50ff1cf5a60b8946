"""Verilog to area, clock and bitstream: the stages `synth`, `pnr` and `pack` in one folder."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tilewright.build.files import to_json_bytes, write_file
from tilewright.build.synth.collect import collect
from tilewright.build.synth.job import Job
from tilewright.build.synth.passes import identifier
from tilewright.build.synth.place_route import DEFAULT_PLACER, Placer
from tilewright.build.synth.result import SYNTH_JSON, Synthesis
from tilewright.build.synth.seeds import place
from tilewright.build.synth.stages import Stages, locked
from tilewright.build.synth.target import PLACED, Stage, Target
from tilewright.build.synth.tools import SynthLimits
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.serial import to_json
from tilewright.errors import UsageError

__all__ = ["synthesise"]


def synthesise(
    verilog: Path,
    top: str,
    target: Target,
    folder: Path,
    *,
    to: Stage = "synth",
    constraints: str | None = None,
    data: Sequence[Path] = (),
    options: Mapping[str, bool | int] | None = None,
    packs_registers: bool = True,
    keeps_registers: bool = False,
    seed: int = 1,
    seeds: int = 1,
    placer: Placer = DEFAULT_PLACER,
    limits: SynthLimits | None = None,
    progress: Progress = no_progress,
    goes_on: Callable[[Synthesis], bool] = lambda result: True,
    holds_lock: bool = False,
) -> Synthesis:
    """Synthesise module `top` of the file `verilog`; results and logs stay in `folder`.

    to : `synth` ends with the netlist, `pnr` with the placed design and its clocks, `bitstream`
        with the file that a board loads.
    constraints : text of the family's file of pins (`constraints`), for a design in its context.
    data : files that the Verilog reads (`$readmemh`), by their plain names.
    packs_registers : ECP5: registers around multipliers move into them (`dsp_pack`), and LUTs in
        front of carry chains into these (`carry_pack`).
    keeps_registers : equal registers of one bit are not merged into one, whose wires would be long.
    options : switches of the family's synthesis pass, such as `{"nodsp": True}`.
    seeds : place and route with so many seeds, from `seed` on; the best one's result is ours.
    placer : of nextpnr-ecp5.

    goes_on : told the result of `synth`; if it says no, the later stages are left out.
    holds_lock : the caller holds `folder` already (`stages.locked`).

    A stage that an earlier run finished with the same inputs, options and tools is taken as it is.
    Writes `synth.json`, last.

    Raises:
        ToolError: a tool is missing.
        ProcessError: a tool failed or took too long; its log is in `folder/logs`.
        OutputError: files cannot be written, or another run holds the folder.
    """
    job = Job(
        text=_read(verilog), top=identifier(top),
        target=target.placed if to != "synth" or target.family in PLACED else target,
        folder=folder.absolute(), constraints=constraints, data=tuple(data),
        options=dict(options or {}), seeds=range(seed, seed + seeds), placer=placer,
        limits=limits or SynthLimits(),
        packs_registers=packs_registers and target.family == "ecp5",
        keeps_registers=keeps_registers, is_placed=to != "synth",
    )  # fmt: skip
    job.check(to)
    with contextlib.nullcontext() if holds_lock else locked(job.folder):
        stages = Stages(job.folder, progress)
        synth = job.synth(stages)
        is_placed = to != "synth" and goes_on(collect(job, stages, synth))
        placed = place(job, stages, synth) if is_placed else None
        is_packed = placed is not None and to == "bitstream"
        packed = job.pack(stages, placed.folder) if placed and is_packed else None
        result = collect(job, stages, synth, placed, packed)
        write_file(job.folder / SYNTH_JSON, to_json_bytes(to_json(result)))
    return result


def _read(verilog: Path) -> bytes:
    try:
        return verilog.read_bytes()
    except OSError as error:
        raise UsageError(f"{verilog}: cannot be read: {error.strerror}") from error
