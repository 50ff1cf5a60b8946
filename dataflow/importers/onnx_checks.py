"""The structure of an ONNX model: what must hold before its nodes are looked at one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import onnx
from onnx import TensorProto

from tilewright.spec.diagnostics import Diagnostic

from .onnx_nodes.arrays import size_problem
from .onnx_nodes.node import STANDARD, node_path

MAX_NODES = 20_000
MAX_VALUES = 100_000
SHOWN_PROBLEMS = 20
EXPORT = "the file is damaged or not complete: export it again"
OLDEST_OPSET, NEWEST_OPSET = 7, int(onnx.defs.onnx_opset_version())
NEWEST_IR = int(onnx.IR_VERSION)


def structure_problems(model: onnx.ModelProto, file: str) -> list[Diagnostic]:
    """Faults that ONNX's checker misses, does not locate, or would follow into other files."""
    graph = model.graph
    if not all(isinstance(name, str) for name in _all_names(model)):
        return [Diagnostic.plain(file, "", "names must be text in UTF-8", help="export it again")]
    counts = [(len(graph.node), MAX_NODES, "nodes"), (_values(graph), MAX_VALUES, "values")]
    for count, most, noun in counts:
        if count > most:
            rule = f"a model has at most {most} {noun}"
            help_text = "cut it in models of their own"
            return [Diagnostic.plain(file, "", rule, value=str(count), help=help_text)]
    problems = list(_version_problems(model, file))
    if not graph.node:
        problems.append(Diagnostic.plain(file, "", "the model has no node", help=EXPORT))
    if not graph.output:
        problems.append(Diagnostic.plain(file, "", "the model has no output", help=EXPORT))
    problems += _input_problems(graph, file)
    problems += _tensor_problems(graph, file)
    problems += _name_problems(graph, file)
    return problems


def operator_help(node: onnx.NodeProto) -> str:
    """Where it says what an operator may be."""
    if node.domain not in STANDARD:
        return "change it where the model is made, and export it again"
    return f"what it may be: https://onnx.ai/onnx/operators/onnx__{node.op_type}.html"


