"""docs/topk.md tells what the packing, the laws and the hardware say."""

import re
from pathlib import Path

import pytest
from tilewright.hw.topk.cost import kernel_cycles
from tilewright.hw.topk.mapping import input_words, output_words, packet_of
from tilewright.hw.topk.params import CAPACITY, MAX_LANES, ORDERS, TopKParams

from tilewright.catalog import load_spec
from tilewright.flow.topk_cases import params_of, ports, selected
from tilewright.spec import NumberFormat

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "topk.md").read_text(encoding="utf-8")
KEYS, VALID, K = [5, -2, 7, 5, 7, -128], [True, True, True, False, True, True], 3
ENGINES = {
    "bitonic_merge": ("bitonic_merge", "rank"),
    "filtered_queue": ("filtered_queue", "rank"),
    "radix_select`, index": ("radix_select", "index"),
    "radix_select`, mask": ("radix_select", "mask"),
}


def example(engine, order) -> TopKParams:
    return TopKParams(
        engine=engine, lanes=4, key=NumberFormat(8), k_max=3, max_words=2, order=order
    )


def told(row: str, last_bit: int) -> list[int]:
    """The words of a row of the page's table, `last` put on top."""
    cell = re.search(rf"^\| {re.escape(row)} \| (.*) \|$", PAGE, re.MULTILINE)
    assert cell, f"no row {row}"
    words = [word.split(" with ") for word in cell[1].split(", ")]
    return [int(word[0], 16) | (len(word) == 2) << last_bit for word in words]


def test_the_words_that_go_in():
    params = example("bitonic_merge", "rank")
    assert told("`i`", params.input_bits) == input_words(params, packet_of(params, KEYS, K, VALID))


@pytest.mark.parametrize("name", ENGINES)
def test_the_words_that_come_out(name):
    params = example(*ENGINES[name])
    packet = packet_of(params, KEYS, K, VALID)
    row = f"`o` of `{name}" + ("" if "," in name else "`")
    assert selected(params, packet) == [2, 4, 0]
    assert told(row, params.output_bits) == output_words(params, packet, [2, 4, 0])


def test_the_cycles_of_the_example():
    text = " ".join(PAGE.split())
    found = re.search(
        r"(\d+) cycles in `filtered_queue`, (\d+) in `bitonic_merge` and (\d+) in `radix_select`",
        text,
    )
    assert found
    for cycles, name in zip(
        found.groups(), ("filtered_queue", "bitonic_merge", "radix_select`, mask"), strict=True
    ):
        params = example(*ENGINES[name])
        assert int(cycles) == kernel_cycles(params, [packet_of(params, KEYS, K, VALID)])


def test_widths_of_the_ports():
    spec = load_spec(ROOT / "examples" / "kernels" / "topk_merge_8.yaml")
    params = params_of(spec.kernel)  # type: ignore[union-attr, arg-type]
    assert params.engine == "bitonic_merge"
    for port in ports(params):
        row = next(
            line for line in PAGE.splitlines() if re.match(rf"\| `[sm]_axis_{port.name}_", line)
        )
        assert row.endswith(f"| {port.bits} |"), row


def test_the_table_of_engines():
    for engine, orders in ORDERS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{engine}` | "))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1] == ", ".join(orders)
        lanes = "1" if engine == "shift_queue" else f"1 to {MAX_LANES}"
        assert cells[2] == lanes
        if engine != "radix_select":
            assert cells[3] == f"1 to {CAPACITY[engine]:,}"


@pytest.mark.slow
@pytest.mark.simulator
def test_the_verilog_does_the_same(tmp_path):
    from tilewright.hw.topk.kernel import TopKKernel
    from tilewright.sim.regress import Case, Job

    from tilewright.build.kernel_run import simulate_kernels
    from tilewright.build.verilog import emit

    kernels = []
    for index, (name, place) in enumerate(ENGINES.items()):
        params = example(*place)
        row = f"`o` of `{name}" + ("" if "," in name else "`")
        case = Case(
            name="page",
            inputs={"k": told("`k`", 0), "i": told("`i`", params.input_bits)},
            expected={"o": told(row, params.output_bits)},
            expected_cycles=kernel_cycles(params, [packet_of(params, KEYS, K, VALID)]),
        )
        job = Job(module=f"page{index}", ports=ports(params), cases=(case,))
        kernels.append((emit(TopKKernel(params), f"page{index}"), job))
    for result in simulate_kernels(kernels, tmp_path):
        assert result.is_passed, result.explain()
