"""The onnx package's single-operator tests: all that our importer takes, run and compared."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tilewright.sim.onnx_node_tests import (
    NodeTest,
    Outcome,
    exported_tests,
    node_tests,
    outcome,
    outcomes,
    reason_of,
)

QUANTISED = {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
OPERATORS = {
    *QUANTISED, "Add", "AveragePool", "Clip", "Concat", "Conv", "ConvTranspose",
    "DequantizeLinear", "Erf", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool",
    "HardSwish", "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool", "Mul", "Pad",
    "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Softmax",
    "Split", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze",
}  # fmt: skip
"""What the project promises to import and run."""


@pytest.fixture(scope="module")
def found() -> list[Outcome]:
    return list(outcomes(node_tests()))


def test_none_differs(found: list[Outcome]) -> None:
    """Integers and layout exactly, floats within the tolerance."""
    wrong = [f"{o.name}: {o.reason}" for o in found if o.status == "differs"]
    assert not wrong, "\n".join(wrong)


def test_enough_ran(found: list[Outcome]) -> None:
    """Every promised operator, and no fewer tests than when this was written (onnx 1.23)."""
    ran = Counter(o.group for o in found if o.status != "skipped")
    assert ran["integer"] >= 33 and ran["layout"] >= 126 and ran["float"] >= 162, ran
    operators = {o.operator for o in found if o.status != "skipped"}
    assert not OPERATORS - operators


def test_refusals_are_those_we_know(found: list[Outcome]) -> None:
    """Nothing is passed over for a new reason."""
    new = [o for o in found if o.status == "skipped" and reason_of(o.reason) is None]
    assert not new, "\n".join(f"{o.name}: {o.reason}" for o in new)


def test_quantised_operators_run_as_integers(found: list[Outcome]) -> None:
    """All of their tests but those with scales in float16."""
    left = [o for o in found if o.operator in QUANTISED and not o.used_integers]
    assert all("float16" in o.reason for o in left), left
    assert sum(o.used_integers for o in found) >= 8


def test_layers_exported_by_pytorch() -> None:
    """Convolutions, pools, activations with the results that PyTorch had."""
    exported = list(outcomes(exported_tests()))
    wrong = [f"{o.name}: {o.reason}" for o in exported if o.status == "differs"]
    assert not wrong, "\n".join(wrong)
    assert sum(o.status != "skipped" for o in exported) >= 85


def test_a_wrong_expectation_is_found() -> None:
    """The comparison can fail: values, shapes and missing outputs."""
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    given = {"x": np.array([-1, 2], np.float32)}

    def status(name: str, want: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
        test = NodeTest(name="t", operator="Relu", model=model, given=given, wanted={name: want})
        return outcome(test).status

    assert status("y", np.array([0, 2], np.float32)) == "exact"
    assert status("y", np.array([0, 2.000001], np.float32)) == "close"
    assert status("y", np.array([0, 2.001], np.float32)) == "differs"
    assert status("y", np.array([[0, 2]], np.float32)) == "differs"
    assert status("z", np.array([0, 2], np.float32)) == "differs"
