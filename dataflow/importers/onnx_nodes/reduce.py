"""ReduceMean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .axes import from_front
from .node import Node
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("ReduceMean")
def reduce_mean(build: Builder, node: Node) -> None:
    """Axes are an attribute before opset 18, an input since; none means all, or, with
    `noop_with_empty_axes`, that nothing is done."""
    source = node.input(0)
    rank = len(build.shape(source))
    axes = node.integers("axes", ()) if node.opset < 18 else ()
    if node.opset >= 18 and node.has_input(1):
        axes = build.integers(node.inputs[1], "the axes")
    if not axes and node.integer("noop_with_empty_axes", 0):
        build.alias(node.output, build.floats(source))
        return
    build.op(
        "reduce_mean",
        [source],
        node.output,
        axes=from_front(axes, rank) if axes else tuple(range(rank)),
        keeps_axes=1 if node.integer("keepdims", 1) else 0,
    )
