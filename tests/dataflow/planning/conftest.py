"""Random planning problems."""

from __future__ import annotations

import numpy as np
import pytest
from tilewright.dataflow.planning.problem import Item, Problem, Step


def random_problem(seed: int, operators: int, slack: float | None = None) -> Problem:
    """A random graph: operators read up to three earlier tensors, a few come from memory, some
    overwrite their input; the budget is the least, or above it by a share `slack` of the rest.
    """
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 9, 2 * operators + 2)]
    sources = int(rng.integers(0, 3))
    items = [Item(name=f"in{i}", size=sizes[i]) for i in range(sources)]
    readers = [0] * sources
    steps: list[Step] = []
    for place in range(operators):
        near = range(max(0, len(items) - 5), len(items))
        count = min(len(near), int(rng.integers(0 if place == 0 else 1, 4)))
        reads = tuple(sorted(int(i) for i in rng.choice(list(near), count, replace=False)))
        writes = [len(items)]
        items.append(Item(name=f"t{place}", size=sizes[sources + place]))
        if rng.random() < 0.15:
            writes.append(len(items))
            items.append(Item(name=f"u{place}", size=sizes[sources + operators + place]))
        steps.append(Step(name=f"op{place}", reads=reads, writes=tuple(writes)))
        readers += [0] * len(writes)
        for item in reads:
            readers[item] += 1
    steps = [_in_place(step, items, readers, rng) for step in steps]
    whole = Problem(name=f"random{seed}", items=tuple(items), steps=tuple(steps), budget=1 << 40)
    least, total = whole.least_budget, sum(item.size for item in items)
    share = float(rng.choice([0.0, 0.0, 0.1])) if slack is None else slack
    return whole.with_budget(least + int(share * (total - least)))


def _in_place(step: Step, items: list[Item], readers: list[int], rng: np.random.Generator) -> Step:
    for item in step.reads:
        if readers[item] == 1 and not items[item].name.startswith("in") and rng.random() < 0.3:
            old = items[item]
            items[step.writes[0]] = Item(name=items[step.writes[0]].name, size=old.size)
            return Step(name=step.name, reads=step.reads, writes=step.writes, overwrites=item)
    return step


@pytest.fixture
def make_problem():
    return random_problem
