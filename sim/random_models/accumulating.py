"""Steps with weights: convolutions and matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .sketch import Shape, Sketch

RELU_PERCENT, CLIP_PERCENT = 40, 12
MOST_SQUARINGS = 3  # products of values with themselves: a few more would be infinite


def activation(s: Sketch) -> dict[str, Any]:
    """A Relu or a Clip behind a step, or neither."""
    if s.draw.chance(RELU_PERCENT):
        return {"activation": "Relu"}
    if s.draw.chance(CLIP_PERCENT):
        return {"activation": "Clip", "limits": (0.0, s.draw.choice((6.0, 1.0)))}
    return {}


def weight(s: Sketch, shape: Shape, depth: int, axis: int) -> str:
    """Random weights, per tensor or per channel along `axis`; channels differ in size.

    At times those of an earlier step of the same shape.
    """
    weights = (c for c in s.constants.values() if c.role == "weight")
    known = [c for c in weights if c.values.shape == shape and c.axis in (None, axis)]
    if known and s.draw.chance(20):
        return s.draw.choice(known).name
    values = s.numbers.normal(size=shape) / math.sqrt(depth)
    spread = [1] * len(shape)
    spread[axis] = shape[axis]
    values = values * np.exp2(s.numbers.uniform(-2, 1, size=spread))
    is_per_channel = s.draw.chance(60)
    return s.constant(values.astype(np.float32), "weight", axis if is_per_channel else None)


def bias(s: Sketch, channels: int, x: str, weights: str) -> tuple[str, ...]:
    """Mostly a bias; at times so large that accumulators pass the 24 bits of a float32."""
    if s.draw.chance(25):
        return ()
    is_large = s.draw.chance(10) and not s.is_large
    s.is_large |= is_large
    size = 2000.0 if is_large else 0.5
    values = s.numbers.normal(size=channels) * size
    return (s.constant(values.astype(np.float32), "bias", of=(x, weights)),)


def window(s: Sketch, extents: Shape, *, most: int = 4, may_dilate: bool = True) -> dict[str, Any]:
    """A kernel, strides, pads and dilations that fit `extents`, as attributes of a node."""
    rank = len(extents)
    kernel = [min(s.draw.integer(1, most), extent) for extent in extents]
    strides = [s.draw.choice((1, 2, 3)) for _ in extents] if s.draw.chance(50) else [1] * rank
    dilations = [1] * rank
    if may_dilate and s.draw.chance(20):
        dilations = [
            s.draw.integer(1, 2) if 2 * (k - 1) + 1 <= extent else 1
            for k, extent in zip(kernel, extents, strict=True)
        ]
    found: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if dilations != [1] * rank:
        found["dilations"] = dilations
    elif s.draw.chance(15):
        # With a kernel narrower than its stride, SAME would ask for negative pads.
        found["strides"] = [min(pair) for pair in zip(strides, kernel, strict=True)]
        return found | {"auto_pad": s.draw.choice(("SAME_UPPER", "VALID", "SAME_LOWER"))}
    pads = [0] * (2 * rank)
    if s.draw.chance(50):
        pads = [s.draw.integer(0, k - 1) for k in (*kernel, *kernel)]
    return found | {"pads": pads}


def window_result(extents: Shape, attributes: dict[str, Any]) -> Shape:
    """Positions of a window on each axis."""
    rank, kernel = len(extents), attributes["kernel_shape"]
    strides = attributes["strides"]
    dilations = attributes.get("dilations", [1] * rank)
    rule = attributes.get("auto_pad", "")
    pads = attributes.get("pads", [0] * (2 * rank))
    up = attributes.get("ceil_mode", 0)
    result = []
    for axis, extent in enumerate(extents):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        if rule.startswith("SAME"):
            result.append(-(-extent // strides[axis]))
            continue
        room = extent + pads[axis] + pads[rank + axis] - reach
        positions = (room + up * (strides[axis] - 1)) // strides[axis] + 1
        if up and (positions - 1) * strides[axis] >= extent + pads[axis]:
            positions -= 1  # it would begin behind the last element
        result.append(positions)
    return tuple(result)


def _conv(s: Sketch, x: str, kind: str, groups: int, channels: int) -> str:
    shape = s.shapes[x]
    attributes = window(s, shape[2:])
    kernel = tuple(attributes["kernel_shape"])
    inside = shape[1] // groups
    weights = weight(s, (channels, inside, *kernel), inside * math.prod(kernel), 0)
    inputs = (x, weights, *bias(s, channels, x, weights))
    result = (shape[0], channels, *window_result(shape[2:], attributes))
    if groups != 1:
        attributes["group"] = groups
    return s.step(kind, "Conv", inputs, result, attributes, **activation(s))


def conv(s: Sketch, x: str) -> str:
    kind = "conv 1-D" if len(s.shapes[x]) == 3 else "conv 2-D"
    return _conv(s, x, kind, 1, s.draw.choice((4, 1, 3, 8, 16, 17, 33, 64)))


def conv_int4(s: Sketch, x: str) -> str | None:
    """With it, all weights of the model have 4 bits."""
    if s.opset < 21:
        return None
    s.has_int4_weights = True
    return _conv(s, x, "int4 weights", 1, s.draw.integer(1, 9))


def grouped_conv(s: Sketch, x: str) -> str | None:
    depth = s.shapes[x][1]
    options = [groups for groups in (2, 3, 4) if depth % groups == 0 and depth > groups]
    if not options:
        return None
    groups = s.draw.choice(options)
    return _conv(s, x, "conv, groups", groups, groups * s.draw.integer(1, 4))


def depthwise(s: Sketch, x: str) -> str | None:
    depth = s.shapes[x][1]
    if depth == 1:
        return None
    multiplier = 2 if s.draw.chance(15) else 1
    return _conv(s, x, "depthwise", depth, depth * multiplier)


def conv_transpose(s: Sketch, x: str) -> str:
    shape, channels = s.shapes[x], s.draw.integer(1, 6)
    kernel = [s.draw.integer(1, 3) for _ in shape[2:]]
    strides = [s.draw.integer(1, 2) for _ in shape[2:]]
    weights = weight(s, (shape[1], channels, *kernel), shape[1] * math.prod(kernel), 1)
    extents = (n * (e - 1) + k for e, k, n in zip(shape[2:], kernel, strides, strict=True))
    inputs = (x, weights, *bias(s, channels, x, weights))
    attributes = {"kernel_shape": kernel, "strides": strides}
    return s.step(
        "conv_transpose", "ConvTranspose", inputs, (shape[0], channels, *extents), attributes
    )


def gemm(s: Sketch, x: str) -> str:
    rows, depth = s.shapes[x]
    columns, is_transposed = s.draw.choice((4, 1, 10, 16, 33)), s.draw.chance(60)
    shape = (columns, depth) if is_transposed else (depth, columns)
    weights = weight(s, shape, depth, 0 if is_transposed else 1)
    inputs = (x, weights, *bias(s, columns, x, weights))
    attributes = {"transB": 1} if is_transposed else {}
    return s.step("gemm", "Gemm", inputs, (rows, columns), attributes, **activation(s))


def matmul(s: Sketch, x: str) -> str:
    """With weights of two axes, at times with others for each index of the axes before."""
    *front, depth = s.shapes[x]
    columns = s.draw.choice((4, 1, 7, 16))
    if len(front) == 3 and s.draw.chance(20):
        values = s.numbers.normal(size=(front[1], depth, columns)) / math.sqrt(depth)
        weights = s.constant(values.astype(np.float32), "weight")
    else:
        weights = weight(s, (depth, columns), depth, 1)
    return s.step("matmul", "MatMul", (x, weights), (*front, columns), **activation(s))


def matmul_dynamic(s: Sketch, x: str) -> str | None:
    """Both sides activations: x times another value, or itself turned round."""
    squarings = sum(step.kind == "matmul, both dynamic" for step in s.steps)
    if s.is_large or squarings >= MOST_SQUARINGS:
        return None
    shape = s.shapes[x]
    others = [
        name
        for name in s.values
        if len(s.shapes[name]) == len(shape)
        and s.shapes[name][:-2] == shape[:-2]
        and s.shapes[name][-2] == shape[-1]
    ]
    if others and s.draw.chance(60):
        other = s.draw.choice(others)
    else:
        order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
        turned = tuple(shape[axis] for axis in order)
        other = s.step("transpose", "Transpose", (x,), turned, {"perm": order}, keeps=True)
    result = (*shape[:-1], s.shapes[other][-1])
    return s.step("matmul, both dynamic", "MatMul", (x, other), result)
