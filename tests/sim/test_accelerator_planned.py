"""Planned schedules in the Verilog: values, cycles, bytes at the memory port, all exact.

`digits` are matrix products of the sizes of `digits_mlp` for 64 images. In `returning` a wide
result has two readers, and each of them another one: whichever comes first, it must leave the
scratchpad and return.
"""

from pathlib import Path
from typing import Any

import pytest
from tilewright.dataflow.graph import Graph

from tilewright.build.accelerator_run import MemoryTiming
from tilewright.flow.programmable import GraphRun, make_programmable, run_graphs
from tilewright.flow.work import Work, machine_with, prepare
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph, matmul_tree

pytestmark = pytest.mark.simulator

RETURNING = [(-1, 160), (0, 160), (1, 96), (0, 160), (3, 96)]
RAGGED = [(-1, 50), (0, 33), (1, 18), (0, 7)]
NETWORKS: dict[str, Graph] = {
    "digits": matmul_graph(64, 64, (64, 32, 10), seed=1),
    "returning": matmul_tree(7, 64, RETURNING, seed=2),
    "ragged": matmul_tree(29, 45, RAGGED, seed=3),
    "least": matmul_graph(1, 1, 1, seed=4),
    "many": matmul_tree(16, 100, [(-1, 100), (0, 60), (0, 60), (1, 50), (2, 9), (0, 3)], seed=5),
}
TIMINGS = ((40, 8),)
MORE_TIMINGS = ((1, 1), (7, 2), (40, 1), (100, 8), (100, 2))
MACHINES: dict[str, dict[str, Any]] = {
    "4x4": {"rows": 4, "cols": 4, "lanes": 16, "banks": 8, "scratchpad_bytes": 8 * 32 * 16},
    "5x2": {"rows": 5, "cols": 2, "lanes": 6, "banks": 4, "scratchpad_bytes": 4 * 512 * 6},
    "8x8": {"rows": 8, "cols": 8, "lanes": 16, "banks": 6, "scratchpad_bytes": 6 * 64 * 16},
    "3x3": {"rows": 3, "cols": 3, "lanes": 3, "banks": 9, "scratchpad_bytes": 9 * 256 * 3},
    "16x4": {"rows": 16, "cols": 4, "lanes": 16, "banks": 15, "scratchpad_bytes": 15 * 32 * 16},
}
SECONDS = 2.0


def problems_of(run: GraphRun) -> list[str]:
    """Everything that is not exactly as the plan says."""
    plan, word_bytes = run.work.plan, run.work.machine.word_bytes
    read = sum(transfer.words for transfer in plan.loads) * word_bytes
    written = sum(transfer.words for transfer in plan.stores) * word_bytes
    conflicts = sum(counts["bank_conflict"] for counts in run.counters.values())
    found = [*run.problems]
    for what, expected, got in (
        ("wrong values", 0, run.mismatches),
        ("stray bytes", 0, run.stray_bytes),
        ("cycles", run.estimate.cycles, run.cycles),
        ("bytes read", read, run.bytes_read),
        ("bytes written", written, run.bytes_written),
        ("bytes of the certificate", plan.certificate.bytes, run.bytes_read + run.bytes_written),
        ("bank conflicts", 0, conflicts),
    ):
        if expected != got:
            found.append(f"{what}: expected {expected}, got {got}")
    return [f"{run.name}: {text}" for text in found]


def returned(work: Work) -> set[str]:
    """Results that leave the scratchpad and come back."""
    made = {op.outputs[0] for op in work.graph.ops}
    return made & {transfer.tensor for transfer in work.plan.loads}


def check(name: str, folder: Path, timings: tuple[tuple[int, int], ...]) -> list[Work]:
    machine = systolic_machine(**MACHINES[name])
    accelerator = make_programmable(machine, objective="bytes")
    works = []
    for latency, outstanding in timings:
        timing = MemoryTiming(latency_cycles=latency, outstanding_bursts=outstanding)
        here = machine_with(machine, timing)
        works = [
            prepare(here, graph, name=network, seed=7, objective="bytes", seconds=SECONDS)
            for network, graph in NETWORKS.items()
        ]
        batch = run_graphs(accelerator, works, folder / f"{latency}_{outstanding}", timing=timing)
        wrong = [text for run in batch.runs for text in problems_of(run)]
        assert not wrong, f"latency {latency}, {outstanding} bursts:\n" + "\n".join(wrong)
        assert batch.is_right, batch.result.run.explain()
        assert len(batch.runs) == len(NETWORKS)
    return works


def test_planned_networks(run_folder: Path) -> None:
    """Spills and reloads happen, and only what the plan says crosses the memory port."""
    works = {work.name: work for work in check("4x4", run_folder, TIMINGS)}
    assert "y_0" in returned(works["returning"])
    assert not returned(works["digits"])
    assert any(len(work.plan.tasks) > len(work.graph.ops) for work in works.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_planned_networks_on_many_arrays(run_folder: Path, name: str) -> None:
    check(name, run_folder, (*TIMINGS, *MORE_TIMINGS))
