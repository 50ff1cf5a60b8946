"""How far the designs that a sweep prefers depend on its table of energies. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from tilewright.dataflow.streaming_sizes import Ops

from .block_counts import moved_by_ops
from .block_layout import Layout
from .block_machines import Columns, Reader
from .energy.accelerator import accelerator_energy
from .energy.ranking import agreement
from .energy.table import EnergyTable, Floats
from .sweep_file import MetricSource, TableRanking


def layer_energies(
    reader: Reader, ops: Ops, columns: Columns, tables: Mapping[str, EnergyTable]
) -> dict[str, Floats]:
    """By table the energies of machines on which the layers fit, in the table's unit."""
    rows = len(next(iter(columns.values())))
    layout = Layout(machines=reader.machines(columns, rows), ops=ops)
    moved = moved_by_ops(layout.arrays, ops, layout.tiling)
    of = layout.tilings.of
    return {name: accelerator_energy(table, moved).total[of] for name, table in tables.items()}


def rankings_of(
    energies: Mapping[str, Floats], numbers: Sequence[int], tables: Mapping[str, EnergyTable]
) -> tuple[TableRanking, ...]:
    """Each table against the first one, over the designs `numbers`; none of fewer than two."""
    if len(numbers) < 2 or len(energies) < 2:
        return ()
    first, *others = energies
    believed = np.asarray(energies[first], np.float64)
    found = []
    for name in others:
        own = np.asarray(energies[name], np.float64)
        both = agreement(first, believed, name, own)
        ratios = own / believed if tables[name].unit == tables[first].unit else None
        found.append(
            TableRanking(
                table=name,
                first=first,
                num_designs=len(numbers),
                tau=both.tau,
                loss=both.loss,
                best=int(numbers[int(own.argmin())]),
                best_of_first=int(numbers[int(believed.argmin())]),
                least_ratio=None if ratios is None else float(ratios.min()),
                most_ratio=None if ratios is None else float(ratios.max()),
            )
        )
    return tuple(found)


def ranking_text(one: TableRanking) -> str:
    """One sentence for people."""
    order = f"tau {one.tau:.2f} against {one.first} over {one.num_designs:,} designs"
    if one.best == one.best_of_first:
        return f"{order}; the same design, {one.best:,}, takes the least"
    more = f"the first table's best, {one.best_of_first:,}, {100 * one.loss:.1f} % more"
    return f"{order}; design {one.best:,} takes the least, {more}"


def with_spread(source: MetricSource, rankings: Sequence[TableRanking]) -> MetricSource:
    """The source of the first table's energy, its error with what other tables of its unit say of
    the same designs.
    """
    least = [one.least_ratio for one in rankings if one.least_ratio is not None]
    most = [one.most_ratio for one in rankings if one.most_ratio is not None]
    if not least or not most:
        return source
    return _with(source, f"other tables give {min(least):.2g} to {max(most):.2g} times as much")


def against_first(source: MetricSource, ranking: TableRanking) -> MetricSource:
    """The same of another table's energy, by what the first one says."""
    if ranking.least_ratio is None or ranking.most_ratio is None:
        return source
    ends = f"{1 / ranking.most_ratio:.2g} to {1 / ranking.least_ratio:.2g}"
    return _with(source, f"{ranking.first} gives {ends} times as much")


def _with(source: MetricSource, spread: str) -> MetricSource:
    error = f"{source.error}; {spread}" if source.error else spread
    return replace(source, error=error)