def checker_problems(model: onnx.ModelProto, file: str, found: Exception) -> list[Diagnostic]:
    """What ONNX's checker says of each node; of the whole model only if no node is the reason."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {item.domain: item.version for item in model.opset_import}
    problems = []
    for node in model.graph.node:
        if any(item.HasField("g") or item.graphs for item in node.attribute):
            continue
        try:
            onnx.checker.check_node(node, context)
        except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
            rule, help_text = _first_line(error), operator_help(node)
            problems.append(Diagnostic.plain(file, node_path(node), rule, help=help_text))
    if problems:
        return problems
    rule = f"is not a sound ONNX model: {_first_line(found)}"
    return [Diagnostic.plain(file, "", rule, help=EXPORT)]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _values(graph: onnx.GraphProto) -> int:
    named = len(graph.initializer) + len(graph.input) + len(graph.output) + len(graph.value_info)
    return named + sum(len(node.output) for node in graph.node)


def _version_problems(model: onnx.ModelProto, file: str) -> Iterator[Diagnostic]:
    if model.ir_version > NEWEST_IR:
        yield Diagnostic.plain(
            file,
            "ir_version",
            f"must be at most {NEWEST_IR}",
            value=str(model.ir_version),
            help="export with an older version of ONNX",
        )
    domains = Counter("" if d.domain in STANDARD else d.domain for d in model.opset_import)
    for domain, times in domains.items():
        if times > 1:
            rule = f"is imported {times} times"
            yield Diagnostic.plain(
                file, f"operator set {domain or 'ai.onnx'}", rule, help="import it once"
            )
    for item in model.opset_import:
        if item.domain in STANDARD and not OLDEST_OPSET <= item.version <= NEWEST_OPSET:
            yield Diagnostic.plain(
                file,
                "operator set ai.onnx",
                f"must have a version of {OLDEST_OPSET} to {NEWEST_OPSET}",
                value=str(item.version),
                help="export with another opset, or use onnx.version_converter",
            )
    if "" not in domains and any(node.domain in STANDARD for node in model.graph.node):
        rule = "the model does not say its version"
        yield Diagnostic.plain(file, "operator set ai.onnx", rule, help=EXPORT)


def _input_problems(graph: onnx.GraphProto, file: str) -> Iterator[Diagnostic]:
    for item in graph.input:
        kind = item.type.WhichOneof("value")
        if kind is None or (kind == "tensor_type" and not item.type.tensor_type.HasField("shape")):
            rule = "its type and extents are not declared"
            help_text = "export with example inputs, or onnxruntime.tools.make_dynamic_shape_fixed"
            yield Diagnostic.plain(file, f"input {item.name}", rule, help=help_text)


def _tensor_problems(graph: onnx.GraphProto, file: str) -> Iterator[Diagnostic]:
    for item in graph.initializer:
        yield from _tensor_problem(item, f"tensor {item.name}", file)
    for sparse in graph.sparse_initializer:
        rule = "sparse constants are not supported"
        yield Diagnostic.plain(file, f"tensor {sparse.values.name}", rule, help="store it dense")
    for node in graph.node:
        for attribute in node.attribute:
            tensors = [attribute.t] if attribute.HasField("t") else []
            for item in (*tensors, *attribute.tensors):
                yield from _tensor_problem(item, node_path(node), file)
            if _holds_external(attribute):
                yield Diagnostic.plain(file, node_path(node), _EXTERNAL, help=_INSIDE)


_EXTERNAL = "values in other files are not read"
_INSIDE = "save the model with its weights inside (save_as_external_data=False)"


def _tensor_problem(item: TensorProto, place: str, file: str) -> Iterator[Diagnostic]:
    if item.data_location == TensorProto.EXTERNAL or item.external_data:
        yield Diagnostic.plain(file, place, _EXTERNAL, help=_INSIDE)
        return
    problem = size_problem(item)
    if problem is not None:
        is_type = problem.startswith("values of type")
        help_text = "export in float32" if is_type else EXPORT
        yield Diagnostic.plain(file, place, problem, help=help_text)


def _holds_external(attribute: onnx.AttributeProto) -> bool:
    """Whether a constant in a graph inside this attribute lies in another file."""
    graphs = [attribute.g] if attribute.HasField("g") else []
    waiting = [*graphs, *attribute.graphs]
    while waiting:
        graph = waiting.pop()
        inner = [item for node in graph.node for item in node.attribute]
        tensors = [*graph.initializer, *(item.t for item in inner)]
        if any(item.external_data for item in tensors):
            return True
        waiting += [item.g for item in inner if item.HasField("g")]
        waiting += [each for item in inner for each in item.graphs]
    return False


def all_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes, and those of graphs in their attributes."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for item in node.attribute:
            waiting += item.g.node
            for graph in item.graphs:
                waiting += graph.node


def _all_names(model: onnx.ModelProto) -> Iterator[object]:
    """Every name; protobuf gives one that is not UTF-8 as bytes."""
    graph = model.graph
    yield graph.name
    yield from (item.domain for item in model.opset_import)
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        yield item.name
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output)
    inner = (node for function in model.functions for node in function.node)
    for node in all_nodes([*graph.node, *inner]):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _name_problems(graph: onnx.GraphProto, file: str) -> Iterator[Diagnostic]:
    """Values made twice, and values used before they are made (cycles too)."""
    constants = [item.name for item in graph.initializer]
    known = set(constants)
    inputs = [item.name for item in graph.input if item.name not in known]
    made = Counter(constants + inputs)
    made.update(name for node in graph.node for name in node.output if name)
    for name, times in made.items():
        if times > 1:
            yield Diagnostic.plain(
                file, f"tensor {name}", f"is made {times} times", help="give each value its name"
            )
        if not name:
            yield Diagnostic.plain(file, "", "an input or a constant has no name", help=EXPORT)
    names = Counter(node.name for node in graph.node if node.name)
    for name, times in names.items():
        if times > 1:
            yield Diagnostic.plain(
                file, f"node {name}", f"{times} nodes have this name", help="names must differ"
            )
    ready = known | set(inputs)
    for node in graph.node:
        for name in node.input:
            if name and name not in ready:
                rule = f"input `{name}` is made by no earlier node"
                is_late = name in made
                help_text = "it comes later: a cycle, or nodes out of order" if is_late else EXPORT
                yield Diagnostic.plain(file, node_path(node), rule, help=help_text)
        ready.update(node.output)
    for item in graph.output:
        if not item.name or item.name not in ready:
            yield Diagnostic.plain(
                file, f"output {item.name}", "no node makes it", help="name a value of the model"
            )
