"""TFLite models against LiteRT itself, where it is installed (optional package ai-edge-litert)."""

from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.importers.tflite_file import parse_tflite
from tilewright.dataflow.importers.tflite_model import model_graph
from tilewright.dataflow.integers import to_integers
from tilewright.sim.golden.oracle_litert import LiteRT, differences, golden_values
from tilewright.sim.golden.run import run
from tilewright.sim.random_models.tflite_models import RandomModel, Toy, random_inputs
from tilewright.sim.random_models.tflite_moves import STEPS, chain, one_operator
from tilewright.sim.random_models.tflite_writer import ToyTensor

from tilewright.spec.diagnostics import SpecError

pytest.importorskip("ai_edge_litert", reason="the judge of TFLite models is not installed")

SEEDS_PER_OPERATOR, CHAINS = 3, 25
NOT_IMPORTED = ("it must be 0.000976562 or more",)


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


@pytest.mark.slow
def test_many_models_equal_litert() -> None:
    for kind in STEPS:
        assert sum(compare(one_operator(kind, seed), seed) for seed in range(100, 140))
    assert sum(compare(chain(seed, 8), seed) for seed in range(1000, 1400))


@pytest.mark.parametrize("seed", range(8))
def test_a_batch_is_as_many_single_runs(seed: int) -> None:
    model = chain(seed, 5)
    imported = to_integers(model_graph(parse_tflite(model.data, Path("toy")), 3), "toy")
    rng = np.random.default_rng(seed)
    runs = [random_inputs(rng, model.shapes) for _ in range(3)]
    judge = LiteRT(model.data)
    singles = [judge.run(inputs) for inputs in runs]
    theirs = {name: np.concatenate([one[name] for one in singles]) for name in singles[0]}
    together = [np.concatenate(parts) for parts in zip(*runs, strict=True)]
    ours = golden_values(imported.model, imported.graph, together)
    checked, wrong = differences(ours, theirs)
    assert checked == sum(values.size for values in theirs.values()) and wrong == 0, model.kinds


def test_a_mean_of_everything_has_no_axes() -> None:
    toy = Toy(np.random.default_rng(0))
    toy.current = toy.add_input((1, 5, 7))
    toy.op("MEAN", (toy.current, toy.integers(0, 1, 2)), (toy.add(()),), "ReducerOptions")
    assert compare(toy.model([toy.current]), 0) == 1


@pytest.mark.parametrize("seed", range(4))
def test_float_ends_equal_litert(seed: int) -> None:
    """QUANTIZE and DEQUANTIZE at the ends are the host's; transposes there are the graph's."""
    toy = Toy(np.random.default_rng(seed))
    toy.tensors.append(ToyTensor(name="in", shape=(1, 4, 4, 3), type="float32"))
    toy.inputs = [0]
    toy.op("QUANTIZE", (0,), (toy.add((1, 4, 4, 3)),))
    for kind in ("CONV_2D", "MAX_POOL_2D", "RESHAPE")[: 2 + seed % 2]:
        STEPS[kind](toy)
    toy.tensors.append(ToyTensor(name="out", shape=toy.shape, type="float32"))
    toy.op("DEQUANTIZE", (toy.current,), (len(toy.tensors) - 1,))
    model = toy.model([toy.current])
    imported = to_integers(model_graph(parse_tflite(model.data, Path("toy"))), "toy")
    assert imported.before is None and imported.after is None
    (given,), (made,) = imported.graph.inputs, imported.graph.outputs
    image = toy.rng.uniform(-120, 120, (1, 4, 4, 3)) * given.scale[0]
    numbers = given.quantize(image.astype(np.float32))
    ours = made.dequantize(run(imported.graph, {given.name: numbers})[made.name])
    theirs = LiteRT(model.data).run([image.astype(np.float32)])["out"]
    assert np.array_equal(ours, theirs), f"seed {seed}: {model.kinds}"


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
