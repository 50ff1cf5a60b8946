"""Operators of random TFLite models that move values, and the models themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .tflite_models import MAX_ELEMENTS, RandomModel, Toy, byte, word
from .tflite_steps import ON_IMAGES, ON_VALUES, Step


def reshape(toy: Toy) -> None:
    """The batch stays; the rest becomes one axis, two or three."""
    rest = math.prod(toy.shape[1:])
    divisors = [d for d in range(1, rest + 1) if rest % d == 0]
    first = int(toy.rng.choice(divisors))
    second = math.gcd(rest // first, toy.integer(1, 6))
    shapes = ((rest,), (first, rest // first), (first, second, rest // first // second))
    extents = (toy.shape[0], *shapes[toy.integer(0, 2)])
    target = toy.integers(*extents)
    toy.op("RESHAPE", (toy.current, target), (toy.add_like(extents),))


def squeeze(toy: Toy) -> None:
    """Some of the axes of one, which are made first if there are none."""
    if 1 not in toy.shape[1:]:
        expand_dims(toy)
    ones = [axis for axis, extent in enumerate(toy.shape) if axis and extent == 1]
    chosen = [axis for axis in ones if toy.integer(0, 1)] or ones[:1]
    extents = [extent for axis, extent in enumerate(toy.shape) if axis not in chosen]
    options = toy.op("SQUEEZE", (toy.current,), (toy.add_like(extents),), "SqueezeOptions")
    options[0] = np.array(chosen, np.int32)


def expand_dims(toy: Toy) -> None:
    axis = toy.integer(1, len(toy.shape))
    extents = (*toy.shape[:axis], 1, *toy.shape[axis:])
    toy.op("EXPAND_DIMS", (toy.current, toy.integers(axis)), (toy.add_like(extents),))


def transpose(toy: Toy) -> None:
    order = [0, *(1 + int(axis) for axis in toy.rng.permutation(len(toy.shape) - 1))]
    result = toy.add_like([toy.shape[axis] for axis in order])
    toy.op("TRANSPOSE", (toy.current, toy.integers(*order)), (result,))


def concatenation(toy: Toy) -> None:
    axis, left = toy.integer(1, len(toy.shape) - 1), toy.current
    extents = list(toy.shape)
    extents[axis] = toy.integer(1, 3)
    right = toy.add_like(extents)
    toy.inputs.append(right)
    extents[axis] += toy.shape[axis]
    parts = (left, right) if toy.integer(0, 1) else (right, left)
    options = toy.op("CONCATENATION", parts, (toy.add_like(extents),), "ConcatenationOptions")
    options[0] = word(axis - len(extents) * toy.integer(0, 1))


def pad(toy: Toy) -> None:
    pads = np.array([[0, 0], *([toy.integer(0, 2), toy.integer(0, 2)] for _ in toy.shape[1:])])
    extents = [e + int(both.sum()) for e, both in zip(toy.shape, pads, strict=True)]
    constant = toy.constant(pads.astype(np.int32))
    toy.op("PAD", (toy.current, constant), (toy.add_like(extents),), "PadOptions")


def cut(toy: Toy) -> None:
    begins = [0, *(toy.integer(0, extent - 1) for extent in toy.shape[1:])]
    sizes = [
        toy.integer(1, extent - b) for b, extent in zip(begins[1:], toy.shape[1:], strict=True)
    ]
    extents = [toy.shape[0], *sizes]
    whole = [-1, *sizes]
    inputs = (toy.current, toy.integers(*begins), toy.integers(*whole))
    toy.op("SLICE", inputs, (toy.add_like(extents),), "SliceOptions")


def strided_slice(toy: Toy) -> None:
    """Slices with steps, at times backwards, one axis at times cut to an index."""
    shape, rank = toy.shape, len(toy.shape)
    begin, end, shrink = 1, 1, 0
    bounds, kept = [(0, shape[0], 1)], [shape[0]]
    for axis in range(1, rank):
        step = toy.integer(1, 2) * (-1 if toy.integer(0, 4) == 0 else 1)
        first = toy.integer(0, shape[axis] - 1)
        if toy.integer(0, 5) == 0 and rank > 2:
            shrink |= 1 << axis
            bounds.append((first - shape[axis] * toy.integer(0, 1), 0, 1))
            continue
        end |= 1 << axis
        bounds.append((first, 0, step))
        kept.append(len(range(shape[axis])[first::step]))
    inputs = [toy.current, *(toy.integers(*values) for values in zip(*bounds, strict=True))]
    options = toy.op("STRIDED_SLICE", inputs, (toy.add_like(kept),), "StridedSliceOptions")
    options |= {0: word(begin), 1: word(end), 4: word(shrink)}


def split(toy: Toy) -> None:
    axis = toy.integer(1, len(toy.shape) - 1)
    parts = int(toy.rng.choice([d for d in (1, 2, 3) if toy.shape[axis] % d == 0]))
    extents = list(toy.shape)
    extents[axis] //= parts
    source, where = toy.current, toy.integers(axis)
    results = [toy.add_like(extents) for _ in range(parts)]
    toy.op("SPLIT", (where, source), results, "SplitOptions")[0] = word(parts)
    toy.current = results[toy.integer(0, parts - 1)]


def resize_nearest_neighbor(toy: Toy) -> None:
    batch, *_, channels = toy.shape
    size = (toy.integer(1, 7), toy.integer(1, 7))
    mode = toy.integer(0, 2)
    result = toy.add_like((batch, *size, channels))
    inputs = (toy.current, toy.integers(*size))
    name = "ResizeNearestNeighborOptions"
    options = toy.op("RESIZE_NEAREST_NEIGHBOR", inputs, (result,), name)
    options |= {0: byte(int(mode == 1)), 1: byte(int(mode == 2))}


MOVES: Mapping[str, Step] = {
    "RESHAPE": reshape,
    "SQUEEZE": squeeze,
    "EXPAND_DIMS": expand_dims,
    "TRANSPOSE": transpose,
    "CONCATENATION": concatenation,
    "PAD": pad,
    "SLICE": cut,
    "STRIDED_SLICE": strided_slice,
    "SPLIT": split,
}
ON_FOUR_AXES: Mapping[str, Step] = {
    **ON_IMAGES,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest_neighbor,
}
STEPS: Mapping[str, Step] = {**ON_VALUES, **ON_FOUR_AXES, **MOVES}


def one_operator(kind: str, seed: int) -> RandomModel:
    """A model of one operator. Functions of one number get all 256 of them."""
    toy = Toy(np.random.default_rng(seed))
    rows, columns, channels = (toy.integer(2, 7) for _ in range(3))
    is_row = kind in ON_VALUES and toy.integer(0, 1)
    shape = (1, 256) if is_row else (1, rows, columns, channels * toy.integer(1, 6))
    toy.current = toy.add_input(shape)
    STEPS[kind](toy)
    return toy.model(toy.ops[-1].outputs)


def chain(seed: int, length: int) -> RandomModel:
    """Operators one behind the other; some values between them are outputs too."""
    toy = Toy(np.random.default_rng(seed))
    toy.current = toy.add_input((1, *(toy.integer(2, 6) for _ in range(3))))
    outputs = []
    while len(toy.ops) < length:
        fitting = [*MOVES] if toy.integer(0, 1) else [*ON_VALUES]
        if len(toy.shape) == 4 and toy.integer(0, 1):
            fitting = [*ON_FOUR_AXES]
        elif len(toy.shape) < 2:
            fitting = ["EXPAND_DIMS"]
        elif len(toy.shape) > 4 or math.prod(toy.shape) > MAX_ELEMENTS:
            fitting = ["MEAN"]
        STEPS[str(toy.rng.choice(fitting))](toy)
        if toy.integer(0, 3) == 0:
            outputs.append(toy.current)
    return toy.model(list(dict.fromkeys([*outputs, toy.current])))
