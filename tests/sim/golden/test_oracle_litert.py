"""TFLite models against LiteRT itself, where it is installed (optional package ai-edge-litert)."""

from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.importers.tflite_file import parse_tflite
from tilewright.dataflow.importers.tflite_model import model_graph
from tilewright.dataflow.integers import to_integers
from tilewright.sim.golden.oracle_litert import LiteRT, differences, golden_values
from tilewright.sim.golden.run import run
from tilewright.sim.random_models.tflite_models import RandomModel, random_inputs
from tilewright.sim.random_models.tflite_moves import STEPS, chain, one_operator

from tilewright.spec.diagnostics import SpecError

pytest.importorskip("ai_edge_litert", reason="the judge of TFLite models is not installed")

SEEDS_PER_OPERATOR, CHAINS = 3, 25
NOT_IMPORTED = ("nothing to compute", "it must be 0.000976562 or more")


def compare(model: RandomModel, seed: int) -> int:
    """Checks every output; how many values."""
    inputs = random_inputs(np.random.default_rng(seed), model.shapes)
    try:
        imported = to_integers(model_graph(parse_tflite(model.data, Path("toy"))), "toy")
    except SpecError as error:
        if not any(text in str(error) for text in NOT_IMPORTED):
            raise
        return 0
    theirs = LiteRT(model.data).run(inputs)
    ours = golden_values(imported.model, imported.graph, inputs)
    assert set(theirs) <= set(ours), f"seed {seed}: {model.kinds}"
    checked, wrong = differences(ours, theirs)
    assert wrong == 0, f"seed {seed}: {wrong} of {checked} values, {model.kinds}"
    return checked


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_every_operator_equals_litert(kind: str) -> None:
    assert sum(compare(one_operator(kind, seed), seed) for seed in range(SEEDS_PER_OPERATOR))


def test_chains_equal_litert() -> None:
    checked = [compare(chain(seed, 6), seed) for seed in range(CHAINS)]
    assert sum(map(bool, checked)) > CHAINS // 2


def test_a_batch_is_as_many_single_runs() -> None:
    model = one_operator("CONV_2D", 5)
    imported = to_integers(model_graph(parse_tflite(model.data, Path("toy")), 4), "toy")
    (given,), (made,) = imported.graph.inputs, imported.graph.outputs
    images = np.random.default_rng(5).integers(-128, 128, given.shape).astype(np.int8)
    ours = run(imported.graph, {given.name: images})[made.name]
    judge = LiteRT(model.data)
    theirs = [judge.run([image[None]])[made.origin] for image in images]
    assert len(images) == 4 and np.array_equal(ours, np.concatenate(theirs))


def test_inner_values_are_read_without_changing_outputs() -> None:
    model = chain(2, 6)
    inputs = random_inputs(np.random.default_rng(2), model.shapes)
    plain, keeping = LiteRT(model.data), LiteRT(model.data, keeps_inner=True)
    outputs = plain.run(inputs)
    assert differences(outputs, keeping.run(inputs))[1] == 0
    imported = to_integers(model_graph(parse_tflite(model.data, Path("toy"))), "toy")
    ours = golden_values(imported.model, imported.graph, inputs)
    inner = keeping.inner(sorted(ours))
    checked, wrong = differences(ours, inner)
    assert checked > 0 and wrong == 0
    assert len(inner) > len(outputs)


def test_differences_are_seen() -> None:
    one, other = {"y": np.array([1, 2, 3])}, {"y": np.array([1, 5, 3]), "z": np.array([0])}
    assert differences(one, other) == (3, 1)
    with pytest.raises(ValueError, match=r"y: \(3,\) here, \(1,\) in LiteRT"):
        differences(one, {"y": np.array([1])})


def test_own_kernels_round_otherwise() -> None:
    """The default path is XNNPACK's, and this is not LiteRT's own arithmetic."""
    wrong = 0
    for seed in range(10):
        model = one_operator("MEAN", seed)
        inputs = random_inputs(np.random.default_rng(seed), model.shapes)
        assert LiteRT(model.data).delegated == 1
        reference = LiteRT(model.data, "reference")
        assert reference.delegated == 0
        wrong += differences(LiteRT(model.data).run(inputs), reference.run(inputs))[1]
    assert wrong > 0
