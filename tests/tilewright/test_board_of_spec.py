"""What a board decides in a spec, and what is said of a design that is too large for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tilewright.boards import board_names, load_board
from tilewright.boards.load import FOLDER

from tilewright import flow
from tilewright.board_of_spec import (
    board_of,
    check_board_top,
    check_memory,
    chosen_board,
    clock_of,
    known_boards,
    memory_words,
    too_large,
    with_board,
)
from tilewright.catalog import load_spec
from tilewright.flow.board_report import board_data, board_rows, format_time
from tilewright.flow.design import make_design
from tilewright.spec import AcceleratorSpec, KernelSpec, SpecError, spec_hash

MODEL = Path(__file__).resolve().parents[2] / "examples" / "digits_mlp.qdq.onnx"
ACCELERATOR = """\
tilewright: 1
name: digits
model: m.onnx
accelerator:
  engines:
    array: {template: systolic, rows: 8, cols: 8}
"""
KERNEL = "tilewright: 1\nname: matmul\nkernel: {template: systolic, rows: 8, cols: 8}\n"


@pytest.fixture
def load(tmp_path: Path):
    """Loads a spec from text, in a folder with a model."""
    shutil.copy(MODEL, tmp_path / "m.onnx")

    def load_text(text: str) -> AcceleratorSpec:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        spec = load_spec(path)
        assert isinstance(spec, AcceleratorSpec)
        return spec

    return load_text


def with_memory(keys: str) -> str:
    return ACCELERATOR.replace("accelerator:", f"accelerator:\n  memory: {{{keys}}}")


def test_all_boards_are_known_with_their_memories() -> None:
    known = known_boards()
    assert list(known) == list(board_names())
    assert len(known) == len(board_names())
    assert known["ulx3s-85f"] == ("on_chip", "sdram")
    assert "ulx3s" not in known
    with pytest.raises(KeyError):
        known["ulx3s"]


def test_without_a_board_nothing_changes(load) -> None:
    spec = load(ACCELERATOR)
    memory = spec.accelerator.memory
    assert (memory.bytes_per_cycle, memory.latency_cycles) == (16, 40)
    assert board_of(spec) is None
    assert clock_of(spec) is None
    assert board_rows(spec, 1000) == []
    assert board_data(spec, 1000) == {}


@pytest.mark.parametrize(
    ("text", "clock_hz", "numbers"),
    [
        # 16 bits x 667 MT/s = 1334 MB/s; 300 ns.
        ("board: arty-a7-100\n", 100_000_000, (8, 30)),
        ("board: arty-a7-100\nclock: 50MHz\n", 50_000_000, (16, 15)),
        ("board: zcu104\n", 125_000_000, (128, 25)),
        ("board: ulx3s-85f\n", 25_000_000, (16, 2)),
        ("board: vpk180\n", 200_000_000, (128, 40)),
    ],
)
def test_the_boards_numbers_are_taken_at_the_clock(load, text, clock_hz, numbers) -> None:
    spec = load(ACCELERATOR + text)
    memory = spec.accelerator.memory
    assert clock_of(spec) == clock_hz
    assert (memory.bytes_per_cycle, memory.latency_cycles) == numbers
    assert board_of(spec).name in memory_words(spec)


def test_what_the_spec_says_stays(load) -> None:
    text = with_memory("latency_cycles: 7, board_memory: sdram") + "board: ulx3s-85f\n"
    spec = load(text)
    memory = spec.accelerator.memory
    assert (memory.bytes_per_cycle, memory.latency_cycles) == (8, 7)
    assert memory_words(spec) == "8 bytes per cycle, 7 cycles latency, as the spec says"
    # The hash is of the numbers, wherever they come from.
    assert spec_hash(spec) != spec_hash(load(text.replace("latency_cycles: 7, ", "")))


def test_an_on_chip_memory_is_as_wide_as_a_word(load) -> None:
    wide = ACCELERATOR.replace("rows: 8, cols: 8", "rows: 32, cols: 32") + "board: ulx3s-85f\n"
    assert load(wide).accelerator.memory.bytes_per_cycle == 32
    narrow = ACCELERATOR.replace("cols: 8", "cols: 8, lanes: 8") + "board: ulx3s-85f\n"
    assert load(narrow).accelerator.memory.bytes_per_cycle == 8


def test_a_board_of_the_command_line_is_put_into_the_spec(load) -> None:
    spec = with_board(load(ACCELERATOR), load_board("arty-a7-100"))
    assert spec.board == "arty-a7-100"
    assert spec.accelerator.memory.latency_cycles == 30
    assert with_board(spec) == spec


def test_a_board_of_the_command_line_takes_the_place_of_the_specs(load) -> None:
    text = with_memory("latency_cycles: 7") + "board: ulx3s-85f\n"
    spec = with_board(load(text), load_board("arty-a7-100"))
    assert spec.board == "arty-a7-100"
    memory = spec.accelerator.memory
    assert (memory.bytes_per_cycle, memory.latency_cycles) == (8, 7)
    assert clock_of(spec) == 100_000_000


def test_a_table_of_the_command_line_has_no_name_in_the_spec(load) -> None:
    own = replace(load_board("arty-a7-100"), title="another")
    spec = with_board(load(ACCELERATOR), own)
    assert spec.board is None
    assert spec.accelerator.memory.latency_cycles == 30


def test_the_command_lines_board_comes_first(load, tmp_path: Path) -> None:
    spec = load(ACCELERATOR + "board: ulx3s-85f\n")
    assert chosen_board(spec, None) == (spec, load_board("ulx3s-85f"))
    other, board = chosen_board(spec, "arty-a7-100")
    assert (other.board, board.name) == ("arty-a7-100", "arty-a7-100")
    path = tmp_path / "mine.yaml"
    shutil.copy(FOLDER / "icebreaker.yaml", path)
    assert chosen_board(spec, str(path))[1] == load_board("icebreaker")
    assert chosen_board(load(ACCELERATOR), None) == (load(ACCELERATOR), None)
    with pytest.raises(SpecError, match="did you mean `zedboard`"):
        chosen_board(spec, "zedbord")


def test_a_kernel_has_a_board_and_a_clock(tmp_path: Path) -> None:
    path = tmp_path / "k.yaml"
    path.write_text(KERNEL + "board: tang-nano-9k\n")
    spec = load_spec(path)
    assert isinstance(spec, KernelSpec)
    assert clock_of(spec) == 27_000_000
    assert board_of(spec).device.name == "GW1N-9C"
    first = flow.estimate(spec).to_json()["cases"][0]
    assert first["estimated_seconds"] == pytest.approx(first["estimated_cycles"] / 27e6)


def test_a_users_board_is_a_table_beside_the_spec(load, tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    table = (FOLDER / "ulx3s-85f.yaml").read_text().replace("name: ulx3s-85f", "name: mine")
    (tmp_path / "boards" / "mine.yaml").write_text(table.replace("25MHz", "20MHz"))
    spec = load(ACCELERATOR + "board: boards/mine.yaml\n")
    assert board_of(spec).name == "mine"
    assert clock_of(spec) == 20_000_000
    (tmp_path / "boards" / "mine.yaml").write_text(table.replace("flow: open", "flow: opne"))
    with pytest.raises(SpecError, match=r"mine\.yaml:\d+:\d+: error: flow: must be open or vivado"):
        load(ACCELERATOR + "board: boards/mine.yaml\n")


def test_a_users_board_without_the_memory_is_an_error_in_the_spec(load, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "icebreaker.yaml", tmp_path / "mine.yaml")
    with pytest.raises(SpecError) as error:
        load(with_memory("board_memory: sdram") + "board: mine.yaml\n")
    (found,) = error.value.diagnostics
    assert (found.line, found.path) == (5, "accelerator.memory.board_memory")
    assert "must be a memory of icebreaker, got sdram" in found.render()


def test_estimate_prints_seconds_and_the_source_of_the_memory(load) -> None:
    result = flow.estimate(load(ACCELERATOR + "board: arty-a7-100\n"))
    data, table = result.to_json(), result.table()
    assert data["clock_hz"] == 100_000_000
    assert data["estimated_seconds"] == data["estimated_cycles"] / 1e8
    assert data["board"] == "arty-a7-100"
    assert "100MHz, the oscillator of arty-a7-100" in table
    assert f"{format_time(data['estimated_seconds'])} per start" in table
    assert "Arty A7 Reference Manual" in " ".join(table.split())
    own = flow.estimate(load(ACCELERATOR + "clock: 10MHz\n"))
    assert "10MHz, as the spec says" in own.table()


def test_rows_of_a_clock(load) -> None:
    spec = load(ACCELERATOR + "board: vpk180\n")
    rows = dict(board_rows(spec, 2_000_000, samples=100))
    assert rows["clock"] == "200MHz, taken for vpk180"
    assert rows["time estimated"] == "10 ms per start, 100 us per sample"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.0, "2 s"), (0.00052, "520 us"), (0.0123456, "12.3 ms"), (4e-9, "4 ns"), (0.0, "0 ns")],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_a_memory_image_that_does_not_fit_says_which_memory_has_room(load) -> None:
    spec = load(ACCELERATOR + "board: ulx3s-12f\n")
    board = board_of(spec)
    check_memory(spec, board, 73_728)
    with pytest.raises(SpecError) as error:
        check_memory(spec, board, 73_729)
    text = error.value.render()
    assert "the memory image has 73,729 bytes, on_chip of ulx3s-12f 73,728: 1 too many" in text
    assert "`board_memory: sdram` has room" in text
    with pytest.raises(SpecError, match="a smaller model, or a board with more than 32MiB"):
        check_memory(load(with_memory("board_memory: sdram") + "board: ulx3s-12f\n"), board, 2**26)


def test_the_given_boards_memory_is_judged_not_the_specs(load, tmp_path: Path) -> None:
    """A table of the user's has no name that the spec could have."""
    path = tmp_path / "mine.yaml"
    small, large = "icebreaker", "ulx3s-85f"
    for own, given, has_room in ((small, large, True), (large, small, False)):
        table = (FOLDER / f"{given}.yaml").read_text().replace(f"name: {given}", "name: mine")
        path.write_text(table)
        spec, board = chosen_board(load(f"{ACCELERATOR}board: {own}\n"), str(path))
        if has_room:
            assert make_design(spec, batch=1, board=board).memory_bytes > 15 << 10
            continue
        with pytest.raises(SpecError, match="on_chip of mine 15,360"):
            make_design(spec, batch=1, board=board)


