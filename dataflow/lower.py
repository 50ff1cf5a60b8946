"""What an op's constants become in the machine's terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Op, Tensor


def folded_bias(graph: Graph, op: Op) -> NDArray[np.int32]:
    """The op's bias with the activation's zero point folded in, wrapped to 32 bits.

    `sum((x - zero_point) * w) + bias == sum(x * w) + (bias - zero_point * sum(w))`
    """
    activation = graph.tensor(op.inputs[0])
    weight, bias = graph.tensor(op.inputs[1]).data, graph.tensor(op.inputs[2]).data
    assert weight is not None and bias is not None, f"op {op.name}: constants have data"
    zero_point = activation.zero_point[0] if activation.zero_point else 0
    weight_sums: NDArray[np.int64] = weight.astype(np.int64).sum(axis=0)
    folded: NDArray[np.int64] = bias.astype(np.int64) - zero_point * weight_sums
    return folded.astype(np.int32)


def with_fixed_scales(graph: Graph, encode: Callable[[float], int], multiplier_bits: int) -> Graph:
    """The graph with every scale as a fixed-point word (int32) of `multiplier_bits`.

    `encode` makes the 32-bit word of a scale. The ops say so: attribute `multiplier_bits`.
    """
    names = {op.inputs[3] for op in graph.ops}

    def word(tensor: Tensor) -> Tensor:
        if tensor.name not in names or tensor.data is None:
            return tensor
        words = np.array([encode(float(scale)) for scale in tensor.data], np.uint32)
        return replace(tensor, number_format="int32", data=words.view(np.int32))

    ops = tuple(
        replace(op, attributes={**op.attributes, "multiplier_bits": multiplier_bits})
        for op in graph.ops
    )
    return replace(graph, ops=ops, tensors=tuple(word(tensor) for tensor in graph.tensors))
