"""Chains: the same behaviour whether flat or made of halves."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.lib.chain import MAX_FLAT_PARTS, Chain, ChainParams
from tilewright.sim.pysim import simulate

from tilewright.build.verilog import emit

SEED = 5
BITS = 6


class Adder(wiring.Component):
    """Adds its own operand and a shared one to what comes along, one cycle per part."""

    chained = ("sum",)
    broadcast = ("offset",)

    def __init__(self, params):
        self.params = params
        members = {"sum_in": In(params), "sum_out": Out(params), "offset": In(params)}
        super().__init__({**members, "operand": In(params), "seen": Out(params)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.sum_out.eq(self.sum_in + self.operand + self.offset)
        m.d.comb += self.seen.eq(self.sum_in)
        return m


class Adders(Chain):
    PART = Adder


@pytest.mark.parametrize("is_compact", [False, True])
@pytest.mark.parametrize("num", [1, 2, MAX_FLAT_PARTS, MAX_FLAT_PARTS + 1, 2 * MAX_FLAT_PARTS + 3])
def test_sums_along_the_chain(num, is_compact):
    operands = np.random.default_rng(SEED).integers(1 << BITS, size=num).tolist()
    dut = Adders(ChainParams(part=BITS, num=num, is_compact=is_compact))

    async def drive(ctx):
        ctx.set(dut.operand, sum(x << (BITS * i) for i, x in enumerate(operands)))
        ctx.set(dut.offset, 3)
        ctx.set(dut.sum_in, 1)
        await ctx.tick().repeat(num + 1)

    trace = simulate(dut, [drive], {"sum": dut.sum_out, "seen": dut.seen})
    sums = [(1 + sum(operands[:i]) + 3 * i) % (1 << BITS) for i in range(num + 1)]
    assert trace["sum"][-1] == sums[num], f"seed {SEED}"
    seen = [(trace["seen"][-1] >> (BITS * i)) % (1 << BITS) for i in range(num)]
    assert seen == sums[:num], f"seed {SEED}"


def test_text_grows_with_the_logarithm():
    sizes = {n: len(emit(Adders(ChainParams(part=BITS, num=n)), "adders")) for n in (64, 512)}
    assert sizes[512] < 1.5 * sizes[64], sizes
