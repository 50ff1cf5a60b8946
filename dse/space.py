"""`Space`: the designs of a sweep, counted exactly, numbered, and decoded in blocks of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from .space_checks import SpaceError, conflicts_of
from .space_domains import Linked, Parameter, Value
from .space_tree import (
    Array,
    Node,
    forest,
    index_array,
    index_of,
    size_of,
    states_of,
    value_table,
)

BLOCK_DESIGNS = 1 << 16
Design = Mapping[str, Value | None]
Columns = dict[str, Array]


@dataclass(frozen=True, kw_only=True)
class Space:
    """All designs that `parameters` make, numbered from 0 to `size`; the last varies fastest.

    `known_paths` are the keys of the spec, for parameters that are not derived; none: not checked.

    Raises:
        SpaceError: with every mistake of the parameters.
    """

    parameters: tuple[Parameter, ...]
    known_paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        conflicts = conflicts_of(self.parameters, self.known_paths)
        if conflicts:
            raise SpaceError(conflicts)

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        """The free parameters as trees."""
        return forest(self.parameters)

    @cached_property
    def size(self) -> int:
        """Number of designs, exact."""
        return size_of(self.roots)

    @cached_property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters with values of their own, in their order."""
        return tuple(parameter for parameter in self.parameters if parameter.is_free)

    @cached_property
    def tables(self) -> Mapping[str, Array]:
        """By path of a free parameter its values by state, the absent one last."""
        return {p.path: value_table(p, p.points()) for p in self.free}

    def indices(self, numbers: Iterable[int]) -> Array:
        """Indices as the array that `columns_at` takes; `IndexError` outside of the space."""
        array = index_array(self.size, numbers)
        if len(array) and not (array.min() >= 0 and array.max() < self.size):
            raise IndexError(f"designs are 0 to {self.size - 1}, got {array.min()}..{array.max()}")
        return array

    def columns(self, start: int, stop: int) -> Columns:
        """The designs [start, stop) as one column per parameter."""
        return self.columns_at(self.indices(range(start, stop)))

    def columns_at(self, indices: Array) -> Columns:
        """The designs of `indices`: int64, float64, bool or text; objects where one may be None."""
        states = states_of(self.roots, indices)
        columns = {path: self.tables[path][state] for path, state in states.items()}
        for parameter in _in_order(self.parameters):
            if isinstance(parameter.domain, Linked):
                column = _linked(parameter.domain, columns)
                columns[parameter.path] = self._where_present(parameter, column, columns)
        return {parameter.path: columns[parameter.path] for parameter in self.parameters}

    def states_at(self, indices: Array) -> dict[str, Array]:
        """By free parameter the number of its value; one more than the last where it is absent."""
        states = states_of(self.roots, indices)
        return {parameter.path: states[parameter.path] for parameter in self.free}

    def blocks(self, designs: int = BLOCK_DESIGNS) -> Iterator[tuple[int, int]]:
        """The space in pieces [start, stop) of at most `designs`."""
        for start in range(0, self.size, designs):
            yield start, min(start + designs, self.size)

    def design(self, index: int) -> dict[str, Value | None]:
        """One design as plain values, by path; None where a key stays as the spec has it."""
        columns = self.columns_at(self.indices([index]))
        return {path: _plain(column[0]) for path, column in columns.items()}

    def settings(self, index: int) -> dict[str, Value]:
        """What the design writes into the spec: no derived parameters, none that is absent."""
        derived = {parameter.path for parameter in self.parameters if parameter.is_derived}
        design = self.design(index)
        return {path: v for path, v in design.items() if path not in derived and v is not None}

    def index_of_states(self, states: Mapping[str, int]) -> int:
        """The design with these states; what a condition leaves out is not read."""
        return index_of(self.roots, states)

    def index_of(self, design: Design) -> int:
        """The number of a design, from its free parameters.

        Raises:
            KeyError: a parameter is missing.
            ValueError: it has a value that it cannot have.
        """
        states = {p.path: self._state(p, design) for p in self.free}
        return self.index_of_states(states)

    def _state(self, parameter: Parameter, design: Design) -> int:
        values = parameter.points()
        if parameter.when is not None and not _is_present(parameter, design):
            return len(values)
        if design[parameter.path] not in values:
            raise ValueError(f"{parameter.path}: has no value {design[parameter.path]!r}")
        return values.index(design[parameter.path])

    def _where_present(self, parameter: Parameter, column: Array, columns: Columns) -> Array:
        if parameter.when is None:
            return column
        asked = columns[parameter.when.path]
        present = np.isin(asked, np.array(parameter.when.among, dtype=asked.dtype))
        if parameter.otherwise is not None and not isinstance(parameter.otherwise, str):
            return np.where(present, column, parameter.otherwise)
        whole = column.astype(object)
        whole[~present] = parameter.otherwise
        return whole

    def to_json(self) -> list[dict[str, Any]]:
        """The parameters as plain data: what makes this space this one."""
        return [_as_data(parameter) for parameter in self.parameters]


def _is_present(parameter: Parameter, design: Design) -> bool:
    assert parameter.when is not None
    return design.get(parameter.when.path) in parameter.when.among


def _in_order(parameters: tuple[Parameter, ...]) -> Iterator[Parameter]:
    """Sources before those that read them."""
    by_path = {parameter.path: parameter for parameter in parameters}
    done: set[str] = set()

    def visit(parameter: Parameter) -> Iterator[Parameter]:
        if parameter.path in done:
            return
        done.add(parameter.path)
        for source in parameter.sources:
            yield from visit(by_path[source])
        yield parameter

    for parameter in parameters:
        yield from visit(parameter)


def _linked(linked: Linked, columns: Columns) -> Array:
    """The column of a linked parameter; integers stay integers, exactly."""
    if linked.is_reference:
        return columns[linked.times[0]].copy()
    top = _product(linked.times, columns) * linked.factor
    if not linked.divided_by:
        return top
    bottom = _product(linked.divided_by, columns)
    if top.dtype.kind == "i" and bottom.dtype.kind == "i":
        quotient: Array = top // bottom if linked.rounding == "down" else -(-top // bottom)
        return quotient
    ratio: Array = top / bottom
    return ratio


def _product(paths: tuple[str, ...], columns: Columns) -> Array:
    product = _numbers(columns[paths[0]])
    for path in paths[1:]:
        product = product * _numbers(columns[path])
    return product


def _numbers(column: Array) -> Array:
    """A column of numbers, also where a spec's None would have made objects of them."""
    return column if column.dtype.kind in "if" else np.array(column.tolist())


def _plain(value: Any) -> Value | None:
    """A NumPy scalar as Python's."""
    plain: Value | None = value.item() if isinstance(value, np.generic) else value
    return plain


def _as_data(item: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": type(item).__name__.lower()}
    for field in fields(item):
        value = getattr(item, field.name)
        nested = hasattr(value, "__dataclass_fields__")
        data[field.name] = _as_data(value) if nested else value
    return data
