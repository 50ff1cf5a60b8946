"""The boards with open tools, each with its example, and the committed table of their runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from tilewright.boards import board_names, load_board

from tilewright.board_of_spec import chosen_board
from tilewright.build.board_files import board_design
from tilewright.build.synth.result import Synthesis
from tilewright.catalog import load_spec
from tilewright.flow.design import make_design
from tilewright.flow.synth import SynthOptions, synth
from tilewright.flow.synth_report import SynthResult
from tilewright.spec import AcceleratorSpec, Spec

from .resource_designs import ROOT
from .resource_table import digest_of, flow_digest

CSV: Final = ROOT / "benchmarks" / "boards.csv"
EXAMPLES: Final = ROOT / "examples" / "boards"
OUT: Final = ROOT / "out" / "boards"
BOARDS: Final = tuple(name for name in board_names() if load_board(name).flow == "open")
CELLS: Final = ("ICESTORM_LC", "TRELLIS_COMB", "LUT4")
"""What place and route calls the cells that have the LUTs, by family."""


@dataclass(frozen=True, kw_only=True)
class BoardRun:
    """One run of a board's example to a bitstream.

    lut, ff, dsp, ram_blocks : as yosys' netlist has them. cells, of_cells : logic cells that place
    and route filled, and all; more than LUTs where registers have none beside them. seconds : of
    wall clock on a busy machine, all stages. tools : packages with their versions. flow, verilog,
    pins : digests of what makes the netlist, of the whole design and of its constraints.
    """

    board: str
    example: str
    lut: int
    ff: int
    dsp: int
    ram_blocks: int
    cells: int
    of_cells: int
    fmax_mhz: float
    clock_mhz: float
    seconds: float
    bitstream_bytes: int
    tools: str
    flow: str
    verilog: str
    pins: str
    date: str

    @property
    def is_met(self) -> bool:
        return self.fmax_mhz >= self.clock_mhz


def example_of(board: str) -> Path:
    """The spec of a board's example."""
    return EXAMPLES / f"digits_{board.replace('-', '_')}.yaml"


def digests(board: str) -> tuple[str, str, str]:
    """`flow`, `verilog` and `pins` of a board's example as it is now."""
    return whole_digests(load_spec(example_of(board)), None)


def whole_digests(spec: Spec, board: str | None) -> tuple[str, str, str]:
    """`flow`, `verilog` and `pins` of a design with the top of a board, by default its own."""
    spec, found = chosen_board(spec, board)
    assert isinstance(spec, AcceleratorSpec) and found is not None
    whole = board_design(make_design(spec, board=found), found)
    pins = sha256(repr(whole.pins).encode()).hexdigest()[:16]
    flow = flow_digest(found.device.family, found.device.name)
    return flow, digest_of(whole.whole_verilog), pins


def run_board(board: str) -> BoardRun:
    """Make the bitstream; finished stages of an earlier run with the same inputs are taken.

    Raises:
        RuntimeError: if the design does not fit, with how much of what is missing.
        ProcessError: if it cannot be placed or routed.
    """
    path = example_of(board)
    result = synth(load_spec(path), OUT / board, options=SynthOptions(to="bitstream"))
    if not isinstance(result, SynthResult) or result.excess:
        raise RuntimeError("; ".join(getattr(result, "messages", ())) or f"{board}: no run")
    found = result.synthesis
    flow, verilog, pins = digests(board)
    cells, of_cells = _cells(found)
    fmax = found.fmax_hz
    assert fmax is not None
    return BoardRun(
        board=board,
        example=path.name,
        lut=found.total.lut,
        ff=found.total.ff,
        dsp=found.total.dsp,
        ram_blocks=found.total.ram_blocks,
        cells=cells,
        of_cells=of_cells,
        fmax_mhz=round(fmax / 1e6, 1),
        clock_mhz=round(found.target.freq_hz / 1e6, 3),
        seconds=round(sum(stage.seconds for stage in found.stages if stage.name != "generate"), 1),
        bitstream_bytes=(Path(result.folder) / found.files["bitstream"]).stat().st_size,
        tools=", ".join(f"{name} {version}" for name, version in sorted(found.versions.items())),
        flow=flow,
        verilog=verilog,
        pins=pins,
        date=datetime.now(UTC).date().isoformat(),
    )


def _cells(found: Synthesis) -> tuple[int, int]:
    for use in found.uses:
        if use.name in CELLS:
            return use.used, use.available
    raise RuntimeError(f"place and route tells of none of {', '.join(CELLS)}")
