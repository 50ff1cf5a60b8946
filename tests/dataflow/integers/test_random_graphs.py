"""Random quantised graphs: what we compute is what onnxruntime's integer kernels compute.

`benchmarks/oracle.py` does the same with 2,000 graphs from seeds.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, reject, settings
from hypothesis import strategies as st
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden import ops_accumulate
from tilewright.sim.golden.comparison import Comparison
from tilewright.sim.golden.oracle import ORT_ERRORS
from tilewright.sim.random_models.draw import Draw, SeededDraw
from tilewright.sim.random_models.kinds import KINDS, sketch
from tilewright.sim.random_models.model import RandomModel, random_model

LEAST_SHARE = 0.05
INTEGER_KINDS = [name for name, kind in KINDS.items() if not kind.is_float]


class HypothesisDraw(Draw):
    """Decisions that Hypothesis makes, records and simplifies."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))


@st.composite
def models(draw: Any, floats: bool = False, featured: str = "") -> RandomModel:
    return random_model(HypothesisDraw(draw), floats, featured)


def compared(model: RandomModel) -> Comparison | None:
    """The comparison; None where onnxruntime refuses to run the model."""
    comparison = Comparison(model.data, import_bytes(model.data, Path("random.onnx"), model.batch))
    try:
        theirs = comparison.observer.run(model.inputs)
    except ORT_ERRORS:
        return None
    comparison.compare(model.inputs, theirs)
    return comparison


def wrong(comparison: Comparison) -> list[str]:
    return comparison.outputs.examples + comparison.inner.examples


QUIET = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("kind", INTEGER_KINDS)
def test_random_graphs_give_onnxruntimes_integers(kind: str) -> None:
    """Five graphs with each kind of op, 145 in all."""

    @settings(QUIET, max_examples=5)
    @given(models(featured=kind))
    def check(model: RandomModel) -> None:
        comparison = compared(model)
        if comparison is None:
            reject()
        if comparison.is_exact:
            assert not wrong(comparison), f"{wrong(comparison)}\n{model!r}"

    check()


@settings(QUIET, max_examples=25)
@given(models(floats=True))
def test_graphs_that_onnxruntime_keeps_in_floats_are_near(model: RandomModel) -> None:
    """Other roundings there: no value more than two steps away, and few at all."""
    comparison = compared(model)
    if comparison is None:
        reject()
    for count in (comparison.outputs, comparison.inner):
        assert count.largest <= 2.01, f"{count.examples}\n{model!r}"
        assert count.mismatches <= 0.05 * count.checked + 3, f"{count.examples}\n{model!r}"


def test_every_kind_is_in_its_share_of_the_graphs() -> None:
    number = 1000
    found: Counter[str] = Counter()
    for seed in range(number):
        found.update(sketch(SeededDraw(seed)).kinds)
    rare = {name: found[name] for name in INTEGER_KINDS if found[name] < LEAST_SHARE * number}
    assert not rare and len(INTEGER_KINDS) >= 25


def test_a_seed_gives_one_model() -> None:
    for seed in range(20):
        first, second = random_model(SeededDraw(seed)), random_model(SeededDraw(seed))
        assert first.data == second.data, seed
        for name, values in first.inputs.items():
            assert np.array_equal(values, second.inputs[name]), (seed, name)


def test_the_models_are_what_exporters_write_and_more() -> None:
    """Formats, forks, shared dequantisations, several outputs, integers at the ends."""
    seen: Counter[str] = Counter()
    for seed in range(300):
        graph = random_model(SeededDraw(seed)).proto.graph
        readers = Counter(name for node in graph.node for name in node.input)
        made = {n.output[0]: n for n in graph.node}
        types = {i.type.tensor_type.elem_type for i in (*graph.input, *graph.output)}
        seen["several outputs"] += len(graph.output) > 1
        seen["integers at an end"] += types != {1}
        dequantised = [n for n, node in made.items() if node.op_type == "DequantizeLinear"]
        seen["shared"] += any(readers[name] > 1 for name in dequantised)
        quantised = [n for n, node in made.items() if node.op_type == "QuantizeLinear"]
        seen["fork"] += any(readers[name] > 1 for name in quantised)
        points = [i for i in graph.initializer if i.name.endswith("_zero_point")]
        seen["uint8 weights"] += any(
            i.name.startswith("weight") and i.data_type == 2 for i in points
        )
        seen["batch"] += bool(graph.input[0].type.tensor_type.shape.dim[0].dim_param)
    expected = {
        "several outputs", "integers at an end", "shared", "fork", "uint8 weights", "batch"
    }  # fmt: skip
    assert {name for name, number in seen.items() if number >= 9} == expected, seen


def half_up(accumulators: Any, scale: Any) -> Any:
    """A planted bug: ties go up, not to the even neighbour."""
    return np.floor(accumulators.astype(np.float32) * scale + np.float32(0.5))


def differs(model: RandomModel) -> bool:
    comparison = compared(model)
    return comparison is not None and comparison.is_exact and bool(wrong(comparison))


def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops_accumulate, "scaled", half_up)
    assert any(differs(random_model(SeededDraw(seed))) for seed in range(300))


@pytest.mark.slow
def test_a_model_that_shows_a_planted_bug_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops_accumulate, "scaled", half_up)
    smallest = find(models(), differs, settings=settings(QUIET, max_examples=500))
    computing = {node.op_type for node in smallest.proto.graph.node}
    computing -= {"QuantizeLinear", "DequantizeLinear"}
    assert len(computing) == 1 and computing <= {"Conv", "Gemm", "MatMul"}, repr(smallest)
