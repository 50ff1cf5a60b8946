"""The page of the template spmm: its example, widths, fields and figures."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tilewright.hw.spmm import mapping
from tilewright.hw.spmm.cost import ISSUE_TO_RESULT_CYCLES
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import Schedule
from tilewright.sim.regress import Job

from tilewright.catalog import load_spec
from tilewright.flow.case_parts import Work, case_of
from tilewright.flow.spmm_cases import params_of, ports, schedule_of, static_work
from tilewright.flow.spmm_work import Matrices

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "spmm.md").read_text(encoding="utf-8")
PARAMS = SpmmParams(
    lanes=2, columns=2, banks=4, bank_words=4, accumulator_bits=16, max_rows=4, max_panels=2
)
A = np.array([[2, 0, 0, -1], [0, 0, 0, 0], [3, 1, 0, 4]])
B = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9], [-1, -2, -3]])
C = [[3, 6, 9], [0, 0, 0], [3, 3, 3]]
MATRICES = Matrices(
    name="page",
    num_rows=3,
    rows=np.nonzero(A)[0],
    columns=np.nonzero(A)[1],
    values=A[np.nonzero(A)][:, None],
    b=B,
)


def schedule() -> Schedule:
    return schedule_of(PARAMS, MATRICES)


def work() -> Work:
    return static_work(PARAMS, [MATRICES])


def row_of(stream: str) -> str:
    found = re.search(rf"^\| `{stream}` \| (.*) \|$", PAGE, re.M)
    assert found, f"no words of {stream}"
    return found[1]


def test_the_product() -> None:
    assert (A @ B).tolist() == C
    assert MATRICES.product(PARAMS)[:, 0].tolist() == C
    for row in C:
        assert re.search(rf"^.* {' '.join(map(str, row))}$", PAGE, re.M), row


@pytest.mark.parametrize("stream", ["a", "b"])
def test_inputs(stream: str) -> None:
    told = [int(word, 16) for word in re.findall(r"\b[0-9a-f]{6,}\b", row_of(stream))]
    last = {"a": PARAMS.static_word_bits, "b": PARAMS.store_params.load_word_bits}[stream]
    told[-1] |= 1 << last
    assert told == list(work().inputs[stream])


def test_results() -> None:
    for number in range(2):
        results = [
            mapping.unpack_result(PARAMS.lane_params, word)
            for word in work().expected[f"o{number}"]
        ]
        told = ", ".join(
            f"row {r.row} ({', '.join(map(str, r.sums[0]))})"
            if r.has_row
            else "a word without a row"
            for r in results
        )
        assert row_of(f"o{number}") == f"{told} with tlast"


def test_the_schedule() -> None:
    """Each cell: value x row of B from bank, and what it begins and ends."""
    plan = schedule()
    for entry in range(plan.entries.num):
        cycle, lane = int(plan.cycles[entry]), int(plan.lane_of_entries[entry])
        cells = re.search(rf"^\| {cycle} \| (.*) \| (.*) ?\|$", PAGE, re.M)
        assert cells, cycle
        cell = cells[lane + 1]
        value, column = MATRICES.values[entry, 0], MATRICES.columns[entry]
        assert cell.startswith(f"{value} x row {column} from bank {plan.banks[entry]}"), cell
        piece = plan.pieces.of_entries[entry]
        closes = bool(plan.are_closing[entry])
        assert ("first of row" in cell) == bool(plan.are_first[entry]), cell
        assert ("closes" in cell) == closes, cell
        assert ("sends" in cell) == (closes and bool(plan.pieces.sends[piece])), cell
        assert ("waits" in cell) == (closes and bool(plan.pieces.waits[piece])), cell


def test_the_cycles() -> None:
    assert work().cycles == 22 and "`estimate` counts 22 cycles" in PAGE
    assert f"a result leaves {ISSUE_TO_RESULT_CYCLES} cycles after its closing entry" in PAGE


def test_widths_of_the_ports() -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / "spmm_static.yaml")
    for port in ports(params_of(spec.kernel)):  # type: ignore[union-attr, arg-type]
        name = "oN" if port.name.startswith("o") else port.name
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{_axis(name)}_"))
        assert row.endswith(f"| {port.bits} |"), row


def _axis(name: str) -> str:
    return f"{'m' if name == 'oN' else 's'}_axis_{name}"


def test_fields_of_an_entry() -> None:
    """The page's table has every field of an entry with two limbs, in order."""
    params = SpmmParams(lanes=1, columns=1, banks=1, bank_words=1, limb_bits=4)
    table = PAGE[PAGE.index("| field | bits |") : PAGE.index("**A word of `oN`**")]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    told = [name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert told == list(params.lane_params.entry_fields)


@pytest.mark.slow
def test_figures_are_those_of_the_law(benchmark_module: Callable[[str], ModuleType]) -> None:
    """The benchmark holds the law to the simulated Verilog; this holds the page to the law."""
    rows = benchmark_module("parts.spmm_rows")
    told = re.findall(r"\| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) \| ([\d.]+) % \|$", PAGE, re.M)
    assert len(told) == len(rows.CASES)
    for case, (least, length, one_bank, cycles, occupancy) in zip(rows.CASES, told, strict=True):
        matrices = rows.matrices_of(case)
        if isinstance(matrices, str):
            pytest.skip(matrices)
        params = rows.params_of_case(case)
        plan = schedule_of(params, matrices)
        assert (plan.least_cycles, plan.num_cycles) == (int(least), int(length)), case.name
        assert rows.one_bank_cycles(case, matrices) == int(one_bank), case.name
        busy = rows.timing_of(params, plan, mapping.num_panels(params, case.n)).busy_cycles
        assert f"{busy:,}" == cycles, case.name
        share = len(matrices.rows) * case.n / (case.lanes * case.columns * busy)
        assert f"{100 * share:.2f}" == occupancy and float(occupancy) >= case.goal, case.name


@pytest.mark.slow
@pytest.mark.simulator
def test_the_verilog_does_the_same(tmp_path: Path) -> None:
    from tilewright.hw.spmm.kernel import SpmmKernel

    from tilewright.build.kernel_run import simulate_kernel
    from tilewright.build.verilog import emit

    job = Job(module="tiny", ports=ports(PARAMS), cases=(case_of("page", work()),))
    result = simulate_kernel(emit(SpmmKernel(PARAMS), "tiny"), job, tmp_path)
    assert result.is_passed, result.explain()
