"""Simulator programs: compiled by Verilator from Verilog text, or taken from the build cache."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tilewright.build import verilator
from tilewright.build.cache import BuildCache
from tilewright.build.cocotb_adapter import cocotb_paths
from tilewright.build.compiled import LIMITS, compiled
from tilewright.build.process import Limits
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
    if options.has_waves and not verilator.lz4_header_exists(toolchain):
        raise ToolError("waves need the header lz4.h", help="apt install liblz4-dev")
    texts = {**sources, "public.vlt": verilator.control_file(options)}
    paths = cocotb_paths()
    if options.has_waves:
        texts["wave_main.cpp"] = wave_main(paths["main"])
        paths["main"] = Path("wave_main.cpp")
    files = [Path(name) for name in texts if Path(name).suffix in (".vlt", ".v", ".sv")]
    # Control files open signals only of modules that come after them.
    files.sort(key=lambda path: path.suffix != ".vlt")
    command = verilator.translate_command(toolchain, options, files, paths)
    folder, was_cached = compiled(texts, command, options, cache=cache, limits=limits or LIMITS)
    return Model(
        folder=folder,
        top=options.top,
        has_waves=options.has_waves,
        was_cached=was_cached,
        seconds=time.monotonic() - started,
    )
