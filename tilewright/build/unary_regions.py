"""Groups of nodes that are together a function of one value, such as Gelu spelled out with Erf.

An integer graph holds such a group as one table, exact for each integer of its input. Quantised
node by node, the values between them would be rounded too, and add to the error for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx

ELEMENTWISE = frozenset((
    "Add", "Clip", "Div", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mul", "Neg",
    "Pow", "Relu", "Sigmoid", "Sqrt", "Sub", "Swish", "Tanh",
))  # fmt: skip
SATURATING = ("Clip", "Relu")
"""They cost nothing behind the op that makes their input: they only narrow its range."""


def name_all_nodes(model: onnx.ModelProto) -> None:
    """Give each node without a name one of its own."""
    taken = {node.name for node in model.graph.node}
    for number, node in enumerate(model.graph.node):
        name = node.name or f"{node.op_type}_{number}"
        while not node.name and name in taken:
            name += "_"
        node.name = name
        taken.add(name)


def unary_regions(model: onnx.ModelProto) -> list[list[onnx.NodeProto]]:
    """The groups of two or more elementwise nodes that compute from one value and single numbers.

    Nodes are in the model's order, which is one in which they can run.
    """
    return list(_Regions(model).found())


class _Regions:
    """One pass over the nodes: from which value each result is computed."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.numbers = {item.name: list(item.dims) for item in self.graph.initializer}
        self.uses = Counter(name for node in self.graph.node for name in node.input)
        self.uses.update(item.name for item in self.graph.output)
        self.root_of: dict[str, str] = {}
        self.members: dict[str, list[onnx.NodeProto]] = {}

    def found(self) -> Iterator[list[onnx.NodeProto]]:
        for node in self.graph.node:
            root = self._root(node)
            if root is not None:
                self.root_of[node.output[0]] = root
                self.members.setdefault(root, []).append(node)
        return (nodes for nodes in self.members.values() if len(nodes) > 1)

    def _root(self, node: onnx.NodeProto) -> str | None:
        """The one value that the node's result is a function of, element by element."""
        if node.op_type not in ELEMENTWISE or len(node.output) != 1:
            return None
        values: list[str] = [name for name in node.input if name and not self._is_number(name)]
        if any(name in self.numbers for name in values):  # a constant per channel
            return None
        roots = {self.root_of.get(name, name) for name in values}
        if len(roots) != 1:
            return None
        is_first = values[0] not in self.root_of
        if node.op_type in SATURATING and is_first and self.uses[values[0]] == 1:
            return None
        return roots.pop()

    def _is_number(self, name: str) -> bool:
        dims = self.numbers.get(name)
        return dims is not None and all(extent == 1 for extent in dims)
