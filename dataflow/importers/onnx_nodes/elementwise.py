"""Add, Sub, Mul, Div, Pow and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

_BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow"}


@converter(*_BINARY)
def binary(build: Builder, node: Node) -> None:
    """Operands broadcast by NumPy's rule."""
    build.op(_BINARY[node.op_type], [node.input(0), node.input(1)], node.output)


@converter("Sum")
def total(build: Builder, node: Node) -> None:
    """Adds from left to right."""
    first, *rest = [node.input(index) for index in range(len(node.inputs))]
    if not rest:
        build.alias(node.output, build.floats(first))
        return
    for more in rest[:-1]:
        first = build.op("add", [first, more], build.fresh(node.output, "sum"))
    build.op("add", [first, rest[-1]], node.output)


@converter("Neg")
def negative(build: Builder, node: Node) -> None:
    minus = build.numbers(node.output, "minus", -1.0)
    build.op("mul", [node.input(0), minus], node.output)


@converter("Sqrt")
def square_root(build: Builder, node: Node) -> None:
    half = build.numbers(node.output, "half", 0.5)
    build.op("pow", [node.input(0), half], node.output)


@converter("Reciprocal")
def reciprocal(build: Builder, node: Node) -> None:
    one = build.numbers(node.output, "one", 1.0)
    build.op("div", [one, node.input(0)], node.output)


@converter("Min", "Max")
def limits(build: Builder, node: Node) -> None:
    """`clip` by one constant number; the greatest of several activations is not supported."""
    largest = float(np.finfo(np.float32).max)
    names = [node.input(index) for index in range(len(node.inputs))]
    if len(names) == 1:
        build.alias(node.output, build.floats(names[0]))
        return
    numbers = [name for name in names if _is_number(build, name)]
    if len(names) != 2 or len(numbers) != 1:
        raise Refused(f"{node.op_type} is supported of a value and one constant number")
    (source,) = (name for name in names if name != numbers[0])
    limit = build.number(numbers[0], "the limit")
    low, high = (limit, largest) if node.op_type == "Max" else (-largest, limit)
    build.op("clip", [source], node.output, minimum=low, maximum=high)


def _is_number(build: Builder, name: str) -> bool:
    values = build.constant(name)
    return values is not None and values.size == 1
