"""The memory map, and the bytes that lie there before and after a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .graph import Graph
from .layout import pack_activations, pack_parameters, pack_weights, unpack_activations
from .lower import folded_bias
from .machine import Machine
from .plan import MemoryTensor, Plan
from .tiling import Matmul, array_shape, ceil_div

PAGE_BYTES = 4096
"""The least memory of a simulation."""


def parameters_name(op: str) -> str:
    """The name under which an op's parameters are in the memory map."""
    return f"{op}.parameters"


def memory_map(
    graph: Graph, machine: Machine, sizes: Sequence[Matmul]
) -> tuple[tuple[MemoryTensor, ...], int]:
    """Addresses of all tensors, and the words they take together."""
    lanes = machine.lanes
    wanted = [
        (tensor.name, tensor.shape[0] * ceil_div(tensor.shape[1], lanes), "activations")
        for tensor in graph.inputs
    ]
    for op, size in zip(graph.ops, sizes, strict=True):
        wanted += [
            (op.inputs[1], size.panels * size.b_panel_words, "weights"),
            (parameters_name(op.name), size.panels * size.parameter_panel_words, "parameters"),
            (op.outputs[0], size.panels * size.m, "activations"),
        ]
    # Beginning on a page (the default) no burst is cut that need not be.
    page_words = max(1, machine.memory.alignment_bytes // machine.word_bytes)
    items: dict[str, MemoryTensor] = {}
    base = 0
    for name, words, layout in wanted:
        if name in items:  # a weight that several ops share
            continue
        items[name] = MemoryTensor(tensor=name, base_words=base, words=words, layout=layout)
        base += ceil_div(words, page_words) * page_words
    return tuple(items.values()), base


def memory_image(
    graph: Graph, plan: Plan, machine: Machine, inputs: Mapping[str, NDArray[Any]]
) -> NDArray[np.uint8]:
    """The memory before a run, `[word][word_bytes]`: inputs, weights, parameters; else zero.

    Raises:
        ValueError: if an input is missing, unknown, or has another shape or number format.
    """
    array = array_shape(machine)
    image = np.zeros((plan.memory_words, machine.word_bytes), np.uint8)
    unknown = sorted(set(inputs) - {tensor.name for tensor in graph.inputs})
    if unknown:
        raise ValueError(f"inputs: the model has no input {', '.join(unknown)}")
    for tensor in graph.inputs:
        if tensor.name not in inputs:
            raise ValueError(f"input {tensor.name}: missing")
        values = inputs[tensor.name]
        if values.shape != tensor.shape or values.dtype.name != tensor.number_format:
            raise ValueError(
                f"input {tensor.name}: must be {tensor.number_format} {tensor.shape}, "
                f"got {values.dtype.name} {values.shape}"
            )
        _place(image, plan.address_words(tensor.name), pack_activations(values, array.lanes))
    for op in graph.ops:
        weight, scale = graph.tensor(op.inputs[1]).data, graph.tensor(op.inputs[3]).data
        assert weight is not None and scale is not None, f"op {op.name}: weights are constants"
        _place(image, plan.address_words(op.inputs[1]), pack_weights(weight, array))
        words = pack_parameters(folded_bias(graph, op), scale, array)
        _place(image, plan.address_words(parameters_name(op.name)), words)
    return image


def read_activations(
    image: NDArray[np.uint8], graph: Graph, plan: Plan, machine: Machine, tensor: str
) -> NDArray[np.int8]:
    """The values of an activation tensor in the memory `image`."""
    rows, columns = graph.tensor(tensor).shape
    base = plan.address_words(tensor)
    words = image[base : base + rows * ceil_div(columns, machine.lanes), : machine.lanes]
    return unpack_activations(words, rows, columns)


def _place(image: NDArray[np.uint8], base: int, words: NDArray[np.uint8]) -> None:
    image[base : base + words.shape[0], : words.shape[1]] = words
