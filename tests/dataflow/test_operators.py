"""The table of kinds: what an op may have, and the extents and MACs that follow."""

from __future__ import annotations

import numpy as np
import pytest
from tilewright.dataflow import number_formats
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.operators import KINDS, check

WINDOW = {"strides": (2, 1), "pads": (1, 0, 1, 2), "dilations": (1, 2)}

# kind, operands, attributes, result, MACs
GOOD = [
    ("conv", [(2, 6, 9, 8), (4, 3, 3, 2)], {**WINDOW, "groups": 2}, (2, 4, 5, 8), 2 * 4 * 40 * 18),
    (
        "conv",
        [(1, 2, 9), (3, 2, 4), (3,), (3,)],
        {"strides": (2,), "pads": (0, 0), "dilations": (1,), "groups": 1, "zero_point": 3},
        (1, 3, 3),
        9 * 8,
    ),
    (
        "conv_transpose",
        [(1, 2, 3, 3), (2, 4, 3, 3)],
        {
            "strides": (2, 2),
            "pads": (1, 1, 1, 1),
            "dilations": (1, 1),
            "groups": 1,
            "output_padding": (1, 0),
        },
        (1, 4, 6, 5),
        18 * 36,
    ),
    ("matmul", [(5, 7), (7, 3), (3,), (3,)], {}, (5, 3), 105),
    ("matmul", [(2, 1, 5, 7), (4, 7, 3)], {}, (2, 4, 5, 3), 840),
    ("threshold", [(2, 3), (3, 7)], {"axis": 1, "minimum": -1}, (2, 3), 0),
    ("add", [(2, 1, 3), (4, 1)], {"minimum": 0}, (2, 4, 3), 0),
    ("relu", [(2, 3)], {}, (2, 3), 0),
    ("max_pool", [(1, 2, 5, 5)], {**WINDOW, "kernel": (2, 2)}, (1, 2, 3, 5), 0),
    ("global_average_pool", [(1, 2, 5, 5)], {}, (1, 2, 1, 1), 0),
    ("reduce_mean", [(1, 2, 5, 4)], {"axes": (2, 3), "keeps_axes": 0}, (1, 2), 0),
    ("reduce_mean", [(1, 2, 5, 4)], {"axes": (3,), "keeps_axes": 1}, (1, 2, 5, 1), 0),
    ("concat", [(1, 2), (1, 3), (1, 1)], {"axis": 1}, (1, 6), 0),
    ("slice", [(5, 4)], {"starts": (4, 1), "stops": (-1, 4), "steps": (-2, 1)}, (3, 3), 0),
    ("pad", [(5, 4)], {"pads": (0, 1, 2, 3), "mode": "constant", "value": 0.0}, (7, 8), 0),
    ("reshape", [(5, 4)], {}, (2, 10), 0),
    ("transpose", [(5, 4, 3)], {"perm": (2, 0, 1)}, (3, 5, 4), 0),
    ("resize", [(1, 2, 3, 3), (6,), (5,)], {"axes": (2, 3)}, (1, 2, 6, 5), 0),
    ("gather", [(5, 4), (2, 3)], {"axis": 1}, (5, 2, 3), 0),
]

