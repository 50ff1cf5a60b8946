"""Systolic template: parameters, packing, golden model, large arrays, activity, closed forms."""

import itertools

import numpy as np
import onnx
import pytest
from amaranth.sim import Simulator
from onnx import helper, numpy_helper
from tilewright.hw.lib import chain
from tilewright.hw.systolic import cost, mapping
from tilewright.hw.systolic import params as params_module
from tilewright.hw.systolic.feed import Serializer
from tilewright.hw.systolic.law import kernel_cycles
from tilewright.hw.systolic.params import ElementParams, SystolicParams
from tilewright.hw.systolic.rtl import Systolic
from tilewright.sim.golden.oracle import integer_session
from tilewright.sim.golden.systolic import matmul, systolic
from tilewright.sim.pysim import put, simulate

from tilewright.spec.numbers import NumberFormat

SEED = 31


def raw(rows, cols, lanes, **more):
    return SystolicParams(rows=rows, cols=cols, lanes=lanes, output="raw", **more)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 0}, "rows: at least 1, got 0"),
        ({"lanes": 3}, "lanes: at least rows = 4, got 3"),
        ({"rows": 2, "lanes": 3}, "lanes: at least cols = 4, got 3"),
        ({"accumulator_bits": 49}, "accumulator_bits: 8..48, got 49"),
        ({"a_format": NumberFormat(17)}, "a_format: 2..16 bits, got 17"),
        ({"b_feed": "k_middle"}, "b_feed: one of k_inner, k_outer, got 'k_middle'"),
        ({"output": "int9"}, "output: one of int8, raw, got 'int9'"),
        ({"edge_blocks": 1}, "edge_blocks: at least 2, got 1"),
        ({"requantize": "float"}, "mode: must be 'exact' or 'fixed', got 'float'"),
    ],
)
def test_wrong_parameters_name_both_parties(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$".replace(".", r"\.")):
        SystolicParams(**{"rows": 4, "cols": 4, "lanes": 4, **wrong})


def test_loops_refuse_what_does_not_fit():
    params = SystolicParams(rows=4, cols=4, lanes=4, param_sets=2, bound_bits=2)
    with pytest.raises(ValueError, match="subpanels: at most param_sets = 2, got 3"):
        mapping.tile_loops(params, 4, 4, 4, subpanels=3)
    with pytest.raises(ValueError, match="5 k_blocks do not fit bound_bits = 2"):
        mapping.tile_loops(params, 4, 17, 4)
    assert mapping.tile_loops(params, 16, 16, 16).tiles == 16


def test_words_by_hand():
    """2x2 array, lanes 2: [[1, 2, 3]] x [[1, 4], [2, 5], [3, -1]] as 8-bit words."""
    params = SystolicParams(rows=2, cols=2, lanes=2)
    a, b = [[1, 2, 3]], [[1, 4], [2, 5], [3, -1]]
    loops = mapping.tile_loops(params, 1, 3, 2)
    assert list(mapping.pack_a(params, loops, a)) == [0x0201, 0, 0x0003, 0]
    assert list(mapping.pack_b(params, loops, b)) == [0x0201, 0x0504, 0x0003, 0x00FF]
    words = list(mapping.pack_parameters(params, loops, [-1, 2], [0x3F800000, 7]))
    assert params.param_word_bits == 16
    assert words == [0xFFFF, 0xFFFF, 0x0000, 0x3F80, 2, 0, 7, 0]
    assert matmul(a, b, 32).tolist() == [[14, 11]]
    assert mapping.unpack_outputs(params, loops, [0x0BFE, 0], 1, 2) == [[-2, 11]]


def test_words_of_outer_feeds_by_hand():
    params = raw(2, 2, 3, a_feed="k_outer", b_feed="k_outer")
    loops = mapping.tile_loops(params, 3, 2, 2)
    assert (loops.k_blocks, loops.m_tiles) == (2, 2)
    a_words = list(mapping.pack_a(params, loops, [[1, 2], [3, 4], [5, 6]]))
    assert a_words == [0x0301, 0x0402, 0x0005, 0x0006]


def test_golden_equals_onnxruntime_integer_kernel():
    rng = np.random.default_rng(SEED)
    a = rng.integers(0, 256, (5, 33)).astype(np.uint8)
    b = rng.integers(-128, 128, (33, 7)).astype(np.int8)
    tensors = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("a", onnx.TensorProto.UINT8, [5, 33]),
            ("b", onnx.TensorProto.INT8, [33, 7]),
            ("o", onnx.TensorProto.INT32, [5, 7]),
        )
    ]
    node = helper.make_node("MatMulInteger", ["a", "b"], ["o"])
    weights = numpy_helper.from_array(b, "b")  # a constant, so that sums keep all bits anywhere
    graph = helper.make_graph([node], "g", tensors[:1], tensors[2:], [weights])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    expected = integer_session(model.SerializeToString()).run(None, {"a": a})[0]
    params = raw(4, 4, 4, a_format=NumberFormat(8, signed=False))
    assert systolic(params, a, b).tolist() == expected.tolist(), f"seed {SEED}"


def test_golden_wraps():
    assert matmul([[127]], [[2]], 8).tolist() == [[-2]]
    assert matmul([[-128]], [[-128]], 15).tolist() == [[-(1 << 14)]]


@pytest.mark.parametrize(
    ("rows", "cols", "lanes"), [(4, 4, 4), (8, 8, 16), (16, 16, 16), (3, 5, 7)]
)
def test_no_cycle_is_lost_between_tiles(rows, cols, lanes):
    """Fill, then every step of k of every tile, then the last tile's way out."""
    params = raw(rows, cols, lanes)
    commands = [mapping.tile_loops(params, 5 * rows, k, 3 * cols) for k in (1, lanes, 4 * lanes)]
    steps = sum(loops.blocks for loops in commands) * lanes
    fill = max(rows, cols)
    tail = cost.first_output_cycles(params) + rows - lanes
    assert kernel_cycles(params, commands) == fill + steps + tail


