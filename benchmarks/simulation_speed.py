"""Simulated cycles per second of the 16x16 accelerator: inside `verify`, and in a bare C++ loop.

Both run the same Verilator model of the emitted Verilog in the same test bench, with the same
memory model and image; in `verify` cocotb starts the accelerator and sleeps until its interrupt.
Seconds are processor seconds (both have one thread): what an idle machine takes. Those of `verify`
are the difference between a process with several runs and one with a single run, so that the start
of Python is left out and all that belongs to a run is in. The median of several repetitions counts.
Exit code 1 if `verify` has less than 0.45 of the bare speed.
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.memory_map import memory_image
from tilewright.hw.configure import configure
from tilewright.hw.program_words import program_rows
from tilewright.hw.systolic.rtl import Systolic
from tilewright.hw.top import Accelerator

from tilewright.build.accelerator_run import (
    AcceleratorCase,
    MemoryTiming,
    build_accelerator,
    hex_text,
    run_accelerator,
)
from tilewright.build.model import Model
from tilewright.build.process import Limits, run
from tilewright.build.verilator import find_toolchain
from tilewright.build.verilog import emit
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

GOAL = 0.45
REPETITIONS = 3
MORE_RUNS = 3
PROGRAM_ROWS = 512
BARE_TEXT = Path(__file__).with_name("bare_accelerator.cpp")
PACKAGES = ("tilewright", "verilator", "cocotb", "amaranth")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A compiled accelerator with a program and an image to run."""

    model: Model
    case: AcceleratorCase
    registers: dict[str, int]
    num_counters: int
    port_bytes: int


def subject(size: int, shape: tuple[int, int, int]) -> Subject:
    """The programmable accelerator of `size` x `size`, loaded with one product of `shape`."""
    machine = systolic_machine(
        rows=size, cols=size, lanes=size, scratchpad_bytes=256 * 1024, banks=16
    )
    graph = matmul_graph(*shape, seed=1)
    plan, program = compile_graph(graph, machine)
    config = configure(machine, program, name="accelerator", programmable_rows=PROGRAM_ROWS)
    accelerator = Accelerator(config, Systolic)
    table = accelerator.table
    window = table.windows[0].offset
    rows = program_rows(config, program).items()
    writes = [(window + at + 4 * n, value) for at, row in rows for n, value in enumerate(row)]
    inputs = {tensor.name: _ramp(tensor.shape) for tensor in graph.inputs}
    image = memory_image(graph, plan, machine, inputs)
    model = build_accelerator(
        emit(accelerator, "accelerator"),
        module="accelerator",
        port_bytes=machine.port_bytes,
        memory_bytes=1 << (image.size - 1).bit_length(),
        lite_address_bits=table.address_bits,
    )
    return Subject(
        model=model,
        case=AcceleratorCase(name="case", image=image, writes=writes, limit_cycles=10_000_000),
        registers={register.name: register.offset for register in table.registers},
        num_counters=6 * len(config.units),
        port_bytes=machine.port_bytes,
    )


def _ramp(shape: Sequence[int]) -> Any:
    import numpy as np

    return np.random.default_rng(1).integers(-128, 128, shape, dtype=np.int8)


def verify_seconds(unit: Subject, folder: Path) -> tuple[int, float]:
    """Cycles of a run, and the processor seconds that each further run takes."""
    used = []
    cycles = 0
    for num_runs in (1, 1 + MORE_RUNS):
        start = _children_seconds()
        result = run_accelerator(
            unit.model,
            [unit.case] * num_runs,
            folder,
            registers=unit.registers,
            num_counters=unit.num_counters,
            port_bytes=unit.port_bytes,
            timing=MemoryTiming(),
        )
        used.append(_children_seconds() - start)
        if not result.is_passed:
            raise SystemExit(result.run.explain())
        cycles = result.cases[0].cycles
    return cycles, (used[1] - used[0]) / MORE_RUNS


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def build_bare(unit: Subject, folder: Path) -> Path:
    """The model's objects, linked with a main program of a few lines."""
    toolchain = find_toolchain()
    objects = [str(path) for path in sorted(unit.model.folder.glob("verilated*.o"))]
    include = toolchain.root / "include"
    command = [toolchain.compiler, "-std=c++20", "-fcoroutines", "-O2", f"-I{unit.model.folder}"]
    command += [f"-I{include}", f"-I{include / 'vltstd'}", "-DVM_COVERAGE=0", "-DVM_TRACE=0"]
    command += ["-DVM_TRACE_FST=0", "-DVM_SC=0", str(BARE_TEXT)]
    command += [str(unit.model.folder / "Vtop__ALL.a"), *objects, "-pthread", "-o", "bare"]
    run(command, cwd=folder, extra_env=toolchain.environment(), limits=Limits(wall_seconds=300.0))
    return folder / "bare"


