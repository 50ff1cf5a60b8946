"""Waves: the missing package is named before anything is built; the window and the saved view."""

from pathlib import Path

import pytest

from tilewright.build import model, verilator
from tilewright.build.cache import BuildCache
from tilewright.build.verilator import BuildOptions
from tilewright.build.waves import WaveWindow, saved_view, wave_main
from tilewright.errors import ToolError


@pytest.mark.simulator
def test_missing_header_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(verilator, "lz4_header_exists", lambda toolchain: False)
    cache = BuildCache(root=tmp_path)
    with pytest.raises(ToolError, match="liblz4-dev"):
        model.build_model({"a.v": ""}, BuildOptions(top="a", has_waves=True), cache=cache)
    assert not list(tmp_path.iterdir())


def test_saved_view_names_trace_and_signals() -> None:
    window = WaveWindow(start_ps=5000, end_ps=9000, signals=("TOP.kernel_harness.aclk",))
    text = saved_view(window, Path("/out/waves.fst"))
    assert '[dumpfile] "/out/waves.fst"' in text
    assert "TOP.kernel_harness.aclk" in text
    assert "[timestart] 5000" in text


def test_main_program_wraps_the_one_of_cocotb() -> None:
    assert '#include "/x/verilator.cpp"' in wave_main(Path("/x/verilator.cpp"))


@pytest.mark.parametrize(("start", "end"), [(5, 5), (-1, 5), (6, 5)])
def test_an_empty_window_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="window"):
        WaveWindow(start_ps=start, end_ps=end)
