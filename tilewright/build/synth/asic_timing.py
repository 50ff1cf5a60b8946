"""How fast gates are: what ABC printed, and OpenSTA's report where the program `sta` is installed.

OpenSTA gets a script and constraints through the typed emitters of `build.tcl`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tilewright.build.synth.asic_result import ABC_MEANING, STA_MEANING, GatePath, GateStep
from tilewright.build.synth.liberty import Library
from tilewright.build.synth.passes import identifier, plain_file
from tilewright.build.tcl import Call, Command, script

__all__ = ["CLOCK", "STA_REPORT", "abc_path", "clock_ports", "sta_constraints", "sta_path",
           "sta_script"]  # fmt: skip

CLOCK: Final = "clock"
STA_REPORT: Final = "sta.rpt"
_STEP: Final = re.compile(r"Path +\d+ -- +\d+ : +\d+ +\d+ (\S+) .*?Df = *([0-9.]+)")
_ENDS: Final = re.compile(r"Start-point = \S+ \((.*?)\)\. +End-point = \S+ \((.*?)\)\.")
_DELAY: Final = re.compile(r"Delay = *([0-9.]+) ps")
_HIDDEN: Final = re.compile(r"(.*\.)?(.*\$|_[0-9]+_(\[|$))")
"""Names that the emitter or yosys made up: `_02_`, `$auto$...`."""


def abc_path(
    log: str, netlist: Mapping[str, Any], flip_flops: Mapping[str, str]
) -> GatePath | None:
    """The path of `stime -p`; None for a design without gates, where there is none.

    log : what ABC printed. netlist : the module, as `write_json` wrote it: its nets give names to
    ends that ABC knows by nets of its own. flip_flops : clock pin of each type of flip-flop.
    """
    delay, ends = _DELAY.findall(log), _ENDS.findall(log)
    if not delay or not ends:
        return None
    steps = [
        GateStep(cell_type=kind, name="", arrival_seconds=float(arrival) * 1e-12)
        for kind, arrival in _STEP.findall(log)
        if kind != "pi"
    ]
    start, end = (_bit_name(name) for name in ends[-1])
    return GatePath(
        tool="ABC",
        meaning=ABC_MEANING,
        seconds=float(delay[-1]) * 1e-12,
        start=start,
        end=_register_behind(end, netlist, flip_flops),
        steps=tuple(steps),
    )


def _bit_name(name: str) -> str:
    r"""`\accumulator [3]` as `accumulator[3]`."""
    return name.removeprefix("\\").replace(" [", "[")


def _register_behind(end: str, netlist: Mapping[str, Any], flip_flops: Mapping[str, str]) -> str:
    """The register that a net of no name of ours goes into, by the net that it drives."""
    name, _, index = end.removesuffix("]").rpartition("[")
    name, place = (name, int(index)) if name and index.isdigit() else (end, 0)
    net = netlist["netnames"].get(name)
    if not _HIDDEN.match(name) or net is None or place >= len(net["bits"]):
        return end
    bit = net["bits"][place]
    for cell in netlist["cells"].values():
        if cell["type"] in flip_flops and bit in _pins(cell, "input", flip_flops[cell["type"]]):
            for driven in _pins(cell, "output"):
                if (found := _name_of_bit(driven, netlist)) is not None:
                    return found
    return end


def _pins(cell: Mapping[str, Any], direction: str, without: str = "") -> list[Any]:
    return [
        bit
        for port, bits in cell["connections"].items()
        if cell["port_directions"].get(port) == direction and port != without
        for bit in bits
    ]


def _name_of_bit(bit: Any, netlist: Mapping[str, Any]) -> str | None:
    """The plain name of a net: of several the deepest one, where the register is declared."""
    names = [
        f"{name}[{net['bits'].index(bit)}]" if len(net["bits"]) > 1 else name
        for name, net in netlist["netnames"].items()
        if not net.get("hide_name") and not _HIDDEN.match(name) and bit in net["bits"]
    ]
    return min(names, key=lambda name: (-name.count("."), len(name), name), default=None)


def clock_ports(netlist: Mapping[str, Any], flip_flops: Mapping[str, str]) -> list[str]:
    """Input ports of the module that reach clock pins of flip-flops or memories."""
    clocked: set[Any] = set()
    for cell in netlist["cells"].values():
        pins = [flip_flops[cell["type"]]] if cell["type"] in flip_flops else ["RD_CLK", "WR_CLK"]
        for pin in pins:
            clocked.update(cell["connections"].get(pin, []))
    return [
        name
        for name, port in netlist["ports"].items()
        if port["direction"] == "input" and clocked & set(port["bits"])
    ]


def sta_constraints(
    clocks: Sequence[str],
    freq_hz: float,
    library: Library,
) -> str:
    """SDC: the clock at its ports, everything else in step with it, drivers and loads of ports.

    Times and loads are in the library's units. Inputs are driven by its smallest buffer, outputs
    drive one register.
    """
    period = f"{1 / freq_hz / library.time_unit_seconds:.6f}"
    ports = [Call("get_ports", " ".join(identifier(name) for name in clocks))] if clocks else []
    inputs, clock = Call("all_inputs"), ["-clock", CLOCK]
    lines = [
        Command("create_clock", "-name", CLOCK, "-period", period, *ports),
        Command("set_input_delay", "0", *clock, inputs),
        Command("set_output_delay", "0", *clock, Call("all_outputs")),
    ]
    if library.buffer is not None:
        lines.append(
            Command("set_driving_cell", "-lib_cell", identifier(library.buffer.name), inputs)
        )
    load = library.flip_flop_input_farads / library.capacitance_unit_farads
    return script([*lines, Command("set_load", f"{load:.9f}", Call("all_outputs"))])


def sta_script(liberty: str, netlist: str, top: str, constraints: str) -> str:
    """Tcl: read, link, constrain, report the slowest path."""
    report = ["report_checks", "-path_delay", "max", "-format", "full", "-digits", "6"]
    return script([
        Command("read_liberty", plain_file(liberty)),
        Command("read_verilog", plain_file(netlist)),
        Command("link_design", identifier(top)),
        Command("source", plain_file(constraints)),
        Command(*report, ">", plain_file(STA_REPORT)),
    ])  # fmt: skip


_STA_STEP: Final = re.compile(r" *-?[0-9.]+ +(-?[0-9.]+) [\^v] (\S+) \((\S+)\)")
_STA_END: Final = re.compile(r"(?m)^(Startpoint|Endpoint): (\S+)")
_STA_SLACK: Final = re.compile(r"(-?[0-9.]+) +slack \((?:MET|VIOLATED)\)")


def sta_path(
    report: str, period_seconds: float, time_unit_seconds: float, netlist: Mapping[str, Any]
) -> GatePath | None:
    """The path in a report of `report_checks`; None if there is no path that is timed.

    `netlist` gives registers the names of the nets that they drive.
    """
    slack = _STA_SLACK.search(report)
    ends = dict(_STA_END.findall(report))
    if slack is None or len(ends) != 2:
        return None
    arrival = report.split("data arrival time")[0]
    steps = [
        GateStep(cell_type=kind, name=name, arrival_seconds=float(at) * time_unit_seconds)
        for at, name, kind in _STA_STEP.findall(arrival)
    ]
    slack_seconds = float(slack[1]) * time_unit_seconds
    return GatePath(
        tool="OpenSTA",
        meaning=STA_MEANING,
        seconds=period_seconds - slack_seconds,
        start=_register_name(ends["Startpoint"], netlist),
        end=_register_name(ends["Endpoint"], netlist),
        steps=tuple(steps),
        slack_seconds=slack_seconds,
    )


def _register_name(cell: str, netlist: Mapping[str, Any]) -> str:
    """A cell by the net that it drives; a port as it is."""
    found = netlist["cells"].get(cell)
    bits = _pins(found, "output") if found is not None and "port_directions" in found else []
    names = (_name_of_bit(bit, netlist) for bit in bits)
    return next((name for name in names if name is not None), cell)
