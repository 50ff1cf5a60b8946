"""Problems of the makespan benchmark: `digits_mlp` in tasks of a row tile, operator graphs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tilewright.dataflow.planning.graph_file import read_problem
from tilewright.dataflow.planning.problem import Item, Problem, Step
from tilewright.dataflow.planning.timeline import TimeMachine
from tilewright.dataflow.tiling import PARAMETER_BYTES, ArrayShape, Matmul

GRAPHS = Path(__file__).parents[2] / "examples" / "graphs"
LAYERS = ((64, 64), (64, 32), (32, 10))
"""k and n of the layers of `examples/digits_mlp`."""
BATCH, ROWS, MEMORY_BYTES_PER_CYCLE = 64, 8, 16


@dataclass(frozen=True)
class Case:
    """A problem and the machine that it runs on."""

    name: str
    problem: Problem
    machine: TimeMachine


def digits_case(budget: int | None) -> Case:
    """Three layers of a batch of 64 on an 8x8 array (output stationary), in row tiles of 8.

    Operators are ordered by layer, as the layers come. A layer's weights and parameters are one
    tensor from memory, which all its tasks read. Cycles are `Matmul.cycles` of one row tile; the
    memory moves 16 bytes per cycle, as that of `examples/digits_mlp.yaml`.
    """
    array = ArrayShape(
        engine="array", rows=8, cols=8, lanes=8, dataflow="output_stationary", param_sets=2
    )
    items: list[Item] = []
    steps: list[Step] = []
    cycles: list[int] = []

    def add(name: str, size: int) -> int:
        items.append(Item(name=name, size=size))
        return len(items) - 1

    blocks = [add(f"x{row}", ROWS * LAYERS[0][0]) for row in range(BATCH // ROWS)]
    for layer, (k, n) in enumerate(LAYERS):
        sizes = Matmul(op=f"layer{layer}", m=ROWS, k=k, n=n, array=array)
        channels = sizes.panels * array.lanes
        weights = add(f"w{layer}", channels * (sizes.k_blocks * array.lanes + PARAMETER_BYTES))
        for row, before in enumerate(blocks):
            blocks[row] = add(f"y{layer}_{row}", ROWS * channels)
            steps.append(
                Step(name=f"layer{layer}_{row}", reads=(before, weights), writes=(blocks[row],))
            )
            cycles.append(sizes.cycles(1))
    whole = Problem(name="digits_mlp", items=tuple(items), steps=tuple(steps), budget=1 << 40)
    problem = whole.with_budget(budget or whole.least_budget)
    machine = TimeMachine(
        bytes_per_cycle=MEMORY_BYTES_PER_CYCLE, cycles=lambda _, step: cycles[step]
    )
    return Case(f"digits_mlp {problem.budget} B", problem, machine)


def cases() -> Iterator[Case]:
    """All of them; the graphs on the made-up machine, without and with their weights."""
    for budget in (None, 8 * 1024, 16 * 1024):
        yield digits_case(budget)
    for path in sorted(GRAPHS.glob("*.json")):
        yield Case(path.stem, read_problem(path), TimeMachine())
        whole = read_problem(path, weights="all")
        yield Case(f"{path.stem} + weights", whole, TimeMachine())
