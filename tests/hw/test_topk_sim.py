"""Queues and merges in Amaranth's simulator: what no spec asks for and the page promises."""

import pytest
from tilewright.hw.topk.mapping import input_words, packet_of
from tilewright.hw.topk.params import TopKParams
from tilewright.hw.topk.rtl import TopK
from tilewright.sim.pysim import get, put, put_encoded, simulate

from tilewright.flow.topk_cases import selected
from tilewright.spec.numbers import NumberFormat


@pytest.mark.parametrize("engine", ["filtered_queue", "bitonic_merge"])
def test_indices_of_packets_that_are_too_long_wrap(engine):
    """Indices count modulo a power of two; the next packet is right again."""
    values = {"engine": engine, "lanes": 3, "key": NumberFormat(5), "k_max": 2}
    params = TopKParams(**values, max_words=2)
    longer = TopKParams(**values, max_words=9)
    assert params.index_bits == 3
    keys = [3, 1, 2, 0, -5, 1, 2, 2, -1, 0, 3, 1, 15, -16, 2]
    packets = [packet_of(longer, keys, 2), packet_of(longer, [4, 9], 1)]
    dut = TopK(params)

    async def offer_k(ctx):
        await put(ctx, dut.k, [packet.k for packet in packets])

    async def offer_keys(ctx):
        words = [word for packet in packets for word in input_words(longer, packet)]
        await put_encoded(ctx, dut.i, words)

    pairs = []

    async def take(ctx):
        num_words = 3 if params.out_lanes == 1 else 2
        await get(ctx, dut.o, num_words)

    trace = simulate(dut, [offer_k, offer_keys, take], {}, streams={"o": dut.o})
    lanes, bits, index_bits = params.out_lanes, params.key.bits, params.index_bits
    for word in trace.payloads("o"):
        for lane in range(lanes):
            if word >> lanes * (bits + index_bits) + lane & 1:
                pairs.append(word >> lanes * bits + lane * index_bits & 7)
    expected = [i & 7 for packet in packets for i in selected(longer, packet)]
    assert expected == [4, 0, 1]
    assert pairs == expected
