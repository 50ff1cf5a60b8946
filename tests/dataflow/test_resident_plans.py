"""Planned schedules: right in every order of the units, and true to the bytes that they name."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.ports import check_ports
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dataflow.untimed import run_untimed
from tilewright.dse.estimate import estimate

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph, matmul_tree

SECONDS = 0.5
WIDE = [(-1, 160), (0, 160), (1, 96), (0, 160), (3, 96)]


def machine_of(banks: int, words: int, **sizes: Any) -> Machine:
    """Banks of `words` words."""
    sizes = {"rows": 4, "cols": 4, "lanes": 16} | sizes
    return systolic_machine(
        banks=banks, scratchpad_bytes=banks * words * sizes["lanes"], latency_cycles=9, **sizes
    )


Check = Callable[..., Plan]


@pytest.fixture(scope="module")
def check(wrong_values: Callable[..., int]) -> Check:
    """`check(graph, machine, seed, seconds)`: plan, prove, run, compare; the plan."""

    def check_graph(graph: Graph, machine: Machine, seed: int, seconds: float = SECONDS) -> Plan:
        plan, program = compile_graph(graph, machine, "bytes", seconds)
        assert not wrong_values(graph, plan, program, machine, seed), f"seed {seed}"
        check_plan(plan, program, machine, seed)
        return plan

    return check_graph


def check_plan(plan: Plan, program: Program, machine: Machine, seed: int) -> None:
    """Proved; bytes as counted by the plan, its transfers and the timed program."""
    run_untimed(program)
    check_ports(program, machine.scratchpad.words_per_bank)
    check_residencies(plan, machine)
    certificate, timed = plan.certificate, estimate(program, machine)
    words = sum(transfer.words for transfer in (*plan.loads, *plan.stores))
    assert certificate.bytes == words * machine.word_bytes, f"seed {seed}"
    assert timed.read_words + timed.written_words == words, f"seed {seed}"
    assert 0 < certificate.lower_bound_bytes <= certificate.bytes, f"seed {seed}"


def check_residencies(plan: Plan, machine: Machine) -> None:
    """Within their banks, apart from each other, and there for each task."""
    per_bank = machine.scratchpad.words_per_bank
    for i, one in enumerate(plan.residencies):
        assert one.offset_words + one.words <= one.banks.num_banks * per_bank, one
        assert one.to_step <= len(plan.tasks)
        for other in plan.residencies[:i]:
            in_time = one.from_step < other.to_step and other.from_step < one.to_step
            one_end, other_end = (r.offset_words + r.words for r in (one, other))
            in_space = one.offset_words < other_end and other.offset_words < one_end
            assert one.banks != other.banks or not (in_time and in_space), (one, other)
    for step, task in enumerate(plan.tasks):
        here = {r.tensor for r in plan.residencies if r.from_step <= step < r.to_step}
        assert {region.tensor for region in (*task.operands, *task.results)} <= here, task.name


def random_tree(rng: np.random.Generator) -> Graph:
    ops = [(-1, int(rng.integers(1, 33)))]
    for place in range(1, int(rng.integers(1, 7))):
        ops.append((int(rng.integers(-1, place)), int(rng.integers(1, 33))))
    m, k = (int(n) for n in rng.integers(1, 33, 2))
    return matmul_tree(m, k, ops, seed=int(rng.integers(1 << 30)))


@pytest.mark.parametrize("seed", range(11))
def test_random_trees(check: Check, seed: int) -> None:
    check_random(check, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_many_random_trees(check: Check, seed: int) -> None:
    check_random(check, seed)


def check_random(check: Check, seed: int) -> None:
    """A random tree of ragged ops on the machine that it needs, and on one with a bank more."""
    rng = np.random.default_rng(seed)
    cols = int(rng.integers(1, 5))
    lanes = cols * int(rng.integers(1, 4))
    sizes = {
        "rows": int(rng.integers(1, lanes + 1)),
        "cols": cols,
        "lanes": lanes,
        "bytes_per_cycle": 2 ** int(rng.integers(0, 5)),
        "param_sets": lanes // cols * int(rng.integers(1, 4)),
    }
    words, graph = 2 ** int(rng.integers(3, 7)), random_tree(rng)
    with pytest.raises(DoesNotFit) as caught:
        compile_graph(graph, machine_of(1, words, **sizes), "bytes")
    found = re.search(r"\((\d+) banks of", str(caught.value))
    assert found is not None, caught.value
    least = int(found.group(1))
    for banks in (least, least + int(rng.integers(1, 4))):
        check(graph, machine_of(banks, words, **sizes), seed)
    if least > 2:
        with pytest.raises(DoesNotFit):
            compile_graph(graph, machine_of(least - 1, words, **sizes), "bytes")


def test_results_leave_and_return(check: Check) -> None:
    """y_0 has two readers, and results of both of them follow: there is no room to keep it."""
    plan = check(matmul_tree(7, 64, WIDE, seed=2), machine_of(8, 32), 2, seconds=4.0)
    stored = {transfer.tensor for transfer in plan.stores}
    loaded = {transfer.tensor for transfer in plan.loads}
    assert {"y_2", "y_4", "y_0"} <= stored
    assert "y_0" in loaded and not {"y_2", "y_4"} & loaded


def test_with_room_everything_moves_once(check: Check) -> None:
    """By hand: 4 blocks of k and 1 panel of results of 64 words; 4 x 4, 2 x 4 and 1 x 2 blocks of
    16 words of weights; 7 panels of 8 words of parameters."""
    graph = matmul_graph(64, 64, (64, 32, 10), seed=1)
    machine = machine_of(8, 512, rows=8, cols=8)
    plan = check(graph, machine, 1)
    words = 5 * 64 + (16 + 8 + 2) * 16 + 7 * 8
    assert plan.certificate.bytes == plan.certificate.lower_bound_bytes == 16 * words
    assert [task.op for task in plan.tasks] == ["matmul_0", "matmul_1", "matmul_2"]
    streamed = compile_graph(graph, machine)[0]
    assert streamed.certificate.bytes == 16 * (words + 2 * 4 * 64 + 2 * 2 * 64)


def test_row_blocks_keep_activations_inside(check: Check) -> None:
    """Neither all activations nor all weights and a block fit, and yet no result moves."""
    graph = matmul_graph(64, 64, (64, 32, 10), seed=1)
    plan = check(graph, machine_of(8, 64, rows=8, cols=8), 1, seconds=4.0)
    assert len(plan.tasks) > len(graph.ops)
    assert {transfer.tensor for transfer in plan.stores} == {"y_2"}
    assert {transfer.tensor for transfer in plan.loads} & {"y_0", "y_1"} == set()
    weights = sum(t.words for t in plan.loads if t.tensor.endswith("_weight"))
    assert weights < 2 * (16 + 8 + 2) * 16, "most of them are read once"


def test_an_output_that_is_read_again_is_stored_once(check: Check) -> None:
    graph = matmul_graph(9, 20, (20, 18), seed=3)
    tensors = tuple(
        type(t)(**{**vars(t), "role": "output"}) if t.name == "y_0" else t for t in graph.tensors
    )
    graph = Graph(name="two", ops=graph.ops, tensors=tensors)
    plan = check(graph, machine_of(8, 64), 3)
    stored = [(t.tensor, t.tile) for t in plan.stores]
    assert {name for name, _ in stored} == {"y_0", "y_1"}
    assert len(stored) == len(set(stored))
    assert plan.certificate.gap == 0


def test_weight_stationary_is_not_there_yet() -> None:
    graph = matmul_graph(4, 4, 4, seed=1)
    machine = machine_of(8, 64, dataflow="weight_stationary")
    with pytest.raises(DoesNotFit, match="bytes is not yet there for weight_stationary"):
        compile_graph(graph, machine, "bytes")


def test_the_least_capacity_is_named(check: Check) -> None:
    graph = matmul_graph(8, 64, 8, seed=1)
    with pytest.raises(DoesNotFit, match=r"op matmul_0: 8x64x8 .* least that works is 1536 bytes"):
        compile_graph(graph, machine_of(2, 32), "bytes")
    check(graph, machine_of(3, 32), 1)


def renamed(graph: Graph, prefix: str) -> Graph:
    """The graph with `prefix` before every name."""
    ops = tuple(
        dataclasses.replace(
            op,
            name=prefix + op.name,
            inputs=tuple(prefix + name for name in op.inputs),
            outputs=tuple(prefix + name for name in op.outputs),
        )
        for op in graph.ops
    )
    tensors = tuple(dataclasses.replace(t, name=prefix + t.name) for t in graph.tensors)
    return Graph(name=graph.name, ops=ops, tensors=tensors)


def test_two_inputs_with_other_numbers_of_rows(check: Check) -> None:
    one = renamed(matmul_graph(20, 30, (40, 20), seed=1), "one_")
    two = renamed(matmul_graph(7, 50, (30, 9), seed=2), "two_")
    both = Graph(name="both", ops=one.ops + two.ops, tensors=one.tensors + two.tensors)
    plan = check(both, machine_of(4, 64), 1)
    assert {task.op for task in plan.tasks} == {op.name for op in both.ops}


def test_weights_that_two_ops_share_are_loaded_once(check: Check) -> None:
    graph = matmul_graph(9, 20, (20, 20), seed=5)
    first, second = graph.ops
    second = dataclasses.replace(second, inputs=(second.inputs[0], *first.inputs[1:]))
    used = {name for op in (first, second) for name in (*op.inputs, *op.outputs)}
    tensors = tuple(tensor for tensor in graph.tensors if tensor.name in used)
    shared = Graph(name="shared", ops=(first, second), tensors=tensors)
    plan = check(shared, machine_of(6, 32), 2)
    loads = [t.tensor for t in plan.loads if t.tensor.endswith("_weight")]
    assert loads == ["matmul_0_weight"]
