"""What docs/verification.md and README claim beyond what other tests show."""

import re
from pathlib import Path

import pytest
from tilewright.sim.regress import Job
from tilewright.sim.vectors import STANDARD_STALLS

from tilewright.build.accelerator_run import MemoryTiming
from tilewright.build.cache import _DEFAULT_LIMIT_BYTES, BuildCache
from tilewright.commands.parser import VERBS
from tilewright.flow.programmable import make_programmable, prepare, run_graphs
from tilewright.flow.simulation import STALL_PATTERNS
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MACHINE = systolic_machine(
    rows=4, cols=4, lanes=4, scratchpad_bytes=4096, banks=8, bytes_per_cycle=4
)


def test_patterns_of_stalls() -> None:
    told = re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE)
    assert told == [pattern.kind for pattern in STANDARD_STALLS]


def test_numbers_on_the_page() -> None:
    silence = Job.__dataclass_fields__["drain_cycles"].default
    assert f"{silence} cycles of silence" in PAGE
    assert f"{_DEFAULT_LIMIT_BYTES >> 30} GiB at most" in PAGE


def test_patterns_of_stalls_of_an_accelerator() -> None:
    text = " ".join(PAGE.split())
    assert "in a quarter of all cycles, and in five eighths with a latency of 3." in text
    assert [(stall / 256, latency) for stall, latency in STALL_PATTERNS] == [(0.25, 40), (0.625, 3)]


def test_the_readme_names_no_verb_that_is_missing() -> None:
    known = {name for name, _ in VERBS}
    used = set(re.findall(r"^\$ \S*tilewright (\w+)", README, re.MULTILINE))
    assert used <= known
    missing = set(re.findall(r"no `(\w+)`", README))
    assert not missing & known, "a verb that the README says is missing exists"


def test_figures_of_the_readme_are_the_estimate() -> None:
    """The benchmark measures them; here the estimate, which must be equal, is fast enough."""
    machine = systolic_machine(rows=16, cols=16, lanes=16, scratchpad_bytes=256 * 1024, banks=16)
    rows = re.findall(r"^\| (\d+) x (\d+) x (\d+) \| ([\d,]+) \| ([\d.]+) % \|$", README, re.M)
    assert len(rows) == 5
    for m, k, n, cycles, share in rows:
        work = prepare(machine, matmul_graph(int(m), int(k), int(n), seed=1))
        assert work.estimate.cycles == int(cycles.replace(",", "")), (m, k, n)
        assert f"{100 * work.estimate.utilisation(work.macs):.2f}" == share


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("stall", [32, 192])
def test_pauses_of_the_memory_change_no_result(
    stall: int, tmp_path: Path, build_cache: BuildCache
) -> None:
    graphs = [matmul_graph(*shape, seed=stall) for shape in ((4, 8, 4), (9, 21, 13), (1, 1, 1))]
    timing = MemoryTiming(latency_cycles=7, outstanding_bursts=3, stall=stall, seed=stall)
    batch = run_graphs(
        make_programmable(MACHINE), graphs, tmp_path, timing=timing, cache=build_cache
    )
    assert batch.is_right, batch.result.run.explain()
    assert all(run.cycles > run.estimate.cycles for run in batch.runs), "nothing paused"
