"""Projects for Vivado: they parse as Tcl, do what they should where Vivado's commands are noted
down, and name no file that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tilewright.boards import Board, board_names, load_board

from tilewright.build.synth.constraints import PinOf
from tilewright.build.vivado import vivado_script, write_vivado_project, xdc_text
from tilewright.errors import OutputError, UsageError

LIMIT_BOARDS = [name for name in board_names() if load_board(name).flow == "vivado"]
COMMANDS = (
    "create_project", "set_property", "current_project", "add_files", "get_files",
    "current_fileset", "get_runs", "launch_runs", "wait_on_run", "get_property", "open_run",
    "report_utilization", "report_timing_summary", "close_design", "get_ports", "create_clock",
    "current_design",
)  # fmt: skip
PROGRESS = ("get_property", "PROGRESS")


def sources(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text("module m; endmodule\n")
    return [folder / name for name in names]


def run(path: Path, progress: str = "100%") -> list[tuple[str, ...]]:
    """The commands of Vivado that a script calls, with their words as Tcl understands them."""
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl")
    interpreter = tkinter.Tcl()
    seen: list[tuple[str, ...]] = []

    def note(name: str):
        def command(*words: str) -> str:
            seen.append((name, *words))
            return progress if (name, *words)[:2] == PROGRESS else f"<{' '.join((name, *words))}>"

        return command

    for name in COMMANDS:
        interpreter.createcommand(name, note(name))
    interpreter.call("source", str(path))
    return seen


def pins_of(board: Board) -> list[PinOf]:
    clock = board.clock
    pins = [PinOf(port="clk", pin=clock.pin, io_standard=clock.io_standard,
                  clock_hz=clock.frequency_hz)]  # fmt: skip
    return pins + [
        PinOf(port=f"leds[{i}]", pin=led.name, io_standard=led.io_standard)
        for i, led in enumerate(board.leds)
    ]


@pytest.mark.parametrize("name", LIMIT_BOARDS)
def test_every_limit_board_has_a_project_that_names_only_files_that_exist(
    name: str, tmp_path: Path
) -> None:
    board = load_board(name)
    written = write_vivado_project(
        tmp_path, board, "digits", sources(tmp_path, "digits.v"), board.clock.frequency_hz
    )
    assert {path.name for path in written} == {"digits.tcl", "digits.xdc", "digits.v"}
    calls = run(written[0])
    assert (
        "create_project",
        "-force",
        "digits",
        str(tmp_path / "project"),
        "-part",
        board.part,
    ) in (calls)
    added = [call[-1] for call in calls if call[0] == "add_files"]
    assert {Path(path) for path in added} == {tmp_path / "digits.v", tmp_path / "digits.xdc"}
    assert all(Path(path).is_file() for path in added)
    runs = [call[1] for call in calls if call[0] == "launch_runs"]
    assert runs == ["synth_1", "impl_1"]
    assert run(written[1]) == [
        ("get_ports", "aclk"),
        ("create_clock", "-name", "aclk", "-period",
         f"{1e9 / board.clock.frequency_hz:.3f}", "<get_ports aclk>"),
    ]  # fmt: skip


def test_a_failed_run_stops_the_script(tmp_path: Path) -> None:
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl")
    board = load_board("zedboard")
    written = write_vivado_project(tmp_path, board, "t", sources(tmp_path, "t.v"), 100_000_000)
    with pytest.raises(tkinter.TclError, match="run synth_1 failed"):
        run(written[0], progress="57%")


def test_with_pins_the_script_makes_a_bitstream(tmp_path: Path) -> None:
    board = load_board("arty-a7-100")
    written = write_vivado_project(
        tmp_path, board, "top", sources(tmp_path, "top.v"), 100_000_000, pins=pins_of(board)
    )
    calls = run(written[0])
    assert ("launch_runs", "impl_1", "-to_step", "write_bitstream", "-jobs", "4") in calls
    assert not any("out_of_context" in word for call in calls for word in call)
    placed = run(written[1])
    clock = "PACKAGE_PIN E3 IOSTANDARD LVCMOS33"
    assert ("set_property", "-dict", clock, "<get_ports clk>") in placed
    assert ("get_ports", "leds[3]") in placed
    assert ("create_clock", "-name", "clk", "-period", "10.000", "<get_ports clk>") in placed


@pytest.mark.parametrize("name", ["zcu104", "alveo-u280", "vpk180"])
def test_clocks_that_need_more_than_a_pin_are_refused(name: str, tmp_path: Path) -> None:
    pin = PinOf(port="clk", pin="F23", io_standard="LVDS")
    with pytest.raises(UsageError, match="its clock needs a buffer or a processor"):
        write_vivado_project(tmp_path, load_board(name), "t", [], 10**8, pins=[pin])
    assert not list(tmp_path.iterdir())


def test_sources_from_elsewhere_are_copied(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = sources(tmp_path / "a", "x y{.v", "memory.hex")
    out = tmp_path / "out folder"
    written = write_vivado_project(out, load_board("zedboard"), "t", found, 10**8)
    assert all(path.parent == out and path.is_file() for path in written)
    calls = run(written[0])
    assert ("set_property", "file_type", "Memory Initialization Files",
            f"<get_files {{{out / 'memory.hex'}}}>") in calls  # fmt: skip
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl")
    lists = [tkinter.Tcl().splitlist(call[-1]) for call in calls if call[0] == "add_files"]
    assert lists == [(str(out / name),) for name in ("x y{.v", "memory.hex", "t.xdc")]


def test_wrong_sources_are_refused(tmp_path: Path) -> None:
    board = load_board("zedboard")
    with pytest.raises(UsageError, match=r"x\.v: a source of the project is missing"):
        write_vivado_project(tmp_path, board, "t", [tmp_path / "x.v"], 10**8)
    (tmp_path / "a").mkdir()
    twice = [*sources(tmp_path, "t.v"), *sources(tmp_path / "a", "t.v")]
    with pytest.raises(UsageError, match="two sources have one name"):
        write_vivado_project(tmp_path / "out", board, "t", twice, 10**8)


@pytest.mark.parametrize("top", ["", "a b", "a;exec x", "[exec x]", "$x", "a\nb", "../x", "é"])
def test_a_hostile_top_is_refused(top: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a plain name"):
        write_vivado_project(tmp_path, load_board("zedboard"), top, [], 10**8)
    assert not list(tmp_path.iterdir())


def test_words_of_a_users_table_stay_words(tmp_path: Path) -> None:
    from dataclasses import replace

    board = load_board("zedboard")
    hostile = "x\nexec touch canary\\\n[exec touch canary]"
    board = replace(board, title=hostile, source=hostile)
    path = tmp_path / "t.tcl"
    path.write_text(vivado_script(board, "t", ["t.v"]))
    assert not any("canary" in word for call in run(path) for word in call)
    path.write_text(xdc_text(board, 10**8, pins_of(board)))
    assert not any("canary" in word for call in run(path) for word in call)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    found = sources(tmp_path, "t.v")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_vivado_project(tmp_path / "file", load_board("zedboard"), "t", found, 10**8)
