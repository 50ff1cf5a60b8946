"""What an op's constants become in the machine's terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Op


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