def test_a_board_top_has_an_oscillator_and_ram_blocks(load) -> None:
    text = with_memory("board_memory: sdram") + "board: ulx3s-85f\nclock: 50MHz\n"
    spec = load(text)
    with pytest.raises(SpecError) as error:
        check_board_top(spec, board_of(spec))
    clock, memory = error.value.diagnostics
    assert (clock.line, clock.path) == (9, "clock")
    assert clock.rule.endswith("runs on the oscillator, 25MHz: there is no PLL")
    assert (memory.line, memory.path) == (5, "accelerator.memory.board_memory")
    assert memory.rule.endswith("has RAM blocks only: no controller for sdram")
    for text in ("", "clock: 25MHz\n"):
        check_board_top(load(ACCELERATOR + "board: ulx3s-85f\n" + text), load_board("ulx3s-85f"))


def test_a_design_that_is_too_large_says_what_to_lower_and_where_it_fits(load) -> None:
    spec = load(ACCELERATOR + "board: ulx3s-12f\n")
    board = board_of(spec)
    enough = {"lut": 12_000, "dsp": 28, "ram_blocks": 32, "large_ram_blocks": 0}
    assert too_large(spec, board, enough) == ()
    lut, dsp, ram = too_large(spec, board, {"lut": 20_000, "dsp": 96, "ram_blocks": 33, "ff": 1})
    assert lut.rule == (
        "LFE5U-12F on ulx3s-12f: 20,000 look-up tables of 12,000: 8,000 too many, 1.67 times"
    )
    assert (lut.line, lut.path) == (6, "accelerator.engines.array")
    assert "96 multipliers of 28: 68 too many, 3.43 times" in dsp.rule
    assert lut.help == (
        "lower rows, cols or widths, or write `requantize: {mode: fixed}`; "
        "write `counters: false`; lower `memory.outstanding`; it fits orangecrab-85f and ulx3s-85f"
    )
    assert ram.path == "accelerator.scratchpad"
    assert ram.help is not None
    assert ram.help.startswith(
        "make the memory image smaller: a smaller `memory.alignment` or a smaller model; "
        "lower the capacity of the scratchpad; lower accumulator_rows"
    )


def test_fixed_requantisation_is_not_advised_to_who_has_it(load) -> None:
    text = ACCELERATOR.replace("cols: 8", "cols: 8, requantize: {mode: fixed}")
    spec = load(text + "board: ice40-hx8k\n")
    (found,) = too_large(spec, board_of(spec), {"dsp": 64})
    assert "64 multipliers of 0: 64 too many" in found.rule
    assert found.help == "lower rows, cols or widths"


def test_a_kernel_that_is_too_large_names_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "k.yaml"
    path.write_text("tilewright: 1\nname: k\nkernel: {template: topk, k_max: 4, lanes: 4}\n")
    spec = load_spec(path)
    (found,) = too_large(spec, load_board("icebreaker"), {"lut": 5_281})
    assert "k.yaml:3:1: error: kernel: iCE40UP5K on icebreaker" in found.render()


def test_a_resource_that_nobody_counts_is_our_own_mistake(load) -> None:
    with pytest.raises(ValueError, match="resource is one of lut, ff, dsp"):
        too_large(load(ACCELERATOR), load_board("icebreaker"), {"luts": 1})
