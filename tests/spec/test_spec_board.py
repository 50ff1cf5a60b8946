"""The keys `board`, `clock` and `board_memory` of a spec."""

from pathlib import Path

import pytest

from tilewright.spec import AcceleratorSpec, SpecError, parse_spec
from tilewright.spec.numbers import format_frequency, parse_frequency_hz
from tilewright.spec.sections.base import Conflict

KERNEL = "tilewright: 1\nname: matmul\nkernel: {template: systolic, rows: 8, cols: 8}\n"
ACCELERATOR = (
    "tilewright: 1\nname: digits\nmodel: a.onnx\n"
    "accelerator: {engines: {array: {template: systolic, rows: 16, cols: 8}}}\n"
)
BOARDS = {"ulx3s": ("on_chip", "sdram"), "icebreaker": ("on_chip",)}


def test_boards_are_passed_in() -> None:
    text = ACCELERATOR + "board: ulx3s\n"
    spec = parse_spec(text, boards=BOARDS)
    assert isinstance(spec, AcceleratorSpec)
    assert spec.board == "ulx3s"
    assert spec.board_path is None
    with pytest.raises(SpecError, match="did you mean `ulx3s`"):
        parse_spec(text.replace("ulx3s", "ulx3"), boards=BOARDS)
    with pytest.raises(SpecError, match="known boards: icebreaker, ulx3s"):
        parse_spec(text.replace("ulx3s", "zzz"), boards=BOARDS)
    assert parse_spec(KERNEL + "board: ulx3s\n", boards=BOARDS).board == "ulx3s"


def test_a_memory_of_the_board_is_checked() -> None:
    text = ACCELERATOR.replace("engines:", "memory: {board_memory: sdram}, engines:")
    assert parse_spec(text + "board: ulx3s\n", boards=BOARDS).board == "ulx3s"
    with pytest.raises(SpecError, match="must be a memory of icebreaker, got sdram"):
        parse_spec(text + "board: icebreaker\n", boards=BOARDS)
    with pytest.raises(SpecError, match="stands only beside a board"):
        parse_spec(text, boards=BOARDS)


def test_a_table_of_the_user_is_a_path_from_the_spec(tmp_path: Path) -> None:
    text = KERNEL + "board: boards/mine.yaml\n"
    assert parse_spec(text).board_path == Path("boards/mine.yaml")
    with pytest.raises(SpecError, match="board: must be a file that exists"):
        parse_spec(text, directory=tmp_path)
    with pytest.raises(SpecError, match="must be a path relative to this file"):
        parse_spec(text.replace("boards/mine", "/boards/mine"))


def test_the_clock_has_a_unit() -> None:
    assert parse_spec(KERNEL).clock_hz is None
    assert parse_spec(KERNEL + "clock: 33.333MHz\n").clock_hz == 33_333_000
    with pytest.raises(SpecError, match="must be a frequency with a unit"):
        parse_spec(KERNEL + "clock: 25\n")
    with pytest.raises(SpecError, match="must be from 1kHz to 2GHz"):
        parse_spec(KERNEL + "clock: 3GHz\n")


def test_where_a_spec_was_written_does_not_change_it() -> None:
    other = parse_spec("# comment\n" + KERNEL)
    assert other == parse_spec(KERNEL)
    conflict = Conflict(path=("kernel", "rows"), rule="must be less")
    place, moved = (spec.located(conflict).line for spec in (parse_spec(KERNEL), other))
    assert place is not None
    assert moved == place + 1


@pytest.mark.parametrize(
    ("frequency_hz", "text"),
    [(25_000_000, "25MHz"), (33_333_000, "33.333MHz"), (1_066_000_000, "1.066GHz"), (12, "12Hz"),
     (33_333_333, "33333.333kHz"), (1_000_000_001, "1000000.001kHz"), (1_500, "1.5kHz")],
)  # fmt: skip
def test_frequencies_are_written_exactly(frequency_hz: int, text: str) -> None:
    assert format_frequency(frequency_hz) == text
    assert parse_frequency_hz(text) == frequency_hz
