"""Golden models of the ops that move numbers and change none.

Extents are taken from the operands, not from the graph, so that the batch may differ from the
graph's as long as an op keeps the first axis for itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import storage_type

from .operand import Array, Operand, saturate


def concat(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Parts one after the other along `axis`; all have the scale and zero point of the result."""
    for part in operands:
        if (part.tensor.scale, part.tensor.zero_point) != (result.scale, result.zero_point):
            raise ValueError(f"part {part.tensor.name} must have the quantisation of the result")
    stored = storage_type(result.number_format)
    parts = [part.values.astype(stored) for part in operands]
    return np.concatenate(parts, axis=op.integer("axis"))


def cut(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`start:stop:step` of each axis; with a negative step, a stop of -1 includes index 0.

    An axis that the graph takes whole is taken whole here, whatever its extent: the batch.
    """
    (activation,) = operands
    starts, stops, steps = (op.integers(name) for name in ("starts", "stops", "steps"))
    cuts = []
    for extent, start, stop, step in zip(
        activation.tensor.shape, starts, stops, steps, strict=True
    ):
        if (start, stop, step) == (0, extent, 1):
            cuts.append(slice(None))
        else:
            cuts.append(slice(start, None if stop < 0 else stop, step))
    return activation.values[tuple(cuts)]


def pad(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Numbers put around: `value`, the nearest (`edge`), or mirrored without it (`reflect`)."""
    (activation,) = operands
    rank, pads = activation.values.ndim, op.integers("pads")
    widths = list(zip(pads[:rank], pads[rank:], strict=True))
    mode = op.text("mode")
    if mode == "constant":
        value = saturate(op, np.array(op.number("value")), result)
        return np.pad(activation.values, widths, constant_values=value)
    if mode == "edge":
        return np.pad(activation.values, widths, mode="edge")
    if mode == "reflect":
        return np.pad(activation.values, widths, mode="reflect")
    raise ValueError(f"mode {mode!r} is not constant, edge or reflect")


def reshape(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """The same numbers in row-major order under other extents; a longer batch stays in front."""
    del op
    (activation,) = operands
    if activation.values.size == math.prod(result.shape):
        return activation.values.reshape(result.shape)
    return activation.values.reshape(-1, *result.shape[1:])


def transpose(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Axes in the order `perm`."""
    del result
    return operands[0].values.transpose(op.integers("perm"))


def resize(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Nearest neighbours: a vector of source indices for each of `axes`."""
    del result
    activation, *vectors = operands
    values = activation.values
    for axis, vector in zip(op.integers("axes"), vectors, strict=True):
        values = values.take(vector.values, axis=axis)
    return values


def gather(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Rows of `data` along `axis`, by indices; negative ones count from the end.

    Raises:
        ValueError: if an index is beyond the axis.
    """
    del result
    data, indices = operands
    axis = op.integer("axis")
    extent = data.values.shape[axis]
    wanted = indices.values.astype(np.int64)
    if wanted.size and not -extent <= wanted.min() <= wanted.max() < extent:
        raise ValueError(f"indices must lie in {-extent}..{extent - 1}")
    return data.values.take(wanted, axis=axis)