def bare_seconds(unit: Subject, program: Path, folder: Path) -> tuple[int, float]:
    """Cycles and processor seconds of the same run without cocotb."""
    start = [(unit.registers["irq_enable"], 1), (unit.registers["control"], 1)]
    lines = [f"{address:x} {value:x}" for address, value in [*unit.case.writes, *start]]
    (folder / "writes.txt").write_text("\n".join(lines) + "\n")
    (folder / "image.hex").write_text(hex_text(unit.case.image, unit.port_bytes))
    arguments = [f"+{name}={value}" for name, value in MemoryTiming().plusargs().items()]
    arguments += [f"+axi_image={folder / 'image.hex'}"]
    result = run([str(program), str(folder / "writes.txt"), *arguments], cwd=folder)
    cycles, seconds = result.tail.split()[:2]
    return int(cycles), float(seconds)


def measure(size: int, shape: tuple[int, int, int]) -> dict[str, Any]:
    """One row of the table."""
    unit = subject(size, shape)
    verify, bare = [], []
    with tempfile.TemporaryDirectory(prefix="tilewright-speed-") as name:
        folder = Path(name)
        program = build_bare(unit, folder)
        for _ in range(REPETITIONS):
            cycles, seconds = verify_seconds(unit, folder / "run")
            verify.append(cycles / seconds)
            bare_cycles, seconds = bare_seconds(unit, program, folder)
            bare.append(bare_cycles / seconds)
            if cycles != bare_cycles:
                raise SystemExit(f"{cycles} cycles in verify, {bare_cycles} in the bare loop")
    speeds = {"verify": statistics.median(verify), "bare": statistics.median(bare)}
    row: dict[str, Any] = {"rows": size, "cols": size}
    row |= dict(zip(("m", "k", "n"), shape, strict=True)) | {"cycles": cycles}
    row |= {f"{kind}_cycles_per_s": round(value) for kind, value in speeds.items()}
    row |= {"ratio": round(speeds["verify"] / speeds["bare"], 3), "goal": GOAL}
    row |= {"compile_seconds": round(unit.model.seconds, 1), "was_cached": unit.model.was_cached}
    return row


def table(row: dict[str, Any]) -> str:
    """The row for a reader."""
    lines = [
        f"accelerator {row['rows']}x{row['cols']}, {row['m']}x{row['k']}x{row['n']}: "
        f"{row['cycles']:,} cycles in each run",
        f"  verify (cocotb asleep)  {row['verify_cycles_per_s']:>9,} cycles/s",
        f"  bare C++ loop           {row['bare_cycles_per_s']:>9,} cycles/s",
        f"  ratio                   {row['ratio']:>9.3f}  goal {row['goal']}",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--size", type=int, default=16, help="rows and columns of the array")
    parser.add_argument("--shape", default="128x768x768", help="MxKxN of the product")
    arguments = parser.parse_args()
    m, k, n = map(int, arguments.shape.split("x"))
    row = measure(arguments.size, (m, k, n))
    is_good = row["ratio"] >= GOAL
    if arguments.json:
        machine = f"{platform.machine()} {platform.system()} Python {platform.python_version()}"
        versions = {name: version(name) for name in PACKAGES}
        print(json.dumps({"rows": [row], "ok": is_good, "machine": machine, "versions": versions}))
    else:
        print(table(row))
        print("goal met" if is_good else f"falls short: ratio {row['ratio']}, goal {GOAL}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
