"""Convolutions and matrix products: integer operands, a bias in the units of the products, scales.

`sum (x - zp_x)(w - zp_w) + bias` stands for the float sum in units of `s_x s_w`, and the scale
`float32(float32(s_x s_w) / s_y)` brings it to the result's (docs/numbers.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..number_formats import bits_of, range_of
from ..tensor import Tensor
from .holding import activation, operand
from .state import Job, State
from .tables import only_half_even
from .values import Held, Literal, Refused

ACCUMULATING = ("conv", "conv_transpose", "matmul")
BIAS_SCALE_TOLERANCE = 1e-4
HELP_BIAS = "quantise the bias to int32 with that scale: `tilewright quantize` does"
WEIGHT_LAYOUTS = {"conv": "KCYX", "conv_transpose": "CKYX"}

MAX_ADDED = 8
"""Adds of constants that may follow an accumulating op."""

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Accumulation:
    """Operands of an accumulating op. `unit` is what an accumulator's 1 stands for, [N]."""

    op: Op
    activation: Tensor
    weight: Tensor
    bias: NDArray[np.int32] | None
    bias_name: str
    unit: Float32Array

    @property
    def channels(self) -> int:
        return len(self.unit)


def accumulated(
    state: State,
    job: Job,
    op: Op | None = None,
    extra: tuple[tuple[Op, int], ...] = (),
    may_round: bool = True,
) -> str:
    """One integer op, requantised for the job's target.

    `extra` are operands that are added behind `op` (the job's own op if it is left out). A bias
    that is no int32 constant in units of the sums is rounded to those, if it `may_round`.
    """
    only_half_even(job)
    parts = accumulation(state, op or job.op, extra, may_round=may_round)
    _check_width(parts)
    with np.errstate(over="ignore", under="ignore"):
        scale = (parts.unit / np.float32(job.target.quantisation.scale)).astype(np.float32)
    if not np.isfinite(scale).all() or (scale < np.finfo(np.float32).tiny).any():
        rule = "input scale x weight scale / output scale is no normal number"
        raise Refused(job.target.op, rule)
    is_whole = job.target.is_full and not job.target.quantisation.zero_point
    if job.result.number_format == "int32" and is_whole and (scale == 1).all():
        return sums(state, parts, job.result, job.nodes)  # all 32 bits of them
    saturation = {
        "zero_point": job.target.quantisation.zero_point,
        "minimum": job.target.low,
        "maximum": job.target.high,
    }
    number = state.build.number
    operands = _operands(state, parts, np.zeros(parts.channels, np.int32))
    operands.append(state.build.constant(f"scale_{number}", scale, "N"))
    attributes = {**parts.op.attributes, **saturation}
    return state.build.op(parts.op.kind, operands, job.result, attributes, job.nodes)


def _check_width(parts: Accumulation) -> None:
    """Sums of operands wider than 8 bits must not leave 32 bits.

    With 8 bits that takes more than 32,768 products, and onnxruntime's sums wrap as ours do.
    """
    activation, weight = parts.activation, parts.weight
    if max(bits_of(activation.number_format), bits_of(weight.number_format)) <= 8:
        return
    products = math.prod(weight.shape) // parts.channels
    if parts.op.kind == "matmul":
        products = weight.shape[-2]
    greatest = products * _reach(activation) * _reach(weight)
    if parts.bias is not None:
        greatest += int(np.abs(parts.bias.astype(np.int64)).max())
    if greatest > np.iinfo(np.int32).max:
        formats = f"{activation.number_format} and {weight.number_format}"
        more = "" if parts.bias is None else ", with the bias,"
        rule = f"sums of {products} products of {formats}{more} can leave 32 bits"
        raise Refused(parts.op, rule, "quantise the activation to int8 (int16 is for residuals)")


def _reach(tensor: Tensor) -> int:
    """The greatest magnitude of the tensor's integers less their zero points."""
    if tensor.data is not None and tensor.axis is None:
        low, high = int(tensor.data.min()), int(tensor.data.max())
    else:
        low, high = range_of(tensor.number_format)
    return max(max(high - zero, zero - low) for zero in tensor.zero_point)


