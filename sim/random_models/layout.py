"""Steps that move values and change none."""

from __future__ import annotations

import math

import numpy as np

from .sketch import Shape, Sketch

LATE_PERCENT = 12
CARRIED = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice")
"""Moves that onnxruntime carries a quantisation across, back to the step before."""


def _late(s: Sketch, x: str, op_type: str) -> None:
    """At times the step before leaves its result in floats: quantised behind the move only."""
    maker = s.maker(x)
    if maker is None or len(maker.outputs) > 1 or not maker.op_type or s.is_used(x):
        return
    if op_type not in CARRIED:
        return
    if s.draw.chance(LATE_PERCENT):
        index = s.steps.index(maker)
        s.steps[index] = type(maker)(**{**vars(maker), "is_bare": True, "keeps": False})


def _move(
    s: Sketch, x: str, kind: str, op_type: str, shape: Shape, *more: str, **attributes: object
) -> str:
    _late(s, x, op_type)
    keeps = x not in s.is_bare and s.draw.chance(85)
    return s.step(kind, op_type, (x, *more), shape, attributes, keeps=keeps)


def _plain(s: Sketch, values: list[int]) -> str:
    return s.constant(np.array(values, np.int64), "plain")


def reshape(s: Sketch, x: str) -> str:
    """The last axes merged, or the last one split; the batch stays first."""
    shape = s.shapes[x]
    if len(shape) > 2 and s.draw.chance(60):
        shape = (*shape[:-2], shape[-2] * shape[-1])
    else:
        parts = [part for part in (2, 3, 4) if shape[-1] % part == 0] or [1]
        part = s.draw.choice(parts)
        shape = (*shape[:-1], part, shape[-1] // part)
    written = [*shape]
    if s.draw.chance(50):
        written[0] = 0
    if s.draw.chance(40):
        written[-1] = -1
    return _move(s, x, "reshape", "Reshape", shape, _plain(s, written))


def flatten(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    axis = s.draw.integer(1, len(shape) - 1) if s.batch == 1 else 1
    result = (math.prod(shape[:axis]), math.prod(shape[axis:]))
    return _move(s, x, "flatten", "Flatten", result, axis=axis)


def transpose(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    rest = list(range(1, len(shape)))
    order = [0]
    while rest:
        order.append(rest.pop(s.draw.integer(0, len(rest) - 1)))
    if order == sorted(order):
        order = [0, *order[:0:-1]]  # another order, lest nothing moves
    turned = tuple(shape[axis] for axis in order)
    return _move(s, x, "transpose", "Transpose", turned, perm=order)


def squeeze(s: Sketch, x: str) -> str:
    """An axis of one element removed where there is one, else added."""
    shape = s.shapes[x]
    single = [axis for axis in range(1, len(shape)) if shape[axis] == 1]
    if single and len(shape) > 2:
        axis = s.draw.choice(single)
        left = shape[:axis] + shape[axis + 1 :]
        return _move(s, x, "squeeze", "Squeeze", left, _plain(s, [axis]))
    axis = s.draw.integer(1, len(shape))
    more = (*shape[:axis], 1, *shape[axis:])
    return _move(s, x, "squeeze", "Unsqueeze", more, _plain(s, [axis]))


def cut(s: Sketch, x: str) -> str | None:
    shape = s.shapes[x]
    axes = [axis for axis in range(1, len(shape)) if shape[axis] > 1]
    if not axes:
        return None
    axis = s.draw.choice(axes)
    start = s.draw.integer(0, shape[axis] - 1)
    step = s.draw.choice((1, 2, -1)) if start else s.draw.choice((2, -1))
    stop = -shape[axis] - 1 if step < 0 else shape[axis]
    extent = len(range(*slice(start, stop, step).indices(shape[axis])))
    result = (*shape[:axis], extent, *shape[axis + 1 :])
    more = [_plain(s, [number]) for number in (start, stop, axis, step)]
    return _move(s, x, "slice", "Slice", result, *more)


def split(s: Sketch, x: str) -> str | None:
    shape = s.shapes[x]
    axes = [axis for axis in range(1, len(shape)) if shape[axis] > 1]
    if not axes:
        return None
    axis = s.draw.choice(axes)
    first = s.draw.integer(1, shape[axis] - 1)
    parts = [first, shape[axis] - first]
    shapes: list[Shape] = [(*shape[:axis], part, *shape[axis + 1 :]) for part in parts]
    return s.step(
        "split", "Split", (x, _plain(s, parts)), shapes, {"axis": axis}, keeps=s.draw.chance(85)
    )


def concat(s: Sketch, x: str) -> str:
    """With other values whose extents fit, or with itself."""
    shape = s.shapes[x]
    axis = s.draw.integer(1, len(shape) - 1)
    fitting = [
        name
        for name in s.values
        if len(s.shapes[name]) == len(shape)
        and s.shapes[name][:axis] + s.shapes[name][axis + 1 :] == shape[:axis] + shape[axis + 1 :]
    ]
    parts = [x, *(s.draw.choice(fitting) for _ in range(s.draw.integer(1, 2)))]
    extent = sum(s.shapes[part][axis] for part in parts)
    result = (*shape[:axis], extent, *shape[axis + 1 :])
    return s.step("concat", "Concat", tuple(parts), result, {"axis": axis})


def pad(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    pads = [0, *(s.draw.integer(0, 2) for _ in shape[1:])]
    pads += [0, *(s.draw.integer(0, 2) for _ in shape[1:])]
    rank = len(shape)
    pads[-1] += not any(pads)
    extents = tuple(e + pads[axis] + pads[rank + axis] for axis, e in enumerate(shape))
    more, mode = [_plain(s, pads)], "constant"
    if s.draw.chance(30):
        more.append(s.constant(np.array(s.draw.choice((1.0, -0.3)), np.float32), "plain"))
    elif s.draw.chance(20):
        mode = "edge"
    return _move(s, x, "pad", "Pad", extents, *more, mode=mode)


def resize(s: Sketch, x: str) -> str:
    """Nearest, by whole scales, or by sizes, in the ways of placing and rounding that there are."""
    shape = s.shapes[x]
    scales = [1.0, 1.0, 2.0, *(s.draw.choice((2.0, 1.0, 3.0)) for _ in shape[3:])]
    result = tuple(int(e * scale) for e, scale in zip(shape, scales, strict=True))
    more: tuple[str, ...] = ("", s.constant(np.array(scales, np.float32), "plain"))
    ways = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if s.draw.chance(40):
        result = (*shape[:2], *(s.draw.integer(1, 2 * extent + 1) for extent in shape[2:]))
        result = (*result[:-1], result[-1] + (result == shape))
        more = ("", "", _plain(s, [*result]))
        ways = {
            "coordinate_transformation_mode": s.draw.choice(
                ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
            ),
            "nearest_mode": s.draw.choice(
                ("floor", "round_prefer_floor", "round_prefer_ceil", "ceil")
            ),
        }
    return _move(s, x, "resize", "Resize", result, *more, mode="nearest", **ways)


def gather(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    axis = s.draw.integer(1, len(shape) - 1)
    indices = [s.draw.integer(0, shape[axis] - 1) for _ in range(s.draw.integer(1, 4))]
    result = (*shape[:axis], len(indices), *shape[axis + 1 :])
    return _move(s, x, "gather", "Gather", result, _plain(s, indices), axis=axis)
