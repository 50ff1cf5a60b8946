"""Counting and decoding designs: a mixed radix whose digits hang from each other.

Free parameters form a forest: one with a condition hangs below the parameter that it asks. Each
has one *state* per value and one more where its condition does not hold. A state's *count* is
the number of ways to choose everything below it, so the size of a space is a product of sums,
exact without enumerating, and an index falls apart into digits by division, for all designs at
once. The last parameter varies fastest.

Indices are int64 where they fit, else Python integers in object arrays: NumPy computes with both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .space_domains import Parameter, Value

Array = NDArray[Any]
MAX_INT64 = 2**62


@dataclass(frozen=True, kw_only=True)
class Node:
    """A free parameter, what hangs below it, and in which of its states each of them is there."""

    parameter: Parameter
    values: tuple[Value, ...]
    children: tuple[Node, ...]

    @property
    def absent(self) -> int:
        """The state of a parameter whose condition does not hold."""
        return len(self.values)

    @cached_property
    def presence(self) -> tuple[tuple[bool, ...], ...]:
        """By child, by state of this node: whether the child's condition holds."""
        states = (*self.values, self.parameter.otherwise)
        return tuple(
            tuple(holds(child.parameter, state) for state in states) for child in self.children
        )

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Ways below each state, the absent one last."""
        return tuple(
            math.prod(
                child.total(is_there[state])
                for child, is_there in zip(self.children, self.presence, strict=True)
            )
            for state in range(len(self.values) + 1)
        )

    def total(self, is_present: bool) -> int:
        """Ways to choose this parameter and all below it."""
        return sum(self.counts[:-1]) if is_present else self.counts[-1]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First index of each state of a present parameter."""
        sums = [0]
        for count in self.counts[:-1]:
            sums.append(sums[-1] + count)
        return tuple(sums[:-1])


def holds(parameter: Parameter, state: Value | None) -> bool:
    """Whether the condition of `parameter` holds where the one it asks has the value `state`."""
    assert parameter.when is not None
    return state is not None and is_among(state, parameter.when.among)


def is_among(value: Value, values: Iterable[Value]) -> bool:
    """Whether `value` is one of `values`; `true` is not 1."""
    return any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in values)


def forest(parameters: Sequence[Parameter]) -> tuple[Node, ...]:
    """The free parameters as trees, in their order."""
    below: dict[str | None, list[Parameter]] = {}
    for parameter in parameters:
        if parameter.is_free:
            below.setdefault(parameter.when.path if parameter.when else None, []).append(parameter)

    def node(parameter: Parameter) -> Node:
        children = tuple(node(child) for child in below.get(parameter.path, ()))
        return Node(parameter=parameter, values=parameter.points(), children=children)

    return tuple(node(parameter) for parameter in below.get(None, ()))


def size_of(roots: Sequence[Node]) -> int:
    """The exact number of designs."""
    return math.prod(root.total(True) for root in roots)


def states_of(roots: Sequence[Node], indices: Array) -> dict[str, NDArray[np.int64]]:
    """By path the state of each design; `indices` are 0 up to the size, in any order."""
    states: dict[str, NDArray[np.int64]] = {}
    rest = indices
    for root in reversed(roots):
        total = root.total(True)
        _split(root, rest % total, np.ones(len(indices), dtype=bool), states)
        rest = rest // total
    return states


def _split(
    node: Node, local: Array, is_present: NDArray[np.bool_], states: dict[str, NDArray[np.int64]]
) -> None:
    """The states of `node` and of all below it from an index among their ways."""
    kind = local.dtype
    # Every state has at least one way, so no two starts are equal.
    found = np.searchsorted(np.array(node.starts, dtype=kind), local, side="right") - 1
    state = np.where(is_present, found, node.absent)
    states[node.parameter.path] = state
    rest = np.where(is_present, local - np.array((*node.starts, 0), dtype=kind)[state], local)
    pairs = list(zip(node.children, node.presence, strict=True))
    for child, is_there in reversed(pairs):
        child_present = np.array(is_there)[state]
        total = np.where(child_present, child.total(True), child.total(False)).astype(kind)
        _split(child, rest % total, child_present, states)
        rest = rest // total


def index_of(roots: Sequence[Node], states: Mapping[str, int]) -> int:
    """The index of the design with these states; those of absent parameters are not read."""
    index = 0
    for root in roots:
        index = index * root.total(True) + _joined(root, True, states)
    return index


def _joined(node: Node, is_present: bool, states: Mapping[str, int]) -> int:
    state = states[node.parameter.path] if is_present else node.absent
    below = 0
    for child, is_there in zip(node.children, node.presence, strict=True):
        present = is_there[state]
        below = below * child.total(present) + _joined(child, present, states)
    return below + (node.starts[state] if is_present else 0)


def index_array(size: int, indices: Iterable[int]) -> Array:
    """Indices in the narrowest kind of array that holds all of a space of `size` designs."""
    kind: Any = np.int64 if size <= MAX_INT64 else object
    return np.array(list(indices), dtype=kind)


def value_table(parameter: Parameter, values: Sequence[Value]) -> Array:
    """Values by state, the absent one last: int64, float64, bool or text, else objects."""
    has_absent = parameter.when is not None
    entries: list[Any] = [*values, *([parameter.otherwise] if has_absent else [])]
    kinds = {type(entry) for entry in entries}
    if kinds == {int, float}:
        return np.array(entries, dtype=np.float64)
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        return np.array(entries)
    table = np.empty(len(entries), dtype=object)
    table[:] = entries
    return table
