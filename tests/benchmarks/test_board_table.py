"""The table of the boards' bitstreams, and a bitstream for each of them made again."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tilewright.boards import board_names, load_board, overuse

OPEN = [name for name in board_names() if load_board(name).flow == "open"]


@pytest.fixture
def cases(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/parts/board_cases.py` as a module."""
    return benchmark_module("parts.board_cases")


@pytest.fixture
def tables(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/parts/run_table.py` as a module."""
    return benchmark_module("parts.run_table")


def test_every_run_of_the_table_fits_and_meets_its_clock(cases, tables) -> None:
    rows = tables.read_table(cases.BoardRun, cases.CSV)
    assert set(rows) == set(OPEN)
    for board, run in rows.items():
        device = load_board(board).device
        assert run.is_met, board
        assert not overuse(device, {"lut": run.lut, "dsp": run.dsp, "ram_blocks": run.ram_blocks})
        assert run.cells <= run.of_cells and run.bitstream_bytes > 10_000
        assert run.clock_mhz * 1e6 == load_board(board).clock.frequency_hz
        assert cases.example_of(board).name == run.example


def test_a_row_replaces_its_own_and_keeps_the_order(cases, tables, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    texts = {"board": "b", "example": "e", "tools": "t 1, u 2", "flow": "f", "verilog": "v",
             "pins": "p", "date": "d"}  # fmt: skip
    numbers = dict.fromkeys(set(cases.BoardRun.__dataclass_fields__) - set(texts), 1)
    for board, lut in (("b", 1), ("a", 2), ("b", 3)):
        row = cases.BoardRun(**texts | numbers | {"board": board, "lut": lut})
        tables.write_row(row, path, ["a", "b"])
    rows = tables.read_table(cases.BoardRun, path)
    assert [(name, row.lut) for name, row in rows.items()] == [("a", 2), ("b", 3)]
    assert rows["b"].tools == "t 1, u 2" and isinstance(rows["b"].seconds, float)


@pytest.mark.slow
@pytest.mark.parametrize("board", OPEN)
def test_the_example_of_a_board_becomes_a_bitstream(cases, board: str, tmp_path: Path) -> None:
    """Minutes to half an hour each."""
    cases.OUT = tmp_path
    run = cases.run_board(board)
    assert run.is_met and run.bitstream_bytes > 10_000
