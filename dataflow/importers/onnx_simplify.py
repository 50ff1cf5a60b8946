"""Calls of a model's own functions and branches that are decided: inlined before nodes are read.

onnx-ir inlines functions, onnxscript's optimizer computes the conditions of If and puts the branch
in its place. That happens only to models that have such nodes, and within limits that are checked
before: calls must end and must not multiply, and the optimizer computes small constants only. It
never touches QuantizeLinear and DequantizeLinear: they say what the integers mean. Other constants
are computed where nodes are read (`onnx_nodes.fold`), which needs no second pass over the model.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import onnx

from .onnx_checks import MAX_NODES, all_nodes, structure_problems

MAX_DEPTH = 64  # of calls in calls
MAX_CONSTANT = 4096  # elements of what the optimizer reads or makes
_COMPUTED = frozenset(
    ("Add", "And", "Cast", "Concat", "Div", "Equal", "Gather", "Greater", "GreaterOrEqual", "If",
     "Less", "LessOrEqual", "Mul", "Neg", "Not", "Or", "ReduceProd", "Reshape", "Shape", "Size",
     "Slice", "Squeeze", "Sub", "Unsqueeze", "Where")
)  # fmt: skip

Functions = Mapping[tuple[str, str], onnx.FunctionProto]


def simplified(model: onnx.ModelProto, extents: Mapping[str, Iterable[int]]) -> onnx.ModelProto:
    """The model without calls of its functions and without If nodes whose condition is known, as
    far as that can be had; the same model if it has none or if the libraries cannot do it (nodes
    that stay are refused later, by name). `extents` of the inputs decide computed conditions."""
    functions = {(item.domain, item.name): item for item in model.functions}
    nodes = model.graph.node
    has_calls = any((node.domain, node.op_type) in functions for node in nodes)
    if not has_calls and not any(node.op_type == "If" for node in nodes):
        return model
    if not _is_finite(model.graph, functions):
        return model
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    for item in bound.graph.input:
        dims = item.type.tensor_type.shape.dim
        for dim, extent in zip(dims, extents.get(item.name, ()), strict=False):
            dim.dim_value = extent
    talk = logging.getLogger("onnxscript")
    level = talk.level
    talk.setLevel(logging.CRITICAL)  # it reports on standard error what it cannot compute
    try:
        made = _optimized(bound)
    except Exception:  # whatever the libraries say about a model that is not sound
        return model
    finally:
        talk.setLevel(level)
    return model if structure_problems(made, "") else made


def _optimized(proto: onnx.ModelProto) -> onnx.ModelProto:
    import onnx_ir as ir  # half a second, and few models need it
    from onnx_ir.passes.common import InlinePass, RemoveUnusedNodesPass
    from onnxscript.optimizer import fold_constants

    model = ir.from_proto(proto)
    InlinePass()(model)
    fold_constants(
        model,
        input_size_limit=MAX_CONSTANT,
        output_size_limit=MAX_CONSTANT,
        should_fold=lambda node: None if node.op_type in _COMPUTED else False,
    )
    RemoveUnusedNodesPass()(model)
    return ir.to_proto(model)


def _is_finite(graph: onnx.GraphProto, functions: Functions) -> bool:
    """Whether all calls end, and make at most MAX_NODES nodes, without sequences (which a graph may
    split in as many parts as a value has)."""
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Iterable[onnx.NodeProto], depth: int) -> int:
        """Nodes after all calls are inlined; beyond MAX_NODES if they do not end."""
        total = 0
        for node in all_nodes(nodes):
            name = (node.domain, node.op_type)
            if depth > MAX_DEPTH or "Sequence" in node.op_type:
                return MAX_NODES + 1
            if name in functions:
                if name not in sizes:
                    sizes[name] = size(functions[name].node, depth + 1)
                total += sizes[name]
            total += 1
            if total > MAX_NODES:
                return total
        return total

    return size(graph.node, 0) <= MAX_NODES
