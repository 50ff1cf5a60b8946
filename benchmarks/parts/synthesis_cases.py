"""The designs with goals for synthesis, and the committed table of their runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tilewright.build.synth import Stage, Target, synthesise
from tilewright.build.synth.place_route import Placer
from tilewright.build.synth.result import Synthesis
from tilewright.catalog import load_spec, spec_sections
from tilewright.flow.synth import SynthOptions, design_verilog, synth
from tilewright.flow.synth_report import SynthResult
from tilewright.spec import Spec, spec_from_data

from .board_cases import whole_digests
from .resource_designs import ROOT
from .resource_table import digest_of, flow_digest
from .run_table import read_table, write_row

CSV: Final = ROOT / "benchmarks" / "synthesis.csv"
EXAMPLES: Final = ROOT / "examples"
OUT: Final = ROOT / "out" / "synthesis"
ARRAY: Final = ".core.array"
"""Where the array lies in a design's hierarchy."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a case. `dsp_array`: multipliers in the array alone. `minutes` of wall clock, of
    all stages; `fmax_mhz` is 0 where nothing was placed, `target_mhz` the clock that was asked for.
    """

    case: str
    lut: int
    ff: int
    dsp: int
    dsp_array: int
    bram: int
    fmax_mhz: float
    target_mhz: float
    minutes: float
    yosys: str
    nextpnr: str
    flow: str
    verilog: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A design, what is done with it, and what is asked of the run: words for what falls short."""

    name: str
    spec: Callable[[], Spec]
    family: str
    to: Stage
    goal: str
    judge: Callable[[Run], list[str]]
    board: str = ""
    macs: int = 0
    freq_hz: float = 100e6
    placer: Placer = "heap"
    keeps_registers: bool = False
    seeds: int = 1


def example(name: str) -> Callable[[], Spec]:
    """A spec of the examples."""
    return lambda: load_spec(EXAMPLES / name)


def kernel(name: str, **keys: Any) -> Callable[[], Spec]:
    """A systolic kernel with these keys."""
    data = {"tilewright": 1, "name": name, "kernel": {"template": "systolic", **keys}}
    return lambda: spec_from_data(data, sections=spec_sections())


def accelerator(name: str, side: int) -> Callable[[], Spec]:
    """The accelerator of the handwritten digits with an array of `side` x `side`."""
    engine = {"template": "systolic", "rows": side, "cols": side}
    data = {
        "tilewright": 1, "name": name, "model": "digits_mlp.qdq.onnx",
        "accelerator": {
            "scratchpad": {"capacity": "64KiB", "banks": 8},
            "memory": {"bytes_per_cycle": 16, "latency_cycles": 40},
            "engines": {"array": engine},
        },
        "schedule": {"objective": "cycles"},
    }  # fmt: skip
    return lambda: spec_from_data(data, sections=spec_sections(), directory=EXAMPLES)


def at_least(mhz: float, *, dsp_array: int = 0) -> Callable[[Run], list[str]]:
    """A clock of so many MHz; so many multipliers in the array."""

    def judge(run: Run) -> list[str]:
        short = []
        if run.fmax_mhz < mhz:
            short.append(f"{run.case}: {run.fmax_mhz:.1f} MHz, goal {mhz:.0f}")
        if dsp_array and run.dsp_array != dsp_array:
            short.append(f"{run.case}: {run.dsp_array} multipliers in the array, goal {dsp_array}")
        return short

    return judge


def multipliers(count: int) -> Callable[[Run], list[str]]:
    """Exactly so many multipliers: none in LUTs."""

    def judge(run: Run) -> list[str]:
        return [] if run.dsp == count else [f"{run.case}: {run.dsp} DSP, goal {count}"]

    return judge


def luts_per_mac(most: float, macs: int) -> Callable[[Run], list[str]]:
    """LUTs of everything for each MAC of the array."""

    def judge(run: Run) -> list[str]:
        found = run.lut / macs
        return [] if found <= most else [f"{run.case}: {found:.1f} LUT per MAC, goal {most:g}"]

    return judge


def board_met(most_minutes: float) -> Callable[[Run], list[str]]:
    """The board's clock is met, in so many minutes."""

    def judge(run: Run) -> list[str]:
        short = []
        if run.fmax_mhz < run.target_mhz:
            short.append(f"{run.case}: {run.fmax_mhz:.1f} MHz, the board has {run.target_mhz:g}")
        if run.minutes > most_minutes:
            short.append(f"{run.case}: {run.minutes:.1f} minutes, goal {most_minutes:g}")
        return short

    return judge


