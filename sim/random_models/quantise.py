"""Scales and zero points of a sketch's values, from the range that they take in floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .draw import Draw
from .sketch import Constant, Sketch, Step

RANGES = {
    "int4": (-8, 7),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-(2**15), 2**15 - 1),
}
Floats = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Format, scales and zero points (one, or one for each index along `axis`)."""

    number_format: str
    scale: NDArray[np.float32]
    zero_point: int
    axis: int | None = None

    def quantize(self, values: NDArray[Any]) -> NDArray[Any]:
        low, high = RANGES[self.number_format]
        scale = self.scale
        if self.axis is not None:
            scale = scale.reshape([-1 if a == self.axis else 1 for a in range(values.ndim)])
        steps = np.rint(values.astype(np.float64) / scale) + self.zero_point
        clipped: NDArray[Any] = np.clip(steps, low, high)
        return clipped.astype("int8" if self.number_format == "int4" else self.number_format)


def plan(
    s: Sketch, floats: Floats, number_format: str, elsewhere: bool = False
) -> dict[str, Quantisation]:
    """A quantisation for each value; `floats` are what the values are on some inputs.

    With `elsewhere`, values behind a Relu or Clip may have their zero point anywhere, with which
    onnxruntime keeps floats.
    """
    planned: dict[str, Quantisation] = {}
    settle = to_power_of_two if s.has_powers_of_two else _as_it_is
    for name in s.inputs:
        planned[name] = settle(_free(s.draw, _extremes(floats[name]), number_format))
    for step in s.steps:
        first = planned.get(step.inputs[0])
        for name in step.outputs:
            if step.keeps and first is not None:
                planned[name] = first
            else:
                form = number_format if first is None else first.number_format
                form = step.number_format or form
                found = _of_result(s.draw, step, floats[name], form, elsewhere)
                planned[name] = settle(found)
            if step.op_type in ("", "Relu") and first is not None:
                planned[name] = _unlike(planned[name], first)
    return planned


def _as_it_is(quantisation: Quantisation) -> Quantisation:
    return quantisation


def _unlike(result: Quantisation, first: Quantisation) -> Quantisation:
    """Really another one: with the same scale and zero point nothing might be left to compute."""
    is_same = result.scale == first.scale and result.zero_point == first.zero_point
    if not is_same or result.number_format != first.number_format:
        return result
    return replace(result, scale=result.scale * np.float32(2))


def _of_result(
    draw: Draw,
    step: Step,
    values: NDArray[np.float32],
    number_format: str,
    elsewhere: bool,
) -> Quantisation:
    if step.toggles_sign:
        number_format = "uint8" if number_format == "int8" else "int8"
    least, most = _extremes(values)
    if step.limits is not None and not (elsewhere and step.activation):
        least, most = step.limits
        return _from_range(least, most, number_format)
    if step.activation and not elsewhere:
        return _from_range(0.0, most, number_format)
    return _free(draw, (least, most), number_format)


def _extremes(values: NDArray[np.float32]) -> tuple[float, float]:
    return min(float(values.min()), 0.0), max(float(values.max()), 0.0)


def _from_range(least: float, most: float, number_format: str) -> Quantisation:
    """As quantisers do: zero lies on an integer, the range fills the format."""
    low, high = RANGES[number_format]
    scale = np.asarray(max(most - least, 1e-3) / (high - low), np.float32)
    zero_point = int(np.clip(np.rint(low - least / float(scale)), low, high))
    return Quantisation(number_format=number_format, scale=scale, zero_point=zero_point)


def _free(draw: Draw, extremes: tuple[float, float], number_format: str) -> Quantisation:
    """One of the ways in which scale and zero point are chosen; some let results saturate."""
    low, high = RANGES[number_format]
    least, most = extremes
    way = draw.choice(("range", "symmetric", "tight", "anywhere", "end"))
    if way == "range":
        return _from_range(least, most, number_format)
    if way == "tight":
        return _from_range(least * 0.6, most * 0.7, number_format)
    reach = max(-least, most, 1e-3)
    zero_point = (low + high + 1) // 2
    if way == "anywhere":
        zero_point = draw.integer(low, high)
    elif way == "end":
        zero_point = draw.choice((low, high))
    scale = reach / max(high - zero_point, zero_point - low, 1)
    return Quantisation(
        number_format=number_format, scale=np.asarray(scale, np.float32), zero_point=zero_point
    )


def plan_weight(draw: Draw, constant: Constant, activation_format: str, form: str) -> Quantisation:
    """int8 or int4 (`form`) with zero point 0, or, with uint8 activations, at times uint8 with any
    zero point."""
    values, most = constant.values, RANGES[form][1]
    if constant.axis is not None:
        others = tuple(a for a in range(values.ndim) if a != constant.axis)
        largest = np.maximum(np.abs(values).max(axis=others), 1e-4)
        scales = (largest / most).astype(np.float32)
        return Quantisation(number_format=form, scale=scales, zero_point=0, axis=constant.axis)
    if activation_format == "uint8" and form == "int8" and draw.chance(40):
        return _free(draw, _extremes(values), "uint8")
    scale = np.asarray(max(float(np.abs(values).max()), 1e-4) / most, np.float32)
    return Quantisation(number_format=form, scale=scale, zero_point=0)


def to_power_of_two(quantisation: Quantisation) -> Quantisation:
    """The next larger power of two as scale: many results lie midway between two integers."""
    scale = np.exp2(np.ceil(np.log2(quantisation.scale)))
    return replace(quantisation, scale=np.asarray(scale, np.float32))


def plan_operand(draw: Draw, constant: Constant, number_format: str) -> Quantisation:
    """A constant beside an activation is quantised as activations are."""
    return _free(draw, _extremes(constant.values), number_format)
