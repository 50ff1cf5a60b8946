"""A sketch as a quantised ONNX model, in QDQ form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .emit import finish, step_nodes
from .quantise import Quantisation, plan_operand, plan_weight, to_power_of_two
from .sketch import Constant, Sketch, Step

MAY_LIST_SCALES = ("Conv", "Gemm", "MatMul", "Relu", "Clip", "Reshape", "Flatten", "Transpose", "")
"""Where onnxruntime takes a list of one scale for a scalar."""
ELEMENT = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16}


class QuantisedModel:
    """The sketch between QuantizeLinear and DequantizeLinear nodes.

    A value `v` is quantised as `v_q`; readers share one dequantisation or have their own.
    """

    def __init__(self, s: Sketch, planned: Mapping[str, Quantisation]) -> None:
        self.s, self.planned = s, planned
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.constants: dict[str, tuple[str, Quantisation]] = {}
        self.shared: dict[str, str] = {}
        self.names: set[str] = set()
        may_list = all(step.op_type in MAY_LIST_SCALES for step in s.steps)
        self.has_listed_scales = may_list and s.draw.chance(25)
        self.shares = s.draw.chance(60)
        self.omits_zeros = s.draw.chance(10)
        self.inputs = [self._input(name) for name in s.inputs]
        for step in s.steps:
            self._step(step)
        outputs = [self._output(name) for name in self._ends()]
        self._drop_unused_inputs()
        batch = None if self._has_fixed_batch() or s.draw.chance(50) else "batch"
        self.proto = finish(s, self.nodes, self.initializers, self.inputs, outputs, batch)

    def initializer(self, values: NDArray[Any], name: str) -> str:
        if name not in self.names:
            self.names.add(name)
            self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def _input(self, name: str) -> tuple[str, int]:
        """A float that is quantised first, at times the integers themselves."""
        if self.s.draw.chance(8):
            return f"{name}_q", ELEMENT[self.planned[name].number_format]
        self._quantize(name)
        return name, TensorProto.FLOAT

    def _parameters(self, name: str, quantisation: Quantisation) -> list[str]:
        scale: NDArray[Any] = np.asarray(quantisation.scale, np.float32)
        zero_point, form = quantisation.zero_point, quantisation.number_format
        stored = "int8" if form == "int4" else form
        zero: NDArray[Any] = np.full(scale.shape, zero_point, stored)
        if scale.ndim == 0 and self.has_listed_scales:
            scale, zero = scale.reshape(1), zero.reshape(1)
        found = [self.initializer(scale, f"{name}_scale")]
        if self.omits_zeros and form == "uint8" and zero_point == 0:
            return found  # which is what the standard takes it for
        self._constant_integers(zero, f"{name}_zero_point", form)
        return [*found, f"{name}_zero_point"]

    def _quantize(self, name: str) -> None:
        parameters = self._parameters(name, self.planned[name])
        inputs = [name, *parameters]
        self.nodes.append(
            helper.make_node("QuantizeLinear", inputs, [f"{name}_q"], f"Quantize_{name}")
        )

    def _dequantized(self, name: str) -> str:
        """The floats of a quantised value."""
        if self.shares and name in self.shared:
            return self.shared[name]
        number = sum(node.input[0] == f"{name}_q" for node in self.nodes)
        made = f"{name}_dq{number or ''}"
        self._dequantize(f"{name}_q", name, self.planned[name], made)
        self.shared[name] = made
        return made

    def _dequantize(self, source: str, name: str, quantisation: Quantisation, made: str) -> None:
        inputs = [source, *self._parameters(name, quantisation)]
        attributes: dict[str, Any] = {}
        if quantisation.axis is not None:
            attributes["axis"] = quantisation.axis
        self.nodes.append(
            helper.make_node("DequantizeLinear", inputs, [made], f"De{made}", **attributes)
        )

    def _step(self, step: Step) -> None:
        inputs = tuple(self._operand(name, step) for name in step.inputs)
        if step.op_type:
            self.nodes += step_nodes(self.initializer, step, inputs)
            if not step.is_bare:
                for name in step.outputs:
                    self._quantize(name)
            return
        (name,) = step.outputs
        parameters = self._parameters(name, self.planned[name])
        self.nodes.append(
            helper.make_node(
                "QuantizeLinear", [inputs[0], *parameters], [f"{name}_q"], f"Quantize_{name}"
            )
        )

    def _operand(self, name: str, step: Step) -> str:
        if not name:
            return ""
        constant = self.s.constants.get(name)
        if constant is None:
            return name if name in self.s.is_bare else self._dequantized(name)
        if constant.role == "plain":
            return self.initializer(constant.values, name)
        return self._constant(constant, step)

    def _constant(self, constant: Constant, step: Step) -> str:
        name = constant.name
        if name in self.constants:
            return f"{name}_dq"
        if constant.role == "bias":
            activation, weight = constant.of
            scale = np.asarray(self.planned[activation].scale * self.constants[weight][1].scale)
            axis = 0 if np.ndim(scale) else None
            steps = np.rint(constant.values.astype(np.float64) / scale)
            values: NDArray[Any] = np.clip(steps, -(2**30), 2**30).astype(np.int32)
            quantisation = Quantisation(number_format="int32", scale=scale, zero_point=0, axis=axis)
        else:
            beside = next(i for i in step.inputs if i in self.planned)
            number_format = self.planned[beside].number_format
            draw, is_weight = self.s.draw, constant.role == "weight"
            form = "int4" if self.s.has_int4_weights else "int8"
            quantisation = (
                plan_weight(draw, constant, number_format, form)
                if is_weight
                else plan_operand(draw, constant, number_format)
            )
            if self.s.has_powers_of_two:
                quantisation = to_power_of_two(quantisation)
            values = quantisation.quantize(constant.values)
        self.constants[name] = (name, quantisation)
        self._constant_integers(values, f"{name}_q", quantisation.number_format)
        self._dequantize(f"{name}_q", name, quantisation, f"{name}_dq")
        return f"{name}_dq"

    def _constant_integers(self, values: NDArray[Any], name: str, number_format: str) -> None:
        if number_format != "int4":
            self.initializer(values, name)
            return
        self.names.add(name)
        flat = values.ravel().tolist()
        tensor = helper.make_tensor(name, TensorProto.INT4, values.shape, flat)
        self.initializers.append(tensor)

    def _ends(self) -> list[str]:
        """Values that no step reads, and at times one that some step reads."""
        ends = [n for n in self.s.values if not self.s.is_used(n) and n not in self.s.inputs]
        inner = [n for n in self.s.values if self.s.is_used(n) and n not in self.s.inputs]
        if inner and self.s.draw.chance(15):
            ends.append(self.s.draw.choice(inner))
        return ends

    def _output(self, name: str) -> tuple[str, str, int]:
        """Dequantised, at times the integers themselves."""
        if self.s.draw.chance(5):
            return f"{name}_q", name, ELEMENT[self.planned[name].number_format]
        self._dequantize(f"{name}_q", name, self.planned[name], f"{name}_out")
        return f"{name}_out", name, TensorProto.FLOAT

    def _drop_unused_inputs(self) -> None:
        read = {name for node in self.nodes for name in node.input}
        unread = {n for n in self.s.inputs if f"{n}_q" not in read}
        self.inputs = [(n, e) for n, e in self.inputs if n.removesuffix("_q") not in unread]
        self.nodes = [node for node in self.nodes if node.input[0] not in unread]

    def _has_fixed_batch(self) -> bool:
        """Whether some shape is written out with the batch in it."""
        shapes = {"Reshape": 1, "Resize": 3}  # the input that is one
        places = [(step.inputs, shapes.get(step.op_type, 9)) for step in self.s.steps]
        written = [inputs[place] for inputs, place in places if place < len(inputs)]
        return any(self.s.constants[name].values[0] != 0 for name in written)
