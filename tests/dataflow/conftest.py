"""What tests of programs share: carried out word by word, in several orders of the units."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.memory_map import memory_image, read_activations
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.program import Program
from tilewright.sim.golden.machine import run_program
from tilewright.sim.golden.run import run

Order = Callable[[list[str]], str]


def orders(seed: int) -> Iterator[Order]:
    rng = np.random.default_rng(seed)
    yield lambda ready: ready[rng.integers(len(ready))]
    yield lambda ready: "load" if "load" in ready else ready[-1]
    yield lambda ready: next((u for u in ready if u not in ("load", "store")), ready[0])
    yield lambda ready: next((u for u in ready if u != "array.o"), ready[0])
    yield lambda ready: "store" if "store" in ready else ready[0]


def count_wrong(graph: Graph, plan: Plan, program: Program, machine: Machine, seed: int) -> int:
    """Wrong values of the model's outputs, over several orders of the units."""
    rng = np.random.default_rng(seed)
    inputs = {t.name: rng.integers(-128, 128, t.shape, np.int8) for t in graph.inputs}
    image, expected = memory_image(graph, plan, machine, inputs), run(graph, inputs)
    wrong = 0
    for order in orders(seed):
        memory = run_program(program, machine, image, order, seed)
        for tensor in graph.outputs:
            got = read_activations(memory, graph, plan, machine, tensor.name)
            wrong += int((got != expected[tensor.name]).sum())
    return wrong


@pytest.fixture(scope="session")
def wrong_values() -> Callable[[Graph, Plan, Program, Machine, int], int]:
    """`wrong_values(graph, plan, program, machine, seed)`: of the outputs, over several orders."""
    return count_wrong
