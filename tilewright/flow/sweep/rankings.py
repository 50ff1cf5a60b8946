"""The designs of a sweep by other tables of energies than the one that is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tilewright.dse.block_estimate import BlockEstimate
from tilewright.dse.energy.table import Floats
from tilewright.dse.energy.tables import TABLES, energy_table
from tilewright.dse.sweep import Kept
from tilewright.dse.sweep_collect import Findings
from tilewright.dse.sweep_file import TableRanking
from tilewright.dse.sweep_rankings import against_first, layer_energies, rankings_of, with_spread
from tilewright.dse.sweep_tasks import with_paths

from .metrics import ENERGY
from .set_up import SweepSetup


def with_rankings(findings: Findings, setup: SweepSetup) -> Findings:
    """The findings, with how far the order of designs depends on the table: by every table where
    layers are estimated, else by those that the spec names. After Ctrl-C they are as they were,
    but interrupted.
    """
    try:
        rankings = _rankings(setup, findings.kept)
    except KeyboardInterrupt:
        return replace(findings, result=replace(findings.result, was_interrupted=True))
    sources = dict(findings.sources)
    sources[ENERGY] = with_spread(sources[ENERGY], rankings)
    by_table = {one.table: one for one in rankings}
    for metric, table in setup.energy_tables.items():
        if table in by_table:
            sources[metric] = against_first(sources[metric], by_table[table])
    return replace(findings, sources=sources, rankings=rankings)


def _rankings(setup: SweepSetup, kept: Kept) -> tuple[TableRanking, ...]:
    numbers = _feasible(setup, kept)
    if len(numbers) < 2:
        return ()
    energies = _energies(setup, kept, numbers)
    tables = {name: energy_table(name) for name in energies}
    return rankings_of(energies, numbers, tables)


def _feasible(setup: SweepSetup, kept: Kept) -> list[int]:
    """Of the designs with metrics those that meet all constraints."""
    sweep, numbers = setup.sweep, sorted(kept)
    if not numbers:
        return []
    metrics = {
        name: np.array([kept[number][name] for number in numbers])
        for name in sweep.evaluation.metrics
    }
    columns = with_paths(sweep.space, sweep.goals, sweep.space.indices(numbers), metrics)
    is_good: NDArray[np.bool_] = np.all(sweep.goals.excesses(columns) <= 0, axis=1)
    return [number for number, good in zip(numbers, is_good, strict=True) if good]


def _energies(setup: SweepSetup, kept: Kept, numbers: list[int]) -> Mapping[str, Floats]:
    """By table, the believed one first."""
    sweep, estimate = setup.sweep, setup.sweep.evaluation.many
    first, *_ = energies = setup.energy_tables
    if isinstance(estimate, BlockEstimate):
        columns = sweep.space.columns_at(sweep.space.indices(numbers))
        names = dict.fromkeys((energies[first], *TABLES))
        tables = {name: TABLES[name] for name in names}
        return layer_energies(estimate.reader, estimate.ops, columns, tables)
    return {
        table: np.array([kept[number][metric] for number in numbers])
        for metric, table in energies.items()
    }
