"""The numbers of docs/sddmm.md: words of the example, widths, cycles, and once the Verilog."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.sparse.read import read_matrix
from tilewright.hw.sddmm import mapping
from tilewright.hw.sddmm.cost import kernel_cycles
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.hw.sddmm.schedule import schedule_mask

from tilewright.catalog import load_spec
from tilewright.flow.sddmm_cases import Packet, params_of, ports, work

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "sddmm.md").read_text(encoding="utf-8")
DATA = Path(os.environ.get("TILEWRIGHT_DATA", ROOT.parent / "shared" / "data")) / "sparse"
PARAMS = SddmmParams(
    lanes=2,
    products=2,
    depth=4,
    banks=2,
    bank_words=4,
    query_rows=4,
    window=4,
    max_rows=16,
    accumulator_bits=16,
)
PACKET = Packet(
    pointers=np.array([0, 2, 2, 5]),
    columns=np.array([0, 2, 0, 1, 2]),
    queries=np.array([[1, 2, 3, 4], [5, 6, 7, 8], [-1, 0, 2, -3]]),
    keys=np.array([[1, 0, 0, 1], [2, -1, 1, 0], [0, 3, 0, -2]]),
)


def told(stream: str) -> list[int]:
    """The words of a stream in the page's table."""
    row = re.search(rf"^\| `{stream}` \| ([0-9a-f, ]+) \|$", PAGE, re.M)
    assert row, f"no words of {stream}"
    return [int(word, 16) for word in row[1].split(", ")]


def test_words_of_the_example() -> None:
    played = work(PARAMS, "page", [PACKET])
    for stream, words in {**played.inputs, **played.expected}.items():
        assert told(stream) == list(words), stream


def test_scores_of_the_example() -> None:
    """By hand from the page's product."""
    values = [word & 0xFFFF for stream in ("o0", "o1") for word in told(stream)]
    assert [v - (v >> 15 << 16) for v in values] == [5, -2, -4, 0, 6]
    lines = re.findall(r"  (-?\d+) +(-?\d+) +(-?\d+)(?=      mask|   +[.x] )", PAGE)
    product = (PACKET.queries @ PACKET.keys.T).tolist()
    assert [[int(value) for value in line] for line in lines] == product


def test_cycles_of_the_example() -> None:
    schedule = schedule_mask(PARAMS, PACKET.pointers, PACKET.columns, num_columns=3)
    packet = [mapping.packet_work(PARAMS, schedule, key_words=len(told("k")))]
    assert kernel_cycles(PARAMS, packet, is_loaded=True) == 13
    assert kernel_cycles(PARAMS, packet) == 18
    assert "1 + 3 x 2 + 4 + 1 + 1 = 13 cycles. With the loads 18" in PAGE
    slots = re.findall(r"^\| (\d) \| ([^|]*) \| ([^|]*)\| (\d) \| (\d) \|$", PAGE, re.M)
    assert [(int(s[3]), int(s[4])) for s in slots] == list(
        zip(schedule.takes.tolist(), schedule.frees.tolist(), strict=True)
    )
    for number, cells in enumerate(slots):
        for lane in range(2):
            place = schedule.places[number, lane]
            if place < 0:
                assert not cells[1 + lane].strip()
                continue
            score = schedule.scores[lane][place]
            row, column = schedule.rows[score], schedule.columns[score]
            bank = schedule.placement.bank[column]
            assert cells[1 + lane].strip() == f"({row}, {column}) from bank {bank}"


@pytest.mark.parametrize(("name", "column"), [("sddmm_lanes", 0), ("sddmm_rows", 1)])
def test_widths_of_the_ports(name: str, column: int) -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / f"{name}.yaml")
    params = params_of(spec.kernel)  # type: ignore[union-attr, arg-type]
    for port in ports(params):
        label = "m_axis_oN_" if re.fullmatch(r"o\d", port.name) else f"_axis_{port.name}_"
        row = next(line for line in PAGE.splitlines() if line.startswith("| `") and label in line)
        assert row.split("|")[4 + column].strip() == str(port.bits), row


def test_fields_of_a_slot() -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / "sddmm_lanes.yaml")
    params = params_of(spec.kernel)  # type: ignore[union-attr, arg-type]
    rows = re.findall(r"^\| `(\w+)`(?: \.\.\.)? \| (\d+) \| ", PAGE, re.M)
    fields = {field.name: str(field.bits) for field in params.slot_format.fields}
    first = [name for name in fields if not re.search(r"_[1-9]$", name) and name != "last"]
    assert rows == [(name, fields[name]) for name in first]


@pytest.mark.skipif(not DATA.is_dir(), reason="no matrix collection beside the project")
@pytest.mark.parametrize(
    ("name", "label"), [("transformer*0.9*", "transformer"), ("rn50*0.8*", "R")]
)
def test_figures(name: str, label: str) -> None:
    params = SddmmParams(
        lanes=16, products=8, depth=64, banks=32, bank_words=128, query_rows=128, max_rows=512
    )
    mask = read_matrix(next(DATA.glob(f"{name}.smtx")))
    schedule = schedule_mask(params, mask.pointers, mask.indices, num_columns=mask.columns)
    packet = mapping.packet_work(params, schedule, key_words=1)
    cycles = kernel_cycles(params, [packet], is_loaded=True)
    share = mask.num_entries * 64 / (16 * 8 * cycles)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {label}"))
    shown = f"| {mask.num_entries:,} | {schedule.num_slots:,} | {cycles:,} | {share:.1%}"
    assert shown.replace("%", " %") in row
    whole = schedule_mask(
        params, mask.pointers, mask.indices, num_columns=mask.columns, split="rows"
    )
    assert re.search(rf"With whole rows .*\b{whole.num_slots:,}\b", PAGE)


@pytest.mark.slow
@pytest.mark.simulator
def test_the_verilog_does_the_same(tmp_path: Path) -> None:
    from tilewright.hw.sddmm.kernel import SddmmKernel
    from tilewright.sim.regress import Case, Job

    from tilewright.build.kernel_run import simulate_kernel
    from tilewright.build.verilog import emit

    case = Case(
        name="page",
        inputs={name: told(name) for name in "akq"},
        expected=work(PARAMS, "page", [PACKET]).expected,
        expected_cycles=18,
    )
    job = Job(module="page", ports=ports(PARAMS), cases=(case,))
    result = simulate_kernel(emit(SddmmKernel(PARAMS), "page"), job, tmp_path)
    assert result.is_passed, result.explain()
