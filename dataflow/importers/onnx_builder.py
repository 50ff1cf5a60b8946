"""`Builder`: the model graph while it is made, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..graph import Op, Tensor
from ..number_formats import FLOAT, is_integer_format
from ..operators import KINDS
from ..shapes import AttributeValue, Shape
from .onnx_nodes.constants import move_constant
from .onnx_nodes.node import Refused
from .onnx_values import Values

MAX_MOVES = 100  # of integers, one after the other, before a node says what they stand for


class Builder(Values):
    """Values, and the ops that make them; converters of nodes work on it."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names)
        self.origin = ""  # of the ops made now: the node's name
        self.ops: list[Op] = []
        self.makers: dict[str, Op] = {}
        self.moved: dict[tuple[object, ...], str] = {}  # constants by how they were moved

    def maker(self, name: str) -> Op | None:
        """The op that makes a value; None for inputs and constants."""
        return self.makers.get(self.real(name))

    def number(self, name: str, what: str) -> float:
        """A constant of one number, quantised ones too (onnxruntime's quantiser writes those for
        the value of a Pad)."""
        maker = self.maker(name)
        if maker is not None and maker.kind == "dequantize":
            tensor = self.tensor(maker.inputs[0])
            if tensor.data is not None and tensor.data.size == 1:
                return float(tensor.dequantize(tensor.data).reshape(-1)[0])
        return super().number(name, what)

    def op(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        *,
        shape: Shape | None = None,
        **attributes: AttributeValue,
    ) -> str:
        """Adds an op on floats; returns `output`. `shape` is needed by `reshape` alone.

        Raises:
            Refused: if operands do not fit, are not floats, or the result is too large.
        """
        floats = [self.floats(name) for name in inputs]
        return self.raw_op(kind, floats, output, shape=shape, attributes=attributes)

    def move(
        self,
        kind: str,
        parts: Sequence[str],
        output: str,
        *,
        indices: Sequence[str] = (),
        shape: Shape | None = None,
        **attributes: AttributeValue,
    ) -> str:
        """Adds an op that only moves (or compares) values, on `parts`: floats; or quantised
        integers, which are dequantised, moved and quantised again (nothing is lost by that); or
        plain integers. `indices` are integer operands behind the parts."""
        if len(parts) == 1 and move_constant(self, kind, parts[0], output, shape, attributes):
            return output
        tensors = [self.tensor(name) for name in parts]
        first = tensors[0]
        if any(not _alike(first, tensor) for tensor in tensors[1:]):
            raise Refused("all parts must have the same type, scale and zero point")
        if first.number_format == FLOAT or not first.scale:
            return self.raw_op(
                kind,
                [*parts, *indices],
                output,
                shape=shape,
                attributes=attributes,
                number_format=first.number_format,
            )
        if first.axis is not None:
            raise Refused(f"`{first.name}` has a scale for each index of axis {first.axis}")
        floats = [self.dequantize(name, self.fresh(output, "part")) for name in parts]
        moved = self.fresh(output, "moved")
        self.raw_op(kind, [*floats, *indices], moved, shape=shape, attributes=attributes)
        return self.quantize(moved, output, first)

    def raw_op(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        *,
        attributes: Mapping[str, AttributeValue],
        shape: Shape | None = None,
        number_format: str = FLOAT,
        scale: tuple[float, ...] = (),
        zero_point: tuple[int, ...] = (),
        axis: int | None = None,
    ) -> str:
        """Adds any op, its result of any format."""
        tensors = [self.tensor(name) for name in inputs]
        try:
            result = Tensor(
                name=output,
                shape=self._extents(kind, tensors, attributes, shape),
                number_format=number_format,
                scale=scale,
                zero_point=zero_point,
                axis=axis,
                origin=output,
            )
            made = Op(
                name=f"{kind}_{len(self.ops)}",
                kind=kind,
                inputs=tuple(tensor.name for tensor in tensors),
                outputs=(output,),
                attributes=attributes,
                origin=self.origin,
            )
        except ValueError as error:
            raise Refused(str(error)) from None
        self.tensors[output] = result
        self.ops.append(made)
        self.makers[output] = made
        return output

    def _extents(
        self,
        kind: str,
        tensors: Sequence[Tensor],
        attributes: Mapping[str, AttributeValue],
        shape: Shape | None,
    ) -> Shape:
        extents = KINDS[kind].shape([tensor.shape for tensor in tensors], attributes)
        extents = shape if extents is None else extents
        if extents is None:
            raise ValueError("the extents of the result are not known")
        self.check_size(extents)
        return extents

    def quantize(self, source: str, output: str, like: Tensor) -> str:
        """Adds `quantize` to the format, scale and zero point of `like`."""
        return self.raw_op(
            "quantize",
            [source],
            output,
            attributes={},
            number_format=like.number_format,
            scale=like.scale,
            zero_point=like.zero_point,
            axis=like.axis,
        )

    def dequantize(self, source: str, output: str) -> str:
        """Adds `dequantize` of an integer tensor that has a scale."""
        if not self.tensor(source).scale:
            raise Refused(f"the integers of `{source}` have no scale")
        return self.raw_op("dequantize", [source], output, attributes={})

    def integers_of(
        self,
        name: str,
        scale: tuple[float, ...],
        zero_point: tuple[int, ...],
        axis: int | None,
        depth: int = 0,
    ) -> str:
        """What the integers of a value stand for; returns the tensor that says so. An input of the
        model, or a constant, learns it from its first reader; so do those that were moved since.

        Raises:
            Refused: if they were quantised with another scale or zero point.
        """
        tensor = self.tensor(name)
        if (tensor.scale, tensor.zero_point, tensor.axis) == (scale, zero_point, axis):
            return tensor.name
        if not is_integer_format(tensor.number_format):
            raise Refused(f"`{name}` must hold integers, got {tensor.number_format}")
        try:
            described = replace(tensor, scale=scale, zero_point=zero_point, axis=axis)
        except ValueError as error:
            raise Refused(str(error)) from None
        if not tensor.scale and tensor.role in ("input", "constant"):
            self.tensors[tensor.name] = described
            return tensor.name
        if tensor.role == "constant":
            self.spend(0 if tensor.data is None else tensor.data.nbytes)
            copy = self.fresh(tensor.name, "again")
            self.tensors[copy] = replace(described, name=copy)
            return copy
        if not tensor.scale and axis is None and depth < MAX_MOVES:
            return self._move_again(described, depth)
        raise Refused(
            f"scale and zero point must be those that `{name}` was quantised with",
            help="dequantise with the same constants, or put a QuantizeLinear in between",
        )

    def _move_again(self, result: Tensor, depth: int) -> str:
        """Integers that were moved before it was known what they stand for, moved as floats."""
        maker = self.makers[result.name]
        count = len(maker.inputs) if maker.kind == "concat" else 1
        floats = []
        for part in maker.inputs[:count]:
            known = self.integers_of(part, result.scale, result.zero_point, None, depth + 1)
            floats.append(self.dequantize(known, self.fresh(part, "floats")))
        attributes = dict(maker.attributes)
        if maker.kind == "pad":
            attributes["value"] = (maker.number("value") - result.zero_point[0]) * result.scale[0]
        moved = self.raw_op(
            maker.kind,
            [*floats, *maker.inputs[count:]],
            self.fresh(result.name, "moved"),
            attributes=attributes,
            shape=result.shape,
        )
        return self.quantize(moved, self.fresh(result.name, "again"), result)


def _alike(a: Tensor, b: Tensor) -> bool:
    same = (a.number_format, a.scale, a.zero_point, a.axis)
    return same == (b.number_format, b.scale, b.zero_point, b.axis)
