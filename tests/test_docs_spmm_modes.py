"""The page of spmm's modes dynamic and broadcast: example, fields, figures."""

import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tilewright.hw.spmm import broadcast_cost, broadcast_mapping, dynamic_cost, dynamic_mapping
from tilewright.hw.spmm.broadcast_front import broadcast_word_layout
from tilewright.hw.spmm.cost import ISSUE_TO_RESULT_CYCLES
from tilewright.hw.spmm.dynamic_lane import dynamic_lane_params, stream_layout
from tilewright.hw.spmm.entries import cut
from tilewright.hw.spmm.params import SpmmParams

from tilewright.catalog import load_spec
from tilewright.flow.case_parts import Work
from tilewright.flow.spmm_cases import params_of
from tilewright.flow.spmm_entry_work import dynamic_work
from tilewright.flow.spmm_work import Matrices

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "spmm-modes.md").read_text(encoding="utf-8")
PARAMS = SpmmParams(
    mode="dynamic",
    lanes=2,
    columns=2,
    banks=2,
    bank_words=4,
    window=2,
    accumulator_bits=16,
    max_rows=4,
    max_panels=2,
)
A = np.array([[1, 2, 3, 4], [5, 0, 0, 0], [-1, 1, 0, 2]])
B = np.array([[1, 2], [3, 4], [5, 6], [-1, -2]])
MATRICES = Matrices(
    name="page",
    num_rows=3,
    rows=np.nonzero(A)[0],
    columns=np.nonzero(A)[1],
    values=A[np.nonzero(A)][:, None],
    b=B,
)


def work() -> Work:
    return dynamic_work(PARAMS, [MATRICES])


def test_the_product() -> None:
    """The page's C, by hand, is what the lanes say."""
    assert (A @ B).tolist() == [[18, 20], [5, 10], [0, -2]]
    for row in A @ B:
        assert re.search(rf"^.*C?.* {row[0]} +{row[1]}$", PAGE, re.M), row
    mask = (1 << 16) - 1
    sums = [[w & mask, w >> 16 & mask] for n in range(2) for w in work().expected[f"o{n}"]]
    assert sums == (A @ B & mask).tolist()


@pytest.mark.parametrize("stream", ["b", "a0", "a1"])
def test_words(stream: str) -> None:
    found = re.search(rf"^\| `{stream}` \| (.*) with tlast \|$", PAGE, re.M)
    assert found
    told = [int(word, 16) for word in re.findall(r"[0-9a-f]+", found[1])]
    is_b = stream == "b"
    bits = PARAMS.store_params.load_word_bits if is_b else dynamic_mapping.word_bits(PARAMS)
    told[-1] |= 1 << bits
    assert told == list(work().inputs[stream])


def test_who_starts_when() -> None:
    """Every start of the law stands in the table, and no other."""
    entries = cut(PARAMS.lane_params, MATRICES.rows, MATRICES.columns, MATRICES.values)
    placement = dynamic_mapping.place_in_turn(4, 2)
    streams = dynamic_mapping.packet(PARAMS, placement, entries, 1)
    times = dynamic_cost.times(PARAMS, [streams], [4])
    expected = [
        (cycle, lane, f"{A[row, column]} x row {column}, bank {column % 2}")
        for lane in range(2)
        for cycle, (row, column) in zip(
            times.starts[lane], np.argwhere(A)[4 * lane : 4 * lane + 4], strict=True
        )
    ]
    table = re.findall(r"^\| (\d+) \| (.*?)\|(.*?)\|", PAGE, re.M)
    told = [
        (int(cycle), lane, cell.strip())
        for cycle, *cells in table
        for lane, cell in enumerate(cells)
        if "x row" in cell
    ]
    assert sorted(told) == sorted(expected)
    assert times.cycles == 16 and "`estimate` counts 16 cycles" in PAGE


def test_fields_of_the_words() -> None:
    """Names and widths of the example; broadcast's word is that without three fields."""
    params = params_of(load_spec(ROOT / "examples" / "kernels" / "spmm_dynamic.yaml").kernel)
    lines = PAGE[PAGE.index("| field | meaning |") :].splitlines()[2:]
    rows = [line.split(" | ") for line in lines[: lines.index("")]]
    names = [re.findall(r"`(\w+)`", row[0]) for row in rows]
    widths = [[int(bits) for bits in row[-1].strip(" |").split(", ")] for row in rows]
    told = dict(zip(chain(*names), chain(*widths), strict=True))
    told["last"] = told.pop("tlast")
    fields = {name: field.width for name, field in stream_layout(dynamic_lane_params(params))}
    assert told == fields and list(told) == list(fields)
    assert sum(fields.values()) == dynamic_mapping.word_bits(params) + 1
    broadcast = params_of(load_spec(ROOT / "examples" / "kernels" / "spmm_broadcast.yaml").kernel)
    layout = broadcast_word_layout(broadcast)
    left = [name for name in fields if name not in ("bank", "sends", "waits")]
    assert [name for name, _ in layout] == left
    assert layout.size == broadcast_mapping.word_bits(broadcast) + 1


def test_closed_form_of_broadcast() -> None:
    """w + 5 cycles; packets behind it w more; both with loads that are hidden."""
    params = SpmmParams(mode="broadcast", lanes=2, columns=2, banks=2, bank_words=16)
    entries = cut(params.lane_params, [0] * 9 + [4] * 3, [*range(9), 0, 1, 2], [[7]] * 12)
    words = broadcast_mapping.packet(params, entries, 3)
    assert len(words) == 36 and ISSUE_TO_RESULT_CYCLES == 5
    assert broadcast_cost.packet_cycles(36) == 36 + 5
    for packets in (1, 2, 5):
        cycles = broadcast_cost.kernel_cycles(params, [words] * packets, [10] * packets)
        assert cycles == 10 + 36 * packets + 5


@pytest.mark.slow
def test_figures_are_those_of_the_law(benchmark_module: Callable[[str], ModuleType]) -> None:
    """The benchmark holds the law to the simulated Verilog; this holds the page to the law."""
    rows = benchmark_module("parts.spmm_mode_rows")
    told = re.findall(r"\| ([\d,]+) \| ([\d.]+) % \| ([\d,]+|-) \|$", PAGE, re.M)
    cases = rows.mode_cases()
    assert len(told) == len(cases)
    for case, (cycles, occupancy, lut) in zip(cases, told, strict=True):
        matrices = rows.matrices_of(case.base)
        if isinstance(matrices, str):
            pytest.skip(matrices)
        busy = rows.work_of(case.params, matrices).work_cycles
        assert f"{busy:,}" == cycles, case.name
        share = len(matrices.rows) * case.base.n / (16 * case.params.columns * busy)
        assert f"{100 * share:.2f}" == occupancy, case.name
        if case.params.mode == "dynamic":
            assert f"{rows.choice_lut(case.params):,}" == lut, case.name
