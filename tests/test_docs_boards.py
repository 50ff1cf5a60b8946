"""docs/boards.md: its tables are those of the package, its examples are read, its words hold."""

import csv
import re
from pathlib import Path

import pytest
from tilewright.boards import board_names, device_names, load_board, load_board_file
from tilewright.boards.page import BEGIN, END, with_tables

from tilewright.catalog import spec_sections
from tilewright.spec import parse_spec
from tilewright.spec.page import spec_page
from tilewright.spec.schema import json_schema

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "boards.md"
RUNS = ROOT / "benchmarks" / "boards.csv"
MEASURED = re.compile(r"<!-- measured -->\n(.*?)<!-- end -->", re.DOTALL)
TEXT = PAGE.read_text(encoding="utf-8")
KERNEL = "tilewright: 1\nname: matmul\nkernel: {template: systolic, rows: 8, cols: 8}\n"


def test_the_tables_are_up_to_date() -> None:
    assert with_tables(TEXT) == TEXT, "to write them: python tests/test_docs_boards.py"


def test_every_board_and_device_is_on_the_page() -> None:
    inside = TEXT.partition(BEGIN)[2].partition(END)[0]
    for name in board_names():
        assert inside.count(f"`{name}`") >= 2, name
    for name in device_names():
        assert f"| {name} |" in inside, name


def test_a_page_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="the page must have"):
        with_tables("# Boards\n")


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_table_is_a_board(tmp_path: Path) -> None:
    (example,) = [text for text in examples() if text.startswith("tilewright_board")]
    path = tmp_path / "mine.yaml"
    path.write_text(example, encoding="utf-8")
    board = load_board_file(path)
    assert board.memory("sdram").bytes_per_second == 664_000_000
    for key in ("uart", "reset", "leds", "speed"):
        less = re.sub(rf"^{key}:.*\n", "", example, flags=re.MULTILINE)
        assert less != example
        path.write_text(less, encoding="utf-8")
        load_board_file(path)


def test_the_examples_of_specs_are_read() -> None:
    specs = [text for text in examples() if text.startswith("board:")]
    assert len(specs) == 2
    boards = dict.fromkeys(board_names(), ())
    clocks = [parse_spec(KERNEL + text, boards=boards).clock_hz for text in specs]
    assert clocks == [83_333_000, None]


def test_the_keys_that_the_page_names_are_those_of_a_spec() -> None:
    keys = spec_page(json_schema(spec_sections()))
    for key in ("board", "clock", "accelerator.memory.board_memory"):
        assert f"| `{key}` |" in keys
        assert key.rpartition(".")[2] in TEXT


HEAD = (
    "board",
    "example",
    "LUT",
    "cells placed",
    "DSP",
    "RAM blocks",
    "clock reached",
    "bitstream",
)


def measured_table() -> str:
    """The committed runs as the page shows them."""
    rows = [HEAD, ("---", "---", *["---:"] * (len(HEAD) - 2))]
    with RUNS.open(newline="") as file:
        rows += [measured_row(run) for run in csv.DictReader(file)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def measured_row(run: dict[str, str]) -> tuple[str, ...]:
    device = load_board(run["board"]).device
    return (
        f"`{run['board']}`",
        f"`{run['example']}`",
        f"{int(run['lut']):,} of {device.lut:,}",
        f"{int(run['cells']):,} of {int(run['of_cells']):,}",
        f"{run['dsp']} of {device.dsp}",
        f"{run['ram_blocks']} of {device.ram_blocks}",
        f"{run['fmax_mhz']} MHz, needs {float(run['clock_mhz']):g}",
        f"{int(run['bitstream_bytes']):,} bytes",
    )


def test_the_measured_rows_are_those_of_the_benchmark() -> None:
    found = MEASURED.search(TEXT)
    assert found is not None
    assert found[1] == measured_table(), "to write it: python tests/test_docs_boards.py"


if __name__ == "__main__":
    block = f"<!-- measured -->\n{measured_table()}<!-- end -->"
    PAGE.write_text(MEASURED.sub(lambda _: block, with_tables(TEXT)), encoding="utf-8")
