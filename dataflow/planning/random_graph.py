"""Irregular operator graphs of any size from a seed, in the manner of randomly wired networks.

Operators come in cells. Within a cell an operator reads one to three results of the last few
operators of the cell, or the cell's inputs, which are the results of the two cells before; a cell
ends with an operator that joins what is left unread. Sizes are powers of two times a few channels,
falling now and then as networks do. Wiring after S. Xie et al., "Exploring Randomly Wired Neural
Networks for Image Recognition", ICCV 2019, and the cells of NASNet (B. Zoph et al., CVPR 2018); the
generator is our own.
"""

from __future__ import annotations

import numpy as np

from .problem import Item, Problem, Step

CELL = (12, 40)
WINDOW = 8
MOST_JOINED = 6
UNIT = 256


def irregular_graph(operators: int, seed: int, budget: int | None = None) -> Problem:
    """A random graph of about `operators` operators (at least 4); without a budget the least."""
    rng = np.random.default_rng(seed)
    builder = _Builder(rng)
    builder.add([])
    inputs = [0]
    while len(builder.steps) < operators:
        inputs = [inputs[-1], _cell(builder, inputs, operators)]
    whole = Problem(
        name=f"irregular_{operators}_{seed}",
        items=tuple(builder.items),
        steps=tuple(builder.steps),
        budget=1 << 50,
    )
    return whole.with_budget(whole.least_budget if budget is None else budget)


def _cell(builder: _Builder, inputs: list[int], operators: int) -> int:
    """One cell; the tensor that it ends with."""
    rng = builder.rng
    builder.scale = max(4, builder.scale // 2) if rng.random() < 0.1 else builder.scale
    if builder.scale == 4 and rng.random() < 0.1:
        builder.scale = 64
    count = int(rng.integers(*CELL))
    made: list[int] = []
    unread: list[int] = []
    for _ in range(min(count, max(1, operators - len(builder.steps) - 1))):
        near = [*inputs, *made[-WINDOW:]]
        chosen = rng.choice(near, min(len(near), int(rng.integers(1, 4))), replace=False)
        reads = sorted({int(item) for item in chosen})
        unread = [item for item in unread if item not in reads]
        made.append(builder.add(reads))
        unread.append(made[-1])
    while len(unread) > 1:
        joined, unread = unread[:MOST_JOINED], unread[MOST_JOINED:]
        unread.append(builder.add(joined))
    return unread[0]


class _Builder:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.scale = 64
        self.items: list[Item] = []
        self.steps: list[Step] = []

    def add(self, reads: list[int]) -> int:
        """An operator and its result; the index of the result."""
        size = self.scale * int(self.rng.integers(2, 9)) * UNIT
        place = len(self.items)
        self.items.append(Item(name=f"t{place}", size=size))
        self.steps.append(Step(name=f"op{place}", reads=tuple(reads), writes=(place,)))
        return place
