"""`sweep.json`: all that a sweep found, as frozen objects with their reader and writer. Pure.

No times and no paths of a machine are in it, so a sweep that was interrupted and resumed leaves the
same bytes as one that was not. Designs are named by their number in the space.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from tilewright.dataflow.serial import SerialError, plain, read_object

from .space_domains import Value
from .sweep_tasks import Failed

FORMAT: Final = "tilewright-sweep-1"
INDEX: Final = "index"
MAX_DESIGNS: Final = 100_000
"""Designs that the columns hold at most: the whole front, and an evenly spaced rest."""
_VALUE_TYPES: Final = {bool, int, float, str, type(None)}

Number = int | float
Column = tuple[Value | None, ...]


@dataclass(frozen=True, kw_only=True)
class SweptParameter:
    """A parameter with its values in the space, in their order, whatever was evaluated of it.

    `unit` is that of numbers (`B`, `s`, `Hz`), empty for counts and words. None among the values:
    a condition leaves the parameter out. Without `has_all` (a link with too many combinations) the
    values are those of the designs listed.
    """

    path: str
    values: tuple[Value | None, ...]
    is_derived: bool = False
    unit: str = ""
    has_all: bool = True

    @property
    def num_values(self) -> int:
        """Values where the parameter is not left out."""
        return sum(value is not None for value in self.values)


@dataclass(frozen=True, kw_only=True)
class SpaceSummary:
    """`size`: number of designs, exact."""

    size: int
    parameters: tuple[SweptParameter, ...]


@dataclass(frozen=True, kw_only=True)
class ObjectiveSummary:
    """What is made small (`min`) or large (`max`)."""

    metric: str
    direction: Literal["min", "max"]
    unit: str


@dataclass(frozen=True, kw_only=True)
class ConstraintSummary:
    """`minimum` <= metric <= `maximum`, and how many of the designs evaluated that rules out;
    alone: those that meet all other constraints.
    """

    name: str
    metric: str
    minimum: Number | None
    maximum: Number | None
    unit: str
    num_ruled_out: int
    num_ruled_out_alone: int


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the space the front speaks for: `exact`, all of it; `search`, what was evaluated.

    `hypervolume` is bounded by the worst feasible cost of each objective, in the objectives' units
    multiplied; None without a feasible design. `text` is the certificate, a sentence for people.
    `num_evaluated` designs have numbers, `num_failed` were evaluated and have none.
    """

    kind: Literal["exact", "search"]
    num_evaluated: int
    num_feasible: int
    hypervolume: float | None
    text: str
    num_failed: int = 0


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """Where a metric's numbers come from (which law or table), and how far off they may be: None
    where nobody has measured that.
    """

    unit: str
    provenance: str
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A number by estimate, and as measured in simulated RTL; whole numbers are `int`."""

    estimated: Number
    measured: Number

    def __post_init__(self) -> None:
        for name in ("estimated", "measured"):
            value = getattr(self, name)
            if isinstance(value, float) and value.is_integer():
                object.__setattr__(self, name, int(value))


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A design that was generated and simulated. `is_equal`: every metric measured is as estimated,
    and every value the right one. `error`: why there is no measurement, or what was wrong.
    """

    index: int
    why: Literal["best", "random"]
    metrics: Mapping[str, Compared]
    is_equal: bool
    has_conflicts: bool
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class TableRanking:
    """How far a table of energies agrees with the `first` one, over designs that meet all
    constraints.

    `tau` is Kendall's; `loss`: how much more energy, by this table, the first one's best design
    takes than its own best (0.1 = a tenth more); `least_ratio` and `most_ratio` of its energies to
    the first one's, None where the units differ.
    """

    table: str
    first: str
    num_designs: int
    tau: float
    loss: float
    best: int
    best_of_first: int
    least_ratio: float | None
    most_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """The whole. `columns` has `index`, then a column for each parameter and each metric, a row for
    each design in the order of their numbers; `num_left_out` designs evaluated have no row. `front`
    are numbers of designs, all in `index`. `context` is what every number depends on, `base` are
    the keys of the spec that are not swept, with their defaults.
    """

    name: str
    context: Mapping[str, str]
    was_interrupted: bool
    space: SpaceSummary
    objectives: tuple[ObjectiveSummary, ...]
    constraints: tuple[ConstraintSummary, ...]
    coverage: Coverage
    metrics: Mapping[str, MetricSource]
    columns: Mapping[str, Column]
    front: tuple[int, ...]
    num_left_out: int = 0
    notes: tuple[str, ...] = ()
    failures: tuple[Failed, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    rankings: tuple[TableRanking, ...] = ()
    base: Mapping[str, Value] = field(default_factory=dict)

    def row_of(self, index: int) -> int:
        """The row of a design in the columns; `KeyError` if it has none."""
        numbers: Any = self.columns[INDEX]
        row = bisect_left(numbers, index)
        if row == len(numbers) or numbers[row] != index:
            raise KeyError(f"design {index} has no row")
        return row


def sweep_file_text(file: SweepFile) -> str:
    """The file's text: one spelling, and a line for each key and column."""
    data = {"format": FORMAT, **plain(file)}
    lines = [f"{_compact(key)}: {_lines(key, value)}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def parse_sweep_file(text: str) -> SweepFile:
    """The object that `sweep_file_text` wrote.

    Raises:
        SerialError: it is not such a text, with the path of what is wrong.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SerialError(f"is no JSON: {error}") from None
    if not isinstance(data, dict) or "format" not in data:
        raise SerialError("is no sweep: there is no key `format`")
    if data["format"] != FORMAT:
        raise SerialError(f"format: must be {FORMAT}, got {data['format']!r}")
    rest = {key: value for key, value in data.items() if key not in ("format", "columns")}
    file: SweepFile = read_object(SweepFile, {**rest, "columns": {}}, "sweep")
    file = replace(file, columns=_read_columns(data.get("columns")))
    _check(file)
    return file


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _lines(key: str, value: Any) -> str:
    """A value on one line, but each of the columns on its own."""
    if key != "columns":
        return _compact(value)
    inner = ",\n".join(f"  {_compact(name)}: {_compact(column)}" for name, column in value.items())
    return "{\n" + inner + "\n}"


def _read_columns(data: object) -> dict[str, Column]:
    if not isinstance(data, dict):
        raise SerialError(f"sweep.columns: must be an object, got {type(data).__name__}")
    for name, column in data.items():
        if not isinstance(column, list) or not set(map(type, column)) <= _VALUE_TYPES:
            raise SerialError(f"sweep.columns.{name}: must be a list of plain values")
    return {name: tuple(column) for name, column in data.items()}


def _check(file: SweepFile) -> None:
    """Rules between the keys."""
    numbers = file.columns.get(INDEX)
    if numbers is None:
        raise SerialError(f"sweep.columns: missing keys: {INDEX}")
    whole = [number for number in numbers if type(number) is int]
    if sorted(set(whole)) != list(numbers):
        raise SerialError(f"sweep.columns.{INDEX}: must be rising whole numbers")
    names = [INDEX, *(parameter.path for parameter in file.space.parameters), *file.metrics]
    if sorted(names) != sorted(file.columns):
        raise SerialError("sweep.columns: must be index, the parameters and the metrics")
    for name, column in file.columns.items():
        if len(column) != len(numbers):
            raise SerialError(f"sweep.columns.{name}: {len(column)} rows, index {len(numbers)}")
    without_row = sorted(set(file.front) - set(numbers))
    if without_row:
        raise SerialError(f"sweep.front: design {without_row[0]} has no row")
