"""A sketch as an ONNX model in floats, for calibration, and what both forms of it share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .sketch import Sketch, Step

IR_VERSIONS = {13: 8, 17: 8, 19: 9, 21: 10}


class FloatModel:
    """The sketch without quantisation; every value is an output."""

    def __init__(self, s: Sketch) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers = [
            numpy_helper.from_array(np.asarray(c.values), c.name) for c in s.constants.values()
        ]
        for step in s.steps:
            self.nodes += step_nodes(self.initializer, step, step.inputs)
        outputs = [name for step in s.steps for name in step.outputs]
        self.proto = finish(
            s,
            self.nodes,
            self.initializers,
            [(name, TensorProto.FLOAT) for name in s.inputs],
            [(name, name, TensorProto.FLOAT) for name in outputs],
        )

    def initializer(self, values: NDArray[Any], name: str) -> str:
        self.initializers.append(numpy_helper.from_array(values, name))
        return name


def step_nodes(
    initializer: Callable[[NDArray[Any], str], str], step: Step, inputs: tuple[str, ...]
) -> list[onnx.NodeProto]:
    """The step's node, and the Relu or Clip behind it."""
    made = [f"{name}_pre" if step.activation else name for name in step.outputs]
    op_type = step.op_type or "Identity"
    nodes = [
        helper.make_node(op_type, inputs, made, f"{step.op_type}_{step.outputs[0]}",
                         **step.attributes)
    ]  # fmt: skip
    if not step.activation:
        return nodes
    more: list[str] = []
    if step.activation == "Clip":
        assert step.limits is not None
        for label, limit in zip(("low", "high"), step.limits, strict=True):
            name = f"{step.outputs[0]}_{label}"
            more.append(initializer(np.array(limit, np.float32), name))
    name = f"{step.activation}_{step.outputs[0]}"
    nodes.append(helper.make_node(step.activation, [made[0], *more], [step.outputs[0]], name))
    return nodes


def finish(
    s: Sketch,
    nodes: list[onnx.NodeProto],
    initializers: list[onnx.TensorProto],
    inputs: list[tuple[str, int]],
    outputs: list[tuple[str, str, int]],
    batch: str | None = None,
) -> onnx.ModelProto:
    """A model; `inputs` (name, type) and `outputs` (name, value with its shape, type)."""

    def info(name: str, value: str, element: int) -> onnx.ValueInfoProto:
        shape: list[int | str] = list(s.shapes[value])
        if batch is not None:
            shape[0] = batch
        return helper.make_tensor_value_info(name, element, shape)

    graph = helper.make_graph(
        nodes,
        "random",
        [info(name, name.removesuffix("_q"), element) for name, element in inputs],
        [info(name, value, element) for name, value, element in outputs],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", s.opset)])
    model.ir_version = IR_VERSIONS[s.opset]
    return model