# kind, operands, attributes, result, the words of the refusal
BAD = [
    ("convolution", [(1,)], {}, (1,), "kind 'convolution' is not one of"),
    ("relu", [(1,), (1,)], {}, (1,), "has 2 inputs; they are activation"),
    ("relu", [(2,)], {"alpha": 0.1}, (2,), r"attributes unknown: \['alpha'\]"),
    ("leaky_relu", [(2,)], {}, (2,), r"missing: \['alpha'\]"),
    ("leaky_relu", [(2,)], {"alpha": 1}, (2,), "attribute alpha must be float, got 1"),
    ("relu", [(2, 3)], {}, (3, 2), r"result has shape \(3, 2\), must have \(2, 3\)"),
    ("reshape", [(2, 3)], {}, (7,), "as many elements"),
    ("matmul", [(5, 7), (6, 3)], {}, (5, 3), "no matrix product"),
    ("matmul", [(5, 7), (7, 3), (5,)], {}, (5, 3), "bias and scale must have 3 entries"),
    ("add", [(2, 3), (2, 4)], {}, (2, 3), "do not broadcast"),
    ("conv", [(1, 6, 9, 8), (4, 3, 3, 2)], {**WINDOW, "groups": 1}, (1,), "do not fit 6"),
    ("conv", [(1, 3, 9, 8), (4, 3, 13, 2)], {**WINDOW, "groups": 1}, (1,), "a kernel of 13"),
    ("max_pool", [(1, 3, 9, 8)], {**WINDOW, "kernel": (3,)}, (1,), "kernel must list 2 integers"),
    ("reduce_mean", [(1, 2)], {"axes": (2,), "keeps_axes": 0}, (1,), "are not axes of"),
    ("concat", [(1, 2), (2, 3)], {"axis": 1}, (1, 5), "differ beside axis 1"),
    ("slice", [(5,)], {"starts": (5,), "stops": (5,), "steps": (1,)}, (1,), "takes nothing of 5"),
    ("slice", [(5,)], {"starts": (0,), "stops": (5,), "steps": (0,)}, (1,), "takes nothing of 5"),
    ("pad", [(5,)], {"pads": (-1, 0), "mode": "constant", "value": 0.0}, (4,), "0 or more"),
    ("transpose", [(5, 4)], {"perm": (0, 0)}, (5, 5), "is not an order of 2 axes"),
    ("gather", [(5, 4), (2,)], {"axis": 2}, (5, 2), "axis 2 is not one of 2 axes"),
]


@pytest.mark.parametrize(("kind", "operands", "attributes", "result", "macs"), GOOD)
def test_good(kind, operands, attributes, result, macs):
    check(kind, operands, [result], attributes)
    assert KINDS[kind].macs(operands, result) == macs


@pytest.mark.parametrize(("kind", "operands", "attributes", "result", "words"), BAD)
def test_bad(kind, operands, attributes, result, words):
    with pytest.raises(ValueError, match=words):
        check(kind, operands, [result], attributes)


def test_a_graph_names_the_op_that_breaks_a_rule():
    tensors = (
        Tensor(name="x", shape=(2, 3), number_format="int8", role="input"),
        Tensor(name="y", shape=(2, 4), number_format="int8", role="output"),
    )
    op = Op(name="act", kind="relu", inputs=("x",), outputs=("y",))
    with pytest.raises(ValueError, match=r"op act \(relu\): result has shape"):
        Graph(name="g", ops=(op,), tensors=tensors)


@pytest.mark.parametrize(
    ("name", "low", "high", "stored"),
    [
        ("int1", -1, 0, "int8"),
        ("uint4", 0, 15, "uint8"),
        ("int8", -128, 127, "int8"),
        ("int9", -256, 255, "int16"),
        ("uint17", 0, 131071, "uint32"),
        ("int64", -(2**63), 2**63 - 1, "int64"),
    ],
)
def test_number_formats(name, low, high, stored):
    assert number_formats.is_integer_format(name)
    assert number_formats.range_of(name) == (low, high)
    assert number_formats.storage_type(name) == np.dtype(stored)


@pytest.mark.parametrize("name", ["int0", "int08", "int33", "uint48", "float16", "int8 ", "Int8"])
def test_what_is_no_number_format(name):
    assert not number_formats.is_number_format(name)


def test_scales_along_an_axis():
    tensor = Tensor(
        name="w",
        shape=(2, 3),
        number_format="int4",
        scale=(0.5, 0.25),
        zero_point=(0, 1),
        axis=0,
        role="intermediate",
    )
    floats = np.array([[1.0, -0.25, 9.0], [0.125, -0.375, 9.0]], np.float32)
    # 0.5 / 0.25 rounds half to even; 9.0 saturates at int4's 7.
    assert tensor.quantize(floats).tolist() == [[2, 0, 7], [1, -1, 7]]
    assert tensor.dequantize(np.array([[2, 0, 7], [1, -1, 7]])).tolist() == [
        [1.0, 0.0, 3.5],
        [0.0, -0.5, 1.5],
    ]
