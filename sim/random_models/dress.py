"""What exporters do that changes nothing: no names, Identity, Dropout, Constant nodes."""

from __future__ import annotations

import onnx
from onnx import helper

from .draw import Draw

DRESSED_PERCENT = 10


def dress(draw: Draw, graph: onnx.GraphProto) -> None:
    """Some of it, in place; mostly nothing."""
    if draw.chance(DRESSED_PERCENT):
        for node in graph.node:
            node.ClearField("name")
    if draw.chance(DRESSED_PERCENT):
        _constants_as_nodes(draw, graph)
    if draw.chance(DRESSED_PERCENT):
        _pass_through(draw, graph)


def _constants_as_nodes(draw: Draw, graph: onnx.GraphProto) -> None:
    """Some initializers become Constant nodes, at the front."""
    kept = []
    for initializer in reversed(graph.initializer):
        if draw.chance(40):
            name = initializer.name
            node = helper.make_node("Constant", [], [name], f"Constant_{name}", value=initializer)
            graph.node.insert(0, node)
        else:
            kept.append(initializer)
    del graph.initializer[:]
    graph.initializer.extend(reversed(kept))


def _pass_through(draw: Draw, graph: onnx.GraphProto) -> None:
    """An Identity or a Dropout (which does nothing outside training) before some nodes."""
    constants = {initializer.name for initializer in graph.initializer}
    for index in reversed(range(len(graph.node))):
        node = graph.node[index]
        if not node.input or node.input[0] in constants or not draw.chance(15):
            continue
        source, made = node.input[0], f"{node.input[0]}_same{index}"
        is_integer = node.op_type == "DequantizeLinear"
        op_type = "Identity" if is_integer else draw.choice(("Identity", "Dropout"))
        node.input[0] = made
        graph.node.insert(index, helper.make_node(op_type, [source], [made], f"Pass_{made}"))
