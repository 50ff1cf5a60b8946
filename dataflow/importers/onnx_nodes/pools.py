"""Pools: MaxPool, AveragePool and the global ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...shapes import Shape
from .node import Node, Refused
from .registry import converter
from .windows import Window, ceiled, read_window

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("MaxPool")
def max_pool(build: Builder, node: Node) -> None:
    """Padding never wins, so `ceil_mode` is only more of it."""
    source, output = node.input(0), node.sole_output()
    spatial = _spatial(build, source)
    window = _window(node, spatial)
    if node.integer("ceil_mode", 0):
        window = ceiled(window, spatial)
    build.move(
        "max_pool",
        [source],
        output,
        kernel=window.kernel,
        strides=window.strides,
        dilations=window.dilations,
        pads=window.pads,
    )


@converter("AveragePool")
def average_pool(build: Builder, node: Node) -> None:
    """`counts_padding` (count_include_pad): padding counts in the divisor. What `ceil_mode` adds
    must not count, so it cannot be added to padding that does."""
    source, spatial = node.input(0), _spatial(build, node.input(0))
    window, counts = _window(node, spatial), node.integer("count_include_pad", 0)
    if node.integer("ceil_mode", 0):
        wider = ceiled(window, spatial)
        if counts and any(a > b for a, b in zip(wider.pads, window.pads, strict=True)):
            raise Refused(
                "ceil_mode with count_include_pad needs windows beyond the padding",
                help="export with ceil_mode=0 or count_include_pad=0",
            )
        window = wider
    build.op(
        "average_pool",
        [source],
        node.output,
        kernel=window.kernel,
        counts_padding=1 if counts else 0,
        **window.attributes(),
    )


@converter("GlobalAveragePool")
def global_average_pool(build: Builder, node: Node) -> None:
    build.op("global_average_pool", [node.input(0)], node.output)


@converter("GlobalMaxPool")
def global_max_pool(build: Builder, node: Node) -> None:
    spatial = _spatial(build, node.input(0))
    ones, none = (1,) * len(spatial), (0,) * (2 * len(spatial))
    build.move(
        "max_pool",
        [node.input(0)],
        node.output,
        kernel=spatial,
        strides=ones,
        dilations=ones,
        pads=none,
    )


def _spatial(build: Builder, name: str) -> Shape:
    shape = build.shape(name)
    if len(shape) < 3:
        raise Refused(f"needs axes after batch and channels, got {shape}")
    return shape[2:]


def _window(node: Node, spatial: Shape) -> Window:
    window = read_window(node, spatial, node.integers("kernel_shape"))
    rank = len(spatial)
    if any(pad >= window.reach[at % rank] for at, pad in enumerate(window.pads)):
        raise Refused(f"pads {window.pads} must be smaller than the window {window.reach}")
    return window
