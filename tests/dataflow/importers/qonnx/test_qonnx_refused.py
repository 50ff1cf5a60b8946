"""QONNX nodes that are refused, each with its place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

from tilewright.spec.diagnostics import SpecError

Nodes = Callable[[Any], list[onnx.NodeProto]]
REFUSED: list[tuple[Nodes, dict[str, Any], str, str]] = [
    (lambda q: [q.quant("x zero zero four", "q")], {}, "Quant_q", "positive normal"),
    (lambda q: [q.quant("x nan zero four", "q")], {"nan": np.nan}, "nan", "NaN"),
    (
        lambda q: [q.quant("x one zero zero", "q")],
        {},
        "Quant_q",
        "bit width must be one of 1 to 16, got 0",
    ),
    (lambda q: [q.quant("x one zero wide", "q")], {"wide": 17.0}, "Quant_q", "1 to 16, got 17"),
    (lambda q: [q.quant("x one zero half", "q")], {}, "Quant_q", "1 to 16, got 0.5"),
    (
        lambda q: [q.quant("x one half four", "q")],
        {},
        "Quant_q",
        "zero points must be integers of int4",
    ),
    (
        lambda q: [q.quant("x one eight four", "q")],
        {},
        "Quant_q",
        "zero points must be integers of int4",
    ),
    (lambda q: [q.quant("x one two one", "q")], {}, "Quant_q", "one bit must have zero point 0"),
    (
        lambda q: [q.quant("x one zero one", "q", signed=0, narrow=1)],
        {},
        "Quant_q",
        "holds 0 alone",
    ),
    (lambda q: [q.quant("x one zero four", "q", signed=2)], {}, "Quant_q", "signed must be"),
    (
        lambda q: [q.quant("x one zero four", "q", rounding_mode="NEAR")],
        {},
        "Quant_q",
        "rounding_mode",
    ),
    (lambda q: [q.quant("x x zero four", "q")], {}, "Quant_q", "must be a constant"),
    (
        lambda q: [q.quant("x many zero four", "q")],
        {"many": [1.0, 2.0, 3.0]},
        "Quant_q",
        "of shape (3,)",
    ),
    (lambda q: [q.quant("x one zero", "q")], {}, "Quant_q", "needs its input 4"),
    (
        lambda q: [q.node("Quant", "x one zero four", "q", rounding_mode=3)],
        {},
        "Quant_q",
        "must be a text",
    ),
    (lambda q: [q.node("BipolarQuant", "x", "q")], {}, "BipolarQuant_q", "needs its input 2"),
    (
        lambda q: [q.node("FloatQuant", "x one", "q")],
        {},
        "FloatQuant_q",
        "FloatQuant is not supported",
    ),
    (
        lambda q: [
            q.entry,
            q.weight,
            q.product,
            q.node("LeakyRelu", "sums", "r", alpha=-1.0),
            q.quant("r one zero two", "y"),
        ],
        {},
        "LeakyRelu_r",
        "neither rises nor falls",
    ),
    (
        lambda q: [
            q.entry,
            q.weight,
            q.product,
            q.node("Div", "one sums", "r"),
            q.quant("r one zero two", "y"),
        ],
        {},
        "Div_r",
        "only a division by constants",
    ),
    (
        lambda q: [
            q.entry,
            q.weight,
            q.product,
            q.node("Mul", "sums huge", "r"),
            q.quant("r one zero two", "y"),
        ],
        {"huge": 3e38},
        "Mul_r",
        "beyond float32's range",
    ),
    (
        lambda q: [
            q.entry,
            q.weight,
            q.product,
            q.node("Add", "sums grid", "r"),
            q.quant("r one zero two", "y"),
        ],
        {"grid": np.ones((2, 3), np.float32)},
        "Add_r",
        "along other axes than the channels'",
    ),
    (
        lambda q: [
            q.entry,
            q.weight,
            q.product,
            q.node("BatchNormalization", "sums g g g v", "n", epsilon=0.0),
            q.quant("n one zero two", "y"),
        ],
        {"g": [1.0] * 3, "v": [1.0, 0.0, 1.0]},
        "BatchNormalization_n",
        "must be above 0",
    ),
    (
        lambda q: [q.entry, q.quant("weight each zero three", "w"), q.product, q.end],
        {"each": [[1.0], [2.0]]},
        "MatMul_sums",
        "per output channel",
    ),
    (lambda q: [q.weight, q.node("MatMul", "x w", "sums"), q.end], {}, "MatMul_sums", "in floats"),
]


@pytest.mark.parametrize(("nodes", "constants", "place", "rule"), REFUSED)
def test_what_is_refused_names_its_place(
    qonnx: Any,
    nodes: Nodes,
    constants: dict[str, Any],
    place: str,
    rule: str,
) -> None:
    with pytest.raises(SpecError) as caught:
        qonnx.imported(qonnx.model(nodes(qonnx), constants))
    lines = [line for line in str(caught.value).splitlines() if rule in line]
    assert lines, str(caught.value)
    assert place in lines[0]
    assert "net.onnx" in lines[0] or "help" in lines[0]