def run_raw(params, a, b, loops, o_ready=True, words=None, limit_cycles=3000):
    dut = Systolic(params)
    ports = {name: getattr(dut, name) for name in ("command", "a", "b", "o")}
    sources = {
        "command": [mapping.command_fields(params, loops)],
        "a": list(mapping.pack_a(params, loops, a))[:words],
        "b": list(mapping.pack_b(params, loops, b))[:words],
    }

    async def take(ctx):
        ctx.set(dut.o.ready, o_ready)
        await ctx.tick().repeat(200)

    benches = [lambda ctx, name=name: put(ctx, ports[name], sources[name]) for name in sources]
    watch = {name: getattr(dut, name) for name in ("busy", "wait_input", "wait_output")}
    return simulate(dut, [*benches, take], watch, streams=ports, limit_cycles=limit_cycles)


@pytest.mark.parametrize("feeds", list(itertools.product(("k_inner", "k_outer"), repeat=2)))
def test_large_arrays_are_the_same_hardware(feeds, monkeypatch):
    """Chains by halves and shared rows, tried on an array that is small enough to simulate."""
    monkeypatch.setattr(params_module, "LARGE_PES", 1)
    monkeypatch.setattr(chain, "MAX_FLAT_PARTS", 2)
    params = raw(5, 6, 6, a_feed=feeds[0], b_feed=feeds[1])
    assert params.is_large
    rng = np.random.default_rng(SEED)
    a, b = rng.integers(-128, 128, (10, 13)), rng.integers(-128, 128, (13, 7))
    loops = mapping.tile_loops(params, 10, 13, 7)
    trace = run_raw(params, a, b, loops)
    mask = (1 << params.output_word_bits) - 1
    words = [word & mask for word in trace.payloads("o")]
    got = mapping.unpack_outputs(params, loops, words, 10, 7)
    assert got == systolic(params, a, b).tolist(), f"seed {SEED}"
    assert trace.times("o")[-1] - trace.times("command")[0] + 1 == kernel_cycles(params, [loops])


def test_extreme_operands():
    """All minima: the largest products and sums that occur."""
    params = raw(2, 3, 4, a_format=NumberFormat(16), b_format=NumberFormat(16), accumulator_bits=48)
    a, b = np.full((2, 8), -(1 << 15)), np.full((8, 3), -(1 << 15))
    loops = mapping.tile_loops(params, 2, 8, 3)
    trace = run_raw(params, a, b, loops)
    words = [word & ((1 << params.output_word_bits) - 1) for word in trace.payloads("o")]
    assert mapping.unpack_outputs(params, loops, words, 2, 3) == [[8 << 30] * 3] * 2


def test_waits_for_input_when_a_word_is_missing():
    params = raw(3, 3, 3)
    loops = mapping.tile_loops(params, 6, 9, 3)
    a, b = np.ones((6, 9), int), np.ones((9, 3), int)
    trace = run_raw(params, a, b, loops, words=3 * 6 - 1)  # one word of the last block
    last = slice(-30, None)
    assert all(trace["wait_input"][last])
    assert all(trace["busy"][last])
    assert not any(trace["wait_output"])
    assert len(trace.times("o")) == params.rows


def test_waits_for_output_when_nothing_leaves():
    params = raw(2, 2, 2)
    tiles = cost.output_tiles(params) + 2
    loops = mapping.tile_loops(params, 2 * tiles, 2, 2)
    a, b = np.ones((2 * tiles, 2), int), np.ones((2, 2), int)
    dut = Systolic(params)
    sources = {
        "command": [mapping.command_fields(params, loops)],
        "a": list(mapping.pack_a(params, loops, a)),
        "b": list(mapping.pack_b(params, loops, b)),
    }

    async def watch_for(ctx):
        await ctx.tick().repeat(150)
        assert ctx.get(dut.wait_output)
        assert not ctx.get(dut.wait_input)
        ctx.set(dut.o.ready, 1)
        while ctx.get(dut.busy):
            await ctx.tick()

    ports = {name: getattr(dut, name) for name in ("command", "a", "b", "o")}
    benches = [lambda ctx, name=name: put(ctx, ports[name], sources[name]) for name in sources]
    trace = simulate(dut, [*benches, watch_for], {"busy": dut.busy}, streams=ports)
    assert len(trace.times("o")) == params.rows * tiles


@pytest.mark.parametrize("num", [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17])
def test_a_serialiser_hands_out_its_word_and_then_zeros(num):
    """Words with and without gaps, and whatever lies on `word` in other cycles."""
    rng = np.random.default_rng(SEED)
    dut = Serializer(ElementParams(num=num, bits=4))
    loads = np.cumsum(num + rng.choice([0, 0, 1, 3, 2 * num + 1, 40], 12))
    expected: dict[int, int] = {}

    async def bench(ctx):
        index = 0
        for cycle in range(int(loads[-1]) + num + 40):
            elements, is_load = rng.integers(1, 16, num), cycle in loads
            word = sum(int(element) << 4 * n for n, element in enumerate(elements))
            ctx.set(dut.word, word)
            ctx.set(dut.load, is_load)
            ctx.set(dut.index, index)
            if is_load:
                expected.update({cycle + 1 + n: int(e) for n, e in enumerate(elements)})
            if cycle > loads[0]:
                assert ctx.get(dut.element) == expected.get(cycle, 0), f"{SEED=} cycle {cycle}"
            index = 0 if is_load else (index + 1) % (1 << len(dut.index))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
