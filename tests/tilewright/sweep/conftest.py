"""Specs of small sweeps of a tiny model, and functions of users that can be named in them."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from tilewright.flow.sweep import objectives

sys.path.insert(0, str(Path(__file__).parent))  # for objective_functions, and helpers of tests

SWEEP = """\
sweep:
  parameters:
    accelerator.engines.array.rows: [1, 2]
    accelerator.engines.array.cols: [1, 2]
    accelerator.memory.latency_cycles: {{start: 6, stop: 18, step: 6}}
    {parameters}
  objectives: {objectives}
  {more}
"""


@pytest.fixture
def sweep_spec(tiny_spec) -> Callable[..., Path]:
    """`sweep_spec(objectives="[cycles]", parameters="...", more="...")`: the spec's path."""

    def make(
        *, objectives: str = "[cycles, lut]", parameters: str = "", more: str = "", **changes
    ) -> Path:
        path: Path = tiny_spec(**changes)
        text = SWEEP.format(objectives=objectives, parameters=parameters, more=more)
        with path.open("a") as file:
            file.write(text)
        return path

    return make


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Functions of `objective_functions` as if a package had installed them."""
    points = EntryPoints(
        EntryPoint(name=name, value=f"objective_functions:{name}", group=objectives.GROUP)
        for name in ("cost", "raises", "escapes", "text", "missing_function", "number")
    )
    monkeypatch.setattr(objectives, "entry_points", lambda group: points.select(group=group))
    objectives.load_objective.cache_clear()
    yield
    objectives.load_objective.cache_clear()
