"""The build cache: whole entries or none, one builder at a time, bounded in size."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tilewright.build.cache import BuildCache, default_cache

KEY = "k" * 64


def filler(text: str, calls: list[str] | None = None):
    def make(folder: Path) -> None:
        if calls is not None:
            calls.append(text)
        (folder / "program").write_text(text)

    return make


def entries(cache: BuildCache) -> set[str]:
    return {path.name for path in cache.root.iterdir() if path.is_dir()}


def test_a_second_request_makes_nothing(tmp_path: Path) -> None:
    cache, calls = BuildCache(root=tmp_path / "cache"), []
    folder, was_there = cache.get(KEY, filler("one", calls))
    assert (was_there, (folder / "program").read_text()) == (False, "one")
    folder, was_there = cache.get(KEY, filler("two", calls))
    assert (was_there, (folder / "program").read_text()) == (True, "one")
    assert calls == ["one"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    cache = BuildCache(root=tmp_path)

    def fail(folder: Path) -> None:
        (folder / "program").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.get(KEY, fail)
    assert entries(cache) == set()
    assert cache.find(KEY) is None
    assert not cache.get(KEY, filler("whole"))[1]


def test_a_half_written_folder_is_not_believed(tmp_path: Path) -> None:
    cache = BuildCache(root=tmp_path)
    (tmp_path / KEY).mkdir()
    (tmp_path / KEY / "program").write_text("half")
    assert cache.find(KEY) is None
    folder, was_there = cache.get(KEY, filler("whole"))
    assert (was_there, (folder / "program").read_text()) == (False, "whole")


def test_a_killed_builder_leaves_nothing_that_counts(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tilewright.build.cache import BuildCache\n"
        "def make(folder):\n"
        "    (folder / 'program').write_text('half'); os.kill(os.getpid(), 9)\n"
        "BuildCache(root=Path(sys.argv[1])).get(sys.argv[2], make)\n"
    )
    process = subprocess.run([sys.executable, "-c", code, tmp_path, KEY], check=False, timeout=60)
    assert process.returncode == -9
    cache = BuildCache(root=tmp_path)
    assert cache.find(KEY) is None
    folder, was_there = cache.get(KEY, filler("whole"))
    assert (was_there, (folder / "program").read_text()) == (False, "whole")


def test_others_wait_for_the_one_that_builds(tmp_path: Path) -> None:
    cache, calls = BuildCache(root=tmp_path), []
    results = []

    def slow(folder: Path) -> None:
        calls.append("built")
        time.sleep(0.2)
        (folder / "program").write_text("whole")

    threads = [
        threading.Thread(target=lambda: results.append(cache.get(KEY, slow))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert calls == ["built"]
    assert sorted(was_there for _, was_there in results) == [False, True, True, True]


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = BuildCache(root=tmp_path, limit_bytes=2500)
    for age, name in ((300, "old"), (200, "used"), (100, "newer")):
        folder, _ = cache.get(name, filler("x" * 1000))
        os.utime(folder, (time.time() - age,) * 2)
    assert cache.find("used") is not None  # counts as used now
    cache.get("newest", filler("x" * 1000))
    assert entries(cache) == {"used", "newest"}


def test_what_a_killed_builder_left_goes_after_a_day(tmp_path: Path) -> None:
    cache = BuildCache(root=tmp_path)
    for name, age in (("tmp-old", 100_000), ("tmp-running", 100)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    cache.get(KEY, filler("x"))
    assert entries(cache) == {"tmp-running", KEY}


def test_precompiled_headers_are_not_kept(tmp_path: Path) -> None:
    folder, _ = BuildCache(root=tmp_path).get(KEY, lambda f: (f / "pch.h.fast.gch").touch())
    assert [path.name for path in folder.iterdir()] == ["complete"]


def test_an_entry_larger_than_the_limit_is_still_usable(tmp_path: Path) -> None:
    cache = BuildCache(root=tmp_path, limit_bytes=10)
    folder, _ = cache.get(KEY, filler("x" * 1000))
    assert (folder / "program").is_file()


def test_the_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILEWRIGHT_CACHE", str(tmp_path))
    assert default_cache().root == tmp_path / "verilator"
    monkeypatch.delenv("TILEWRIGHT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache().root == tmp_path / "tilewright" / "verilator"
