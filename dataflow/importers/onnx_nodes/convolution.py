"""Conv and ConvTranspose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...shapes import Shape
from .node import Node, Refused
from .registry import converter
from .windows import Window, read_window, split_pads

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("Conv")
def conv(build: Builder, node: Node) -> None:
    """`conv`: activation [B][C][Y][X], weight [K][C/groups][FY][FX], bias [K]."""
    operands, window = _operands(build, node)
    build.op("conv", operands, node.output, **window.attributes(), groups=node.integer("group", 1))


@converter("ConvTranspose")
def conv_transpose(build: Builder, node: Node) -> None:
    """`conv_transpose`: weight [C][K/groups][FY][FX]; pads are what is cut from the result."""
    operands, window = _operands(build, node)
    spatial = build.shape(operands[0])[2:]
    rank = len(spatial)
    more = node.integers("output_padding", (0,) * rank)
    if len(more) != rank or min(more, default=0) < 0:
        raise Refused(f"output_padding must be {rank} numbers of 0 or more, got {more}")
    attributes = window.attributes()
    attributes["pads"], more = _cut(node, window, spatial, more)
    build.op(
        "conv_transpose",
        operands,
        node.output,
        **attributes,
        groups=node.integer("group", 1),
        output_padding=more,
    )


def _operands(build: Builder, node: Node) -> tuple[list[str], Window]:
    source, weight = node.input(0), node.input(1, "the weights")
    extents = build.shape(source)
    kernel = build.shape(weight)[2:]
    if len(extents) < 3 or len(kernel) != len(extents) - 2:
        raise Refused(
            f"needs 3 or more axes and weights of as many, got {extents} and {build.shape(weight)}"
        )
    declared = node.integers("kernel_shape", kernel)
    if declared != kernel:
        raise Refused(f"kernel_shape {declared} is not that of the weights, {kernel}")
    operands = [source, weight]
    if node.has_input(2):
        operands.append(node.inputs[2])
    return operands, read_window(node, extents[2:], kernel)


def _cut(
    node: Node, window: Window, spatial: Shape, more: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pads and output padding of a ConvTranspose. With `output_shape` or SAME (extent times stride)
    they follow from the wanted extents; an odd one goes to the end for SAME_UPPER, else to the
    beginning. What `output_shape` wants beyond the last window is output padding; for SAME that is
    refused: runtimes do not agree on it."""
    mode = node.text("auto_pad", "NOTSET")
    wanted = node.integers("output_shape", ())
    if not wanted and not mode.startswith("SAME"):
        return window.pads, more
    if wanted and len(wanted) == len(spatial) + 2:
        wanted = wanted[2:]
    if wanted and len(wanted) != len(spatial):
        raise Refused(f"output_shape must have {len(spatial)} extents, got {wanted}")
    totals, added = [], list(more)
    for axis, extent in enumerate(spatial):
        stride = window.strides[axis]
        target = wanted[axis] if wanted else extent * stride
        whole = stride * (extent - 1) + more[axis] + window.reach[axis]
        if target < 1 or (target > whole and not wanted):
            raise Refused(f"output extent {target} of axis {axis} must be 1 to {whole}")
        totals.append(max(whole - target, 0))
        added[axis] += max(target - whole, 0)
    return split_pads(totals, more_at_end=mode == "SAME_UPPER"), tuple(added)
