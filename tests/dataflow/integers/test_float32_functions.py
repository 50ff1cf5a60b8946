"""float32 functions: fused multiply-adds are exact, the rest is what onnxruntime's kernels give."""

import math
import platform
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tilewright.dataflow.integers import float32_functions as functions

on_x86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="onnxruntime's float kernels differ by processor; the formulas are those for x86-64",
)

KERNELS = {
    "tanh": (functions.tanh, "Tanh", {}),
    "sigmoid": (functions.sigmoid, "Sigmoid", {}),
    "erf": (functions.erf, "Erf", {}),
    "gelu": (functions.gelu, "Gelu", {}),
    "gelu_by_tanh": (functions.gelu_by_tanh, "Gelu", {"approximate": "tanh"}),
}
EXACT = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "erf": np.vectorize(math.erf),
    "gelu": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "gelu_by_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def kernel(op, x, attributes):
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    assert onnx.checker.check_model(model) is None
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def values(seed=51):
    rng = np.random.default_rng(seed)
    sizes = np.exp2(rng.uniform(-30, 6, 20_000))
    parts = [rng.uniform(-20, 20, 20_000), sizes, -sizes, [0.0, -0.0, 3.925, 9, 18, 100, -100]]
    return np.concatenate(parts).astype(np.float32)


@on_x86
@pytest.mark.parametrize("name", KERNELS)
def test_every_bit_is_onnxruntimes(name):
    ours, op, attributes = KERNELS[name]
    x = values()
    theirs = kernel(op, x, attributes)
    wrong = np.flatnonzero(ours(x).view(np.uint32) != theirs.view(np.uint32))
    assert not wrong.size, f"{wrong.size} differ, first x = {x[wrong[0]]!r}, seed 51"


@pytest.mark.parametrize("name", KERNELS)
def test_close_to_the_exact_function(name):
    x = values()
    ours = KERNELS[name][0](x).astype(np.float64)
    exact = EXACT[name](np.clip(x.astype(np.float64), -100, 100))
    assert np.abs(ours - exact).max() < 4e-7 * max(1, np.abs(exact).max())


@pytest.mark.parametrize("name", functions.ROUNDED)
def test_rounded_functions_never_fall(name):
    x = np.sort(values())
    ours = functions.ROUNDED[name](x)
    assert (np.diff(ours) >= 0).all()
    exact = EXACT[name](np.clip(x.astype(np.float64), -80, 80))
    np.testing.assert_allclose(ours, exact, rtol=6e-8, atol=1e-34)


def test_fused_multiply_adds_against_fractions():
    """Sums that lie a little beside ties of float32, where two roundings would go wrong."""
    rng = np.random.default_rng(52)
    a, b = (rng.normal(size=3000).astype(np.float32) for _ in range(2))
    c = (rng.normal(size=3000) * np.exp2(rng.integers(-30, 30, 3000))).astype(np.float32)
    tie = np.float32(1 + 2**-12)  # its square is 1 + 2^-11 + 2^-24: a tie
    a, b = np.append(a, [tie] * 3), np.append(b, [tie] * 3)
    c = np.append(c, np.float32([0, 1e-30, -1e-30]))
    ours = functions.fused(a, b, c)
    for x, y, z, got in zip(*(v.tolist() for v in (a, b, c)), ours, strict=True):
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        candidates = [got, np.nextafter(got, np.float32(-9e9)), np.nextafter(got, np.float32(9e9))]
        errors = [abs(Fraction(float(each)) - exact) for each in candidates]
        assert errors[0] == min(errors), f"{x} * {y} + {z}: {got}, seed 52"
        if errors.count(min(errors)) > 1:
            assert np.float32(got).view(np.uint32) % 2 == 0, "a tie goes to even"
    assert ours[-3:].tolist() == [1 + 2**-11, float(np.float32(1 + 2**-11 + 2**-23)), 1 + 2**-11]
