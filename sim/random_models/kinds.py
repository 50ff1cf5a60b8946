"""The kinds of step a random model is made of, and how one is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import accumulating, elementwise, layout
from .draw import Draw
from .sketch import Shape, Sketch

MOST_STEPS = 8
HIGH_SHARE = 4
MOST_ELEMENTS = 20_000  # of one value
LATE = ("gelu", "add, int16", "int4 weights")  # their operators or number formats are young
OPSETS = (17, 13, 19, 21)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`build(sketch, value)` appends steps, or answers None where the value does not do.

    `ranks` of values that it takes. A kind that onnxruntime computes in floats `is_float`: models
    meant for its integer kernels leave it out. One of more `share` is drawn more often.
    """

    build: Callable[[Sketch, str], str | None]
    ranks: tuple[int, ...]
    is_float: bool = False
    share: int = 1


_ANY = (4, 3, 2)
KINDS: Mapping[str, Kind] = {
    "conv 2-D": Kind(build=accumulating.conv, ranks=(4,), share=HIGH_SHARE),
    "conv 1-D": Kind(build=accumulating.conv, ranks=(3,), share=HIGH_SHARE),
    "conv, groups": Kind(build=accumulating.grouped_conv, ranks=(4, 3), share=HIGH_SHARE),
    "depthwise": Kind(build=accumulating.depthwise, ranks=(4, 3), share=HIGH_SHARE),
    "gemm": Kind(build=accumulating.gemm, ranks=(2,), share=6),
    "matmul": Kind(build=accumulating.matmul, ranks=(2, 3, 4), share=HIGH_SHARE),
    "matmul, both dynamic": Kind(build=accumulating.matmul_dynamic, ranks=(3, 4), share=2),
    "add": Kind(build=elementwise.add, ranks=_ANY, share=HIGH_SHARE),
    "add, broadcast": Kind(build=elementwise.add_broadcast, ranks=_ANY, share=HIGH_SHARE),
    "mul": Kind(build=elementwise.mul, ranks=_ANY, share=2),
    "mul, broadcast": Kind(build=elementwise.mul_broadcast, ranks=_ANY, share=2),
    "relu": Kind(build=elementwise.relu, ranks=_ANY),
    "clip": Kind(build=elementwise.clip, ranks=_ANY),
    "leaky_relu": Kind(build=elementwise.leaky_relu, ranks=_ANY),
    "sigmoid": Kind(build=elementwise.sigmoid, ranks=_ANY),
    "requantize": Kind(build=elementwise.requantize, ranks=_ANY),
    "max_pool": Kind(build=elementwise.max_pool, ranks=(4, 3), share=3),
    "average_pool": Kind(build=elementwise.average_pool, ranks=(4, 3), share=3),
    "global_average_pool": Kind(build=elementwise.global_average_pool, ranks=(4, 3)),
    "concat": Kind(build=layout.concat, ranks=_ANY, share=HIGH_SHARE),
    "split": Kind(build=layout.split, ranks=_ANY, share=2),
    "slice": Kind(build=layout.cut, ranks=_ANY),
    "pad": Kind(build=layout.pad, ranks=_ANY),
    "reshape": Kind(build=layout.reshape, ranks=(4, 3), share=2),
    "flatten": Kind(build=layout.flatten, ranks=(4, 3), share=3),
    "squeeze": Kind(build=layout.squeeze, ranks=(4, 3), share=2),
    "transpose": Kind(build=layout.transpose, ranks=(4, 3)),
    "resize": Kind(build=layout.resize, ranks=(4,), share=2),
    "gather": Kind(build=layout.gather, ranks=_ANY),
    "sub": Kind(build=elementwise.sub, ranks=_ANY, is_float=True),
    "add, int16": Kind(build=elementwise.add_wide, ranks=_ANY, is_float=True),
    "int4 weights": Kind(build=accumulating.conv_int4, ranks=(4, 3), is_float=True),
    "tanh": Kind(build=elementwise.tanh, ranks=_ANY, is_float=True),
    "hard_swish": Kind(build=elementwise.hard_swish, ranks=_ANY, is_float=True),
    "gelu": Kind(build=elementwise.gelu, ranks=_ANY, is_float=True),
    "reduce_mean": Kind(build=elementwise.reduce_mean, ranks=_ANY, is_float=True),
    "conv_transpose": Kind(build=accumulating.conv_transpose, ranks=(4,), is_float=True),
    "softmax": Kind(build=elementwise.softmax, ranks=_ANY, is_float=True),
}


def sketch(draw: Draw, floats: bool = False, featured: str = "") -> Sketch:
    """A random model's steps. With `floats`, kinds that onnxruntime computes in floats too.

    One kind, `featured`, is drawn first unless it is given, and placed wherever it first fits, so
    that every kind is in many models.
    """
    names = [name for name, kind in KINDS.items() if floats or not kind.is_float]
    often = [name for name in names for _ in range(KINDS[name].share)]
    if not featured:
        featured = draw.choice([n for n in names if KINDS[n].is_float] if floats else names)
    s = Sketch(draw, 21 if featured in LATE else draw.choice(OPSETS))
    s.batch = draw.choice((1, 2, 3))
    shape = _input_shape(draw, s.batch, draw.choice(KINDS[featured].ranks))
    last = s.new_input(shape)
    if draw.chance(15):
        s.new_input(shape)
    for _ in range(draw.integer(1, MOST_STEPS) - 1):
        x = draw.choice(s.values) if draw.chance(20) else last
        name = featured if draw.chance(25) else draw.choice(often)
        last = _place(s, name, x) or last
    if featured not in s.kinds:
        _place_anywhere(s, featured, last)
    if not s.steps:
        _place(s, "relu", last)
    return s


def _input_shape(draw: Draw, batch: int, rank: int) -> Shape:
    if rank == 2:
        return (batch, draw.choice((8, 1, 5, 16, 40)))
    extents = [draw.integer(3, 10) for _ in range(rank - 2)]
    return (batch, draw.choice((4, 1, 2, 3, 8, 16)), *extents)


def _place(s: Sketch, name: str, x: str) -> str | None:
    """Append the step if it takes the value and its results stay small."""
    kind = KINDS[name]
    if len(s.shapes[x]) not in kind.ranks:
        return None
    before = dict(s.shapes), dict(s.constants), list(s.steps)
    result = kind.build(s, x)
    new = [shape for value, shape in s.shapes.items() if value not in before[0]]
    fits = all(math.prod(shape) <= MOST_ELEMENTS and min(shape, default=1) > 0 for shape in new)
    if result is not None and fits:
        return result
    s.shapes, s.constants, s.steps = before
    return None


def _place_anywhere(s: Sketch, name: str, last: str) -> None:
    for x in (last, *reversed(s.values)):
        if x in s.values and _place(s, name, x) is not None:
            return
