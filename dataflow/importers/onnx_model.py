"""`model_graph`: an ONNX model as a graph of what the file says, in floats and scales.

Float operators stay as they are, each `QuantizeLinear` and `DequantizeLinear` is an op; quantised
integers stand between those alone. Attributes are brought to one form (explicit pads, axes from the
front), names of ONNX are kept: `Tensor.origin` is a value's name, `Op.origin` a node's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from tilewright.spec.diagnostics import Diagnostic, SpecError

from ..graph import Graph, Op
from ..shapes import Shape
from .onnx_builder import Builder
from .onnx_checks import operator_help
from .onnx_clean import batch_symbols, input_tensor, opsets_of, true_inputs
from .onnx_file import initializers, node_path
from .onnx_nodes import families
from .onnx_nodes.fold import FOLDED, fold_node
from .onnx_nodes.node import STANDARD, Node, Refused, read_node
from .onnx_nodes.registry import find_converter, known_domains, supported_operators
from .onnx_patterns import recognise
from .onnx_simplify import simplified

__all__ = ["families", "model_graph"]

SHOWN = 200
OPERATORS_HELP = "build it of operators that docs/models.md lists, or end the model in front of it"
_EXPORT = "change it where the model is made, and export it again"


def model_graph(model: onnx.ModelProto, path: Path, batch: int | None = 1) -> Graph:
    """The model graph (level 1) of a model from `onnx_file`; `path` is for messages.

    Free first extents of the inputs become `batch`; with None fixed ones are taken as they are and
    free ones are 1.

    Raises:
        SpecError: with everything that is wrong or not supported, each with the node's name.
    """
    inlined = simplified(model, _known_extents(model.graph, batch))
    return _Reading(inlined, path, batch).graph()


def _known_extents(graph: onnx.GraphProto, batch: int | None) -> dict[str, Shape]:
    """Extents of the inputs that are as they must be."""
    extents, symbols = {}, batch_symbols(graph)
    for item in true_inputs(graph):
        with contextlib.suppress(Refused):  # reading says why
            extents[item.name] = input_tensor(item, batch, symbols).shape
    return extents


class _Reading:
    """One pass over inputs, nodes and outputs; collects diagnostics."""

    def __init__(self, model: onnx.ModelProto, path: Path, batch: int | None) -> None:
        self.model, self.path, self.batch = model, path, batch
        self.opsets = opsets_of(model)
        self.build = Builder(_names(model.graph))
        constants, self.diagnostics = initializers(model, path)
        self.lost = {item.name for item in model.graph.initializer} - set(constants)
        self.build.constants.update(constants)

    def graph(self) -> Graph:
        self._inputs()
        for proto in self.model.graph.node:
            self._node(proto)
        names = self._outputs()
        if self.diagnostics:
            raise SpecError(self._shown())
        recognise(self.build, {tensor for tensor, _ in names})
        ops, tensors = _alive(self.build, names)
        try:
            return Graph(name=self.model.graph.name or self.path.stem, ops=ops, tensors=tensors)
        except ValueError as error:
            raise SpecError([Diagnostic.plain(str(self.path), "", str(error))]) from None

    def _refuse(self, place: str, refused: Refused, help_text: str = _EXPORT) -> None:
        help_text = refused.help or help_text
        found = Diagnostic.plain(str(self.path), place, refused.rule, help=help_text)
        self.diagnostics.append(found)

    def _shown(self) -> list[Diagnostic]:
        if len(self.diagnostics) <= SHOWN:
            return self.diagnostics
        rest = Diagnostic.plain(str(self.path), "", f"and {len(self.diagnostics) - SHOWN} more")
        return [*self.diagnostics[:SHOWN], rest]

    def _inputs(self) -> None:
        symbols = batch_symbols(self.model.graph)
        for item in true_inputs(self.model.graph):
            try:
                self.build.tensors[item.name] = input_tensor(item, self.batch, symbols)
            except Refused as refused:
                self._refuse(f"input {item.name}", refused)
                self.lost.add(item.name)

    def _node(self, proto: onnx.NodeProto) -> None:
        """Take in one node; a node that needs a lost value is passed over if it is known."""
        self.build.origin = proto.name or next(iter(proto.output), "")
        try:
            domain = "" if proto.domain in STANDARD else proto.domain
            node = read_node(proto, self.opsets.get(domain, 1))
            convert = find_converter(domain, node.op_type)
            is_folded = self._is_folded(node)
            if convert is None and not is_folded:
                is_call = any(domain == f.domain for f in self.model.functions)
                raise _endless() if is_call else _foreign(node)
            if any(name in self.lost for name in node.inputs):
                self.lost.update(node.outputs)
            elif is_folded:
                self._fold(node, proto)
            elif convert is not None:
                convert(self.build, node)
        except Refused as refused:
            self._refuse(node_path(proto), refused, operator_help(proto))
            self.lost.update(proto.output)

    def _is_folded(self, node: Node) -> bool:
        if node.domain or node.op_type not in FOLDED:
            return False
        given = [name for name in node.inputs if name]
        return bool(given) and all(self.build.constant(name) is not None for name in given)

    def _fold(self, node: Node, proto: onnx.NodeProto) -> None:
        operands: list[NDArray[Any] | None] = [
            self.build.constant(name) if name else None for name in node.inputs
        ]
        self.build.spend(0, sum(array.nbytes for array in operands if array is not None))
        results = fold_node(node, proto, operands)
        for name, array in zip(filter(None, node.outputs), results, strict=True):
            self.build.fold(name, array)

    def _outputs(self) -> list[tuple[str, str]]:
        """Tensor and output name of each of the model's outputs."""
        found: dict[str, str] = {}
        for name in dict.fromkeys(item.name for item in self.model.graph.output):
            if name in self.lost:
                continue
            self.build.origin = name
            try:
                found[self._output_tensor(name, found)] = name
            except Refused as refused:
                self._refuse(f"output {name}", refused)
        return list(found.items())

    def _output_tensor(self, name: str, taken: dict[str, str]) -> str:
        """What makes an output; a copy if that is an input, a constant or another output."""
        tensor = self.build.tensor(name)
        if tensor.role == "intermediate" and tensor.name not in taken:
            return tensor.name
        source = tensor.name
        if source == name:
            array = self.build.constant(name)
            if array is None:
                raise Refused("is an input: nothing to compute")
            source = self.build.fold(self.build.fresh(name, "constant"), array)
        return self.build.raw_op(
            "reshape",
            [source],
            self.build.fresh(name, "copy"),
            attributes={},
            shape=tensor.shape,
            number_format=tensor.number_format,
            scale=tensor.scale,
            zero_point=tensor.zero_point,
            axis=tensor.axis,
        )


