"""Place and route, and packing, by the open tools of each family: arguments from typed values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tilewright.build.synth.target import Stage, Target

__all__ = ["CONSTRAINTS", "DEFAULT_PLACER", "NETLIST", "PACKED", "PLACED", "REPORT", "PackStep",
           "Placer", "pack_step", "pnr_arguments", "pnr_tool", "tools_for"]  # fmt: skip

NETLIST: Final = "netlist.json"
REPORT: Final = "report.json"
CONSTRAINTS: Final = {"ecp5": "pins.lpf", "ice40": "pins.pcf", "gowin": "pins.cst"}
PLACED: Final = {"ecp5": "placed.config", "ice40": "placed.asc", "gowin": "placed.json"}
PACKED: Final = {"ecp5": "bitstream.bit", "ice40": "bitstream.bin", "gowin": "bitstream.fs"}


Placer = Literal["heap", "static"]
"""Of ECP5: `heap` is tried; `static` leaves shorter wires between an array and its multipliers,
which lie in a few rows of the device."""
DEFAULT_PLACER: Final = "heap"
_PLACEMENT: Final[dict[Placer, tuple[str, ...]]] = {
    # Timing weighs more than by default, 10 and 2.
    "heap": ("--placer-heap-timingweight", "30", "--placer-heap-critexp", "4"),
    "static": ("--placer", "static"),
}


@dataclass(frozen=True, kw_only=True)
class PackStep:
    """A tool with its arguments; it is started in the folder of its stage."""

    tool: str
    arguments: tuple[str, ...]


def pnr_tool(target: Target) -> str:
    """The place-and-route tool of a family."""
    return f"nextpnr-{target.family}"


def pnr_arguments(
    target: Target,
    netlist: Path,
    top: str,
    *,
    seed: int,
    has_constraints: bool,
    placer: Placer = DEFAULT_PLACER,
) -> list[str]:
    """Of the family's nextpnr; it runs in the folder of its stage and writes there.

    Timing that is not met is no error of the tool: we judge it ourselves.
    """
    placed = target.placed
    common = ["--json", str(netlist), "--report", REPORT, "--seed", str(int(seed))]
    common += ["--freq", f"{placed.freq_hz / 1e6:.6f}", "--timing-allow-fail", "--top", top]
    pins = CONSTRAINTS[target.family] if has_constraints else ""
    if target.family == "ecp5":
        # Out of context nextpnr writes no configuration: the report is all that there is.
        result = ["--out-of-context"] if target.out_of_context else ["--textcfg", PLACED["ecp5"]]
        words = [*placed.ecp5_options, *_PLACEMENT[placer], *result]
        return [*words, *common, *(["--lpf", pins] if pins else [])]
    if target.family == "ice40":
        words = [*placed.ice40_options, "--asc", PLACED["ice40"]]
        return [*words, *common, *(["--pcf", pins] if pins else ["--pcf-allow-unconstrained"])]
    words = ["--device", placed.part or "", "--write", PLACED["gowin"]]
    words += ["--vopt", f"family={placed.device}"]
    return [*words, *common, *(["--vopt", f"cst={pins}"] if pins else [])]


def pack_step(target: Target, placed: Path) -> PackStep:
    """The one step from the placed design to a bitstream."""
    family, source, result = target.family, str(placed), PACKED[target.family]
    if family == "ecp5":
        return PackStep(
            tool="ecppack", arguments=("--compress", "--input", source, "--bit", result)
        )
    if family == "ice40":
        return PackStep(tool="icepack", arguments=(source, result))
    device = target.placed.device or ""
    return PackStep(tool="gowin_pack", arguments=("-d", device, "-o", result, source))


def tools_for(target: Target, to: Stage) -> list[str]:
    """Every tool that the stages up to `to` start."""
    tools = ["yosys"]
    tools += [pnr_tool(target)] if to != "synth" else []
    tools += [pack_step(target, Path()).tool] if to == "bitstream" else []
    return tools
