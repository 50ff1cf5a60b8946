"""Resize, Upsample (nearest), Expand, Tile: index vectors; DepthToSpace, SpaceToDepth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...shapes import Shape
from .axes import axis_from_front
from .node import Node, Refused
from .registry import converter
from .reshape import to_shape

if TYPE_CHECKING:
    from ..onnx_builder import Builder

MAX_EXTENT = 1 << 24
Floats = NDArray[np.float32]
_HALF = np.float32(0.5)

HALF_TOLERANCE = np.float32(1e-6)  # measured: onnxruntime takes what is that near as one half


def _halves(x: Floats) -> Floats:
    """Coordinates next to a half, by rounding of the division, are that half."""
    half = np.floor(x) + _HALF
    return np.where(np.abs(x - half) < HALF_TOLERANCE, half, x)


# Coordinate in the input of `x` of the output: (x, scale, extent after, extent before), float32.
_COORDINATES: Mapping[str, Callable[[Floats, np.float32, int, int], Floats]] = {
    "half_pixel": lambda x, scale, _new, _old: (x + _HALF) / scale - _HALF,
    "pytorch_half_pixel": lambda x, scale, new, _old: (
        (x + _HALF) / scale - _HALF if new > 1 else np.zeros_like(x)
    ),
    "asymmetric": lambda x, scale, _new, _old: x / scale,
    "tf_half_pixel_for_nn": lambda x, scale, _new, _old: (x + _HALF) / scale,
    "align_corners": lambda x, _scale, new, old: (
        x * np.float32(old - 1) / np.float32(new - 1) if new > 1 else np.zeros_like(x)
    ),
}
_NEAREST: Mapping[str, Callable[[Floats], Floats]] = {
    "round_prefer_floor": lambda x: np.ceil(_halves(x) - _HALF),
    "round_prefer_ceil": lambda x: np.floor(_halves(x) + _HALF),
    "floor": np.floor,
    "ceil": np.ceil,
}


@converter("Resize", "Upsample")
def resize(build: Builder, node: Node) -> None:
    """Nearest neighbour only; coordinates in float32, as onnxruntime computes them. Before opset 11
    they are rounded up where an axis becomes shorter, else down."""
    node.only("mode", "nearest")
    source = node.input(0)
    shape = build.shape(source)
    if node.op_type == "Upsample" or node.opset == 10:
        coordinates, nearest = "asymmetric", "simple"
    else:
        coordinates = node.text("coordinate_transformation_mode", "half_pixel")
        nearest = node.text("nearest_mode", "round_prefer_floor")
        if coordinates not in _COORDINATES or nearest not in _NEAREST:
            raise Refused(
                f"{coordinates} with {nearest} is not supported",
                help=f"supported: {', '.join(_COORDINATES)}; {', '.join(_NEAREST)}",
            )
    vectors = {}
    for axis, (new, scale) in _targets(build, node, shape).items():
        old = shape[axis]
        if scale == 1 and new == old:
            continue
        x = np.arange(new, dtype=np.float32)
        rounding = ("ceil" if scale < 1 else "floor") if nearest == "simple" else nearest
        found = _NEAREST[rounding](_COORDINATES[coordinates](x, scale, new, old))
        vectors[axis] = np.clip(found, 0, old - 1).astype(np.int64)
    by_indices(build, source, node.output, vectors)


def _targets(build: Builder, node: Node, shape: Shape) -> dict[int, tuple[int, np.float32]]:
    """Extent and scale by axis."""
    axes = tuple(range(len(shape)))
    if node.attributes.get("axes"):
        axes = tuple(axis_from_front(axis, len(shape)) for axis in node.integers("axes"))
    sizes, scales = _wanted(build, node)
    if len(sizes or scales) != len(axes) or len(set(axes)) != len(axes):
        raise Refused(f"needs a scale or a size for each of the axes {axes}")
    common: np.float32 | None = None
    if sizes:
        sizes, common = _proportional(node, sizes, [shape[axis] for axis in axes])
    targets = {}
    for place, axis in enumerate(axes):
        old = shape[axis]
        scale = np.float32(sizes[place]) / np.float32(old) if sizes else scales[place]
        new = sizes[place] if sizes else int(np.float32(old) * scale)
        if not 1 <= new <= MAX_EXTENT:
            raise Refused(f"axis {axis} would have the extent {new}")
        targets[axis] = (new, np.float32(scale) if common is None else common)
    return targets


def _proportional(
    node: Node, sizes: tuple[int, ...], old: Sequence[int]
) -> tuple[tuple[int, ...], np.float32 | None]:
    """Sizes of one scale for all axes, and that scale, if the node asks for it: the least or the
    greatest of those that the sizes say."""
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes, None
    if policy not in ("not_larger", "not_smaller"):
        raise Refused(f"keep_aspect_ratio_policy {policy} is not known")
    scales = [Fraction(size, extent) for size, extent in zip(sizes, old, strict=True)]
    scale = min(scales) if policy == "not_larger" else max(scales)
    made = tuple(math.floor(scale * extent + Fraction(1, 2)) for extent in old)
    return made, np.float32(float(scale))


def _wanted(build: Builder, node: Node) -> tuple[tuple[int, ...], list[np.float32]]:
    """Sizes, or else scales. They are an attribute of Upsample 7, the second input of Upsample 9
    and Resize 10, the third (scales) or fourth (sizes) since."""
    if node.op_type == "Upsample" and node.opset < 9:
        listed: Any = node.attributes.get("scales", ())
        return (), _scales(np.asarray(listed, np.float32))
    early = node.op_type == "Upsample" or node.opset == 10
    place = 1 if early else 2
    if not early and node.has_input(3):
        sizes = build.integers(node.inputs[3], "the sizes")
        if sizes:
            return sizes, []
    return (), _scales(build.needed_constant(node.input(place, "the scales"), "the scales"))


def _scales(array: NDArray[Any]) -> list[np.float32]:
    if array.dtype != np.float32 or array.ndim != 1 or not (array > 0).all():
        raise Refused(f"scales must be a list of positive float32, got {array.dtype}")
    if (array > MAX_EXTENT).any():
        raise Refused(f"scales must be at most {MAX_EXTENT}")
    return list(array)


@converter("Expand")
def expand(build: Builder, node: Node) -> None:
    """Axes of extent 1 are repeated, new ones put in front."""
    source = node.input(0)
    shape = build.shape(source)
    wanted = build.integers(node.input(1, "the shape"), "the shape")
    rank = max(len(shape), len(wanted))
    padded = (1,) * (rank - len(shape)) + shape
    target = (1,) * (rank - len(wanted)) + wanted
    for old, new in zip(padded, target, strict=True):
        if old != new and 1 not in (old, new):
            raise Refused(f"{shape} does not broadcast to {wanted}")
    inner = source
    if padded != shape:
        inner = build.fresh(node.output, "axes")
        to_shape(build, source, inner, padded)
    _repeat(
        build,
        inner,
        node.output,
        [(max(old, new), 1) for old, new in zip(padded, target, strict=True)],
    )


@converter("Tile")
def tile(build: Builder, node: Node) -> None:
    """Each axis is repeated as a whole."""
    source = node.input(0)
    shape, times = build.shape(source), build.integers(node.input(1, "repeats"), "repeats")
    if len(times) != len(shape):
        raise Refused(f"repeats {times} must be {len(shape)} numbers")
    pairs = zip(shape, times, strict=True)
    _repeat(build, source, node.output, [(extent * count, extent) for extent, count in pairs])


def _repeat(build: Builder, source: str, output: str, targets: Sequence[tuple[int, int]]) -> None:
    """Index vectors `0 .. new - 1` modulo the period of each axis."""
    shape, vectors = build.shape(source), {}
    for axis, (new, period) in enumerate(targets):
        if not 1 <= new <= MAX_EXTENT:
            raise Refused(f"axis {axis} would have the extent {new}")
        if new != shape[axis]:
            vectors[axis] = np.arange(new, dtype=np.int64) % period
    by_indices(build, source, output, vectors)


def by_indices(
    build: Builder, source: str, output: str, vectors: Mapping[int, NDArray[np.int64]]
) -> None:
    """A `resize` that takes these indices of these axes, or nothing without any."""
    if not vectors:
        build.alias(output, source)
        return
    shape = list(build.shape(source))
    for axis, vector in vectors.items():
        shape[axis] = len(vector)
    build.check_size(tuple(shape))
    names = [
        build.fold(build.fresh(output, f"indices_{axis}"), vector)
        for axis, vector in vectors.items()
    ]
    build.move("resize", [source], output, indices=names, axes=tuple(vectors))


@converter("DepthToSpace", "SpaceToDepth")
def blocks(build: Builder, node: Node) -> None:
    """Channels to blocks of pixels, or back (channels in DCR or CRD order): reshape, transpose,
    reshape."""
    source, size = node.input(0), node.integer("blocksize", 0)
    shape = build.shape(source)
    if len(shape) != 4 or size < 1:
        raise Refused(f"needs 4 axes and a blocksize of 1 or more, got {shape} and {size}")
    node.only("mode", "DCR", "CRD")
    is_dcr = node.text("mode", "DCR") == "DCR"
    b, c, y, x = shape
    if node.op_type == "SpaceToDepth":
        if y % size or x % size:
            raise Refused(f"{y} x {x} cannot be cut in blocks of {size}")
        first, perm = (b, c, y // size, size, x // size, size), (0, 3, 5, 1, 2, 4)
        perm = perm if is_dcr else (0, 1, 3, 5, 2, 4)
        last = (b, c * size * size, y // size, x // size)
    else:
        if c % (size * size):
            raise Refused(f"{c} channels are not a multiple of {size * size}")
        inner = c // (size * size)
        first = (b, size, size, inner, y, x) if is_dcr else (b, inner, size, size, y, x)
        perm = (0, 3, 4, 1, 5, 2) if is_dcr else (0, 1, 4, 2, 5, 3)
        last = (b, inner, y * size, x * size)
    names = [build.fresh(node.output, hint) for hint in ("split", "moved")]
    build.move("reshape", [source], names[0], shape=first)
    build.move("transpose", [names[0]], names[1], perm=perm)
    build.move("reshape", [names[1]], node.output, shape=last)
