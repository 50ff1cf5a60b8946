"""Programs from Verilog: one file or several, Verilator's own objects compiled once."""

from pathlib import Path

import pytest

from tilewright.build import compiled as module
from tilewright.build.cache import BuildCache
from tilewright.build.compiled import compiled
from tilewright.build.process import run
from tilewright.build.verilator import BuildOptions, find_toolchain

pytestmark = [pytest.mark.simulator, pytest.mark.slow]


def program(cache: BuildCache, word: str, *more: str) -> tuple[Path, bool]:
    """One that says `word`."""
    toolchain = find_toolchain()
    translate = [toolchain.perl, str(toolchain.root / "bin" / "verilator"), "--cc", "--exe"]
    translate += ["--main", "--no-timing", "-Mdir", ".", "--prefix", "Vtop", "-o", "says"]
    translate += ["--top-module", "says", "-CFLAGS", "-std=c++20", "says.v", *more]
    text = f'module says; initial begin $display("{word}"); $finish; end endmodule\n'
    return compiled({"says.v": text}, translate, BuildOptions(top="says"), cache=cache)


def said(folder: Path) -> str:
    return run([str(folder / "says")], cwd=folder).tail.split()[0]


def test_designs_share_what_is_not_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BuildCache(root=tmp_path / "cache")
    made = {word: program(cache, word) for word in ("one", "two")}
    assert {word: said(folder) for word, (folder, _) in made.items()} == {w: w for w in made}
    assert program(cache, "one") == (made["one"][0], True)
    builds = sorted(path.parent for path in (tmp_path / "cache").rglob("complete"))
    (runtime,) = set(builds) - {folder for folder, _ in made.values()}
    objects = {path.name for path in runtime.glob("*.o")}
    assert "verilated.o" in objects and all(name.startswith("verilated") for name in objects)
    assert "verilated.cpp" in (made["one"][0] / "make.log").read_text()
    assert "verilated.cpp" not in (made["two"][0] / "make.log").read_text()

    monkeypatch.setattr(module, "SMALL_BYTES", 0)
    large, was_cached = program(cache, "three", "--output-split", "1")
    assert (said(large), was_cached) == ("three", False)
    assert "__pch.h" in (large / "make.log").read_text()
    assert "__pch.h" not in (made["two"][0] / "make.log").read_text()
