"""The layers of a `Graph`: its ops that multiply and accumulate."""

from __future__ import annotations

import math

from tilewright.dataflow.graph import Graph, Op
from tilewright.dataflow.shapes import Shape

from .layers import Convolution, Layer, Matmul, Pair, Workload


def workload_of(graph: Graph) -> Workload:
    """The products and convolutions of `graph`, in its order; other ops are named in the notes.

    A transposed convolution becomes the product that its sums need: a row per input pixel, a
    column per output channel and tap.
    """
    layers = tuple(_layer(graph, op) for op in graph.ops if graph.macs_of(op) > 0)
    left_out: dict[str, int] = {}
    for op in graph.ops:
        if graph.macs_of(op) == 0:
            left_out[op.kind] = left_out.get(op.kind, 0) + 1
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()))
    notes = (f"ops without multiply-accumulates are left out: {counted}",) if counted else ()
    return Workload(name=graph.name, layers=layers, source="a graph", notes=notes)


def _layer(graph: Graph, op: Op) -> Layer:
    source, weights = (graph.tensor(name) for name in op.inputs[:2])
    result = graph.tensor(op.outputs[0]).shape
    if op.kind == "matmul":
        is_stored = weights.data is not None
        return _matmul(op, source.shape, weights.shape, result, is_stored)
    if op.kind == "conv":
        return _convolution(op, source.shape, weights.shape, result)
    return _transposed(op, source.shape, weights.shape)


def _matmul(op: Op, a: Shape, b: Shape, result: Shape, is_stored: bool) -> Matmul:
    """Axes in front that only the first operand has are rows; those of the second are repeats."""
    repeats = math.prod(b[:-2])
    rows = math.prod(result[:-1]) // repeats
    return Matmul(name=op.name, M=rows, K=a[-1], N=b[-1], repeats=repeats, has_weights=is_stored)


def _convolution(op: Op, source: Shape, filters: Shape, result: Shape) -> Layer:
    """One axis alone is columns, with one row; three or more become the product that they are."""
    groups = op.integer("groups")
    if len(result) > 4:
        return Matmul(
            name=op.name,
            M=result[0] * math.prod(result[2:]),
            K=math.prod(filters[1:]),
            N=result[1] // groups,
            repeats=groups,
        )
    (OY, OX), (FY, FX) = _two(result[2:]), _two(filters[2:])
    return Convolution(
        name=op.name,
        B=result[0],
        K=result[1],
        C=source[1],
        OY=OY,
        OX=OX,
        FY=FY,
        FX=FX,
        stride=_two(op.integers("strides")),
        dilation=_two(op.integers("dilations")),
        groups=groups,
    )


def _transposed(op: Op, source: Shape, filters: Shape) -> Matmul:
    groups = op.integer("groups")
    return Matmul(
        name=op.name,
        M=source[0] * math.prod(source[2:]),
        K=source[1] // groups,
        N=math.prod(filters[1:]),
        repeats=groups,
    )


def _two(extents: tuple[int, ...]) -> Pair:
    rows, columns = (1, *extents)[-2:]
    return rows, columns
