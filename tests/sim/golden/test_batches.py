"""Several runs of a graph in one: the results are those of the runs one after the other."""

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.operators import KINDS
from tilewright.sim.golden import batches
from tilewright.sim.golden import run as run_module
from tilewright.sim.golden.batches import keeps_batch
from tilewright.sim.golden.float_ops import FLOAT_OPS
from tilewright.sim.golden.ops import KINDS as GOLDEN
from tilewright.sim.golden.run import run

WINDOW = {"strides": (1, 1), "pads": (1, 0, 0, 1), "dilations": (1, 1)}
POOL = {**WINDOW, "kernel": (2, 2)}
LIMITS = {"zero_point": 3, "minimum": -128, "maximum": 127}
WEIGHTS = ((4, 3, 2, 2), (4,), (4,))  # of a convolution: weights, bias, scale
RNG = np.random.default_rng(8)
IMAGE = (2, 3, 5, 4)

# kind, shapes of inputs, shapes of constants, attributes, whether the first axis is the batch's
CASES = [
    ("conv", [IMAGE], WEIGHTS, {**WINDOW, "groups": 1, **LIMITS}, True),
    ("conv_transpose", [IMAGE], ((3, 4, 2, 2), (4,), (4,)),
     {**WINDOW, "groups": 1, "output_padding": (0, 0), **LIMITS}, True),
    ("matmul", [(2, 5)], ((5, 3), (3,), (3,)), LIMITS, True),
    ("matmul", [(2, 4, 5)], ((2, 5, 3), (3,), (3,)), LIMITS, False),
    ("max_pool", [IMAGE], (), POOL, True),
    ("average_pool", [IMAGE], (), {**POOL, "counts_padding": 0}, True),
    ("global_average_pool", [IMAGE], (), {}, True),
    ("reduce_mean", [IMAGE], (), {"axes": (2, 3), "keeps_axes": 1}, True),
    ("reduce_mean", [IMAGE], (), {"axes": (0, 1), "keeps_axes": 1}, False),
    ("add", [IMAGE, IMAGE], (), {}, True),
    ("add", [IMAGE], ((3, 1, 1),), {}, True),
    ("mul", [IMAGE], ((2, 3, 1, 1),), {}, False),
    ("sub", [IMAGE, (3, 5, 4)], (), {}, False),
    ("requantize", [IMAGE], (), {}, True),
    ("softmax", [IMAGE], (), {"axis": 1}, True),
    ("softmax", [IMAGE], (), {"axis": 0}, False),
    ("concat", [IMAGE, IMAGE], (), {"axis": 1}, True),
    ("concat", [IMAGE, IMAGE], (), {"axis": 0}, False),
    ("slice", [IMAGE], (), {"starts": (0, 1, 0, 3), "stops": (2, 3, 5, -1),
                            "steps": (1, 1, 2, -2)}, True),
    ("slice", [IMAGE], (), {"starts": (1, 0, 0, 0), "stops": (2, 3, 5, 4),
                            "steps": (1, 1, 1, 1)}, False),
    ("pad", [IMAGE], (), {"pads": (0, 1, 0, 0, 0, 0, 2, 0), "mode": "constant", "value": 7.0},
     True),
    ("pad", [IMAGE], (), {"pads": (1, 0, 0, 0, 0, 0, 0, 0), "mode": "edge", "value": 0.0}, False),
    ("reshape", [IMAGE], (2, 60), {}, True),
    ("reshape", [IMAGE], (6, 20), {}, True),
    ("transpose", [IMAGE], (), {"perm": (0, 2, 3, 1)}, True),
    ("transpose", [IMAGE], (), {"perm": (1, 0, 2, 3)}, False),
]  # fmt: skip


