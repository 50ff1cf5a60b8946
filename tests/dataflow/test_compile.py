"""Programs carried out word by word give what the golden run of the graph gives."""

import dataclasses
import itertools
import re

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.machine import Engine, Machine, Memory, Scratchpad
from tilewright.dataflow.memory_map import memory_image, read_activations
from tilewright.dataflow.ports import check_ports
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dataflow.untimed import run_untimed
from tilewright.sim.golden.machine import run_program
from tilewright.sim.golden.run import run


def make_machine(rows, cols, lanes, banks, words_per_bank, port_bytes=16, param_sets=4, **more):
    params = {
        "rows": rows,
        "cols": cols,
        "lanes": lanes,
        "dataflow": "output_stationary",
        "param_sets": max(param_sets, lanes // cols),
    } | more
    return Machine(
        engines=(Engine(name="array", kind="systolic", params=params),),
        scratchpad=Scratchpad(banks=banks, words_per_bank=words_per_bank, word_bits=8 * lanes),
        memory=Memory(bytes_per_cycle=port_bytes, latency_cycles=40),
    )


def make_graph(rng, rows, widths):
    """A chain of matmuls with random everything."""
    tensors = [_activation(rng, "x0", (rows, widths[0]), "input")]
    ops = []
    for i, (k, n) in enumerate(itertools.pairwise(widths)):
        constants = {
            f"w{i}": rng.integers(-127, 128, (k, n), np.int8),
            f"b{i}": rng.integers(-5000, 5000, n, np.int32),
            f"s{i}": (rng.uniform(1e-4, 1e-2, n) / np.sqrt(k)).astype(np.float32),
        }
        tensors += [
            Tensor(name=name, shape=data.shape, number_format=data.dtype.name, role="constant",
                   data=data)
            for name, data in constants.items()
        ]  # fmt: skip
        is_last = i == len(widths) - 2
        result = _activation(rng, f"x{i + 1}", (rows, n), "output" if is_last else "intermediate")
        tensors.append(result)
        low, high = sorted(int(v) for v in rng.choice(np.arange(-128, 128), 2, replace=False))
        attributes = {"zero_point": result.zero_point[0], "minimum": low, "maximum": high}
        ops.append(
            Op(name=f"op{i}", kind="matmul", inputs=(f"x{i}", *constants), outputs=(result.name,),
               attributes=attributes)
        )  # fmt: skip
    return Graph(name="chain", ops=tuple(ops), tensors=tuple(tensors))


def _activation(rng, name, shape, role):
    zero_point = (int(rng.integers(-128, 128)),)
    return Tensor(
        name=name, shape=shape, number_format="int8", scale=(0.1,), zero_point=zero_point, role=role
    )


def check(graph, machine, seed, orders):
    """Compile, prove, carry out in several orders, compare every tensor."""
    plan, program = compile_graph(graph, machine)
    check_ports(program, machine.scratchpad.words_per_bank)
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, graph.inputs[0].shape, np.int8)
    image = memory_image(graph, plan, machine, {"x0": values})
    expected = run(graph, {"x0": values})
    for order in orders:
        memory = run_program(program, machine, image, order, seed)
        for name, want in expected.items():
            got = read_activations(memory, graph, plan, machine, name)
            wrong = np.argwhere(got != want)
            assert not len(wrong), (
                f"seed {seed}: {name}{wrong[0]} expected {want[tuple(wrong[0])]} "
                f"got {got[tuple(wrong[0])]} ({len(wrong)} wrong)"
            )
    return plan, program


def loads_first(ready):
    return "load" if "load" in ready else ready[-1]


def loads_last(ready):
    return next((unit for unit in ready if unit not in ("load", "store")), ready[0])


OUTPUT_STATIONARY = {"dataflow": "output_stationary"}
WEIGHT_STATIONARY = {"dataflow": "weight_stationary", "accumulator_rows": 16}
both_dataflows = pytest.mark.parametrize(
    "dataflow", [OUTPUT_STATIONARY, WEIGHT_STATIONARY], ids=["output", "weight"]
)


