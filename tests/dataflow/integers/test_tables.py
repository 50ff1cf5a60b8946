"""Tables of functions of one integer hold what onnxruntime computes, for every integer."""

import platform

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="onnxruntime's float kernels differ by processor; the formulas are those for x86-64",
)

BRANCHES = 40

FUNCTIONS = [
    ("Relu", {}),
    ("Clip", {"low": (-1, 0), "high": (1, 6)}),
    ("LeakyRelu", {}),
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("HardSwish", {}),
    ("Gelu", {}),
    ("Gelu", {"approximate": "tanh"}),
    ("Erf", {}),
    (None, {}),
]
NAMES = [f"{op or 'requantize'}{'_tanh' if 'approximate' in a else ''}" for op, a in FUNCTIONS]


def apply(model, op, value, attributes, rng):
    if op is None:
        return value
    if op == "Clip":
        ends = [
            model.constant(
                f"{end}_{len(model.constants)}", np.float32(rng.uniform(*attributes[end]))
            )
            for end in ("low", "high")
        ]
        return model.node(op, [value, *ends])
    if op == "LeakyRelu":
        return model.node(op, [value], alpha=float(np.float32(rng.uniform(0.001, 0.5))))
    return model.node(op, [value], **attributes)


def branches(new_model, op, attributes, source, result, rng, count=BRANCHES, scales=None):
    """`count` functions side by side, each of all integers of `source`."""
    model = new_model()
    least, greatest = np.iinfo(source).min, np.iinfo(source).max
    every = np.arange(least, greatest + 1).astype(source)[None]
    steps = 2.0 ** (np.iinfo(result).bits - 8)
    for index in range(count):
        x_scale = 2.0 ** rng.uniform(-9, 1) * 256 / every.size
        y_scale = 2.0 ** rng.uniform(-9, -1) / steps
        if scales == "powers of two":
            x_scale, y_scale = np.exp2(np.round(np.log2([x_scale, y_scale])))
        zero = int(rng.integers(least, greatest + 1))
        value = model.input(f"x{index}", (1, every.size), source)
        value = model.dequantize(value, x_scale, zero, source)
        value = apply(model, op, value, attributes, rng)
        zero = int(rng.integers(np.iinfo(result).min, np.iinfo(result).max + 1))
        model.output(model.quantize(value, y_scale, zero, result), result)
    return model, {f"x{index}": every for index in range(count)}


def differences(model, inputs):
    theirs, ours = model.onnxruntime(inputs), model.golden(inputs)
    assert sorted(ours) == sorted(theirs)
    wrong = [np.count_nonzero(ours[name] != theirs[name]) for name in theirs]
    worst = max(int(np.abs(ours[n].astype(int) - theirs[n].astype(int)).max()) for n in theirs)
    return sum(wrong), sum(values.size for values in theirs.values()), worst


@pytest.mark.parametrize(("op", "attributes"), FUNCTIONS, ids=NAMES)
@pytest.mark.parametrize("scales", ["random", "powers of two"])
@pytest.mark.parametrize("element", [np.int8, np.uint8])
def test_eight_bits(new_model, op, attributes, element, scales):
    rng = np.random.default_rng(11)
    model, inputs = branches(new_model, op, attributes, element, element, rng, scales=scales)
    assert set(model.kinds) <= {"table", "requantize"}
    assert differences(model, inputs) == (0, BRANCHES * 256, 0), "seed 11"


@pytest.mark.parametrize(
    ("source", "result"), [(np.int8, np.uint8), (np.uint8, np.int8), (np.int16, np.int8)]
)
def test_mixed_formats(new_model, source, result):
    rng = np.random.default_rng(12)
    for op, attributes in FUNCTIONS:
        count = 4 if source != np.int16 else 1
        model, inputs = branches(new_model, op, attributes, source, result, rng, count)
        wrong, number, _ = differences(model, inputs)
        assert wrong == 0, f"{op}: {wrong} of {number} differ, seed 12"


def test_ties_of_saturated_values(new_model):
    """With a scale of 2/255 tanh's 1.0 is 127.5 steps, and which of float32's numbers next to 1.0
    a function gives decides."""
    model = new_model()
    values = np.arange(-128, 128, dtype=np.int8)[None]
    for index, scale in enumerate(np.linspace(0.05, 0.2, BRANCHES)):
        value = model.dequantize(model.input(f"x{index}", (1, 256), np.int8), scale, 0)
        value = model.quantize(model.node("Tanh", [value]), 2 / 255, 127, np.uint8)
        model.output(value, np.uint8)
    inputs = {f"x{index}": values for index in range(BRANCHES)}
    assert differences(model, inputs) == (0, BRANCHES * 256, 0)


@pytest.mark.parametrize(("op", "attributes"), FUNCTIONS, ids=NAMES)
def test_sixteen_bits(new_model, op, attributes):
    """The last bits of the float32 functions count here."""
    rng = np.random.default_rng(13)
    model, inputs = branches(new_model, op, attributes, np.int16, np.int16, rng, 2)
    assert differences(model, inputs) == (0, 2 * 65536, 0), "seed 13"


def test_a_function_of_several_ops(new_model):
    """`x * sigmoid(x)` and scalars around it are one table."""
    model = new_model()
    x = model.qdq(model.input("x", (1, 256)), 0.05, 3)
    half = model.constant("half", np.float32(0.5))
    gate = model.node("Sigmoid", [model.node("Mul", [x, half])])
    value = model.node("Sub", [model.node("Mul", [x, gate]), half])
    model.output(model.qdq(value, 0.02, -100))
    assert model.kinds == ["table"]
    floats = (np.arange(-128, 128) - 3)[None].astype(np.float32) * np.float32(0.05)
    model.check({"x": floats})


def test_an_entry_by_hand(new_model):
    """tanh(1.0) = 0.7616 in steps of 0.1 above zero point 4: 12."""
    model = new_model()
    x = model.qdq(model.input("x", (1, 2)), 0.5, 0)
    model.output(model.qdq(model.node("Tanh", [x]), 0.1, 4))
    (op,) = model.graph.ops
    table = model.graph.tensor(op.inputs[1])
    assert table.shape == (256,)
    assert [int(table.data[128 + q]) for q in (-128, 0, 2, 127)] == [-6, 4, 12, 14]


def test_narrow_formats(new_model):
    """Four bits have sixteen entries."""
    import ml_dtypes

    model = new_model()
    x = model.qdq(model.input("x", (1, 4)), 0.5, 1, ml_dtypes.int4)
    model.output(model.qdq(model.node("Sigmoid", [x]), 0.01, 0))
    (op,) = model.graph.ops
    assert model.graph.tensor(op.inputs[1]).shape == (16,)
    assert model.graph.inputs[0].number_format == "int4"


def test_nothing_is_tabulated_beyond_sixteen_bits(new_model):
    model = new_model()
    x = model.dequantize(model.input("x", (1, 4), np.int32), 0.5, 0, np.int32)
    model.output(model.qdq(model.node("Sigmoid", [x]), 0.01, 0))
    (only,) = model.refused()
    assert "at most 16 bits" in only.rule
