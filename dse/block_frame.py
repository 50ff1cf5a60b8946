"""What the estimates of whole blocks share: machines from columns, metrics of those that there are,
reasons for the others.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.hw.lib.resources import counted_in

from .block_machines import Columns, Machines, Reader, is_none
from .block_parts import AreaModel
from .block_resources import Values, has_clock
from .energy.accelerator import Moved, accelerator_energy
from .energy.table import EnergyTable
from .sweep_tasks import REFUSED

METRICS = ("cycles", "latency_us", "bytes_off_chip", "energy_uj", "utilisation")
AREA = "area_um2"
CLOCK = "clock_mhz"
MILLION = 1e6
DIGITS = 16

Refusals = NDArray[np.object_]
"""By machine why it has no numbers; None: it has."""


@dataclass(frozen=True, kw_only=True)
class BlockFrame(ABC):
    """Metrics of columns of designs; may be sent to workers. `area`: cells and memories, for
    `area_um2`.
    """

    reader: Reader
    tables: tuple[EnergyTable, ...]
    family: str
    area: AreaModel | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Their names."""
        names = (*METRICS, *counted_in(self.family))
        clock = (CLOCK,) if has_clock(self.family) else ()
        area = () if self.area is None else (AREA,)
        return (*names, *clock, *area, *(f"energy_by_{table.name}" for table in self.tables[1:]))

    def digest_of(self, **more: Any) -> str:
        """Of what the numbers depend on, besides code and columns; `more` is plain data."""
        parts = {
            "spec": dict(self.reader.written),
            "tables": [table.name for table in self.tables],
            "family": self.family,
            "area": repr(self.area),
            **more,
        }
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]

    @abstractmethod
    def of_machines(self, machines: Machines) -> tuple[Mapping[str, Values], Refusals]:
        """Metrics of machines that there are, and why some of them have none."""

    def __call__(self, columns: Columns) -> dict[str, Any]:
        """One entry per design; under `REFUSED` why a design has no numbers.

        Raises:
            ValueError: a column is a key of the spec on which no metric depends.
        """
        unread = self.reader.unread(columns)
        if unread:
            raise ValueError(f"{', '.join(unread)}: has no effect on the estimate of a workload")
        rows = len(next(iter(columns.values())))
        machines = self.reader.machines(columns, rows)
        some = np.flatnonzero(is_none(machines.refusals))
        whole = {name: np.full(rows, np.nan) for name in self.metrics}
        if len(some):
            found, refusals = self.of_machines(machines.of(some))
            good = is_none(refusals)
            for name, values in found.items():
                whole[name][some[good]] = values[good]
            machines.refusals[some] = refusals
        return whole | {REFUSED: machines.refusals}

    def energies(self, moved: Moved) -> dict[str, Any]:
        """By each table, the first one's in uJ, those of the others in millions of their unit."""
        return {
            f"energy_by_{table.name}" if number else "energy_uj": (
                accelerator_energy(table, moved).total / MILLION
            )
            for number, table in enumerate(self.tables)
        }


def with_latency(found: Mapping[str, Values], machines: Machines) -> dict[str, Values]:
    """`found`, and the time of its cycles at the clock given, or else estimated."""
    clocks = np.array([hertz or math.nan for hertz in machines.clocks_hz], np.float64)
    clock_mhz: Values = clocks[machines.clock_of] / MILLION
    if CLOCK in found:
        clock_mhz = np.where(np.isnan(clock_mhz), found[CLOCK], clock_mhz)
    return {**found, "latency_us": found["cycles"] / clock_mhz}