def _endless() -> Refused:
    return Refused(
        "functions of the model that call each other without end, or too often, are not supported",
        help="replace calls by their nodes: onnx.inliner.inline_local_functions",
    )


def _foreign(node: Node) -> Refused:
    known = supported_operators(node.domain)
    if not known:
        domains = ", ".join(sorted(filter(None, known_domains()))) or "none"
        return Refused(
            f"operator {node.op_type} is of the unknown domain {node.domain}",
            help=f"use standard operators, or those of {domains}",
        )
    whose = f" of {node.domain}" if node.domain else ""
    return Refused(
        f"operator {node.op_type}{whose} is not supported yet",
        help=f"supported: {', '.join(known)}" if node.domain else OPERATORS_HELP,
    )


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    for item in (*graph.initializer, *graph.input, *graph.output):
        yield item.name
    for node in graph.node:
        yield from node.input
        yield from node.output


def _alive(
    build: Builder, outputs: list[tuple[str, str]]
) -> tuple[tuple[Op, ...], tuple[Any, ...]]:
    """Ops and tensors that the outputs (and nothing else) need, outputs under their own names."""
    new_names = dict(outputs)
    used = set(new_names)
    ops = []
    for op in reversed(build.ops):
        if used.intersection(op.outputs):
            used.update(op.inputs)
            ops.append(op)
    tensors = []
    for tensor in build.tensors.values():
        if tensor.name in new_names:
            name = new_names[tensor.name]
            tensors.append(replace(tensor, name=name, origin=name, role="output"))
        elif tensor.name in used or tensor.role == "input":
            tensors.append(tensor)
    renamed = [
        replace(
            op,
            inputs=tuple(new_names.get(name, name) for name in op.inputs),
            outputs=tuple(new_names.get(name, name) for name in op.outputs),
        )
        for op in reversed(ops)
    ]
    return tuple(renamed), tuple(tensors)