def raw(state: State, op: Op, has_bias: bool = True) -> tuple[str, Float32Array, int]:
    """The accumulators themselves, for a float end: their tensor, units, the axis of channels."""
    parts = accumulation(state, op, has_bias=has_bias)
    shape = state.shape(op.outputs[0])
    result = Tensor(
        name=state.build.free_name(op.outputs[0], is_of_file=True),
        shape=shape,
        number_format="int32",
        origin=state.shown(op.outputs[0]),
    )
    name = sums(state, parts, result, op.origin or op.name)
    return name, parts.unit, channel_axis(op, len(shape))


def sums(state: State, parts: Accumulation, result: Tensor, nodes: str) -> str:
    """The accumulating op without requantisation: `result` holds int32 sums."""
    operands = _operands(state, parts, None)
    return state.build.op(parts.op.kind, operands, result, parts.op.attributes, nodes)


def _operands(state: State, parts: Accumulation, no_bias: NDArray[np.int32] | None) -> list[str]:
    """Names of activation, weight and bias; constants get those of the op's number."""
    number, operands = state.build.number, [parts.activation.name]
    weight, bias = parts.weight, no_bias if parts.bias is None else parts.bias
    operands.append(_weight(state, parts.op, weight))
    if bias is not None:
        operands.append(state.build.constant(f"bias_{number}", bias, "N", parts.bias_name))
    return operands


def _weight(state: State, op: Op, weight: Tensor) -> str:
    """A constant for the weights, which ops with the same ones share; or the tensor they are."""
    if weight.data is None:
        return weight.name
    shared = state.weights.get((op.kind, weight.name))
    known = None if shared is None else state.build.tensors[shared].data
    if shared is not None and known is not None and np.array_equal(known, weight.data):
        return shared
    layout = WEIGHT_LAYOUTS.get(op.kind, "KN") if len(weight.shape) in (2, 4) else ""
    made = state.build.constant(
        f"weight_{state.build.number}",
        weight.data,
        layout,
        weight.origin or weight.name,
        like=weight,
    )
    state.weights[op.kind, weight.name] = made
    return made


def channel_axis(op: Op, rank: int) -> int:
    """The axis of an accumulating op's result that weights have scales for."""
    return rank - 1 if op.kind == "matmul" else 1


def accumulation(
    state: State,
    op: Op,
    extra: tuple[tuple[Op, int], ...] = (),
    has_bias: bool = True,
    may_round: bool = False,
) -> Accumulation:
    """Operands of `op`, checked; `extra` operands of ops behind it are added to its bias.

    Without `has_bias` its own bias is left out.

    Raises:
        Refused: if an operand is float, or its scales do not fit.
    """
    left, weight = activation(state, op, 0), operand(state, op, 1)
    shape = state.shape(op.outputs[0])
    channels = shape[channel_axis(op, len(shape))]
    with np.errstate(over="ignore", under="ignore"):
        unit = np.float32(left.scale[0]) * _weight_scales(op, weight, channels)
    own = range(2, len(op.inputs) if has_bias else 2)
    biases = [*((op, index) for index in own), *extra]
    total = np.zeros(channels, np.int64)
    for user, index in biases:
        total += _bias(state, user, index, unit, op, may_round)
    if (np.abs(total) > np.iinfo(np.int32).max).any():
        raise Refused(op, "the bias in units of input scale x weight scale exceeds 32 bits")
    return Accumulation(
        op=op,
        activation=left,
        weight=weight,
        bias=total.astype(np.int32) if biases else None,
        bias_name=", ".join(_origin(state, user.inputs[index]) for user, index in biases),
        unit=unit.astype(np.float32),
    )


def _origin(state: State, name: str) -> str:
    known = state.held(name)
    return state.shown(name) if known is None else known.origin or known.name


