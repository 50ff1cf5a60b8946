"""LUTs that move into the carry chains behind them."""

import copy
from collections import Counter

import pytest

from tilewright.build.synth.carry_pack import pack_carry_luts


def netlist_of(netlists):
    return netlists.netlist((netlists.here / "carries.v").read_text(), "carries", "ecp5")


def test_luts_become_fewer_and_nothing_else_changes(netlists):
    netlist = netlist_of(netlists)
    before = copy.deepcopy(netlist)
    cells = pack_carry_luts(netlist)["modules"]["carries"]["cells"]
    assert netlist == before, "the given netlist was changed"
    old = Counter(cell["type"] for cell in before["modules"]["carries"]["cells"].values())
    new = Counter(cell["type"] for cell in cells.values())
    # 24 bits of the accumulator, and of each of the others 16 or so.
    assert new["LUT4"] <= old["LUT4"] - 24 - 3 * 15, (old, new)
    assert old - new == Counter(LUT4=old["LUT4"] - new["LUT4"])


@pytest.mark.simulator
def test_nothing_can_tell(netlists, compare):
    result = compare(netlist_of(netlists), "carries", "clk", pack_carry_luts)
    assert result["errors"] == 0 and result["changes"] > 19000, result