SIDE: Final = 16
CASES: Final = (
    # With its requantisers; the clock of the goals is that of the array alone, the next case.
    Case(name="matmul_8x8_ecp5", spec=example("kernels/matmul_8x8.yaml"), family="ecp5", to="pnr",
         goal="64 DSP in the array, 121 MHz", judge=at_least(121, dsp_array=64), freq_hz=200e6),
    Case(name="array_8x8_ecp5", spec=kernel("array_8x8", rows=8, cols=8, output="raw"),
         family="ecp5", to="pnr", goal="64 DSP, 150 MHz", judge=at_least(150, dsp_array=64),
         freq_hz=200e6, placer="static", keeps_registers=True, seeds=6),
    Case(name="accelerator_8x8_ecp5", spec=example("digits_mlp.yaml"), family="ecp5", to="pnr",
         goal="100 MHz", judge=at_least(100), freq_hz=150e6),
    Case(name="array_16x16_xcup", spec=kernel("array_16x16", rows=SIDE, cols=SIDE, output="raw"),
         family="xcup", to="synth", goal="256 DSP48E2", judge=multipliers(SIDE * SIDE)),
    Case(name="pairs_16x16_xcup",
         spec=kernel("pairs_16x16", rows=SIDE, cols=SIDE, output="raw", products_per_dsp=2),
         family="xcup", to="synth", goal="128 DSP48E2", judge=multipliers(SIDE * SIDE // 2)),
    Case(name="accelerator_16x16_xc7", spec=accelerator("accelerator_16x16", SIDE), family="xc7",
         to="synth", goal="60 LUT per MAC", judge=luts_per_mac(60, SIDE * SIDE),
         macs=SIDE * SIDE),
    Case(name="board_digits_mlp_ulx3s", spec=example("digits_mlp.yaml"), family="ecp5",
         to="bitstream", board="ulx3s-85f", goal="bitstream, the board's clock, 20 minutes",
         judge=board_met(20)),
)  # fmt: skip


def digests_of(case: Case) -> tuple[str, str]:
    """`flow` and `verilog` of a case as it is now; for a board, that of its top with its pins."""
    if case.board:
        flow, verilog, pins = whole_digests(case.spec(), case.board)
        return flow, f"{verilog}-{pins}"
    flow = flow_digest(case.family, keeps_registers=case.keeps_registers)
    return flow, digest_of(design_verilog(case.spec()))


def run_case(case: Case) -> Run:
    """Do it; finished stages of an earlier run with the same inputs are taken."""
    spec = case.spec()
    folder = OUT / case.name
    begin = time.monotonic()
    if case.board:
        options = SynthOptions(board=case.board, to=case.to)
        result = synth(spec, folder, options=options)
        if not isinstance(result, SynthResult):
            raise TypeError(f"{case.name}: its board has a project only, no run of our tools")
        found = result.synthesis
    else:
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "source.v"
        source.write_text(design_verilog(spec))
        target = Target(family=case.family, freq_hz=case.freq_hz)  # type: ignore[arg-type]
        found = synthesise(
            source, spec.name, target, folder / "run", to=case.to, placer=case.placer,
            keeps_registers=case.keeps_registers, seeds=case.seeds,
        )  # fmt: skip
    return _run(case, found, time.monotonic() - begin)


def _run(case: Case, found: Synthesis, seconds: float) -> Run:
    in_array = sum(row.area.dsp for row in found.modules if ARRAY in f".{row.path}")
    stages = sum(stage.seconds for stage in found.stages if stage.was_resumed)
    fmax, is_placed = found.fmax_hz, case.to != "synth"
    flow, verilog = digests_of(case)
    return Run(
        case=case.name,
        lut=found.total.lut,
        ff=found.total.ff,
        dsp=found.total.dsp,
        dsp_array=in_array,
        bram=found.total.ram_blocks,
        fmax_mhz=round(fmax / 1e6, 1) if fmax is not None else 0.0,
        target_mhz=round(found.target.freq_hz / 1e6, 3),
        minutes=round((seconds + stages) / 60, 1),
        yosys=version("pyosys"),
        nextpnr=version(f"yowasp-nextpnr-{case.family}") if is_placed else "",
        flow=flow,
        verilog=verilog,
        date=datetime.now(UTC).date().isoformat(),
    )


def read_runs(path: Path = CSV) -> dict[str, Run]:
    """The committed runs by case."""
    return read_table(Run, path)


def write_run(run: Run, path: Path = CSV) -> None:
    """Put a run in the table."""
    write_row(run, path, [case.name for case in CASES])
