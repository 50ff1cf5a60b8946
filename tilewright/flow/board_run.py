"""`tilewright run --board`: the user's inputs on a board, or on the whole board simulated."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilewright.board_of_spec import check_board_top, chosen_board
from tilewright.boards import Board
from tilewright.boards.link.host import Link, LinkError, LinkTiming, NoAnswerError, Port
from tilewright.build.board_files import BoardDesign, board_design
from tilewright.build.board_port import open_port
from tilewright.build.board_simulation import build_board, simulated_board
from tilewright.build.files import output_directory, to_json_bytes, write_arrays, write_file
from tilewright.commands.contract import Progress, no_progress
from tilewright.errors import TilewrightError, UsageError
from tilewright.spec import AcceleratorSpec, Spec

from .board_driver import Driver
from .board_verdict import BoardRun, board_verdict
from .design import Design, make_design
from .inputs import Samples, read_arrays
from .results import REPORT_JSON, Result
from .simulation import dequantized

__all__ = ["BoardOptions", "run_on_board"]

SIMULATED_ANSWER_SECONDS = 30.0
"""A simulated board has no clock on the wall; nothing is lost on its line either."""
LEAST_RUN_SECONDS = 10.0
SIMULATED_RUN_SECONDS = 3600.0
SLACK = 10.0
NO_ANSWER_HELP = (
    "is the bitstream loaded (LED 0 blinks), is this the board's port and not the programmer's, "
    "has no other program the port open?"
)


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """What the command line says: one of `port` and `is_simulated`; `board`: else the spec's."""

    board: str | None = None
    port: str | None = None
    is_simulated: bool = False


def run_on_board(
    spec: Spec,
    out: Path,
    *,
    inputs: Path,
    options: BoardOptions,
    progress: Progress = no_progress,
) -> Result:
    """Load weights and inputs over the link, start, read the results, compare with the golden
    model. `out` gets `outputs.npz` and `report.json`.

    Raises:
        UsageError: a kernel, no board, or not exactly one of port and simulation.
        PortError, WrongDesignError, BoardRunError, TilewrightError: as their names say.
    """
    if not isinstance(spec, AcceleratorSpec):
        raise UsageError("run: a kernel has no model to run", help="tilewright verify SPEC")
    if (options.port is None) == (not options.is_simulated):
        raise UsageError(
            "run --board: --port NAME or --simulate, one of them",
            help="--simulate runs the whole board's Verilog",
        )
    spec, board = _board(spec, options)
    progress("plan")
    design = make_design(spec, board=board)
    samples = _samples(inputs, design)
    progress("elaborate")
    whole = board_design(design, board)
    batches = [_quantized(design, batch) for batch in samples.batches(design.batch)]
    with _port(whole, options, progress) as port:
        try:
            run = _drive(port, design, whole, batches, options, progress)
        except NoAnswerError as error:
            raise TilewrightError(f"{board.name}: {error}", help=NO_ANSWER_HELP) from error
        except LinkError as error:
            raise TilewrightError(f"{board.name}: {error}") from error
    progress("compare")
    where = options.port or "whole board simulated"
    result = board_verdict(design, board, batches, run, count=samples.count, where=where)
    outputs = run.outputs(design)
    manifest = {"name": design.name, "spec_sha256": design.spec_sha256, "board": board.name}
    with output_directory(out, manifest=manifest) as (folder, _):
        write_arrays(folder / "outputs.npz", dequantized(design, outputs, samples.count))
        data = {"ok": result.ok, **result.to_json()}
        write_file(folder / REPORT_JSON, to_json_bytes(data))
    return result


def _board(spec: AcceleratorSpec, options: BoardOptions) -> tuple[AcceleratorSpec, Board]:
    """The board, and the spec with its numbers: as `synth` makes the bitstream."""
    found, board = chosen_board(spec, options.board)
    if board is None:
        raise UsageError("run: on which board?", help="--board NAME, or `board:` in the spec")
    assert isinstance(found, AcceleratorSpec)
    check_board_top(found, board)
    return found, board


def _samples(path: Path, design: Design) -> Samples:
    """Arrays by the names of the model's inputs; an `.npy` file is the array of the only input."""
    names = {tensor.name: tensor.origin for tensor in design.graph.inputs}
    if path.suffix == ".npy" and len(names) == 1:
        names = dict.fromkeys(names, path.stem)
    return read_arrays(path, design, names, labels=None, samples=None)


def _quantized(design: Design, batch: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: design.graph.tensor(name).quantize(values) for name, values in batch.items()}


@contextlib.contextmanager
def _port(whole: BoardDesign, options: BoardOptions, progress: Progress) -> Iterator[Port]:
    """The way to the board."""
    if options.port is not None:
        with open_port(options.port, whole.baud) as port:
            yield port
        return
    progress("compile the simulation")
    sources = {"accelerator.v": whole.accelerator, "board.v": whole.verilog}
    program = build_board(sources, whole.top)
    params = whole.params
    with simulated_board(
        program,
        divisor=params.uart.divisor,
        baud=whole.baud,
        has_low_button=bool(params.reset_is_inverted),
    ) as port:
        yield port


def _drive(
    port: Port,
    design: Design,
    whole: BoardDesign,
    batches: Sequence[Mapping[str, NDArray[Any]]],
    options: BoardOptions,
    progress: Progress,
) -> BoardRun:
    """Everything that needs the board."""
    timing = LinkTiming(bits_per_second=whole.baud)
    expected = design.estimate.cycles / whole.params.identity.clock_hz
    limit = LEAST_RUN_SECONDS + SLACK * expected
    if options.is_simulated:
        timing = replace(timing, answer_seconds=SIMULATED_ANSWER_SECONDS)
        limit = SIMULATED_RUN_SECONDS
    link = Link(port, timing=timing)
    driver = Driver(link, design, limit_seconds=limit)
    began = time.monotonic()
    progress("load")
    driver.open()
    driver.load_constants()
    loaded = time.monotonic()
    progress("run")
    starts = tuple(driver.run(batch) for batch in batches)
    return BoardRun(
        starts=starts,
        load_seconds=loaded - began,
        total_seconds=time.monotonic() - began,
        statistics=replace(link.statistics),
    )
