"""The judge of TFLite models from outside: LiteRT's interpreter (package ai-edge-litert, optional).

By default the interpreter gives all ops it can to XNNPACK and runs the others by its own kernels;
`kernels` may ask for its own optimised or reference kernels for all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph, Tensor

from .run import run

Array = NDArray[Any]
Kernels = Literal["default", "optimised", "reference"]
CHANNELS_LAST = (0, 2, 3, 1)
_RESOLVERS = {
    "default": "AUTO",
    "optimised": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}


class LiteRT:
    """A model in LiteRT's interpreter.

    `keeps_inner`: values between ops can be read; each op is then handed to XNNPACK by itself
    (which changes no result that was ever measured; the benchmark compares outputs with both).
    Raises ImportError if the package is missing, and RuntimeError or ValueError for models that
    LiteRT refuses.
    """

    def __init__(self, data: bytes, kernels: Kernels = "default", keeps_inner: bool = False):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keeping values is said to be for debugging
            self._interpreter = Interpreter(
                model_content=data,
                experimental_op_resolver_type=OpResolverType[_RESOLVERS[kernels]],
                experimental_preserve_all_tensors=keeps_inner,
            )
        self._interpreter.allocate_tensors()

    @property
    def delegated(self) -> int:
        """How many groups of ops another library runs: 0 without XNNPACK."""
        details = self._interpreter._get_ops_details()
        return sum(op["op_name"] == "DELEGATE" for op in details)

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The outputs by name; `inputs` in the model's order, each with the model's batch."""
        for detail, values in zip(self._interpreter.get_input_details(), inputs, strict=True):
            self._interpreter.set_tensor(detail["index"], values)
        self._interpreter.invoke()
        details = self._interpreter.get_output_details()
        return {detail["name"]: self._read(detail["index"]) for detail in details}

    def inner(self, names: Sequence[str]) -> dict[str, Array]:
        """Values of the last run by the tensors' names, those that can be read."""
        wanted = set(names)
        details = self._interpreter.get_tensor_details()
        return {d["name"]: self._read(d["index"]) for d in details if d["name"] in wanted}

    def _read(self, index: int) -> Array:
        values: Array = np.array(self._interpreter.get_tensor(index))
        return values


def golden_values(model: Graph, graph: Graph, inputs: Sequence[Array]) -> dict[str, Array]:
    """What the golden run makes, by the names and in the order of axes of the TFLite file.

    `model` is the model graph, whose layouts say which tensors have channels first; `graph` the
    integer graph. Tensors that only exist to change the order of axes are left out.
    """
    given = {tensor.name: values for tensor, values in zip(graph.inputs, inputs, strict=True)}
    made = run(graph, given)
    own = {tensor.name: tensor for tensor in model.tensors if not tensor.name.endswith("_moved")}
    names = [tensor for tensor in graph.tensors if tensor.name in made and tensor.name in own]
    outputs = {tensor.name for tensor in graph.outputs}
    chosen = {t.origin: t for t in names} | {t.origin: t for t in names if t.name in outputs}
    return {o: _in_file_order(own[t.name], made[t.name]) for o, t in chosen.items() if o}


def _in_file_order(tensor: Tensor, values: Array) -> Array:
    return values.transpose(CHANNELS_LAST) if tensor.layout == "BCYX" else values


def differences(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> tuple[int, int]:
    """How many values both have, and how many of them differ.

    Raises:
        ValueError: if arrays of one name have different shapes.
    """
    checked = wrong = 0
    for name in sorted(set(ours) & set(theirs)):
        if ours[name].shape != theirs[name].shape:
            raise ValueError(f"{name}: {ours[name].shape} here, {theirs[name].shape} in LiteRT")
        checked += ours[name].size
        wrong += int((ours[name] != theirs[name]).sum())
    return checked, wrong
