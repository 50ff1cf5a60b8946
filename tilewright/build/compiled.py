"""Verilog to C++ to a program, once: what every simulator program of ours is made by."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tilewright.build.cache import BuildCache, default_cache
from tilewright.build.process import Limits, run
from tilewright.build.verilator import (
    PREFIX,
    RUNTIME_OPTIMIZE,
    BuildOptions,
    Toolchain,
    find_toolchain,
    make_command,
)

__all__ = ["compiled"]

LIMITS = Limits(wall_seconds=1800.0)
SMALL_BYTES = 4 << 20
"""C++ of up to so many bytes is compiled as one file: its headers are read once, and two cores are
not faster with several files, which need two precompiled headers first. Measured with two cores and
GCC 12 on 2.3 MB at -O2: 7.5 s of processor in 6.8 s, against 13.7 s in 7.7 s; one file at -O1: 5.0
s in 4.3 s."""


def compiled(
    texts: Mapping[str, str],
    translate: Sequence[str],
    options: BuildOptions,
    *,
    cache: BuildCache | None = None,
    limits: Limits = LIMITS,
) -> tuple[Path, bool]:
    """Folder of the program that `translate`, Verilator's command on files named in `texts`, makes;
    and whether it was in the cache.

    Raises:
        ToolError: a tool is missing.
        ProcessError: the compiler's words.
    """
    toolchain = find_toolchain()
    cache = cache or default_cache()

    def make(folder: Path) -> None:
        for name, text in texts.items():
            (folder / name).write_text(text)
        _run(toolchain, "translate", translate, folder, limits)
        is_small = sum(path.stat().st_size for path in folder.glob("*.cpp")) <= SMALL_BYTES
        key = _runtime_key(toolchain, translate, folder)
        runtime = cache.find(key)
        if runtime is not None:
            _copy_runtime(runtime, folder)
        _run(toolchain, "make", make_command(toolchain, options, is_small=is_small), folder, limits)
        if runtime is None:
            cache.get(key, lambda destination: _copy_runtime(folder, destination))

    return cache.get(_key(toolchain, translate, options, texts), make)


def _run(
    toolchain: Toolchain, name: str, command: Sequence[str], folder: Path, limits: Limits
) -> None:
    log = folder / f"{name}.log"
    run(command, cwd=folder, log_path=log, extra_env=toolchain.environment(), limits=limits)


def _copy_runtime(source: Path, destination: Path) -> None:
    """Verilator's own runtime: the same for every design, most of the time of a small build.

    Copies are newer than the makefile, so `make` takes them as they are.
    """
    for path in sorted(source.glob("verilated*.o")):
        shutil.copyfile(path, destination / path.name)


def _key(
    toolchain: Toolchain, translate: Sequence[str], options: BuildOptions, texts: Mapping[str, str]
) -> str:
    """Name of a build in the cache: a digest of everything that it depends on, the commands among
    it: a new flag makes a new key.
    """
    commands = [make_command(toolchain, options, is_small=small) for small in (True, False)]
    parts = [repr(options), repr(toolchain.versions), repr((list(translate), commands))]
    return _digest([*parts, *(part for item in texts.items() for part in item)])


def _runtime_key(toolchain: Toolchain, translate: Sequence[str], folder: Path) -> str:
    """Name in the cache of the runtime's objects: which there are and their switches, which
    Verilator writes beside the design's own files, and the flags given.
    """
    lines = (folder / f"{PREFIX}_classes.mk").read_text().splitlines()
    told = [line for line in lines if PREFIX not in line and "VM_PARALLEL_BUILDS" not in line]
    flags = [word for word in translate if word.startswith("-std=")]
    return _digest(["runtime", RUNTIME_OPTIMIZE, *flags, *told, repr(toolchain.versions)])


def _digest(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()
