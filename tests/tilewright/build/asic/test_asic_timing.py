"""What is read from the logs of ABC and OpenSTA, and what is written for them."""

import pytest

from tilewright.build.synth.asic_passes import (
    Mapping,
    abc_constraints,
    abc_script,
    coarse_passes,
    gate_passes,
    last_passes,
)
from tilewright.build.synth.asic_timing import (
    abc_path,
    clock_ports,
    sta_constraints,
    sta_path,
    sta_script,
)
from tilewright.build.synth.liberty import parse_library

LOG = """\
ABC: WireLoad = "none"  Gates =      3 (  0.0 %)   Cap =  6.4 ff   Area =       9.00   Delay =   900.00 ps
ABC: Path  0 --      44 : 0    2 pi              A =   0.00  Df =   4.3   -0.8 ps  S =  22.4 ps
ABC: Path  1 --     660 : 2    2 NOR2            A =   9.07  Df = 119.6  -40.3 ps  S =  87.5 ps
ABC: Path  2 --     661 : 2    2 XOR2            A =  14.52  Df = 255.6  -66.3 ps  S = 109.3 ps
ABC: Start-point = pi43 (\\pe.accumulator [1]).  End-point = po68 (\\pe._02_ [1]).
ABC: WireLoad = "none"  Gates =      3 (  0.0 %)   Cap =  6.4 ff   Area =       9.00   Delay =   255.60 ps
"""  # noqa: E501
NETLIST = {
    "ports": {
        "ck": {"direction": "input", "bits": [2]},
        "x": {"direction": "input", "bits": [3]},
        "q": {"direction": "output", "bits": [9]},
    },
    "cells": {
        "pe.f": {
            "type": "DFF",
            "port_directions": {"CK": "input", "D": "input", "Q": "output"},
            "connections": {"CK": [2], "D": [7], "Q": [9]},
        },
        "mem": {"type": "memory_8x8_1r1w", "connections": {"RD_CLK": [2], "RD_DATA": [7]}},
    },
    "netnames": {
        "pe._02_": {"bits": [6, 7], "hide_name": 0},
        "pe.accumulator": {"bits": [8, 9], "hide_name": 0},
        "q": {"bits": [9], "hide_name": 0},
        "$auto$1": {"bits": [9], "hide_name": 1},
    },
}
FLIP_FLOPS = {"DFF": "CK"}
MAPPING = Mapping(period_ps=5000, buffer="BUF", load_femtofarads=2.0, ties=("O", "Y", "Z", "Y"))


def test_the_slowest_path_of_abc_is_the_last_one_told():
    """Its end is a net of the emitter's; the register behind it has the name of what it drives."""
    path = abc_path(LOG, NETLIST, FLIP_FLOPS)
    assert path is not None
    assert path.seconds == pytest.approx(255.6e-12)
    assert (path.start, path.end) == ("pe.accumulator[1]", "pe.accumulator[1]")
    assert [step.cell_type for step in path.steps] == ["NOR2", "XOR2"]
    assert path.steps[-1].arrival_seconds == pytest.approx(255.6e-12)
    assert "without wires" in path.meaning


def test_a_design_without_gates_has_no_path():
    assert abc_path("ABC: + stime -p\nABC: no paths\n", NETLIST, FLIP_FLOPS) is None
    assert abc_path("", NETLIST, FLIP_FLOPS) is None


def test_ends_that_are_ports_or_unknown_stay_as_they_are():
    log = LOG.replace("\\pe._02_ [1]", "\\q").replace("\\pe.accumulator [1]", "\\x")
    path = abc_path(log, NETLIST, FLIP_FLOPS)
    assert path is not None and (path.start, path.end) == ("x", "q")
    path = abc_path(LOG.replace("_02_ [1]", "_99_ [7]"), NETLIST, FLIP_FLOPS)
    assert path is not None and path.end == "pe._99_[7]"


def test_clocks_are_the_ports_at_clock_pins():
    assert clock_ports(NETLIST, FLIP_FLOPS) == ["ck"]
    assert clock_ports({**NETLIST, "cells": {}}, FLIP_FLOPS) == []


