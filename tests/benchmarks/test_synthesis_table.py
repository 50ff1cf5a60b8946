"""What the tables of synthesis runs know a design and a flow by."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
from tilewright.boards import load_board

from tilewright.build.synth import passes


@pytest.fixture
def cases(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/parts/synthesis_cases.py` as a module."""
    return benchmark_module("parts.synthesis_cases")


@pytest.fixture
def table(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/parts/resource_table.py` as a module."""
    return benchmark_module("parts.resource_table")


def test_the_row_of_a_board_knows_its_top_and_its_pins(
    cases, benchmark_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    boards = benchmark_module("parts.board_cases")
    whole = SimpleNamespace(whole_verilog="module top; endmodule", pins=("clk", "G2"))
    monkeypatch.setattr(boards, "make_design", lambda *_, **__: None)
    monkeypatch.setattr(boards, "board_design", lambda *_: whole)
    (case,) = (case for case in cases.CASES if case.board)
    first = cases.digests_of(case)
    assert first == cases.digests_of(case)
    whole.whole_verilog += "// another top"
    second = cases.digests_of(case)
    whole.pins = ("clk", "G3")
    third = cases.digests_of(case)
    assert len({first, second, third}) == 3
    assert cases.read_runs()[case.name].verilog.count("-") == 1


def test_the_flow_of_a_device_is_its_own(table, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(board: str) -> str:
        device = load_board(board).device
        return str(table.flow_digest.__wrapped__(device.family, device.name))

    for board in ("ice40-hx8k", "ulx3s-85f", "ulx3s-12f", "tang-nano-20k"):
        assert digest(board) == table.flow_digest.__wrapped__(load_board(board).device.family)
    before = {board: digest(board) for board in ("ice40-hx8k", "icebreaker", "tang-nano-9k")}
    assert len(set(before.values())) == 3
    monkeypatch.setattr(passes, "_ULTRAPLUS", ("-dsp",))
    changed = {board for board, was in before.items() if digest(board) != was}
    assert changed == {"icebreaker"}
