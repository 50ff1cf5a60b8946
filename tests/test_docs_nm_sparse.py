"""The numbers of docs/nm_sparse.md: the small example, the rates, the cycles of the GEMMs."""

import re
from pathlib import Path

import pytest
from tilewright.hw.nm_sparse import cost, law, mapping
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.sim.golden.nm_prune import prune
from tilewright.sim.golden.nm_sparse import nm_sparse

from tilewright.catalog import load_spec
from tilewright.flow.nm_sparse_cases import params_of, ports

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "nm_sparse.md").read_text(encoding="utf-8")
PARAMS = NMSparseParams(rows=2, cols=2, group=4, feed_lanes=2, output="raw", accumulator_bits=16)
LOOPS = mapping.group_loops(PARAMS, 3, 6, 2, kept=2)
A = [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [1, 0, -1, 0, 1, 0]]
B = [[0, 1], [3, 0], [0, 0], [-2, 7], [4, 0], [0, -1]]
BEFORE_PRUNING = [[1, 1], [3, 0], [-1, -1], [-2, 7], [4, 0], [0, -1]]
WEIGHTS = mapping.compress(PARAMS, B, 2)


def told(stream: str) -> list[int]:
    """The words of a stream in the page's table."""
    row = re.search(rf"^\| `{stream}` \| ([0-9a-f, ]+) \|$", PAGE, re.MULTILINE)
    assert row, f"no words of {stream}"
    return [int(word, 16) for word in re.findall(r"\b[0-9a-f]+\b", row[1])]


def test_inputs() -> None:
    assert prune(BEFORE_PRUNING, 2, 4).tolist() == B
    assert told("a") == list(mapping.pack_a(PARAMS, LOOPS, A))
    assert told("b") == list(mapping.pack_b(PARAMS, LOOPS, WEIGHTS))
    fields = mapping.command_fields(PARAMS, LOOPS)
    text = ", ".join(f"{name} = {value}" for name, value in fields.items())
    assert f"| `command` | {text} |" in PAGE


def test_results() -> None:
    golden = nm_sparse(PARAMS, A, WEIGHTS.values, WEIGHTS.indices).tolist()
    assert golden[0] == [18, 23]
    assert mapping.unpack_outputs(PARAMS, LOOPS, told("o"), 3, 2) == golden
    assert f"last word: {law.kernel_cycles(PARAMS, [LOOPS])} cycles" in PAGE


def test_widths_of_the_ports() -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / "nm_sparse_8x8.yaml")
    streams = [p for p in ports(params_of(spec.kernel)) if p.direction != "pulse"]  # type: ignore[union-attr, arg-type]
    rows = re.findall(r"^\| `[sm]_axis_(\w+)_\{.* \| (\d+) \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted((port.name, str(port.bits)) for port in streams)


def test_rates() -> None:
    rows = re.findall(r"^\| `feed_lanes: (\d)` \| ([0-9 |]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for feed_lanes, cells in rows:
        params = NMSparseParams(rows=2, cols=2, group=8, feed_lanes=int(feed_lanes))
        expected = [cost.group_cycles(params, kept) for kept in (1, 2, 3, 4, 8)]
        assert [int(cell) for cell in cells.split("|")] == expected


GEMM = re.compile(r"^\| (\d+ x \d+ x \d+) \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|", re.MULTILINE)


@pytest.mark.parametrize("row", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_cycles_of_the_gemms(row: int) -> None:
    """The law walks every step: the smallest one, and dense work, only where there is time."""
    params = NMSparseParams(rows=16, cols=16, group=8, feed_lanes=4)
    shape, sparse, dense, speedup = GEMM.findall(PAGE)[row]
    assert len(GEMM.findall(PAGE)) == 3
    m, k, n = (int(size) for size in shape.split(" x "))
    cycles = [int(text.replace(",", "")) for text in (sparse, dense)]
    for kept, told_cycles in list(zip((2, 8), cycles, strict=True))[: row + 1]:
        loops = mapping.group_loops(params, m, k, n, kept=kept)
        assert law.kernel_cycles(params, [loops]) == told_cycles
    assert speedup == f"{cycles[1] / cycles[0]:.3f}"


@pytest.mark.slow
@pytest.mark.simulator
def test_the_verilog_does_the_same(tmp_path: Path) -> None:
    from tilewright.hw.nm_sparse.kernel import NMSparseKernel
    from tilewright.sim.regress import Case, Job

    from tilewright.build.kernel_run import simulate_kernel
    from tilewright.build.verilog import emit

    last = 1 << PARAMS.output_word_bits
    command = PARAMS.command_format.encode(mapping.command_fields(PARAMS, LOOPS))
    case = Case(
        name="page",
        inputs={"command": [command], "a": told("a"), "b": told("b")},
        expected={"o": [word | last * (i % 2) for i, word in enumerate(told("o"))]},
        expected_cycles=law.kernel_cycles(PARAMS, [LOOPS]),
    )
    job = Job(module="tiny", ports=ports(PARAMS), cases=(case,))
    result = simulate_kernel(emit(NMSparseKernel(PARAMS), "tiny"), job, tmp_path)
    assert result.is_passed, result.explain()