@both_dataflows
@pytest.mark.parametrize("seed", range(24))
def test_random_ragged_chains(seed, dataflow):
    rng = np.random.default_rng(seed)
    cols = int(rng.integers(1, 5))
    lanes = cols * int(rng.integers(1, 4))
    machine = make_machine(
        rows=int(rng.integers(1, lanes + 1)),
        cols=cols,
        lanes=lanes,
        banks=int(rng.integers(5, 9)),
        words_per_bank=2 ** int(rng.integers(6, 9)),
        port_bytes=2 ** int(rng.integers(0, 5)),
        param_sets=int(rng.integers(1, 9)),
        **dataflow,
    )
    widths = [int(width) for width in rng.integers(1, 33, rng.integers(2, 5))]
    graph = make_graph(rng, int(rng.integers(1, 33)), widths)
    any_order = np.random.default_rng(seed)
    orders = [lambda ready: ready[any_order.integers(len(ready))], loads_first, loads_last]
    check(graph, machine, seed, orders)


@pytest.mark.parametrize(
    ("rows", "cols", "lanes", "m", "widths"),
    [
        (1, 1, 1, 1, (1, 1)),  # the least of everything
        (1, 1, 1, 3, (5, 4, 3)),
        (4, 4, 4, 4, (4, 4)),  # exactly one tile
        (4, 4, 4, 5, (5, 5, 5)),  # one more than a tile
        (3, 2, 4, 7, (9, 10)),
        (8, 8, 16, 20, (64, 64, 32, 10)),
        (16, 16, 16, 37, (64, 33)),
    ],
)
@both_dataflows
def test_boundary_shapes(rows, cols, lanes, m, widths, dataflow):
    machine = make_machine(rows, cols, lanes, 8, 256, **dataflow)
    check(make_graph(np.random.default_rng(7), m, widths), machine, 7, [loads_first, loads_last])


def test_several_blocks_with_a_smaller_last_one():
    machine = make_machine(2, 2, 2, 6, 16)
    graph = make_graph(np.random.default_rng(3), 13, (12, 7, 12, 6))
    plan, _ = check(graph, machine, 3, [loads_first, loads_last])
    tiles = [task.bounds["m_tiles"] for task in plan.tasks if task.op == "op0"]
    assert len(tiles) > 1
    assert tiles[0] > tiles[-1]


BENCHMARK_SHAPES = [
    (128, 768, 768), (128, 64, 128), (128, 128, 64), (128, 768, 3072), (128, 3072, 768),
]  # fmt: skip


@pytest.mark.parametrize(("m", "k", "n"), BENCHMARK_SHAPES)
def test_benchmark_shapes_weight_stationary(m, k, n):
    more = {"dataflow": "weight_stationary", "accumulator_rows": 128}
    machine = make_machine(16, 16, 16, 16, 1024, param_sets=32, **more)
    plan, program = compile_graph(make_graph(np.random.default_rng(1), m, (k, n)), machine)
    check_ports(program, 1024)
    run_untimed(program)
    assert program.num_commands <= 200
    assert sum(task.cycles for task in plan.tasks) == m * k * n // 256


def test_weight_stationary_too_large():
    machine = make_machine(4, 4, 4, 3, 4, dataflow="weight_stationary", accumulator_rows=4)
    graph = make_graph(np.random.default_rng(1), 8, (64, 8))
    with pytest.raises(DoesNotFit, match=r"op op0: 8x64x8 .* least that works is 208 bytes"):
        compile_graph(graph, machine)


@pytest.mark.parametrize("seed", range(12))
def test_the_least_capacity_works(seed):
    """What the message says, for both dataflows."""
    rng = np.random.default_rng(seed)
    cols = int(rng.integers(1, 5))
    lanes = cols * int(rng.integers(1, 4))
    rows, words = int(rng.integers(1, lanes + 1)), 2 ** int(rng.integers(2, 6))
    widths = [int(width) for width in rng.integers(20, 60, 3)]
    graph = make_graph(rng, int(rng.integers(1, 20)), widths)
    for dataflow in (OUTPUT_STATIONARY, WEIGHT_STATIONARY):
        with pytest.raises(DoesNotFit) as caught:
            compile_graph(graph, make_machine(rows, cols, lanes, 2, words, **dataflow))
        banks = int(re.search(r"\((\d+) banks", str(caught.value)).group(1))
        machine = make_machine(rows, cols, lanes, banks, words, **dataflow)
        check(graph, machine, seed, [loads_first])
        with pytest.raises(DoesNotFit):
            compile_graph(graph, make_machine(rows, cols, lanes, banks - 1, words, **dataflow))


