"""Converters of ONNX nodes to ops of the model graph, found by domain and operator.

A converter is a function of the `Builder` and one `Node`:

    @converter("Relu")
    def relu(build: Builder, node: Node) -> None:
        build.op("relu", [node.input(0)], node.output)

It reads operands and attributes from the node, adds ops with `build.op` (for ops that only move
values `build.move`) and gives every output that is used a tensor, a constant (`build.fold`) or
another value (`build.alias`). What it cannot take it answers with `Refused(rule, help)`: the
message then names the node, and the nodes after it are still looked at. A converter may make any
number of ops; values between them get free names from `build.fresh`. A file of converters is
imported by `families`. Scales and zero points are read with `quantize.read_quantisation`; what the
integers of an operand stand for is said with `build.integers_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .node import Node, Refused

if TYPE_CHECKING:
    from ..onnx_builder import Builder

__all__ = ["Converter", "Node", "Refused", "converter", "find_converter", "supported_operators"]

MICROSOFT = "com.microsoft"
"""onnxruntime's own operators."""

Converter = Callable[["Builder", Node], None]
_CONVERTERS: dict[tuple[str, str], Converter] = {}


def converter(*op_types: str, domain: str = "") -> Callable[[Converter], Converter]:
    """Registers a function for these operators of a domain ("" is ONNX's own)."""

    def register(function: Converter) -> Converter:
        for op_type in op_types:
            if (domain, op_type) in _CONVERTERS:
                raise ValueError(f"{domain or 'ai.onnx'}.{op_type} already has a converter")
            _CONVERTERS[domain, op_type] = function
        return function

    return register


def find_converter(domain: str, op_type: str) -> Converter | None:
    return _CONVERTERS.get((domain, op_type))


def supported_operators(domain: str = "") -> tuple[str, ...]:
    """Names of the operators of a domain that have a converter, sorted."""
    return tuple(sorted(name for at, name in _CONVERTERS if at == domain))


def known_domains() -> Iterable[str]:
    return {domain for domain, _ in _CONVERTERS}
