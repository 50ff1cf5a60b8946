"""Simulator programs: compiled by Verilator from Verilog text, or taken from the build cache."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tilewright.build import verilator
from tilewright.build.cache import BuildCache, default_cache
from tilewright.build.cocotb_adapter import cocotb_paths
from tilewright.build.process import Limits, run
from tilewright.build.verilator import BuildOptions
from tilewright.build.waves import wave_main
from tilewright.errors import ToolError

__all__ = ["Model", "bench_source", "build_model"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A simulator program. `was_cached`: nothing was compiled; `seconds`: what getting it took."""

    folder: Path
    top: str
    has_waves: bool
    was_cached: bool
    seconds: float

    @property
    def executable(self) -> Path:
        """The program."""
        return self.folder / self.top


def bench_source(name: str) -> str:
    """Text of a SystemVerilog file of `tilewright.sim.benches`."""
    return resources.files("tilewright.sim.benches").joinpath(name).read_text()


def build_model(
    sources: Mapping[str, str],
    options: BuildOptions,
    *,
    cache: BuildCache | None = None,
    limits: Limits | None = None,
) -> Model:
    """The simulator program for `sources` (file name to text), compiled or from the cache.

    Raises `ToolError` for a missing tool, `ProcessError` with the compiler's words otherwise.
    """
    started = time.monotonic()
    toolchain = verilator.find_toolchain()
    cache = cache or default_cache()
    if options.has_waves and not verilator.lz4_header_exists(toolchain):
        raise ToolError("waves need the header lz4.h", help="apt install liblz4-dev")
    texts = {**sources, "public.vlt": verilator.control_file(options)}
    paths = cocotb_paths()
    if options.has_waves:
        texts["wave_main.cpp"] = wave_main(paths["main"])

    def make(folder: Path) -> None:
        builder = _Builder(
            folder=folder,
            toolchain=toolchain,
            options=options,
            cache=cache,
            limits=limits or Limits(wall_seconds=1800.0),
        )
        builder.build(texts)

    key = verilator.build_key(toolchain, options, texts)
    folder, was_cached = cache.get(key, make)
    return Model(
        folder=folder,
        top=options.top,
        has_waves=options.has_waves,
        was_cached=was_cached,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True, kw_only=True)
class _Builder:
    """One build in one folder."""

    folder: Path
    toolchain: verilator.Toolchain
    options: BuildOptions
    cache: BuildCache
    limits: Limits

    def build(self, texts: Mapping[str, str]) -> None:
        """Verilog to an executable."""
        for name, text in texts.items():
            (self.folder / name).write_text(text)
        paths = cocotb_paths()
        if self.options.has_waves:
            paths["main"] = Path("wave_main.cpp")
        files = [Path(name) for name in texts if Path(name).suffix in (".vlt", ".v", ".sv")]
        # Control files open signals only of modules that come after them.
        files.sort(key=lambda path: path.suffix != ".vlt")
        command = verilator.translate_command(self.toolchain, self.options, files, paths)
        self._run("translate", command)
        runtime_key = verilator.runtime_key(self.toolchain, self.options)
        runtime = self.cache.find(runtime_key)
        if runtime is not None:
            _copy_runtime(runtime, self.folder)
        self._run("make", verilator.make_command(self.toolchain, self.options))
        if runtime is None:
            self.cache.get(runtime_key, lambda folder: _copy_runtime(self.folder, folder))

    def _run(self, name: str, command: list[str]) -> None:
        run(
            command,
            cwd=self.folder,
            log_path=self.folder / f"{name}.log",
            extra_env=self.toolchain.environment(),
            limits=self.limits,
        )


def _copy_runtime(source: Path, destination: Path) -> None:
    """Verilator's own runtime: the same for every design, most of the time of a small build.

    Copies are newer than the makefile, so `make` takes them as they are.
    """
    for path in sorted(source.glob("verilated*.o")):
        shutil.copyfile(path, destination / path.name)
