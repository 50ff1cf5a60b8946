"""A whole imported model: from the inputs that its file names to the outputs that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Tensor
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.number_formats import FLOAT, is_integer_format

from .float_run import run_float
from .run import run

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class ModelRun:
    """All integers by the names of the integer graph's tensors; outputs as the file has them."""

    integers: Arrays
    outputs: Arrays


def run_model(imported: Imported, inputs: Arrays) -> ModelRun:
    """The golden run between the ends that the host computes.

    Raises:
        ValueError: if an input is missing or does not fit.
    """
    given = graph_inputs(imported, inputs)
    made = run(imported.graph, given)
    integers = {**given, **made}
    return ModelRun(integers=integers, outputs=model_outputs(imported, integers))


def graph_inputs(imported: Imported, inputs: Arrays) -> dict[str, NDArray[Any]]:
    """The inputs of the integer graph, by its names, from the model's inputs."""
    before: Arrays = {}
    if imported.before is not None:
        wanted = {tensor.name for tensor in imported.before.inputs}
        floats = {name: value for name, value in inputs.items() if name in wanted}
        before = run_float(imported.before, floats)
    return {t.name: _given(t, before, inputs) for t in imported.graph.inputs}


def _given(tensor: Tensor, before: Arrays, inputs: Arrays) -> NDArray[Any]:
    if tensor.name in before:
        return before[tensor.name]
    name = tensor.origin if tensor.origin in inputs else tensor.name
    if name not in inputs:
        raise ValueError(f"input {name}: missing")
    values = inputs[name]
    return tensor.quantize(values) if values.dtype == np.float32 else values


def model_outputs(imported: Imported, integers: Arrays) -> dict[str, NDArray[Any]]:
    """The model's outputs by their names in the file, from the integer graph's tensors."""
    if imported.after is None:
        declared = {t.origin or t.name: t.number_format for t in imported.model.outputs}
        return {
            tensor.origin: integers[tensor.name]
            if is_integer_format(declared.get(tensor.origin, FLOAT))
            else tensor.dequantize(integers[tensor.name])
            for tensor in imported.graph.outputs
        }
    wanted = {tensor.name for tensor in imported.after.inputs}
    made = run_float(imported.after, {name: integers[name] for name in wanted})
    return {t.origin or t.name: made[t.name] for t in imported.after.outputs}
