"""The vectorised estimate: cycles, bytes, energy, resources and clock of all designs of a block.

Every number comes from the part that is asked for one design as well: cycles of the arrays from
their laws, tiles and traffic from the streaming schedules, energy from a published table, resources
from their model. Whatever depends on a few keys is computed once for each combination of their
values; what depends on all of them are the cycles, for designs times layers at once.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.streaming_sizes import Ops

from tilewright.spec import AcceleratorSpec

from .block_counts import moved_by_ops
from .block_layout import Layout
from .block_machines import Columns, Reader, is_none, reader_of
from .block_parts import AreaModel, areas_of_parts, part_kinds, resources_of_parts
from .block_resources import Values, has_clock
from .block_timing import cycles_of
from .energy.accelerator import accelerator_energy
from .energy.table import EnergyTable
from .sweep_tasks import REFUSED, Evaluation
from .workloads.layers import Workload

METRICS = ("cycles", "latency_us", "bytes_off_chip", "energy_uj", "utilisation",
           "lut", "ff", "dsp", "ram_blocks")  # fmt: skip
AREA = "area_um2"
MILLION = 1e6
NO_ROOM = "accelerator.scratchpad: the layers do not fit"


def block_evaluation(
    workload: Workload,
    spec: AcceleratorSpec,
    tables: Sequence[EnergyTable],
    *,
    family: str,
    area: AreaModel | None = None,
) -> Evaluation:
    """`workload`, its layers streamed one after the other, on `spec` with its keys varied.

    `energy_uj` is by the first of `tables`; each other one gives a metric `energy_by_NAME`, in
    millions of its unit. Resources and clock are those of `family`; the clock is a metric where the
    family has an estimate of it. Seconds are at the spec's clock, else at the estimated one.
    `area`: cells and memories, for `area_um2`.

    Raises:
        ValueError: the first table has another unit than pJ; the spec streams no layers; there is
            no clock.
    """
    if tables[0].unit != "pJ":
        raise ValueError(f"energy: {tables[0].name} has the unit {tables[0].unit}, needs pJ")
    if not has_clock(family) and spec.clock_hz is None:
        raise ValueError(f"clock: has no estimate for {family}, write one")
    estimate = BlockEstimate(
        reader=reader_of(spec),
        ops=ops_of(workload),
        workload=workload,
        tables=tuple(tables),
        family=family,
        area=area,
    )
    digest = hashlib.sha256(json.dumps(_identity(workload, estimate)).encode()).hexdigest()[:16]
    return Evaluation(
        name=f"block_estimate {workload.name} {digest}", metrics=estimate.metrics, many=estimate
    )


@dataclass(frozen=True, kw_only=True)
class BlockEstimate:
    """Metrics of columns of designs; may be sent to workers."""

    reader: Reader
    ops: Ops = field(repr=False)
    workload: Workload = field(repr=False)
    tables: tuple[EnergyTable, ...]
    family: str
    area: AreaModel | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Their names."""
        clock = ("clock_mhz",) if has_clock(self.family) else ()
        area = () if self.area is None else (AREA,)
        return (*METRICS, *clock, *area, *(f"energy_by_{table.name}" for table in self.tables[1:]))

    def __call__(self, columns: Columns) -> dict[str, Values]:
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
            layout = Layout(machines=machines.of(some), ops=self.ops)
            is_fitting = layout.tiling.is_fitting[layout.tilings.of]
            for name, values in self._of(layout).items():
                whole[name][some[is_fitting]] = values[is_fitting]
            machines.refusals[some[~is_fitting]] = NO_ROOM
        return whole | {REFUSED: machines.refusals}

    def _of(self, layout: Layout) -> dict[str, Values]:
        """Metrics of machines, whether the layers fit or not."""
        cycles, pes = cycles_of(layout), layout.engine("rows") * layout.engine("cols")
        moved = moved_by_ops(layout.arrays, self.ops, layout.tiling)
        of, parts = layout.tilings.of, part_kinds(layout)
        found = {
            "cycles": cycles,
            "bytes_off_chip": np.asarray(moved.bytes_off_chip)[of],
            "utilisation": self.workload.macs / (cycles * pes),
            **resources_of_parts(parts, self.family),
        }
        if self.area is not None:
            found[AREA] = areas_of_parts(parts, self.area)
        for number, table in enumerate(self.tables):
            name = f"energy_by_{table.name}" if number else "energy_uj"
            found[name] = accelerator_energy(table, moved).total[of] / MILLION
        clocks = [hertz or math.nan for hertz in layout.machines.clocks_hz]
        clock_mhz = np.array(clocks)[layout.machines.clock_of] / MILLION
        if "clock_mhz" in found:
            clock_mhz = np.where(np.isnan(clock_mhz), found["clock_mhz"], clock_mhz)
        return found | {"latency_us": cycles / clock_mhz}


def ops_of(workload: Workload) -> Ops:
    """The distinct products of a workload, in its order, with their numbers."""
    return products_of(workload)[0]


def products_of(workload: Workload) -> tuple[Ops, NDArray[np.intp]]:
    """The same, and for each layer the place of its product among them."""
    columns = workload.columns()
    sizes = np.stack([columns[name] for name in "MKN"], axis=1)
    _, first, of = np.unique(sizes, axis=0, return_index=True, return_inverse=True)
    count = np.bincount(of.ravel(), weights=columns["repeats"]).astype(np.float64)
    order = np.argsort(first)
    M, K, N = sizes[first[order]].T.astype(np.float64)
    return Ops(M=M, K=K, N=N, count=count[order]), np.argsort(order)[of.ravel()]


def _identity(workload: Workload, estimate: BlockEstimate) -> dict[str, Any]:
    """What the numbers depend on, besides code and columns."""
    return {
        "layers": [repr(layer) for layer in workload.layers],
        "spec": dict(estimate.reader.written),
        "tables": [table.name for table in estimate.tables],
        "family": estimate.family,
        **({} if estimate.area is None else {"area": repr(estimate.area)}),
    }