REPORT = """\
Startpoint: pe.f (rising edge-triggered flip-flop clocked by clock)
Endpoint: q (output port clocked by clock)
Path Group: clock

    Delay      Time   Description
-------------------------------------------------------------
 0.000000  0.000000   clock clock (rise edge)
 0.000000  0.000000 ^ pe.f/CK (DFF)
 0.274700  0.274700 ^ pe.f/Q (DFF)
 0.323600  0.598300 v g1/Y (XOR2)
           0.598300   data arrival time

 5.000000  5.000000   clock clock (rise edge)
           5.000000 ^ pe.f/CK (DFF)
          -0.598300   data arrival time
-------------------------------------------------------------
           4.401700   slack (MET)
"""


def test_a_report_of_opensta():
    """5 ns less 4.4017 ns of slack."""
    path = sta_path(REPORT, 5e-9, 1e-9, NETLIST)
    assert path is not None
    assert path.seconds == pytest.approx(0.5983e-9)
    assert path.slack_seconds == pytest.approx(4.4017e-9)
    assert (path.start, path.end) == ("pe.accumulator[1]", "q")
    assert [step.name for step in path.steps] == ["pe.f/CK", "pe.f/Q", "g1/Y"]
    late = sta_path(REPORT.replace("4.401700   slack (MET)", "-0.1 slack (VIOLATED)"), 5e-9, 1e-9,
                    NETLIST)  # fmt: skip
    assert late is not None and late.slack_seconds == pytest.approx(-0.1e-9)
    assert sta_path("No paths found.\n", 5e-9, 1e-9, NETLIST) is None
    assert sta_path("", 5e-9, 1e-9, NETLIST) is None


def test_scripts_are_what_they_shall_be(little):
    library = parse_library(little, "x.lib")
    assert sta_constraints(["ck"], 200e6, library).splitlines() == [
        "create_clock -name clock -period 5.000000 [get_ports ck]",
        "set_input_delay 0 -clock clock [all_inputs]",
        "set_output_delay 0 -clock clock [all_outputs]",
        "set_driving_cell -lib_cell BUF [all_inputs]",
        "set_load 0.002000000 [all_outputs]",
    ]
    assert "-period 5.000000\n" in sta_constraints([], 200e6, library)
    lines = sta_script("cells.lib", "netlist.v", "top", "design.sdc").splitlines()
    assert lines[:4] == [
        "read_liberty cells.lib", "read_verilog netlist.v", "link_design top", "source design.sdc",
    ]  # fmt: skip
    assert lines[4].startswith("report_checks -path_delay max")
    assert abc_constraints(MAPPING) == "set_driving_cell BUF\nset_load 2.000000\n"
    assert abc_script(MAPPING).splitlines()[-1] == "stime -p"
    assert "upsize -D 5000" in abc_script(MAPPING)


HOSTILE = ("a; exec ls", "a\nexec ls", "[exec ls]", "$x", "{", "a b", "", "a" * 300, "-x", "\x00")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_a_command(little, name):
    library = parse_library(little, "x.lib")
    emitters = [
        lambda: sta_constraints([name], 1e8, library),
        lambda: sta_script(name, "netlist.v", "top", "design.sdc"),
        lambda: sta_script("cells.lib", "netlist.v", name, "design.sdc"),
        lambda: abc_constraints(Mapping(period_ps=1, buffer=name)),
        lambda: last_passes(Mapping(period_ps=1, ties=(name, "Y", "Z", "Y"))),
    ]
    for emit in emitters:
        with pytest.raises(ValueError, match="not a plain"):
            emit()


@pytest.mark.parametrize("period_ps", [0, -1, 10**10])
def test_periods_that_are_none(period_ps):
    with pytest.raises(ValueError, match="period"):
        Mapping(period_ps=period_ps)


def test_passes_hold_no_text_from_outside():
    for one in [*coarse_passes(), *gate_passes(MAPPING), *last_passes(MAPPING)]:
        assert set(one.text) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_."
        )
