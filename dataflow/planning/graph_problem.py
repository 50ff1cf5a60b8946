"""The planning problem of an integer graph: its ops whole, its tensors in words of the scratchpad.

Activations lie there as `[channel block][everything else]` words of `lanes` bytes
(docs/architecture.md, section 4), so a tensor takes its channels rounded up to whole words. The
channels are the axis `C` of layout `BCYX`, else the last axis. A reshape moves nothing: its result
is another name of its input, and the larger of the two counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..graph import Graph, Op, Tensor
from ..number_formats import bits_of
from .graph_file import Weights
from .problem import Item, Problem, Step

WORD_ELEMENT_BITS = 8
ALIASES = ("reshape",)
FREE = 1 << 50


def scratchpad_bytes(tensor: Tensor, lanes: int) -> int:
    """Bytes of a tensor in words of `lanes` bytes: its channels fill whole words."""
    axis = tensor.layout.find("C") if len(tensor.layout) == len(tensor.shape) else -1
    channels = tensor.shape[axis] if tensor.shape else 1
    word_bits = lanes * WORD_ELEMENT_BITS
    blocks = -(-channels * _stored_bits(tensor) // word_bits)
    return blocks * math.prod(tensor.shape) // channels * lanes


def _stored_bits(tensor: Tensor) -> int:
    """Bits of an element in memory: 8, 16, 32 or 64."""
    return max(WORD_ELEMENT_BITS, 1 << (bits_of(tensor.number_format) - 1).bit_length())


def problem_of_graph(
    graph: Graph, lanes: int, budget: int | None = None, weights: Weights = "activations"
) -> Problem:
    """One operator per op that is no alias; without a budget the least that works.

    With `weights="all"` constants are tensors from memory, those with the same readers together.

    Raises:
        ValueError: if an op does not fit in the budget, or the graph has nothing to plan.
    """
    same = _aliases(graph)
    ops = [op for op in graph.ops if op.kind not in ALIASES]
    items: list[Item] = []
    place: dict[str, int] = {}
    for tensor in graph.tensors:
        if same.get(tensor.name, tensor.name) == tensor.name and tensor.role != "constant":
            place[tensor.name] = len(items)
            names = [tensor.name, *(name for name, base in same.items() if base == tensor.name)]
            size = max(scratchpad_bytes(graph.tensor(name), lanes) for name in names)
            items.append(Item(name=tensor.name, size=size))
    reads = {op.name: _reads(op, graph, same, place) for op in ops}
    if weights == "all":
        for readers, item in _constants(ops, graph, lanes):
            for reader in readers:
                reads[reader].append(len(items))
            items.append(item)
    steps = [
        Step(name=op.name, reads=tuple(reads[op.name]), writes=tuple(place[o] for o in op.outputs))
        for op in ops
    ]
    if not steps:
        raise ValueError(f"{graph.name} has no operator to plan")
    whole = Problem(name=graph.name, items=tuple(items), steps=tuple(steps), budget=FREE)
    return whole.with_budget(whole.least_budget if budget is None else budget)


def _aliases(graph: Graph) -> dict[str, str]:
    """For the result of each alias the tensor whose bytes it is."""
    same: dict[str, str] = {}
    for op in graph.ops:
        if op.kind in ALIASES:
            same[op.outputs[0]] = same.get(op.inputs[0], op.inputs[0])
    return same


def _reads(op: Op, graph: Graph, same: dict[str, str], place: dict[str, int]) -> list[int]:
    names = [same.get(name, name) for name in op.inputs]
    return list(dict.fromkeys(place[name] for name in names if name in place))


def _constants(ops: list[Op], graph: Graph, lanes: int) -> Iterator[tuple[tuple[str, ...], Item]]:
    """Groups of constants with the same readers, rounded up to whole words."""
    readers: dict[str, list[str]] = {}
    for op in ops:
        for name in dict.fromkeys(op.inputs):
            if graph.tensor(name).role == "constant":
                readers.setdefault(name, []).append(op.name)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, names in readers.items():
        groups.setdefault(tuple(names), []).append(name)
    for group, names in groups.items():
        tensors = [graph.tensor(name) for name in names]
        stored = sum(math.prod(t.shape) * _stored_bits(t) // 8 for t in tensors)
        name = f"weights of {', '.join(group)}"
        yield group, Item(name=name, size=-(-stored // lanes) * lanes)
