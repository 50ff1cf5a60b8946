"""Reports of nextpnr in our names, and what limits a clock in words."""

from typing import Any

import pytest

from tilewright.build.synth.result import ClockTiming, PathStep
from tilewright.build.synth.scopes import Mark
from tilewright.build.synth.timing import Names, clean_clock, clocks_of, plain_name, uses_of
from tilewright.build.synth.words import limits_of

PATHS = ["", "core", "core.pe"]


def cell(kind: str, mark: Mark | None = None) -> dict[str, Any]:
    return {"type": kind, "attributes": {"src": mark.text if mark else "cells_map.v:1.1"}}


CELLS = {
    "core.pe.a_TRELLIS_FF_Q_3": cell("TRELLIS_FF", Mark(instance=2, line=7, operation="dff",
                                                        width=8)),
    "core.pe.sum_TRELLIS_FF_Q_DI_CCU2C_S1": cell("CCU2C", Mark(instance=2, line=9,
                                                               operation="add", width=32)),
    "core.sum_TRELLIS_FF_Q": cell("TRELLIS_FF", Mark(instance=1, line=11, operation="dff",
                                                     width=32)),
    "core.sum_LUT4_Z": cell("LUT4"),
}  # fmt: skip
OWNER = dict(zip(CELLS, (2, 2, 1, 1), strict=True))
CHAIN = "core.pe.sum_TRELLIS_FF_Q_DI_CCU2C_S1$ccu2_comb_0$"


def segment(kind: str, delay: float, to: str) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "from": {"cell": "x"}, "to": {"cell": to}}


REPORT: dict[str, Any] = {
    "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 125.0, "constraint": 100.0},
             "slow": {"achieved": 20.0, "constraint": 25.0}},
    "utilization": {"TRELLIS_COMB": {"used": 8, "available": 83640},
                    "EHXPLLL": {"used": 0, "available": 4}},
    "critical_paths": [
        {"from": "async", "to": "posedge $glbnet$clk$TRELLIS_IO_IN", "path": []},
        {
            "from": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "to": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "path": [
                segment("clk-to-q", 0.5, "core.pe.a_TRELLIS_FF_Q_3"),
                segment("routing", 2.0, CHAIN),
                segment("logic", 2.0, CHAIN),
                segment("logic", 1.0, CHAIN),
                segment("routing", 2.0, "core.sum_LUT4_Z"),
                segment("logic", 0.5, "core.sum_LUT4_Z"),
                segment("routing", 0.0, "core.sum_TRELLIS_FF_Q"),
                segment("setup", 0.0, "core.sum_TRELLIS_FF_Q"),
            ],
        },
    ],
}  # fmt: skip


def clocks() -> tuple[ClockTiming, ...]:
    return clocks_of(REPORT, Names(CELLS, PATHS, OWNER))


def test_clocks_slowest_first() -> None:
    slow, clock = clocks()
    assert (slow.name, slow.fmax_hz, slow.is_met, slow.path) == ("slow", 20e6, False, ())
    assert slow.slack_seconds == pytest.approx(-10e-9)
    assert (clock.name, clock.fmax_hz, clock.target_hz) == ("clk", 125e6, 100e6)
    assert clock.is_met
    assert clock.slack_seconds == pytest.approx(2e-9)
    assert sum(step.seconds for step in clock.path) == pytest.approx(8e-9)


def test_steps_have_our_names() -> None:
    path = clocks()[1].path
    assert path[0] == PathStep(kind="clock-to-out", seconds=0.5e-9, cell="core.pe.a",
                               instance="core.pe", primitive="TRELLIS_FF",
                               operation="8-bit register", line=7)  # fmt: skip
    assert (path[2].cell, path[2].operation, path[2].line) == ("core.pe.sum", "32-bit add", 9)
    assert (path[5].cell, path[5].instance, path[5].operation) == ("core.sum", "core", "")
    assert path[-1].kind == "setup"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.b.x_TRELLIS_FF_Q_12_DI_LUT4_Z", "a.b.x"),
        ("a.count_SB_DFFESR_Q_D_SB_LUT4_O_2", "a.count"),
        ("a.storage.0.2_DI_2", "a.storage"),
        ("a.storage.0.2", "a.storage"),
        ("p_LUT4_Z_3$ccu2_comb_1$", "p"),
        ("$abc$12", "$abc$12"),
        ("x.part_0.y_MULT18X18D_A0", "x.part_0.y"),
    ],
)
def test_names_lose_what_yosys_appended(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("aclk", "aclk"),
        ("$glbnet$aclk", "aclk"),
        ("$glbnet$clk$TRELLIS_IO_IN", "clk"),
        ("clk$SB_IO_IN_$glb_clk", "clk"),
        ("clk$SB_IO_IN", "clk"),
    ],
)
def test_clocks_lose_their_buffers(name: str, clean: str) -> None:
    assert clean_clock(name) == clean


def test_a_cell_that_nobody_knows_keeps_its_name() -> None:
    step = Names(CELLS, PATHS, OWNER).step("logic", 1e-9, "$PACKER_VCC")
    assert (step.cell, step.instance, step.operation) == ("$PACKER_VCC", "", "")


def test_what_the_device_has() -> None:
    (use,) = uses_of(REPORT)
    assert (use.name, use.used, use.available) == ("TRELLIS_COMB", 8, 83640)


def test_words() -> None:
    assert limits_of(clocks()) == (
        "clk: 125.0 MHz; the longest path takes 8.00 ns from 8-bit register at core.pe.a to "
        "32-bit register at core.sum",
        "the 32-bit add in core.pe takes 3.00 ns, 38 % of the path",
        "clk: 50 % of the path is routing, 2 levels of logic between the registers",
    )


def test_a_long_wire_is_told() -> None:
    far = PathStep(kind="routing", seconds=6e-9, cell="core.far", instance="core",
                   primitive="LUT4", operation="", line=0)  # fmt: skip
    clock = clocks()[1]
    longer = ClockTiming(name="clk", fmax_hz=70e6, target_hz=100e6, slack_seconds=-4e-9,
                         path=(clock.path[0], far, *clock.path[2:]))  # fmt: skip
    assert limits_of([longer])[-1] == "clk: the longest wire takes 6.00 ns, to core.far"
