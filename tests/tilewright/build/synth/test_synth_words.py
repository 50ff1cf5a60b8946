"""What is said of real reports of place and route, recorded in tests/data."""

import json
from pathlib import Path

from tilewright.build.synth.result import ClockTiming
from tilewright.build.synth.timing import Names, clocks_of
from tilewright.build.synth.words import limits_of
from tilewright.flow.synth_report import hops

DATA = Path(__file__).parents[3] / "data"
PE = "systolic.core.array.rows.part_0.pes.part_0"


def recorded(name: str) -> ClockTiming:
    data = json.loads((DATA / name).read_text())
    names = Names(
        data["cells"], data["paths"], data["owner"],
        products=data["products"], clocks={"clk": data["clock"]},
    )  # fmt: skip
    (clock,) = clocks_of(data["report"], names)
    return clock


def test_an_ice40_path_has_its_registers_its_multiplication_and_its_levels() -> None:
    clock = recorded("ice40_pe.json")
    assert clock.name == "aclk", "as the design calls it, not the harness around it"
    assert limits_of([clock]) == (
        "aclk: 105.3 MHz; the longest path takes 9.50 ns from 8-bit register at "
        f"systolic.core.array.rows.b_out to 16-bit register at {PE}.product",
        f"the 16-bit multiply in {PE} takes 3.10 ns, 33 % of the path",
        "aclk: 58 % of the path is routing, 6 levels of logic between the registers",
        f"aclk: the longest wire takes 1.27 ns, to 16-bit multiply at {PE}.product",
    )


def test_only_real_carries_are_one_level() -> None:
    """Five LUTs, then nine carries in a row: cells of both are called after the same net."""
    logic = [step.primitive for step in recorded("ice40_pe.json").path if step.kind == "logic"]
    assert logic == 5 * ["SB_LUT4"] + 9 * ["SB_CARRY"]


def test_the_lines_of_an_ice40_path() -> None:
    first, product, last = hops(recorded("ice40_pe.json").path)
    assert first.place == "8-bit register at systolic.core.array.rows.b_out"
    assert (product.place, product.count) == (f"16-bit multiply at {PE}.product", 14)
    assert last.place == f"setup of 16-bit register at {PE}.product"


def test_a_gowin_chain_is_one_level() -> None:
    """A register, nine cells of an addition in a row, a register."""
    clock = recorded("gowin_sum.json")
    assert limits_of([clock]) == (
        "aclk: 517.3 MHz; the longest path takes 1.93 ns from 8-bit register at p to 12-bit "
        "register at s",
        "the 12-bit add takes 1.26 ns, 65 % of the path",
        "aclk: 21 % of the path is routing, 1 level of logic between the registers",
    )
