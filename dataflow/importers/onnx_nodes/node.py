"""One node of an ONNX file as converters see it: names of values, attributes, version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .arrays import array_of

STANDARD = ("", "ai.onnx")


class Refused(Exception):
    """A node breaks a rule: `rule` says which one, `help` what to do."""

    def __init__(self, rule: str, help: str | None = None) -> None:
        super().__init__(rule)
        self.rule, self.help = rule, help


@dataclass(frozen=True, kw_only=True)
class Node:
    """`name` is the node's own, else its first output; a left-out input or output is "".

    `opset` is the version of the operator set of `domain` ("" for the standard one) that the model
    asks for. `attributes` holds int, float, str, tuple of those, or an array for a tensor.
    """

    name: str
    op_type: str
    domain: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def output(self) -> str:
        """The first result."""
        return self.outputs[0]

    def has_input(self, index: int) -> bool:
        return index < len(self.inputs) and bool(self.inputs[index])

    def input(self, index: int, what: str = "") -> str:
        """The value at operand `index`.

        Raises:
            Refused: if it is left out; `what` names it.
        """
        if not self.has_input(index):
            raise Refused(f"needs its input {index + 1}{f' ({what})' if what else ''}")
        return self.inputs[index]

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        if type(value) is not int:
            raise Refused(f"attribute {name} must be an integer, got {value!r}")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.attributes.get(name, default)
        if type(value) not in (int, float) or not np.isfinite(value):
            raise Refused(f"attribute {name} must be a finite number, got {value!r}")
        return float(value)

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise Refused(f"attribute {name} must be a text, got {value!r}")
        return value

    def integers(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """An attribute that lists integers; without a default it must be there."""
        value = self.attributes.get(name, default)
        if not isinstance(value, tuple) or not all(type(item) is int for item in value):
            raise Refused(f"attribute {name} must list integers, got {value!r}")
        return value

    def only(self, name: str, *allowed: int | float | str) -> None:
        """Refuses an attribute whose value is not the first of `allowed` (what is left out) nor
        another of them."""
        value = self.attributes.get(name, allowed[0])
        if value not in allowed:
            wanted = " or ".join(map(str, allowed))
            raise Refused(f"{name} must be {wanted}, got {value}")

    def sole_output(self) -> str:
        """The first result, of a node that may not be asked for more.

        Raises:
            Refused: if a further result has a name.
        """
        more = [name for name in self.outputs[1:] if name]
        if more:
            raise Refused(f"only its first output is supported, `{more[0]}` is another")
        return self.outputs[0]


def read_node(proto: onnx.NodeProto, opset: int) -> Node:
    """The node, its attributes decoded.

    Raises:
        Refused: if an attribute holds a graph or another thing that is not supported.
    """
    return Node(
        name=node_name(proto),
        op_type=proto.op_type,
        domain="" if proto.domain in STANDARD else proto.domain,
        opset=opset,
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
        attributes={item.name: _attribute(item) for item in proto.attribute},
    )


def node_name(proto: onnx.NodeProto) -> str:
    return proto.name or (proto.output[0] if proto.output else "?")


def node_path(proto: onnx.NodeProto) -> str:
    """How messages name a node: its own name, else the first value it makes."""
    return f"node {node_name(proto)} ({proto.op_type})"


def _attribute(item: onnx.AttributeProto) -> int | float | str | tuple[Any, ...] | NDArray[Any]:
    if item.type == item.TENSOR:
        return _array(item)
    if item.type in (item.GRAPH, item.GRAPHS):
        raise Refused(
            "nodes that run a graph of their own (If, Loop, Scan) are not supported",
            help="export with fixed control flow, or let onnxscript.optimizer fold it",
        )
    simple = (item.INT, item.FLOAT, item.STRING, item.INTS, item.FLOATS, item.STRINGS)
    if item.type not in simple or item.ref_attr_name:
        raise Refused(f"attribute {item.name} is of a type that is not supported")
    value = onnx.helper.get_attribute_value(item)
    try:
        if isinstance(value, bytes):
            return value.decode()
        if item.type == item.STRINGS:
            return tuple(part.decode() for part in value)
    except UnicodeDecodeError:
        raise Refused(f"attribute {item.name} is not text in UTF-8") from None
    return value if isinstance(value, (int, float)) else tuple(value)


def _array(item: onnx.AttributeProto) -> NDArray[Any]:
    try:
        return array_of(item.t)
    except ValueError as error:
        raise Refused(f"attribute {item.name}: {error}") from None
