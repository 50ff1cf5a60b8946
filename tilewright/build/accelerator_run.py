"""An accelerator's runs: Verilog text and memory images to measured cycles and results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.build.cache import BuildCache
from tilewright.build.simulate import Model, RunResult, bench_source, build_model, run_bench
from tilewright.build.verilator import BuildOptions
from tilewright.build.waves import WaveWindow
from tilewright.errors import NothingRunError

__all__ = [
    "AcceleratorCase",
    "AcceleratorResult",
    "CaseMeasurement",
    "MemoryTiming",
    "build_accelerator",
    "run_accelerator",
]

TOP = "accelerator_tb"
CLOCK_CYCLES_SLACK = 10_000
WRITTEN_SIGNALS = (
    *("host_request", "host_is_write", "host_address", "host_write_data"),
    *("load", "dump", "case_number", "reset_request"),
)
READ_SIGNALS = (
    *("aclk", "aresetn", "irq", "host_acknowledge", "host_read_data", "host_response"),
    *("measured_cycles", "load_done", "dump_done", "num_errors", "bytes_read", "bytes_written"),
)


@dataclass(frozen=True, kw_only=True)
class MemoryTiming:
    """How the memory model behaves: `stall` is the probability in 1/256 that a channel pauses.

    Runs with stalls are for correctness: there, memories and registers without an initial value
    start with random bits, so that nothing can lean on zeros that hardware does not promise.
    """

    latency_cycles: int = 40
    outstanding_bursts: int = 8
    stall: int = 0
    seed: int = 1

    def plusargs(self) -> dict[str, str]:
        """The model's settings; those without a value are Verilator's own."""
        random = {"verilator+rand+reset+2": "", f"verilator+seed+{self.seed}": ""}
        return (random if self.stall else {}) | {
            "axi_latency": str(self.latency_cycles),
            "axi_outstanding": str(self.outstanding_bursts),
            "axi_stall": str(self.stall),
            "axi_seed": str(self.seed),
        }


@dataclass(frozen=True, kw_only=True)
class AcceleratorCase:
    """One start of the accelerator.

    `image`: bytes `[word][word_bytes]` of memory before it. `writes`: register writes before the
    start (a program). `limit_cycles`: a run that takes longer has failed.
    """

    name: str
    image: NDArray[np.uint8] = field(repr=False)
    writes: Sequence[tuple[int, int]] = ()
    limit_cycles: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class CaseMeasurement:
    """What one start did. `counters` as in the register map; `image`: memory afterwards."""

    name: str
    cycles: int
    bytes_read: int
    bytes_written: int
    counters: tuple[int, ...]
    problems: tuple[str, ...]
    image: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AcceleratorResult:
    """`is_passed`: every case ran to its interrupt without an error; the results are judged
    elsewhere.
    """

    run: RunResult
    cases: tuple[CaseMeasurement, ...]
    is_passed: bool


def build_accelerator(
    verilog: str,
    *,
    module: str,
    port_bytes: int,
    memory_bytes: int,
    lite_address_bits: int,
    address_bits: int = 64,
    has_waves: bool = False,
    cache: BuildCache | None = None,
) -> Model:
    """The simulator program for an accelerator in its test bench."""
    sources = {
        "axi_memory.sv": bench_source("axi_memory.sv"),
        "accelerator_tb.sv": bench_source("accelerator_tb.sv"),
        "accelerator.v": verilog,
    }
    parameters = {
        "DATA_BYTES": port_bytes,
        "MEMORY_BYTES": memory_bytes,
        "LITE_ADDRESS_BITS": lite_address_bits,
        "ADDRESS_BITS": address_bits,
    }
    options = BuildOptions(
        top=TOP,
        public=((TOP, WRITTEN_SIGNALS),),
        public_read=((TOP, READ_SIGNALS),),
        has_waves=has_waves,
        defines=(("ACCELERATOR", module),),
        parameters=tuple((name, str(value)) for name, value in parameters.items()),
    )
    return build_model(sources, options, cache=cache)


def run_accelerator(
    model: Model,
    cases: Sequence[AcceleratorCase],
    folder: Path,
    *,
    registers: Mapping[str, int],
    num_counters: int,
    port_bytes: int,
    timing: MemoryTiming,
    seed: int = 1,
    limit_seconds: float = 3600.0,
    waves: WaveWindow | None = None,
) -> AcceleratorResult:
    """Run `cases` back to back in one simulator process; files and results stay in `folder`."""
    if not cases:
        raise NothingRunError("the accelerator has no cases to run")
    folder = folder.absolute()
    _write_job(folder, cases, port_bytes, _job_text(cases, registers, num_counters, seed))
    plusargs = timing.plusargs() | {
        "axi_image": str(folder / "image"),
        "axi_dump": str(folder / "result"),
        "axi_cases": "1",
        "axi_dump_last": str(max(case.image.size for case in cases) // port_bytes - 1),
    }
    run = run_bench(
        model,
        test_module="tilewright.sim.benches.accelerator",
        folder=folder,
        environment={"TILEWRIGHT_JOB": str(folder)},
        plusargs=plusargs,
        seed=seed,
        limit_seconds=limit_seconds,
        waves=waves,
    )
    measured = _read_results(folder, cases, port_bytes)
    is_whole = len(measured) == len(cases) and not any(case.problems for case in measured)
    return AcceleratorResult(run=run, cases=measured, is_passed=run.is_passed and is_whole)


def _write_job(
    folder: Path, cases: Sequence[AcceleratorCase], port_bytes: int, job_text: str
) -> None:
    """What the bench and the memory model read; results of an earlier run are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").unlink(missing_ok=True)
    for index, case in enumerate(cases):
        (folder / f"image{index}.hex").write_text(hex_text(case.image, port_bytes))
        (folder / f"result{index}.hex").unlink(missing_ok=True)
    (folder / "job.json").write_text(job_text)


