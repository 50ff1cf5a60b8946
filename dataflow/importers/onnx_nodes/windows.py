"""Windows of convolutions and pools: strides, dilations and pads as explicit numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ...shapes import Shape
from .node import Node, Refused

Integers = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """`kernel`, `strides` and `dilations` of each axis; `pads` before all axes, then after them."""

    kernel: Integers
    strides: Integers
    dilations: Integers
    pads: Integers

    @property
    def reach(self) -> Integers:
        """Extents that the window covers, holes of dilation included."""
        pairs = zip(self.kernel, self.dilations, strict=True)
        return tuple(dilation * (extent - 1) + 1 for extent, dilation in pairs)

    def attributes(self) -> dict[str, Integers]:
        """Of an op without the kernel."""
        return {"strides": self.strides, "pads": self.pads, "dilations": self.dilations}


def read_window(node: Node, spatial: Shape, kernel: Integers) -> Window:
    """The window of a node over `spatial` extents, `auto_pad` resolved.

    SAME makes `ceil(extent / stride)` positions; an odd pad goes to the end (UPPER) or the
    beginning (LOWER).

    Raises:
        Refused: if lengths or values are wrong.
    """
    rank = len(spatial)
    ones = (1,) * rank
    window = Window(
        kernel=kernel,
        strides=_positive(node, "strides", ones),
        dilations=_positive(node, "dilations", ones),
        pads=node.integers("pads", (0,) * (2 * rank)),
    )
    if len(kernel) != rank or min(kernel, default=1) < 1:
        raise Refused(f"the kernel must have {rank} extents of 1 or more, got {kernel}")
    if len(window.pads) != 2 * rank or min(window.pads, default=0) < 0:
        raise Refused(f"pads must be {2 * rank} numbers of 0 or more, got {window.pads}")
    mode = node.text("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return window
    if mode == "VALID":
        pads: Integers = (0,) * (2 * rank)
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            max((-(-extent // stride) - 1) * stride + reach - extent, 0)
            for extent, stride, reach in zip(spatial, window.strides, window.reach, strict=True)
        ]
        pads = split_pads(totals, more_at_end=mode == "SAME_UPPER")
    else:
        raise Refused(f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, got {mode}")
    return Window(kernel=kernel, strides=window.strides, dilations=window.dilations, pads=pads)


def split_pads(totals: list[int], more_at_end: bool) -> Integers:
    """What goes before each axis, then after each."""
    small = [total // 2 for total in totals]
    large = [total - half for total, half in zip(totals, small, strict=True)]
    return tuple(small + large if more_at_end else large + small)


def ceiled(window: Window, spatial: Shape) -> Window:
    """The same window with pads at the end such that rounding down counts the positions that
    rounding up does. A last window that would begin behind the extent and the pad before it does
    not count (as in the operator's definition and in onnxruntime)."""
    rank, pads = len(spatial), list(window.pads)
    for axis, extent in enumerate(spatial):
        stride, reach, before = window.strides[axis], window.reach[axis], pads[axis]
        numerator = extent + before + pads[rank + axis] - reach
        if numerator < 0:
            raise Refused(f"a window of {reach} does not fit in {numerator + reach} (axis {axis})")
        count = -(-numerator // stride) + 1
        if (count - 1) * stride >= extent + before:
            count -= 1
        pads[rank + axis] = max((count - 1) * stride + reach - extent - before, 0)
    return Window(
        kernel=window.kernel,
        strides=window.strides,
        dilations=window.dilations,
        pads=tuple(pads),
    )


def _positive(node: Node, name: str, default: Integers) -> Integers:
    values = node.integers(name, default)
    if len(values) != len(default) or min(values, default=1) < 1:
        raise Refused(f"{name} must be {len(default)} numbers of 1 or more, got {values}")
    return values
