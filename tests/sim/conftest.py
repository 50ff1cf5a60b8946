"""Fixtures of the tests that run whole accelerators."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.tiling import DoesNotFit

from tilewright.flow.programmable import ProgrammableAccelerator, make_programmable
from tilewright.flow.work import Work, prepare
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

MakeAccelerator = Callable[..., ProgrammableAccelerator]
MakeWorks = Callable[..., list[Work]]


@pytest.fixture(scope="session")
def accelerator() -> MakeAccelerator:
    """`accelerator(rows=..., cols=..., lanes=..., ...)`: elaborated once per session."""

    @cache
    def make(**sizes: Any) -> ProgrammableAccelerator:
        return make_programmable(systolic_machine(**sizes))

    return make


def random_graph(rng: np.random.Generator, rows: int, cols: int, lanes: int) -> tuple[str, Graph]:
    """A matmul or a chain of up to three, from 1 to a few tiles, mostly ragged."""

    def size(tile: int) -> int:
        kind = rng.integers(0, 6)
        if kind == 0:
            return int(rng.choice([1, tile]))
        if kind == 1:
            return tile * int(rng.integers(1, 4)) + int(rng.integers(-1, 2)) or 1
        return int(rng.integers(1, 3 * tile + 2))

    m, k = size(rows), size(lanes)
    widths = [size(lanes if rng.integers(0, 2) else cols) for _ in range(rng.choice([1, 1, 2, 3]))]
    graph = matmul_graph(m, k, widths, seed=int(rng.integers(1 << 30)))
    return "x".join(str(n) for n in (m, k, *widths)), graph


@pytest.fixture(scope="session")
def random_works() -> MakeWorks:
    """`random_works(machine, count, seed)`: boundaries first, then random shapes that fit."""

    def make(machine: Any, count: int, seed: int) -> list[Work]:
        params = machine.engines[0].params
        sides = (params["rows"], params["cols"], params["lanes"])
        rng = np.random.default_rng(seed)
        rows, _, lanes = sides
        fixed: Sequence[tuple[int, int, Any]] = ((1, 1, 1), (rows, lanes, lanes), (1, 1, [1, 1, 1]))
        todo = [(f"{m}x{k}x{n}", matmul_graph(m, k, n, seed=seed)) for m, k, n in fixed]
        works: list[Work] = []
        for attempt in range(4 * count):
            name, graph = todo[attempt] if attempt < len(todo) else random_graph(rng, *sides)
            try:
                works.append(prepare(machine, graph, name=f"{name} seed {seed}", seed=attempt))
            except DoesNotFit:
                continue
            if len(works) == count:
                return works
        raise AssertionError(f"seed {seed}: only {len(works)} of {count} shapes fit the machine")

    return make