def graph_of(kind, inputs, constants, attributes):
    """Random constants; of a reshape, `constants` is the result's shape."""
    shape = constants if kind == "reshape" else None
    constants = () if shape else constants
    quantisation = {"number_format": "int8", "scale": (0.25,), "zero_point": (-2,)}
    tensors = [Tensor(name=f"x{index}", shape=extents, role="input", **quantisation)
               for index, extents in enumerate(inputs)]  # fmt: skip
    for index, extents in enumerate(constants):
        form = {1: {"number_format": "int32"}, 2: {"number_format": "float32"}}.get(index)
        form = form or quantisation
        data = RNG.integers(1, 100, extents).astype(form["number_format"]) / np.array(
            64 if index == 2 else 1, form["number_format"]
        )
        tensors.append(Tensor(name=f"c{index}", shape=extents, role="constant",
                              data=data.astype(form["number_format"]), **form))  # fmt: skip
    shape = shape or KINDS[kind].shape([t.shape for t in tensors], attributes)
    names = tuple(tensor.name for tensor in tensors)
    op = Op(name="op", kind=kind, inputs=names, outputs=("y",), attributes=attributes)
    y = Tensor(name="y", shape=shape, role="output", **quantisation)
    return Graph(name="one", ops=(op,), tensors=(*tensors, y))


def together_and_alone(graph):
    """Three runs in one, and one after the other."""
    alone = [
        {t.name: RNG.integers(-128, 128, t.shape, np.int8) for t in graph.inputs} for _ in range(3)
    ]
    together = {t.name: np.concatenate([given[t.name] for given in alone]) for t in graph.inputs}
    want = np.concatenate([run(graph, given)["y"] for given in alone])
    return run(graph, together)["y"], want


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_runs_together_equal_runs_alone(case):
    *description, is_kept = case
    graph = graph_of(*description)
    assert keeps_batch(graph, graph.ops[0]) == is_kept
    got, want = together_and_alone(graph)
    assert np.array_equal(got, want)


def test_a_wrong_rule_is_noticed(monkeypatch):
    """An op that mixes the batch, taken for one that does not."""
    monkeypatch.setattr(run_module, "keeps_batch", lambda graph, op: True)
    for *description, is_kept in CASES:
        try:
            got, want = together_and_alone(graph_of(*description))
        except ValueError:
            got, want = np.zeros(0), np.ones(1)
        assert np.array_equal(got, want) == is_kept, description


def test_rules_are_of_known_kinds():
    assert set(batches._RULES) <= set(GOLDEN) | set(FLOAT_OPS) | {"quantize", "dequantize"}


def test_part_of_a_batch():
    """Fewer inputs than the graph's batch are as good where the batch is left alone."""
    graph = graph_of("conv", [IMAGE], WEIGHTS, {**WINDOW, "groups": 1, **LIMITS})
    image = RNG.integers(-128, 128, IMAGE, np.int8)
    whole = run(graph, {"x0": image})["y"]
    assert np.array_equal(run(graph, {"x0": image[:1]})["y"], whole[:1])
    mixing = graph_of("transpose", [IMAGE], (), {"perm": (1, 0, 2, 3)})
    with pytest.raises(ValueError, match=r"op op \(transpose\): cannot take 1/2 times"):
        run(mixing, {"x0": image[:1]})


def test_inputs_must_share_the_factor():
    graph = graph_of("add", [IMAGE, IMAGE], (), {})
    image = np.zeros(IMAGE, np.int8)
    with pytest.raises(ValueError, match="input x1: 2 times its batch, and other inputs 1"):
        run(graph, {"x0": image, "x1": np.concatenate([image, image])})


def test_kept_tensors_and_freed_ones():
    quantisation = {"number_format": "int8", "scale": (1.0,), "zero_point": (0,), "shape": (2, 3)}
    roles = {"x": "input", "m": "intermediate", "n": "intermediate", "y": "output"}
    tensors = [Tensor(name=name, role=role, **quantisation) for name, role in roles.items()]
    first = Op(name="first", kind="requantize", inputs=("x",), outputs=("m",))
    second = Op(name="second", kind="add", inputs=("m", "m"), outputs=("n",))
    third = Op(name="third", kind="add", inputs=("n", "m"), outputs=("y",))
    graph = Graph(name="chain", ops=(first, second, third), tensors=tuple(tensors))
    x = np.array([[1, 2, 3], [-40, 50, 60]], np.int8)
    everything = run(graph, {"x": x})
    assert list(everything) == ["m", "n", "y"]
    assert everything["y"].tolist() == [[3, 6, 9], [-120, 127, 127]]
    some = run(graph, {"x": x}, keep=["y"])
    assert list(some) == ["y"]
    assert np.array_equal(some["y"], everything["y"])
    assert list(run(graph, {"x": x}, keep=["n", "m"])) == ["m", "n"]
    with pytest.raises(ValueError, match="keep: no op makes x, z"):
        run(graph, {"x": x}, keep=["z", "x"])
