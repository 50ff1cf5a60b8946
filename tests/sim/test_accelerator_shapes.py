"""The whole accelerator on random shapes: values, cycles, bytes and counters, all exact.

One simulator program per array, many programs on it: every run writes a new program over AXI4-Lite
and starts without a reset. In all `CONFIGS x TIMINGS x SHAPES` runs.
"""

from pathlib import Path
from typing import Any

import pytest

from tilewright.build.accelerator_run import MemoryTiming
from tilewright.flow.programmable import GraphRun, run_graphs
from tilewright.flow.work import machine_with

pytestmark = pytest.mark.simulator

OS, WS = "output_stationary", "weight_stationary"


def config(dataflow: str, rows: int, cols: int, lanes: int, words: int, **more: int) -> Any:
    """A machine whose banks have so few words that some ops need several tasks."""
    banks = more.pop("banks", 8)
    sizes = {"rows": rows, "cols": cols, "lanes": lanes, "banks": banks}
    return {"dataflow": dataflow, "scratchpad_bytes": banks * words * lanes, **sizes, **more}


# Ports of fewer bytes than a word take several beats for it.
CONFIGS = {
    "os_4x4": config(OS, 4, 4, 16, 16),
    "os_5x2": config(OS, 5, 2, 6, 8, banks=16, bytes_per_cycle=4),
    "ws_4x4": config(WS, 4, 4, 16, 8),
}
MORE_CONFIGS = {
    "ws_3x2": config(WS, 3, 2, 4, 8, bytes_per_cycle=2, accumulator_rows=16),
    "os_1x1": config(OS, 1, 1, 1, 8),
    "os_2x3": config(OS, 2, 3, 3, 8),
    "os_8x8": config(OS, 8, 8, 16, 16),
    "os_16x16": config(OS, 16, 16, 16, 32),
    "os_7x5": config(OS, 7, 5, 10, 16),
    "os_5x5": config(OS, 5, 5, 5, 8, bytes_per_cycle=1),
    "os_16x4": config(OS, 16, 4, 16, 32),
    "os_4x16": config(OS, 4, 16, 16, 16),
    "os_12x6": config(OS, 12, 6, 12, 32, bytes_per_cycle=8),
    "ws_1x1": config(WS, 1, 1, 1, 8),
    "ws_8x8": config(WS, 8, 8, 16, 8),
    "ws_16x16": config(WS, 16, 16, 16, 16),
    "ws_7x5": config(WS, 7, 5, 10, 16),
    "ws_3x12": config(WS, 3, 12, 12, 16),
    "ws_16x4": config(WS, 16, 4, 16, 16, accumulator_rows=32),
    "ws_4x16": config(WS, 4, 16, 16, 8, bytes_per_cycle=4),
}
TIMINGS = ((1, 1), (7, 2), (40, 8), (100, 8), (40, 1), (100, 2))
SHAPES = 10
LONG_SHAPES = 60
ACTIVITY_LESS_CYCLES = 1
"""Units are watched from the cycle after launch to that after the last response; cycles count from
the W handshake of the start bit, two earlier."""


def problems_of(run: GraphRun) -> list[str]:
    """Everything that is not exactly as it must be."""
    certificate = run.work.plan.certificate.bytes
    moved = run.bytes_read + run.bytes_written
    word_bytes = run.work.machine.word_bytes
    found = [*run.problems]
    if run.mismatches or not run.values:
        found.append(f"{run.mismatches} of {run.values} values are wrong")
    if run.stray_bytes:
        found.append(f"{run.stray_bytes} bytes changed where no result lies")
    if run.difference:
        found.append(f"cycles: expected {run.estimate.cycles}, got {run.cycles}")
    if moved != certificate:
        found.append(f"bytes: the plan says {certificate}, the port moved {moved}")
    if run.bytes_written != run.estimate.written_words * word_bytes:
        found.append(f"bytes written: expected {run.estimate.written_words} words")
    for unit, counts in run.counters.items():
        if sum(counts.values()) != run.cycles - ACTIVITY_LESS_CYCLES:
            found.append(f"{unit}: classes sum to {sum(counts.values())} of {run.cycles} cycles")
        if counts["bank_conflict"]:
            found.append(f"{unit}: {counts['bank_conflict']} bank conflicts")
        if not counts["busy"]:
            found.append(f"{unit}: never busy")
    return [f"{run.name}: {text}" for text in found]


def check(accelerator: Any, random_works: Any, folder: Path, sizes: Any, count: int) -> None:
    """`count` shapes at every timing."""
    made = accelerator(**sizes)
    has_several_tasks = False
    for number, (latency, outstanding) in enumerate(TIMINGS):
        timing = MemoryTiming(latency_cycles=latency, outstanding_bursts=outstanding)
        works = random_works(machine_with(made.machine, timing), count, seed=100 + number)
        batch = run_graphs(made, works, folder / f"{latency}_{outstanding}", timing=timing)
        wrong = [text for run in batch.runs for text in problems_of(run)]
        assert not wrong, f"latency {latency}, {outstanding} bursts:\n" + "\n".join(wrong)
        assert batch.is_right, batch.result.run.explain()
        assert len(batch.runs) == count
        has_several_tasks |= any(len(w.plan.tasks) > len(w.graph.ops) for w in works)
    assert has_several_tasks or sizes["rows"] == 1, (
        "no op needed more than one task: the scratchpad is too large"
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_random_shapes(accelerator: Any, random_works: Any, run_folder: Path, name: str) -> None:
    check(accelerator, random_works, run_folder, CONFIGS[name], SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CONFIGS, *MORE_CONFIGS])
def test_many_shapes(accelerator: Any, random_works: Any, run_folder: Path, name: str) -> None:
    check(accelerator, random_works, run_folder, {**CONFIGS, **MORE_CONFIGS}[name], LONG_SHAPES)