@pytest.mark.parametrize(("m", "k", "n"), BENCHMARK_SHAPES)
def test_benchmark_shapes(m, k, n):
    machine = make_machine(16, 16, 16, 16, 1024, param_sets=32)
    graph = make_graph(np.random.default_rng(1), m, (k, n))
    plan, program = compile_graph(graph, machine)
    check_ports(program, 1024)
    run_untimed(program)
    assert program.num_commands <= 100
    assert sum(task.cycles for task in plan.tasks) == m * k * n // 256
    assert plan.settings["b_slots"] >= 2
    assert min(task.bounds["m_tiles"] for task in plan.tasks) >= 2


def test_one_benchmark_shape_is_right():
    machine = make_machine(16, 16, 16, 16, 1024)
    check(make_graph(np.random.default_rng(2), 128, (64, 128)), machine, 2, [None])


def test_plan_keeps_within_banks_and_overlaps_nothing():
    machine = make_machine(4, 4, 4, 6, 32)
    plan, _ = compile_graph(make_graph(np.random.default_rng(5), 30, (30, 21, 9)), machine)
    for kept in plan.residencies:
        assert kept.offset_words + kept.words <= kept.banks.num_banks * 32, kept
    for i, one in enumerate(plan.residencies):
        for other in plan.residencies[:i]:
            if one.banks != other.banks:
                continue
            in_time = one.from_step < other.to_step and other.from_step < one.to_step
            one_end, other_end = (r.offset_words + r.words for r in (one, other))
            in_space = one.offset_words < other_end and other.offset_words < one_end
            assert not (in_time and in_space), (one, other)
    assert plan.certificate.bytes >= plan.certificate.lower_bound_bytes


def test_too_large_op_names_the_least_capacity():
    graph = make_graph(np.random.default_rng(1), 8, (64, 8))
    small = make_machine(4, 4, 4, 3, 32)
    with pytest.raises(DoesNotFit, match=r"op op0: 8x64x8 .* least that works is 896 bytes"):
        compile_graph(graph, small)
    enough = dataclasses.replace(
        small, scratchpad=Scratchpad(banks=7, words_per_bank=32, word_bits=32)
    )
    assert enough.scratchpad.capacity_bytes == 896
    check(graph, enough, 1, [loads_first])


def test_machine_mistakes():
    graph = make_graph(np.random.default_rng(1), 4, (4, 4))
    with pytest.raises(ValueError, match="lanes must be at least rows and cols"):
        compile_graph(graph, make_machine(8, 4, 4, 8, 64))
    with pytest.raises(ValueError, match="lanes must be a multiple of cols 3"):
        compile_graph(graph, make_machine(2, 3, 4, 8, 64))
    good = make_machine(4, 4, 4, 8, 64)
    pad = Scratchpad(banks=8, words_per_bank=64, word_bits=64)
    with pytest.raises(ValueError, match=r"word_bits: must be lanes x 8 = 32, got 64"):
        compile_graph(graph, dataclasses.replace(good, scratchpad=pad))
    with pytest.raises(ValueError, match="exactly one systolic engine"):
        compile_graph(graph, dataclasses.replace(good, engines=()))


def test_memory_image_refuses_wrong_inputs():
    graph, machine = make_graph(np.random.default_rng(1), 4, (4, 4)), make_machine(4, 4, 4, 8, 64)
    plan, _ = compile_graph(graph, machine)
    good = np.zeros((4, 4), np.int8)
    for inputs, words in [
        ({}, "input x0: missing"),
        ({"x0": good, "z": good}, "no input z"),
        ({"x0": good[:3]}, r"must be int8 \(4, 4\)"),
        ({"x0": good.astype(np.int16)}, "got int16"),
    ]:
        with pytest.raises(ValueError, match=words):
            memory_image(graph, plan, machine, inputs)