def _weight_scales(op: Op, weight: Tensor, channels: int) -> Float32Array:
    """One for each output channel."""
    if not weight.scale:
        raise Refused(op, "the weights must be dequantised integers")
    scale = np.array(weight.scale, np.float32)
    if weight.axis is None:
        return np.broadcast_to(scale, (channels,))
    wanted = {"conv": 0, "conv_transpose": 1, "matmul": len(weight.shape) - 1}[op.kind]
    if weight.axis != wanted:
        raise Refused(op, "weight scales must be per output channel, not along the summed axis")
    return np.tile(scale, channels // len(scale))


def _bias(
    state: State, user: Op, index: int, unit: Float32Array, op: Op, may_round: bool
) -> NDArray[np.int64]:
    """A constant operand in units of the accumulators, [N].

    onnxruntime 1.31.1 rounds float biases to int32 in these units before it takes its integer
    kernels, and takes them only if an int32 bias has the scale of the units (measured).
    """
    value, name = state.values[user.inputs[index]], user.inputs[index]
    tensor = state.held(name)
    data = tensor.data if tensor is not None else getattr(value, "data", None)
    if data is None:
        raise state.not_quantised(user, 1 - index if user is not op else index)
    per_channel = _per_channel(state, user, data, len(unit), op)
    if tensor is None:
        return _in_units(user, per_channel.astype(np.float64), unit, may_round)
    scale, zero = np.array(tensor.scale, np.float32), np.array(tensor.zero_point, np.int64)
    if not tensor.scale or (tensor.axis is not None and len(scale) != len(unit)):
        raise Refused(user, f"the bias `{state.shown(name)}` must be a dequantised constant")
    is_in_units = np.allclose(scale, unit, rtol=BIAS_SCALE_TOLERANCE, atol=0)
    if is_in_units and not zero.any():
        return per_channel.astype(np.int64)
    if tensor.number_format == "int32":
        rule = "the bias's scale must be input scale x weight scale, its zero point 0"
        raise Refused(user, rule, HELP_BIAS)
    floats = (per_channel.astype(np.int64) - zero).astype(np.float32) * scale
    return _in_units(user, floats.astype(np.float64), unit, may_round)


def _per_channel(state: State, user: Op, data: NDArray[Any], channels: int, op: Op) -> NDArray[Any]:
    """The operand as one number for each channel; it may only vary along their axis."""
    shape = state.shape(op.outputs[0])
    at = 0 if user is op else channel_axis(op, len(shape)) - len(shape) + data.ndim
    others = [extent for axis, extent in enumerate(data.shape) if axis != at]
    if any(extent != 1 for extent in others) or data.size not in (1, channels):
        rule = f"what is added must be one number for each of {channels} output channels"
        raise Refused(user, f"{rule}, got {data.shape}")
    return np.broadcast_to(data.reshape(-1), (channels,))


def _in_units(
    user: Op, floats: NDArray[np.float64], unit: Float32Array, may_round: bool
) -> NDArray[np.int64]:
    """Floats as whole numbers of `unit`: they are, or may be rounded (half to even)."""
    steps = floats / unit.astype(np.float64)
    whole = np.rint(steps)
    near = np.maximum(BIAS_SCALE_TOLERANCE, np.abs(steps) * 2.0**-23)
    if not np.isfinite(steps).all():
        raise Refused(user, "the bias must be finite")
    if not may_round and (np.abs(steps - whole) > near).any():
        raise Refused(user, "the bias must be a multiple of input scale x weight scale", HELP_BIAS)
    return np.clip(whole, -(2.0**40), 2.0**40).astype(np.int64)


def added_constants(state: State, op: Op) -> tuple[Op, tuple[tuple[Op, int], ...]] | None:
    """The accumulating op under Adds of constants, and those operands; None if there is none."""
    extra: list[tuple[Op, int]] = []
    while op.kind == "add" and len(extra) < MAX_ADDED:
        constant = [index for index, name in enumerate(op.inputs) if _is_constant(state, name)]
        if len(constant) != 1:
            return None
        extra.append((op, constant[0]))
        below = state.values[op.inputs[1 - constant[0]]]
        if isinstance(below, Held | Literal) or below.op is None:
            return None
        op = below.op
    return (op, tuple(extra)) if op.kind in ACCUMULATING else None


def _is_constant(state: State, name: str) -> bool:
    tensor = state.held(name)
    is_integer = tensor is not None and tensor.data is not None
    return is_integer or isinstance(state.values[name], Literal)
