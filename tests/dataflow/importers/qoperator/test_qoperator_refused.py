"""QOperator nodes that break a rule: each is answered with its name and the rule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes

from tilewright.spec.diagnostics import SpecError

MICROSOFT = "com.microsoft"
CONSTANTS = {
    "xs": np.array(0.05, np.float32),
    "xz": np.array(-3, np.int8),
    "ys": np.array(0.07, np.float32),
    "yz": np.array(5, np.int8),
    "bs": np.array(0.02, np.float32),
    "bz": np.array(0, np.int8),
    "zero": np.array(0, np.float32),
    "nan": np.array(np.nan, np.float32),
    "tiny": np.array(1e-37, np.float32),
    "wide": np.array(3, np.int16),
    "several": np.linspace(0.01, 0.04, 6, dtype=np.float32),
    "w": np.ones((5, 3, 3, 3), np.int8),
    "matrix": np.ones((4, 6), np.int8),
    "bias": np.ones(5, np.int32),
}
X = ("x", "xs", "xz")
Y = ("ys", "yz")

WRONG = [
    ("QLinearAveragePool", (*X, *Y), {"kernel_shape": [2, 2], "channels_last": 1}, "channels_last"),
    ("QLinearGlobalAveragePool", (*X, *Y), {"channels_last": 1}, "NCHW"),
    ("QLinearConv", (*X, "w", "bs", "bz", *Y), {"channels_last": 1}, "channels_last"),
    (
        "QLinearAveragePool",
        (*X, *Y),
        {"kernel_shape": [2**40 + 1, 1], "pads": [2**40, 0, 0, 0]},
        "positions with pads",
    ),
    ("QLinearAdd", (*X, "x", "bs", "bz", *Y), {}, "scale and zero point must be those"),
    ("QLinearAdd", (*X, "w"), {}, "needs its input 5"),
    ("QLinearSigmoid", ("x", "zero", "xz", *Y), {}, "positive normal"),
    ("QLinearSigmoid", ("x", "nan", "xz", *Y), {}, "NaN"),
    ("QLinearSigmoid", ("x", "several", "xz", *Y), {}, "activations must have one scale"),
    ("QLinearSigmoid", (*X, "several", "yz"), {}, "activations must have one scale"),
    ("QLinearSigmoid", ("x", "xs", "wide", *Y), {}, "zero points must be"),
    ("QLinearSigmoid", ("x", "x", "xz", *Y), {}, "must be a constant"),
    ("QLinearSigmoid", ("xs", "xs", "xz", *Y), {}, "must hold integers"),
    ("QLinearSoftmax", (*X, *Y), {"axis": 9}, "axis"),
    ("QLinearConcat", (*Y, *X, "x"), {"axis": 1}, "three inputs for each part"),
    ("QLinearConv", (*X, "w", "several", "bz", *Y), {}, "zero points must be 6"),
    ("QLinearConv", (*X, "w", "bs", "bz", *Y, "xs"), {}, "bias must be int32"),
    ("QGemm", (*X, "matrix", "bs", "bz", "", *Y), {"alpha": 2.0}, "alpha"),
    ("QLinearWhere", (*X, *Y), {}, "not supported"),
    ("QLinearConv", (*X, "w", "tiny", "bz", *Y, "bias"), {}, "no normal float32"),
    ("ConvInteger", ("x", "w", "several"), {}, "zero point"),
    ("MatMulInteger", ("x", "wide"), {}, "must be int8 or uint8"),
]


@pytest.mark.parametrize(("operator", "inputs", "attributes", "message"), WRONG)
def test_what_is_refused_names_the_node(
    operator: str, inputs: Sequence[str], attributes: dict[str, Any], message: str
) -> None:
    domain = "" if operator in ("MatMulInteger", "ConvInteger") else MICROSOFT
    graph = helper.make_graph(
        [helper.make_node(operator, list(inputs), ["y"], "it", domain=domain, **attributes)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.INT8, (1, 3, 4, 4))],
        [helper.make_tensor_value_info("y", TensorProto.INT8, None)],
        [numpy_helper.from_array(v, name) for name, v in CONSTANTS.items() if name in inputs],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    with pytest.raises(SpecError) as caught:
        import_bytes(model.SerializeToString(), Path("net.onnx"))
    assert message in str(caught.value)
    assert "node it" in str(caught.value) or "tensor nan" in str(caught.value)
