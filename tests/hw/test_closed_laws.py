"""The closed forms of the systolic laws against their recurrences, on seeded kernels and commands.

Repeat one kernel: `-k KERNEL`. That the recurrences are the hardware's is what `test_systolic` and
`test_weight_stationary` measure.
"""

import numpy as np
import pytest
from tilewright.hw.systolic import closed, closed_ws, law, law_ws
from tilewright.hw.systolic.mapping import TileLoops
from tilewright.hw.systolic.mapping_ws import PassLoops
from tilewright.hw.systolic.params import SystolicParams

SEED = 20
KERNELS, COMMANDS = 40, 40


def kernel_of(rng, dataflow):
    """A small kernel, and the subpanels of its commands; rings of sets are tight, mostly."""
    rows, cols = (int(side) for side in rng.integers(1, 9, 2))
    subpanels = int(rng.integers(1, 5))
    more = {}
    if dataflow == "output_stationary":
        feeds = rng.choice(["k_inner", "k_outer"], 2)
        more = {
            "a_feed": str(feeds[0]),
            "b_feed": str(feeds[1]),
            "edge_blocks": int(rng.integers(2, 4)),
            "products_per_dsp": int(rng.integers(1, 3)) if cols % 2 == 0 else 1,
        }
    params = SystolicParams(
        rows=rows,
        cols=cols,
        lanes=max(rows, cols) + int(rng.integers(0, 9)),
        dataflow=dataflow,
        output=str(rng.choice(["int8", "int8", "int8", "raw"])),
        requantize=str(rng.choice(["exact", "fixed"])),
        param_sets=subpanels + int(rng.integers(0, 7)),
        **more,
    )
    return params, subpanels


def commands_of(rng, subpanels, kind, most):
    """Bounds of commands; small ones are held up by their parameters."""
    found = []
    for _ in range(COMMANDS):
        inner = {most: int(rng.integers(1, 12)), "k_blocks": int(rng.integers(1, 5))}
        found.append(kind(**inner, subpanels=subpanels, panels=int(rng.integers(1, 20))))
    return found


def columns(kind, commands):
    names = kind.__dataclass_fields__
    return kind(**{n: np.array([getattr(c, n) for c in commands], np.int64) for n in names})


@pytest.mark.parametrize("kernel", range(KERNELS))
def test_output_stationary(kernel):
    rng = np.random.default_rng([SEED, kernel])
    params, subpanels = kernel_of(rng, "output_stationary")
    commands = commands_of(rng, subpanels, TileLoops, "m_tiles")
    found = closed.command_cycles(closed.costs_of([params]), columns(closed.Tiles, commands))
    told = [law.recurrence_cycles(params, [command]) for command in commands]
    assert found.tolist() == told, (params, commands)


@pytest.mark.parametrize("kernel", range(KERNELS))
def test_weight_stationary(kernel):
    rng = np.random.default_rng([SEED, kernel])
    params, subpanels = kernel_of(rng, "weight_stationary")
    commands = commands_of(rng, subpanels, PassLoops, "m")
    found = closed_ws.command_cycles(
        closed_ws.costs_of([params]), columns(closed_ws.Passes, commands)
    )
    told = [law_ws.recurrence_cycles(params, [command]) for command in commands]
    assert found.tolist() == told, (params, commands)


def test_kernels_along_one_axis_and_commands_along_the_other():
    rng = np.random.default_rng(SEED)
    made = [kernel_of(rng, "output_stationary")[0] for _ in range(5)]
    commands = commands_of(rng, 1, TileLoops, "m_tiles")[:7]
    costs = closed.costs_of(made).at(np.s_[:, None])
    found = closed.command_cycles(costs, columns(closed.Tiles, commands))
    told = [[law.kernel_cycles(params, [command]) for command in commands] for params in made]
    assert found.tolist() == told
