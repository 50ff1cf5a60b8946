"""Zero skip: parameters, words, the cost law by hand, and the component in Amaranth's simulator."""

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from tilewright.hw.zero_skip import cost, mapping
from tilewright.hw.zero_skip.params import ZeroSkipParams
from tilewright.hw.zero_skip.rtl import ZeroSkip
from tilewright.sim.pysim import STALLS, get, put_encoded, simulate, stalls

from tilewright.flow.zero_skip_cases import Packet, corners, random_packets, work_of
from tilewright.spec.numbers import NumberFormat

SEED = 32
P4 = ZeroSkipParams(lanes=4, elements=30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 0}, "lanes: at least 1"),
        ({"lanes": 12}, "lanes: a power of two, got 12"),
        ({"lanes": 128}, "lanes: at most 64"),
        ({"elements": 0}, "elements: at least 1"),
        ({"elements": 65537}, "elements: at most 65536"),
        ({"function": "none"}, "function: one of zeros, threshold, delta"),
        ({"value": NumberFormat(17)}, "value: 2..16 bits, got 17"),
    ],
)
def test_parameters_that_make_no_hardware(changes, message):
    with pytest.raises(ValueError, match=message):
        ZeroSkipParams(**{"lanes": 4, "elements": 30, **changes})


def test_words_by_hand():
    """int8, 4 lanes, 5 bits of index: the lowest element lowest, then indices, mask, last."""
    assert mapping.pack_packet(P4, [1, -1, 2, 3, 5], [True, True, False, True, True]) == [
        0xB_0302FF01,
        0x11_00000005,
    ]
    assert mapping.pack_packet(P4, []) == [1 << 36]
    pairs = [(1, 0), (-1, 1), (3, 3), (5, 4)]
    word = 0x0503FF01 | (0 | 1 << 5 | 3 << 10 | 4 << 15) << 32 | 0xF << 52 | 1 << 56
    assert mapping.pack_results(P4, pairs) == [word]
    assert mapping.unpack_results(P4, [word, 1 << 56]) == [pairs, []]
    with pytest.raises(ValueError, match="value 1: does not fit int8, got 128"):
        mapping.pack_packet(P4, [0, 128])
    with pytest.raises(ValueError, match="present: 1 flags"):
        mapping.pack_packet(P4, [0], [True, False])


def test_the_law_by_hand():
    """4 lanes: one row of registers in the network, so 5 cycles from word to word."""
    assert cost.latency_cycles(P4) == 5
    assert list(cost.output_cycles(P4, [[4, 4, 1]])) == [6, 7, 8]
    assert list(cost.output_cycles(P4, [[1, 1, 1, 1]])) == [8]
    assert list(cost.output_cycles(P4, [[4, 0, 0]])) == [7]  # full, and known as last at the end
    assert list(cost.output_cycles(P4, [[3, 4], [4]])) == [6, 7, 8]  # all but the first are late
    assert list(cost.output_cycles(P4, [[0], [0, 0]])) == [5, 7]
    assert cost.kernel_cycles(P4, [[4, 4, 1]]) == 9
    delta = ZeroSkipParams(lanes=1, elements=1, function="delta")
    assert cost.latency_cycles(delta) == 5
    assert cost.kernel_cycles(delta, [[1]]) == 7  # the command goes first


def test_no_data_exceeds_the_bound():
    rng = np.random.default_rng(SEED)
    for _ in range(300):
        packets = [
            rng.integers(0, 5, rng.integers(1, 6)).tolist() for _ in range(rng.integers(1, 8))
        ]
        num_words = sum(map(len, packets))
        cycles = cost.kernel_cycles(P4, packets)
        bound = cost.bound_cycles(P4, num_words)
        assert bound - 1 <= cycles <= bound, f"seed {SEED}: {packets}"


@pytest.mark.parametrize("kind", STALLS)
@pytest.mark.parametrize("function", ["zeros", "delta"])
def test_component_under_stalls(kind, function):
    """Every word; `valid` does not depend on `ready`; without stalls the cycles of the law."""
    params = ZeroSkipParams(lanes=4, elements=9, function=function)
    rng = np.random.default_rng(SEED)
    packets = [packet for _ in range(4) for packet in random_packets(params, rng)]
    work = work_of(params, "random", packets)
    dut = ZeroSkip(params)
    names = list(work.inputs)
    streams = {name: getattr(dut, name) for name in [*names, "o"]}

    def player(name):
        return lambda ctx: put_encoded(ctx, streams[name], work.inputs[name])

    async def take(ctx):
        await get(ctx, dut.o, len(work.expected["o"]), stalls(kind, SEED))

    trace = simulate(dut, [*map(player, names), take], {}, streams=streams)
    assert trace.payloads("o") == list(work.expected["o"]), f"seed {SEED}"
    if kind == "none":
        first = min(trace.times(name)[0] for name in names)
        assert trace.times("o")[-1] - first + 1 == work.cycles


def test_a_reset_leaves_nothing_under_way():
    """Reset in each cycle of a packet: what comes after it is whole, and the last thing."""
    packet = mapping.pack_packet(P4, [1, 2, 3, 4, 5, 6, 7])
    expected = mapping.pack_results(P4, [(n, n - 1) for n in range(1, 8)])
    for cycle in range(10):
        m, dut, reset = Module(), ZeroSkip(P4), Signal()
        m.submodules.dut = ResetInserter(reset)(dut)

        async def feed(ctx, dut=dut, reset=reset, cycle=cycle):
            ctx.set(dut.o.ready, 1)
            ctx.set(dut.i.valid, 1)
            for n in range(cycle):
                ctx.set(dut.i.payload.as_value(), packet[n % 2])
                await ctx.tick()
            ctx.set(dut.i.valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await put_encoded(ctx, dut.i, packet)

        trace = simulate(m, [feed], {"reset": reset}, streams={"o": dut.o}, drain_cycles=20)
        after = [word for t, word in trace.transfers("o") if t > trace.when("reset")[0]]
        assert after == expected, f"reset in cycle {cycle}"


def test_words_are_as_few_as_can_be():
    """A full word that turns out to be the last one carries `last`: no empty word behind it."""
    values = [1, 2, 3, 4, 0, 0, 0, 0]
    work = work_of(P4, "full", [Packet(values=values), Packet(values=[0, *values])])
    dut = ZeroSkip(P4)

    async def feed(ctx):
        await put_encoded(ctx, dut.i, work.inputs["i"])

    async def take(ctx):
        await get(ctx, dut.o, 2)

    trace = simulate(dut, [feed, take], {}, streams={"o": dut.o}, drain_cycles=20)
    packets = mapping.unpack_results(P4, trace.payloads("o"))
    assert packets == [[(n, n - 1) for n in range(1, 5)], [(n, n) for n in range(1, 5)]]


def test_corner_cases_are_what_they_say():
    """The case `late` has output words that wait: it would not be one of the law otherwise."""
    late = next(work for work in corners(P4) if work.name == "late")
    assert late.cycles == cost.bound_cycles(P4, len(late.inputs["i"]))
