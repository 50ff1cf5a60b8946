"""Two products of one multiplier: all of them, and what synthesis makes of a pair."""

import pytest
from tilewright.hw.systolic.pair import PEPair
from tilewright.hw.systolic.params import SystolicParams

from tilewright.build.verilog import emit

PARAMS = SystolicParams(rows=1, cols=2, lanes=2, output="raw", products_per_dsp=2)


@pytest.mark.simulator
def test_every_product_of_int8(netlists, bench):
    """a * b0 and a * b1 for all a, b0, b1: nothing is left to chance in the borrow."""
    texts = {"pair.v": emit(PEPair(PARAMS), "pair")}
    texts["pair_tb.sv"] = (netlists.here / "pair_tb.sv").read_text()
    result = bench(texts, "pair_tb")
    assert result == {"cycles": (1 << 20) + 16, "errors": 0}


@pytest.mark.parametrize(("family", "block"), [("xcup", "DSP48E2"), ("xc7", "DSP48E1")])
def test_a_pair_is_one_block(netlists, family, block):
    cells = netlists.cells(emit(PEPair(PARAMS), "pair"), "pair", family)
    assert cells[block] == 1, cells