def _job_text(
    cases: Sequence[AcceleratorCase], registers: Mapping[str, int], num_counters: int, seed: int
) -> str:
    job: dict[str, Any] = {
        "seed": seed,
        "registers": dict(registers),
        "num_counters": num_counters,
        "cases": [
            {"name": case.name, "writes": list(case.writes), "limit_cycles": case.limit_cycles}
            for case in cases
        ],
    }
    return json.dumps(job, indent=1) + "\n"


def hex_text(image: NDArray[np.uint8], port_bytes: int) -> str:
    """Memory bytes as `$readmemh` text: a bus word per line, highest byte first."""
    rows = image.reshape(-1, port_bytes)[:, ::-1]
    return "\n".join(row.tobytes().hex() for row in np.ascontiguousarray(rows)) + "\n"


def read_hex(text: str, port_bytes: int) -> NDArray[np.uint8]:
    """What `$writememh` wrote, as bytes in address order."""
    words = [line for line in text.split() if not line.startswith(("//", "@"))]
    rows = np.frombuffer(bytes.fromhex("".join(words)), np.uint8).reshape(-1, port_bytes)
    return np.ascontiguousarray(rows[:, ::-1])


def _read_results(
    folder: Path, cases: Sequence[AcceleratorCase], port_bytes: int
) -> tuple[CaseMeasurement, ...]:
    try:
        entries = json.loads((folder / "results.json").read_text())
    except (OSError, ValueError):
        return ()
    measured = []
    for index, (case, entry) in enumerate(zip(cases, entries, strict=False)):
        dump = folder / f"result{index}.hex"
        image = read_hex(dump.read_text(), port_bytes) if dump.exists() else np.zeros(0, np.uint8)
        whole = image.size >= case.image.size
        shaped = image.ravel()[: case.image.size].reshape(case.image.shape) if whole else image
        problems = [*entry["problems"], *([] if whole else ["memory was not dumped"])]
        measured.append(
            CaseMeasurement(
                name=entry["name"],
                cycles=entry["cycles"],
                bytes_read=entry["bytes_read"],
                bytes_written=entry["bytes_written"],
                counters=tuple(entry["counters"]),
                problems=tuple(problems),
                image=shaped,
            )
        )
    return tuple(measured)
