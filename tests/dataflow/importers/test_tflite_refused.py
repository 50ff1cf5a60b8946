"""TFLite operators that are refused: where, why, and what to do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.tflite_file import parse_tflite
from tilewright.dataflow.importers.tflite_model import model_graph
from tilewright.sim.random_models.tflite_models import byte, word
from tilewright.sim.random_models.tflite_small import (
    dense_file,
    one_op_file,
    relu_file,
    toy_integers,
    toy_tensor,
)
from tilewright.sim.random_models.tflite_writer import ToyOp, write_tflite

from tilewright.spec.diagnostics import SpecError

FILE = Path("toy.tflite")


def imported(data: bytes) -> Graph:
    return model_graph(parse_tflite(data, FILE))


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "uint8": (
        lambda: relu_file(tensors=[toy_tensor(type="UINT8"), toy_tensor("y", type="UINT8")]),
        "tensor 0 (x)",
        "is UINT8",
    ),
    "a scale beyond all use": (
        lambda: relu_file(tensors=[toy_tensor(), toy_tensor("y", scale=(1e-30,))]),
        "operator 0 (RELU)",
        "4.1943e+06",
    ),
    "an input's scale beyond all use": (
        lambda: relu_file(tensors=[toy_tensor(scale=(1e30,)), toy_tensor("y")]),
        "tensor 0 (x)",
        "has scale 1e+30, it must be 9.09495e-13 to 1.09951e+12",
    ),
    "float model": (
        lambda: relu_file(
            tensors=[
                toy_tensor(type="float32", scale=(), zero_point=()),
                toy_tensor("y", type="float32", scale=(), zero_point=()),
            ]
        ),
        "",
        "the model is float: nothing in it is quantised",
    ),
    "float activations": (
        lambda: write_tflite(
            [
                toy_tensor(type="float32", scale=(), zero_point=()),
                toy_tensor("y", type="float32", scale=(), zero_point=()),
                toy_tensor("q"),
            ],
            [
                ToyOp(kind="RELU", inputs=(0,), outputs=(1,)),
                ToyOp(kind="QUANTIZE", inputs=(1,), outputs=(2,)),
            ],
            [0],
            [2],
        ),
        "operator 0 (RELU)",
        "is FLOAT32, it must be INT8",
    ),
    "float activations, int8 weights": (
        lambda: one_op_file(
            "FULLY_CONNECTED",
            toy_tensor(shape=(1, 8), type="float32", scale=(), zero_point=()),
            toy_tensor("w", (4, 8), zero_point=(0,), data=np.ones((4, 8), np.int8)),
            toy_tensor("y", (1, 4), type="float32", scale=(), zero_point=()),
        ),
        "",
        "the model is float: only the weights are quantised",
    ),
    "result of another shape": (
        lambda: relu_file(tensors=[toy_tensor(), toy_tensor("y", (1, 6, 5, 4))]),
        "operator 0 (RELU)",
        "has shape (1, 6, 5, 4), the operator makes (1, 6, 5, 3)",
    ),
    "constant too short": (
        lambda: dense_file(values=np.ones((4, 9), np.int8)).replace(
            np.array([4, 9], "<i4").tobytes(), np.array([4, 8], "<i4").tobytes()
        ),
        "tensor 1",
        "36 bytes do not fill INT8 of shape (4, 8)",
    ),
    "weights with a zero point": (
        lambda: dense_file(zero_point=(5,)),
        "operator 0 (FULLY_CONNECTED)",
        "must have zero point 0",
    ),
    "weights with scales along inputs": (
        lambda: dense_file(scale=(0.5,) * 8, zero_point=(0,) * 8, axis=1),
        "operator 0 (FULLY_CONNECTED)",
        "scales along axis 0, not 1",
    ),
    "weights that do not fit": (
        lambda: dense_file(values=np.ones((4, 3), np.int8)),
        "operator 0 (FULLY_CONNECTED)",
        "do not fit tensor 0 (x)",
    ),
    "bias with another scale": (
        lambda: dense_file(bias_scale=0.75),
        "operator 0 (FULLY_CONNECTED)",
        "input scale x weight scale",
    ),
    "weights that are computed": (
        lambda: one_op_file(
            "FULLY_CONNECTED",
            toy_tensor(shape=(1, 8)),
            toy_tensor("v", (1, 8)),
            toy_tensor("y", (1, 1)),
        ),
        "operator 0 (FULLY_CONNECTED)",
        "must be a constant",
    ),
    "sum with a tiny scale": (
        lambda: one_op_file("ADD", toy_tensor(), toy_tensor("v", scale=(1e-5,)), toy_tensor("y")),
        "operator 0 (ADD)",
        "0.000976562 or more",
    ),
    "shapes that do not broadcast": (
        lambda: one_op_file("ADD", toy_tensor(), toy_tensor("v", (1, 6, 4, 3)), toy_tensor("y")),
        "operator 0 (ADD)",
        "do not broadcast",
    ),
    "reshape to another size": (
        lambda: one_op_file(
            "RESHAPE", toy_tensor(), toy_integers("s", 1, 7), toy_tensor("y", (1, 7))
        ),
        "operator 0 (RESHAPE)",
        "as many elements",
    ),
    "reshape with another scale": (
        lambda: one_op_file(
            "RESHAPE",
            toy_tensor(),
            toy_integers("s", 1, 90),
            toy_tensor("y", (1, 90), scale=(1.0,)),
        ),
        "operator 0 (RESHAPE)",
        "must have the same type, scale and zero point",
    ),
    "transpose with an axis twice": (
        lambda: one_op_file(
            "TRANSPOSE", toy_tensor(), toy_integers("p", 0, 1, 1, 3), toy_tensor("y")
        ),
        "operator 0 (TRANSPOSE)",
        "is not an order of 4 axes",
    ),
    "mean over a wrong axis": (
        lambda: one_op_file("MEAN", toy_tensor(), toy_integers("a", 4), toy_tensor("y", (1, 6, 5))),
        "operator 0 (MEAN)",
        "axis 4 is not one of 4 axes",
    ),
    "softmax with another result scale": (
        lambda: one_op_file("SOFTMAX", toy_tensor(), toy_tensor("y")),
        "operator 0 (SOFTMAX)",
        "scale 1/256",
    ),
    "pool with stride 0": (
        lambda: one_op_file(
            "MAX_POOL_2D",
            toy_tensor(),
            toy_tensor("y"),
            options_type="Pool2DOptions",
            _1=word(0),
            _2=word(0),
            _3=word(2),
            _4=word(2),
        ),
        "operator 0 (MAX_POOL_2D)",
        "must be 1 or more",
    ),
    "pool with a huge window": (
        lambda: one_op_file(
            "AVERAGE_POOL_2D",
            toy_tensor(),
            toy_tensor("y", (1, 1, 1, 3)),
            options_type="Pool2DOptions",
            _0=byte(1),
            _1=word(1),
            _2=word(1),
            _3=word(2**31 - 1),
            _4=word(2**31 - 1),
        ),
        "operator 0 (AVERAGE_POOL_2D)",
        "does not fit",
    ),
    "split in unequal parts": (
        lambda: write_tflite(
            [
                toy_integers("a", 1),
                toy_tensor(shape=(1, 5)),
                toy_tensor("y", (1, 2)),
                toy_tensor("z", (1, 3)),
            ],
            [ToyOp(kind="SPLIT", inputs=(0, 1), outputs=(2, 3))],
            [1],
            [2],
        ),
        "operator 0 (SPLIT)",
        "does not split in 2 equal parts",
    ),
    "slice beyond the end": (
        lambda: one_op_file(
            "SLICE",
            toy_tensor(shape=(1, 5)),
            toy_integers("b", 0, 3),
            toy_integers("s", 1, 4),
            toy_tensor("y", (1, 4)),
        ),
        "operator 0 (SLICE)",
        "takes nothing of 5",
    ),
    "concatenation of other scales": (
        lambda: one_op_file(
            "CONCATENATION",
            toy_tensor(),
            toy_tensor("v", scale=(0.25,)),
            toy_tensor("y", (1, 6, 5, 6)),
            options_type="ConcatenationOptions",
            _0=word(3),
        ),
        "operator 0 (CONCATENATION)",
        "must have the same type, scale and zero point",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_operators_are_located(case: str) -> None:
    make, place, rule = REFUSED[case]
    with pytest.raises(SpecError) as caught:
        imported(make())
    first = caught.value.diagnostics[0]
    assert place in first.path and rule in first.rule, str(caught.value)
    assert first.file == str(FILE)
