"""Ops that move values change places with quantisation."""

import numpy as np
import pytest

X = (np.random.default_rng(31).integers(-140, 141, (3, 4, 6, 6)) * np.float32(0.05)).astype("f4")

MOVES = [
    ("MaxPool", {"kernel_shape": [2, 3], "pads": [0, 1, 1, 0], "strides": [2, 1]}, {}),
    ("Transpose", {"perm": [0, 2, 3, 1]}, {}),
    ("Reshape", {}, {"shape": np.array([0, 2, 12, -1])}),
    ("Flatten", {"axis": 1}, {}),
    ("Pad", {}, {"pads": np.array([0, 0, 1, 2, 0, 0, 0, 1]), "value": np.float32(0.4)}),
    ("Pad", {"mode": "edge"}, {"pads": np.array([0, 0, 1, 2, 0, 0, 0, 1])}),
    (
        "Slice",
        {},
        {"a": np.array([5]), "b": np.array([-9]), "axes": np.array([2]), "s": np.array([-2])},
    ),
    ("Resize", {"mode": "nearest"}, {"roi": np.float32([]), "scales": np.float32([1, 1, 2, 3])}),
    ("Squeeze", {}, {}),
]
KINDS = ["max_pool", "transpose", "reshape", "reshape", "pad", "pad", "slice", "resize", "reshape"]
IDS = [f"{op}_{index}" for index, (op, *_) in enumerate(MOVES)]


def moved(model, value, op, attributes, operands):
    if op == "Squeeze":
        value = model.node("Unsqueeze", [value, model.constant("at", np.array([2]))])
        return model.node(op, [value, model.constant("of", np.array([2]))])
    names = [model.constant(f"{name}_{len(model.nodes)}", v) for name, v in operands.items()]
    return model.node(op, [value, *names], **attributes)


def table(model, value):
    """An op that needs integers."""
    return model.node("Sigmoid", [value])


@pytest.mark.parametrize(("move", "kind"), list(zip(MOVES, KINDS, strict=True)), ids=IDS)
@pytest.mark.parametrize("place", ["first", "between", "fused", "other scale", "last"])
def test_moves(new_model, move, kind, place):
    """In front of the first quantisation, behind the last, and between in each way."""
    model = new_model()
    value = model.input("x", ("N", 4, 6, 6))
    value = moved(model, value, *move) if place == "first" else value
    value = model.qdq(value, 0.05, 3)
    if place == "between":  # no QuantizeLinear of its own
        value = moved(model, value, *move)
    value = model.qdq(table(model, value), 0.003, -100)
    if place == "fused":
        value = model.qdq(moved(model, value, *move), 0.003, -100)
    elif place == "other scale":
        value = model.qdq(moved(model, value, *move), 0.004, -90)
    elif place == "last":
        value = moved(model, value, *move)
    model.output(value)
    imported = model.imported(3)
    # 0.4 is no integer of the last quantisation: that padding is left to the host.
    is_left = kind == "pad" and not move[1] and place == "last"
    graph = imported.after if is_left else imported.graph
    assert kind in [op.kind for op in graph.ops]
    assert imported.before is None
    model.check({"x": X}, is_optimised=False)


def test_the_integers_are_padded_exactly_or_not_at_all(new_model):
    """0.4 is 8 steps of 0.05; 0.42 is none: then its `quantize` is missing."""
    for value, is_held in ((0.4, True), (0.42, False)):
        model = new_model()
        x = model.qdq(model.input("x", (1, 4)), 0.05, 3)
        pads = model.constant("pads", np.array([0, 1, 0, 0]))
        x = model.node("Pad", [x, pads, model.constant("value", np.float32(value))], "frame")
        model.output(model.qdq(model.node("Sigmoid", [x], "gate"), 0.003, -100))
        if is_held:
            assert model.kinds == ["pad", "table"]
            (pad, _) = model.graph.ops
            assert pad.attributes["value"] == 11.0
            model.check({"x": X[:1, 0, 0, :4]}, is_optimised=False)
        else:
            (only,) = model.refused()
            assert only.path == "node gate (sigmoid)"
            assert "no QuantizeLinear between node frame (pad) and node gate" in only.rule


def test_a_relu_behind_integers_needs_no_quantisation(new_model):
    model = new_model()
    x = model.qdq(model.input("x", (1, 4)), 0.05, 3)
    x = model.node("Relu", [model.node("Transpose", [model.node("Relu", [x])], perm=[1, 0])])
    w = model.dq(np.int8([[1, 2, 3]]), 0.02)
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.003, -100))
    assert model.kinds == ["table", "transpose", "table", "matmul"]
    model.check({"x": X[:1, 0, 0, :4]}, is_optimised=False)


@pytest.mark.parametrize("is_equal", [True, False])
@pytest.mark.parametrize("has_quantize", [True, False])
def test_concat(new_model, is_equal, has_quantize):
    model = new_model()
    a = model.qdq(model.input("a", ("N", 4, 6)), 0.05, 3)
    b = model.qdq(model.input("b", ("N", 2, 6)), 0.05, 3 if is_equal else 4)
    value = model.node("Concat", [a, b, a], "together", axis=1)
    value = model.qdq(value, 0.06, -3) if has_quantize else value
    model.output(model.qdq(model.node("Sigmoid", [value], "gate"), 0.003, -100))
    if not is_equal and not has_quantize:
        (only,) = model.refused()
        assert "between node together (concat) and node gate (sigmoid)" in only.rule
        return
    kinds = ["concat", "requantize"] if is_equal else ["requantize", "requantize", "concat"]
    assert model.kinds == [*(kinds if has_quantize else ["concat"]), "table"]
    model.check({"a": X[:, :, 0], "b": X[:, :2, 1]}, is_optimised=False)


def test_split_and_concat_of_computed_parts(new_model):
    """What a Concat joins may be computed: each part is quantised as the whole is."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 4)), 0.05, 3)
    w = model.dq(np.arange(-8, 8, dtype=np.int8).reshape(4, 4), 0.02)
    parts = [model.node("MatMul", [x, w]), model.node("Sigmoid", [x]), x]
    model.output(model.qdq(model.node("Relu", [model.node("Concat", parts, axis=1)]), 0.02, -9))
    assert sorted(model.kinds) == ["concat", "matmul", "table", "table"]
    values = {"x": X[:, 0, 0, :4]}
    (ours,), (theirs,) = model.golden(values).values(), model.onnxruntime(values).values()
    assert np.abs(ours - theirs).max() <= 0.0201


def test_gather_from_an_embedding(new_model):
    model = new_model()
    rows = model.dq(np.arange(-20, 20, dtype=np.int8).reshape(10, 4), 0.05, 3)
    found = model.node("Gather", [rows, model.input("index", ("N", 3), np.int64)], axis=0)
    model.output(model.qdq(model.node("Tanh", [found]), 0.01, 5))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["gather", "table"]
    assert graph.inputs[0].number_format == "int64"
    model.check({"index": np.array([[0, 9, 1], [1, 2, 3]])}, is_optimised=False)


def test_constants_are_moved_at_import(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 3)), 0.05, 3)
    w = model.dq(np.arange(12, dtype=np.int8).reshape(4, 3), [0.1, 0.2, 0.3, 0.4], axis=0)
    w = model.node("Transpose", [w], perm=[1, 0])
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10))
    (op,) = model.graph.ops
    weight = model.graph.tensor(op.inputs[1])
    assert (weight.shape, weight.axis, len(weight.scale)) == ((3, 4), 1, 4)
    model.check({"x": X[:, 0, 0, :3]})
